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
from localsynth.core.errors import ContextTooSmall, RecipeError, RunError
from localsynth.core.grammar import Fixed, Warmed
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.methods import registry
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
    for context in (2048, 700, 640, 490, 330):
        method, ask = learn(context)
        plans[context] = method.state()["plan"]
        assert bool(ask.notices) == (context < 2048)
        draft = method.batch(5, 1, ask)
        assert draft.rows.num_rows > 0
        for _, requests in ask.asked:
            for request in requests:
                assert ask.prompt_tokens(request) < context
    examples = [plans[context]["sheets"][0]["examples"] for context in (2048, 700, 490)]
    assert examples == sorted(examples, reverse=True)
    assert examples[0] == 3
    assert [plans[context]["level"] for context in plans] == sorted(plan["level"] for plan in plans.values())
    assert [len(plan["sheets"]) > 1 for plan in plans.values()] == [False] * 4 + [True]
    with pytest.raises(ContextTooSmall, match=r"prompt takes \d+ tokens .* context holds 120"):
        learn(120)


def test_long_texts_are_kept_to_what_fits() -> None:
    schema = Schema.model_validate(
        {"columns": [{"name": "story", "kind": "text", "min_length": 20, "max_length": 100_000}]}
    )
    method, ask = aligned(shorten_texts=True), FakeAsk(600)
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
    assert method.state()["plan"]["sheets"][0]["examples"] == 3
    given = aligned()
    given.prepare(task_of(clinic), ask.info)
    given.learn(ask, 1)
    assert (len(given.state()["given"]), given.state()["pool"]) == (6, [])


def test_the_schemas_own_examples_come_before_invented_ones(clinic: Schema) -> None:
    two = clinic.model_copy(update={"examples": clinic.examples[:2]})
    ask = FakeAsk()
    make(aligned(batch_rows=10), task_of(two, 40), 40, ask)
    drafts = [requests[0].messages[0].text for purpose, requests in ask.asked if purpose == "draft"]
    assert len(set(drafts)) == len(drafts) >= 4  # the third example differs, and their order
    for text in drafts:
        assert all(str(example["note"]) in text for example in two.examples)


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


NOTES = ("pressure still high, dose raised", "wheezing at night, inhaler explained")


def noted() -> Schema:
    """Texts that a small model likes to copy from the examples, with a rule that reads them."""
    return Schema.model_validate(
        {
            "columns": [
                {"name": "g", "kind": "categorical", "categories": ["a", "b"]},
                {"name": "note", "kind": "text", "min_length": 3, "max_length": 60},
                {"name": "word", "kind": "text", "min_length": 2, "max_length": 9},
            ],
            "rules": [{"check": "note <> 'never said'"}],
            "examples": [{"g": "a", "note": NOTES[0], "word": "well"}, {"g": "b", "note": NOTES[1], "word": "so so"}],
        }
    )  # fmt: skip


def copying(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Writes an example's note in the first go, and half of the time when asked again."""
    if purpose != "write":
        return texts
    if "word" in request.prefix.split("\n")[0]:
        return tuple(f'"{NOTES[i % 2].upper()}.","well"\n' for i in range(len(texts)))
    return tuple((f'"{NOTES[0]}"\n', '"never said"\n', text)[i % 3] for i, text in enumerate(texts))


def test_texts_that_repeat_an_example_are_asked_again_beside_few_columns() -> None:
    ask = FakeAsk(answer=copying)
    table, _ = make(aligned(batch_rows=20), task_of(noted(), 20), 20, ask)
    assert table.num_rows == 20
    said = set(table.column("note").to_pylist())
    assert not {note.casefold().rstrip(".") for note in said} & {
        *NOTES,
        "never said",
    }  # the last breaks the rule
    assert len(said) > 10
    assert set(table.column("word").to_pylist()) == {"well"}  # short texts are alike by chance
    again = [request for _, asked in ask.asked for request in asked if request.prefix.startswith("g,note\n")]
    assert again
    assert all(NOTES[0] in request.messages[0].text for request in again)


def test_copied_texts_may_stay_if_the_person_says_so() -> None:
    table, _ = make(
        aligned(batch_rows=20, fresh_texts=False), task_of(noted(), 20), 20, FakeAsk(answer=copying)
    )
    assert {note.casefold() for note in table.column("note").to_pylist()} == {f"{note}." for note in NOTES}


def test_a_copy_stays_where_nothing_else_is_written() -> None:
    def stubborn(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        if purpose != "write":
            return texts
        both = "word" in request.prefix.split("\n")[0]
        return tuple(f'"{NOTES[0]}"' + (',"well"\n' if both else "\n") for _ in texts)

    table, rejects = make(aligned(batch_rows=20), task_of(noted(), 20), 20, FakeAsk(answer=stubborn))
    assert (table.num_rows, rejects) == (20, [])


def test_columns_with_a_temperature_of_their_own() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "id", "kind": "identifier"},
                {"name": "c", "kind": "categorical", "categories": ["x,y", "z"], "nullable": True},
                {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"]},
                {"name": "note", "kind": "text", "max_length": 9},
            ]
        }
    )
    for mode in ("aligned", "faithful"):
        ask = FakeAsk()
        params = {"mode": mode, "temperatures": {"c": 0.0, "note": 1.5}}
        table, _ = make(aligned(**params), task_of(schema, 20), 20, ask)
        assert table.num_rows == 20
        assert_valid(schema, table)
        found: dict[float, set[str]] = {}
        for _, requests in ask.asked:
            for request in requests:
                parts = getattr(request.grammar, "parts", ())
                for at, part in enumerate(parts):
                    if isinstance(part, Warmed):
                        assert isinstance(parts[at + 1], Fixed)  # what tells the engine where it ends
                        found.setdefault(part.temperature, set()).add(mode)
        assert found == {0.0: {mode}, 1.5: {mode}}
    for wrong, said in (("nte", "did you mean 'note'"), ("id", "made by code")):
        with pytest.raises(RecipeError, match=said):
            aligned(temperatures={wrong: 1.0}).prepare(task_of(schema), None)


def test_temperatures_stand_in_a_recipe() -> None:
    text = 'rows = 5\n[dataset]\nname = "d"\n[method]\ntemperatures = { note = 0.7, "a b" = 1 }\n'
    recipe = Recipe.from_toml(text)
    params = registry.read_params(TextToTabular, recipe.method.params)
    assert params.temperatures == {"note": 0.7, "a b": 1.0}  # type: ignore[attr-defined]
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    cooler = Recipe.from_toml(text.replace("0.7", "0.6"))
    assert recipe.fingerprint("{}", None, 2) != cooler.fingerprint("{}", None, 2)
    assert recipe.fingerprint("{}", None, 2) == Recipe.from_toml(recipe.to_toml()).fingerprint("{}", None, 2)
    with pytest.raises(RecipeError, match=r"note"):
        registry.read_params(TextToTabular, {"temperatures": {"note": 9}})
