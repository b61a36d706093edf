"""One door for the modes of a method: what is asked of the method goes to the mode that the recipe chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from localsynth.core.contracts import Ask, Draft, MethodParams
from localsynth.core.errors import RunError
from localsynth.methods.asked import model_of

__all__ = ["Door", "Mode", "unfit"]


class Mode(Protocol):
    """One way in which a method works."""

    def learn(self, ask: Ask, seed: int) -> None:
        """See :class:`~localsynth.core.contracts.Method`."""

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """See :class:`~localsynth.core.contracts.Method`."""

    def dump(self) -> Mapping[str, Any]:
        """What :meth:`load` needs to go on from here, as JSON."""

    def load(self, state: Mapping[str, Any], /) -> None:
        """Raises ``KeyError``, ``TypeError`` or ``ValueError`` where the state is not one of this mode."""


_P = TypeVar("_P", bound=MethodParams)
_M = TypeVar("_M", bound=Mode)


class Door(Generic[_P, _M]):
    """The part of a method that needs to know of its modes only that there is one; ``prepare`` sets ``_mode``."""

    name: ClassVar[str]

    def __init__(self, params: _P) -> None:
        self.params = params
        self._mode: _M | None = None

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Raises ``ContextTooSmall`` with the numbers, before anything is written."""
        self._ready().learn(model_of(ask, self.name), seed)

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        return self._ready().batch(n, seed, model_of(ask, self.name))

    def state(self) -> Mapping[str, Any]:
        return self._ready().dump()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises ``RunError`` where the state is not one of this mode."""
        try:
            self._ready().load(state)
        except (KeyError, TypeError, ValueError) as error:
            raise unfit(self.name, self.params, error) from error

    def _ready(self) -> _M:
        if self._mode is None:
            raise RunError(f"{self.name} was used before it was prepared")
        return self._mode


def unfit(name: str, params: MethodParams, error: Exception) -> RunError:
    """The error that says so of a stored state. name : the method's."""
    mode = getattr(params, "mode", "")
    return RunError(
        f"the stored state of the run does not fit {name}, mode {mode}: {error!r}", "start a new run"
    )
