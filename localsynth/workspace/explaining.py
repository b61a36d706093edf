"""What a run's method found out, read from the state it left with its last batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsynth.core.errors import LocalsynthError
from localsynth.core.explaining import Explanation
from localsynth.core.run import Run
from localsynth.methods import registry
from localsynth.store import runs as records

if TYPE_CHECKING:
    from localsynth.store.session import Store

__all__ = ["explanation_of"]


def explanation_of(store: Store, run: Run) -> Explanation | None:
    """``None`` where there is nothing to tell: no batch yet, a method that tells nothing, a state of another version."""
    found = records.checkpoint(store, run.run_id)
    if found is None:
        return None
    try:
        method = registry.get(run.method)
    except LocalsynthError:  # uninstalled or broken since
        return None
    explain = getattr(method, "explain", None)
    if explain is None or method.version != run.method_version:
        return None
    try:
        told = explain(found[1]["method"])
    except Exception:  # noqa: BLE001 - a stranger's, or of a state that was changed within a version: it explains no more
        return None
    return told if isinstance(told, Explanation) and told.parts else None
