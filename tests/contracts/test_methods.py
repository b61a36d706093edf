"""What every registered method keeps, ours and strangers'."""

from __future__ import annotations

import json
from dataclasses import replace
from math import isfinite
from typing import Any

import pytest

from localsynth.core.contracts import Method, MethodParams, Task
from localsynth.core.events import Measured, decode, encode
from localsynth.core.explaining import Curve, Explains, Explanation
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods import registry
from localsynth.runs.steps import learn_all
from localsynth.tables import table_of
from tests.methods.support import FakeAsk, assert_valid, task_of
from tests.methods.targets_kit import aimed

METHODS = registry.names()
#: What keeps a method's learning short.
SHORT: dict[str, dict[str, Any]] = {"mallm-gan": {"rounds": 1, "proposals": 1, "searched": 2}}
#: Ways to run a method that must keep the contract.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, SHORT.get(name, {})) for name in METHODS),
    ("mallm-gan", {"mode": "faithful", "epochs": 1}),
    ("mallm-gan", {"rounds": 0, "align": False, "drop_near": False}),
    ("text-to-tabular", {"mode": "faithful"}),
    ("text-to-tabular", {"elicit": False, "examples": 0, "drop_duplicates": True}),
    ("gaussian-copula", {"by_target": False}),
    ("llmsynthor", {"mode": "faithful"}),
    ("llmsynthor", {"plans": "random", "start": "independent", "groups": "strongest", "shuffle_plans": True}),
    ("llmsynthor", {"context": "it rains", "context_weight": 0.3, "groups": "model"}),
    ("paft", {"align": False, "drop_near": False, "lock": False}),
    ("paft", {"surplus": 1.0, "order": ["day", "flag"], "discover": False}),
]

SCHEMA = Schema.model_validate(
    {
        "description": "People and what they measure.",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "select", "kind": "integer", "range": [0, 50], "distribution": {"mean": 20, "sd": 9}},
            {"name": "a b", "kind": "float", "range": [-1, 1], "decimals": 2, "nullable": True, "null_rate": 0.2},
            {"name": 'x"y', "kind": "categorical", "categories": ["u", "v,w", 'q"']},
            {"name": "flag", "kind": "boolean", "distribution": {"shares": {"true": 0.3, "false": 0.7}}},
            {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"]},
            {"name": "at", "kind": "datetime", "range": ["2024-01-01T00:00", "2024-12-31T23:59"], "nullable": True},
            {"name": "😀", "kind": "text", "min_length": 2, "max_length": 12},
        ],
        "rules": [{"check": "\"select\" > 10 or not flag"}],
        "dependencies": [{"determinant": ['x"y'], "dependent": "flag"}],
        "target": "flag",
    }
)  # fmt: skip


def task(name: str, seed: int = 5) -> Task:
    from datetime import date, datetime

    rows = [
        [f"P{i}", i % 51, None if i % 5 == 0 else round(i / 100, 2), ["u", "v,w", 'q"'][i % 3], i % 3 == 1,
         date(2024, 1 + i % 12, 3), None if i % 7 == 0 else datetime.fromisoformat(f"2024-05-06T{i % 24:02}:30"),
         f"text {i}"]
        for i in range(60)
    ]  # fmt: skip
    train = table_of(SCHEMA, rows)
    made = task_of(SCHEMA, 90, seed, train)
    if not getattr(registry.get(name), "reads_targets", False):
        return made
    targets = aimed(made, train)
    return (
        replace(targets, train=made.train, explore=made.explore)
        if registry.get(name).exposure >= Exposure.ROWS
        else targets
    )


def ready(name: str, params: dict[str, Any], seed: int = 5) -> Method:
    method = registry.create(name, params)
    ask = FakeAsk()
    method.prepare(task(name, seed), ask.info)
    learn_all(method, ask, derive(seed, "learn"))
    return method


@pytest.mark.parametrize("name", METHODS)
def test_it_says_what_it_is(name: str) -> None:
    cls = registry.get(name)
    assert cls.name == name
    assert isinstance(cls.exposure, Exposure)
    assert cls.version >= 1
    assert cls.summary.endswith(".")
    assert issubclass(cls.Params, MethodParams)
    assert isinstance(registry.create(name), Method)


@pytest.mark.parametrize("name", METHODS)
def test_its_params_go_round_and_explain_themselves(name: str) -> None:
    cls = registry.get(name)
    params = cls.Params()
    assert cls.Params.model_validate_json(params.model_dump_json()) == params
    assert all(field.description for field in cls.Params.model_fields.values())


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_rows_are_typed_valid_and_without_identifiers(name: str, params: dict[str, Any]) -> None:
    draft = ready(name, params).batch(30, 3, FakeAsk())
    assert 0 < draft.rows.num_rows <= 30
    assert_valid(SCHEMA, draft.rows)


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_the_same_seed_gives_the_same_rows(name: str, params: dict[str, Any]) -> None:
    one, other = ready(name, params), ready(name, params)
    assert json.dumps(one.state()) == json.dumps(other.state())
    assert one.batch(30, 3, FakeAsk()).rows.equals(other.batch(30, 3, FakeAsk()).rows)
    assert not one.batch(30, 4, FakeAsk()).rows.equals(ready(name, params).batch(30, 3, FakeAsk()).rows)


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_a_batch_depends_on_the_state_alone(name: str, params: dict[str, Any]) -> None:
    """Batch k after a restore is batch k of the undisturbed run, in a fresh object, from JSON."""
    undisturbed = ready(name, params)
    tables, states = [], []
    for batch in range(1, 4):
        states.append(json.dumps(undisturbed.state()))
        tables.append(undisturbed.batch(25, derive(5, "batch", batch), FakeAsk()).rows)
    for batch in range(1, 4):
        resumed = registry.create(name, params)
        resumed.prepare(task(name), FakeAsk().info)
        resumed.restore(json.loads(states[batch - 1]))
        assert json.loads(json.dumps(resumed.state())) == json.loads(states[batch - 1])
        assert resumed.batch(25, derive(5, "batch", batch), FakeAsk()).rows.equals(tables[batch - 1])


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_numbers_of_learning_are_finite_and_those_of_the_stored_curves(
    name: str, params: dict[str, Any]
) -> None:
    method, ask = registry.create(name, params), FakeAsk()
    method.prepare(task(name), ask.info)
    learn_all(method, ask, derive(5, "learn"))
    heard: dict[str, list[Measured]] = {}
    for one in ask.measures:
        assert decode(encode(one)) == one
        assert all(map(isfinite, (one.step, one.value)))
        assert one.per
        assert one.unit
        assert (one.low or one.value) <= one.value <= (one.high or one.value)
        heard.setdefault(one.name, []).append(one)
    assert all([one.step for one in many] == sorted({one.step for one in many}) for many in heard.values())
    assert name != "mallm-gan" or heard or not params.get("rounds", 1)
    if not isinstance(method, Explains):
        return
    for part in method.explain(json.loads(json.dumps(method.state()))).parts:
        for line in part.series if isinstance(part, Curve) else ():
            told = heard.get(line.name, [])
            assert not told or [(one.step, one.value) for one in told] == list(line.points)
            assert all((one.per, one.unit) == (part.x, part.y) for one in told)


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_one_that_explains_does_so_from_the_stored_state_alone(name: str, params: dict[str, Any]) -> None:
    cls = registry.get(name)
    if not isinstance(cls, Explains):
        pytest.skip("tells nothing")
    assert cls.explain({}) == Explanation()
    method = ready(name, params)
    learnt = json.loads(json.dumps(method.state()))
    method.batch(30, 3, FakeAsk())
    finished = json.loads(json.dumps(method.state()))
    for state in (learnt, finished):
        told = cls.explain(state)
        assert told.parts
        assert Explanation.model_validate_json(told.model_dump_json()) == told
        assert told == cls.explain(json.loads(json.dumps(state)))


@pytest.mark.parametrize("name", METHODS)
def test_no_method_reads_rows_it_did_not_declare(name: str) -> None:
    cls = registry.get(name)
    if cls.exposure >= Exposure.STATISTICS:
        pytest.skip("reads the train rows, as it says")

    def forbidden() -> None:
        raise AssertionError("read the train rows")

    method = registry.create(name)
    plain = task(name)
    guarded = Task(plain.dataset, plain.schema, plain.rows, plain.seed, plain.violations, forbidden)  # type: ignore[arg-type]
    ask = FakeAsk()
    method.prepare(guarded, ask.info)
    method.learn(ask, 1)
    assert method.batch(10, 1, ask).rows.num_rows
