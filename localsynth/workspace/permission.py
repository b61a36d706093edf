"""What a method may see of a dataset: the owner's policy, and a privacy budget's demands."""

from __future__ import annotations

from localsynth.core.contracts import Method
from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, PolicyError, RecipeError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Run
from localsynth.store import datasets
from localsynth.store.session import Store

__all__ = [
    "allow",
    "allow_budget",
    "allow_condition",
    "may_have_rows",
    "may_have_targets",
    "reads_targets",
    "seen_by",
    "sees_targets_alone",
    "still_shown",
]

_SHOWN = {
    Exposure.SCHEMA: "the description of the table",
    Exposure.STATISTICS: "statistics of the real rows",
    Exposure.ROWS: "real rows",
}


def reads_targets(method: Method) -> bool:
    """Does it ask for target statistics?"""
    return bool(getattr(method, "reads_targets", False))


def seen_by(method: Method) -> Exposure:
    """What a method sees of a dataset: what it declares, and statistics where it asks for them, whatever it declares."""
    return max(method.exposure, Exposure.STATISTICS) if reads_targets(method) else method.exposure


def sees_targets_alone(method: Method) -> bool:
    """Does it see real rows through target statistics alone? One of exposure ``ROWS`` sees the rows beside them."""
    return reads_targets(method) and method.exposure < Exposure.ROWS


def may_have_rows(dataset: Dataset, method: Method) -> bool:
    """Whether a method is handed real rows: one that declares them, or one without a model that counts statistics itself.

    Asked where they are handed over, whatever was allowed before.
    """
    if method.exposure >= Exposure.ROWS:
        return dataset.policy >= Exposure.ROWS
    counts = method.exposure is Exposure.STATISTICS and not method.needs_model and not reads_targets(method)
    return counts and dataset.policy >= Exposure.STATISTICS


def may_have_targets(recipe: Recipe, dataset: Dataset, method: Method) -> bool:
    """Whether a method is handed target statistics. Asked where they are handed over, whatever was allowed before."""
    public = recipe.dataset.statistics is not None
    return reads_targets(method) and (public or dataset.policy >= Exposure.STATISTICS)


def still_shown(store: Store, run: Run) -> bool:
    """Whether what a run showed its model may be looked at under the policy its dataset has today."""
    recipe = Recipe.model_validate_json(run.recipe_json)
    public = recipe.dataset.statistics is not None and run.exposure < Exposure.ROWS
    return public or run.exposure <= datasets.get(store, run.dataset).policy


def allow(recipe: Recipe, dataset: Dataset, method: Method) -> None:
    """Raise ``PolicyError`` where the method would see more than it may, ``DatasetError`` where there is nothing to see.

    Published statistics are public: a method that reads them instead of rows needs no more than them.
    """
    if reads_targets(method) and method.exposure >= Exposure.ROWS and not dataset.train_rows:
        has = "published statistics alone" if recipe.dataset.statistics is not None else "none"
        raise DatasetError(
            f"the method {method.name} needs real rows, and the dataset '{dataset.name}' has {has}",
            "import a table (localsynth import FILE), or choose a method of exposure statistics (llmsynthor) for"
            " published statistics",
        )
    published = recipe.dataset.statistics is not None and sees_targets_alone(method)
    allowed = max(dataset.policy, Exposure.STATISTICS) if published else dataset.policy
    seen = seen_by(method)
    if seen > allowed:
        raise PolicyError(
            f"the method {method.name} shows the model {_SHOWN[seen]}, but the policy of dataset"
            f" '{dataset.name}' allows no more than: {dataset.policy.label}",
            f"choose a method of exposure {dataset.policy.label} (`localsynth methods list`), or, if you own the data,"
            f" `localsynth schema set {dataset.name} --policy {seen.label}`",
        )
    if recipe.privacy.epsilon is not None:
        _allow_privately(dataset, method)
    if reads_targets(method) and not published and not dataset.train_rows:
        raise DatasetError(
            f"the method {method.name} needs statistics, and the dataset '{dataset.name}' has no rows to take them from",
            'name a file of published ones in the recipe ([dataset] statistics = "FILE"), or import a table'
            " (localsynth import FILE)",
        )


def _allow_privately(dataset: Dataset, method: Method) -> None:
    """A run with a privacy budget may depend on the rows through noisy statistics alone."""
    allow_budget(method)
    if not dataset.declared:
        raise PolicyError(
            f"the recipe names a privacy budget (epsilon), but the schema of '{dataset.name}' was inferred from its rows:"
            " its ranges and categories tell of single rows, and no budget covers that",
            f"`localsynth schema export {dataset.name} -o FILE`, check every range and category against what is publicly"
            f" known, delete its line 'inferred = true', then `localsynth schema set {dataset.name} FILE`",
        )


def allow_budget(method: Method) -> None:
    """Raise ``PolicyError`` where a method cannot keep a privacy budget, whatever the dataset is."""
    if seen_by(method) >= Exposure.STATISTICS and not sees_targets_alone(method):
        raise PolicyError(
            f"the recipe names a privacy budget (epsilon), but the method {method.name} reads the real rows as they are",
            "choose a method that reads target statistics (llmsynthor), or leave out epsilon",
        )


def allow_condition(method: Method) -> None:
    """Raise ``RecipeError`` where a method cannot make rows under a condition."""
    if getattr(method, "conditional", False):
        return
    from localsynth.methods import registry

    able = [name for name in registry.names() if getattr(registry.get(name), "conditional", False)]
    raise RecipeError(
        f"the method {method.name} cannot make rows under a condition (where)",
        f"choose a method that can: {', '.join(able) or 'none is installed'}; or leave out where",
    )
