"""HTML put together so that nothing but markup written here is ever read as markup."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from .plaintext import shown

__all__ = ["Child", "Html", "code", "join", "name", "tag"]


class Html(str):
    """Text that is markup already; any other string is escaped when it is put into a tag."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"

_VOID = frozenset({"br", "col", "hr", "link", "meta", "wbr"})


def _escaped(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str | int | float):
        return html.escape(shown(child))
    return "".join(map(_escaped, child))


def join(children: Iterable[Child], between: str = "") -> Html:
    """Children one after the other."""
    return Html(html.escape(between).join(map(_escaped, children)))


def tag(element: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """An element. ``class_`` and ``data_value`` become ``class`` and ``data-value``; ``None`` and ``False`` leave an
    attribute out, ``True`` leaves it without a value.
    """
    parts = [element]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        parts.append(word if value is True else f'{word}="{html.escape(shown(value))}"')
    opened = f"<{' '.join(parts)}>"
    return Html(opened if element in _VOID else f"{opened}{_escaped(children)}</{element}>")


def name(text: str) -> Html:
    """A name people gave, kept apart from the text around it whichever way it is read."""
    return tag("bdi", text)


def code(text: str) -> Html:
    """A name of a program, which may be broken after underscores only."""
    parts = text.split("_")
    return tag("code", [[part, "_", tag("wbr")] for part in parts[:-1]], parts[-1])
