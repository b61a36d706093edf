"""Columns that follow another: which do, and that they keep step with it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.following import Follower, aligned_with, followed, followers
from localsynth.core.columns import CategoricalColumn, IdentifierColumn, IntegerColumn, TextColumn
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.tables import arrow_schema


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


def depends(*pairs: tuple[tuple[str, ...], str]) -> tuple[Dependency, ...]:
    return tuple(Dependency(determinant=left, dependent=right) for left, right in pairs)


BOTH = depends((("school",), "years"), (("years",), "school"))


def test_what_one_nominal_column_determines_follows_it() -> None:
    (one,) = followers(SCHEMA, SCHEMA.names, BOTH, rows(100))
    assert (one.determinant, one.dependent) == ("school", "years")
    assert one.images == YEARS


@pytest.mark.parametrize(
    ("given", "order"),
    [
        (BOTH, ("years", "school", "town", "wage")),  # a number may get values never seen
        (depends((("school", "town"), "years")), SCHEMA.names),
        ((), SCHEMA.names),
    ],
)
def test_others_do_not(given: tuple[Dependency, ...], order: tuple[str, ...]) -> None:
    assert followers(SCHEMA, order, given, rows(100)) == ()


def test_a_declared_dependency_that_does_not_hold_is_no_reason() -> None:
    torn = rows(100).slice(0, 1)
    torn = torn.set_column(1, torn.schema.field("years"), pa.array([3], torn["years"].type))
    assert followers(SCHEMA, SCHEMA.names, BOTH, pa.concat_tables([rows(100), torn])) == ()


def test_a_column_that_a_rule_reads_is_aligned_like_others() -> None:
    rule = Rule(check="wage > 10 * years")
    ruled = SCHEMA.model_copy(update={"rules": (rule,)})
    assert followers(SCHEMA, SCHEMA.names, BOTH, rows(100), [rule]) == ()
    assert followers(ruled, SCHEMA.names, BOTH, rows(100)) == ()
    assert followers(SCHEMA, SCHEMA.names, BOTH, rows(100), [Rule(check="wage > 5")]) != ()


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


def test_what_follows_a_column_that_is_not_there_stays_as_it_was_drawn() -> None:
    drawn = pa.table({"a": ["x"], "b": ["?"]})
    table = pa.table({"c": ["z"]})
    assert followed(table, [Follower("a", "b", {"x": "m"})], drawn) is table


def lettered(*rules: str, pairs: tuple[tuple[tuple[str, ...], str], ...] = ()) -> Schema:
    """Columns a to f, an identifier and a text."""
    columns = [words(name, "x", "y") for name in "abcdef"]
    return Schema(
        columns=(IdentifierColumn(name="id"), *columns, TextColumn(name="note", max_length=5)),
        rules=tuple(Rule(check=rule) for rule in rules),
        dependencies=depends(*pairs),
    )


def test_a_grid_has_what_must_move_together() -> None:
    plain = lettered()
    assert aligned_with(plain, []) == ()
    assert aligned_with(plain, ["c", "a"]) == ("a", "c")
    assert aligned_with(plain, ["note", "id", "b"]) == ("b",)
    tied = lettered(pairs=((("a", "b"), "c"), (("c",), "d"), (("e",), "f")))
    assert aligned_with(tied, ["d"]) == ("a", "b", "c", "d")
    assert aligned_with(tied, ["f"]) == ("e", "f")
    ruled = lettered("a <> b", "b <> note", "length(note) > 1")
    assert aligned_with(ruled, ["a"]) == ("a", "b")
    assert aligned_with(ruled, ["c"]) == ("c",)


def test_a_column_that_follows_is_not_in_the_grid_but_what_it_follows_is() -> None:
    chain = lettered(pairs=((("a",), "b"), (("b",), "c"), (("c",), "d")))
    following = (Follower("a", "b", {}), Follower("b", "c", {}))
    assert aligned_with(chain, ["c"], following) == ("a", "d")
    assert aligned_with(chain, ["d"], following) == ("a", "d")
    assert aligned_with(chain, ["e"], following) == ("e",)
