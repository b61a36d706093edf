"""Seeds, events, exposure, usage, words and distributions."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core import events
from localsynth.core.distribution import Distribution
from localsynth.core.errors import ExitCode, LocalsynthError, RecipeChanged, RuleError, SchemaError
from localsynth.core.events import decode, encode
from localsynth.core.nearest import nearest, nearest_name
from localsynth.core.run import Exposure, Usage
from localsynth.core.seeds import derive
from localsynth.core.words import plain, shown

# --- seeds ------------------------------------------------------------------------------------------------------------


def test_seeds_are_the_same_on_every_machine() -> None:
    assert [derive(0), derive(0, "batch", 1), derive(3, "batch", 1), derive(2**53, "learn")] == GOLDEN


GOLDEN = [1887154467326967967, 3217497633721338669, 732464759108449944, 5650293505425894015]

PURPOSES = st.lists(st.one_of(st.integers(), st.text(max_size=6)), max_size=4).map(tuple)


@given(st.sets(st.tuples(st.integers(0, 2**53), PURPOSES), min_size=2, max_size=20))
def test_different_purposes_have_different_seeds(asked: set[tuple[int, tuple[Any, ...]]]) -> None:
    seeds = {derive(seed, *purpose) for seed, purpose in asked}
    assert len(seeds) == len(asked)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_parts_do_not_run_together() -> None:
    asked = [("a", "b"), ("ab",), ("ab", ""), ("", "ab"), (1, 2), (12,), ("1", "2"), ("1", 2), (1, "2")]
    assert len({derive(0, *purpose) for purpose in asked}) == len(asked)
    assert len({derive(7, "batch", number) for number in range(20_000)}) == 20_000


# --- events -----------------------------------------------------------------------------------------------------------

KINDS = (
    events.RunStarted,
    events.Notice,
    events.BatchStarted,
    events.Progress,
    events.Measured,
    events.RowsRejected,
    events.BatchCommitted,
    events.RunEnded,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.text(),
    "int": st.integers(-(2**60), 2**60),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "str | None": st.none() | st.text(),
    "float | None": st.none() | st.floats(allow_nan=False, allow_infinity=False),
}


@st.composite
def some_event(draw: st.DrawFn) -> events.Event:
    kind = draw(st.sampled_from(KINDS))
    made: events.Event = kind(**{field.name: draw(VALUES[str(field.type)]) for field in fields(kind)})
    return made


@given(some_event())
def test_an_event_survives_its_line(event: events.Event) -> None:
    line = encode(event)
    assert "\n" not in line
    assert decode(line) == event
    assert decode(line + "\n") == event


@given(some_event(), st.data())
def test_a_torn_line_is_no_event(event: events.Event, data: st.DataObject) -> None:
    line = encode(event)
    assert decode(line[: data.draw(st.integers(0, len(line) - 1))]) is None


@pytest.mark.parametrize(
    "line",
    ["", "null", "[]", "5", '"x"', "{}", '{"type": "later", "run_id": "r", "at": 1}', '{"type": []}', "\x00"],
)
def test_strange_lines_are_no_events(line: str) -> None:
    assert decode(line) is None


def test_keys_of_a_newer_version_are_passed_over() -> None:
    event = events.Notice("r", 1.0, "hello")
    assert decode(json.dumps({**json.loads(encode(event)), "mood": "good"})) == event
    assert decode('{"type": "notice", "run_id": "r", "at": 1.0}') is None


# --- runs and errors --------------------------------------------------------------------------------------------------


def test_exposure_is_ordered_and_read() -> None:
    assert Exposure.SCHEMA < Exposure.STATISTICS < Exposure.ROWS
    assert all(Exposure.parse(exposure.label.upper() + " ") is exposure for exposure in Exposure)
    with pytest.raises(ValueError, match="'row' is not one of: schema, statistics, rows"):
        Exposure.parse("row")


def test_usage_adds_up() -> None:
    assert Usage(1, 2, 3, 4, 5, 0.5) + Usage(1, 1, 1, 1, 1, 0.25) == Usage(2, 3, 4, 5, 6, 0.75)


def test_errors_have_a_code_and_a_hint() -> None:
    def below(kind: type[LocalsynthError]) -> set[type[LocalsynthError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    for kind in below(LocalsynthError):
        error = kind("a sentence", "a hint")
        assert (str(error), error.hint) == ("a sentence", "a hint")
        assert isinstance(kind.code, ExitCode)
    assert RecipeChanged("changed", diff="-a\n+b").diff == "-a\n+b"
    assert isinstance(RuleError("x"), SchemaError)


def test_the_nearest_name() -> None:
    assert nearest_name("RNAGE", ["range", "name"]) == "range"
    assert nearest_name("zzz", ["range"]) is None
    assert nearest("rang", ["Range"]) == "; did you mean 'Range'?"
    assert nearest("zzz", ["range"]) == ""


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5, "5"),
        (5.0, "5"),
        (-0.5, "-0.5"),
        (1234567.0, "1234567"),
        (1e-7, "0.0000001"),
        (1e18, "1000000000000000000"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_in_plain_words(number: float, text: str) -> None:
    assert plain(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_plain_numbers_are_exact(number: float) -> None:
    assert float(plain(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ("a\nb", '"a\\nb"'),
        ([1, "x", 2.0], '[1, "x", 2]'),
        (date(2024, 1, 31), "2024-01-31"),
        (datetime(2024, 1, 31, 8), "2024-01-31 08:00:00"),
        ({"a": 1}, "a table"),
        ("x" * 100, ""),
        (None, ""),
    ],
)
def test_values_as_they_stand_in_a_file(value: object, text: str) -> None:
    assert shown(value) == text


# --- distributions ----------------------------------------------------------------------------------------------------


def test_what_a_distribution_knows() -> None:
    normal = Distribution(mean=10, sd=2)
    assert (normal.parts, normal.span(), normal.points()) == (frozenset({"mean"}), (0, 20), [])
    quantiles = Distribution(quantiles={"0.9": 5, "0.1": -1})
    assert (quantiles.span(), quantiles.points()) == ((-1, 5), [(0.1, -1), (0.9, 5)])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "give exactly one of: mean and sd, quantiles, shares"),
        ({"mean": 1, "sd": 1, "shares": {"a": 1}}, "give exactly one of: mean and sd, quantiles, shares"),
        ({"mean": 1}, "mean and sd go together"),
        ({"shares": {"a": 1.5, "b": -0.5}}, "the share of 'a' is 1.5, not between 0 and 1"),
        ({"shares": {"a": 0.3, "b": 0.3, "c": 0.3}}, "the shares sum to 0.9, not to 1"),
        ({"quantiles": {"0.5": 1}}, "at least two quantiles are needed"),
        (
            {"quantiles": {"median": 1, "0.9": 2}},
            "quantile levels are numbers between 0 and 1, not median, 0.9",
        ),
        ({"quantiles": {"25": 1, "75": 2}}, "quantile levels lie between 0 and 1"),
        ({"quantiles": {"nan": 1, "0.5": 2}}, "quantile levels lie between 0 and 1"),
        ({"quantiles": {"0.5": 1, "0.50": 2}}, "quantiles must rise with their level"),
        ({"quantiles": {"0.1": 2, "0.5": 1}}, "quantiles must rise with their level"),
    ],
)
def test_impossible_distributions(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Distribution.model_validate(given)
