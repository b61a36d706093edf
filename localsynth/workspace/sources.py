"""From what a recipe says of its table to a dataset in the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from localsynth.core.dataset import Dataset
from localsynth.core.errors import NotFound, RecipeError
from localsynth.core.nearest import nearest
from localsynth.core.recipe import DatasetSpec, Recipe
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.store import datasets
from localsynth.store.session import Store

__all__ = ["declared_schema", "ensure_dataset", "schema_changes"]

Say = Callable[[str], None]
SAMPLE = "sample:"


def declared_schema(spec: DatasetSpec, folder: Path) -> Schema | None:
    """The schema file of a recipe, with the recipe's target; ``None`` where it names none. Raises ``SchemaError``."""
    if spec.schema_file is None:
        return None
    return _aimed(Schema.load(folder / spec.schema_file), spec.target)


def ensure_dataset(store: Store, recipe: Recipe, folder: Path, say: Say) -> Dataset:
    """The recipe's dataset: as it is, imported or declared on first use, or with the recipe's schema put in place.

    folder : what relative paths in the recipe start from. say : told what is done.
    """
    spec = recipe.dataset
    schema = declared_schema(spec, folder)
    try:
        found = datasets.get(store, spec.name)
    except NotFound:
        return _create(store, spec, schema, folder, say)
    if schema is None:
        schema = _aimed(found.schema, spec.target)
    if schema.to_json() != found.schema.to_json():
        changes = "; ".join(schema_changes(found.schema, schema))
        found = datasets.set_schema(store, spec.name, schema)
        say(f"dataset '{spec.name}' had another schema; the recipe's took its place ({changes})")
    if spec.policy is not None and Exposure.parse(spec.policy) > found.policy:
        say(
            f"the recipe would allow {spec.policy}, but the owner of '{spec.name}' allows {found.policy.label} at most"
        )
    return found


def _create(store: Store, spec: DatasetSpec, schema: Schema | None, folder: Path, say: Say) -> Dataset:
    if spec.source is None:
        if schema is None:
            known = [dataset.name for dataset in datasets.list_all(store)]
            raise NotFound(
                f"there is no dataset '{spec.name}' in this workspace{nearest(spec.name, known)}",
                "import it first, or name a source or a schema file in the recipe's [dataset]",
            )
        policy = Exposure.parse(spec.policy) if spec.policy else Exposure.SCHEMA
        return datasets.declare(store, spec.name, schema, policy=policy)
    options: dict[str, Any] = {
        "name": spec.name,
        "target": spec.target,
        "policy": Exposure.parse(spec.policy) if spec.policy else Exposure.ROWS,
        "schema": schema,
    }
    if spec.holdout is not None:
        options["holdout"] = spec.holdout
    say(f"importing {spec.source} as dataset '{spec.name}'")
    if spec.source.startswith(SAMPLE):
        return datasets.import_sample(store, spec.source.removeprefix(SAMPLE), **options)
    return datasets.import_file(store, folder / spec.source, **options)


def _aimed(schema: Schema, target: str | None) -> Schema:
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
