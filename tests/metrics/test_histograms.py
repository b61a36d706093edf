"""Bars of columns: round edges, shared bins, nothing told of single people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.judging import Case, Kept
from localsynth.core.schema import Schema
from localsynth.metrics.bins import MOST, Bins, date_bins, number_bins, safe_bins
from localsynth.metrics.disclosure import FEWEST, merged, tells
from localsynth.metrics.histograms import Histograms
from tests.metrics.support import MIXED, case_of, cases, find, mixed_case, mixed_rows, words_schema


def bars(schema: Schema, made: list[Any], train: list[Any]) -> dict[str, float]:
    """The bars of a table of one column, in order."""
    found = Histograms().scores(case_of(schema, [[x] for x in made], [[x] for x in train]))
    return {score.item or "": score.value for score in found if score.value is not None}


def one(**kind: Any) -> Schema:
    return Schema.model_validate({"columns": [{"name": "x", "nullable": True, **kind}]})


def numbers(values: list[float], low: int, high: int, decimals: int = 0) -> tuple[str, ...]:
    return number_bins(np.array(values, float), low, high, decimals).labels


def test_whole_numbers_over_a_small_span_have_a_bin_each() -> None:
    assert numbers([0, 1, 3] * 5, 0, 3) == ("0", "1", "2", "3")
    assert numbers([0.0, 0.3] * 5, 0, 0, 1) == ("0.0", "0.1", "0.2", "0.3")


def test_what_the_column_allows_beyond_has_open_ends() -> None:
    assert numbers([1, 2] * 5, 0, 9) == ("< 1", "1", "2", "≥ 3")


def test_edges_are_round() -> None:
    labels = numbers([17.0, *range(20, 85), 91.0], 17, 91)
    assert labels[0] == "< 20"
    assert labels[-1] == "≥ 85"
    assert len(labels) == 15


def test_edges_are_not_where_a_single_person_put_them() -> None:
    """How far out the four lowest and the four highest lie changes nothing."""
    common = [*range(30, 60), *range(30, 60)]
    labels = {
        numbers([*common, *far], 0, 200)
        for far in ([0, 1, 2, 3, 197, 198, 199, 200], [26, 27, 28, 29, 60, 61, 62, 63], [3] * 4 + [99] * 4)
    }
    assert len(labels) == 1
    days = [20_000.0 + day for day in range(300)]
    ends = {
        date_bins(np.array([*days, *far]), -1e5, 1e5, minutes=False).labels
        for far in ([19_990.0, 20_400.0], [-9e4, 9e4])
    }
    assert len(ends) == 1


def test_a_few_far_values_do_not_flatten_the_rest() -> None:
    labels = numbers([*range(1000), 10**9], 0, 10**9)
    assert len(labels) > 5
    assert labels[-1] == "≥ 1000"


def test_a_single_value_is_not_told_by_its_edges() -> None:
    assert numbers([123_457] * 20, 0, 10**6) == ("< 120000", "[120000, 130000)", "≥ 130000")


@pytest.mark.parametrize(
    ("days", "first", "last"),
    [
        (10, "2024-03-01", "2024-03-10"),
        (60, "[2024-02-26, 2024-03-04)", "[2024-04-29, 2024-05-06)"),
        (400, "2024-03", "2025-04"),
        (1500, "[2024-01, 2024-04)", "[2028-04, 2028-07)"),
        (4000, "2024", "2035"),
        (31_000, "[2020, 2025)", "[2105, 2110)"),
    ],
)
def test_dates_are_cut_as_calendars_are(days: int, first: str, last: str) -> None:
    start = np.datetime64("2024-03-01").astype(int)
    values = np.repeat(np.arange(start, start + days), FEWEST).astype(float)
    labels = date_bins(values, values[0], values[-1], minutes=False).labels
    assert (labels[0], labels[-1]) == (first, last)
    assert len(labels) <= MOST


@pytest.mark.parametrize(
    ("minutes", "first"),
    [(10, "[2024-03-01 08:30, 2024-03-01 08:31)"), (300, "[2024-03-01 08:00, 2024-03-01 09:00)")],
)
def test_moments_are_cut_at_full_minutes_and_hours(minutes: int, first: str) -> None:
    start = np.datetime64("2024-03-01T08:30").astype("datetime64[m]").astype(int)
    values = np.repeat(start + np.arange(float(minutes)), FEWEST)
    labels = date_bins(values, values[0], values[-1], minutes=True).labels
    assert labels[0] == first
    assert len(labels) <= MOST


@given(
    st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=30),
    st.integers(0, 6),
    st.integers(0, 3),
)
def test_every_number_has_its_bin(values: list[int], decimals: int, shift: int) -> None:
    scale = 10**decimals
    cells = np.array(values, float) / scale
    bins = number_bins(cells, min(values) - shift, max(values) + shift, decimals)
    check(bins, cells)


@given(st.lists(st.datetimes(), min_size=1, max_size=30), st.booleans())
def test_every_moment_has_its_bin(moments: list[datetime], minutes: bool) -> None:
    unit = "datetime64[m]" if minutes else "datetime64[D]"
    cells = np.array(moments, unit).astype(np.int64).astype(float)
    check(date_bins(cells, cells.min(), cells.max(), minutes=minutes), cells)


def check(bins: Bins, cells: Any) -> None:
    assert 1 <= len(bins.labels) <= MOST
    for found in (bins, safe_bins(bins, cells)):
        assert len(set(found.labels)) == len(found.labels) == len(found.cuts) + 1
        assert (np.diff(found.cuts) > 0).all()
        assert sum(found.counts(cells)) == len(cells)
    if len(cells) >= FEWEST:
        assert not any(map(tells, safe_bins(bins, cells).counts(cells)))


COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=9)


@given(COUNTS)
def test_counts_are_put_together_as_little_as_can_be(counts: list[int]) -> None:
    """Against all ways to cut a row of counts."""

    def sums(cuts: tuple[int, ...]) -> list[int]:
        ends = [*cuts[1:], len(counts)]
        return [sum(counts[a:b]) for a, b in zip(cuts, ends, strict=True)]

    inner = range(1, len(counts))
    ways = [(0, *cuts) for size in range(len(counts)) for cuts in combinations(inner, size)]
    allowed = [way for way in ways if not any(map(tells, sums(way)))]
    found = tuple(merged(counts))
    if not allowed:
        assert found == (0,)
        return
    assert found in allowed
    best = max((len(way), -sum(x * x for x in sums(way))) for way in allowed)
    assert (len(found), -sum(x * x for x in sums(found))) == best


def test_bins_of_few_rows_are_merged_with_their_neighbours() -> None:
    bins = number_bins(np.array([0, 1, 2, 3, 4] * 6, float), 0, 9, 0)
    assert bins.labels == ("0", "1", "2", "3", "4", "≥ 5")
    few = np.array([0] * 7 + [1] * 2 + [2] * 9 + [4] * 5 + [7] * 3, float)
    assert safe_bins(bins, few).labels == ("[0, 2)", "2", "3", "≥ 4")
    assert safe_bins(bins, few).counts(few) == [9, 9, 0, 8]


def test_few_missing_cells_join_the_last_bin() -> None:
    train = [0] * 9 + [1] * 9 + [None] * 3
    found = bars(one(kind="integer", range=[0, 1]), [1, None, 0, 0], train)
    assert found == {"0": 0.5, "missing or 1": 0.5}
    few = find(Histograms().scores(case_of(one(kind="integer", range=[0, 1]), [[1]], [[x] for x in train])),
               "histogram", "x", item="missing or 1")  # fmt: skip
    assert few.note == "fewer than 5 train rows are empty, so that they are counted with others"
    assert bars(one(kind="integer", range=[0, 1]), [1, None], [*train, None, None])["missing"] == 0.5


def test_few_missing_cells_join_the_other_categories() -> None:
    schema = words_schema("x", categories=["a", "b", "c"])
    train = ["a"] * 9 + ["b"] * 8 + ["c"] * 7 + [None] * 2
    assert bars(schema, ["a", "c", None, "b"], train) == {"a": 0.25, "b": 0.25, "other or missing": 0.5}
    rare = ["a"] * 9 + ["b"] * 8 + ["c"] * 3 + [None] * 2  # together they are five
    assert bars(schema, ["a", "c", None, "b"], rare) == {"a": 0.25, "b": 0.25, "other or missing": 0.5}


def test_a_column_that_would_tell_of_single_people_has_no_bars() -> None:
    flags, figures = one(kind="boolean"), one(kind="integer", range=[0, 99])
    for schema, train in (
        (flags, [True] * 97 + [False] * 3),
        (flags, [True, False]),
        (flags, [None] * 97 + [True] * 3),
        (figures, [5, 6, 7]),
        (figures, [None] * 50 + [5, 6, 7]),
        (figures, [3, 9, 20, 31, 60, 77]),
    ):
        (score,) = Histograms().scores(case_of(schema, [[train[0]]] * 9, [[x] for x in train]))
        assert score.value is None
        assert score.column_a == "x"
        assert "tells of single people" in score.note
    assert bars(flags, [True], [True] * 97 + [False] * 3 + [None] * 9) == {"any value": 1.0, "missing": 0.0}
    assert bars(flags, [True], [True] * 6) == {"true": 1.0}


@given(cases(most=40))
def test_no_bar_counts_a_few_train_rows_and_all_together_are_all(case: Case) -> None:
    """What REAL shows: the train rows themselves. No bar of 1 to 4 rows, and none missing from the sum."""
    if not case.train.num_rows:
        return
    counts: dict[str, int] = {}
    for score in Histograms().scores(replace(case, rows=case.train, kept=Kept())):
        if score.value is not None and score.column_a is not None:
            rows = score.value * case.train.num_rows
            assert rows == pytest.approx(round(rows))
            assert not tells(round(rows))
            counts[score.column_a] = counts.get(score.column_a, 0) + round(rows)
    assert set(counts.values()) <= {case.train.num_rows}


def test_shares_of_numbers_and_of_missing() -> None:
    found = bars(one(kind="integer", range=[0, 3]), [0, 0, 3, None], [0, 1, 2, 3] * 5)
    assert found == {"0": 0.5, "1": 0.0, "2": 0.0, "3": 0.25, "missing": 0.25}


def test_values_beyond_the_last_edge_lie_in_the_last_bin() -> None:
    found = bars(one(kind="integer", range=[0, 3]), [-50, 50], [0, 1, 2, 3] * 5)
    assert found == {"0": 0.5, "1": 0.0, "2": 0.0, "3": 0.5}


def test_rare_and_unknown_categories_are_told_together() -> None:
    train = ["a"] * 5 + ["b"] * 6 + ["c"] * 4 + ["d"]
    found = bars(words_schema("x", categories=["a", "b", "c", "d"]), ["a", "c", "d", None], train)
    assert found == {"b": 0.0, "a": 0.25, "other": 0.5, "missing": 0.25}
    assert list(found) == ["b", "a", "other", "missing"]


def test_at_most_twenty_categories_by_frequency() -> None:
    words = [f"w{i:02}" for i in range(30)]
    train = [word for i, word in enumerate(words) for _ in range(5 + i)]
    found = bars(words_schema("x", categories=words), train, train)
    assert list(found) == [*reversed(words[10:]), "other"]
    assert sum(found.values()) == pytest.approx(1.0)


def test_categories_that_are_called_other_or_missing_keep_their_names() -> None:
    train = ["other"] * 5 + ["missing"] * 5 + ["rare"] * 3 + ["seldom"] * 2 + [None] * 5
    found = bars(words_schema("x", categories=["other", "missing", "rare", "seldom"]), train, train)
    assert list(found) == ["missing", "other", "other (all the rest)", "missing (no value)"]


def test_truth_values_are_written_small() -> None:
    found = bars(one(kind="boolean"), [True, None], [True, False] * 5)
    assert found == {"false": 0.0, "true": 0.5, "missing": 0.5}


def test_texts_are_shown_by_their_lengths() -> None:
    train = [f"{i:03}" for i in range(60)]
    found = bars(one(kind="text", min_length=1, max_length=4), ["ab", "abc", "abcd", "abcd"], train)
    assert found == {"< 3": 0.25, "3": 0.25, "≥ 4": 0.5}


def test_texts_of_a_small_table_are_shown_by_their_lengths_too() -> None:
    train = [f"{i:03}" for i in range(20)]
    case = case_of(one(kind="text", min_length=1, max_length=4), [["ab"], ["abc"]], [[x] for x in train])
    found = list(Histograms().scores(case))
    assert [(score.item, score.value) for score in found] == [("< 3", 0.5), ("3", 0.5), ("≥ 4", 0.0)]
    assert {score.note for score in found} == {"of the lengths of the texts, in characters"}


def test_all_tables_share_the_bins_of_train() -> None:
    train = mixed_rows(60, 5)
    items = []
    for seed in (1, 2):
        found = Histograms().scores(case_of(MIXED, mixed_rows(50, seed), train))
        items.append([(s.column_a, s.item) for s in found if s.item not in {"other", "missing"}])
    assert items[0] == items[1]


def test_bars_of_a_column_sum_to_one() -> None:
    total: dict[str, float] = {}
    for score in Histograms().scores(mixed_case()):
        total[score.column_a or ""] = total.get(score.column_a or "", 0.0) + (score.value or 0.0)
    assert len(total) == 7
    assert all(found == pytest.approx(1.0) for found in total.values())


def test_no_cell_of_train_stands_on_an_edge_of_its_own() -> None:
    """Dates of birth: the earliest and the latest are not to be read off the picture."""
    born = [date(1931, 4, 17) + timedelta(days=97 * i) for i in range(250)]
    found = bars(one(kind="date", range=[born[0].isoformat(), born[-1].isoformat()]), born, born)
    assert not any(day.isoformat() in item for item in found for day in born)
