"""The generated shop has the distribution it is said to have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from localsynth.store.ecommerce import CATEGORIES, draw


def test_the_distribution_is_the_published_one() -> None:
    table = draw(100_000, 1)
    age, price = table["age"].to_numpy(), table["price"].to_numpy()
    gender, tier, category, payment = (
        np.array(table[name].to_pylist()) for name in ("gender", "tier", "category", "payment")
    )
    assert (gender == "M").mean() == pytest.approx(0.45, abs=0.006)
    assert (tier == "Developing").mean() == pytest.approx(0.6, abs=0.006)
    assert (payment[tier == "Developed"] == "Online").mean() == pytest.approx(0.7, abs=0.008)
    assert (payment[tier == "Developing"] == "Online").mean() == pytest.approx(0.4, abs=0.008)
    young_women = (age < 35) & (gender == "F")
    for name, share in zip(CATEGORIES, (0.2, 0.5, 0.05, 0.25), strict=True):
        assert (category[young_women] == name).mean() == pytest.approx(share, abs=0.01)
    old_men = (age >= 55) & (gender == "M")
    assert (category[old_men] == "Food & Beverage").mean() == pytest.approx(0.65, abs=0.02)
    bounds = [(0 - 800) / 1000, (2000 - 800) / 1000]
    expected = stats.truncnorm(*bounds, loc=800, scale=1000)
    assert stats.kstest(price[category == "Electronics"][:5000], expected.cdf).pvalue > 1e-4
    assert (age.min(), age.max() <= 90) == (18, True)
    assert (price >= 0).all()
    assert (price <= 2000).all()


def test_labels_are_functions_of_the_rest() -> None:
    table = draw(2000, 0)
    first = {name: table[name][0].as_py() for name in table.column_names}
    worth = np.sqrt(first["price"]) * (1.2 if first["payment"] == "Online" else 0.85)
    worth *= dict(zip(CATEGORIES, (1.3, 1.1, 0.9, 1.4), strict=True))[first["category"]]
    worth /= np.log(1 + abs(first["age"] - 35)) + 1
    assert first["value"] == ("High" if worth > 20 else "Low" if worth < 10 else "Medium")
    # As published: the one term that lowers the score lowers it by less than 1, so nobody falls below -1.
    assert set(table["discount"].to_pylist()) == {"High", "Medium"}
    assert set(table["value"].to_pylist()) == {"High", "Medium", "Low"}


def test_the_same_seed_gives_the_same_shop() -> None:
    assert draw(50, 3).equals(draw(50, 3))
    assert not draw(50, 3).equals(draw(50, 4))
    assert draw(0, 1).num_rows == 0
