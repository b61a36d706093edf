"""Drafts that are kept, one for each dataset, also between starts."""

from __future__ import annotations

from dataclasses import dataclass

from localsynth.tui.memory import Memory

from .draft import Draft

__all__ = ["Shelf"]

_NAME = "recipes"
_MOST = 50


@dataclass(frozen=True)
class Shelf:
    """Where they are kept."""

    memory: Memory

    def keep(self, dataset: str | None, draft: Draft) -> None:
        """In place of an earlier one of the dataset; the 50 kept last stay. dataset : ``None`` where none is chosen."""
        drafts = self._all()
        drafts.pop(dataset or "", None)
        drafts[dataset or ""] = draft.kept()
        self.memory.put(_NAME, dict(list(drafts.items())[-_MOST:]))

    def get(self, dataset: str | None) -> Draft | None:
        """The draft of a dataset, where there is one."""
        return Draft.from_kept(self._all().get(dataset or ""))

    def _all(self) -> dict[str, object]:
        kept = self.memory.get(_NAME)
        return dict(kept) if isinstance(kept, dict) else {}
