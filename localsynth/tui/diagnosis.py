"""F9: what is running where, to be copied into a report of a bug; it holds nothing of the data."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from .clipboard import copy
from .leaving import unless_left
from .memory import settings_file
from .plain import paragraph

if TYPE_CHECKING:
    from .app import LocalsynthApp

__all__ = ["DiagnosisDialog", "diagnosis"]

_PACKAGES = (
    "textual",
    "textual-fastdatatable",
    "duckdb",
    "pyarrow",
    "llama-cpp-python",
    "llguidance",
    "torch",
)
_TERMINAL = ("TERM", "COLORTERM", "TERM_PROGRAM", "LANG", "TMUX", "SSH_TTY")


def diagnosis(app: LocalsynthApp) -> str:
    """Versions, terminal, files and the names of all actions, as text."""
    from .bindings import all_bindings

    lines = [
        f"localsynth {_version('localsynth')}, Python {platform.python_version()}, {platform.platform()}",
        "packages: " + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        f"terminal: {app.size.width} x {app.size.height}, "
        + ", ".join(f"{name}={os.environ[name]}" for name in _TERMINAL if name in os.environ),
        f"theme: {app.theme}; NO_COLOR: {_yes(app.no_color)}; looking only: {_yes(app.read_only)}",
        f"processors: {os.cpu_count()}; command: {os.path.basename(sys.argv[0])}",  # noqa: PTH119 - text, not a path
        f"settings: {settings_file()}" + ("" if settings_file().exists() else " (not there)"),
        *(f"trouble: {said}" for said in (*app.memory.settings.problems, app.memory.trouble) if said),
        "",
        "actions, for [keys] in the settings (name, usual key, what it does):",
        *(
            f"  {name:<24} {binding.key:<24} {binding.description}"
            for name, binding in sorted(all_bindings().items())
        ),
    ]
    return "\n".join(lines)


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


class DiagnosisDialog(ModalScreen[None]):
    """Shown until a key is pressed."""

    HELP = "Versions and files, to be copied into a report of a bug. `c` copies it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", id="diagnosis.close"),
        Binding("c", "copy", "Copy", id="diagnosis.copy"),
    ]

    _text = ""

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll(classes="dialog -large") as box:
            box.border_title = "About and diagnosis"
            box.border_subtitle = "escape closes, c copies"
            yield Static("looking ...", markup=False)

    def on_mount(self) -> None:
        """Arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()
        self.run_worker(self._find())

    async def _find(self) -> None:
        app = cast("LocalsynthApp", self.app)
        self._text = await app.desk.do(diagnosis, app)  # imports every place
        with unless_left(self):
            self.query_one(Static).update(paragraph(self._text))

    def action_copy(self) -> None:
        """The text into the terminal's clipboard."""
        copy(self.app, self._text)
