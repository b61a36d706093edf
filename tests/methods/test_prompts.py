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
    assert [column.name for column in layout.columns[:2]] == ["diagnosis", "sex"]
    assert layout.columns[-1].name == "note"
    assert "patient_id" not in [column.name for column in layout.columns]
    assert isinstance(layout, Layout)
    assert layout.lead is not None


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
