"""Runs under a condition, from the recipe to the scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from localsynth import Workspace
from localsynth.core.errors import RecipeError
from localsynth.core.events import Event, Notice
from localsynth.core.recipe import Recipe
from localsynth.core.run import Status
from localsynth.core.schema import Schema
from localsynth.runs.control import Control

BIRDS = {"i": "owl", "k": "owl", "m": "hen", "o": "jay"}


def people(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, n)
    state = rng.choice(list(BIRDS), n)
    return pd.DataFrame(
        {
            "age": age,
            "state": state,
            "bird": [BIRDS[one] for one in state],
            "bmi": np.where(rng.random(n) < 0.2, np.nan, np.round(rng.normal(27, 4, n).clip(15, 50), 1)),
            "smoker": rng.random(n) < 0.3,
            "disease": np.where(rng.random(n) < (age - 10) / 100, "yes", "no"),
        }
    )


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.import_frame(people(), "people", target="disease")
    return space


def recipe(where: str | None, method: dict[str, Any] | None = None, **more: Any) -> Recipe:
    data = {
        "rows": 60,
        "seed": 3,
        "dataset": {"name": "people"},
        "model": {"name": "uniform"},
        "method": {"name": "paft", "examples": 2, **(method or {})},
        **more,
    }
    return Recipe.model_validate(data if where is None else {**data, "where": where})


CONDITIONS = [
    "disease = 'yes' and age > 60",
    "bird = 'owl' and bmi is null",
    "state in ('i', 'm') and not smoker",
    "age + bmi > 90",
    "age <> 50 and bmi not in (27, 28) and age > bmi",
]


@pytest.mark.parametrize("where", CONDITIONS)
@pytest.mark.parametrize("method", [{}, {"align": False, "lock": False, "drop_near": False}])
def test_every_row_meets_it(space: Workspace, where: str, method: dict[str, Any]) -> None:
    run = space.run(recipe(where, method))
    assert run.status is Status.FINISHED
    assert run.rows_done == 60
    assert space.sql(f"select count(*) as n from people_synth where {where}")["n"][0] == 60
    if not method:
        rows = space.rows(run)
        assert [BIRDS[state] for state in rows["state"]] == rows["bird"].tolist()


def test_it_is_aligned_to_the_rows_that_meet_it(space: Workspace) -> None:
    where = "disease = 'yes'"
    run = space.run(recipe(where), rows=400)
    real = space.sql(f"select avg(age) as age, avg(smoker::int) as smoker from people_real where {where}")
    made = space.sql("select avg(age) as age, avg(smoker::int) as smoker from people_synth")
    train = space.statistics(run)
    assert train is not None
    shares = dict(zip(train.margin("disease").axis.labels, train.margin("disease").shares, strict=True))
    assert shares[("yes",)] == 1
    whole = space.sql("select avg(age) as age from people_real")["age"][0]
    assert abs(made["age"][0] - real["age"][0]) < abs(made["age"][0] - whole)


def test_too_few_rows_to_align_to_are_told(space: Workspace) -> None:
    told: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.text)

    run = space.run(recipe("age > 86"), on_event=listen)
    assert run.rows_done == 60
    assert space.statistics(run) is None
    assert any("too few to align rows to" in text for text in told)


def test_a_stopped_run_goes_on_under_it(space: Workspace) -> None:
    whole = space.rows(space.run(recipe("age > 60", {"batch_rows": 20})))
    control = Control()

    def listen(event: Event) -> None:
        if type(event).__name__ == "BatchCommitted":
            control.stop()

    first = space.run(recipe("age > 60", {"batch_rows": 20}), on_event=listen, control=control)
    assert first.status is Status.CANCELLED
    again = space.resume(first)
    assert again.status is Status.FINISHED
    pd.testing.assert_frame_equal(space.rows(again), whole)


def test_what_is_said_counts_before_the_recipe(space: Workspace) -> None:
    space.run(recipe("age > 60"), where="age < 30")
    assert space.sql("select max(age) as age from people_synth")["age"][0] < 30


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("agee > 1", "did you mean 'age'?"),
        ("age > 200", "leaves age no value"),
        ("age < bmi - 100", "cannot be met"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(space: Workspace, where: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words.replace("?", r"\?")):
        space.run(recipe(where))
    assert space.runs() == []


def test_what_is_locked_against_it_is_named(space: Workspace) -> None:
    with pytest.raises(RecipeError, match="keep state -> bird") as caught:
        space.run(recipe("state = 'm' and bird = 'owl'"))
    assert "lock = false" in caught.value.hint
    assert "'state = 'm' and bird = 'owl''" in caught.value.message
    run = space.run(recipe("state = 'm' and bird = 'owl'", {"lock": False}))
    assert run.rows_done == 60


def test_a_text_that_must_be_there_is_no_trouble(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "texts")
    frame = pd.DataFrame({"note": [f"note {at}" for at in range(90)], "age": [at % 45 for at in range(90)]})
    columns = [
        {"name": "note", "kind": "text", "max_length": 12},
        {"name": "age", "kind": "integer", "range": [0, 99]},
    ]
    space.import_frame(frame, "people", schema=Schema.model_validate({"columns": columns}))
    for where in ("age > 30", "length(note) > 3"):
        for method in ({}, {"lock": False}):
            run = space.run(recipe(where, method), rows=20)
            assert run.rows_done == 20
            assert space.sql(f"select count(*) as n from people_synth where {where}")["n"][0] == 20


@pytest.mark.parametrize("name", ["independent", "llmsynthor", "text-to-tabular"])
def test_other_methods_refuse_it(space: Workspace, name: str) -> None:
    asked = recipe("age > 60").model_dump() | {"method": {"name": name}}
    with pytest.raises(RecipeError, match=f"{name} cannot make rows under a condition") as caught:
        space.run(Recipe.model_validate(asked | {"dataset": {"name": "people"}}))
    assert "paft" in caught.value.hint


def test_the_faithful_mode_refuses_it(space: Workspace) -> None:
    with pytest.raises(RecipeError, match="faithful mode"):
        space.run(recipe("age > 60", {"mode": "faithful"}))


def test_a_recipe_without_one_is_what_it_was() -> None:
    plain = recipe(None)
    assert "where" not in plain.to_toml()
    assert plain.fingerprint("", None, 1) != recipe("age > 1").fingerprint("", None, 1)
    assert Recipe.from_toml(recipe("age > 1").to_toml()) == recipe("age > 1")
    with pytest.raises(RecipeError):
        Recipe.from_toml('where = ""\n[dataset]\nname = "x"\n')


def test_scores_compare_with_rows_that_meet_it(space: Workspace) -> None:
    run = space.run(recipe("disease = 'yes'"))
    other = space.run(recipe(None))
    made = space.evaluate(run, metrics=("columns",))
    notes = [judged.score.note for judged in made.scores if judged.score.metric == "caution"]
    assert any("every figure compares them with the real rows that meet it" in note for note in notes)
    both = space.evaluate(run, other, metrics=("columns",))
    notes = [judged.score.note for judged in both.scores if judged.score.metric == "caution"]
    assert any("not all made under the same condition" in note for note in notes)
