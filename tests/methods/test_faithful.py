"""The faithful mode: the paper's blocks, its losses as rejects, its two slips not repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localsynth.core.contracts import SampleRequest
from localsynth.core.errors import ContextTooSmall
from localsynth.core.schema import Schema
from localsynth.methods.text_to_tabular import TextToTabular, TextToTabularParams
from localsynth.methods.text_to_tabular.answers import read_answer
from tests.methods.support import FakeAsk, assert_valid, make, task_of

SCHEMA = Schema.model_validate(
    {
        "description": "Visits to a clinic.",
        "population": "Adults only.",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [18, 90], "unit": "years", "description": "age at visit",
             "distribution": {"mean": 50, "sd": 15}},
            {"name": "sex", "kind": "categorical", "categories": {"1": "male", "0": "female"}},
            {"name": "bmi", "kind": "float", "range": [15, 50], "decimals": 1, "nullable": True, "null_rate": 0.3},
            {"name": "smoker", "kind": "boolean"},
            {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"]},
            {"name": "note", "kind": "text", "min_length": 3, "max_length": 20},
        ],
        "rules": [{"check": "age > 20 or not smoker", "name": "young do not smoke"}],
    }
)  # fmt: skip

NAMES = ("age", "sex", "bmi", "smoker", "day", "note")


def faithful(**params: Any) -> TextToTabular:
    return TextToTabular(TextToTabularParams(mode="faithful", **params))


def row(**changes: Any) -> dict[str, Any]:
    return {
        "age": 50,
        "sex": "1",
        "bmi": 22.5,
        "smoker": False,
        "day": "2024-03-01",
        "note": "well",
        **changes,
    }


def test_blocks_in_order_and_nothing_the_paper_leaves_out() -> None:
    ask = FakeAsk()
    make(faithful(batch_rows=40), task_of(SCHEMA, 40), 40, ask)
    requests = [request for _, requests in ask.asked for request in requests]
    orders = set()
    for request in requests:
        (message,) = request.messages
        text = message.text
        assert message.role == "user"
        places = [
            text.index(part)
            for part in ("Visits to a clinic", "Adults only", "age at visit", "keyed by row index")
        ]
        assert places == sorted(places)
        assert "years" not in text  # no units, ranges, statistics or rules
        assert "young do not smoke" not in text
        assert "1 = male, 0 = female" in text
        shown = json.loads(text[text.rindex('{"0"') :])  # double quotes, under the index it asks for
        assert set(shown) == {"0"}
        assert set(shown["0"]) == set(NAMES)
        assert "id" not in shown["0"]
        orders.add(tuple(shown["0"]))
    assert len(orders) > 1
    assert {request.n for request in requests} == {1}


def test_with_the_grammar_no_batch_is_lost() -> None:
    table, rejects = make(faithful(), task_of(SCHEMA, 100), 100, FakeAsk())
    assert table.num_rows == 100
    assert {reject.reason for reject in rejects} <= {"rule"}
    assert_valid(SCHEMA, table)
    assert table.column("bmi").null_count == 0  # complete cases only, as in the paper


def test_a_hundred_rows_take_ten_requests() -> None:
    ask = FakeAsk(20_000)
    make(faithful(enforce_rules=False), task_of(SCHEMA, 100), 100, ask)
    assert [len(requests) for _, requests in ask.asked] == [10]


@pytest.mark.parametrize(
    ("answer", "rows", "reasons"),
    [
        ("Sure! Here you are: " + json.dumps({"0": row(), "1": row(age=30)}) + " Enjoy.", 2, []),
        ("no table today", 0, ["parse"]),
        ('{"0": {"age": 5', 0, ["parse"]),
        ("[1, 2]", 0, ["parse"]),
        ("{'0': {'age': 5}}", 0, ["parse"]),
        (
            json.dumps({"0": {k: v for k, v in row().items() if k != "sex"}, "1": row()}),
            0,
            ["missing column"],
        ),
        (json.dumps({"0": row(age=None), "1": row()}), 1, ["null"]),
        (json.dumps({"0": row(age="many"), "1": row()}), 1, ["type"]),
        (json.dumps({"0": row(age=5), "1": row(sex="2"), "2": row()}), 1, ["range", "range"]),
        (json.dumps({"0": row(smoker=1, age="44", sex=0)}), 1, []),
        (json.dumps({"0": row(note={"a": 1})}), 0, ["type"]),
        ("{" * 100_000, 0, ["parse"]),
    ],
)
def test_what_a_free_answer_is_worth(answer: str, rows: int, reasons: list[str]) -> None:
    columns = [SCHEMA.column(name) for name in NAMES]
    found, rejects = read_answer(columns, answer)
    assert (len(found), [reject.reason for reject in rejects]) == (rows, reasons)


def test_lost_batches_are_asked_again_with_a_bound() -> None:
    def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple("nothing" if request.seed % 2 else json.dumps({"0": row(), "1": row()}) for _ in texts)

    ask = FakeAsk(answer=answer)
    method = faithful(grammar=False, rows_per_request=2, batch_rows=20, max_retries=2)
    table, rejects = make(method, task_of(SCHEMA, 20), 20, ask, most=1)
    assert 0 < table.num_rows <= 20
    assert {reject.reason for reject in rejects} == {"parse"}
    assert len(ask.asked) <= 3
    requests = [request for _, requests in ask.asked for request in requests]
    assert all(request.grammar is None for request in requests)
    assert len({request.seed for request in requests}) == len(requests)
    assert (
        make(faithful(grammar=False, max_retries=2), task_of(SCHEMA), 10, FakeAsk(), most=2)[0].num_rows == 0
    )


def test_rules_are_rejects_or_nothing() -> None:
    def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(json.dumps({"0": row(age=19, smoker=True), "1": row()}) for _ in texts)

    strict, rejects = make(
        faithful(grammar=False, batch_rows=8, rows_per_request=2),
        task_of(SCHEMA),
        8,
        FakeAsk(answer=answer),
        most=1,
    )
    assert set(strict.column("age").to_pylist()) == {50}
    assert {(reject.reason, reject.detail) for reject in rejects} == {("rule", "young do not smoke")}
    free, rejects = make(
        faithful(grammar=False, enforce_rules=False, rows_per_request=2),
        task_of(SCHEMA), 8, FakeAsk(answer=answer), most=1,
    )  # fmt: skip
    assert 19 in free.column("age").to_pylist()
    assert rejects == []


def test_rows_per_request_shrink_to_the_context_and_it_is_said_first() -> None:
    ask = FakeAsk(512)
    method = faithful()
    method.prepare(task_of(SCHEMA), ask.info)
    method.learn(ask, 1)
    (notice,) = ask.notices
    assert method.state()["plan"]["rows"] == 2
    assert notice.startswith("2 rows per request instead of 10: the prompt takes")
    assert not ask.asked
    assert method.batch(12, 1, ask).rows.num_rows == 12
    small = FakeAsk(150)
    with pytest.raises(ContextTooSmall, match="context holds 150"):
        method.learn(small, 1)
    assert not small.asked


def test_a_row_is_completed_in_passes_where_it_does_not_fit() -> None:
    ask = FakeAsk(250)
    table, rejects = make(faithful(batch_rows=12), task_of(SCHEMA, 24), 24, ask)
    assert table.num_rows == 24
    assert {reject.reason for reject in rejects} <= {"rule"}
    assert_valid(SCHEMA, table)
    later = [request for _, asked in ask.asked for request in asked if request.prefix]
    assert later
    for request in later:
        given = json.loads(request.prefix.removesuffix(", ") + "}}")["0"]
        assert given  # the cells that matter, as the row has them
        lines = request.messages[0].text.split("statistics):\n")[1].split("\nAnswer")[0].split("\n")
        assert [line.split(":")[0] for line in lines][: len(given)] == list(given)
    free = faithful(batch_rows=12, grammar=False)
    table, rejects = make(free, task_of(SCHEMA, 4), 4, FakeAsk(250), most=2)
    assert {reject.reason for reject in rejects} == {"parse"}
