"""Finds plug-ins by entry points; ours come the same way as a stranger's, and a stranger's mistake is told, never swallowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import LocalsynthError, NotFound
from .nearest import nearest

__all__ = ["Found", "Plugins"]


@dataclass(frozen=True)
class Found:
    """One plug-in by name: ``value`` is ``module:Class``, ``package`` who brings it, ``built_in`` whether it is ours."""

    name: str
    value: str
    package: str
    built_in: bool
    rivals: tuple[str, ...] = ()  # other classes that claim the same name


class Plugins:
    """The plug-ins of one kind.

    group : of entry points. what : the kind in a word, for messages. built_in : name -> ``module:Class``, what
    pyproject.toml declares, for a checkout on PYTHONPATH that was never installed. members : attributes each must have.
    """

    def __init__(
        self,
        group: str,
        what: str,
        built_in: Mapping[str, str],
        members: Sequence[str],
        points: Callable[[str], Sequence[EntryPoint]] = lambda group: tuple(entry_points(group=group)),
    ) -> None:
        self.group, self.what, self.built_in = group, what, built_in
        self._members, self._points = tuple(members), points

    def find(self) -> dict[str, Found]:
        """Every plug-in by name, sorted; loads none of them."""
        claims: dict[str, dict[str, Found]] = {
            name: {value: Found(name, value, "localsynth", True)} for name, value in self.built_in.items()
        }
        for point in self._points(self.group):
            claims.setdefault(point.name, {}).setdefault(point.value, _found(point))
        found: dict[str, Found] = {}
        for name, rivals in sorted(claims.items()):
            first, *others = rivals.values()
            found[name] = Found(
                name, first.value, first.package, first.built_in, tuple(other.value for other in others)
            )
        return found

    def names(self) -> tuple[str, ...]:
        """Names of all, sorted."""
        return tuple(self.find())

    def get(self, name: str) -> type[Any]:
        """The class of that name. Raises ``NotFound`` with the nearest name, ``LocalsynthError`` if loading fails."""
        found = self.find()
        if name not in found:
            raise NotFound(
                f"there is no {self.what} '{name}'{nearest(name, found)}", f"{self.what}s: {', '.join(found)}"
            )
        return self.load(found[name])

    def load(self, plugin: Found) -> type[Any]:
        """The class. Raises ``LocalsynthError`` saying whose plug-in cannot be loaded, and why."""
        hint = f"update or uninstall the package '{plugin.package}'"
        if plugin.rivals:
            raise LocalsynthError(
                f"two plug-ins both call themselves '{plugin.name}': {', '.join((plugin.value, *plugin.rivals))}",
                hint,
            )
        module, _, attribute = plugin.value.partition(":")
        whose = f"the {self.what} '{plugin.name}' ({plugin.value})"
        try:
            loaded: Any = import_module(module)
            for part in attribute.split("."):
                loaded = getattr(loaded, part)
        except Exception as error:  # a stranger's import can raise anything; it is told, not swallowed
            raise LocalsynthError(
                f"{whose} cannot be loaded: {type(error).__name__}: {error}", hint
            ) from error
        missing = [member for member in self._members if not hasattr(loaded, member)]
        if missing:
            raise LocalsynthError(f"{whose} lacks {', '.join(missing)}", hint)
        return loaded  # type: ignore[no-any-return]


def _found(point: EntryPoint) -> Found:
    package = point.dist.name if point.dist is not None else "unknown"
    return Found(point.name, point.value, package, package == "localsynth")
