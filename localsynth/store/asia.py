"""A generated table with a known causal graph: patients of a chest clinic, eight questions answered with yes or no.

The network and all its probabilities are those of S. L. Lauritzen, D. J. Spiegelhalter: Local computations with
probabilities on graphical structures and their application to expert systems, Journal of the Royal Statistical Society
B 50 (1988), 157-224, where they are made up, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ASIA_EDGES", "NETWORK", "draw"]

#: Variable -> its causes, and how likely it is `yes` for each combination of these, causes before their effects.
NETWORK: dict[str, tuple[tuple[str, ...], dict[tuple[bool, ...], float]]] = {
    "asia": ((), {(): 0.01}),
    "tub": (("asia",), {(True,): 0.05, (False,): 0.01}),
    "smoke": ((), {(): 0.5}),
    "lung": (("smoke",), {(True,): 0.10, (False,): 0.01}),
    "bronc": (("smoke",), {(True,): 0.60, (False,): 0.30}),
    # Either of the two diseases that an X-ray cannot tell apart.
    "either": (
        ("tub", "lung"),
        {(True, True): 1.0, (True, False): 1.0, (False, True): 1.0, (False, False): 0.0},
    ),
    "xray": (("either",), {(True,): 0.98, (False,): 0.05}),
    "dysp": (
        ("bronc", "either"),
        {(True, True): 0.9, (True, False): 0.8, (False, True): 0.7, (False, False): 0.1},
    ),
}
#: The true edges: (cause, effect).
ASIA_EDGES = tuple((cause, effect) for effect, (causes, _) in NETWORK.items() for cause in causes)


def draw(rows: int, seed: int) -> pa.Table:
    """``rows`` patients, each drawn from the network: eight columns of ``yes`` and ``no``."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    drawn: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for name, (causes, likely) in NETWORK.items():
        chance = np.zeros(rows)
        for answers, yes in likely.items():
            met = np.ones(rows, np.bool_)
            for cause, answer in zip(causes, answers, strict=True):
                met &= drawn[cause] == answer
            chance[met] = yes
        drawn[name] = rng.random(rows) < chance
    return pa.table({name: np.where(yes, "yes", "no") for name, yes in drawn.items()})
