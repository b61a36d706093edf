"""A generated table with a known joint distribution: customers of an online shop.

The generator is that of LLMSynthor's experiments (arXiv 2505.14752, appendix A). Two things are left to the reader there and
chosen here: the three age weights sum to 1.10 and are normalised, and ages are whole years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CATEGORIES", "draw"]

Array: TypeAlias = np.ndarray[Any, Any]

CATEGORIES = ("Electronics", "Apparel", "Food & Beverage", "Furniture")
_AGES = ((0.5, 24.0, 6.0), (0.45, 38.0, 15.0), (0.15, 55.0, 10.0))  # weight, mean, sd
_YOUNGEST, _OLDEST, _DEAREST = 18, 90, 2000.0
_PRICES = ((800.0, 1000.0), (100.0, 500.0), (100.0, 400.0), (200.0, 500.0))  # mean, sd of each category
#: (age group, gender) -> shares of CATEGORIES; age groups: below 35, below 55, older; genders: M, F.
_LIKES = np.array(
    [
        [[0.50, 0.25, 0.05, 0.20], [0.20, 0.50, 0.05, 0.25]],
        [[0.20, 0.10, 0.50, 0.20], [0.10, 0.20, 0.55, 0.15]],
        [[0.10, 0.10, 0.65, 0.15], [0.10, 0.10, 0.60, 0.20]],
    ]
)
_WORTH = np.array([1.3, 1.1, 0.9, 1.4])


def draw(rows: int, seed: int) -> pa.Table:
    """``rows`` customers: age, gender, tier, category, price, payment, and the labels discount and value."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    weights = np.array([weight for weight, _, _ in _AGES])
    group = rng.choice(3, rows, p=weights / weights.sum())
    means, spreads = np.array(_AGES)[:, 1][group], np.array(_AGES)[:, 2][group]
    age = np.floor(_truncated(rng, means, spreads, _YOUNGEST, _OLDEST + 1 - 1e-9)).astype(np.int64)
    female = rng.random(rows) >= 0.45
    developing = rng.random(rows) < 0.6
    shares = _LIKES[np.digitize(age, [35, 55]), female.astype(int)]
    category = (rng.random(rows)[:, None] > shares.cumsum(1)[:, :-1]).sum(1)
    mean, spread = np.array(_PRICES)[category].T
    price = _truncated(rng, mean, spread, 0.0, _DEAREST).round(2)
    online = rng.random(rows) < np.where(developing, 0.4, 0.7)
    return pa.table(
        {
            "age": age,
            "gender": np.where(female, "F", "M"),
            "tier": np.where(developing, "Developing", "Developed"),
            "category": np.array(CATEGORIES)[category],
            "price": price,
            "payment": np.where(online, "Online", "COD"),
            "discount": _discount(age, category, price, online, developing),
            "value": _value(age, category, price, online),
        }
    )


def _truncated(rng: np.random.Generator, mean: Array, spread: Array, low: float, high: float) -> Array:
    """Normal values drawn again until they lie within the bounds."""
    values = rng.normal(mean, spread)
    while (outside := np.flatnonzero((values < low) | (values > high))).size:
        values[outside] = rng.normal(mean[outside], spread[outside])
    return values


def _discount(age: Array, category: Array, price: Array, online: Array, developing: Array) -> Array:
    """How much a customer reacts to a discount."""
    z = np.zeros(len(price))
    for code in range(len(CATEGORIES)):
        own = category == code
        if own.any():
            z[own] = (price[own] - price[own].mean()) / (price[own].std() or 1.0)
    score = -np.tanh(z) + 0.01 * (age - 35) ** 2 / 100 + 0.5 * ~online + 0.3 * developing
    return np.where(score > 1, "High", np.where(score < -1, "Low", "Medium"))


def _value(age: Array, category: Array, price: Array, online: Array) -> Array:
    """What a customer is worth."""
    paid = np.sqrt(price) * np.where(online, 1.2, 0.85)
    worth = paid / (np.log1p(np.abs(age - 35)) + 1) * _WORTH[category]
    return np.where(worth > 20, "High", np.where(worth < 10, "Low", "Medium"))
