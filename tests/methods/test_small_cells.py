"""A joint cell of fewer than five train rows stands in no prompt, in either mode."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from localsynth.core.contracts import SampleRequest
from localsynth.core.schema import Schema
from localsynth.core.smallcells import FEWEST, shown
from localsynth.core.targets import Axis, Statistics, Table
from localsynth.methods import registry
from localsynth.methods.llmsynthor.discretion import nameable
from localsynth.tables import table_of
from tests.methods.support import FakeAsk, task_of
from tests.methods.targets_kit import FixedTargets, targets_of

JOBS = ("baker", "clerk")
SCHEMA = Schema.model_validate(
    {
        "target": "test",
        "columns": [
            {"name": "job", "kind": "categorical", "categories": list(JOBS)},
            {"name": "test", "kind": "categorical", "categories": ["pos", "neg"]},
            {"name": "town", "kind": "categorical", "categories": ["hill", "lake"]},
        ],
    }
)
#: 50 people; of 10 bakers one is infected.
COUNTS = {("baker", "pos"): 1, ("baker", "neg"): 9, ("clerk", "pos"): 15, ("clerk", "neg"): 25}
TRAIN: pa.Table = table_of(
    SCHEMA,
    [[job, test, ("hill", "lake")[at % 2]] for (job, test), n in COUNTS.items() for at in range(n)],
)
PUBLISHED = Statistics(
    targets_of(SCHEMA, TRAIN).margins(6).margins,
    (
        Table(
            (Axis("job", labels=tuple((job,) for job in JOBS)), Axis("test", labels=(("pos",), ("neg",)))),
            tuple(count / 50 for count in COUNTS.values()),
            50,
        ),
    ),
    "file",
)


def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
    if purpose != "groups":
        return texts
    return ('{"1": ["job", "test"], "2": ["job", "test", "town"]}',) * len(texts)


def told(mode: str, published: bool, **params: Any) -> tuple[set[str], set[str]]:
    """The combinations of job and test that guidance names, and those that plans begin with."""
    ask = FakeAsk(answer=answer)
    targets: Any = FixedTargets(PUBLISHED) if published else targets_of(SCHEMA, TRAIN)
    task = replace(task_of(SCHEMA, 50, 3), train=None, targets=targets)
    method = registry.create("llmsynthor", {"mode": mode, **params})
    method.prepare(task, ask.info)
    method.learn(ask, 7)
    for seed in range(3):
        method.batch(10, seed, ask)
    asked = [
        request
        for purpose, requests in ask.asked
        if purpose in ("plans", "proposals")
        for request in requests
    ]
    assert asked
    named, begun = set(), set()
    for request in asked:
        (message,) = request.messages
        lines = [line for line in message.text.splitlines() if line.startswith("- ") and " x " in line]
        for combination in re.split("; |: ", "; ".join(lines)):
            words = set(re.findall(r"\w+", combination))
            named |= {f"{job} {test}" for job, test in COUNTS if {job, test} <= words}
        begin = set(request.prefix.partition("\n")[2].split(","))
        begun |= {f"{job} {test}" for job, test in COUNTS if {job, test} <= begin}
    return named, begun


@pytest.mark.parametrize("params", [{"mode": "aligned", "rounds": 6}, {"mode": "aligned", "shrink": False, "rounds": 6},
                                    {"mode": "faithful"}])  # fmt: skip
def test_one_infected_baker_is_in_no_prompt(params: dict[str, Any]) -> None:
    named, begun = told(**params, published=False)
    assert "baker pos" not in named | begun
    assert {"clerk pos", "clerk neg"} <= named  # those of enough rows are told
    if params["mode"] == "aligned":
        assert begun


def test_what_was_published_may_be_told() -> None:
    named, begun = told("aligned", published=True, rounds=8, proposals=200, groups="strongest")
    assert "baker pos" in named | begun


def test_cells_are_shown_from_five_rows_on() -> None:
    axes = (Axis("a", labels=(("x",), ("y",))), Axis("b", labels=(("u",), ("v",))))
    table = Table(axes, (0.1, 0.08, 0.0, 0.82), 50)  # 5, 4, 0, 41 rows
    assert FEWEST == 5
    assert shown(table, "rows") == (True, False, False, True)
    assert shown(table, "file") == shown(table, "noisy") == (True,) * 4


def test_a_table_that_was_moved_is_judged_by_what_was_counted() -> None:
    """Shrunk, turned round, or summed out of a larger one; of another cut nothing is known, and nothing shown."""
    source = targets_of(SCHEMA, TRAIN)
    source.margins(6)
    counted = source.tables([("job", "test", "town")], 0)
    (whole,) = [table for table in counted.tables if len(table.axes) == 3]
    job, test, _ = whole.axes
    turned = Table((test, job), (0.25,) * 4, 50)
    expected = [COUNTS[name, result] >= 5 for result in ("pos", "neg") for name in JOBS]
    only = replace(counted, tables=(whole,))
    assert list(nameable(turned, only)) == expected
    assert sum(nameable(whole, only)) == sum(round(share * 50) >= 5 for share in whole.shares)
    other = Table((test, Axis("job", labels=(("clerk",), ("baker",)))), (0.25,) * 4, 50)
    assert nameable(other, only) == (False,) * 4
    assert nameable(other, replace(only, origin="file")) == (True,) * 4
