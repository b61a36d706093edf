"""The places of the UI, in the order of the story: what there is, how it is described, how it is made, what came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.screen import Screen

__all__ = ["PLACES", "Place", "place"]


@dataclass(frozen=True)
class Place:
    """A screen that is always there. module, screen : where its class is; it is imported when it is first gone to."""

    name: str
    title: str
    key: str
    about: str
    module: str
    screen: str

    def load(self) -> Callable[[], Screen[None]]:
        """What makes the screen."""

        def made() -> Screen[None]:
            cls: type[Screen[None]] = getattr(import_module(self.module), self.screen)
            return cls()

        return made


def _place(name: str, title: str, key: str, about: str) -> Place:
    return Place(name, title, key, about, f"localsynth.tui.screens.{name}", f"{name.title()}Screen")


PLACES = (
    _place("home", "Home", "f2", "Datasets, runs and models of this workspace"),
    _place("schema", "Schema", "f3", "The columns and rules of the chosen dataset"),
    _place("recipe", "Recipe", "f4", "Choose a method, set it up, start a run"),
    _place("run", "Run", "f5", "The chosen run as it is made"),
    _place("rows", "Rows", "f6", "Real and synthetic rows, page by page"),
    _place("sql", "SQL", "f7", "Ask the workspace in SQL"),
    _place("report", "Report", "f8", "How good the rows are, and whom they give away"),
)


def place(name: str) -> Place:
    """The place of that name."""
    return next(one for one in PLACES if one.name == name)
