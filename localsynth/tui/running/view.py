"""The panels of the place Run: one at a time, or on a large screen progress and log beside one or two of the others."""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from .log import LogPanel
from .panels import TextPanel
from .plotting import PlotPanel

__all__ = ["PANELS", "RunView"]


class _Panel(NamedTuple):
    name: str
    title: str
    aside: bool  # always there on a wide screen


PANELS = (
    _Panel("progress", "Progress", True),
    _Panel("plot", "Plot", False),
    _Panel("rows", "Rows", False),
    _Panel("method", "Method", False),
    _Panel("log", "Log", True),
    _Panel("prompt", "Prompt", False),
)
_WIDE, _HIGH, _VERY_HIGH = 116, 20, 32


class PanelBar(Widget):
    """The panels with their keys; the shown ones stand out. A click shows one."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "PanelBar { height: 1; }"

    class Picked(Message):
        """A panel is to be shown."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    shown: reactive[frozenset[str]] = reactive(frozenset())

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[tuple[int, int, str]] = []  # of the line: where a click leads

    def render(self) -> Text:
        """One line."""
        text = Text(no_wrap=True, end="")
        self._spans = []
        for number, one in enumerate(PANELS, 1):
            start = text.cell_len
            text.append(f" {number} ", "dim")
            text.append(f"{one.title} ", "bold underline" if one.name in self.shown else "")
            self._spans.append((start, text.cell_len, one.name))
        return text

    def on_click(self, event: events.Click) -> None:
        """Show it."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(name))


class RunView(Vertical):
    """Which panels are shown is decided by ``chosen`` and by the room there is."""

    DEFAULT_CSS = """
    RunView { height: 1fr; }
    RunView Horizontal { height: 1fr; }
    RunView .panel { width: 1fr; height: 1fr; }
    RunView #aside { width: 1fr; }
    RunView.-both #aside { width: 58; }
    RunView.-both #progress { height: 1fr; min-height: 12; }
    RunView.-both #log { height: 1fr; }
    RunView #middle { width: 1fr; }
    RunView #method { scrollbar-gutter: stable; }
    """

    #: The panel a person chose.
    chosen: reactive[str] = reactive("progress", init=False)

    def compose(self) -> ComposeResult:
        """All panels; some are hidden."""
        yield PanelBar()
        with Horizontal():
            with Vertical(id="aside"):
                yield TextPanel(
                    "Progress",
                    "How far the run is. Between two commits, rows done are an estimate; what is committed is safe.",
                    id="progress",
                )
                yield LogPanel(id="log")
            with Vertical(id="middle"):
                yield PlotPanel(id="plot")
                yield TextPanel(
                    "Newest rows",
                    "The rows that came into the store last, the newest first.",
                    id="rows",
                    wrap=False,
                )
                yield TextPanel(
                    "Method",
                    "What the method found out so far, as of the last commit; what it learns by is drawn as it comes.",
                    id="method",
                )
                yield TextPanel(
                    "Last prompt",
                    "What the model read last, as it was sent. It is shown where the dataset's policy allows what it holds.",
                    id="prompt",
                )

    def on_mount(self) -> None:
        """The first panel."""
        self._arrange()

    def on_resize(self, event: events.Resize) -> None:
        """More or less room."""
        self._arrange()

    def watch_chosen(self) -> None:
        """Another panel, and the focus on it."""
        self._arrange()
        self.query_one(f"#{self.chosen}").focus()

    @property
    def both(self) -> bool:
        """Whether there is room for progress and log beside another panel."""
        return self.size.width >= _WIDE and self.size.height >= _HIGH

    @property
    def shown(self) -> frozenset[str]:
        """Names of the panels that can be seen."""
        aside = {one.name for one in PANELS if one.aside}
        if not self.both:
            return frozenset({self.chosen})
        if self.size.height < _VERY_HIGH:
            return frozenset(aside | {"plot" if self.chosen in aside else self.chosen})
        below = "rows" if self.chosen in {*aside, "plot"} else self.chosen
        return frozenset(aside | {"plot", below})

    def _arrange(self) -> None:
        shown = self.shown
        self.set_class(self.both, "-both")
        for one in PANELS:
            self.query_one(f"#{one.name}").display = one.name in shown
        self.query_one("#aside").display = any(one.aside and one.name in shown for one in PANELS)
        self.query_one("#middle").display = any(not one.aside and one.name in shown for one in PANELS)
        self.query_one(PanelBar).shown = shown
