"""What is known of a column's distribution before a single row exists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .nearest import nearest
from .words import FieldError, plain

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

    @field_validator("quantiles", mode="before")
    @classmethod
    def _levels_in_quotes(cls, value: Any) -> Any:
        # TOML reads `0.25 = 110` as the key 25 inside a table called 0.
        if isinstance(value, dict):
            for whole, inner in value.items():
                if isinstance(inner, dict) and len(inner) > 0:
                    level = f"{whole}.{next(iter(inner))}"
                    raise ValueError(f'the level {level} of a quantile needs quotes: "{level}" = ...')
        return value

    @field_validator("shares")
    @classmethod
    def _shares_sum(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value is None:
            return None
        for name, share in value.items():
            if not 0 <= share <= 1:
                raise ValueError(f"the share of '{name}' is {plain(share)}, not between 0 and 1")
        total = math.fsum(value.values())
        if abs(total - 1) > 0.01:
            raise ValueError(f"the shares sum to {plain(round(total, 9))}, not to 1")
        return value

    @field_validator("quantiles")
    @classmethod
    def _quantiles_rise(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value is None:
            return None
        try:
            pairs = sorted((float(level), x) for level, x in value.items())
        except ValueError:
            raise ValueError(f"quantile levels are numbers between 0 and 1, not {', '.join(value)}") from None
        if len(pairs) < 2:
            raise ValueError("at least two quantiles are needed")
        if not all(0 <= level <= 1 for level, _ in pairs):
            raise ValueError("quantile levels lie between 0 and 1")
        if any(a[1] > b[1] or a[0] == b[0] for a, b in pairwise(pairs)):
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
        """Raise ``FieldError`` where no distribution on [low, high] can have these moments or quantiles."""
        inside = f"the range {plain(low)} to {plain(high)}"
        if self.mean is not None and self.sd is not None:
            if not low < self.mean < high:
                raise FieldError(f"the mean {plain(self.mean)} lies outside {inside}", "distribution", "mean")
            largest = math.sqrt((self.mean - low) * (high - self.mean))
            if self.sd >= largest:
                raise FieldError(
                    f"sd = {plain(self.sd)} cannot be reached inside {inside} (it must be below {largest:.4g})",
                    "distribution",
                    "sd",
                )
        for level, value in self.points():
            if not low <= value <= high:
                raise FieldError(
                    f"the {plain(level)} quantile {plain(value)} lies outside {inside}",
                    "distribution",
                    "quantiles",
                )

    def check_shares(self, categories: Sequence[str]) -> None:
        """Raise ``FieldError`` where a share is given for something that is no category."""
        for name in self.shares or {}:
            if name not in categories:
                raise FieldError(
                    f"a share is given for '{name}', which is no category{nearest(name, categories)}",
                    "distribution",
                    "shares",
                    name,
                )
