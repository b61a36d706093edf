"""Where the files packed with localsynth are: recipes, and the list of known models.

In a wheel they lie inside the package (``_recipes``, ``_models``); in a checkout they lie at the top of the
repository, where people read and edit them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["checkout", "models_toml", "recipes"]


def checkout() -> Path | None:
    """The repository's root when the code runs from a checkout, else None."""
    root = Path(__file__).resolve().parent.parent
    here = (root / "pyproject.toml").is_file() and (root / "models" / "models.toml").is_file()
    return root if here else None


def recipes() -> Traversable:
    """The folder of worked recipes and their schemas."""
    root = checkout()
    return root / "recipes" if root else files("localsynth") / "_recipes"


def models_toml() -> Traversable:
    """The list of models localsynth knows by name."""
    root = checkout()
    return (root / "models" if root else files("localsynth") / "_models") / "models.toml"
