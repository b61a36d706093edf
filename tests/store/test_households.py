"""The generated households and persons are what the recipe's rules say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from localsynth import resources
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.core.widening import widen
from localsynth.runs.widerows import WideRows
from localsynth.store.grouprules import GroupChecker, split_rules
from localsynth.store.households import FAMILIES, MOST, draw
from localsynth.store.rules import RuleChecker

RECIPES = Path(str(resources.recipes()))


@pytest.fixture(scope="module")
def schemas() -> tuple[Schema, Schema]:
    return Schema.load(RECIPES / "households.schema.toml"), Schema.load(RECIPES / "persons.schema.toml")


def test_every_rule_of_the_recipe_holds(schemas: tuple[Schema, Schema]) -> None:
    homes, people = draw(400, seed=3)
    above, below = schemas
    tie = Recipe.load(RECIPES / "households.toml").members
    assert tie is not None
    sizes = homes["persons"].to_numpy()
    assert (
        pc.run_end_encode(people["household_id"].combine_chunks()).values.to_pylist()
        == homes["household_id"].to_pylist()
    )
    assert people.num_rows == sizes.sum()
    assert sizes.min() == 1
    assert sizes.max() <= MOST
    single, together = split_rules(widen("households", above, below, "persons").schema, tie.rules)
    wide = widen("households", above, below, "persons", single)
    rows = WideRows(wide, homes.select(list(wide.parent)), sizes, people.select(list(wide.own)))
    with (
        RuleChecker(wide.schema) as checker,
        GroupChecker(wide.schema.model_copy(update={"rules": together}), tuple(wide.parent)) as groups,
        RuleChecker(above) as own,
    ):
        assert not checker.violations(rows.whole()).any()
        assert not groups.groups(rows.whole(), rows.group).any()
        assert not own.violations(homes).any()


def test_it_is_the_same_for_a_seed_and_looks_like_a_population() -> None:
    homes, people = draw(600, seed=0)
    again, _ = draw(600, seed=0)
    assert homes.equals(again)
    assert not homes.equals(draw(600, seed=1)[0])
    family = np.array(homes["family"].to_pylist())
    for name, (share, *_) in FAMILIES.items():
        assert abs((family == name).mean() - share) < 4 * (share / 600) ** 0.5
    relation = np.array(people["relation"].to_pylist())
    age = people["age"].to_numpy()
    head = np.cumsum(relation == "head") - 1
    gap = age - age[relation == "head"][head]
    assert abs(gap[relation == "spouse"].std() - 4.8) < 1
    assert gap[relation == "child"].max() <= -15
    assert gap[relation == "parent"].min() >= 15
