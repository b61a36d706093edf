"""Scores: kept whole, found again as they were, replaced by newer ones, gone with their run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from localsynth.core.errors import DatasetError, NotFound
from localsynth.core.evaluation import CAUTION, NOBODY, REAL, Evaluation, Judged, caution, staged
from localsynth.core.judging import Score
from localsynth.core.run import Run
from localsynth.store import datasets, metrics, reading, runs
from localsynth.store.session import Store
from tests.store.store_kit import SCHEMA, make_run

FAMILIES = dict.fromkeys(("column_shapes", "pair_trends", "histogram"), "fidelity")
AWKWARD = '<script>"[red]'


@pytest.fixture
def two(store: Store) -> tuple[Run, Run]:
    """Two runs of a dataset."""
    datasets.declare(store, "clinic", SCHEMA)
    for name in ("20260101-a", "20260101-b"):
        runs.create(store, make_run(name))
    return runs.get(store, "20260101-a"), runs.get(store, "20260101-b")


def evaluation(store: Store, chosen: tuple[Run, ...], value: float = 0.5) -> Evaluation:
    """A few scores of every shape."""
    of_all = [
        Score("column_shapes", value, low=0.1, high=0.9),
        Score("column_shapes", None, "age", note="not applicable, because nothing is there"),
        Score("pair_trends", 0.25, "age", 'a "b".c'),
        Score("histogram", 0.1, "select", item=AWKWARD),
    ]
    subjects = [REAL, "bootstrap", *(run.run_id for run in chosen)]
    scores = tuple(Judged(subject, score) for subject in subjects for score in of_all)
    moment = datetime(2126, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Evaluation(datasets.get(store, "clinic"), chosen, scores, 2**53, 40, moment)


def test_what_is_read_is_what_was_put(store: Store, two: tuple[Run, Run]) -> None:
    made = evaluation(store, two)
    metrics.put(store, made, FAMILIES)
    assert metrics.read(store, two) == made
    assert made.of_table("column_shapes", REAL) == Score("column_shapes", 0.5, low=0.1, high=0.9)


def with_stages(made: Evaluation, value: float = 0.3) -> Evaluation:
    """Each run has two stages, the first run has one more; names of any kind."""
    stages = {}
    for number, run in enumerate(made.runs):
        named = ["drawn", AWKWARD, *(["a third one"] if number == 0 else [])]
        stages[run.run_id] = {
            name: tuple(
                Judged(staged(run.run_id, name), score)
                for score in (
                    Score("column_shapes", value + place / 10, low=0.1, high=0.9),
                    Score("histogram", 0.1, "select", item=AWKWARD),
                )
            )
            for place, name in enumerate(named)
        }
    return replace(made, stages=stages)


def test_scores_of_stages_are_kept_and_are_no_scores_of_the_run(store: Store, two: tuple[Run, Run]) -> None:
    made = with_stages(evaluation(store, two))
    metrics.put(store, made, FAMILIES)
    assert metrics.read(store, two) == made
    alone = metrics.read(store, two[1:])
    assert alone is not None
    assert alone.subjects == (REAL, "bootstrap", two[1].run_id)
    assert alone.stages == {two[1].run_id: made.stages[two[1].run_id]}
    found = reading.sql(
        store,
        "select subject, value from meta.metrics where metric = 'column_shapes' and column_a is null"
        " order by run_id, position",
    ).to_pydict()
    assert found["subject"][-3:] == [two[1].run_id, f"{two[1].run_id} drawn", f"{two[1].run_id} {AWKWARD}"]
    assert found["value"][-3:] == [0.5, 0.3, 0.4]


def test_newer_scores_of_stages_replace_older_ones(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, with_stages(evaluation(store, two)), FAMILIES)
    later = with_stages(evaluation(store, two, 0.9), 0.8)
    metrics.put(store, replace(later, made_at=datetime(2126, 5, 1, tzinfo=UTC)), FAMILIES)
    found = metrics.read(store, two)
    assert found is not None
    assert found.stages == later.stages
    runs.delete(store, two[0].run_id)
    assert reading.sql(store, "select distinct run_id from meta.metrics")["run_id"].to_pylist() == [
        two[1].run_id
    ]


def test_one_run_of_two_is_a_whole_report(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two), FAMILIES)
    alone = metrics.read(store, two[1:])
    assert alone is not None
    assert alone.subjects == (REAL, "bootstrap", two[1].run_id)
    found = reading.sql(store, f"select distinct subject from meta.metrics where run_id = '{two[1].run_id}'")
    assert sorted(found["subject"].to_pylist()) == sorted(alone.subjects)


def test_newer_scores_replace_older_ones(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two, 0.1), FAMILIES)
    later = replace(evaluation(store, two[:1], 0.9), made_at=datetime(2126, 5, 1, tzinfo=UTC))
    metrics.put(store, later, FAMILIES)
    assert metrics.read(store, two[:1]) == later
    both = metrics.read(store, two)
    assert both is not None
    assert next(judged.score.value for judged in both.find("column_shapes", two[1].run_id)) == 0.1
    assert next(judged.score.value for judged in both.find("column_shapes", REAL)) == 0.9  # of the latest


def test_scores_of_other_metrics_stay(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two), FAMILIES)
    score = Score("exact_copies", 0.0)
    some = replace(
        evaluation(store, two),
        scores=tuple(Judged(subject, score) for subject in (REAL, two[0].run_id)),
        made_at=datetime(2126, 5, 1, tzinfo=UTC),
    )
    metrics.put(store, some, {"exact_copies": "privacy"})
    both = metrics.read(store, two[:1])
    assert both is not None
    assert len(both.scores) == 12 + 2
    assert both.subjects == (REAL, "bootstrap", two[0].run_id)
    assert both.made_at == some.made_at


def test_runs_judged_apart_are_reported_together(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two[:1]), FAMILIES)
    score = Score("exact_copies", 0.0)
    some = replace(
        evaluation(store, two[1:]),
        scores=tuple(Judged(subject, score) for subject in (REAL, two[1].run_id)),
        made_at=datetime(2126, 5, 1, tzinfo=UTC),
    )
    metrics.put(store, some, {"exact_copies": "privacy"})
    both = metrics.read(store, two)
    assert both is not None
    assert {judged.score.metric for judged in both.scores if judged.subject == REAL} == {
        *FAMILIES,
        "exact_copies",
    }
    assert both.subjects == (REAL, "bootstrap", *(run.run_id for run in two))


def test_scores_of_rows_that_were_replaced_are_no_scores(store: Store, two: tuple[Run, Run]) -> None:
    old = replace(
        evaluation(store, two), made_at=datetime(2020, 1, 1, tzinfo=UTC)
    )  # before the dataset was made
    metrics.put(store, old, FAMILIES)
    assert metrics.read(store, two) is None
    score = Judged(REAL, Score("exact_copies", 0.0))
    metrics.put(store, replace(evaluation(store, two), scores=(score,)), {"exact_copies": "privacy"})
    found = metrics.read(store, two)
    assert found is not None
    assert found.scores == (score,)
    assert reading.count(store, ("meta", "metrics")) == 2  # one for each run, and nothing of before


def test_a_run_never_evaluated_has_no_scores(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two[:1]), FAMILIES)
    assert metrics.read(store, two) is None
    with pytest.raises(NotFound):
        metrics.read(store, two, "elsewhere")


def test_scores_against_two_datasets_stand_beside_each_other(store: Store, two: tuple[Run, Run]) -> None:
    datasets.declare(store, "other", SCHEMA)
    metrics.put(store, evaluation(store, two), FAMILIES)
    metrics.put(store, replace(evaluation(store, two, 0.3), dataset=datasets.get(store, "other")), FAMILIES)
    first, second = metrics.read(store, two), metrics.read(store, two, "other")
    assert first is not None
    assert second is not None
    assert (first.scores[0].score.value, second.scores[0].score.value) == (0.5, 0.3)


def test_scores_go_with_their_run(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two), FAMILIES)
    runs.delete(store, two[0].run_id)
    assert reading.count(store, ("meta", "metrics")) == 12
    assert metrics.read(store, two[1:]) is not None


def test_figures_of_several_draws_come_with_a_caution(store: Store, two: tuple[Run, Run]) -> None:
    metrics.put(store, evaluation(store, two), FAMILIES)
    moment = datetime(2126, 5, 1, tzinfo=UTC)
    score = Judged(two[0].run_id, Score("exact_copies", 0.0))
    some = replace(evaluation(store, two), scores=(score,), made_at=moment, seed=3, reference_rows=7)
    metrics.put(store, some, {"exact_copies": "privacy"})
    found = metrics.read(store, two)
    assert found is not None
    (told,) = found.find(CAUTION)
    assert told.subject == NOBODY
    assert f"seed 3 with 7 reference rows; seed {2**53} with 40 reference rows" in told.score.note
    assert len(found.scores) == 16 + 1 + 1


def test_cautions_of_no_run_stand_beside_each_other(store: Store, two: tuple[Run, Run]) -> None:
    words = ("first", "second")
    for run, word in zip(two, words, strict=True):
        whole = evaluation(store, (run,))
        metrics.put(store, replace(whole, scores=(*whole.scores, caution(word))), FAMILIES)
    found = metrics.read(store, two)
    assert found is not None
    assert [judged.score.note for judged in found.find(CAUTION)] == ["first", "second"]


def test_scores_of_what_is_gone_are_refused(store: Store, two: tuple[Run, Run]) -> None:
    whole = evaluation(store, two)
    datasets.declare(store, "clinic", SCHEMA, replace=True)
    with pytest.raises(DatasetError, match="imported anew while"):
        metrics.put(store, whole, FAMILIES)
    again = evaluation(store, two)
    runs.delete(store, two[1].run_id)
    with pytest.raises(NotFound, match="20260101-b"):
        metrics.put(store, again, FAMILIES)
    assert reading.count(store, ("meta", "metrics")) == 0
