"""The bottom line: the keys that work just now. It is one widget, for it changes with every move of the focus."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

__all__ = ["KeyBar"]

_HELP = "explain"


@dataclass(frozen=True)
class _Key:
    action: str
    key: str
    shown: str
    description: str
    enabled: bool
    tooltip: str


def _cells(one: _Key) -> int:
    return cell_len(f" {one.shown} {one.description} ")


class KeyBar(Widget):
    """Keys with what they do; those that cannot be used now are dim. A click presses one; the wheel shows what has no room.

    Where some have none, the last is the key for help, which lists them all.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--description", "key-bar--hover"}
    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; color: $footer-foreground; background: $footer-background; pointer: pointer; }
    KeyBar .key-bar--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
    KeyBar .key-bar--description { color: $footer-description-foreground; background: $footer-description-background; }
    KeyBar .key-bar--hover { color: $footer-key-foreground; background: $block-hover-background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Key, ...] = ()
        self._spans: list[tuple[int, int, _Key]] = []  # of the line: where a click presses a key
        self._first = 0  # key that is shown at the left
        self._more = False  # keys have no room at the right
        self._under: _Key | None = None  # the mouse

    def on_mount(self) -> None:
        """Follow what the keys do."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        """No longer."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _changed(self, screen: Screen[object]) -> None:
        if not screen.app.app_focus or not self.is_attached:
            return
        keys = self._now()
        if keys != self._keys:
            self._keys, self._first, self._under = keys, 0, None
            self.refresh()

    def _now(self) -> tuple[_Key, ...]:
        """One key for each action."""
        found: dict[str, _Key] = {}
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in found:
                shown = self.app.get_key_display(binding)
                key = _Key(binding.action, binding.key, shown, binding.description, enabled, tooltip)
                found[binding.action] = key
        return tuple(found.values())

    def render(self) -> Text:
        """One line."""
        text = Text(no_wrap=True, end="", style=self.rich_style)
        key_style = self.get_component_rich_style("key-bar--key")
        description_style = self.get_component_rich_style("key-bar--description")
        hover_style = self.get_component_rich_style("key-bar--hover")
        self._spans = []
        for one in self._fitting():
            start, state = text.cell_len, Style(dim=not one.enabled)
            over = state + Style(bgcolor=hover_style.bgcolor) if one is self._under else state
            text.append(f" {one.shown} ", key_style + over)
            text.append(f"{one.description} ", description_style + over)
            self._spans.append((start, text.cell_len, one))
        return text

    def _fitting(self) -> list[_Key]:
        keys = self._keys[self._first :]
        self._more = sum(map(_cells, keys)) > self.size.width
        if not self._more:
            return list(keys)
        last = [one for one in keys if one.action == _HELP]
        others = [one for one in keys if one.action != _HELP]
        ends = accumulate(map(_cells, others), initial=sum(map(_cells, last)))
        next(ends)
        return [one for one, end in zip(others, ends, strict=True) if end <= self.size.width] + last

    def _at(self, x: int) -> _Key | None:
        return next((one for start, end, one in self._spans if start <= x < end), None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key."""
        one = self._at(event.x)
        if one is not None and one.enabled:
            self.app.simulate_key(one.key)
        elif one is not None:
            self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which key is meant, and what is said about it."""
        self._over(self._at(event.x))

    def on_leave(self) -> None:
        """None any more."""
        self._over(None)

    def _over(self, one: _Key | None) -> None:
        if one is not self._under:
            self._under = one
            self.tooltip = Text(one.tooltip) if one is not None and one.tooltip else None
            self.refresh()

    def on_mouse_scroll_down(self) -> None:
        """Towards the last key, as long as there are some that have no room."""
        if self._more:
            self._first += 1
            self.refresh()

    def on_mouse_scroll_up(self) -> None:
        """Towards the first key."""
        if self._first:
            self._first -= 1
            self.refresh()
