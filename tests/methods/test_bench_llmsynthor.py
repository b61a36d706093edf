"""The figures that the script for LLMSynthor prints are what they are called."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.schema import Schema
from localsynth.methods import registry
from localsynth.store.ecommerce import draw

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("bench_llmsynthor")


def test_every_variant_is_a_way_to_run_the_method(script: ModuleType) -> None:
    for params in script.VARIANTS.values():
        registry.create("llmsynthor", params)


def test_rows_against_themselves_and_against_others(script: ModuleType) -> None:
    schema = Schema.load(ROOT / "recipes" / "ecommerce.schema.toml")
    real = draw(400, seed=1)
    same = script.against(schema, real, real)
    assert all(value == 0 for value in same.values())
    swapped = real.set_column(1, "gender", pa.array(["F"] * 400))
    dearer = swapped.set_column(4, "price", pa.array(np.minimum(real["price"].to_numpy() + 7.0, 2000.0)))
    found = script.against(schema, real, dearer)
    male = real["gender"].to_pylist().count("M") / 400
    assert found["gender_tvd"] == pytest.approx(male)
    assert found["price_w1"] == pytest.approx(7, abs=0.1)
    assert found["age_w1"] == found["jsd_tier_payment"] == 0
    assert found["rule_rejects"] > 0


def test_the_joint_distance_is_the_root_of_the_divergence_in_bits(script: ModuleType) -> None:
    one = pa.table({"tier": ["a"] * 4, "payment": ["x", "x", "y", "y"]})
    other = pa.table({"tier": ["a"] * 4, "payment": ["x", "x", "x", "x"]})
    # Half of a fair coin and a sure one: H(3/4) - (1 + 0) / 2.
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    found = script._jsd(one, other, ("tier", "payment"), 6, quantiles=True)
    assert found == pytest.approx((entropy - 0.5) ** 0.5)
    apart = pa.table({"tier": ["b"] * 4, "payment": ["x"] * 4})
    assert script._jsd(one, apart, ("tier", "payment"), 6, quantiles=True) == pytest.approx(1)
