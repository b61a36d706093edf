"""Adapters to put into a workspace: small files, and all that is said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localsynth.core.adapter import LearntAdapter
from localsynth.store import adapters, datasets
from localsynth.store.rowhash import rows_sha256
from localsynth.store.session import Store
from tests.engine.lora_files import write_adapter


def trained(folder: Path, seed: int = 0) -> Path:
    """The file that a training ends with."""
    return write_adapter(folder / "trained.gguf", seed=seed, layers=1, width=576)


def described(store: Store, path: Path, run_id: str = "20260101-a", **changes: Any) -> LearntAdapter:
    """What a run of the dataset ``clinic`` would say of it."""
    sha256, size = adapters.measured(path)
    adapter_id = adapters.new_id("clinic")
    made = LearntAdapter(
        adapter_id=adapter_id,
        name=None,
        run_id=run_id,
        dataset="another name",  # that of the run counts
        rows_sha256=rows_sha256(datasets.train_table(store, "clinic")),
        method="paft",
        recipe_json='{"rows": 10}',
        model="smollm2-135m",
        model_sha256="ab",
        architecture="llama",
        file=f"adapters/{adapter_id}.gguf",
        sha256=sha256,
        size=size,
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        settings={"rank": 4, "seconds": 1.5, "gap": float("inf")},
        curve=({"epoch": 1, "held": 3.5}, {"epoch": 2, "held": float("nan")}),
        order=('a "b".c', "select", "age"),
    )
    return replace(made, **changes)
