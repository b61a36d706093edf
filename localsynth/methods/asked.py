"""The engine of a method that can do nothing without one."""

from __future__ import annotations

from localsynth.core.contracts import Ask
from localsynth.core.errors import EngineError

__all__ = ["model_of"]


def model_of(ask: Ask | None, method: str) -> Ask:
    """Raises ``EngineError`` where there is none. method : its name, for the message."""
    if ask is None:
        raise EngineError(f"{method} needs a model", "name one in the recipe, or 'uniform' for a dry run")
    return ask
