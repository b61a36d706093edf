"""The part of the Python API that is about adapters: what methods learnt from rows, and kept."""

from __future__ import annotations

import json
from pathlib import Path

from localsynth.core.adapter import LearntAdapter
from localsynth.core.errors import PolicyError, RunError
from localsynth.core.run import Exposure, Run
from localsynth.runs.lock import holder
from localsynth.store import adapters, datasets, runs

from .auditing import left, refusals
from .base import Base, PathLike
from .files import save_copy

__all__ = ["Adapters"]


class Adapters(Base):
    """Adapters: listed, exported, named, deleted. A recipe's method reuses one by its name or id."""

    def adapters(self, dataset: str | None = None) -> list[LearntAdapter]:
        """All adapters, newest first; those of one dataset if one is named."""
        return adapters.list_all(self.store, dataset)

    def adapter(self, adapter: LearntAdapter | str) -> LearntAdapter:
        """One by its id, its name, or the beginning of its id. Raises ``NotFound`` with the nearest."""
        word = adapter.adapter_id if isinstance(adapter, LearntAdapter) else adapter
        return adapters.get(self.store, word)

    def check_adapter(self, adapter: LearntAdapter | str) -> Path:
        """Its file, found to be as it was learnt. Raises ``ModelError``."""
        return adapters.check(self.store, self.adapter(adapter))

    @refusals
    def export_adapter(
        self, adapter: LearntAdapter | str, path: PathLike, *, overwrite: bool = False, anyway: bool = False
    ) -> Path:
        """Copy its GGUF file out of the workspace. It may tell of single rows it was learnt from.

        anyway : also where the dataset's policy is below ``rows``, which is otherwise a ``PolicyError``. Raises ``ModelError``
        for a file that is gone or changed, ``DatasetError`` where ``path`` exists, ``StoreError``.
        """
        found = self.adapter(adapter)
        owner = datasets.get(self.store, found.dataset)
        if owner.policy < Exposure.ROWS and not anyway:
            raise PolicyError(
                f"the adapter {found.label} was learnt from rows of '{owner.name}', and the policy of that dataset allows no"
                f" more than: {owner.policy.label}",
                "if you own the data and want it outside the workspace all the same, say --yes",
            )
        written = save_copy(self.check_adapter(found), Path(path), overwrite=overwrite)
        left(
            self,
            "adapter exported",
            written,
            dataset=owner.name,
            adapter=found.adapter_id,
            sha256=found.sha256,
        )
        return written

    def rename_adapter(self, adapter: LearntAdapter | str, name: str | None) -> LearntAdapter:
        """Give it a name to be called by, another one, or none."""
        return adapters.rename(self.store, self.adapter(adapter).adapter_id, name)

    def delete_adapter(self, adapter: LearntAdapter | str) -> LearntAdapter:
        """Delete it and its file. Raises ``RunError`` while the run that learnt it, or one that uses it, is being made."""
        found = self.adapter(adapter)
        for run in runs.list_all(self.store):
            how = "learnt" if run.run_id == found.run_id else "uses" if _names(run, found) else ""
            if how and holder(self.folder / "runs" / run.run_id) is not None:
                raise RunError(
                    f"run {run.run_id}, which {how} the adapter {found.label}, is being made", "stop it first"
                )
        return adapters.delete(self.store, found.adapter_id)


def _names(run: Run, adapter: LearntAdapter) -> bool:
    """Whether the run's recipe names the adapter, by its name, its id, or the beginning of this."""
    word = json.loads(run.recipe_json)["method"].get("adapter")
    return (
        isinstance(word, str) and word != "" and (word == adapter.name or adapter.adapter_id.startswith(word))
    )
