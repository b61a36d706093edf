"""Finds methods by the entry-point group ``localsynth.methods``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from localsynth.core.contracts import Method, MethodParams
from localsynth.core.errors import RecipeError
from localsynth.core.plugins import Plugins
from localsynth.core.tomlfile import validate

__all__ = ["METHODS", "create", "get", "names", "read_params"]

METHODS = Plugins(
    "localsynth.methods",
    "method",
    {
        "bootstrap": "localsynth.methods.bootstrap:Bootstrap",
        "gaussian-copula": "localsynth.methods.gaussian_copula:GaussianCopula",
        "independent": "localsynth.methods.independent:Independent",
        "text-to-tabular": "localsynth.methods.text_to_tabular:TextToTabular",
    },
    (
        "name", "version", "exposure", "needs_model", "summary", "Params",
        "prepare", "batch_rows", "learn", "batch", "state", "restore",
    ),
)  # fmt: skip


def names() -> tuple[str, ...]:
    """Names of all methods, sorted."""
    return METHODS.names()


def get(name: str) -> type[Method]:
    """The method of that name. Raises ``NotFound`` with the nearest name, ``LocalsynthError`` if loading fails."""
    return cast("type[Method]", METHODS.get(name))


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
