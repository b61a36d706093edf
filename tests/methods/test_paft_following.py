"""Columns that follow another: which do, and that they keep step with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.columns import CategoricalColumn, IntegerColumn
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.following import Follower, followed, followers
from localsynth.methods.paft.params import PAFTParams
from localsynth.methods.paft.structure import Structure
from localsynth.tables import arrow_schema
from tests.methods.support import FakeAsk, make, task_of
from tests.methods.targets_kit import aimed


def words(name: str, *values: str, nullable: bool = False) -> CategoricalColumn:
    return CategoricalColumn(name=name, categories=dict.fromkeys(values, ""), nullable=nullable)


SCHEMA = Schema(
    columns=(
        words("school", "low", "mid", "high", nullable=True),
        IntegerColumn(name="years", range=(0, 20)),
        words("town", "A", "B"),
        IntegerColumn(name="wage", range=(0, 999)),
    )
)
YEARS = {"low": 8, "mid": 12, "high": 17, None: 0}


def rows(n: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    school = [list(YEARS)[at] for at in rng.integers(0, 4, n)]
    years = [YEARS[one] for one in school]
    town = rng.choice(["A", "B"], n).tolist()
    wage = [40 * year + int(rng.integers(0, 200)) for year in years]
    return pa.table([school, years, town, wage], names=list(SCHEMA.names)).cast(arrow_schema(SCHEMA))


def structure(*pairs: tuple[tuple[str, ...], str], order: tuple[str, ...] = SCHEMA.names) -> Structure:
    kept = tuple(Dependency(determinant=left, dependent=right) for left, right in pairs)
    return Structure(kept, (order,), {}, ())


BOTH = ((("school",), "years"), (("years",), "school"))


def test_what_one_nominal_column_determines_follows_it() -> None:
    (one,) = followers(SCHEMA, structure(*BOTH), rows(100))
    assert (one.determinant, one.dependent) == ("school", "years")
    assert one.images == YEARS


@pytest.mark.parametrize(
    "given",
    [
        structure(*BOTH, order=("years", "school", "town", "wage")),  # a number may get values never seen
        structure((("school", "town"), "years")),
        structure(),
    ],
)
def test_others_do_not(given: Structure) -> None:
    assert followers(SCHEMA, given, rows(100)) == ()


def test_a_declared_dependency_that_does_not_hold_is_no_reason() -> None:
    torn = rows(100).slice(0, 1)
    torn = torn.set_column(1, torn.schema.field("years"), pa.array([3], torn["years"].type))
    assert followers(SCHEMA, structure(*BOTH), pa.concat_tables([rows(100), torn])) == ()


def test_a_column_that_a_rule_reads_is_aligned_like_others() -> None:
    rule = Rule(check="wage > 10 * years")
    assert followers(SCHEMA, structure(*BOTH), rows(100), [rule]) == ()
    assert followers(SCHEMA.model_copy(update={"rules": (rule,)}), structure(*BOTH), rows(100)) == ()
    assert followers(SCHEMA, structure(*BOTH), rows(100), [Rule(check="wage > 5")]) != ()


def test_followed_columns_have_the_images_and_else_what_was_drawn() -> None:
    drawn = rows(4).set_column(1, "years", pa.array([1, 2, 3, 4], pa.int64()))
    table = drawn.select(["school"]).set_column(0, "school", pa.array(["high", "low", None, "mid"]))
    one = Follower("school", "years", {"high": 17, "low": 8, None: 0})
    assert followed(table, [one], drawn)["years"].to_pylist() == [17, 8, 0, 4]


def test_a_chain_follows_link_by_link() -> None:
    drawn = pa.table({"a": ["x"], "b": ["?"], "c": ["?"]})
    chain = [Follower("a", "b", {"y": "m"}), Follower("b", "c", {"m": "q"})]
    table = followed(pa.table({"a": ["y"]}), chain, drawn)
    assert table.to_pylist() == [{"a": "y", "b": "m", "c": "q"}]


def test_made_rows_keep_what_holds_in_the_real_ones() -> None:
    train = rows(300)
    given = task_of(SCHEMA, 200, 3, train)
    task = replace(aimed(given, train), train=given.train, explore=given.explore)
    method = PAFT(PAFTParams(learn="in-context"))
    made, _ = make(method, task, 200, FakeAsk())
    pairs = set(zip(made["school"].to_pylist(), made["years"].to_pylist(), strict=True))
    assert pairs <= set(YEARS.items())
    assert len(pairs) == len(YEARS)
