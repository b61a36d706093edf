"""Who stands in for synthetic rows, what is told, and whose mistake a failure is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.errors import Cancelled, LocalsynthError
from localsynth.core.evaluation import REAL
from localsynth.core.judging import Case, Family, Measure, Score, StandIn
from localsynth.core.schema import Schema
from localsynth.metrics.judge import judge, without_identifiers

SCHEMA = Schema.model_validate(
    {"columns": [{"name": "id", "kind": "identifier"}, {"name": "x", "kind": "integer", "range": [0, 999]}]}
)


def table(values: Iterable[int]) -> pa.Table:
    return pa.table({"x": pa.array(list(values), pa.int64())})


def case(train: Iterable[int] = range(10), holdout: Iterable[int] = range(100, 106)) -> Case:
    return Case(SCHEMA, table([]), table(train), table(holdout), 7, lambda t: np.zeros((t.num_rows, 0), bool))


def metric(stand_in: StandIn = "train", needs: tuple[bool, bool] = (True, True), name: str = "spy") -> Spy:
    made = Spy()
    made.name, made.real, (made.needs_train, made.needs_holdout) = name, stand_in, needs  # type: ignore[misc]
    made.measures = (Measure(name, name, "", "none", None, None, ""),)  # type: ignore[misc]
    return made


class Spy:
    """Remembers the cases it was given."""

    name: ClassVar[str] = "spy"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = ()
    real: ClassVar[StandIn] = "train"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = True

    def __init__(self) -> None:
        self.seen: list[tuple[list[int], list[int], list[int]]] = []
        self.cases: list[Case] = []

    def scores(self, case: Case) -> Iterable[Score]:
        self.cases.append(case)
        self.seen.append(tuple(t["x"].to_pylist() for t in (case.rows, case.train, case.holdout)))  # type: ignore[arg-type]
        yield Score(self.name, 1.0)


def test_reality_comes_first_with_each_metrics_own_stand_in() -> None:
    spies = [metric("train", name="a"), metric("holdout", name="b"), metric("half", name="c")]
    judged = list(judge(case(), {"run": table([5])}, spies))
    assert [(j.subject, j.score.metric) for j in judged] == [(s, m) for s in (REAL, "run") for m in "abc"]
    train, holdout = list(range(10)), list(range(100, 106))
    assert spies[0].seen == [(train, train, holdout), ([5], train, holdout)]
    assert spies[1].seen == [(holdout, train, holdout), ([5], train, holdout)]
    rows, _, left = spies[2].seen[0]
    assert sorted(rows + left) == holdout
    assert len(rows) == len(left) == 3
    assert spies[2].seen[1] == ([5], train, holdout)


def test_metrics_share_what_one_has_computed_of_a_subject_and_no_more() -> None:
    spies = [metric("train", name="a"), metric("train", name="b"), metric("half", name="c")]
    list(judge(case(), {"run": table([5]), "other": table([6])}, spies))
    kept = [[spy.cases[i].kept for spy in spies] for i in range(3)]
    assert kept[0][0] is kept[0][1] is not kept[0][2]
    assert kept[1][0] is kept[1][1] is kept[1][2]
    assert len({id(one) for row in kept for one in row}) == 4
    common = {id(spy.cases[i].common) for spy in spies for i in range(3)}
    assert len(common) == 2  # that of the whole holdout, and that of the half


@pytest.mark.parametrize(
    ("train", "holdout", "because"),
    [([], [], "no real rows to hold"), (range(5), [], "no real rows were held out")],
)
def test_without_real_rows_it_is_said(train: Iterable[int], holdout: Iterable[int], because: str) -> None:
    spies = [metric(), metric(needs=(False, False), name="plain")]
    judged = list(judge(case(train, holdout), {"run": table([5])}, spies))
    of_run = {j.score.metric: j.score for j in judged if j.subject == "run"}
    assert of_run["spy"].value is None
    assert because in of_run["spy"].note
    assert of_run["plain"].value == 1.0
    assert (REAL in {j.subject for j in judged}) == bool(list(train))


def test_progress_is_told_before_each_piece_and_a_cancel_is_felt() -> None:
    told: list[tuple[int, int, str, str]] = []
    list(judge(case(), {"run": table([5])}, [metric()], lambda *step: told.append(step)))
    assert told == [(0, 2, REAL, "spy"), (1, 2, "run", "spy")]

    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(judge(replace(case(), check=stop), {"run": table([5])}, [metric()]))


def test_a_strangers_failure_is_told() -> None:
    class Broken(Spy):
        def scores(self, case: Case) -> Iterable[Score]:
            raise ZeroDivisionError("nothing there")

    with pytest.raises(LocalsynthError, match="'spy' failed with ZeroDivisionError") as caught:
        list(judge(case(), {}, [Broken()]))
    assert "--metrics" in caught.value.hint
    assert "nothing there" not in caught.value.message + caught.value.hint  # it might quote a cell


def test_a_failure_that_is_listened_to_costs_that_metric_alone() -> None:
    class Broken(Spy):
        name = "broken"
        measures = (Measure("b", "b", "", "none", None, None, ""),)

        def scores(self, case: Case) -> Iterable[Score]:
            yield Score("b", 1.0)
            if case.rows.num_rows == 1:
                raise SystemExit("cell 17")

    told: list[tuple[str, str]] = []
    judged = list(
        judge(
            case(),
            {"run": table([5]), "other": table([5, 6])},
            [Broken(), metric()],
            failed=lambda who, error: told.append((who, error.message)),
        )
    )
    assert told == [("run", "the metric 'broken' failed with SystemExit")]
    found = {(j.subject, j.score.metric): j.score for j in judged}
    assert [found[who, "b"].value for who in (REAL, "run", "other")] == [1.0, None, 1.0]
    assert found["run", "b"].note == "not applicable, because the metric 'broken' failed with SystemExit"
    assert found["run", "spy"].value == 1.0


@pytest.mark.parametrize("error", [Cancelled("stopped"), LookupError("stopped")])
def test_a_check_that_stops_inside_a_metric_is_no_failure_of_it(error: Exception) -> None:
    calls = [0]

    def stop() -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise error

    class Checking(Spy):
        measures = (Measure("spy", "spy", "", "none", None, None, ""),)

        def scores(self, case: Case) -> Iterable[Score]:
            case.check()
            yield Score("spy", 1.0)

    told: list[str] = []
    with pytest.raises(type(error), match="stopped"):
        list(judge(replace(case(), check=stop), {}, [Checking()], failed=lambda who, _: told.append(who)))
    assert told == []


def test_without_a_holdout_reality_is_told_by_plain_facts_of_train() -> None:
    class Mean(Spy):
        needs_holdout = False
        real = "holdout"
        measures = (
            Measure("mean", "mean", "", "none", None, None, ""),
            Measure("likeness", "likeness", "", "higher", 0, 1, ""),
        )

        def scores(self, case: Case) -> Iterable[Score]:
            values = case.rows["x"].to_pylist()
            yield Score("mean", sum(values) / len(values), note="units")
            yield Score("likeness", 1.0)

    judged = list(judge(case(range(5), []), {"run": table([5])}, [Mean()]))
    found = {(j.subject, j.score.metric): j.score for j in judged}
    assert found[REAL, "mean"].value == 2
    assert found[REAL, "mean"].note == "of the train split, because no real rows were held out; units"
    assert found[REAL, "likeness"].value is None
    assert (found["run", "mean"].value, found["run", "mean"].note) == (5, "units")
    assert found["run", "likeness"].value == 1


class Odd(Spy):
    """Gives whatever it is told to."""

    measures = (Measure("odd", "odd", "", "none", 0.0, 1.0, ""),)

    def __init__(self, *given: object) -> None:
        super().__init__()
        self.given = given

    def scores(self, case: Case) -> Iterable[Score]:
        yield from self.given  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([Score("another", 1.0)], "something else than a score of its measures"),
        ([1.0], "something else than a score of its measures"),
        ([None], "something else than a score of its measures"),
        ([Score("odd", "much")], "a score of 'odd' that is no number"),  # type: ignore[arg-type]
        ([Score("odd", 10**400)], "a score of 'odd' that is no number"),
        ([Score("odd", float("nan"), low=0.0)], "a score of 'odd' that is no finite number"),
        ([Score("odd", np.float32("inf"))], "a score of 'odd' that is no finite number"),  # type: ignore[arg-type]
        ([Score("odd", 1.0, "no such column")], "a score of 'odd' that is of no column"),
        ([Score("odd", 1.0, None, "x")], "a score of 'odd' that is of no column"),
        ([Score("odd", 1.0, item=7)], "a score of 'odd' whose note or item is no text"),  # type: ignore[arg-type]
        ([Score("odd", 1.0, item=0)], "a score of 'odd' whose note or item is no text"),  # type: ignore[arg-type]
        ([Score("odd", 1.0, item="\ud800")], "a score of 'odd' whose note or item is no text"),
        ([Score("odd", 1.0, note=None)], "a score of 'odd' whose note or item is no text"),  # type: ignore[arg-type]
        ([Score("odd", 1.0, note="x\ud800")], "a score of 'odd' whose note or item is no text"),
        ([Score("odd", 1.1)], "a score of 'odd' outside the range it declares"),
        ([Score("odd", 0.5, low=-0.1, high=0.6)], "a score of 'odd' outside the range it declares"),
        ([Score("odd", 0.5, low=0.6, high=0.4)], "a score of 'odd' whose interval ends before it begins"),
        ([Score("odd", 0.5, low=0.4)], "a score of 'odd' with half an interval"),
        ([Score("odd", None, low=0.4, high=0.5)], "a score of 'odd' with half an interval"),
        ([Score("odd", 0.1), Score("odd", 0.9)], "two scores of 'odd' for one place"),
        (
            [Score("odd", 0.1, "x", item="a"), Score("odd", None, "x", item="a")],
            "two scores of 'odd' for one",
        ),
    ],
)
def test_what_is_no_score_is_that_metrics_failure(given: list[object], said: str) -> None:
    with pytest.raises(LocalsynthError, match=f"the metric 'spy' gave {said}"):
        list(judge(case(), {}, [Odd(*given)]))
    told: list[str] = []
    judged = list(
        judge(
            case(), {}, [Odd(*given), metric(name="b")], failed=lambda who, error: told.append(error.message)
        )
    )
    assert len(told) == 1
    assert [(j.score.metric, j.score.value) for j in judged] == [("odd", None), ("b", 1.0)]


def test_scores_of_different_places_and_rounding_are_taken() -> None:
    given = [
        Score("odd", 1 + 1e-15, low=-1e-17, high=1.0),
        Score("odd", 1, "x"),
        Score("odd", 0.5, "x", item="a"),
    ]
    judged = list(judge(case(), {}, [Odd(*given)]))
    assert [(j.score.value, j.score.low, j.score.high) for j in judged] == [
        (1, 0, 1), (1, None, None), (0.5, None, None),
    ]  # fmt: skip


class Strange(BaseException):
    """What nobody should raise."""


class Unwritable(LocalsynthError):
    """With words that have no UTF-8."""


@pytest.mark.parametrize("error", [Strange("x"), GeneratorExit(), Unwritable("\ud800"), Unwritable(3)])  # type: ignore[arg-type]
def test_whatever_a_stranger_raises_costs_that_metric_alone(error: BaseException) -> None:
    class Raising(Spy):
        measures = (Measure("odd", "odd", "", "none", None, None, ""),)

        def scores(self, case: Case) -> list[Score]:  # type: ignore[override]
            raise error

    told: list[str] = []
    judged = list(
        judge(case(), {}, [Raising(), metric(name="b")], failed=lambda who, error: told.append(error.message))
    )
    assert told == [f"the metric 'spy' failed with {type(error).__name__}"]
    assert [(j.score.metric, j.score.value) for j in judged] == [("odd", None), ("b", 1.0)]


def test_ctrl_c_stops_everything() -> None:
    class Raising(Spy):
        def scores(self, case: Case) -> list[Score]:  # type: ignore[override]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(judge(case(), {}, [Raising()], failed=lambda who, error: None))


def test_identifiers_are_not_judged() -> None:
    both = table([1, 2]).add_column(0, "id", pa.array(["1", "2"]))
    assert without_identifiers(SCHEMA, both).column_names == ["x"]
