"""OpenDP, imported when the first noise is wanted: it is an extra, and it loads pandas where that is installed."""

from __future__ import annotations

from typing import Any

from localsynth.core.errors import LocalsynthError

__all__ = ["opendp"]


def opendp() -> Any:
    """The library's prelude, with the features used here switched on. Raises ``LocalsynthError`` where it is missing."""
    try:
        import opendp.prelude as library
    except ImportError as error:
        raise LocalsynthError(
            f"Differential privacy needs the package opendp, which cannot be loaded here ({error}).",
            'Install it with: pip install "localsynth[dp]" (or leave `epsilon` out of the recipe).',
        ) from None
    # "contrib" stands for all mechanisms whose proofs OpenDP publishes but has not had vetted by outsiders yet.
    library.enable_features("contrib")
    return library
