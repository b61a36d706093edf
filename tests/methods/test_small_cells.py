"""A joint cell of fewer than five train rows stands in no prompt, in either mode, nor follows from those that do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import linprog

from localsynth.core.contracts import SampleRequest
from localsynth.core.schema import Schema
from localsynth.core.smallcells import FEWEST, shown
from localsynth.core.targets import Axis, Statistics, Table
from localsynth.methods import registry
from localsynth.methods.llmsynthor.discretion import nameable, tellable
from localsynth.tables import table_of
from tests.methods.support import FakeAsk, task_of
from tests.methods.targets_kit import FixedTargets, targets_of

JOBS = ("baker", "clerk", "nurse")
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
#: 90 people; of 10 bakers one is infected.
COUNTS = {
    ("baker", "pos"): 1, ("baker", "neg"): 9, ("clerk", "pos"): 25, ("clerk", "neg"): 35,
    ("nurse", "pos"): 8, ("nurse", "neg"): 12,
}  # fmt: skip
TRAIN: pa.Table = table_of(
    SCHEMA,
    [[job, test, ("hill", "lake")[at % 2]] for (job, test), n in COUNTS.items() for at in range(n)],
)
PUBLISHED = Statistics(
    targets_of(SCHEMA, TRAIN).margins(6).margins,
    (
        Table(
            (Axis("job", labels=tuple((job,) for job in JOBS)), Axis("test", labels=(("pos",), ("neg",)))),
            tuple(count / 90 for count in COUNTS.values()),
            90,
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
    task = replace(task_of(SCHEMA, 90, 3), train=None, targets=targets)
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
    # Of 10 bakers 9 are not: who is told that, and how many bakers there are, knows of the one.
    assert not {"baker neg", "nurse pos", "nurse neg"} & (named | begun)
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
    turned = Table((test, job), (1 / 6,) * 6, 90)
    expected = [name == "clerk" for _ in ("pos", "neg") for name in JOBS]
    only = replace(counted, tables=(whole,))
    assert list(nameable(turned, only)) == expected
    assert not any(nameable(whole, only))  # every line of it leads to a small cell in two steps
    other = Table((test, Axis("job", labels=(("clerk",), ("baker",)))), (0.25,) * 4, 50)
    assert nameable(other, only) == (False,) * 4
    assert nameable(other, replace(only, origin="file")) == (True,) * 4


def counted_table(counts: np.ndarray[Any, np.dtype[np.int64]]) -> Table:
    axes = [
        Axis("abc"[at], labels=tuple((f"{cell}",) for cell in range(n))) for at, n in enumerate(counts.shape)
    ]
    return Table(tuple(axes), tuple((counts.ravel() / counts.sum()).tolist()), float(counts.sum()))


def in_words(counts: list[list[int]]) -> list[str]:
    whole = np.array(counts)
    told = tellable(counted_table(whole), "rows").reshape(whole.shape)
    return ["".join("+" if cell else "-" for cell in row) for row in told]


def test_what_tells_of_a_small_cell_is_withheld_with_it() -> None:
    assert in_words([[1, 9], [15, 25]]) == ["--", "--"]  # of four cells with their margins, one says all
    assert in_words([[1, 9, 20], [15, 25, 30], [8, 12, 50]]) == ["--+", "+++", "--+"]
    assert in_words([[0, 9], [15, 25]]) == ["-+", "++"]  # a cell without rows tells of nobody
    # Four rows in two cells are few as well.
    assert in_words([[2, 2, 20, 9], [2, 2, 9, 20], [9, 9, 9, 9]]) == ["--+-", "---+", "----"]
    assert in_words([[5, 9], [15, 25]]) == ["++", "++"]


def test_no_small_cell_follows_from_margins_and_told_cells() -> None:
    """Linear programming over all tables with the same margins, told cells and no count below 0."""
    rng = np.random.default_rng(4)
    looked = 0
    for _ in range(40):
        counts = rng.poisson(rng.gamma(0.8, 12, tuple(rng.integers(2, 5, 2))))
        if not counts.sum():
            continue
        told = tellable(counted_table(counts), "rows").reshape(counts.shape)
        open_cells = np.argwhere(~told)
        lines = [
            ((open_cells[:, axis] == at).astype(float), float(np.where(told, 0, counts).sum(1 - axis)[at]))
            for axis in (0, 1)
            for at in range(counts.shape[axis])
        ]
        left, right = [line for line, _ in lines], [rest for _, rest in lines]
        for place, cell in enumerate(open_cells.tolist()):
            if not 0 < counts[tuple(cell)] < FEWEST:
                continue
            looked += 1
            goal = np.eye(len(open_cells))[place]
            low, high = (sign * linprog(sign * goal, A_eq=left, b_eq=right).fun for sign in (1, -1))
            assert high - low > 0.5
    assert looked > 50


def test_a_cell_that_rare_values_share_is_called_by_all_of_them() -> None:
    """Two smiths and three tailors are infected: told is that five of both are, and not that a smith is."""
    jobs = ("baker", "smith", "tailor")
    schema = Schema.model_validate(
        {
            "target": "test",
            "columns": [
                {"name": "job", "kind": "categorical", "categories": list(jobs)},
                {"name": "test", "kind": "categorical", "categories": ["pos", "neg"]},
            ],
        }
    )
    counts = {("smith", "pos"): 2, ("tailor", "pos"): 3, ("baker", "neg"): 30, ("baker", "pos"): 20}
    train = table_of(schema, [list(who) for who, n in counts.items() for _ in range(n)])
    ask = FakeAsk(answer=lambda purpose, request, texts: texts)
    task = replace(task_of(schema, 200, 3), train=None, targets=targets_of(schema, train))
    method = registry.create("llmsynthor", {"mode": "aligned", "groups": "strongest", "shrink": False})
    method.prepare(task, ask.info)
    method.learn(ask, 7)
    asked = [request for purpose, requests in ask.asked if purpose == "plans" for request in requests]
    lines = {line for request in asked for line in request.messages[0].text.splitlines() if " x " in line}
    assert any("smith or tailor & pos" in line for line in lines)
    assert not any(re.search(r"(?<! or )(smith|tailor) & pos", line) for line in lines)
