"""Limits: sizes as people write them, and a recipe whose limits say nothing of its rows."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localsynth.core.errors import RecipeError
from localsynth.core.limits import Limits, check_minutes, memory_text, parse_size
from localsynth.core.recipe import Recipe

RECIPE = '[dataset]\nname = "tiny"\nschema = "tiny.schema.toml"\n'


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("800MB", 800_000_000),
        ("4GB", 4 * 10**9),
        (" 4 gb ", 4 * 10**9),
        ("4G", 4 * 10**9),
        ("1.5GiB", 3 * 2**29),
        (".5T", 5 * 10**11),
        ("512Mi", 2**29),
        ("2000kb", 2_000_000),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "4X", "GB", "-4GB", "4,5GB", "1e3MB", "4GBs", "nanGB", "4 0GB"])
def test_what_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(RecipeError, match="is no size of memory") as refused:
        parse_size(text)
    assert "800MB, 4GB or 1.5GiB" in refused.value.hint


def test_a_bare_number_may_mean_many_things() -> None:
    with pytest.raises(RecipeError, match="'4' says no unit") as refused:
        parse_size("4")
    assert "did you mean 4GB?" in refused.value.hint
    with pytest.raises(RecipeError, match="10KB is too little memory"):
        parse_size("10KB")


@given(st.integers(1, 9_999), st.sampled_from(["MB", "MiB", "GB", "GiB", "TB"]))
def test_a_size_is_told_as_it_is_read(number: int, unit: str) -> None:
    size = parse_size(f"{number}{unit}")
    assert parse_size(memory_text(size)) == size


@example(1_825_881_045_904_121)
@given(st.integers(10**6, 2**59))
def test_any_size_is_told_to_three_digits(size: int) -> None:
    assert parse_size(memory_text(size)) == pytest.approx(size, rel=0.006)


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_minutes_that_are_none(minutes: float) -> None:
    with pytest.raises(RecipeError, match="no time to work in"):
        check_minutes(minutes)


def test_limits_stand_in_a_recipe_and_say_nothing_of_its_rows() -> None:
    plain = Recipe.from_toml(RECIPE)
    limited = Recipe.from_toml(RECIPE + '[limits]\nmax_minutes = 5\nmax_memory = "1.5GiB"\n')
    assert limited.limits is not None
    assert limited.limits.limits == Limits(5.0, 3 * 2**29)
    assert Recipe.from_toml(limited.to_toml()) == limited
    assert "limits" not in plain.to_json()
    assert limited.fingerprint("{}", None, 1) == plain.fingerprint("{}", None, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('max_memory = "4X"', "is no size of memory"),
        ("max_minutes = 0", "more than 0"),
        ("max_minutes = inf", "finite"),
        ("max_minute = 5", "max_minutes"),
    ],
)
def test_wrong_limits_are_told_with_their_line(line: str, said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        Recipe.from_toml(RECIPE + f"[limits]\n{line}\n")
    (problem,) = refused.value.problems
    assert problem.line == 5
    assert said in f"{problem.message} {problem.hint}"


def test_what_says_nothing_takes_what_another_says() -> None:
    assert Limits(1.0, None).otherwise(Limits(2.0, 3)) == Limits(1.0, 3)
    assert not Limits()
    assert Limits(memory=1)
