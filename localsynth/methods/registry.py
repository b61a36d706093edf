"""Finds methods by the entry-point group ``localsynth.methods``; ours come the same way as a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from localsynth.core.contracts import Method, MethodParams
from localsynth.core.errors import LocalsynthError, NotFound, RecipeError
from localsynth.core.nearest import nearest
from localsynth.core.tomlfile import validate

__all__ = ["BUILT_IN", "GROUP", "Found", "create", "find", "get", "names", "read_params"]

GROUP = "localsynth.methods"

#: What pyproject.toml declares, for a checkout on PYTHONPATH that was never installed.
BUILT_IN: Mapping[str, str] = {
    "independent": "localsynth.methods.independent:Independent",
    "text-to-tabular": "localsynth.methods.text_to_tabular:TextToTabular",
}

_MEMBERS = (
    "name", "version", "exposure", "needs_model", "summary", "Params",
    "prepare", "batch_rows", "learn", "batch", "state", "restore",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One method by name: ``value`` is ``module:Class``, ``package`` who brings it, ``built_in`` whether it is ours."""

    name: str
    value: str
    package: str
    built_in: bool
    rivals: tuple[str, ...] = ()  # other classes that claim the same name

    def load(self) -> type[Method]:
        """The class. Raises ``LocalsynthError`` saying whose plug-in cannot be loaded, and why."""
        hint = f"update or uninstall the package '{self.package}'"
        if self.rivals:
            raise LocalsynthError(
                f"two plug-ins both call themselves '{self.name}': {', '.join((self.value, *self.rivals))}",
                hint,
            )
        module, _, attribute = self.value.partition(":")
        try:
            loaded: Any = import_module(module)
            for part in attribute.split("."):
                loaded = getattr(loaded, part)
        except Exception as error:  # a stranger's import can raise anything; it is told, not swallowed
            raise LocalsynthError(
                f"the method '{self.name}' ({self.value}) cannot be loaded: {type(error).__name__}: {error}",
                hint,
            ) from error
        missing = [member for member in _MEMBERS if not hasattr(loaded, member)]
        if missing:
            raise LocalsynthError(f"the method '{self.name}' ({self.value}) lacks {', '.join(missing)}", hint)
        return cast("type[Method]", loaded)


def find() -> dict[str, Found]:
    """Every method by name, sorted; loads none of them."""
    claims: dict[str, dict[str, Found]] = {
        name: {value: Found(name, value, "localsynth", True)} for name, value in BUILT_IN.items()
    }
    for point in entry_points(group=GROUP):
        claims.setdefault(point.name, {}).setdefault(point.value, _found(point))
    found: dict[str, Found] = {}
    for name, rivals in sorted(claims.items()):
        first, *others = rivals.values()
        found[name] = Found(
            name, first.value, first.package, first.built_in, tuple(other.value for other in others)
        )
    return found


def _found(point: EntryPoint) -> Found:
    package = point.dist.name if point.dist is not None else "unknown"
    return Found(point.name, point.value, package, package == "localsynth")


def names() -> tuple[str, ...]:
    """Names of all methods, sorted."""
    return tuple(find())


def get(name: str) -> type[Method]:
    """The method of that name. Raises ``NotFound`` with the nearest name, ``LocalsynthError`` if loading fails."""
    found = find()
    if name not in found:
        raise NotFound(f"there is no method '{name}'{nearest(name, found)}", f"methods: {', '.join(found)}")
    return found[name].load()


def read_params(cls: type[Method], params: Mapping[str, Any]) -> MethodParams:
    """Check parameters. Raises ``RecipeError`` naming the method and the nearest known key."""
    try:
        return validate(cls.Params, params, "", None, "recipe")
    except RecipeError as error:
        raise RecipeError(f"method {cls.name}: {error.message}", error.hint) from None


def create(name: str, params: Mapping[str, Any] | None = None) -> Method:
    """A method ready for ``prepare``. Raises as :func:`get` and :func:`read_params` do."""
    cls = get(name)
    return cls(read_params(cls, params or {}))
