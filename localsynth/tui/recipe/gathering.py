"""What there is to choose from, asked of a workspace in a thread."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from localsynth.core.errors import LocalsynthError

from .draft import Draft
from .sections import STATISTICS, Facts

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = ["gathered", "judged_by"]


def gathered(ws: Workspace, name: str | None) -> Facts:
    """Everything; the methods as the policy of the dataset of that name allows them.

    Where the workspace cannot be read, what there is without it, and why.
    """
    try:
        if not ws.exists:
            return _without_store(ws)
        datasets, paces = ws.datasets(), ws.paces()
    except LocalsynthError as error:
        return replace(_without_store(ws), trouble=error)
    about = next((one for one in datasets if one.name == name), None)
    return Facts(datasets, ws.method_cards(about), ws.model_choices(), paces, _broken(ws), (name, False))


def _without_store(ws: Workspace) -> Facts:
    return Facts((), ws.method_cards(), ws.model_choices(), (), _broken(ws))


def judged_by(ws: Workspace, facts: Facts, draft: Draft) -> Facts:
    """The methods as a draft may use them."""
    about = (draft.dataset, draft.get(STATISTICS.place) is not None)
    if about == facts.about:
        return facts
    cards = ws.method_cards(facts.dataset(about[0]), published=about[1])
    return replace(facts, methods=cards, about=about)


def _broken(ws: Workspace) -> tuple[tuple[str, str], ...]:
    return tuple((name, error.message) for name, error in ws.broken_methods().items())
