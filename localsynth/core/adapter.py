"""Adapters: what a method learnt from real rows, kept as a file that a model reads beside its own weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from .columns import CategoricalColumn, Column
from .run import Exposure
from .schema import Schema

__all__ = ["AdapterStore", "LearntAdapter", "ModelFile", "kinds_of", "other_columns"]


@dataclass(frozen=True)
class ModelFile:
    """A run's model: its own GGUF file, as it was installed or added; not a copy that tuning made."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class LearntAdapter:
    """A LoRA adapter in the workspace, and where it is from. It may tell of single rows it was learnt from.

    name : a person's, ``None`` until there is one. run_id, dataset, method, recipe_json : the run that learnt it.
    rows_sha256 : of the train rows it was learnt from. model, model_sha256 : the one it belongs to; no other can use it.
    architecture : of that model. file : relative to the workspace. sha256, size (bytes) : of the file. settings, curve,
    order : as the method told them: how it was trained, the losses epoch by epoch, the columns in the order they are written.
    stale : the dataset's train rows are no longer those it was learnt from.
    """

    adapter_id: str
    name: str | None
    run_id: str
    dataset: str
    rows_sha256: str
    method: str
    recipe_json: str
    model: str
    model_sha256: str
    architecture: str
    file: str
    sha256: str
    size: int
    created_at: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)
    curve: tuple[Mapping[str, Any], ...] = ()
    order: tuple[str, ...] = ()
    exposure: Exposure = Exposure.ROWS
    stale: bool = False

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.name or self.adapter_id


def kinds_of(schema: Schema) -> dict[str, str]:
    """Of each column that rows are written with its kind, and which categories it has (JSON-able)."""
    return {column.name: _kind(column) for column in schema.columns if column.kind != "identifier"}


def other_columns(adapter: LearntAdapter, kinds: Mapping[str, str], dataset: str, schema: Schema) -> str:
    """Why it writes no rows of this dataset, to follow its name; empty where it does.

    kinds : what :func:`kinds_of` told of the columns it learnt, of as many as are known.
    """
    now = kinds_of(schema)
    if more := [name for name in adapter.order if name not in now]:
        return f"writes a column '{more[0]}', which '{dataset}' has not"
    if fewer := [name for name in now if name not in adapter.order]:
        return f"does not write the column '{fewer[0]}' of '{dataset}'"
    for name, kind in now.items():
        if kinds.get(name, kind) != kind:
            was, is_now = kinds[name].partition(":")[0], schema.column(name).kind
            if was != is_now:
                return f"learnt '{name}' as {was}, which is {is_now} in '{dataset}'"
            return f"learnt other categories of '{name}' than '{dataset}' has"
    return ""


def _kind(column: Column) -> str:
    if not isinstance(column, CategoricalColumn):
        return column.kind
    categories = json.dumps(sorted(column.categories), ensure_ascii=False).encode()
    return f"{column.kind}:{hashlib.sha256(categories).hexdigest()[:12]}"


class AdapterStore(Protocol):
    """The workspace's adapters, as a method sees them that may see rows."""

    def find(self, id_or_name: str) -> LearntAdapter:
        """An adapter by its id, a beginning of that, or its name; found whole, and made for the run's model.

        A run that is taken up again finds the one it found at first. Raises ``NotFound`` with the nearest, ``ModelError``
        for another model's or a changed file, ``PolicyError`` where its dataset's owner allows no use of rows any more.
        """
        ...

    def keep(
        self,
        path: Path,
        *,
        settings: Mapping[str, Any],
        curve: Sequence[Mapping[str, Any]],
        order: Sequence[str],
    ) -> LearntAdapter:
        """Move a finished GGUF file into the workspace, with its lineage; not before ``learn``.

        Numbers in ``settings`` and ``curve`` that are none, or infinite, are kept as ``None``. The same file kept again by
        the same run is the adapter it was at first. Raises ``ModelError`` for a file that is no adapter of the run's model.
        """
        ...

    def path(self, adapter: LearntAdapter) -> Path:
        """Where the adapter's file is, for :class:`~localsynth.core.contracts.Adapter`."""
        ...
