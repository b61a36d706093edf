"""The panel that shows how the values of the cursor's column are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from localsynth.tui.plain import clipped, line, one_line
from localsynth.tui.widgets.distribution import DistributionPlot, bars_of, plot_styles

from .asking import Spread
from .words import KINDS

if TYPE_CHECKING:
    from localsynth.store.distribution import ColumnCounts

__all__ = ["SpreadPanel"]


class SpreadPanel(Widget):
    """Real against synthetic, or what there is of them. Hidden until it is wanted."""

    HELP: ClassVar[str | None] = """\
How the values of the column under the cursor are spread over the rows that are shown, with the filter, real train rows against
synthetic ones. `d` closes it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.leave", "Close", show=False)]
    DEFAULT_CSS = """
    SpreadPanel { display: none; width: 46%; max-width: 90; height: 1fr; }
    SpreadPanel.-open { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(id="spread", classes="panel")
        self.border_title = "Distribution"
        self.border_subtitle = "d closes"
        self._shown: Spread | None = None
        self._said = ""

    @property
    def spread(self) -> Spread | None:
        """What is shown."""
        return self._shown

    def wait(self, column: str) -> None:
        """Something is being counted."""
        self.border_title = Content(clipped(one_line(column), 40))
        if self._shown is None or self._shown.column != column:
            self._shown, self._said = None, "counting ..."
            self.refresh()

    def tell(self, spread: Spread) -> None:
        """It is counted."""
        self._shown, self._said = spread, ""
        self.border_title = Content(clipped(one_line(spread.column), 40))
        self.refresh()

    def fail(self, words: str) -> None:
        """It cannot be counted."""
        self._shown, self._said = None, words
        self.refresh()

    def render(self) -> RenderableType:
        """Facts, and bars in the room that is left."""
        shown = self._shown
        if shown is None:
            return line(self._said, "dim")
        facts = [
            _facts(KINDS[kind], side)
            for kind, side in (("real", shown.real), ("synth", shown.made))
            if side is not None
        ]
        plot = DistributionPlot(
            bars_of(shown.real) if shown.real is not None else None,
            bars_of(shown.made) if shown.made is not None else None,
            lines=max(self.content_size.height - len(facts), 3),
            styles=plot_styles(self.app),
        )
        return Group(*facts, plot)


def _facts(name: str, side: ColumnCounts) -> Text:
    """Missing and different values."""
    share = f" ({side.missing / side.rows:.1%})".replace("%", " %") if side.rows else ""
    about = "" if side.exact else "about "
    text = Text(f"{name:<10}", "bold", no_wrap=True, overflow="ellipsis")
    return text.append(f"{side.missing:,} missing{share}, {about}{side.distinct:,} different", "not bold")
