"""The bars at the top: where one can go, and what the UI is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import events
from textual.widget import Widget

from localsynth.tui.places import PLACES
from localsynth.tui.plain import line

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp

__all__ = ["PlaceBar", "SubjectBar"]


class PlaceBar(Widget):
    """The places with their keys; the present one stands out. A click goes there."""

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        """Say which is the present one."""
        self._spans: list[tuple[int, int, str]] = []

    def render(self) -> Text:
        """One line."""
        text = Text(no_wrap=True, end="")
        self._spans = []
        for one in PLACES:
            start = text.cell_len
            here = one.name == self.app.current_mode
            style = "reverse bold" if here else ""
            text.append(f" {self._key(one.name, one.key)} ", "bold" if not here else style)
            text.append(f"{one.title} ", style)
            self._spans.append((start, text.cell_len, one.name))
        if self.size.width > text.cell_len + 12:
            text.append(" " * (self.size.width - text.cell_len - 11))
            text.append("localsynth ", "dim")
        return text

    def _key(self, name: str, usual: str) -> str:
        keys = cast("LocalsynthApp", self.app).memory.settings.keys
        return keys.get(f"go.{name}", usual).split(",")[0].capitalize()

    async def on_click(self, event: events.Click) -> None:
        """Go there."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                await cast("LocalsynthApp", self.app).action_go(name)


class SubjectBar(Widget):
    """The dataset and the run that all places are about."""

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        """Follow it."""
        self.watch(self.app, "subject", self._changed, init=False)

    def _changed(self) -> None:
        self.refresh()

    def render(self) -> Text:
        """One line."""
        ui = cast("LocalsynthApp", self.app)
        subject = ui.subject
        text = Text(" ", no_wrap=True, end="")
        text.append("dataset ", "dim")
        text.append_text(line(subject.dataset, "bold", 40) if subject.dataset else Text("none chosen"))
        text.append("   run ", "dim")
        text.append_text(line(subject.run, "bold", 60) if subject.run else Text("none chosen"))
        if ui.read_only:
            text.append("   looking only", "bold")
        return text
