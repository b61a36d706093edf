"""What every place has: the bar of places, the subject, a footer, and a way to ask the workspace."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.worker import Worker

from localsynth.core.errors import LocalsynthError
from localsynth.tui.dialogs import ErrorDialog
from localsynth.tui.leaving import unless_left
from localsynth.tui.plain import one_line
from localsynth.tui.subject import Subject
from localsynth.tui.widgets.bars import PlaceBar, SubjectBar
from localsynth.tui.widgets.footer import KeyBar

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp
    from localsynth.workspace import Workspace

__all__ = ["PlaceScreen"]

_T = TypeVar("_T")


class PlaceScreen(Screen[None]):
    """A place. Subclasses give ``body`` and, where they show what the subject is, ``show_subject``.

    ``HELP`` of the class and of its widgets is what F1 shows. Actions named in ``WRITES`` are gone in a read-only UI.
    """

    HELP: ClassVar[str | None] = ""
    #: Actions that write into the workspace.
    WRITES: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._shown: Subject | None = None

    @property
    def ui(self) -> LocalsynthApp:
        """The app, by its own type."""
        return cast("LocalsynthApp", self.app)

    @property
    def subject(self) -> Subject:
        """What the UI is about."""
        return self.ui.subject

    def compose(self) -> ComposeResult:
        """The bars round the body."""
        yield PlaceBar()
        yield SubjectBar()
        yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """What is between the bars."""
        yield from ()

    def on_mount(self) -> None:
        """Follow the subject from now on."""
        self.watch(self.app, "subject", self._subject_changed, init=False)

    def on_screen_resume(self) -> None:
        """Show what changed while another place was shown."""
        self._subject_changed()

    def _subject_changed(self) -> None:
        if self.is_current and self.subject != self._shown:
            self._shown = self.subject
            self.show_subject(self.subject)

    def show_subject(self, subject: Subject) -> None:
        """Called when the place is gone to, or is there, with a new subject."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing that writes where people may only look."""
        if self.ui.read_only and action in self.WRITES:
            return False
        return super().check_action(action, parameters)

    # --- asking ------------------------------------------------------------------------------------------------------

    async def ask(self, question: Callable[[Workspace], _T]) -> _T:
        """What ``question`` gives, asked of the workspace in a thread. Raises its errors."""
        return await self.ui.ask(question)

    def go(self, work: Coroutine[Any, Any, None], group: str) -> Worker[None]:
        """Do ``work`` beside everything else, in place of what is going on in ``group``; an error of ours is shown."""
        worker: Worker[None] = self.run_worker(partial(self._told, work), group=group, exclusive=True)
        # A worker that is replaced before it begins never gets to its work, and Python warns of work nobody waited for.
        weakref.finalize(worker, work.close)
        return worker

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            with unless_left(self):
                await work
        except LocalsynthError as error:
            self.show_error(error)

    def show_error(self, error: LocalsynthError) -> None:
        """What is wrong and what to do, until a key is pressed."""
        self.app.push_screen(ErrorDialog(error))

    def say(self, text: str, *, warning: bool = False) -> None:
        """One sentence in a corner, for some seconds."""
        self.notify(one_line(text), severity="warning" if warning else "information", markup=False)
