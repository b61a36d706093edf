"""The line in which rows are filtered: a condition in SQL, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from localsynth.core.errors import LocalsynthError
from localsynth.store.names import identifier
from localsynth.tui.plain import paragraph
from localsynth.tui.sql.completion import quoted

__all__ = ["FilterBar", "FilterInput", "Names"]

_WORD = re.compile(r"""(?:"(?:[^"]|"")*|[^\W\d]\w*)\Z""")
_WORDS = ("AND", "OR", "NOT", "IS NULL", "IS NOT NULL", "BETWEEN", "IN (", "LIKE")


class Names(Suggester):
    """Goes on with the name of a column, or a word of a condition, at the end of what is typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.columns: Sequence[str] = ()

    async def get_suggestion(self, value: str) -> str | None:
        """What is typed with its last word completed."""
        found = _WORD.search(value)
        if found is None or value[: found.start()].count("'") % 2:
            return None
        word = found[0]
        choices = [identifier(name) if word.startswith('"') else quoted(name) for name in self.columns]
        for choice in (*choices, *_WORDS):
            if choice.lower().startswith(word.lower()) and len(choice) > len(word):
                return value + choice[len(word) :]
        return None


class FilterInput(Input):
    """Takes a condition."""

    HELP = """\
A condition in SQL, as after WHERE: `age > 60 AND city = 'Oslo'`, `income IS NULL`, `note LIKE '%pain%'`. Names that are no
plain words stand in double quotes. Tab or the right arrow takes the grey end of a name. Enter filters; an empty condition shows
all rows. Escape leaves the rows as they are.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "take", "Complete", id="filter.complete"),
        Binding("escape", "leave", "Leave", id="filter.leave"),
    ]

    class Left(Message):
        """Nothing is to be changed."""

    def action_take(self) -> None:
        """The grey end of the name."""
        if self._suggestion:
            self.action_cursor_right()

    def action_leave(self) -> None:
        """Back to the rows."""
        self.post_message(self.Left())


class FilterBar(Vertical):
    """Hidden until there is, or shall be, a filter."""

    DEFAULT_CSS = """
    FilterBar { height: auto; display: none; }
    FilterBar.-open { display: block; }
    FilterBar Horizontal { height: 1; }
    FilterBar #where-word { width: auto; padding: 0 1; color: $text-muted; }
    FilterBar FilterInput { width: 1fr; }
    FilterBar #where-wrong { padding: 0 1; max-height: 6; height: auto; display: none; }
    """

    class Wanted(Message):
        """Only rows that meet a condition are to be shown; empty shows all."""

        def __init__(self, where: str) -> None:
            super().__init__()
            self.where = where

    def __init__(self) -> None:
        super().__init__(id="filter")
        self._names = Names()
        self._used = ""

    def compose(self) -> ComposeResult:
        """A field, and what is wrong."""
        with Horizontal():
            yield Static("where", id="where-word", markup=False)
            yield FilterInput(
                compact=True,
                placeholder="a condition in SQL, such as age > 60; enter filters, escape leaves",
                suggester=self._names,
                select_on_focus=False,
            )
        yield Static(id="where-wrong", classes="wrong", markup=False)

    def use(self, where: str) -> None:
        """The condition that holds now."""
        self._used = where
        self.query_one(FilterInput).value = where
        self._say("")
        self.set_class(bool(where), "-open")

    def edit(self, columns: Sequence[str]) -> None:
        """Let a person write one. columns : names there are."""
        self._names.columns = columns
        self.add_class("-open")
        self.query_one(FilterInput).focus()

    def refuse(self, error: LocalsynthError) -> None:
        """What is wrong with it; it stays until it is corrected."""
        self.add_class("-open")
        self._say(error.message)
        self.query_one(FilterInput).focus()

    def _say(self, words: str) -> None:
        wrong = self.query_one("#where-wrong", Static)
        wrong.update(paragraph(words))
        wrong.display = bool(words)

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Wanted(event.value.strip()))

    @on(FilterInput.Left)
    def _leave(self) -> None:
        self.use(self._used)
