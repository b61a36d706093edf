"""Is what is learned from the rows true of real ones?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .design import Design, designs, picked
from .encode import Array, View, views
from .models import KINDS, Kind, Learner
from .space import joined
from .targets import Target, accuracy, auc, r_squared, target_of
from .writing import counted, lacking, mean_of, nothing

__all__ = ["Utility"]

_MOST_TRAIN, _MOST_TEST = 10_000, 10_000
_TREES_OF_CLASSES = 200  # of boosting, where each round grows one for each class
_TURN_ROWS, _TURN_COLUMNS, _TURN_ROUNDS, _TURN_RATE = 2_000, 60, 30, 0.2
_STUCK = "too few for boosted trees to learn from"
_SOURCE = "TSTR, train on synthetic, test on real (Esteban, Hyland & Raetsch 2017, Real-valued medical time series generation)"
_WORDS: dict[Kind, tuple[str, str]] = {
    "lr": ("logistic regression", "ridge regression"),
    "rf": ("random forest", "random forest"),
    "gb": ("boosted trees", "boosted trees"),
}


def _accuracy(kind: Kind) -> Measure:
    words = _WORDS[kind][0]
    return Measure(
        f"tstr_{kind}_accuracy",
        f"Accuracy on real rows ({words})",
        f"A {words} learns the target from these rows: the share of held-out real rows whose class it tells right.",
        "higher", 0.0, 1.0, f"{_SOURCE}; interval after Wilson 1927",
    )  # fmt: skip


def _auc(kind: Kind) -> Measure:
    words = _WORDS[kind][0]
    return Measure(
        f"tstr_{kind}_auc",
        f"Ranking of real rows ({words})",
        f"{words.capitalize()}, learned from these rows: how often the model ranks a held-out real row of the class above one"
        " that is not of it. 0.5 is guessing, 1 always; of three or more classes the mean over each against the others.",
        "higher", 0.0, 1.0, f"{_SOURCE}; interval after DeLong et al. 1988",
    )  # fmt: skip


def _r2(kind: Kind) -> Measure:
    words = _WORDS[kind][1]
    return Measure(
        f"tstr_{kind}_r2",
        f"Explained variance of real rows ({words})",
        f"{words.capitalize()}, learned from these rows: how much of the variance of the target in held-out real rows the model"
        " explains. 1 is all, 0 is no better than always saying the mean, below 0 is worse.",
        "higher", None, 1.0, f"{_SOURCE}; coefficient of determination",
    )  # fmt: skip


class Utility:
    """Train on the rows, test on the holdout.

    With a target: categories (and numbers of at most 10 different values) by logistic regression, a random forest of 300
    trees and histogram gradient boosting (100 rounds, fewer of more than two classes: 200 trees in all); numbers by ridge
    regression, the same forest and the same boosting. Forests ask the root of the number of features at each split.
    Features are one-hot categories and standardised numbers, missing ones at the median and told by a feature of their
    own, all of it learned from the training rows, so that categories unknown to them count for nothing; boosting takes
    cells as they are; its leaves hold at least 20 rows, of fewer than 400 a twentieth of them. Texts are left out, and rows
    with a missing target. Of tables that would make more than 2,500 features the rarest categories of each column are one.

    At most as many training rows as train has and at most 10,000, drawn by chance: more synthetic rows are no advantage.
    At most 10,000 held-out rows, drawn by chance.

    Without a target: each column in turn (of more than 60 the same 60 drawn by chance) by histogram gradient boosting of 30
    rounds from at most 2,000 rows, tested on at most 2,000.
    """

    name: ClassVar[str] = "utility"
    family: ClassVar[Family] = "utility"
    real: ClassVar[StandIn] = "train"
    needs_train: ClassVar[bool] = False
    needs_holdout: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        _accuracy("lr"),
        _auc("lr"),
        _accuracy("rf"),
        _auc("rf"),
        _auc("gb"),
        _r2("lr"),
        _r2("rf"),
        _r2("gb"),
        Measure(
            "tstr_columns",
            "Each column from the others",
            "Where no target is declared, each column is predicted in turn: how much better a model learned from these rows"
            " does on held-out real rows than always saying the most frequent class (0 no better, 1 all right), or how much"
            " of a number's variance it explains.",
            "higher", 0.0, 1.0,
            f"{_SOURCE}, every column in turn; (accuracy - majority) / (1 - majority), or R squared, cut to 0..1",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """Of the declared target, else of each column in turn and their mean; all other measures are not applicable."""
        reason = lacking(case, holdout=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        columns = views(case)
        aims = {view.name: view for view in columns if view.kind != "text"}
        name = case.schema.target
        *of_target, in_turn = self.measures
        if name is None or name not in aims:
            because = (
                "no target is declared"
                if name is None
                else f"the target '{name}' is free text or a number of a row"
            )
            yield from nothing(of_target, because)
            yield from _in_turn(case, in_turn.name, list(aims.values()))
            return
        yield from _of_target(case, of_target, aims[name])
        yield not_applicable(in_turn.name, f"a target is declared: '{name}'")


@dataclass(frozen=True)
class _Lesson:
    """Rows to learn from and rows to be asked, with their answers."""

    rows: Design
    answers: Array
    asked: Design
    truth: Array


def _lesson(
    case: Case, view: View, target: Target, learn: int, ask: int, *, vectors: bool = True
) -> _Lesson | str:
    """At most so many rows of each; or why there is nothing to learn or to ask."""
    rng = np.random.default_rng(derive(case.seed, "utility", view.name))
    if case.train.num_rows:
        learn = min(learn, max(1, int(target.known["train"].sum())))
    rows = picked(rng, np.flatnonzero(target.known["rows"]), learn)
    asked = picked(rng, np.flatnonzero(target.known["holdout"]), ask)
    if not len(rows) or not len(asked):
        return f"'{view.name}' is empty in all {'rows judged' if not len(rows) else 'held-out rows'}"
    others = [other for other in views(case) if other.name != view.name]
    made = designs(others, {"rows": rows, "holdout": asked}, vectors=vectors)
    if made["rows"].cells.shape[1] == 0:
        return f"there is no column of numbers, dates or categories to predict '{view.name}' from"
    truth = target.answers["holdout"][asked]
    if not target.classes and truth.min() == truth.max():
        return f"'{view.name}' does not vary in the held-out rows"
    return _Lesson(made["rows"], target.answers["rows"][rows], made["holdout"], truth)


def _of_target(case: Case, measures: Sequence[Measure], view: View) -> Iterator[Score]:
    target = target_of(view)
    assert target is not None
    lesson = _lesson(case, view, target, _MOST_TRAIN, _MOST_TEST)
    for measure in measures:
        if measure.name.endswith("_r2") == bool(target.classes):
            kind = "has classes, no numbers to explain" if target.classes else "is a number, not a class"
            yield not_applicable(measure.name, f"the target '{view.name}' {kind}")
        elif isinstance(lesson, str):
            yield not_applicable(measure.name, lesson)
    if isinstance(lesson, str):
        return
    note = f"learned from {counted(len(lesson.answers), 'rows')}, tested on {counted(len(lesson.truth), 'held-out rows')}"
    note = joined(note, target.note)
    for kind in KINDS:
        wanted = [
            m.name
            for m in measures
            if m.name.startswith(f"tstr_{kind}_") and m.name.endswith("_r2") != bool(target.classes)
        ]
        yield from _asked(case, kind, target, lesson, note, wanted)


def _asked(
    case: Case, kind: Kind, target: Target, lesson: _Lesson, note: str, wanted: Sequence[str]
) -> Iterator[Score]:
    rounds = 100 if target.classes <= 2 else max(10, _TREES_OF_CLASSES // target.classes)
    seed = derive(case.seed, "utility", kind)
    learner = Learner(kind, target.classes, seed, rounds=rounds, threads=case.threads, check=case.check)
    model = learner.fit(lesson.rows, lesson.answers)
    case.check()
    if kind != "gb":
        note = joined(note, lesson.rows.note)
    if model.stuck:
        yield from (not_applicable(name, _stuck(lesson)) for name in wanted)
        return
    if not model.learned:
        note += "; nothing to learn: in these rows the target, or every other column, is always the same"
    if not target.classes:
        score = r_squared(model.numbers(lesson.asked), lesson.truth)
        yield Score(f"tstr_{kind}_r2", score, note=note)
        return
    chances = model.chances(lesson.asked)
    if f"tstr_{kind}_accuracy" in wanted:
        yield accuracy(f"tstr_{kind}_accuracy", chances, lesson.truth, note)
    yield auc(f"tstr_{kind}_auc", chances, lesson.truth, note)


def _stuck(lesson: _Lesson) -> str:
    count = len(lesson.answers)
    return f"{counted(count, 'rows')} {'is' if count == 1 else 'are'} {_STUCK}"


def _in_turn(case: Case, metric: str, columns: Sequence[View]) -> Iterator[Score]:
    everywhere = np.arange(len(columns))
    # The same columns whoever is judged: figures of different columns do not compare.
    chosen = picked(np.random.default_rng(derive(0, "utility")), everywhere, _TURN_COLUMNS)
    scores = [_turn(case, metric, columns[index]) for index in chosen]
    none = "no column can be predicted from the others" if scores else "the table holds nothing but free text"
    if scores and {score.note.endswith(_STUCK) for score in scores} == {True}:
        none = f"in every column the rows are {_STUCK}"
    yield mean_of(metric, scores, "columns", none)
    yield from scores


def _turn(case: Case, metric: str, view: View) -> Score:
    case.check()
    target = target_of(view)
    assert target is not None
    lesson = _lesson(case, view, target, _TURN_ROWS, _TURN_ROWS, vectors=False)
    if isinstance(lesson, str):
        return not_applicable(metric, lesson, view.name)
    rounds = _TURN_ROUNDS if target.classes <= 2 else max(5, 2 * _TURN_ROUNDS // target.classes)
    seed = derive(case.seed, "utility", view.name)
    learner = Learner("gb", target.classes, seed, rounds=rounds, rate=_TURN_RATE, check=case.check)
    model = learner.fit(lesson.rows, lesson.answers)
    if model.stuck:
        return not_applicable(metric, _stuck(lesson), view.name)
    if not target.classes:
        value, what = r_squared(model.numbers(lesson.asked), lesson.truth), "share of variance explained"
    else:
        right = float((model.chances(lesson.asked).argmax(axis=1) == lesson.truth).mean())
        majority = float(np.bincount(lesson.truth).max()) / len(lesson.truth)
        if majority == 1:
            return not_applicable(metric, f"'{view.name}' does not vary in the held-out rows", view.name)
        value, what = (right - majority) / (1 - majority), f"accuracy {right:.2f}, majority {majority:.2f}"
    return Score(metric, max(0.0, min(1.0, value)), view.name, note=what)
