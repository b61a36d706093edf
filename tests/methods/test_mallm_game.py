"""The better mode of MALLM-GAN, without a model: what is tried, judged and kept, and that it goes on where it was."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.align.guarding import NearGuard
from localsynth.core.columns import CategoricalColumn, IntegerColumn
from localsynth.core.contracts import Condition, SampleRequest
from localsynth.core.errors import ContextTooSmall
from localsynth.core.explaining import Curve, Graph
from localsynth.core.schema import Rule, Schema
from localsynth.core.spending import Spending
from localsynth.core.where import Limit, Where
from localsynth.methods.mallm_gan.aligned import Aligned
from localsynth.methods.mallm_gan.explaining import explained
from localsynth.methods.mallm_gan.faithful import Faithful
from localsynth.methods.mallm_gan.method import MALLMGAN
from localsynth.methods.mallm_gan.params import MALLMGANParams
from localsynth.methods.mallm_gan.spending import rough_tokens
from localsynth.tables import arrow_schema
from tests.methods.mallm_kit import SCHEMA, copier, people, played, proposing, task_for
from tests.methods.support import FakeAsk

TRAIN = people(160)
QUICK = {"rounds": 2, "proposals": 1, "searched": 3}


@pytest.fixture(scope="module")
def game() -> tuple[Aligned, list, FakeAsk]:
    ask = FakeAsk()
    mode, rounds = played(MALLMGANParams(**QUICK), TRAIN, ask)
    return mode, rounds, ask


def test_random_rows_are_told_and_the_game_brings_them_near(game: tuple[Aligned, list, FakeAsk]) -> None:
    mode, rounds, ask = game
    worth = mode.dump()["game"]["worth"]
    assert worth["first"] > 0.3
    assert worth["high"] < 0, worth
    assert worth["last"] < worth["first"]
    assert any("the game is over" in text for text in ask.notices)
    assert {one.author for one in rounds} >= {"start", "kept", "search"}


def test_each_round_keeps_one_candidate_and_tells_all(game: tuple[Aligned, list, FakeAsk]) -> None:
    _, rounds, _ = game
    last = max(one.number for one in rounds)
    for number in range(1, last):
        own = [one for one in rounds if one.number == number]
        assert sum(one.accepted for one in own) == 1
        assert [one.candidate for one in own] == list(range(1, len(own) + 1))
    for one in rounds:
        assert one.score is not None
        assert one.low <= one.score <= one.high
        assert {"graph", "focus", "words", "thin"} == set(one.theta)
        json.dumps([dict(one.theta), *map(dict, one.gaps)])
    assert rounds[0].gaps, "where random rows differ is told"


def test_a_shuffled_discriminator_teaches_nothing() -> None:
    mode, rounds = played(MALLMGANParams(**QUICK, shuffled=True), TRAIN, FakeAsk())
    state = mode.dump()["game"]
    assert state["theta"] == state["start"]
    assert not any(one.accepted for one in rounds if one.author in {"search", "model"})
    assert state["worth"] is None, "nothing was changed, so that there is nothing to compare"


def test_a_copier_is_told_by_its_near_copies() -> None:
    """Each row of a prompt again: no discriminator tells them, novelty does."""
    _, rounds = played(MALLMGANParams(rounds=1, proposals=0, searched=0), TRAIN, FakeAsk(answer=copier))
    copies, honest = (
        rounds[0],
        played(MALLMGANParams(rounds=1, proposals=0, searched=0), TRAIN, FakeAsk())[1][0],
    )
    assert copies.score < honest.score / 2, "the discriminator alone finds little"
    assert copies.novelty > 0.3
    assert honest.novelty < 0.1


def test_a_candidate_that_copies_is_not_kept() -> None:
    """Its rows are real ones, so that the discriminator finds nothing: what it gains is lost by novelty."""
    answer = {"attend": [], "parents": {name: [] for name in SCHEMA.names}, "guidance": "COPY THEM"}
    base = proposing(lambda: answer)

    def write(purpose: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        copies = purpose == "game" and "COPY THEM" in request.messages[0].text
        return copier(purpose, request, texts) if copies else base(purpose, request, texts)

    params = MALLMGANParams(rounds=1, proposals=1, searched=0, align=False, novelty=3.0)
    _, rounds = played(params, TRAIN, FakeAsk(answer=write))
    kept, copied = (next(one for one in rounds if one.author == author) for author in ("kept", "model"))
    assert copied.score < kept.score
    assert copied.novelty > 0.3
    assert kept.accepted
    assert not copied.accepted
    _, rounds = played(
        MALLMGANParams(rounds=1, proposals=1, searched=0, align=False, novelty=0.0),
        TRAIN,
        FakeAsk(answer=write),
    )
    assert next(one for one in rounds if one.author == "model").accepted, "without the term it would be"


def test_a_first_theta_whose_rows_break_the_rules_can_be_replaced() -> None:
    schema = SCHEMA.model_copy(update={"rules": (Rule(check="age = 20", name="young"),)})
    train = people(300)
    train = train.set_column(2, "age", pa.array([20] * 300, pa.int64()))
    ask = FakeAsk()
    _, rounds = played(
        MALLMGANParams(rounds=1, proposals=0, searched=2), train, ask, task=task_for(train, schema)
    )
    assert any(one.accepted for one in rounds if one.author == "search")
    assert any("young" in gap["words"] for gap in rounds[0].gaps if "rule" in gap)


def test_what_determines_what_holds_in_the_rows() -> None:
    """City -> state, the state written first and numbers for names: neither is locked, nor follows."""
    rng = np.random.default_rng(0)
    schema = Schema(
        columns=(
            IntegerColumn(name="number", range=(1, 8)),
            CategoricalColumn(name="name", categories=dict.fromkeys("abcdefgh", "")),
            CategoricalColumn(name="half", categories={"low": "", "high": ""}),
            IntegerColumn(name="age", range=(18, 90)),
        ),
        rules=(Rule(check="half <> 'low' or age < 91"),),
        target="half",
    )
    number = rng.integers(1, 9, 200)
    train = pa.table(
        {
            "number": number,
            "name": [" abcdefgh"[at] for at in number],
            "half": ["low" if at < 5 else "high" for at in number],
            "age": rng.integers(18, 90, 200),
        }
    ).cast(arrow_schema(schema))
    for params in (MALLMGANParams(rounds=1, proposals=0, searched=3), MALLMGANParams(rounds=0)):
        mode, _ = played(params, train, FakeAsk(), task=task_for(train, schema))
        rows = mode.batch(80, 4, FakeAsk()).rows.to_pylist()
        assert len(rows) >= 60
        assert all(row["name"] == " abcdefgh"[row["number"]] for row in rows)
        assert all((row["half"] == "low") == (row["number"] < 5) for row in rows)


def test_no_copy_of_a_row_is_made() -> None:
    mode, _ = played(MALLMGANParams(rounds=0), TRAIN, FakeAsk(answer=copier))
    draft = mode.batch(40, 3, FakeAsk(answer=copier))
    assert not NearGuard(SCHEMA, TRAIN).near(draft.rows).any()
    assert draft.rows.num_rows + sum(one.reason == "near" for one in draft.rejects) == 40
    assert draft.stages[0].name == "drawn"


def test_killed_after_any_step_it_goes_on_alike() -> None:
    params = MALLMGANParams(**QUICK)
    whole, rounds = played(params, TRAIN, FakeAsk())
    mode, again = Aligned(params, task_for(TRAIN), TRAIN), []
    while not mode.learnt():
        mode.learn(FakeAsk(), 7)
        again += mode.rounds()
        state = json.loads(json.dumps(mode.dump()))
        mode = Aligned(params, task_for(TRAIN), TRAIN)
        mode.load(state)
        assert mode.rounds() == (), "what is committed is not told again"
    assert again == rounds
    first, second = whole.batch(60, 5, FakeAsk()), mode.batch(60, 5, FakeAsk())
    assert first.rows.equals(second.rows)
    third = Aligned(params, task_for(TRAIN), TRAIN)
    third.load(json.loads(json.dumps(mode.dump())))
    assert whole.batch(30, 6, FakeAsk()).rows.equals(third.batch(30, 6, FakeAsk()).rows)


def test_rows_of_the_prompt_are_of_the_other_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row that a candidate is judged against stood in its prompts."""
    from localsynth.methods.mallm_gan import trying as room

    judging: list[pa.Table] = []
    inner = room.judged

    def spy(features, real, made, **rest):  # type: ignore[no-untyped-def]
        judging.append(real)
        return inner(features, real, made, **rest)

    monkeypatch.setattr(room, "judged", spy)
    ask = FakeAsk()
    train = people(120, seed=3)
    different = train.take(pa.array(np.unique([str(row) for row in train.to_pylist()], return_index=True)[1]))
    played(MALLMGANParams(rounds=1, proposals=0, searched=1), different, ask)
    shown = [requests for purpose, requests in ask.asked if purpose == "game"]
    tables = [judging[0], judging[1]]  # a round's candidates are judged against the same rows
    for requests, real in zip(shown, tables, strict=False):
        lines = {line for request in requests for line in request.messages[0].text.split("\n")}
        rows = {f"{r['town']},{r['ill']},{r['age']},{str(r['smokes']).lower()}" for r in real.to_pylist()}
        order = requests[0].prefix.strip().split(",")
        rows = {
            ",".join(str(r[name]).lower() if name == "smokes" else str(r[name]) for name in order)
            for r in real.to_pylist()
        }
        assert not lines & rows


def test_the_budget_is_told_first_and_ends_the_game() -> None:
    ask = FakeAsk()
    mode, rounds = played(MALLMGANParams(rounds=9, max_calls=8), TRAIN, ask)
    told = [at for at, text in enumerate(ask.notices) if text.startswith("the game: at most 9 rounds")]
    assert told
    assert "8 requests" in ask.notices[told[0]]
    assert max(one.number for one in rounds) < 9
    game = mode.dump()["game"]
    assert "of 8 allowed" in game["ended"]
    assert game["spent"]["calls"] <= 8
    tokens, _ = played(MALLMGANParams(rounds=9, max_tokens=100), TRAIN, FakeAsk())
    assert "tokens" in tokens.dump()["game"]["ended"]


@pytest.mark.parametrize("rows", [60, 300, 3_000])
@pytest.mark.parametrize(
    "params", [{}, {"rounds": 2, "proposals": 0, "surplus": 3.0}, {"examples": 5, "searched": 1}]
)
def test_the_budget_that_is_told_before_is_that_of_the_game(rows: int, params: dict[str, Any]) -> None:
    train, ask = people(rows), FakeAsk(1_000_000)
    mode = Aligned(MALLMGANParams(**params), task_for(train), train)
    mode._set_up(ask, 7)
    said = next(text for text in ask.notices if text.startswith("the game: at most"))
    told = MALLMGAN(MALLMGANParams(**params)).spending(SCHEMA, rows)
    assert told is not None
    assert f"at most about {told.requests:,} requests" in said
    # Tokenizers differ: here one token is several signs, also of a number.
    tokens = int(said.split(" requests and ")[1].split(" ")[0].replace(",", ""))
    assert tokens / 3 < told.tokens < 3 * tokens
    bounded = MALLMGAN(MALLMGANParams(**params, max_calls=3, max_tokens=99)).spending(SCHEMA, rows)
    assert bounded == Spending("Game", 3, 99)


def test_no_game_has_no_budget_and_the_faithful_one_has() -> None:
    assert MALLMGAN(MALLMGANParams()).spending(SCHEMA, 39) is None
    assert MALLMGAN(MALLMGANParams(rounds=0)).spending(SCHEMA, 300) is None
    train = people(120)
    params = MALLMGANParams(mode="faithful", batch=50)
    generator, optimiser = Faithful(params, task_for(train), train, ()).requests()
    told = MALLMGAN(params).spending(SCHEMA, 120)
    assert told is not None
    assert told.requests == generator + optimiser
    assert MALLMGAN(params).spending(SCHEMA, 0) is None


def test_tokens_are_told_roughly() -> None:
    assert rough_tokens("ab cd,12.5\n") == pytest.approx(1 + 5)


def test_with_few_rows_there_is_no_game_but_rows() -> None:
    ask, train = FakeAsk(), people(11)
    mode, rounds = played(MALLMGANParams(drop_near=False), train, ask)
    assert rounds == []
    assert any("no game: 11 train rows" in text for text in ask.notices)
    assert mode.batch(20, 1, ask).rows.num_rows == 20


def test_the_models_theta_competes_and_is_named() -> None:
    answer = {
        "attend": [1],
        "parents": {name: [] for name in SCHEMA.names},
        "guidance": "Ill people are old.",
    }
    ask = FakeAsk(answer=proposing(lambda: answer))
    _, rounds = played(MALLMGANParams(rounds=1, proposals=2, searched=0), TRAIN, ask)
    own = [one for one in rounds if one.author == "model"]
    assert len(own) == 1, "two equal answers are one candidate"
    assert own[0].theta["words"] == "Ill people are old."
    asked = [requests for purpose, requests in ask.asked if purpose == "game"][1]
    assert any("Ill people are old." in request.messages[0].text for request in asked)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"attend": [], "parents": {"town": ["ill"], "ill": ["town"], "age": [], "smokes": []}}, "cycle"),
        ({"attend": [], "parents": {"town": [], "ill": [], "age": [], "income": []}}, "income"),
        ({"attend": [], "parents": {"town": [], "ill": ["wealth"], "age": [], "smokes": []}}, "wealth"),
    ],
)
def test_planted_circles_and_unknown_variables_are_refused(answer: dict, said: str) -> None:
    ask = FakeAsk(answer=proposing(lambda: {**answer, "guidance": "so"}))
    _, rounds = played(MALLMGANParams(rounds=1, proposals=1, searched=0), TRAIN, ask)
    assert not any(one.author == "model" for one in rounds)
    refused = [text for text in ask.notices if "refused" in text]
    assert refused
    assert said in refused[0]


def test_too_many_words_are_refused() -> None:
    answer = {"attend": [], "parents": {name: [] for name in SCHEMA.names}, "guidance": "so " * 121}
    ask = FakeAsk(answer=proposing(lambda: answer))
    played(MALLMGANParams(rounds=1, proposals=1, searched=0), TRAIN, ask)
    assert any("121 words" in text for text in ask.notices)


def test_all_rows_meet_a_condition_and_follow_rows_that_do() -> None:
    from dataclasses import replace

    where = Where("ill = 'yes'", {"ill": Limit(values=("yes",))})
    condition = Condition(
        where, lambda table: np.array([cell == "yes" for cell in table["ill"].to_pylist()]), 60
    )
    train = people(240)
    met = train.filter(pa.array(condition.met(train)))
    task = replace(task_for(met), condition=condition, train=lambda: train)
    ask = FakeAsk()
    mode = Aligned(MALLMGANParams(rounds=1, proposals=0, searched=2), task, train)
    while not mode.learnt():
        mode.learn(ask, 1)
    draft = mode.batch(50, 2, ask)
    assert draft.rows.num_rows + sum(one.reason == "near" for one in draft.rejects) == 50
    assert set(draft.rows["ill"].to_pylist()) == {"yes"}
    prompts = [request.messages[0].text for _, requests in ask.asked for request in requests]
    assert not any(",no," in line for text in prompts for line in text.split("\n"))
    assert ask.asked[-1][1][0].prefix.startswith("ill,"), "what is limited is written first"


def test_a_context_too_small_is_told_with_numbers() -> None:
    with pytest.raises(ContextTooSmall, match=r"a row takes up to \d+ tokens"):
        played(MALLMGANParams(rounds=1), TRAIN, FakeAsk(context=60))
    ask = FakeAsk(context=270)
    mode, _ = played(MALLMGANParams(rounds=0), TRAIN, ask)
    assert 0 < mode.dump()["examples"] < 20
    assert any("no more fit its context" in text for text in ask.notices)


def test_what_was_found_is_told_from_the_state(game: tuple[Aligned, list, FakeAsk]) -> None:
    mode, _, _ = game
    told = explained(json.loads(json.dumps(mode.dump())))
    kinds = [part.kind for part in told.parts]
    assert kinds[:2] == ["facts", "curve"]
    curve = next(part for part in told.parts if isinstance(part, Curve))
    assert [one.name for one in curve.series] == ["score", "low", "high", "near copies"]
    graph = next(part for part in told.parts if isinstance(part, Graph))
    assert set(graph.nodes) == set(SCHEMA.names)
    assert explained({}).parts == ()
