"""What is known of a column's distribution before a single row exists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["Distribution"]


class Distribution(BaseModel):
    """A declared distribution: mean and sd, or quantiles, or shares; of the non-missing values.

    mean, sd : in the column's unit. quantiles : level (``"0.25"``, between 0 and 1) -> value, rising.
    shares : category -> share, summing to 1 (within 0.01; a remainder up to 0.01 is rescaled).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mean: float | None = None
    sd: float | None = Field(default=None, gt=0)
    quantiles: dict[str, float] | None = None
    shares: dict[str, float] | None = None

    @field_validator("shares")
    @classmethod
    def _shares_sum(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value is None:
            return None
        for name, share in value.items():
            if not 0 <= share <= 1:
                raise ValueError(f"the share of '{name}' is {share:g}, not between 0 and 1")
        total = math.fsum(value.values())
        if abs(total - 1) > 0.01:
            raise ValueError(f"the shares sum to {total:g}, not to 1")
        return value

    @field_validator("quantiles")
    @classmethod
    def _quantiles_rise(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value is None:
            return None
        try:
            pairs = sorted((float(level), x) for level, x in value.items())
        except ValueError:
            raise ValueError(
                f"quantile levels are numbers between 0 and 1, not {', '.join(value)}"
            ) from None
        if len(pairs) < 2:
            raise ValueError("at least two quantiles are needed")
        if not all(0 <= level <= 1 for level, _ in pairs):
            raise ValueError("quantile levels lie between 0 and 1")
        if any(a[1] > b[1] or a[0] == b[0] for a, b in zip(pairs, pairs[1:], strict=False)):
            raise ValueError("quantiles must rise with their level")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Distribution:
        if (self.mean is None) != (self.sd is None):
            raise ValueError("mean and sd go together")
        if len(self.parts) != 1:
            raise ValueError("give exactly one of: mean and sd, quantiles, shares")
        return self

    @property
    def parts(self) -> frozenset[str]:
        """Which form it has: one of ``mean``, ``quantiles``, ``shares``."""
        return frozenset(name for name in ("mean", "quantiles", "shares") if getattr(self, name) is not None)

    def points(self) -> list[tuple[float, float]]:
        """Quantiles as rising (level, value) pairs."""
        return sorted((float(level), value) for level, value in (self.quantiles or {}).items())

    def span(self) -> tuple[float, float]:
        """An interval wide enough for practically every value, for columns without a range."""
        if self.mean is not None and self.sd is not None:
            return self.mean - 5 * self.sd, self.mean + 5 * self.sd
        values = [value for _, value in self.points()]
        return values[0], values[-1]

    def check_within(self, low: float, high: float) -> None:
        """Raise ``ValueError`` where no distribution on [low, high] can have these moments or quantiles."""
        if self.mean is not None and self.sd is not None:
            if not low < self.mean < high:
                raise ValueError(f"the mean {self.mean:g} lies outside the range {low:g} to {high:g}")
            largest = math.sqrt((self.mean - low) * (high - self.mean))
            if self.sd >= largest:
                raise ValueError(
                    f"sd = {self.sd:g} cannot be reached inside the range {low:g} to {high:g} (at most {largest:g})"
                )
        for level, value in self.points():
            if not low <= value <= high:
                raise ValueError(f"the {level:g} quantile {value:g} lies outside the range {low:g} to {high:g}")

    def check_shares(self, categories: Sequence[str]) -> None:
        """Raise ``ValueError`` where a share is given for something that is no category."""
        for name in self.shares or {}:
            if name not in categories:
                near = get_close_matches(name, categories, 1)
                raise ValueError(
                    f"a share is given for '{name}', which is no category"
                    + (f"; did you mean '{near[0]}'?" if near else "")
                )
