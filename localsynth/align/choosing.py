"""Which value each determinant gets where a dependency is declared and no table tells: the map that meets the margins best."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["best_fit", "matched"]

Array: TypeAlias = np.ndarray[Any, Any]
_SEARCHED = (
    400  # cells on either side: of more the greedy map is near the best, and looking at all pairs takes long
)
_LEAST = 1e-6  # share


def best_fit(given: Array, wanted: Array) -> Array:
    """For each given cell the wanted cell it goes to (int32), so that the shares that come together are near the wanted ones.

    Large cells first, each to where most is lacking; then cells move, or two change places, while that lowers the total
    variation distance. The best map of all is a partition problem; this is a local optimum of it.

    Parameters
    ----------
    given, wanted : shares of the cells of the determinant and of the dependent column.
    """
    image = np.zeros(len(given), np.int32)
    lacking = np.array(wanted, np.float64)
    for cell in np.argsort(-given, kind="stable"):
        image[cell] = lacking.argmax()
        lacking[image[cell]] -= given[cell]
    if max(len(given), len(wanted)) <= _SEARCHED:
        while _moved(given, image, lacking) or _exchanged(given, image, lacking):
            pass
    return image


def matched(given: Array, wanted: Array) -> Array | None:
    """As :func:`best_fit`, no wanted cell twice among the given ones that have rows; None where those are too many."""
    used = np.argsort(-given, kind="stable")[: int((given > 0).sum())]
    if len(used) > len(wanted):
        return None
    image = np.zeros(len(given), np.int32)
    image[used] = np.argsort(-wanted, kind="stable")[: len(used)]
    return image


def _moved(given: Array, image: Array, lacking: Array) -> bool:
    """Let the one cell move whose move helps most."""
    own = lacking[image]
    gain = (np.abs(own) - np.abs(own + given))[:, None] + (
        np.abs(lacking)[None, :] - np.abs(lacking[None, :] - given[:, None])
    )
    gain[np.arange(len(given)), image] = 0.0
    cell, goes = np.unravel_index(int(gain.argmax()), gain.shape)
    if gain[cell, goes] <= _LEAST:
        return False
    lacking[image[cell]] += given[cell]
    lacking[goes] -= given[cell]
    image[cell] = goes
    return True


def _exchanged(given: Array, image: Array, lacking: Array) -> bool:
    """Let the two cells change places whose exchange helps most."""
    own, more = lacking[image], given[:, None] - given[None, :]
    before = np.abs(own)[:, None] + np.abs(own)[None, :]
    gain = before - np.abs(own[:, None] + more) - np.abs(own[None, :] - more)
    gain[image[:, None] == image[None, :]] = 0.0
    one, other = np.unravel_index(int(gain.argmax()), gain.shape)
    if gain[one, other] <= _LEAST:
        return False
    lacking[image[one]] += more[one, other]
    lacking[image[other]] -= more[one, other]
    image[one], image[other] = image[other], image[one]
    return True
