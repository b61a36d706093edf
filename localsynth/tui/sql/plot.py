"""The picture of a result. Imports the plotting library: only when there is something to draw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from textual_plotext import PlotextPlot

from localsynth.tui.plain import clipped, line, one_line

from .drawing import Axis, Drawing, bars

__all__ = ["PlotDialog"]

_TICKS = 5
_DAY_S = 86_400.0


class PlotDialog(ModalScreen[None]):
    """Shows a drawing as bars, as a line or as points."""

    HELP = "`b` shows bars, `l` a line, `d` dots; Escape closes. The arrows scroll through many bars."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "kind('bars')", "Bars", id="plot.bars"),
        Binding("l", "kind('line')", "Line", id="plot.line"),
        Binding("d", "kind('dots')", "Dots", id="plot.dots"),
        Binding("escape,p,q", "dismiss(None)", "Close", id="plot.close"),
    ]
    DEFAULT_CSS = """
    PlotDialog .dialog { width: 96%; max-width: 200; height: 92%; padding: 0 1; }
    PlotDialog PlotextPlot { height: 1fr; }
    PlotDialog #bars { height: 1fr; }
    PlotDialog #told { height: auto; color: $text-muted; }
    """

    def __init__(self, of: Drawing) -> None:
        super().__init__()
        self._of = of
        self._kind = "bars" if of.axis is Axis.WORDS else "line" if of.ordered else "dots"

    def compose(self) -> ComposeResult:
        """A plot and a list of bars, of which one is seen."""
        with Vertical(classes="dialog") as box:
            x, y = (clipped(one_line(name), 40) for name in (self._of.x, self._of.y))
            box.border_title = Content(f"{y} by {x}")
            box.border_subtitle = "b bars, l line, d dots, escape closes"
            yield PlotextPlot()
            with VerticalScroll(id="bars"):
                yield Static(id="drawn", markup=False)
            yield Static(line(self._told()), id="told", markup=False)

    def on_mount(self) -> None:
        """Draw."""
        self._draw()

    def on_resize(self) -> None:
        """Bars are as long as there is room."""
        self.call_after_refresh(self._draw)

    def action_kind(self, kind: str) -> None:
        """Another picture of the same numbers."""
        self._kind = kind
        self._draw()

    def _told(self) -> str:
        of = self._of
        parts = [f"{len(of.values):,} rows"]
        if of.of:
            parts.append(f"of {of.of:,}, evenly chosen")
        if of.left_out:
            parts.append(f"{of.left_out:,} without a number left out")
        return ", ".join(parts)

    def _draw(self) -> None:
        plot, box = self.query_one(PlotextPlot), self.query_one("#bars", VerticalScroll)
        plot.display = self._kind != "bars"
        box.display = self._kind == "bars"
        if self._kind == "bars":
            box.focus()
            width = max(box.scrollable_content_region.width, 20)
            self.query_one("#drawn", Static).update(bars(self._of, width))
        else:
            self._plot(plot)

    def _plot(self, plot: PlotextPlot) -> None:
        of, plt = self._of, plot.plt
        plt.clear_data()
        draw = plt.plot if self._kind == "line" else plt.scatter
        draw(list(of.places), list(of.values), marker="braille" if self._kind == "line" else "dot")
        low, high = min(of.places), max(of.places)
        ticks = [low + (high - low) * at / (_TICKS - 1) for at in range(_TICKS)] if high > low else [low]
        plt.xticks(ticks, [self._label(tick, high - low) for tick in ticks])
        plt.xlabel(clipped(one_line(of.x), 60))
        plot.refresh()

    def _label(self, place: float, span: float) -> str:
        if self._of.axis is Axis.DAYS:
            moment = datetime.fromtimestamp(place, UTC)
            return f"{moment:%Y-%m-%d}" if span > 3 * _DAY_S else f"{moment:%m-%d %H:%M}"
        if self._of.axis is Axis.WORDS:
            at = min(max(round(place), 0), len(self._of.labels) - 1)
            return clipped(one_line(self._of.labels[at]), 16)
        return f"{place:,.6g}"
