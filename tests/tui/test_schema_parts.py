"""What the place Schema is made of, without a screen: drafts, fields, conversions, words."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from localsynth.core.columns import KINDS, CategoricalColumn, FloatColumn, IntegerColumn, TextColumn
from localsynth.core.errors import SchemaError
from localsynth.core.schema import Dependency, Rule, Schema
from localsynth.tui.schema import words
from localsynth.tui.schema.converting import column_class, converted
from localsynth.tui.schema.detail import detail
from localsynth.tui.schema.draft import Draft, column_data, with_column, with_item, with_table
from localsynth.tui.schema.fields import categories_of, categories_text, column_fields, scalar, text_of
from localsynth.tui.schema.reshaping import added, moved, removed, renamed
from localsynth.workspace.schemas import ColumnProfile, Profile

SCHEMA = Schema.model_validate(
    {
        "inferred": True,
        "target": "ill",
        "columns": [
            {"name": "id", "kind": "identifier", "prefix": "P"},
            {"name": "age", "kind": "integer", "range": [0, 120], "unit": "years"},
            {"name": "dose", "kind": "float", "range": [0, 10], "decimals": 1, "null_rate": 0.25},
            {"name": "ward", "kind": "categorical", "categories": {"n": "north", "s": ""}},
            {"name": "ill", "kind": "boolean", "distribution": {"shares": {"true": 0.2, "false": 0.8}}},
            {"name": "day", "kind": "date", "range": [date(2024, 1, 1), date(2024, 12, 31)]},
            {"name": "at", "kind": "datetime", "range": [datetime(2024, 1, 1, 8), datetime(2024, 1, 2)]},
            {"name": "note", "kind": "text", "max_length": 40, "description": "two\nlines\x1b"},
        ],
        "rules": [{"check": "age > 1"}],
        "examples": [{"age": 3}],
    }
)
NARROW = with_column(SCHEMA, 1, {"name": "age", "kind": "integer", "range": [0, 90]})


# --- the draft ------------------------------------------------------------------------------------------------------------


def test_steps_are_undone_and_redone() -> None:
    draft = Draft("t", SCHEMA)
    assert not draft.changed
    draft.change(SCHEMA)
    assert not draft.can_undo
    draft.change(NARROW)
    other = with_table(NARROW, description="x")
    draft.change(other)
    draft.undo()
    assert draft.schema == NARROW
    draft.redo()
    assert draft.schema == other
    draft.undo()
    draft.undo()
    draft.undo()
    assert draft.schema == SCHEMA
    assert not draft.changed
    draft.change(other)
    assert not draft.can_redo
    assert [column.name for column in draft.changed_columns()] == ["age"]


def test_a_draft_is_kept_and_comes_back() -> None:
    draft = Draft("t", SCHEMA)
    draft.change(NARROW)
    again = Draft.again("t", draft.kept())
    assert again is not None
    assert (again.base, again.schema, again.can_undo) == (SCHEMA, NARROW, True)


@pytest.mark.parametrize("kept", [None, 3, {}, {"base": 1, "draft": 2}, {"base": "x", "draft": "x"}, "text"])
def test_what_was_kept_wrongly_is_no_draft(kept: Any) -> None:
    assert Draft.again("t", kept) is None


def test_a_new_base_keeps_the_changes() -> None:
    draft = Draft("t", SCHEMA)
    draft.change(NARROW)
    rule = Rule(check="age < 100")
    base = with_item(SCHEMA, "rules", None, rule.model_dump())
    draft.rebase(base, lambda step: step.model_copy(update={"rules": (*step.rules, rule)}))
    assert draft.schema == NARROW.model_copy(update={"rules": (*NARROW.rules, rule)})
    draft.undo()
    assert not draft.changed


def test_items_are_added_changed_and_removed() -> None:
    more = with_item(SCHEMA, "dependencies", None, {"determinant": ["ward"], "dependent": "ill"})
    assert more.dependencies == (Dependency(determinant=("ward",), dependent="ill"),)
    assert with_item(more, "dependencies", 0, None).dependencies == ()
    assert with_item(more, "rules", 0, {"check": "age > 2"}).rules == (Rule(check="age > 2"),)
    with pytest.raises(SchemaError, match="depends on itself"):
        with_item(SCHEMA, "dependencies", None, {"determinant": ["ward"], "dependent": "ward"})


@pytest.mark.parametrize("at", range(len(SCHEMA.columns)))
def test_a_column_as_data_is_the_same_column_again(at: int) -> None:
    assert with_column(SCHEMA, at, column_data(SCHEMA.columns[at])) == SCHEMA


def test_every_problem_of_a_column_is_told() -> None:
    with pytest.raises(SchemaError) as caught:
        with_column(SCHEMA, 1, {"name": "age", "kind": "integer", "range": [9, "x"], "null_rate": 3})
    assert {one.path for one in caught.value.problems} == {"columns[1].range[1]", "columns[1].null_rate"}


# --- fields ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_asks_for_every_key_of_a_kind(kind: str) -> None:
    cls = column_class(kind)
    assert {field.name for field in column_fields(cls)} == set(cls.model_fields) - {
        "name",
        "kind",
        "distribution",
    }


def test_shapes_follow_the_model() -> None:
    shapes = {field.name: field.shape for field in column_fields(FloatColumn)}
    assert shapes == {
        "range": "pair",
        "decimals": "scalar",
        "unit": "text",
        "description": "paragraph",
        "nullable": "flag",
        "null_rate": "scalar",
    }
    assert (
        next(one.shape for one in column_fields(CategoricalColumn) if one.name == "categories")
        == "categories"
    )


@given(st.dictionaries(st.text(), st.text(max_size=5), max_size=6))
def test_categories_come_back_from_their_lines(categories: dict[str, str]) -> None:
    text = categories_text(categories)
    assert text.count("\n") == max(len(categories) - 1, 0)
    assert categories_of(text) == categories


def test_categories_typed_by_a_person() -> None:
    assert categories_of('M = male\n\n F\n"a = b" = "x"\n"loose\nc=') == {
        "M": "male",
        "F": "",
        "a = b": "x",
        '"loose': "",
        "c": "",
    }
    assert categories_of("a\nb\na = x") == ["a", "b", "a"]


@given(st.text())
def test_lines_never_break_the_reading(text: str) -> None:
    assert isinstance(categories_of(text), dict | list)


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_numbers_come_back_from_their_text(value: float) -> None:
    assert float(scalar(text_of(value))) == float(value)


@given(st.datetimes(timezones=st.none()).map(lambda one: one.replace(second=0, microsecond=0)))
def test_moments_come_back_from_their_text(value: datetime) -> None:
    assert datetime.fromisoformat(text_of(value)) == value


# --- other kinds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", range(len(SCHEMA.columns)))
def test_any_kind_becomes_any_other_or_says_what_is_missing(at: int, kind: str) -> None:
    column = SCHEMA.columns[at]
    data = converted(column, kind, ColumnProfile(distinct=2, values=(("7", 3), ("12", 2))))
    assert data["kind"] == kind
    if kind in {"date", "datetime"} and column.kind not in {"date", "datetime"}:
        with pytest.raises(SchemaError, match="'range' is missing"):
            with_column(SCHEMA, at, data)
    else:
        assert with_column(SCHEMA.model_copy(update={"examples": ()}), at, data).columns[at].kind == kind


def test_ranges_and_categories_are_read_off_the_values() -> None:
    values = ColumnProfile(values=(("3.5", 2), ("-1.0", 1)))
    assert converted(SCHEMA.columns[3], "float", values)["range"] == (-1.0, 3.5)
    assert converted(SCHEMA.columns[3], "integer", values)["range"] == (-1, 4)
    assert converted(SCHEMA.columns[2], "integer", None)["range"] == (0, 10)
    assert list(converted(SCHEMA.columns[1], "categorical", values)["categories"]) == ["-1.0", "3.5"]
    assert converted(SCHEMA.columns[6], "date", None)["range"] == (date(2024, 1, 1), date(2024, 1, 2))
    assert converted(SCHEMA.columns[5], "datetime", None)["range"][1] == datetime(2024, 12, 31, 23, 59)
    days = ColumnProfile(values=(("2024-03-01", 2), ("2024-01-05", 1)))
    assert converted(SCHEMA.columns[7], "date", days)["range"] == (date(2024, 1, 5), date(2024, 3, 1))
    assert "range" not in converted(SCHEMA.columns[7], "integer", ColumnProfile(values=(("x", 2),)))
    assert "nullable" not in converted(SCHEMA.columns[2], "identifier", None)


# --- words ----------------------------------------------------------------------------------------------------------------


def test_allowed_values_in_words() -> None:
    said = [words.allowed(column) for column in SCHEMA.columns]
    assert said == [
        "P000001, ...",
        "0 to 120",
        "0 to 10",
        "2: n, s",
        "true, false",
        "2024-01-01 to 2024-12-31",
        "2024-01-01 08:00 to 2024-01-02 00:00",
        "1 to 40 characters",
    ]


def test_lengths_of_texts_in_words() -> None:
    column = TextColumn(name="scan", min_length=1000, max_length=1000)
    assert words.allowed(column) == "1,000 characters"

    def told(most: float) -> str:
        shown = io.StringIO()
        found = ColumnProfile(edges=(most, most + 1), counts=(3,), most=most)
        Console(file=shown, width=100).print(detail(column, Profile(3, 3, {"scan": found}), "", "", 100))
        return shown.getvalue()

    assert "up to 1,000,000 characters" in told(1_000_000)
    assert "up to" not in told(1000)


@pytest.mark.parametrize(
    ("value", "said"),
    [(1234567, "1,234,567"), (0.5, "0.5"), (-1234.25, "-1,234.25"), (-0.25, "-0.25"), (1e300, "1e+300")],
)
def test_numbers_in_words(value: float, said: str) -> None:
    assert words.number(value) == said


def test_missing_in_words() -> None:
    age = IntegerColumn(name="age", range=(0, 9), nullable=True)
    assert words.missing(age, None, 0) == "allowed"
    assert words.missing(age, ColumnProfile(missing=1), 1000) == "0.1%"
    assert words.missing(age, ColumnProfile(), 1000) == "0%"
    assert words.missing(SCHEMA.columns[1], ColumnProfile(), 1000) == "never"
    assert words.missing(SCHEMA.columns[2], None, 0) == "25%"


def test_pictures_show_the_rows_or_what_is_declared() -> None:
    profile = Profile(10, 10, {"ward": ColumnProfile(values=(("s", 8), ("n", 2)))})
    assert words.small_picture(SCHEMA.columns[3], profile, 12) == "▂█"
    assert words.small_picture(SCHEMA.columns[4], None, 12) == "▂█"
    assert words.small_picture(SCHEMA.columns[1], None, 12) == ""


def test_bins_in_words() -> None:
    day, at, dose, note = SCHEMA.columns[5], SCHEMA.columns[6], SCHEMA.columns[2], SCHEMA.columns[7]
    first = (date(2024, 1, 1) - date(1970, 1, 1)).days
    assert words.bins(day, ColumnProfile(edges=(first, first + 7), counts=(3,))) == [
        ("2024-01-01 to 2024-01-07", 3)
    ]
    assert words.bins(at, ColumnProfile(edges=(0, 1), counts=(3,))) == [("1970-01-01 00:00", 3)]
    assert words.bins(dose, ColumnProfile(edges=(0, 0.5, 1.0), counts=(3, 1))) == [
        ("0.00 to 0.50", 3),
        ("0.50 to 1.00", 1),
    ]
    assert words.bins(note, ColumnProfile(edges=(1, 2), counts=(3,))) == [("1", 3)]
    assert words.bins(TextColumn(name="x"), ColumnProfile()) == []


# --- columns that come and go ---------------------------------------------------------------------------------------------

SHAPED = Schema.model_validate(
    {
        "columns": [
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "a b", "kind": "categorical", "categories": ["x", "age"]},
            {"name": "ill", "kind": "boolean"},
        ],
        "target": "age",
        "rules": [
            {"check": 'AGE > 3 and "age" < 90 -- age\n or \'age\' = "a b"', "name": "grown"},
            {"check": "\"a b\" = 'age' or ill"},
            {"check": "age(3) > 1 or ages > 2", "name": "age"},
        ],
        "dependencies": [
            {"determinant": ["age", "ill"], "dependent": "a b"},
            {"determinant": ["a b"], "dependent": "ill"},
        ],
        "examples": [{"age": 3, "ill": True}, {"age": 4}],
    }
)


def test_a_name_is_changed_wherever_it_stands_for_the_column() -> None:
    new = renamed(SHAPED, 0, "Age, years")
    assert new.names == ("Age, years", "a b", "ill")
    assert new.target == "Age, years"
    assert [rule.check for rule in new.rules] == [
        '"Age, years" > 3 and "Age, years" < 90 -- age\n or \'age\' = "a b"',
        "\"a b\" = 'age' or ill",
        "age(3) > 1 or ages > 2",
    ]
    assert new.dependencies[0].determinant == ("Age, years", "ill")
    assert new.examples == ({"Age, years": 3, "ill": True}, {"Age, years": 4})
    assert renamed(new, 0, "age").dependencies == SHAPED.dependencies
    other = renamed(SHAPED, 1, "b")
    assert other.rules[0].check.endswith("'age' = b")
    assert [one.dependent for one in other.dependencies] == ["b", "ill"]
    for wrong in ("", "ILL", "row_id"):
        with pytest.raises(SchemaError):
            renamed(SHAPED, 0, wrong)


def test_what_speaks_of_a_removed_column_goes_with_it() -> None:
    less, gone = removed(SHAPED, 0)
    assert less.names == ("a b", "ill")
    assert less.target is None
    assert [rule.label for rule in less.rules] == ["\"a b\" = 'age' or ill", "age"]
    assert [one.dependent for one in less.dependencies] == ["ill"]
    assert less.examples == ({"ill": True},)
    assert gone == "1 rule and 1 dependency"
    assert removed(SHAPED, 1)[1] == "2 rules and 2 dependencies"
    with pytest.raises(SchemaError):
        removed(removed(less, 0)[0], 0)


@given(st.permutations(range(4)))
def test_columns_are_added_under_free_names_and_moved(order: list[int]) -> None:
    more = added(added(SHAPED, 3), 0)
    assert more.names == ("column_2", "age", "a b", "ill", "column_1")
    at, to = order[:2]
    wide = added(SHAPED, 3)
    names = list(wide.names)
    names.insert(to, names.pop(at))
    assert list(moved(wide, at, to).names) == names
    assert moved(moved(wide, at, to), to, at) == wide
