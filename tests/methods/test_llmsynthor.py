"""LLMSynthor as a whole: what its rows add up to, what its prompts hold, what it refuses and says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.contracts import SampleRequest, Task
from localsynth.core.errors import ContextTooSmall, DatasetError, RunError
from localsynth.core.schema import Rule, Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table
from localsynth.methods import registry
from localsynth.methods.llmsynthor import LLMSynthor
from localsynth.tables import table_of
from tests.methods.support import FakeAsk, assert_valid, make, task_of
from tests.methods.targets_kit import FixedTargets, aimed

FOODS = ("bread", "fish, smoked", 'so-called "cake"', "rice")
SCHEMA = Schema.model_validate(
    {
        "description": "People and what they eat.",
        "target": "ill",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [0, 120], "unit": "years"},
            {"name": "weight", "kind": "float", "range": [2, 200], "decimals": 3, "nullable": True},
            {"name": "food", "kind": "categorical", "categories": [*FOODS, "never eaten"]},
            {"name": "ill", "kind": "boolean"},
            {"name": "seen", "kind": "date", "range": ["2020-01-01", "2025-12-31"]},
        ],
    }
)


def people(n: int = 600, seed: int = 0) -> pa.Table:
    """Illness rises with age, food depends on age, weight on food."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        age = int(rng.integers(0, 91))
        food = FOODS[int(rng.choice(4, p=[0.7, 0.1, 0.1, 0.1] if age < 40 else [0.1, 0.2, 0.3, 0.4]))]
        weight = None if rng.random() < 0.1 else round(float(rng.normal(60 + 10 * FOODS.index(food), 5)), 3)
        ill = bool(rng.random() < age / 120)
        rows.append([None, age, weight, food, ill, date(2020, 1, 1) + timedelta(int(rng.integers(0, 2000)))])
    return table_of(SCHEMA, rows)


TRAIN = people()


def ready(
    params: Mapping[str, Any], rows: int = 300, ask: FakeAsk | None = None
) -> tuple[LLMSynthor, FakeAsk, Task]:
    ask = ask or FakeAsk()
    task = aimed(task_of(SCHEMA, rows, 3), TRAIN)
    method = registry.create("llmsynthor", params)
    assert isinstance(method, LLMSynthor)
    method.prepare(task, ask.info)
    method.learn(ask, 7)
    return method, ask, task


def shares(table: pa.Table, *names: str) -> Counter[tuple[Any, ...]]:
    return Counter(zip(*(table[name].to_pylist() for name in names), strict=True))


def distance(one: Counter[Any], other: Counter[Any]) -> float:
    n, m = one.total(), other.total()
    return sum(abs(one[cell] / n - other[cell] / m) for cell in one | other) / 2


def test_margins_are_met_to_the_row_over_all_batches() -> None:
    method, ask, _ = ready({"batch_rows": 70}, rows=300)
    made = pa.concat_tables([method.batch(n, seed, ask).rows for seed, n in enumerate([70, 70, 70, 70, 20])])
    assert made.num_rows == 300
    assert_valid(SCHEMA, made)
    for name in ("food", "ill"):
        one, other = shares(made, name), shares(TRAIN, name)
        assert all(abs(one[cell] - other[cell] / 2) < 1.0001 for cell in one | other), name
    assert ("never eaten",) not in shares(made, "food")
    assert abs(made["weight"].null_count - TRAIN["weight"].null_count / 2) <= 1


@pytest.mark.parametrize("plans", ["model", "random", "none"])
def test_joint_tables_are_met_whoever_plans(plans: str) -> None:
    method, ask, _ = ready({"plans": plans, "groups": "strongest"})
    made = method.batch(300, 1, ask).rows
    assert distance(shares(made, "food", "ill"), shares(TRAIN, "food", "ill")) < 0.02
    asked = Counter(purpose for purpose, _ in ask.asked)
    assert ("plans" in asked) == (plans == "model")


def test_nobody_plans_and_nobody_names_groups() -> None:
    """Alignment alone needs no word from a model."""
    method, ask, _ = ready({"plans": "none", "groups": "strongest"})
    assert ask.asked == []
    assert method.state()["plans"]["counts"] == []


def test_every_column_keeps_its_bins() -> None:
    method, ask, _ = ready({"bins": 8})
    made = method.batch(300, 1, ask).rows
    edges = np.quantile(TRAIN["age"].to_numpy(), np.linspace(0, 1, 9)[1:-1])
    for table in (made, TRAIN):
        counts = np.bincount(np.digitize(table["age"].to_numpy(), edges), minlength=8) / table.num_rows
        assert counts == pytest.approx([1 / 8] * 8, abs=0.05)


def test_plans_are_a_draft_that_never_asks_for_more_rows_than_there_are() -> None:
    method, _, _ = ready({"rounds": 6, "proposals": 80})
    plans = method.state()["plans"]
    assert 0 < sum(plans["counts"]) <= 30  # a tenth
    more = ready({"rounds": 6, "proposals": 80, "plan_share": 1.0})[0].state()["plans"]
    assert 30 < sum(more["counts"]) <= 300
    assert all(count >= 1 for count in plans["counts"])
    told = [note for note in ready({})[1].notices if "plans" in note]
    assert any("lowered the gaps" in note for note in told)


def test_groups_the_model_names_get_tables_and_are_weighed() -> None:
    def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        if purpose != "groups":
            return texts
        return ('{"1": ["age", "ill"], "2": ["food", "seen"]}',) * len(texts)

    _, ask, task = ready({"groups": "model"}, ask=FakeAsk(answer=answer))
    (said,) = [note for note in ask.notices if note.startswith("groups named")]
    assert "age, ill (16 votes; depends)" in said
    assert "food, seen (16 votes; no more than chance)" in said
    assert "1 of 2" in said
    assert task.targets is not None
    tables = {table.columns for table in task.targets.tables([("age", "ill"), ("food", "seen")], 0).tables}
    assert {("age", "ill"), ("food", "seen")} <= {tuple(sorted(columns)) for columns in tables}


# --- what prompts hold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{}, {"mode": "faithful"}, {"context": "a storm", "context_weight": 0.5}])
def test_prompts_hold_statistics_and_no_row(params: dict[str, Any]) -> None:
    method, ask, _ = ready(params)
    for seed in range(3):
        method.batch(20, seed, ask)
    text = "\n".join(r.messages[0].text + r.prefix for _, requests in ask.asked for r in requests)
    # Bins end at values that rows have; of 600 different weights no more than these may be seen.
    weights = {f"{w:.3f}" for w in TRAIN["weight"].to_pylist() if w is not None}
    assert len([w for w in weights if w in text]) <= 2 * (1 + 10 + 8 * 3)
    assert ("storm" in text) == ("context" in params)


def test_the_answer_begins_where_rows_are_missing() -> None:
    _, ask, _ = ready({"groups": "strongest", "rounds": 1})
    (_, requests), *_ = [one for one in ask.asked if one[0] == "plans"]
    assert len({request.messages for request in requests}) == 1  # one prompt, read once
    for request in requests:
        header, lead = request.prefix.split("\n")
        assert header.endswith(",rows")
        assert lead.count(",") >= 2
        assert len(header.split(",")) >= 6


# --- size -----------------------------------------------------------------------------------------------------------


def wide(columns: int, levels: int) -> tuple[Schema, Statistics]:
    kinds: list[dict[str, Any]] = [
        {"name": f"number {i}", "kind": "integer", "range": [0, 999]}
        if i % 2
        else {"name": f"list {i}", "kind": "categorical", "categories": [f"value {j}" for j in range(5)]}
        for i in range(columns - 1)
    ]
    kinds.append(
        {"name": "long", "kind": "categorical", "categories": [f"code {j:05}" for j in range(levels)]}
    )
    schema = Schema.model_validate({"columns": kinds, "target": "list 0"})
    margins = []
    for kind in kinds:
        if kind["kind"] == "integer":
            axis = Axis(kind["name"], edges=tuple(range(0, 1001, 100)))
        else:
            axis = Axis(kind["name"], labels=tuple((word,) for word in kind["categories"]))
        weights = 1 / np.arange(1, axis.size + 1)
        margins.append(Margin(axis, tuple((weights / weights.sum()).tolist()), 10_000))
    first, second = margins[0], margins[1]
    joint = np.outer(first.shares, second.shares).ravel()
    table = Table((first.axis, second.axis), tuple((joint / joint.sum()).tolist()), 10_000)
    return schema, Statistics(tuple(margins), (table,), "file")


def test_sixty_columns_and_five_thousand_categories() -> None:
    schema, statistics = wide(60, 5000)
    ask = FakeAsk(2048)
    task = replace(task_of(schema, 200, 1), targets=FixedTargets(statistics))
    made, _ = make(registry.create("llmsynthor", {"plan_columns": 60}), task, 200, ask)
    assert made.num_rows == 200
    assert_valid(schema, made)
    plans = [r for purpose, requests in ask.asked if purpose == "plans" for r in requests]
    assert plans
    assert all(ask.prompt_tokens(request) < 2048 for request in plans)
    commonest = shares(made, "long").most_common(1)[0]
    assert commonest[0] == ("code 00000",)


def test_what_does_not_fit_is_refused_before_the_first_row_with_numbers() -> None:
    schema, statistics = wide(8, 5)
    for params in ({}, {"mode": "faithful"}):
        task = replace(task_of(schema, 200, 1), targets=FixedTargets(statistics))
        method = registry.create("llmsynthor", params)
        ask = FakeAsk(150)
        method.prepare(task, ask.info)
        with pytest.raises(ContextTooSmall, match=r"\d+ columns.*\d+ tokens.*150"):
            method.learn(ask, 1)
    method = registry.create("llmsynthor", {"plans": "none", "groups": "strongest"})
    method.prepare(task, ask.info)
    method.learn(ask, 1)  # no prompt is needed


def test_without_statistics_it_says_what_to_give() -> None:
    method = registry.create("llmsynthor")
    with pytest.raises(DatasetError, match="neither rows nor a file"):
        method.prepare(task_of(SCHEMA, 10), FakeAsk().info)


def test_a_state_of_the_other_mode_is_refused() -> None:
    state = ready({})[0].state()
    other, _, _ = ready({"mode": "faithful"})
    with pytest.raises(RunError, match="mode faithful"):
        other.restore(json.loads(json.dumps(state)))


def test_contradictions_are_told() -> None:
    schema = Schema.model_validate(
        {"columns": [{"name": n, "kind": "categorical", "categories": ["x", "y"]} for n in ("a", "b")]}
    )
    axes = [Axis(name, labels=(("x",), ("y",))) for name in ("a", "b")]
    statistics = Statistics(
        (Margin(axes[0], (0.5, 0.5), 100), Margin(axes[1], (0.5, 0.5), 100)),
        (Table((axes[0], axes[1]), (0.4, 0.3, 0.3, 0.0), 100),),
        "file",
        notes=("two surveys",),
    )
    ask = FakeAsk()
    task = replace(task_of(schema, 100, 1), targets=FixedTargets(statistics))
    made, _ = make(registry.create("llmsynthor"), task, 100, ask)
    assert shares(made, "a") == {("x",): 50, ("y",): 50}
    assert any("two surveys" in note for note in ask.notices)
    assert any("70.0%" in note and "50.0%" in note for note in ask.notices)


# --- context --------------------------------------------------------------------------------------------------------


def leaning_to_rice(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
    """A model that thinks of rice as soon as there is a storm."""
    if purpose != "context" or "storm" not in request.messages[0].text:
        return texts
    header = request.prefix.split("\n")[0].split(",")
    place = header.index("food")
    found = []
    for text in texts:
        for food in ("bread", '"fish, smoked"', '"so-called \\"cake\\""'):
            text = text.replace(food, "rice")
        found.append(text)
    assert place >= 0
    return tuple(found)


def test_a_context_moves_margins_by_no_more_than_its_weight() -> None:
    plain = shares(TRAIN, "food")
    seen = {}
    for weight in (0.0, 0.1):
        params = {"context": "a storm", "context_weight": weight, "plans": "model", "groups": "strongest"}
        method, ask, _ = ready(params, ask=FakeAsk(answer=leaning_to_rice))
        made = method.batch(300, 1, ask).rows
        seen[weight] = distance(shares(made, "food"), plain)
        assert distance(shares(made, "ill"), shares(TRAIN, "ill")) < 0.05
    assert seen[0.0] < 0.005
    assert 0.09 < seen[0.1] < 0.105
    (said,) = [note for note in ask.notices if "context moves" in note]
    assert "food by 0.100" in said


def test_a_context_that_changes_nothing_moves_nothing() -> None:
    method, ask, _ = ready({"context": "a storm", "context_weight": 0.5, "groups": "strongest", "rounds": 1})
    assert len(method.state()["factors"]) <= 1  # chance alone: a difference of three standard errors is rare
    assert [purpose for purpose, _ in ask.asked].count("context") == 2


# --- faithful -------------------------------------------------------------------------------------------------------


def test_iterations_only_add_and_then_end() -> None:
    method, ask, _ = ready({"mode": "faithful", "iterations": 4}, rows=40)
    assert method.batch_rows() == 10
    sizes = [method.batch(10, seed, ask).rows.num_rows for seed in range(6)]
    assert all(1 <= size <= 10 for size in sizes[:4])
    assert sizes[4:] == [0, 0]
    state = method.state()
    assert state["iteration"] == 4
    assert all(sum(counts) == sum(sizes) for counts in state["watch"]["cells"].values())
    assert sum(1 for purpose, _ in ask.asked if purpose == "proposals") == 4
    assert sum(1 for purpose, _ in ask.asked if purpose == "groups") == 1


def test_guidance_follows_what_was_made() -> None:
    method, ask, _ = ready({"mode": "faithful"}, rows=2000)
    method.batch(20, 1, ask)
    method.batch(20, 2, ask)
    first, second = (
        requests[0].messages[0].text for purpose, requests in ask.asked if purpose == "proposals"
    )
    begin = next(line for line in first.splitlines() if line.startswith("- ill:"))
    share = shares(TRAIN, "ill")
    assert (
        begin == f"- ill: {'; '.join(f'{str(v).lower()} {c / 600:.1%}' for (v,), c in share.most_common())}"
    )
    after = next((line for line in second.splitlines() if line.startswith("- ill:")), "")
    assert after != begin


# --- texts ----------------------------------------------------------------------------------------------------------

NOTES = Schema.model_validate(
    {
        "columns": [
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "note", "kind": "text", "max_length": 30, "nullable": True},
            {"name": "sign", "kind": "text", "max_length": 8},
        ]
    }
)


@pytest.mark.parametrize("mode", ["aligned", "faithful"])
def test_texts_are_written_after_the_rest_of_the_row(mode: str) -> None:
    train = table_of(NOTES, [[i % 100, f"secret {i}" if i % 4 else None, f"s{i}"] for i in range(200)])
    ask = FakeAsk()
    made, _ = make(
        registry.create("llmsynthor", {"mode": mode}), aimed(task_of(NOTES, 100, 2), train), 100, ask
    )
    assert_valid(NOTES, made)
    assert made["sign"].null_count == 0
    expected = pytest.approx(0.25 * made.num_rows, abs=1 if mode == "aligned" else 25)
    assert made["note"].null_count == expected
    asked = [request for purpose, requests in ask.asked if purpose == "texts" for request in requests]
    assert sum(request.n for request in asked) == 2 * made.num_rows - made["note"].null_count
    assert all("secret" not in r.messages[0].text + r.prefix for _, some in ask.asked for r in some)
    assert {json.loads(r.prefix + 'x"}').keys() >= {"age"} for r in asked} == {True}


def test_a_text_too_long_for_the_context_is_refused_with_numbers() -> None:
    schema = NOTES.model_copy(
        update={"columns": (NOTES.columns[0], NOTES.columns[1].model_copy(update={"max_length": 5000}))}
    )
    train = table_of(schema, [[i, "x"] for i in range(50)])
    method = registry.create("llmsynthor")
    method.prepare(aimed(task_of(schema, 10), train), FakeAsk(4000).info)
    with pytest.raises(ContextTooSmall, match=r"note.*\d+ tokens.*4000"):
        method.learn(FakeAsk(4000), 1)


# --- rules ----------------------------------------------------------------------------------------------------------


def test_rules_and_dependencies_are_kept_and_margins_stay() -> None:
    schema = Schema.model_validate(
        SCHEMA.model_dump(mode="json")
        | {
            "rules": [{"check": "age >= 20 or not ill", "name": "no ill child"}],
            "dependencies": [{"determinant": ["food"], "dependent": "weight"}],
        }
    )
    weights = {food: 50.0 + at for at, food in enumerate(FOODS)}
    rows = [
        [None, row["age"], weights[row["food"]], row["food"], row["ill"] and row["age"] >= 20, row["seen"]]
        for row in TRAIN.to_pylist()
    ]
    train = table_of(schema, rows)
    made, rejects = make(registry.create("llmsynthor"), aimed(task_of(schema, 300, 5), train), 300, FakeAsk())
    assert made.num_rows == 300
    assert not [row for row in made.to_pylist() if row["ill"] and row["age"] < 20]
    assert len({(row["food"], row["weight"]) for row in made.to_pylist()}) == 4
    assert len(rejects) <= 3
    assert distance(shares(made, "food"), shares(train, "food")) < 0.01
    assert distance(shares(made, "ill"), shares(train, "ill")) < 0.01


def test_the_faithful_mode_rejects_broken_rows_only_if_told() -> None:
    schema = SCHEMA.model_copy(update={"rules": (Rule(check="age >= 45", name="old"),)})
    for enforce in (False, True):
        method = registry.create("llmsynthor", {"mode": "faithful", "enforce_rules": enforce})
        ask = FakeAsk()
        method.prepare(aimed(task_of(schema, 1000, 5), TRAIN), ask.info)
        method.learn(ask, 1)
        drafts = [method.batch(10, seed, ask) for seed in range(8)]
        ages = [age for draft in drafts for age in draft.rows["age"].to_pylist()]
        rejects = [reject for draft in drafts for reject in draft.rejects]
        assert (min(ages) >= 45) == enforce
        assert bool(rejects) == enforce
        assert all(reject.detail == "old" for reject in rejects)


def test_the_faithful_mode_tells_now_and_then_what_it_did() -> None:
    schema = SCHEMA.model_copy(update={"rules": (Rule(check="age >= 45", name="old"),)})
    method, again = (registry.create("llmsynthor", {"mode": "faithful", "iterations": 21}) for _ in range(2))
    ask = FakeAsk()
    for one in (method, again):
        one.prepare(aimed(task_of(schema, 10_000, 5), TRAIN), ask.info)
    method.learn(ask, 1)
    assert not any("drawn" in note for note in ask.notices)
    ages: list[int] = []
    for seed in range(21):
        ages += method.batch(30, seed, ask).rows["age"].to_pylist()
        if seed == 10:  # taken up again
            again.restore(method.state())
            method, again = again, method
    told = [note for note in ask.notices if "drawn" in note]
    assert [note.split(":")[0] for note in told] == ["20 iterations", "21 iterations"]
    young = sum(age < 45 for age in ages)
    assert f"{len(ages)} rows drawn, {young} of which ({young / len(ages):.1%}) break a rule" in told[-1]


def test_the_faithful_mode_tells_what_the_targets_note_once() -> None:
    schema = Schema.model_validate(
        {"columns": [{"name": n, "kind": "categorical", "categories": ["x", "y"]} for n in ("a", "b")]}
    )
    margins = [Margin(Axis(name, labels=(("x",), ("y",))), (0.5, 0.5), 100) for name in ("a", "b")]
    statistics = Statistics(tuple(margins), (), "file", notes=("two surveys", "two surveys"))
    ask = FakeAsk()
    method = registry.create("llmsynthor", {"mode": "faithful"})
    method.prepare(replace(task_of(schema, 100, 1), targets=FixedTargets(statistics)), ask.info)
    method.learn(ask, 1)
    assert ask.notices.count("two surveys") == 1
