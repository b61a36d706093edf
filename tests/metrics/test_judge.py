"""Who stands in for synthetic rows, what is told, and whose mistake a failure is."""

from __future__ import annotations

from collections.abc import Iterable
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

    from dataclasses import replace

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


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_numbers_that_are_none_are_not_kept(value: float) -> None:
    class Odd(Spy):
        measures = (Measure("odd", "odd", "", "none", None, None, ""),)

        def scores(self, case: Case) -> Iterable[Score]:
            yield Score("odd", value, low=0.0)

    (first, *_) = judge(case(), {}, [Odd()])
    assert (first.score.value, first.score.low) == (None, None)
    assert first.score.note.startswith("not applicable, because")


def test_only_scores_of_declared_measures_are_taken() -> None:
    class Odd(Spy):
        def scores(self, case: Case) -> Iterable[Score]:
            yield Score("another", 1.0)

    with pytest.raises(LocalsynthError, match="'spy' gave something else"):
        list(judge(case(), {}, [Odd()]))


def test_identifiers_are_not_judged() -> None:
    both = table([1, 2]).add_column(0, "id", pa.array(["1", "2"]))
    assert without_identifiers(SCHEMA, both).column_names == ["x"]
