"""From what a recipe says of its table to a dataset in the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, NotFound, RecipeError
from localsynth.core.nearest import nearest
from localsynth.core.recipe import DatasetSpec, Recipe
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.linked import Follow
from localsynth.store.session import Store

__all__ = ["aimed", "declared_schema", "ensure", "ensure_dataset", "schema_changes"]

Say = Callable[[str], None]
SAMPLE = "sample:"


def declared_schema(spec: DatasetSpec, folder: Path) -> Schema | None:
    """The schema file of a recipe, with the recipe's target; ``None`` where it names none. Raises ``SchemaError``."""
    if spec.schema_file is None:
        return None
    return aimed(Schema.load(folder / spec.schema_file), spec.target)


def ensure_dataset(store: Store, recipe: Recipe, folder: Path, say: Say) -> Dataset:
    """The recipe's dataset: as it is, imported or declared on first use, or with the recipe's schema put in place.

    folder : what relative paths in the recipe start from. say : told what is done.
    """
    tie = recipe.parent
    follow = Follow(records.get(store, tie.run).dataset, tie.key, tie.size) if tie is not None else None
    return ensure(store, recipe.dataset, folder, say, follow)


def ensure(store: Store, spec: DatasetSpec, folder: Path, say: Say, follow: Follow | None = None) -> Dataset:
    """The same of one dataset of a recipe. follow : what its rows are members of."""
    schema = declared_schema(spec, folder)
    try:
        found = datasets.get(store, spec.name)
    except NotFound:
        try:
            return _create(store, spec, schema, folder, say, follow)
        except DatasetError:
            made = [one for one in datasets.list_all(store) if one.name.casefold() == spec.name.casefold()]
            if not made:
                raise
            found = made[0]  # another run made it meanwhile
    vouched = schema is not None and not schema.inferred
    if schema is None:
        schema = aimed(found.schema, spec.target)
    changed = schema.to_json() != found.schema.to_json()
    kept = found.declared and (not changed or not schema.inferred)
    declared = vouched or kept
    changes = "; ".join(schema_changes(found.schema, schema))
    if changed or declared != found.declared:
        found = datasets.set_schema(store, spec.name, schema, declared=declared)
    if changed:
        say(f"dataset '{spec.name}' had another schema; the recipe's took its place ({changes})")
    if spec.policy is not None and Exposure.parse(spec.policy) > found.policy:
        say(
            f"the recipe would allow {spec.policy}, but the owner of '{spec.name}' allows {found.policy.label} at most"
        )
    return found


def _create(
    store: Store, spec: DatasetSpec, schema: Schema | None, folder: Path, say: Say, follow: Follow | None
) -> Dataset:
    if spec.source is None:
        if schema is None:
            known = [dataset.name for dataset in datasets.list_all(store)]
            raise NotFound(
                f"there is no dataset '{spec.name}' in this workspace{nearest(spec.name, known)}",
                "import it first, or name a source or a schema file in the recipe's [dataset]",
            )
        # Statistics that were published are public.
        usual = Exposure.SCHEMA if spec.statistics is None else Exposure.STATISTICS
        policy = Exposure.parse(spec.policy) if spec.policy else usual
        return datasets.declare(store, spec.name, schema, policy=policy)
    options: dict[str, Any] = {
        "name": spec.name,
        "target": spec.target,
        "policy": Exposure.parse(spec.policy) if spec.policy else Exposure.ROWS,
        "schema": schema,
        "follow": follow,
    }
    if spec.holdout is not None:
        options["holdout"] = spec.holdout
    say(f"importing {spec.source} as dataset '{spec.name}'")
    if spec.source.startswith(SAMPLE):
        return datasets.import_sample(store, spec.source.removeprefix(SAMPLE), **options)
    return datasets.import_file(store, folder / spec.source, **options)


def aimed(schema: Schema, target: str | None) -> Schema:
    """The schema with a recipe's target, where it names one. Raises ``RecipeError`` for one that is no column."""
    if target is None or target == schema.target:
        return schema
    if target not in schema.names:
        raise RecipeError(
            f"[dataset] target = '{target}' is no column{nearest(target, schema.names)}",
            f"columns: {', '.join(schema.names)}",
        )
    return schema.model_copy(update={"target": target})


def schema_changes(old: Schema, new: Schema) -> list[str]:
    """What differs, in a few words per point."""
    before, after = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    groups = {
        "new columns": [name for name in after if name not in before],
        "gone": [name for name in before if name not in after],
        "changed": [name for name in after if name in before and after[name] != before[name]],
    }
    found = [
        f"{what}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
        for what, names in groups.items()
        if names
    ]
    if not found and [c.name for c in old.columns] != [c.name for c in new.columns]:
        found.append("columns in another order")
    others = ("rules", "dependencies", "examples", "description", "population", "target")
    return found + [f"other {what}" for what in others if getattr(old, what) != getattr(new, what)]
