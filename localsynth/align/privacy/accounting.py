"""From (epsilon, delta) to rho and back, and the ledger no measurement gets around."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import sqrt
from typing import Any

from localsynth.core.errors import RecipeError, RunError
from localsynth.core.recipe import budget_fault
from localsynth.core.targets import Spending

from .extra import opendp

__all__ = ["Ledger", "check_budget", "epsilon_of", "rho_of", "scale_of"]


def check_budget(epsilon: float, delta: float) -> None:
    """Raise ``RecipeError`` where these parameters promise nothing, or no mechanism has them."""
    fault = budget_fault(epsilon, delta)
    if fault is not None:
        raise RecipeError(
            f"{fault[1]}.",
            "Gaussian noise needs a finite epsilon above 0, and a delta above 0 and far below 1 / rows, such as 1e-6.",
        )


def _gaussian(scale: float) -> Any:
    dp = opendp()
    space = dp.atom_domain(T="i64"), dp.absolute_distance(T="f64")
    return dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=scale))


def scale_of(rho: float) -> float:
    """Standard deviation of the Gaussian noise on a count that costs ``rho``: 1 / sqrt(2 rho)."""
    return sqrt(1 / (2 * rho))


def epsilon_of(rho: float, delta: float) -> float:
    """The epsilon that ``rho`` amounts to at ``delta``, by OpenDP's conversion (Canonne, Kamath & Steinke 2020, cor. 13)."""
    return float(_gaussian(scale_of(rho)).map(1.0).epsilon(delta)) if rho > 0 else 0.0


@lru_cache(maxsize=64)
def rho_of(epsilon: float, delta: float) -> float:
    """The largest rho within (epsilon, delta). Raises ``RecipeError`` where the two are no budget."""
    check_budget(epsilon, delta)
    dp = opendp()
    scale = dp.binary_search_param(
        lambda scale: dp.c.make_fix_delta(_gaussian(scale), delta), d_in=1.0, d_out=(epsilon, delta), T=float
    )
    return 1 / (2 * float(scale) ** 2)


class Ledger:
    """What is spent of a budget. total : rho."""

    def __init__(self, total: float, spent: Iterable[Spending] = ()) -> None:
        self.total = total
        self._spent: dict[str, float] = {}
        for part in spent:
            self.take(part.what, part.rho)

    @property
    def rho(self) -> float:
        """Spent so far."""
        return sum(self._spent.values())

    @property
    def left(self) -> float:
        """What can still be spent; a billionth is kept back, so that sums of rounded numbers stay within the total."""
        return max(0.0, self.total * (1 - 1e-9) - self.rho)

    @property
    def spent(self) -> tuple[Spending, ...]:
        """One entry for each purpose, in the order of first use."""
        return tuple(Spending(what, rho) for what, rho in self._spent.items())

    def take(self, what: str, rho: float) -> None:
        """Book a measurement before it is made. Raises ``RunError`` where the budget does not hold it."""
        if not rho >= 0 or self.rho + rho > self.total:
            raise RunError(
                f"The privacy budget has {max(0.0, self.total - self.rho):.3g} of rho left, not the {rho:.3g} asked for {what}."
            )
        self._spent[what] = self._spent.get(what, 0.0) + rho
