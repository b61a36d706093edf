"""Finds methods by the entry-point group ``localsynth.methods``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from localsynth.core.contracts import Method, MethodParams
from localsynth.core.errors import LocalsynthError, RecipeError
from localsynth.core.plugins import Plugins
from localsynth.core.run import Exposure
from localsynth.core.tomlfile import validate

__all__ = ["METHODS", "build", "create", "get", "names", "read_params", "usable"]


def _wrong(method: type[Any]) -> str:
    """What keeps a class from being a method, to follow "the method 'x'"; empty where nothing does."""
    kinds = {"version": int, "exposure": Exposure, "needs_model": bool, "summary": str}
    for attribute, kind in kinds.items():
        if not isinstance(value := getattr(method, attribute), kind):
            return f"says {attribute} = {value!r}, which is no {kind.__name__}"
    if not (isinstance(method.Params, type) and issubclass(method.Params, MethodParams)):
        return f"says Params = {method.Params!r}, which is no MethodParams"
    return ""


METHODS = Plugins(
    "localsynth.methods",
    "method",
    {
        "bootstrap": "localsynth.methods.bootstrap:Bootstrap",
        "gaussian-copula": "localsynth.methods.gaussian_copula:GaussianCopula",
        "independent": "localsynth.methods.independent:Independent",
        "llmsynthor": "localsynth.methods.llmsynthor:LLMSynthor",
        "mallm-gan": "localsynth.methods.mallm_gan:MALLMGAN",
        "paft": "localsynth.methods.paft:PAFT",
        "text-to-tabular": "localsynth.methods.text_to_tabular:TextToTabular",
    },
    (
        "name", "version", "exposure", "needs_model", "summary", "Params",
        "prepare", "batch_rows", "learn", "batch", "state", "restore",
    ),
    check=_wrong,
)  # fmt: skip


def names() -> tuple[str, ...]:
    """Names of all methods, sorted."""
    return METHODS.names()


def get(name: str) -> type[Method]:
    """The method of that name. Raises ``NotFound`` with the nearest name, ``LocalsynthError`` if loading fails."""
    return cast("type[Method]", METHODS.get(name))


def usable() -> tuple[dict[str, type[Method]], dict[str, LocalsynthError]]:
    """Every method that can be used, and why others cannot: one that is broken hinders none."""
    return METHODS.usable(get)


def build(cls: type[Method], params: MethodParams) -> Method:
    """The method with its parameters. Raises ``LocalsynthError`` where a stranger's cannot be made."""
    return cast("Method", METHODS.build(cls.name, cls, params))


def read_params(cls: type[Method], params: Mapping[str, Any]) -> MethodParams:
    """Check parameters. Raises ``RecipeError`` naming the method and the nearest known key."""
    try:
        return validate(cls.Params, params, "", None, "recipe")
    except RecipeError as error:
        raise RecipeError(f"method {cls.name}: {error.message}", error.hint) from None


def create(name: str, params: Mapping[str, Any] | None = None) -> Method:
    """A method ready for ``prepare``. Raises as :func:`get` and :func:`read_params` do."""
    cls = get(name)
    return build(cls, read_params(cls, params or {}))
