"""What a person who writes a recipe is told: methods, models, mistakes, time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localsynth.core.events import Progress
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure
from localsynth.core.spending import Spends
from localsynth.methods import registry
from localsynth.workspace import Workspace, packaged_recipes
from localsynth.workspace.estimate import Pace

WINE = '[dataset]\nname = "wine"\n'


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    space = Workspace(tmp_path_factory.mktemp("drafts") / "ws")
    space.import_sample("wine", policy="statistics")
    space.run(Recipe.from_toml(f'rows = 100\n{WINE}[method]\nname = "independent"\n'))
    return space


def places(space: Workspace, text: str, path: Path | None = None) -> dict[str, int | None]:
    checked = space.check_draft(text, path, space.datasets())
    return {one.path: one.line for one in checked.problems}


def test_cards_go_from_what_sees_least_and_say_what_is_not_allowed(space: Workspace) -> None:
    cards = space.method_cards(space.dataset("wine"))
    models = [card for card in cards if card.needs_model]
    assert cards[: len(models)] == models
    assert [card.exposure for card in models] == sorted(card.exposure for card in models)
    refused = {card.name for card in cards if card.refusal}
    assert refused == {card.name for card in cards if card.exposure is Exposure.ROWS}
    paft = next(card for card in cards if card.name == "paft")
    assert "allows no more than: statistics" in paft.refusal
    assert any("finetune" in need for need in paft.needs)
    assert not any(card.refusal for card in space.method_cards())


def test_published_statistics_allow_a_method_that_reads_them(space: Workspace) -> None:
    space.set_policy("wine", "schema")
    try:
        wine = space.dataset("wine")
        alone, published = (
            {card.name: card.refusal for card in space.method_cards(wine, published=given)}
            for given in (False, True)
        )
    finally:
        space.set_policy("wine", "statistics")
    assert alone["llmsynthor"]
    assert not published["llmsynthor"]
    assert published["independent"]


def test_models_say_whether_they_fit(space: Workspace) -> None:
    for one in space.model_choices():
        assert one.size > 0
        assert one.memory > one.size
        assert one.fits in {True, False, None}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'rows = "abc"\nseed = -1\n{WINE}', {"rows": 1, "seed": 2}),
        (f'rows = 0\n{WINE}[method]\nname = "independent"\nfoo = 1\n', {"rows": 1, "method.foo": 6}),
        (f'{WINE}[method]\nname = "llmsynthor"\nrounds = "x"\n', {"method.rounds": 5}),
        (f'{WINE}[method]\nname = "nobody"\n', {"method.name": 4}),
        (f'{WINE}[method]\nname = "paft"\n[model]\nname = "uniform"\n', {"method.name": 4}),
        (f'{WINE}target = "nope"\n[model]\nname = "uniform"\n', {"dataset.target": 3}),
        (f'{WINE}[model]\nname = "nobody"\n', {"model.name": 4}),
        ('[dataset]\nname = "win"\n[model]\nname = "uniform"\n', {"dataset.name": 2}),
        (f'where = "alcohol >"\n{WINE}[model]\nname = "uniform"\n', {"where": 1}),
        (f'where = "alcohol > 13"\n{WINE}[method]\nname = "independent"\n', {"where": 1}),
        (f'{WINE}schema = "none.toml"\n[model]\nname = "uniform"\n', {"dataset.schema": 3}),
        (f'{WINE}[method]\nname = "independent"\n[privacy]\nepsilon = 1\n', {"privacy.epsilon": 6}),
        ("rows = \n", {"": 1}),
        ("", {"dataset": None}),
        (f"method = 3\n{WINE}", {"method": 1}),
        (f'where = "alcohol > 13"\n{WINE}[model]\nname = "uniform"\n', {"where": 1}),
        (f'title = "[bold]x"\n{WINE}[model]\nname = "uniform"\n', {}),
    ],
)
def test_everything_wrong_is_told_with_its_place(
    space: Workspace, text: str, found: dict[str, int | None]
) -> None:
    assert places(space, text) == found


def test_what_is_right_gives_the_recipe(space: Workspace) -> None:
    checked = space.check_draft(f'{WINE}[method]\nname = "independent"\n', None, space.datasets())
    assert checked.recipe is not None
    assert not checked.problems


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
def test_recipes_that_come_with_localsynth_are_right_without_a_workspace(name: str, tmp_path: Path) -> None:
    path = packaged_recipes()[name]
    text = path.read_text("utf-8").replace('"smollm2-135m"', '"uniform"')
    checked = Workspace(tmp_path / "none").check_draft(text, path)
    assert [one.message for one in checked.problems] == []


def recipe(rows: int = 1000, method: str = "independent", more: str = "") -> Recipe:
    return Recipe.from_toml(
        f'rows = {rows}\n{WINE}[model]\nname = "uniform"\n[method]\nname = "{method}"\n{more}'
    )


def test_a_run_like_one_before_takes_as_long(space: Workspace) -> None:
    ran = space.runs("wine")[0]
    found = space.estimate(recipe())
    pace = space.paces()[0]
    assert pace.learning_s + pace.making_s >= ran.usage.seconds
    assert found.seconds == pytest.approx(pace.learning_s + 10 * pace.making_s)
    assert ran.run_id in found.why


def test_commits_count_and_a_night_between_two_batches_does_not(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.import_sample("wine", policy="statistics")
    run = space.run(recipe(50, "text-to-tabular", "batch_rows = 10\n"))
    with space.store.write() as con:
        con.execute("UPDATE meta.batches SET seconds = 1.0, finished_at = TIMESTAMPTZ '2026-01-01 00:00:00Z'")
        # Each took a second and its commit half of one; before the fourth the machine slept.
        con.execute(
            "UPDATE meta.batches SET finished_at = finished_at + to_seconds(1.5 * batch_no)"
            " + CASE WHEN batch_no >= 4 THEN INTERVAL 8 HOUR ELSE INTERVAL 0 HOUR END"
        )
    (pace,) = space.paces()
    learning = pace.learning_s
    assert (pace.run_id, pace.rows) == (run.run_id, 50)
    assert pace.making_s == pytest.approx(5 * 1.5)
    assert pace.seconds(100) == pytest.approx(learning + 15.0)


def test_nobody_knows_the_time_of_what_was_never_run(space: Workspace) -> None:
    found = space.estimate(recipe(method="text-to-tabular"))
    assert found.seconds is None
    assert "no run of this kind" in found.why


def pace(run: str, dataset: str, params: str, *, learning: float = 0.0, making: float = 10.0) -> Pace:
    recipe_json = f'{{"method": {{"name": "text-to-tabular"{params}}}}}'
    return Pace(run, dataset, "text-to-tabular", "uniform", recipe_json, 100, learning, making)


def test_the_run_most_like_it_counts_and_learning_is_not_multiplied(space: Workspace) -> None:
    wanted = recipe(method="text-to-tabular", more="batch_rows = 50\n")
    other, changed, same = (
        pace("newest", "other", ', "batch_rows": 50', making=1.0),
        pace("newer", "wine", "", making=1000.0),
        pace("old", "WINE", ', "batch_rows": 50', learning=7.0),
    )
    assert space.estimate(wanted, [other, changed, same]).seconds == pytest.approx(7.0 + 10 * 10.0)
    assert "other parameters" in space.estimate(wanted, [other, changed]).why
    assert "another dataset" in space.estimate(wanted, [other]).why


def test_what_a_game_may_take_is_told_before_it_begins(space: Workspace) -> None:
    wanted = recipe(method="mallm-gan")
    found = space.estimate(wanted, [])
    method = registry.create("mallm-gan")
    assert isinstance(method, Spends)
    wine = space.dataset("wine")
    assert found.learning == method.spending(wine.schema, wine.train_rows)
    assert found.learning is not None
    assert found.learning_s is None
    usual = replace(pace("before", "other", "", learning=50.0), method="mallm-gan", requests=10)
    assert space.estimate(wanted, [usual]).learning_s == pytest.approx(found.learning.requests * 5.0)
    assert space.estimate(wanted, [replace(usual, requests=0)]).learning_s is None
    assert space.estimate(wanted, [], []).learning is None
    assert space.estimate(recipe(method="mallm-gan", more="rounds = 0\n")).learning is None
    assert space.estimate(recipe()).learning is None


def test_requests_before_the_first_row_are_counted(space: Workspace) -> None:
    small = recipe(
        rows=5, method="mallm-gan", more="rounds = 1\nproposals = 0\nsearched = 0\ngame_rows = 20\n"
    )
    space.set_policy("wine", "rows")
    try:
        run = space.run(small)
    finally:
        space.set_policy("wine", "statistics")
    mine = next(one for one in space.paces() if one.run_id == run.run_id)
    told = space.sql(
        "SELECT sum(requests) FROM meta.calls c JOIN meta.batches b USING (run_id, batch_no)"
        f" WHERE run_id = '{run.run_id}' AND b.rows = 0"
    )
    assert mine.requests == int(told.iloc[0, 0]) > 0
    found = space.estimate(small)
    assert found.learning is not None
    assert mine.requests <= found.learning.requests
    assert found.learning_s is not None


def test_without_a_workspace_there_are_no_paces(tmp_path: Path) -> None:
    empty = Workspace(tmp_path / "none")
    assert empty.paces() == []
    assert not empty.exists


def test_a_run_begins_with_the_time_it_was_said_to_take(space: Workspace) -> None:
    said = space.estimate(recipe(rows=50)).seconds
    heard: list[float | None] = []
    space.run(
        recipe(rows=50),
        on_event=lambda event: heard.append(event.eta_s) if isinstance(event, Progress) else None,
    )
    assert heard[0] == pytest.approx(said)
