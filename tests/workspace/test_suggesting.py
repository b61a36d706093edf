"""Structure found in a dataset's train rows, put in order, and accepted into its schema."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from localsynth.core.errors import DatasetError, NotFound, PolicyError, SchemaError
from localsynth.core.schema import Dependency, Schema
from localsynth.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    """Shops in towns: ``shop -> town`` in every row, ``town -> county`` but for four rows, ``sold <= stock``."""
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 40, 900)
    town = shop // 4
    county = np.where(np.arange(900) % 225 == 7, 9, town // 2)
    sold = rng.integers(0, 50, 900)
    frame = pd.DataFrame(
        {
            "sold": sold,
            "town": [f"t{x}" for x in town],
            "shop": [f"s{x}" for x in shop],
            "county": [f"c{x}" for x in county],
            "stock": sold + rng.integers(0, 30, 900),
        }
    )
    made = Workspace(tmp_path / "ws")
    made.import_frame(frame, "shops", target="stock", holdout=0.0)
    return made


def test_suggest_changes_nothing(space: Workspace) -> None:
    before = space.schema("shops")
    found = space.suggest("shops")
    assert {one.name: one.exact for one in found.dependencies} == {
        "shop -> town": True,
        "town -> county": False,
        "shop -> county": False,
    }
    assert [rule.check for rule in found.rules] == ['"sold" <= "stock"']
    assert space.schema("shops") == before
    assert space.suggest("shops") == found


def test_accept_writes_what_holds_in_every_row(space: Workspace) -> None:
    done = space.accept("shops")
    assert done.dependencies == (Dependency(determinant=("shop",), dependent="town"),)
    assert [rule.name for rule in done.rules] == ["sold at most stock"]
    assert len(done.left) == 2
    assert all("holds only nearly" in sentence for sentence in done.left)
    schema = space.schema("shops")
    assert schema.dependencies == done.dependencies
    assert schema.rules == done.rules
    assert not space.dataset("shops").declared
    again = space.accept("shops")
    assert (again.dependencies, again.rules) == ((), ())
    assert space.schema("shops") == schema


def test_accept_by_name(space: Workspace) -> None:
    found = space.suggest("shops")
    space.accept("shops", ["sold at most stock"], found=found)
    assert space.schema("shops").dependencies == ()
    assert len(space.schema("shops").rules) == 1
    with pytest.raises(SchemaError, match=r"'town -> county' holds only nearly: 0\.4% of the rows break it"):
        space.accept("shops", ["shop -> town", "town -> county"], found=found)
    with pytest.raises(NotFound, match="did you mean 'shop -> town'"):
        space.accept("shops", ["shop -> towns"], found=found)
    assert space.schema("shops").dependencies == ()


def test_a_schema_that_was_declared_counts_as_inferred_once_it_tells_of_rows(space: Workspace) -> None:
    space.set_schema("shops", space.schema("shops").model_copy(update={"inferred": False}))
    assert space.dataset("shops").declared
    space.accept("shops", ["shop -> town"])
    assert not space.dataset("shops").declared


def test_no_model_sees_what_was_found_where_only_the_schema_is_shown(space: Workspace) -> None:
    space.set_policy("shops", "schema")
    found = space.suggest("shops")
    assert found.dependencies
    before = space.schema("shops")
    with pytest.raises(PolicyError, match="shows a model the schema alone"):
        space.accept("shops", found=found)
    assert space.schema("shops") == before
    space.set_policy("shops", "statistics")
    assert space.accept("shops", found=found).dependencies


def test_a_key_is_not_for_a_schema(tmp_path: Path) -> None:
    made = Workspace(tmp_path / "ws")
    frame = pd.DataFrame({"ward": np.repeat(np.arange(40), 5), "bed": np.tile(np.arange(5), 40)})
    made.import_frame(frame, "beds", holdout=0.0)
    assert [key.name for key in made.suggest("beds").keys] == ["ward, bed"]
    with pytest.raises(SchemaError, match="'ward, bed' is a key"):
        made.accept("beds", ["ward, bed"])


def test_order(space: Workspace) -> None:
    made = space.order("shops")
    assert made.order[:3] == ("shop", "town", "county")
    assert made.order[-1] == "stock"
    assert space.order("shops", first="stock").order[0] == "stock"
    assert space.order("shops", fixed=["county", "sold"]).order[:3] == ("county", "sold", "shop")
    with pytest.raises(NotFound, match="did you mean 'county'"):
        space.order("shops", fixed=["country"])


def test_without_rows_what_is_declared_is_all_there_is(tmp_path: Path) -> None:
    made = Workspace(tmp_path / "ws")
    schema = Schema.from_toml(
        """
[[columns]]
name = "town"
kind = "categorical"
categories = ["a", "b"]

[[columns]]
name = "shop"
kind = "categorical"
categories = ["x", "y", "z"]

[[dependencies]]
determinant = ["shop"]
dependent = "town"
"""
    )
    made.declare("shops", schema)
    assert made.order("shops").order == ("shop", "town")
    with pytest.raises(DatasetError, match="has no rows"):
        made.suggest("shops")


def test_the_holdout_is_never_looked_at(tmp_path: Path) -> None:
    """Rows held out break every dependency; the train rows keep them."""
    made = Workspace(tmp_path / "ws")
    rng = np.random.default_rng(3)
    shop = rng.integers(0, 10, 600)
    frame = pd.DataFrame(
        {"at": np.arange(600) % 50, "shop": [f"s{x}" for x in shop], "town": [f"t{x // 2}" for x in shop]}
    )
    made.import_frame(frame, "d", holdout=0.5)
    held = made.sql("SELECT row_id FROM meta.splits WHERE dataset = 'd' AND part = 'holdout'")["row_id"]
    frame.loc[held - 1, "town"] = [f"t{x}" for x in rng.integers(0, 5, len(held))]
    made.import_frame(frame, "d", holdout=0.5, replace=True)
    assert "shop -> town" in {one.name for one in made.suggest("d").dependencies if one.exact}
