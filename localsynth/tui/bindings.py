"""Every binding of the UI by its id, for people who want other keys."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, KEY_NAME_REPLACEMENTS, Keys

from localsynth.core.nearest import nearest

__all__ = ["all_bindings", "misspelt", "spelt", "troubles"]

_HELD = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_LATIN = 0x250  # letters and signs before this are on keyboards
_EVERYWHERE = frozenset({"go", "help", "palette", "theme", "diagnose", "suspend", "quit"})


def all_bindings() -> dict[str, Binding]:
    """By id: those of the app, of every place, dialog and widget of ours. Imports all of them: not for the event loop."""
    import localsynth.tui as room

    for module in walk_packages(room.__path__, f"{room.__name__}."):
        import_module(module.name)
    found: dict[str, Binding] = {}
    for cls in _ours(DOMNode):
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id is not None:
                found.setdefault(binding.id, binding)
    return found


def _ours(cls: type[DOMNode]) -> dict[type[DOMNode], None]:
    """Subclasses of this package, at any depth, each once."""
    found: dict[type[DOMNode], None] = {}
    for below in cls.__subclasses__():
        if below.__module__.startswith("localsynth.tui."):
            found[below] = None
        found |= _ours(below)
    return found


def spelt(value: str) -> str:
    """The key or keys of a line of ``[keys]`` as Textual wants them: no blanks."""
    return ",".join(key.strip() for key in value.split(","))


def misspelt(name: str, value: Any) -> str | None:
    """What is wrong with the value of a line of ``[keys]``, in words; ``None`` where nothing is."""
    if not isinstance(value, str) or not value.strip():
        return f'the key of \'{name}\' is text, such as "f5" or "ctrl+r"'
    for key in value.split(","):
        *held, word = key.strip().split("+") if key.strip() != "+" else ["+"]
        wrong = next((one for one in held if one not in _HELD), None)
        if wrong is not None:
            return f"'{wrong}' in the key of '{name}' cannot be held down{nearest(wrong, _HELD)}"
        if not _is_key(word):
            return f"'{key.strip()}' is not a key, in the line of '{name}'{nearest(word, _names())}"
    return None


def _names() -> set[str]:
    aliases = {alias for several in KEY_ALIASES.values() for alias in several}
    named = {one.value for one in Keys if one.value.isascii() and not one.value.startswith("<")}
    return named | aliases | set(KEY_NAME_REPLACEMENTS.values())


def _is_key(word: str) -> bool:
    if len(word) == 1 or word in _names():
        return True
    try:  # such as question_mark; but no keyboard has a banana
        return ord(unicodedata.lookup(word.replace("_", " ").upper())) < _LATIN
    except KeyError:
        return False


def troubles(keys: Mapping[str, str]) -> list[str]:
    """What is wrong with a person's keys as a whole: no such action, or two with one key. Imports as :func:`all_bindings`."""
    known = all_bindings()
    said = [
        f"[keys]: there is no action '{name}'{nearest(name, known)}" for name in keys if name not in known
    ]
    used = {name: set(spelt(keys.get(name, binding.key)).split(",")) for name, binding in known.items()}
    for name in keys:
        for other, key in _taken(name, used):
            said.append(
                f"[keys]: '{key}' is the key of '{name}' and of '{other}' too: give one of them another"
            )
    return list(dict.fromkeys(said))


def _taken(name: str, used: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Actions that are there at the same time and have the same key."""
    for other, theirs in used.items():
        if name not in used or other == name or not _meet(name, other):
            continue
        yield from ((other, key) for key in sorted(used[name] & theirs))


def _meet(name: str, other: str) -> bool:
    first, second = name.split(".")[0], other.split(".")[0]
    return first == second or first in _EVERYWHERE or second in _EVERYWHERE
