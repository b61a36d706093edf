"""What every part of the terminal's report is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from localsynth.core.judging import Measure
from localsynth.report.lookup import Figure, Subject
from localsynth.report.numbers import end_number
from localsynth.report.numbers import figure as worded
from localsynth.report.plaintext import one_line, shown, wide

__all__ = [
    "ARROWS",
    "Stack",
    "Why",
    "head",
    "in_two_lines",
    "style_of",
    "table",
    "text",
    "titled",
    "warning_box",
]

ARROWS = "↑ higher is better, ↓ lower is better, → ideal"
_MOST_NOTED, _LONG = 6, 11


def text(words: object, style: str = "") -> Text:
    """Words that may come from data; markup in them is text, control characters are escapes."""
    return Text(one_line(words), style=style)


def head(words: str) -> list[RenderableType]:
    return [Text(), Text(words, style="bold")]


def table(*headings: str, right: Sequence[int] = ()) -> Table:
    """A table with a line below its headings; ``right`` : columns of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for index, heading in enumerate(headings):
        table.add_column(
            Text(shown(heading)),
            justify="right" if index in right else "left",
            overflow="fold",
            no_wrap=index in right,
        )
    return table


def warning_box(words: Sequence[str]) -> Panel:
    """Cautions, framed."""
    body = Text("\n").join(text(sentence) for sentence in words)
    return Panel(body, title="Caution", title_align="left", border_style="bold red", box=box.ASCII2)


class Why:
    """Why figures are missing, to be said below a table."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._notes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def cell(self, found: Figure, measure: Measure, what: str, subject: Subject) -> Text:
        """The figure, or a dash that :meth:`lines` explains. what : what it is of."""
        if found.value is None:
            self._notes[found.note][what].append(subject.label)
            return Text("–", style="dim")
        return Text(worded(found, measure), style=style_of(subject))

    def nobody(self, note: str, what: str) -> None:
        """Why a measure has no value for anybody; it then has no row."""
        self._notes[note][what] = []

    def lines(self) -> Iterator[RenderableType]:
        """A line for each reason."""
        for note, whats in self._notes.items():
            words = [
                what if len(set(who)) in {0, self._people} else f"{what} ({', '.join(dict.fromkeys(who))})"
                for what, who in whats.items()
            ]
            more = f" and {len(words) - _MOST_NOTED} more" if len(words) > _MOST_NOTED else ""
            yield text(f"– {'; '.join(words[:_MOST_NOTED])}{more}: {note}", "dim")


def style_of(subject: Subject) -> str:
    return "bold cyan" if subject.kind == "run" else "dim" if subject.kind == "reference" else ""


def titled(measure: Measure) -> Text:
    """A measure's title and where good values lie."""
    arrow = {"higher": "↑", "lower": "↓", "ideal": "→"}.get(measure.better, "")
    if measure.ideal is not None and arrow == "→":
        arrow = f"→ {end_number(measure.ideal, measure)}"
    return text(measure.title).append(f" {arrow}".rstrip(), style="dim")


def in_two_lines(label: str) -> str:
    """A heading in two lines where it is long."""
    return one_line(label).replace("-", "-\n", 1) if wide(label) > _LONG else one_line(label)


class Stack:
    """Renderables one below the other."""

    def __init__(self, *parts: RenderableType) -> None:
        self._parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._parts
