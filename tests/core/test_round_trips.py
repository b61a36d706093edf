"""What is written is read back: schemas, recipes and plain data, whatever people call their things."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.core.tomlfile import dump_toml

from .strategies import NAMES, NASTY, PROSE, schemas


def orders(schema: Schema) -> list[list[str]]:
    """The order of all categories, which equality does not see but draws depend on."""
    return [list(column.categories) for column in schema.columns if column.kind == "categorical"]


@given(schemas())
@settings(max_examples=150, deadline=None)
def test_a_schema_survives_toml(schema: Schema) -> None:
    again = Schema.from_toml(schema.to_toml())
    assert again == schema
    assert orders(again) == orders(schema)
    assert again.to_json() == schema.to_json()


@given(schemas())
@settings(max_examples=100, deadline=None)
def test_a_schema_survives_json(schema: Schema) -> None:
    again = Schema.model_validate_json(schema.to_json())
    assert again == schema
    assert orders(again) == orders(schema)
    assert "\n" not in schema.to_json()


PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    NASTY,
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
)
TREES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NASTY, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NASTY, TREES, max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_data_survives_toml(data: dict[str, Any]) -> None:
    assert tomllib.loads(dump_toml(data)) == data


def test_toml_is_made_for_reading() -> None:
    data = {
        "title": 'one\ntwo "three"\\',
        "nothing": None,
        "columns": [
            {"name": "a", "range": (0, 5), "distribution": {"mean": 1e-7, "sd": 0.5}},
            {"name": "b", "categories": {f"category {i}": "x" * 10 for i in range(9)}, "last": 1},
            {"name": "c", "categories": [f"category {i}" for i in range(12)]},
        ],
        "day": date(2024, 1, 31),
        "moment": datetime(2024, 1, 31, 8, 0),
        "clock": time(8, 0),
    }
    text = dump_toml(data)
    assert text.startswith('title = """\none\ntwo \\"three\\"\\\\"""\nday = 2024-01-31\n')
    assert "range = [0, 5]\ndistribution = { mean = 1e-07, sd = 0.5 }\n" in text
    assert '[columns.categories]\n"category 0" = "xxxxxxxxxx"\n' in text
    assert 'categories = [\n  "category 0",\n' in text
    assert max(map(len, text.splitlines())) <= 100
    del data["nothing"]
    assert tomllib.loads(text)["columns"][1]["last"] == 1


def test_toml_has_no_word_for_everything() -> None:
    with pytest.raises(TypeError, match="TOML has no word for bytes"):
        dump_toml({"a": b"x"})


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    maybe = st.none() | PROSE
    data: dict[str, Any] = {
        "title": draw(PROSE),
        "rows": draw(st.integers(1, 10**8)),
        "seed": draw(st.integers(0, 2**53)),
        "dataset": {
            "name": draw(NAMES),
            "source": draw(maybe),
            "schema": draw(maybe),
            "target": draw(maybe),
            "policy": draw(st.sampled_from([None, "schema", "statistics", "rows"])),
            "holdout": draw(st.none() | st.floats(0, 1, exclude_max=True)),
        },
        "model": {"name": draw(maybe), "threads": draw(st.none() | st.integers(1, 1024))},
        "method": {"name": draw(NASTY)},
        "privacy": draw(
            st.fixed_dictionaries({"drop_copies": st.booleans()})
            | st.fixed_dictionaries(
                {"epsilon": st.floats(1e-7, 10)}, optional={"delta": st.floats(1e-9, 0.5)}
            )
        ),
    }
    params = draw(st.dictionaries(NASTY.filter(lambda key: key not in {"name", "params"}), TREES, max_size=3))
    data["method"] |= params
    return Recipe.model_validate(data)


@given(recipes())
@settings(max_examples=100, deadline=None)
def test_a_recipe_survives_toml(recipe: Recipe) -> None:
    assert Recipe.from_toml(recipe.to_toml()) == recipe


@given(recipes())
@settings(max_examples=50, deadline=None)
def test_a_fingerprint_ignores_title_and_threads(recipe: Recipe) -> None:
    other = recipe.model_copy(
        update={"title": "another", "model": recipe.model.model_copy(update={"threads": 7})}
    )
    seeded = recipe.model_copy(update={"seed": recipe.seed + 1})
    mark = recipe.fingerprint("{}", "sha", 1)
    assert other.fingerprint("{}", "sha", 1) == mark
    marks = [
        mark,
        seeded.fingerprint("{}", "sha", 1),
        recipe.fingerprint('{"a": 1}', "sha", 1),
        recipe.fingerprint("{}", None, 1),
        recipe.fingerprint("{}", "sha", 2),
    ]
    assert len(set(marks)) == len(marks)


def test_the_order_of_categories_is_part_of_a_fingerprint() -> None:
    recipe = Recipe.from_toml('[dataset]\nname = "x"')

    def mark(categories: dict[str, str]) -> str:
        column = {"name": "a", "kind": "categorical", "categories": categories}
        return recipe.fingerprint(Schema.model_validate({"columns": [column]}).to_json(), None, 1)

    assert mark({"a": "x", "b": "y"}) != mark({"b": "y", "a": "x"})
