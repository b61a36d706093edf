"""The chest clinic is drawn from the published network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from localsynth.store import datasets
from localsynth.store.asia import ASIA_EDGES, NETWORK, draw
from localsynth.store.session import Store


def test_the_network_is_the_published_one() -> None:
    assert set(ASIA_EDGES) == {
        ("asia", "tub"),
        ("smoke", "lung"),
        ("smoke", "bronc"),
        ("tub", "either"),
        ("lung", "either"),
        ("either", "xray"),
        ("either", "dysp"),
        ("bronc", "dysp"),
    }
    for causes, likely in NETWORK.values():
        assert set(likely) == set(itertools.product([True, False], repeat=len(causes)))


def test_its_margins_are_those_that_follow() -> None:
    """As computed by hand from the conditional probabilities."""
    tub, lung, bronc = 0.01 * 0.05 + 0.99 * 0.01, 0.5 * 0.1 + 0.5 * 0.01, 0.45
    either = 1 - (1 - tub) * (1 - lung)
    xray = either * 0.98 + (1 - either) * 0.05
    # Lung cancer and bronchitis have smoking in common.
    both = [(1 - (1 - tub) * (1 - cancer), cough) for cancer, cough in ((0.1, 0.6), (0.01, 0.3))]
    dysp = sum(
        0.5 * (e * b * 0.9 + e * (1 - b) * 0.7 + (1 - e) * b * 0.8 + (1 - e) * (1 - b) * 0.1) for e, b in both
    )
    assert (round(either, 4), round(xray, 4), round(dysp, 4)) == (0.0648, 0.1103, 0.4360)
    table = draw(200_000, 1)
    assert table.column_names == ["asia", "tub", "smoke", "lung", "bronc", "either", "xray", "dysp"]
    for name, share in zip(
        table.column_names, (0.01, tub, 0.5, lung, bronc, either, xray, dysp), strict=True
    ):
        yes = (np.array(table[name].to_pylist()) == "yes").mean()
        assert yes == pytest.approx(share, abs=4 * (share * (1 - share) / 200_000) ** 0.5)


def test_rows_follow_the_causes() -> None:
    table = draw(100_000, 2)
    columns = {name: np.array(table[name].to_pylist()) == "yes" for name in table.column_names}
    assert (columns["either"] == (columns["tub"] | columns["lung"])).all()
    assert columns["bronc"][columns["smoke"]].mean() == pytest.approx(0.6, abs=0.01)
    assert columns["lung"][~columns["smoke"]].mean() == pytest.approx(0.01, abs=0.002)
    assert columns["xray"][columns["either"]].mean() == pytest.approx(0.98, abs=0.01)
    assert columns["dysp"][columns["either"] & ~columns["bronc"]].mean() == pytest.approx(0.7, abs=0.04)


def test_the_same_seed_gives_the_same_clinic() -> None:
    assert draw(50, 3).equals(draw(50, 3))
    assert not draw(50, 3).equals(draw(50, 4))
    assert draw(0, 1).num_rows == 0


def test_it_is_imported_with_what_is_known(store: Store) -> None:
    dataset = datasets.import_sample(store, "sample:asia", holdout=0.6)
    assert (dataset.rows, dataset.holdout_rows, dataset.schema.target) == (1000, 600, "dysp")
    for column in dataset.schema.columns:
        assert column.kind == "categorical"
        assert set(column.categories) == {"yes", "no"}
        assert column.description
