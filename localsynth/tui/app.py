"""The application: its places, what it is about just now, and the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.reactive import reactive
from textual.screen import Screen

from localsynth.core.nearest import nearest

from .desk import Desk
from .memory import Memory
from .places import PLACES, place
from .plain import one_line
from .subject import Subject

__all__ = ["LocalsynthApp"]

_T = TypeVar("_T")


def _commands() -> type[Provider]:
    from .commands import Everything

    return Everything


class LocalsynthApp(App[None]):
    """localsynth's terminal UI.

    folder : the workspace, as :class:`localsynth.Workspace` takes it. read_only : people may look and ask, nothing is written.
    memory : what was kept from earlier starts; by default it is read.
    """

    TITLE = "localsynth"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "home"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {one.name: one.load() for one in PLACES}
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "explain", "Help", id="help", priority=True),  # in dialogs, too
        Binding("question_mark", "explain", "Help", show=False, id="help.sign", key_display="?"),
        *(
            Binding(one.key, f"go('{one.name}')", one.title, show=False, id=f"go.{one.name}", priority=True)
            for one in PLACES
        ),
        Binding("ctrl+p", "command_palette", "All", id="palette", priority=True),
        Binding(
            "ctrl+t",
            "change_theme",
            "Theme",
            show=False,
            id="theme",
            tooltip="Choose the colours; they are kept",
        ),
        Binding("f9", "diagnose", "About and diagnosis", show=False, id="diagnose", priority=True),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="suspend",
            tooltip="Back to the shell for a while; fg comes back. Where text is edited, the key undoes",
        ),
        Binding("ctrl+q", "quit", "Quit", id="quit", priority=True),
    ]

    #: What the screens are about; they follow its changes.
    subject: reactive[Subject] = reactive(Subject(), init=False)

    def __init__(
        self, folder: str | None = None, *, read_only: bool = False, memory: Memory | None = None
    ) -> None:
        self.memory = Memory.read(folder, keep=not read_only) if memory is None else memory
        vars(self)["DEFAULT_MODE"] = self.memory.place  # where one was, before any place is made
        super().__init__()
        self.read_only = read_only
        self.desk = Desk(folder, read_only=read_only)

    def on_mount(self) -> None:
        """Keys and colours as the person wants them."""
        from .themes import THEMES

        for theme in THEMES:
            self.register_theme(theme)
        settings = self.memory.settings
        if settings.theme in self.available_themes:
            self.theme = settings.theme
        elif settings.theme:
            known = nearest(settings.theme, self.available_themes)
            settings.problems.append(f"there is no theme '{settings.theme}'{known}")
        self.set_keymap(settings.keys)
        self._warn(settings.problems)
        self.subject = self.memory.subject
        if settings.keys:
            # Whether there are such actions is known when all places are imported: after the first picture.
            self.call_after_refresh(self.run_worker, self._check_keys, group="keys")

    async def _check_keys(self) -> None:
        from .bindings import troubles

        settings = self.memory.settings
        found = await self.desk.do(troubles, settings.keys)
        settings.problems.extend(found)
        self._warn(found)

    def _warn(self, problems: Iterable[str]) -> None:
        for said in problems:
            self.notify(one_line(said), severity="warning", markup=False, timeout=10)

    # --- places ------------------------------------------------------------------------------------------------------

    async def action_go(self, name: str) -> None:
        """Go to a place; dialogs that are open there stay."""
        if self.current_mode != name:
            await self.switch_mode(place(name).name)
            self.memory.put("place", name)

    def about(self, dataset: str | None, run: str | None = None) -> None:
        """What the UI is about from now on."""
        self.subject = Subject(dataset, run)

    def watch_subject(self, subject: Subject) -> None:
        """Kept for the next start."""
        self.memory.subject = subject

    def watch_theme(self, theme: str) -> None:
        """Kept for the next start, but not the one that is there before a person chose."""
        if self.is_running and theme != self.memory.settings.theme:
            self.memory.choose_theme(theme)

    # --- everywhere --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a shell to go back to only in a terminal that one has."""
        if action == "suspend_process" and (self._driver is None or not self._driver.can_suspend):
            return False
        return super().check_action(action, parameters)

    async def ask(self, question: Callable[[Any], _T]) -> _T:
        """What ``question`` gives, asked of the workspace in a thread."""
        return await self.desk.ask(question)

    def action_explain(self) -> None:
        """Help on what has the focus."""
        from .helping import HelpDialog, help_of

        if isinstance(self.screen, HelpDialog):
            self.pop_screen()
        else:
            self.push_screen(HelpDialog(help_of(self.screen)))

    def action_diagnose(self) -> None:
        """What to copy into a report of a bug."""
        from .diagnosis import DiagnosisDialog

        if isinstance(self.screen, DiagnosisDialog):
            self.pop_screen()
        else:
            self.push_screen(DiagnosisDialog())

    def on_unmount(self) -> None:
        """What is to be remembered is; nobody is waited for."""
        self.memory.write()
        self.desk.close()
