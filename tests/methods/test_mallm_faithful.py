"""MALLM-GAN, the faithful mode: the released loop step by step, what it keeps in mind, and that it goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.contracts import Condition, Round, SampleRequest, Task
from localsynth.core.errors import ContextTooSmall, RunError
from localsynth.core.explaining import Curve, Facts, Graph
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.mallm_gan.faithful import Faithful, explained
from localsynth.methods.mallm_gan.faithful.play import epochs_for
from localsynth.methods.mallm_gan.params import MALLMGANParams
from localsynth.store.rules import RuleChecker
from localsynth.store.where import read_where
from localsynth.tables import arrow_schema
from tests.methods.support import FakeAsk, assert_valid, task_of

SCHEMA = Schema.model_validate(
    {
        "description": "Visits to a clinic.",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [18, 90]},
            {"name": "ward", "kind": "categorical", "categories": ["A]", 'B, "b"', "C", "unseen"]},
            {"name": "bmi", "kind": "float", "range": [15, 50], "decimals": 2, "nullable": True},
            {"name": "smoker", "kind": "boolean"},
            {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"]},
            {"name": "at", "kind": "datetime", "range": ["2024-01-01T00:00:00", "2024-12-31T23:59:00"]},
            {"name": "note", "kind": "text", "min_length": 3, "max_length": 12, "nullable": True},
        ],
    }
)
NAMES = [column.name for column in SCHEMA.columns if column.kind != "identifier"]

SMALL = Schema.model_validate(
    {
        "columns": [
            {"name": "a", "kind": "categorical", "categories": ["p", "q", "r"]},
            {"name": "b", "kind": "categorical", "categories": ["x", "y", "z"]},
        ]
    }
)
Answer = Callable[[str, SampleRequest, tuple[str, ...]], tuple[str, ...]]


def clinic(rows: int) -> pa.Table:
    from datetime import date, datetime, timedelta

    rng = np.random.default_rng(3)
    return pa.Table.from_pylist(
        [
            {
                "age": 18 + i % 70,
                "ward": ["A]", 'B, "b"', "C"][int(rng.integers(3))],
                "bmi": None if i % 7 == 0 else round(float(rng.uniform(16, 40)), 2),
                "smoker": bool(rng.integers(2)),
                "day": date(2024, 1, 1) + timedelta(days=i),
                "at": datetime(2024, 1, 1) + timedelta(hours=i),
                "note": None if i % 3 else f"note {i:03d}",
            }
            for i in range(rows)
        ],
        schema=arrow_schema(SCHEMA),
    )


def small(rows: int) -> pa.Table:
    """``b`` follows ``a``, and ``z`` and ``r`` are rare."""
    each = [("p", "x"), ("q", "y"), ("p", "x"), ("q", "y"), ("r", "z")]
    pairs = [each[i % 5] for i in range(rows)]
    return pa.table({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]}, schema=arrow_schema(SMALL))


def game(task: Task, train: pa.Table, edges: Any = (), **params: Any) -> Faithful:
    return Faithful(MALLMGANParams(mode="faithful", **params), task, train, edges)


def step(method: Faithful, task: Task, at: int, ask: FakeAsk) -> Round:
    method.learn(ask, derive(task.seed, "learn", at))
    (found,) = method.rounds()
    return found


def play(method: Faithful, task: Task, ask: FakeAsk) -> list[Round]:
    rounds: list[Round] = []
    while not method.learnt():
        rounds.append(step(method, task, len(rounds), ask))
    return rounds


def asked_for(ask: FakeAsk, purpose: str) -> list[tuple[SampleRequest, ...]]:
    return [requests for said, requests in ask.asked if said == purpose]


def shown_in(request: SampleRequest) -> list[dict[str, Any]]:
    (line,) = [line for line in request.messages[-1].text.splitlines() if line.startswith("[")]
    found: list[dict[str, Any]] = json.loads(line)
    return found


# --- the loop ---------------------------------------------------------------------------------------------------------


def test_every_real_row_is_shown_once_in_each_pass_and_all_rows_are_valid() -> None:
    train = clinic(50)
    task, ask = task_of(SCHEMA, 50, train=train), FakeAsk(16_000)
    method = game(task, train, [("age", "bmi")], batch=20, epochs=2, examples=4)
    rounds = play(method, task, ask)
    assert [one.number for one in rounds] == list(range(1, 10))  # (2 + 1) passes of 20, 20 and 10 rows
    assert method.requests() == (3 * 13, 8)
    calls = asked_for(ask, "rows")
    assert [len(requests) for requests in calls] == 3 * [5, 5, 3]
    for at in range(0, 9, 3):
        ages = [row["day"] for requests in calls[at : at + 3] for r in requests for row in shown_in(r)]
        assert sorted(ages) == sorted(str(day) for day in train.column("day").to_pylist())
    for requests in calls:
        assert len({request.messages[0] for request in requests}) == 1  # shared; the rows come last
        assert [message.role for message in requests[0].messages] == ["system", "user"]
        assert {request.sampling.temperature for request in requests} == {0.5}
        assert all(f"Write {len(shown_in(request))} new" in request.messages[1].text for request in requests)
    assert len({request.seed for requests in calls for request in requests}) == 39
    system = calls[0][0].messages[0].text
    assert "Visits to a clinic." in system
    assert '("age", "bmi")' in system
    assert "unseen" not in system  # no train row has it
    assert '"A]", "B, \\"b\\"", "C"' in system
    assert '"id"' not in "".join(message.text for message in calls[0][0].messages)

    draft = method.batch(50, 7, ask)
    assert draft.rows.num_rows == 50
    assert draft.rejects == ()
    assert_valid(SCHEMA, draft.rows)
    last = [row for request in asked_for(ask, "rows")[-1] for row in shown_in(request)]
    assert sorted(row["day"] for row in last) == sorted(str(day) for day in train.column("day").to_pylist())


def test_numbers_are_shown_to_one_decimal_as_released() -> None:
    train = clinic(20)
    task, ask = task_of(SCHEMA, 20, train=train), FakeAsk(16_000)
    step(game(task, train), task, 0, ask)
    shown = [row["bmi"] for request in asked_for(ask, "rows")[0] for row in shown_in(request)]
    real = train.column("bmi").to_pylist()
    assert sorted(x for x in shown if x is not None) == pytest.approx(
        sorted(round(x, 1) for x in real if x is not None), abs=0.1001
    )
    assert all(x is None or x == round(x, 1) for x in shown)
    assert shown.count(None) == real.count(None)


def test_the_last_pass_is_frozen_and_the_last_step_asks_no_optimiser() -> None:
    train = clinic(40)
    task, ask = task_of(SCHEMA, 40, train=train), FakeAsk(16_000)
    method = game(task, train, batch=20, epochs=1)
    weights = []
    for at in range(4):
        found = step(method, task, at, ask)
        assert found.theta["frozen"] is (at >= 2)
        weights.append(method.dump()["discriminator"])
    assert weights[0] != weights[1]
    assert weights[1] == weights[2]
    assert weights[3] is None  # not needed any more
    assert method.learnt()
    assert len(asked_for(ask, "theta")) == 3
    with pytest.raises(RunError):
        method.learn(ask, 1)


@pytest.mark.parametrize(
    ("rows", "epochs"), [(25, 5), (100, 5), (160, 4), (200, 4), (303, 3), (400, 3), (601, 2), (50_000, 2)]
)
def test_epochs_by_rows(rows: int, epochs: int) -> None:
    assert epochs_for(rows) == epochs


def test_rows_before_the_game_is_over_are_refused() -> None:
    train = small(10)
    with pytest.raises(RunError):
        game(task_of(SMALL, 10, train=train), train).batch(5, 1, FakeAsk())


# --- memory and the optimiser -----------------------------------------------------------------------------------------


def scripted(thetas: Callable[[int], str], rows: Callable[[SampleRequest], Any]) -> Answer:
    """The optimiser writes ``thetas(number of the call)``, the generator what ``rows`` makes of a request."""
    count = 0

    def answer(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        nonlocal count
        if purpose == "theta":
            count += 1
            return (thetas(count),)
        written = rows(request)
        return tuple(written if isinstance(written, str) else json.dumps(written) for _ in texts)

    return answer


def copies_or_oddities(request: SampleRequest) -> Any:
    """Real rows again under a good theta, under any other what no real row is."""
    shown = shown_in(request)
    good = "GOOD" in request.messages[0].text
    return shown if good else [{"a": "p", "b": "z"} for _ in shown]


def test_the_whole_answer_is_theta_and_the_three_lowest_of_the_whole_run_are_shown() -> None:
    train = small(100)
    task = task_of(SMALL, 20, train=train)
    ask = FakeAsk(16_000, scripted(lambda at: f"{'GOOD' if at == 3 else 'BAD'} {at}", copies_or_oddities))
    method = game(task, train, batch=50, epochs=3)
    rounds: list[Round] = []
    while not method.learnt():
        rounds.append(step(method, task, len(rounds), ask))
        entries = method.dump()["memory"]
        if not entries:
            break  # over: the memory is not needed any more
        lowest = sorted(entries, key=lambda one: one["score"])[:3]
        assert len(entries) == len(rounds)
        assert rounds[-1].accepted == (entries[-1] in lowest)
        assert rounds[-1].score == entries[-1]["score"]
        told = asked_for(ask, "theta")[-1][0]
        pairs = [f"score {100 * one['score']:.1f}%:\n{one['theta']}\n" for one in lowest]
        assert [told.messages[1].text.index(pair) for pair in pairs] == sorted(
            told.messages[1].text.index(pair) for pair in pairs
        )
        assert told.messages[1].text.count("Part ") == len(pairs)
        assert (told.grammar, told.sampling.temperature, told.max_tokens) == (None, 1.0, 400)
        assert told.messages[0].text.count('- "a" (categorical)') == 1
    assert [one.author for one in rounds] == ["start"] + ["model"] * 7
    assert [one.theta["text"] for one in rounds[1:]] == [
        f"{'GOOD' if i == 3 else 'BAD'} {i}" for i in range(1, 8)
    ]
    for one in rounds:
        assert one.score is not None
        assert one.low is not None
        assert one.high is not None
        assert 0 <= one.low <= one.score <= one.high <= 1
    # Rows that no real row is like are told; real rows again are not, though their theta is no better for it.
    assert rounds[3].score == min(one.score for one in rounds if one.score is not None)


@pytest.mark.parametrize("good", [1, 5, 6])
def test_theta_star_is_the_lowest_of_the_last_two_passes(good: int) -> None:
    train = small(100)
    task = task_of(SMALL, 20, train=train)
    ask = FakeAsk(
        16_000, scripted(lambda at: f"GOOD {at}" if at == good else f"BAD {at}", copies_or_oddities)
    )
    method = game(task, train, batch=50, epochs=3)
    for at in range(7):
        step(method, task, at, ask)
    entries = [(one["score"], one["theta"]) for one in method.dump()["memory"] if one["epoch"] >= 2]
    last = step(method, task, 7, ask)  # of the frozen pass: the scores of the others stay as they are
    entries.append((last.score, last.theta["text"]))
    assert [theta.split()[1] for _, theta in entries] == ["4", "5", "6", "7"]
    method.batch(10, 1, ask)
    used = asked_for(ask, "rows")[-1][0].messages[0].text
    assert used.endswith(min(entries, key=lambda one: one[0])[1])
    assert ("GOOD" in used) == (good > 3)


def test_a_batch_of_too_few_valid_rows_does_not_enter_the_memory() -> None:
    train = small(40)
    task = task_of(SMALL, 20, train=train)

    def rows(request: SampleRequest) -> Any:
        shown = shown_in(request)
        return [*shown[:-2], {"a": "p"}, {"a": "p", "b": "none"}]  # 3 of 5

    ask = FakeAsk(16_000, scripted(lambda at: "never", rows))
    method = game(task, train, batch=20, epochs=1)
    rounds = play(method, task, ask)
    assert [one.score for one in rounds] == [None] * 4
    assert not any(one.accepted for one in rounds)
    assert all("12 of 20 rows valid, too few to count" in one.move for one in rounds)
    assert asked_for(ask, "theta") == []
    assert "no theta was scored" in ask.notices[-1]
    draft = method.batch(10, 1, ask)
    assert draft.rows.num_rows == 6
    assert [(reject.reason, reject.detail) for reject in draft.rejects] == 2 * [
        ("parse", "no 'b'"),
        ("value", "b"),
    ]


def test_rows_go_in_the_order_of_theta_and_circles_are_told() -> None:
    train = small(60)
    task = task_of(SMALL, 20, train=train)
    thetas = {1: '[("b", "a")]', 2: '[("a", "b"), ("b", "a"), ("ghost", "a")]\nGuidance'}
    ask = FakeAsk(16_000, scripted(lambda at: thetas.get(at, "no graph"), lambda r: shown_in(r)))
    method = game(task, train, [("a", "b")], batch=20, epochs=1)
    rounds = play(method, task, ask)
    orders = [list(shown_in(requests[0])[0]) for requests in asked_for(ask, "rows")]
    assert orders[:4] == [["a", "b"], ["b", "a"], ["a", "b"], ["a", "b"]]
    keys = [part.text for part in asked_for(ask, "rows")[1][0].grammar.parts if part.kind == "fixed"]  # type: ignore[union-attr]
    assert "".join(keys).index('"b"') < "".join(keys).index('"a"')
    assert rounds[0].theta["edges"] == [["a", "b"]]
    assert rounds[1].theta["edges"] == [["b", "a"]]
    assert "1 edge, 1 added and 1 taken away" in rounds[1].move
    assert "a cycle: a -> b -> a" in rounds[2].move
    assert "'ghost'" in rounds[2].move
    assert rounds[2].theta["edges"] == [["a", "b"], ["b", "a"]]
    assert rounds[3].theta["edges"] == []


# --- kill and resume --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 4, 5])
def test_a_resumed_game_gives_the_same_rows(after: int) -> None:
    train = clinic(60)
    task = task_of(SCHEMA, 60, train=train)
    params: dict[str, Any] = {"batch": 20, "epochs": 1, "examples": 4}

    def whole(stop: int) -> tuple[list[Round], list[Any]]:
        ask, rounds = FakeAsk(16_000), []
        method = game(task, train, [("age", "note")], **params)
        for at in range(6):
            if at == stop:
                state = json.loads(json.dumps(method.dump()))
                method, ask = game(task, train, [("age", "note")], **params), FakeAsk(16_000)
                method.load(state)
                assert json.loads(json.dumps(method.dump())) == state
            rounds.append(step(method, task, at, ask))
        drafts = [method.batch(25, derive(1, "a"), ask)]
        state = json.loads(json.dumps(method.dump()))
        method = game(task, train, [("age", "note")], **params)
        method.load(state)
        drafts.append(method.batch(35, derive(1, "b"), FakeAsk(16_000)))
        return rounds, [draft.rows.to_pylist() for draft in drafts]

    undisturbed = whole(-1)
    assert len(undisturbed[1][1]) == 35
    assert whole(after) == undisturbed


def test_the_first_graph_is_looked_for_once() -> None:
    found = []

    def edges() -> list[tuple[str, str]]:
        found.append(1)
        return [("a", "b")]

    train = small(40)
    task = task_of(SMALL, 10, train=train)
    method = game(task, train, edges, batch=20, epochs=1)
    assert not found
    ask = FakeAsk(16_000)
    step(method, task, 0, ask)
    other = game(task, train, edges, batch=20, epochs=1)
    other.load(method.dump())
    play(other, task, ask)
    assert found == [1]


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "steps"),
    [({"max_calls": 5}, 1), ({"max_calls": 6}, 2), ({"max_tokens": 1}, 1), ({"max_minutes": 1e-9}, 1)],
)
def test_a_bound_ends_the_game_and_is_told_before_and_after(bound: Mapping[str, Any], steps: int) -> None:
    train = small(40)
    task, ask = task_of(SMALL, 10, train=train), FakeAsk(16_000)
    method = game(
        task, train, batch=20, epochs=1, **bound
    )  # 4 requests of 5 rows, then the optimiser's, in each step
    rounds = play(method, task, ask)
    assert len(rounds) == steps
    (name,) = bound
    assert "it ends after" in ask.notices[0]
    assert f"{name} is" in ask.notices[-1]
    assert method.batch(10, 1, ask).rows.num_rows == 10


def test_without_room_for_a_row_the_run_is_refused_with_numbers() -> None:
    train = clinic(20)
    task, ask = task_of(SCHEMA, 10, train=train), FakeAsk(300)
    with pytest.raises(ContextTooSmall, match=r"up to \d+ tokens.*holds 300"):
        game(task, train).learn(ask, 1)


def test_fewer_rows_where_five_do_not_fit_and_theta_is_cut() -> None:
    train = clinic(20)
    task = task_of(SCHEMA, 10, train=train)
    ask = FakeAsk(900, scripted(lambda at: "many words " * 4000, lambda r: shown_in(r)))
    method = game(task, train, batch=10, epochs=1, grammar=True)
    rounds = play(method, task, ask)
    fewer = [notice for notice in ask.notices if "in each prompt instead of 5" in notice]
    assert len(fewer) == 1
    assert "cut from 43999 to" in rounds[1].move
    assert 1 <= len(shown_in(asked_for(ask, "rows")[0][0])) < 5
    for _, requests in ask.asked:
        for request in requests:
            assert ask.prompt_tokens(request) + request.max_tokens <= 900


def test_an_answer_longer_than_planned_is_asked_for_in_halves() -> None:
    class Narrow(FakeAsk):
        """An engine in which answers of more than two rows overflow."""

        def sample(self, purpose: str, requests: Any) -> Any:
            if purpose == "rows" and any(len(shown_in(request)) > 2 for request in requests):
                raise ContextTooSmall("too long")
            return super().sample(purpose, requests)

    train = small(20)
    task, ask = task_of(SMALL, 20, train=train), Narrow(16_000)
    method = game(task, train, batch=20, epochs=1)
    play(method, task, ask)
    draft = method.batch(20, 1, ask)
    assert draft.rows.num_rows == 20
    assert {len(shown_in(request)) for requests in asked_for(ask, "rows") for request in requests} == {1, 2}


# --- more rows, conditions, free answers ------------------------------------------------------------------------------


def test_several_answers_each_where_more_rows_are_wanted_than_there_are() -> None:
    train = small(20)
    task, ask = task_of(SMALL, 100, train=train), FakeAsk(16_000)
    method = game(task, train, batch=20, epochs=1)
    play(method, task, ask)
    sizes = [method.batch(n, at, ask).rows.num_rows for at, n in enumerate([60, 40])]
    assert sizes == [60, 40]
    first, second = asked_for(ask, "rows")[-2:]
    assert [request.n for request in (*first, *second)] == [5, 5, 2, 5, 3]
    # The groups of train rows come in turn, from batch to batch.
    assert [shown_in(r) for r in (*first, *second)][4] == shown_in(first[0])
    assert method.batch_rows() == 200


def conditioned(text: str, train: pa.Table) -> Task:
    where = read_where(text, SMALL)
    checker = RuleChecker(SMALL.model_copy(update={"rules": (where.rule,)}))
    task = task_of(SMALL, 20, train=train)
    return Task(**{**task.__dict__, "condition": Condition(where, lambda t: ~checker.violations(t)[:, 0])})


def test_under_a_condition_all_rows_meet_it() -> None:
    train = small(60)
    task, ask = conditioned("b = 'y' and a <> 'r'", train), FakeAsk(16_000)
    method = game(task, train, batch=20, epochs=1)
    play(method, task, ask)
    shown = [row for requests in asked_for(ask, "rows") for request in requests for row in shown_in(request)]
    assert {(row["a"], row["b"]) for row in shown} == {("q", "y")}
    assert "new records with b = 'y' and a <> 'r'," in asked_for(ask, "rows")[0][0].messages[1].text
    rows = method.batch(20, 1, ask).rows
    assert rows.num_rows == 20
    assert set(rows.column("b").to_pylist()) == {"y"}
    assert set(rows.column("a").to_pylist()) == {"p", "q"}


def test_rows_that_miss_the_condition_are_rejects_and_all_rows_are_shown_where_none_meets_it() -> None:
    train = small(60)
    task = conditioned("a || b = 'pz'", train)  # nothing that a limit could say
    ask = FakeAsk(16_000, scripted(lambda at: "theta", lambda r: [{"a": "p", "b": "z"}, *shown_in(r)[1:]]))
    method = game(task, train, batch=20, epochs=1)
    play(method, task, ask)
    assert any("no train row meets the condition" in notice for notice in ask.notices)
    draft = method.batch(10, 1, ask)
    assert draft.rows.to_pylist() == [{"a": "p", "b": "z"}] * 2
    assert {reject.reason for reject in draft.rejects} == {"where"}


def test_free_answers_of_noise_are_rejects_and_nothing_breaks() -> None:
    train = clinic(20)
    task, ask = task_of(SCHEMA, 10, train=train), FakeAsk(16_000)
    method = game(task, train, batch=10, epochs=1, grammar=False)
    rounds = play(method, task, ask)
    assert all(request.grammar is None for requests in asked_for(ask, "rows") for request in requests)
    assert [one.score for one in rounds] == [None] * 4
    draft = method.batch(10, 1, ask)
    assert draft.rows.num_rows == 0
    assert draft.rows.schema == arrow_schema(SCHEMA)
    assert {reject.reason for reject in draft.rejects} == {"parse"}


def test_a_python_list_is_read_as_the_released_code_reads_it() -> None:
    train = small(20)
    task = task_of(SMALL, 10, train=train)
    ask = FakeAsk(16_000, scripted(lambda at: "t", lambda r: f"Here: {shown_in(r)!r} Enjoy [it]."))
    method = game(task, train, batch=20, epochs=1, grammar=False)
    assert all("20 of 20 rows valid" in one.move for one in play(method, task, ask))
    assert method.batch(10, 1, ask).rows.num_rows == 10


# --- what is told -----------------------------------------------------------------------------------------------------


def test_one_real_row_too_many_is_told_from_made_ones_as_released() -> None:
    train = small(100)
    task, ask = task_of(SMALL, 10, train=train), FakeAsk(16_000)
    method = game(task, train, epochs=1)
    held = []
    for at in range(2):
        step(method, task, at, ask)
        held.append(len(method.dump()["memory"][-1]["real"]))
    assert held == [21, 20]  # a fifth of 50 made rows and 51 real ones; after the last slice no row is left


def test_an_explanation_from_the_stored_state() -> None:
    train = small(40)
    task, ask = task_of(SMALL, 10, train=train), FakeAsk(16_000, scripted(lambda at: "a -> b", shown_in))
    method = game(task, train, [("a", "b")], batch=20, epochs=1)
    assert explained({}).parts == ()
    assert explained(json.loads(json.dumps(method.dump()))).parts == ()
    rounds = play(method, task, ask)
    facts, curve, graph = explained(json.loads(json.dumps(method.dump()))).parts
    assert isinstance(facts, Facts)
    assert dict(facts.facts)["Steps"] == "4"
    assert dict(facts.facts)["Ended"] == "all steps are played"
    assert isinstance(curve, Curve)
    assert curve.series[0].points == tuple((float(one.number), one.score) for one in rounds)
    assert isinstance(graph, Graph)
    assert [(link.source, link.target) for link in graph.links] == [("a", "b")]


def test_an_explanation_of_a_theta_with_a_circle_draws_no_graph() -> None:
    train = small(40)
    task = task_of(SMALL, 10, train=train)
    ask = FakeAsk(16_000, scripted(lambda at: "a -> b -> a", shown_in))
    method = game(task, train, [("a", "b"), ("b", "a")], batch=20, epochs=1)
    step(method, task, 0, ask)
    assert explained(method.dump()).parts[-1].title == "The score, step by step"
    play(method, task, ask)
    facts, *_ = explained(method.dump()).parts
    assert isinstance(facts, Facts)
    assert "a cycle: a -> b -> a" in dict(facts.facts)["Its graph"]
