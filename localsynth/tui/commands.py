"""The command palette: every action that works just now, with its key; the places; the themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.types import IgnoreReturnCallbackType

from .dialogs import ErrorDialog
from .paths import PathDialog
from .picture import picture_of
from .places import PLACES
from .plain import one_line

__all__ = ["Everything"]

_OF_APP, _MOVING = "Everywhere", "Moving"


class _Command(NamedTuple):
    group: str
    name: str
    key: str
    about: str
    do: IgnoreReturnCallbackType

    @property
    def text(self) -> str:
        return f"{self.group}: {self.name}"


class Everything(Provider):
    """What the keys do here, then the places, then what works everywhere; themes come when they are searched."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for one in self._commands():
            yield DiscoveryHit(_shown(one, Content(one.text)), one.do, text=one.text, help=one.about)

    async def search(self, query: str) -> Hits:
        """Those whose name or explanation matches."""
        matcher = self.matcher(query)
        for one in (*self._commands(), *self._themes()):
            score = max(matcher.match(one.text), 0.6 * matcher.match(one.about))
            if score > 0:
                shown = _shown(one, matcher.highlight(one.text))
                yield Hit(score, shown, one.do, text=one.text, help=one.about)

    def _commands(self) -> list[_Command]:
        here: dict[tuple[str, str], _Command] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not active.enabled or not binding.description:
                continue
            group, name = self._named(active.node, binding)
            here.setdefault(
                (group, binding.action),
                _Command(
                    group,
                    name,
                    self.app.get_key_display(binding),
                    binding.tooltip or _about(binding.action),
                    partial(self.app.run_action, binding.action, active.node),
                ),
            )
        picture = _Command(
            _OF_APP, "Picture", "", "Write a picture of the screen, as SVG", partial(_picture, self.app)
        )
        order = {self._place(): 0, "Go to": 1, _OF_APP: 2, _MOVING: 3}
        return sorted((*here.values(), picture), key=lambda one: order.get(one.group, 0))

    def _named(self, node: DOMNode, binding: Binding) -> tuple[str, str]:
        if binding.action.startswith("go("):
            return "Go to", binding.description
        if binding.id is None:  # Textual's own: scrolling and the like
            return _MOVING, binding.description
        return (_OF_APP if isinstance(node, App) else self._place()), binding.description

    def _place(self) -> str:
        return next((one.title for one in PLACES if one.name == self.app.current_mode), _OF_APP)

    def _themes(self) -> Iterator[_Command]:
        for name in self.app.available_themes:
            yield _Command("Theme", name, "", "Other colours; they are kept", partial(_wear, self.app, name))


def _wear(app: App[object], theme: str) -> None:
    app.theme = theme


def _picture(app: App[object]) -> None:
    """Ask where to, then write what the screen shows now."""
    text = picture_of(app)

    def chosen(path: Path | None) -> None:
        from localsynth.core.errors import LocalsynthError
        from localsynth.workspace.files import save_text

        if path is None:
            return
        try:
            save_text(text, path, overwrite=True)
        except LocalsynthError as error:
            app.push_screen(ErrorDialog(error))
        else:
            app.notify(one_line(f"the picture, with all that it shows, is in {path}"), markup=False)

    app.push_screen(
        PathDialog("Write a picture of the screen", "localsynth.svg", (".svg",), save=True), chosen
    )


def _about(action: str) -> str:
    return next((one.about for one in PLACES if action == f"go('{one.name}')"), "")


def _shown(one: _Command, name: Content) -> Content:
    return Content.assemble(name, "  ", (one.key, "bold $text-accent")) if one.key else name
