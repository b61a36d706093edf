"""The aligned mode, without a model: declared numbers are met, every row is valid, state is all there is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsynth.core.contracts import SampleRequest
from localsynth.core.errors import ContextTooSmall, RunError
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.methods.text_to_tabular import TextToTabular, TextToTabularParams
from tests.methods.support import FakeAsk, assert_valid, make, schemas, task_of, violations

RECIPES = Path(__file__).parents[2] / "recipes"


def aligned(**params: Any) -> TextToTabular:
    return TextToTabular(TextToTabularParams(**params))


@pytest.fixture(scope="module")
def clinic() -> Schema:
    return Schema.load(RECIPES / "clinic.schema.toml")


def test_the_clinic_is_what_it_says(clinic: Schema) -> None:
    recipe = Recipe.load(RECIPES / "clinic.toml")
    assert (recipe.rows, recipe.dataset.schema_file) == (500, "clinic.schema.toml")
    assert len(clinic.columns) >= 14
    assert len(clinic.rules) >= 5
    assert {column.kind for column in clinic.columns} == {
        "integer", "float", "boolean", "categorical", "date", "datetime", "text", "identifier",
    }  # fmt: skip
    TextToTabularParams(**recipe.method.params)


def test_500_rows_of_the_clinic_meet_what_is_declared(clinic: Schema) -> None:
    table, rejects = make(aligned(), task_of(clinic, 500), 500, FakeAsk())
    assert table.num_rows == 500
    assert len(rejects) < 50
    assert_valid(clinic, table)
    assert not violations(clinic)(table).any()
    for column in clinic.columns:
        values = table.column(column.name).to_pylist()
        present = [value for value in values if value is not None]
        if column.null_rate is not None:
            assert abs(1 - len(present) / 500 - column.null_rate) <= 0.03
        told = column.distribution
        if told is None:
            continue
        if told.shares:
            counts = Counter(str(v).lower() if isinstance(v, bool) else v for v in present)
            for word, share in told.shares.items():
                assert abs(counts[word] / len(present) - share) <= 0.03, (column.name, word)
        if told.mean is not None and told.sd is not None:
            assert abs(np.mean(present) - told.mean) <= 0.03 * told.sd, column.name
            assert np.std(present) == pytest.approx(told.sd, rel=0.05)
        for level, value in told.points():
            array = np.array(present)
            assert (array < value).mean() - 0.02 <= level <= (array <= value).mean() + 0.02, (
                column.name,
                level,
            )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(schemas(), st.integers(0, 10**6), st.booleans(), st.booleans())
def test_rows_of_any_schema_are_valid(schema: Schema, seed: int, elicit: bool, mode: bool) -> None:
    method = aligned(mode="aligned" if mode else "faithful", elicit=elicit, batch_rows=20, rows_per_request=4)
    table, _ = make(method, task_of(schema, 40, seed), 40, FakeAsk(20_000), most=4)
    assert_valid(schema, table)
    for dependency in schema.dependencies:
        seen: dict[Any, Any] = {}
        for row in table.select([*dependency.determinant, dependency.dependent]).to_pylist():
            key = tuple(row[name] for name in dependency.determinant)
            assert seen.setdefault(key, row[dependency.dependent]) == row[dependency.dependent]
    if mode:
        assert table.num_rows == 40 or schema.dependencies


def test_rejected_rows_are_made_good() -> None:
    """No value of the free column saves a row; half the rows are lost for ever, and the shares hold all the same."""
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "g", "kind": "categorical", "categories": ["a", "b"],
                 "distribution": {"shares": {"a": 0.5, "b": 0.5}}},
                {"name": "note", "kind": "text", "min_length": 3, "max_length": 9},
            ],
            "rules": [{"check": "note[1] in ('a', 'e') or g = 'b'"}],
        }
    )  # fmt: skip
    table, rejects = make(aligned(batch_rows=50, repair_rounds=0), task_of(schema, 300), 300, FakeAsk())
    assert table.num_rows == 300
    assert {reject.reason for reject in rejects} == {"rule"}
    assert abs(table.column("g").to_pylist().count("a") / 300 - 0.5) < 0.1


def test_offending_rows_alone_are_asked_again() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {
                    "name": "n",
                    "kind": "integer",
                    "range": [0, 9],
                    "distribution": {"quantiles": {"0": 0, "1": 9}},
                },
                {"name": "note", "kind": "text", "min_length": 1, "max_length": 3},
            ],
            "rules": [{"check": "length(note) >= 2"}],
        }
    )
    ask = FakeAsk()
    table, _ = make(aligned(batch_rows=60, examples=0), task_of(schema, 60), 60, ask)
    assert table.num_rows == 60
    first, second, *_ = [requests for purpose, requests in ask.asked if purpose == "write"]
    assert sum(request.n for request in first) == 60
    assert sum(request.n for request in second) < 4 * 40
    assert {request.messages for request in first} == {request.messages for request in second}


def test_a_rule_over_dates_is_met_even_if_it_is_an_equality() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "moment", "kind": "datetime", "range": ["2024-01-01T00:00", "2025-12-31T23:59"]},
                {"name": "day", "kind": "date", "range": ["2024-01-01", "2025-12-31"]},
            ],
            "rules": [{"check": "cast(moment as date) = day"}],
        }
    )
    table, rejects = make(aligned(batch_rows=40), task_of(schema, 40), 40, FakeAsk())
    assert table.num_rows == 40
    assert not violations(schema)(table).any()
    assert len(rejects) < 80


def test_a_missing_next_visit_goes_where_the_rule_wants_it() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "ill", "kind": "boolean", "distribution": {"shares": {"true": 0.6, "false": 0.4}}},
                {"name": "next", "kind": "date", "range": ["2024-01-01", "2025-12-31"], "null_rate": 0.4},
            ],
            "rules": [{"check": "ill = (next is not null)"}],
        }
    )
    table, rejects = make(aligned(batch_rows=100), task_of(schema, 300), 300, FakeAsk())
    assert table.num_rows == 300
    assert not rejects
    assert table.column("next").null_count == 120


def test_the_leading_column_is_drafted_by_quota() -> None:
    schema = Schema.model_validate(
        {
            "target": "y",
            "columns": [
                {"name": "x", "kind": "boolean", "distribution": {"shares": {"true": 0.5, "false": 0.5}}},
                {"name": "y", "kind": "categorical", "categories": ["a", "b", "c,d"],
                 "distribution": {"shares": {"a": 0.7, "b": 0.2, "c,d": 0.1}}},
            ],
        }
    )  # fmt: skip
    ask = FakeAsk()
    make(aligned(batch_rows=50, examples=0), task_of(schema, 50), 50, ask)
    draft = next(requests for purpose, requests in ask.asked if purpose == "draft")
    assert [(request.prefix, request.n) for request in draft] == [
        ("y,x\na,", 35),
        ("y,x\nb,", 10),
        ('y,x\n"c,d",', 5),
    ]


def test_what_the_model_drafts_decides_who_gets_what() -> None:
    """Drafted weight rises with drafted height; after alignment it still does, at the declared moments."""
    schema = Schema.model_validate(
        {
            "columns": [
                {
                    "name": "h",
                    "kind": "integer",
                    "range": [100, 220],
                    "distribution": {"mean": 170, "sd": 10},
                },
                {"name": "w", "kind": "integer", "range": [30, 190], "distribution": {"mean": 75, "sd": 15}},
            ]
        }
    )

    def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{110 + i},{40 + i}\n" for i in range(len(texts)))

    table, _ = make(aligned(batch_rows=80, examples=0), task_of(schema, 80), 80, FakeAsk(answer=answer))
    height, weight = (np.array(table.column(name).to_pylist()) for name in ("h", "w"))
    assert np.corrcoef(height, weight)[0, 1] > 0.95
    assert abs(height.mean() - 170) < 0.3
    assert abs(weight.mean() - 75) < 0.45


def test_nothing_declared_is_elicited_and_used() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "n", "kind": "integer", "range": [0, 100]},
                {"name": "c", "kind": "categorical", "categories": ["x", "y"]},
            ]
        }
    )

    def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        if purpose != "elicit":
            return texts
        told = {"5%": 10, "25%": 20, "50%": 30, "75%": 40, "95%": 50, "A": 90, "B": 10}
        labels = [part.split("=")[0].strip() for part in texts[0].split(",")]
        return tuple(", ".join(f"{label} = {told[label]}" for label in labels) + "\n" for _ in texts)

    ask = FakeAsk(answer=answer)
    table, _ = make(aligned(), task_of(schema, 200), 200, ask)
    assert abs(np.median(table.column("n").to_pylist()) - 30) <= 1
    assert abs(table.column("c").to_pylist().count("x") / 200 - 0.88) < 0.02
    orders = {
        request.messages[0].text
        for purpose, requests in ask.asked
        if purpose == "elicit"
        for request in requests
    }
    assert len(orders) > 2  # shuffled from round to round
    free = FakeAsk()
    make(aligned(elicit=False), task_of(schema, 20), 20, free)
    assert {purpose for purpose, _ in free.asked} == {"write"}


def test_a_batch_after_restore_is_the_batch_undisturbed(clinic: Schema) -> None:
    task, ask = task_of(clinic, 300), FakeAsk()
    one = aligned(batch_rows=40, drop_duplicates=True)
    make(one, task, 120, ask)
    state = json.loads(json.dumps(one.state()))
    other = aligned(batch_rows=40, drop_duplicates=True)
    other.prepare(task, ask.info)
    other.restore(state)
    assert other.batch(40, 99, ask).rows.equals(one.batch(40, 99, FakeAsk()).rows)
    assert other.state() == one.state()
    with pytest.raises(RunError, match="stored state"):
        other.restore({"per_request": 3})


def test_the_prompt_shrinks_to_the_context_and_says_so(clinic: Schema) -> None:
    def learn(context: int) -> tuple[TextToTabular, FakeAsk]:
        method, ask = aligned(), FakeAsk(context)
        method.prepare(task_of(clinic), ask.info)
        method.learn(ask, 1)
        return method, ask

    plans = {}
    for context in (2048, 640, 490, 440, 330):
        method, ask = learn(context)
        plans[context] = method.state()["plan"]
        assert bool(ask.notices) == (context < 2048)
        draft = method.batch(5, 1, ask)
        assert draft.rows.num_rows > 0
        for _, requests in ask.asked:
            for request in requests:
                assert ask.prompt_tokens(request) < context
    assert plans[2048]["examples"] == 3
    assert plans[640]["examples"] == 2
    assert [plans[c]["level"] for c in (2048, 640, 490, 440, 330)] == sorted(
        plans[c]["level"] for c in (2048, 640, 490, 440, 330)
    )
    with pytest.raises(ContextTooSmall, match=r"prompt takes \d+ tokens .* context holds 120"):
        learn(120)


def test_long_texts_are_kept_to_what_fits() -> None:
    schema = Schema.model_validate(
        {"columns": [{"name": "story", "kind": "text", "min_length": 20, "max_length": 100_000}]}
    )
    method, ask = aligned(), FakeAsk(600)
    table, _ = make(method, task_of(schema, 5), 5, ask)
    assert table.num_rows == 5
    assert any("story" in notice for notice in ask.notices)
    assert max(len(text) for text in table.column("story").to_pylist()) < 600


def test_duplicates_are_rejected_only_if_asked() -> None:
    schema = Schema.model_validate({"columns": [{"name": "b", "kind": "boolean"}]})
    table, rejects = make(aligned(), task_of(schema, 50), 50, FakeAsk())
    assert (table.num_rows, rejects) == (50, [])
    table, rejects = make(aligned(drop_duplicates=True), task_of(schema, 50), 50, FakeAsk(), most=3)
    assert table.num_rows == 2
    assert {reject.reason for reject in rejects} == {"duplicate"}


def test_examples_are_invented_where_the_schema_gives_too_few(clinic: Schema) -> None:
    bare = clinic.model_copy(update={"examples": ()})
    method, ask = aligned(), FakeAsk()
    method.prepare(task_of(bare), ask.info)
    method.learn(ask, 1)
    assert len(method.state()["pool"]) >= 5
    assert method.state()["plan"]["examples"] == 3
    given = aligned()
    given.prepare(task_of(clinic), ask.info)
    given.learn(ask, 1)
    assert (len(given.state()["given"]), given.state()["pool"]) == (6, [])


def test_an_example_that_breaks_a_rule_is_not_shown() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "a", "kind": "integer", "range": [0, 9]},
                {"name": "b", "kind": "integer", "range": [0, 9]},
            ],
            "rules": [{"check": "a <= b"}],
            "examples": [{"a": 7, "b": 3}, {"a": 4}],
        }
    )
    ask = FakeAsk()
    method = aligned()
    make(method, task_of(schema, 10), 10, ask)
    assert any("example row 1" in notice and "a <= b" in notice for notice in ask.notices)
    assert len(method.state()["given"]) == 1
