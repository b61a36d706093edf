"""The aligned prompt: static blocks first, in order, and user text that stays data."""

from __future__ import annotations

from pathlib import Path

from localsynth.core.cells import read_row
from localsynth.core.schema import Schema
from localsynth.methods.text_to_tabular.anyvalue import typical_text
from localsynth.methods.text_to_tabular.layout import Layout, rule_columns
from localsynth.methods.text_to_tabular.prompts import aligned_prompt, flat, header
from localsynth.methods.text_to_tabular.state import State
from tests.methods.support import FakeAsk, make, task_of

CLINIC = Schema.load(Path(__file__).parents[2] / "recipes" / "clinic.schema.toml")


def test_blocks_stand_in_order_and_only_the_end_changes() -> None:
    columns = State(task_of(CLINIC)).layout.columns
    one, other = (aligned_prompt(CLINIC, columns, [line])[0].text for line in ("first,row", "second,row"))
    places = [
        one.index(part)
        for part in ("You write", "Table:", "Who:", "Columns:", "Rules:", "Examples:", "Write new")
    ]
    assert places == sorted(places)
    shared = one.index("first,row")
    assert one[:shared] == other[:shared]


def test_brevity_only_ever_shortens() -> None:
    columns = State(task_of(CLINIC)).layout.columns
    sizes = [len(aligned_prompt(CLINIC, columns, [], level)[0].text) for level in range(4)]
    assert sizes == sorted(sizes, reverse=True)
    assert "diastolic_bp" in aligned_prompt(CLINIC, columns, [], 3)[0].text


def test_columns_are_ordered_for_sharing() -> None:
    layout = State(task_of(CLINIC)).layout
    assert [column.name for column in layout.columns[:4]] == ["diagnosis", "smoker", "sex", "medication"]
    assert layout.columns[-1].name == "note"
    assert "patient_id" not in [column.name for column in layout.columns]
    assert isinstance(layout, Layout)
    assert layout.lead is not None


def told(**columns: dict[str, object]) -> Schema:
    return Schema.model_validate({"columns": [{"name": name, **column} for name, column in columns.items()]})


def test_columns_that_branch_little_come_first() -> None:
    """Narrow numbers before long lists, what is nearly always the same before what is not, wide ones as they stand."""
    even = {"shares": {f"c{i}": 1 / 40 for i in range(40)}}
    schema = told(
        height={"kind": "float", "range": [100, 220], "decimals": 1, "distribution": {"mean": 170, "sd": 10}},
        country={"kind": "categorical", "categories": [f"c{i}" for i in range(40)], "distribution": even},
        age={"kind": "integer", "range": [18, 95], "distribution": {"quantiles": {"0": 18, "1": 95}}},
        grade={"kind": "integer", "range": [1, 5], "distribution": {"quantiles": {"0": 1, "1": 5}}},
        smoker={"kind": "boolean", "distribution": {"shares": {"true": 0.5, "false": 0.5}}},
        ill={"kind": "boolean", "distribution": {"shares": {"true": 0.02, "false": 0.98}}},
        rare={"kind": "integer", "range": [0, 999], "null_rate": 0.97, "distribution": {"mean": 500, "sd": 99}},
        level={"kind": "categorical", "categories": ["a", "b", "c"], "nullable": True,
               "distribution": {"shares": {"a": 0.4, "b": 0.3, "c": 0.3}}},
        note={"kind": "text"},
        day={"kind": "date", "range": ["2024-01-01", "2024-12-31"]},
        month={"kind": "date", "range": ["2024-01-01", "2024-01-03"]},
    )  # fmt: skip
    layout = State(task_of(schema)).layout
    assert [column.name for column in layout.columns] == [
        "ill", "rare", "smoker", "level", "grade", "country", "height", "age", "month", "day", "note",
    ]  # fmt: skip
    assert layout.lead is not None


def test_the_lead_is_a_list_even_if_a_number_branches_less() -> None:
    schema = told(
        n={"kind": "integer", "range": [3, 3], "distribution": {"quantiles": {"0": 3, "1": 3}}},
        loose={"kind": "boolean", "nullable": True, "distribution": {"shares": {"true": 0, "false": 1}}},
        c={
            "kind": "categorical",
            "categories": ["a", "b"],
            "distribution": {"shares": {"a": 0.5, "b": 0.5}},
        },
    )
    layout = State(task_of(schema)).layout
    assert [column.name for column in layout.columns] == ["c", "n", "loose"]
    assert layout.lead is not None
    # Without targets nothing leads, and the order is by number of values alone.
    free = State(
        task_of(told(t={"kind": "text"}, n={"kind": "integer", "range": [0, 9]}, b={"kind": "boolean"}))
    )
    assert [column.name for column in free.layout.columns] == ["b", "n", "t"]


def test_examples_read_back_as_rows_and_differ_from_batch_to_batch() -> None:
    from localsynth.methods.text_to_tabular import TextToTabular, TextToTabularParams

    method, ask = TextToTabular(TextToTabularParams(batch_rows=10)), FakeAsk()
    make(method, task_of(CLINIC, 30), 30, ask)
    drafts = [requests[0].messages[0].text for purpose, requests in ask.asked if purpose == "draft"]
    assert len(set(drafts)) == len(drafts) >= 3
    layout = State.load(task_of(CLINIC), method.state()).layout
    for line in [*method.state()["given"], *method.state()["pool"]]:
        read_row(layout.columns, line)


def test_user_text_cannot_break_the_form() -> None:
    schema = Schema.model_validate(
        {
            "description": "one\nline\n\n- fake (column)",
            "columns": [
                {
                    "name": 'a,"b',
                    "kind": "categorical",
                    "categories": ["x,y", 'q"z', ""],
                    "description": "two\nlines",
                }
            ],
        }
    )
    layout = State(task_of(schema)).layout
    assert header(layout.columns) == '"a,\\"b"'
    text = aligned_prompt(schema, layout.columns, [])[0].text
    assert "Table: one line - fake (column)" in text
    assert text.count("\n- ") == 1
    assert flat("a  \n b", 3) == "a b"
    assert flat("abcdefgh", 6) == "abc..."


def test_rules_are_read_for_the_columns_they_use() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": n, "kind": "integer", "range": [0, 9]} for n in ("a", "a b", 'x"y', "at", "b")
            ],
            "rules": [{"check": c} for c in ("A < 3 or 'b' = 'at'", '"a b" > 1', '"x""y" = at', "1 = 1")],
        }
    )
    found = rule_columns(schema)
    assert found[0] == {"a"}
    assert found[1] >= {"a b"}
    assert found[2] == {'x"y', "at"}
    assert found[3] == set(schema.names)


def test_a_typical_text_has_the_length_allowed() -> None:
    for shortest, longest in [(1, 1), (3, 5), (40, 41), (100, 120), (5, 5)]:
        for description in ["", "a b c d e f g h", 'quo"te\\ \n', "word"]:
            column = Schema.model_validate(
                {"columns": [{"name": "t", "kind": "text", "min_length": shortest, "max_length": longest,
                              "description": description}]}
            ).columns[0]  # fmt: skip
            text = typical_text(column)  # type: ignore[arg-type]
            assert shortest <= len(text) <= longest
            assert text == text.strip()
