"""Synthetic tables from a local language model; nothing leaves the machine.

The public names are loaded when first used, so that ``import localsynth`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localsynth.core.errors import LocalsynthError
    from localsynth.workspace import Workspace

__version__ = "0.1.0"

__all__ = ["LocalsynthError", "Workspace", "__version__"]

_HOMES = {
    "LocalsynthError": "localsynth.core.errors",
    "Workspace": "localsynth.workspace",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'localsynth' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value  # next time Python finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
