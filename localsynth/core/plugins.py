"""Finds plug-ins by entry points; ours come the same way as a stranger's, and a stranger's mistake is told, never swallowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from .errors import LocalsynthError, NotFound
from .nearest import nearest

__all__ = ["Found", "Plugins"]

T = TypeVar("T")


@cache
def _installed(group: str) -> tuple[EntryPoint, ...]:
    """Looked for once: that takes tens of milliseconds, and a package installed meanwhile is for the next process."""
    return tuple(entry_points(group=group))


@dataclass(frozen=True)
class Found:
    """One plug-in by name: ``value`` is ``module:Class``, ``package`` who brings it, ``built_in`` whether it is ours."""

    name: str
    value: str
    package: str
    built_in: bool
    rivals: tuple[str, ...] = ()  # other classes that claim the same name
    strangers: tuple[str, ...] = ()  # the packages among all claimants that are not ours, each once


class Plugins:
    """The plug-ins of one kind.

    group : of entry points. what : the kind in a word, for messages. built_in : name -> ``module:Class``, what
    pyproject.toml declares, for a checkout on PYTHONPATH that was never installed. members : attributes each must have.
    check : what else is wrong with a class, or with an object of it, to follow "the metric 'x'"; empty where nothing is.
    """

    def __init__(
        self,
        group: str,
        what: str,
        built_in: Mapping[str, str],
        members: Sequence[str],
        points: Callable[[str], Sequence[EntryPoint]] = _installed,
        check: Callable[[Any], str] = lambda _: "",
    ) -> None:
        self.group, self.what, self.built_in = group, what, built_in
        self._members, self._points, self._check = tuple(members), points, check

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
            values = tuple(other.value for other in others)
            strangers = dict.fromkeys(one.package for one in rivals.values() if not one.built_in)
            found[name] = Found(name, first.value, first.package, first.built_in, values, tuple(strangers))
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

    def make(self, name: str, *arguments: Any) -> Any:
        """One of them, made with these arguments. Raises as :meth:`get` does, and where the class cannot be made."""
        cls = self.get(name)
        return self.build(name, cls, *arguments)

    def build(self, name: str, cls: type[Any], *arguments: Any) -> Any:
        """An object of the class that goes by that name. Raises ``LocalsynthError`` saying whose it is, and why not."""
        try:
            made = cls(*arguments)
        except (LocalsynthError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._broken(self.find()[name], f"cannot be made: {_told(error)}") from error
        try:
            # What stands on the class may be something else on the object.
            wrong = self._unlike(name, made)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._broken(self.find()[name], f"cannot be used: {_told(error)}") from error
        if wrong:
            raise self._broken(self.find()[name], wrong)
        return made

    def usable(self, take: Callable[[str], T]) -> tuple[dict[str, T], dict[str, LocalsynthError]]:
        """What ``take`` gives for each name, and why it gives nothing for others: one that is broken hinders none.

        take : :meth:`get`, :meth:`make`, or what is built upon them; sorted by name.
        """
        taken: dict[str, T] = {}
        broken: dict[str, LocalsynthError] = {}
        for name in self.names():
            try:
                taken[name] = take(name)
            except LocalsynthError as error:
                broken[name] = error
        return taken, broken

    def load(self, plugin: Found) -> type[Any]:
        """The class. Raises ``LocalsynthError`` saying whose plug-in cannot be loaded, and why."""
        if plugin.rivals:
            claims = ", ".join((plugin.value, *plugin.rivals))
            raise LocalsynthError(
                f"two plug-ins both call themselves '{plugin.name}': {claims}",
                _hint(*(plugin.strangers or (plugin.package,))),
            )
        module, _, attribute = plugin.value.partition(":")
        try:
            loaded: Any = import_module(module)
            for part in attribute.split("."):
                loaded = getattr(loaded, part)
            wrong = self._wrong(plugin, loaded)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # told, not swallowed: a module may even end in ``sys.exit``
            raise self._broken(plugin, f"cannot be loaded: {_told(error)}") from error
        if wrong:
            raise self._broken(plugin, wrong)
        return loaded  # type: ignore[no-any-return]

    def _wrong(self, plugin: Found, loaded: Any) -> str:
        if not isinstance(loaded, type):
            return "is no class"
        return self._unlike(plugin.name, loaded)

    def _unlike(self, name: str, one: Any) -> str:
        """What keeps a class, or an object of it, from being one of these."""
        missing = [member for member in self._members if not hasattr(one, member)]
        if missing:
            return f"lacks {', '.join(missing)}"
        own = getattr(one, "name", name)
        if own != name:
            return f"calls itself {own!r}: its entry point must have the same name"
        return self._check(one)

    def _broken(self, plugin: Found, wrong: str) -> LocalsynthError:
        return LocalsynthError(
            f"the {self.what} '{plugin.name}' ({plugin.value}) {wrong}", _hint(plugin.package)
        )


def _hint(*packages: str) -> str:
    named = " or ".join(f"'{package}'" for package in packages)
    return f"update or uninstall the package {named}"


def _told(error: BaseException) -> str:
    """A stranger's error in one line."""
    try:
        words = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  it fails even at this, and its name says enough
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _found(point: EntryPoint) -> Found:
    package = point.dist.name if point.dist is not None else "unknown"
    return Found(point.name, point.value, package, package == "localsynth")
