"""Columns that follow another, in rows that PAFT makes: they keep step with it."""

from __future__ import annotations

from dataclasses import replace

from localsynth.methods.paft import PAFT
from localsynth.methods.paft.params import PAFTParams
from tests.align.test_following import SCHEMA, YEARS, rows
from tests.methods.support import FakeAsk, make, task_of
from tests.methods.targets_kit import aimed


def test_made_rows_keep_what_holds_in_the_real_ones() -> None:
    train = rows(300)
    given = task_of(SCHEMA, 200, 3, train)
    task = replace(aimed(given, train), train=given.train, explore=given.explore)
    method = PAFT(PAFTParams(learn="in-context"))
    made, _ = make(method, task, 200, FakeAsk())
    pairs = set(zip(made["school"].to_pylist(), made["years"].to_pylist(), strict=True))
    assert pairs <= set(YEARS.items())
    assert len(pairs) == len(YEARS)
