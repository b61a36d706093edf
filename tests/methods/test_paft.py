"""PAFT without a model: structure, lines, locks, in-context prompts, and what becomes of drawn rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.contracts import SampleRequest, Sampling, Task
from localsynth.core.errors import ContextTooSmall, DatasetError, RecipeError, RunError
from localsynth.core.schema import Schema
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.faithful import Faithful, sentence, sentences
from localsynth.methods.paft.fitting import _teller, epochs_for, held_rows
from localsynth.methods.paft.params import PAFTParams
from localsynth.methods.paft.structure import Structure, structure_of
from localsynth.methods.paft.writer import Writer
from localsynth.methods.page import Page
from localsynth.store.finding import explore
from localsynth.tables import table_of
from tests.methods.support import FakeAsk, make, task_of
from tests.methods.targets_kit import aimed

SCHEMA = Schema.model_validate(
    {
        "description": "Birds of some states.",
        "target": "seen",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "bird", "kind": "categorical", "categories": ["Wren", "Robin", "Lark, the"]},
            {"name": "state", "kind": "categorical", "categories": ["SC", "CT", "MI", "NE"]},
            {"name": "lat", "kind": "float", "range": [20, 50], "decimals": 3},
            {"name": "seen", "kind": "boolean", "nullable": True},
        ],
    }
)
BIRD = {"SC": "Wren", "CT": "Robin", "MI": "Robin", "NE": "Lark, the"}
BIRD_CELL = {"SC": "SC,Wren", "CT": "CT,Robin", "MI": "MI,Robin", "NE": 'NE,"Lark, the"'}


def train(n: int = 240, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    rows = []
    for at in range(n):
        state = str(rng.choice(list(BIRD)))
        lat = 22.0 + list(BIRD).index(state) * 7 + 0.0
        lat = round(lat + float(rng.integers(0, 6000)) / 1000, 3)
        rows.append([f"P{at}", BIRD[state], state, lat, None if at % 9 == 0 else bool(lat > 36)])
    return table_of(SCHEMA, rows)


def task(rows: int = 100, n: int = 240) -> Task:
    given = task_of(SCHEMA, rows, 3, train(n))
    return replace(aimed(given, train(n)), train=given.train, explore=given.explore)


def structure(**params: Any) -> Structure:
    return structure_of(SCHEMA, explore(train(), SCHEMA), PAFTParams(**params), 0)


def test_dependencies_are_found_and_the_determinant_stands_first() -> None:
    found = structure()
    assert (("state",), "bird") in [(one.determinant, one.dependent) for one in found.dependencies]
    assert found.order.index("state") < found.order.index("bird")
    assert sorted(found.order) == ["bird", "lat", "seen", "state"]  # no identifier
    assert set(found.placed) == set(found.order)
    assert Structure.load(found.dump()) == found


def test_the_target_stands_first_unless_something_determines_it() -> None:
    assert structure().order[0] == "seen"
    told = SCHEMA.model_copy(update={"target": "bird"})
    other = structure_of(told, explore(train(), told), PAFTParams(), 0)
    assert other.order.index("state") < other.order.index("bird")


def test_an_order_by_hand_counts_and_nothing_is_looked_for_where_that_is_said() -> None:
    found = structure(order=["lat", "bird"], discover=False)
    assert found.order[:2] == ("lat", "bird")
    assert found.dependencies == ()
    with pytest.raises(RecipeError, match="no column 'brid' that is written; did you mean 'bird'"):
        PAFT(PAFTParams(order=["brid"])).prepare(task(), None)
    with pytest.raises(RecipeError, match="no column 'id' that is written"):
        PAFT(PAFTParams(order=["id"])).prepare(task(), None)


def test_several_orders_all_hold_every_column_once() -> None:
    found = structure(orders=4)
    assert len(found.orders) == len(set(found.orders)) > 1
    assert {tuple(sorted(order)) for order in found.orders} == {tuple(sorted(found.order))}


def test_the_first_column_is_drawn_as_often_as_it_should_be() -> None:
    method = PAFT(PAFTParams(lock=False))
    ask = FakeAsk()
    method.prepare(task(), ask.info)
    method.learn(ask, 1)
    maker = method._made()
    rows, _ = maker.writer.draw(180, 5, ask)  # type: ignore[union-attr]
    first = method._known.structure.order[0]  # type: ignore[union-attr]
    real = Counter(train()[first].to_pylist())
    drawn = Counter(row[first] for row in rows)
    assert all(abs(drawn[value] / 180 - count / 240) < 0.02 for value, count in real.items())


def test_locked_rows_keep_the_dependency_and_bare_ones_do_not() -> None:
    rows, _ = make(PAFT(PAFTParams(batch_rows=300)), task(300), 300, FakeAsk())
    pairs = set(zip(rows["state"].to_pylist(), rows["bird"].to_pylist(), strict=True))
    assert pairs <= set(BIRD.items())
    bare = PAFTParams(lock=False, align=False, drop_near=False, discover=False)
    rows, _ = make(PAFT(bare), task(300), 300, FakeAsk())
    assert not set(zip(rows["state"].to_pylist(), rows["bird"].to_pylist(), strict=True)) <= set(BIRD.items())


def test_aligned_rows_have_the_margins_of_the_train_rows_and_are_none_of_them() -> None:
    rows, rejects = make(PAFT(PAFTParams(batch_rows=150)), task(300), 300, FakeAsk())
    assert rows.num_rows == 300
    for name in ("state", "seen"):
        real = Counter(train()[name].to_pylist())
        made = Counter(rows[name].to_pylist())
        assert all(abs(made[value] / 300 - count / 240) < 0.02 for value, count in real.items())
    real_rows = Counter(tuple(row.values()) for row in train().drop(["id"]).to_pylist())
    made_rows = {tuple(row.values()) for row in rows.drop(["id"]).to_pylist()}
    assert not made_rows & {row for row, count in real_rows.items() if count == 1}
    assert {one.reason for one in rejects} <= {"near", "parse"}


def test_the_last_row_of_a_run_is_found_too() -> None:
    rows, _ = make(PAFT(PAFTParams(batch_rows=99)), task(100), 100, FakeAsk(), most=4)
    assert rows.num_rows == 100


def test_in_context_the_prompt_shows_rows_in_the_order_and_as_many_as_fit() -> None:
    ask = FakeAsk()
    method = PAFT(PAFTParams(examples=7))
    method.prepare(task(), ask.info)
    method.learn(ask, 1)
    method.batch(20, 2, ask)
    ((_, requests),) = [one for one in ask.asked if one[0] == "rows"][:1]
    (message,) = requests[0].messages
    lines = {Page.of(SCHEMA, method._known.structure.order).line(row) for row in train().to_pylist()}  # type: ignore[union-attr]
    assert sum(line + "\n" in {*lines} for line in message.text.splitlines()) == 7
    assert "Birds of some states." in message.text
    assert any(text.startswith("PAFT-ICL: 7 of 240") for text in ask.notices)
    small = FakeAsk(context=100)
    fewer = PAFT(PAFTParams(examples=50))
    fewer.prepare(task(), small.info)
    fewer.learn(small, 1)
    assert len(fewer._known.learnt.examples) < 7  # type: ignore[union-attr]
    tiny, none = FakeAsk(context=20), PAFT(PAFTParams())
    none.prepare(task(), tiny.info)
    with pytest.raises(ContextTooSmall, match="the model's context holds 20"):
        none.learn(tiny, 1)


def test_what_cannot_be_done_is_said_before_the_run() -> None:
    with pytest.raises(DatasetError, match="has none"):
        PAFT(PAFTParams()).prepare(task_of(SCHEMA), None)
    with pytest.raises(RecipeError, match="nothing to train"):
        PAFT(PAFTParams(learn="finetune")).prepare(task(), FakeAsk().info)


def test_training_without_its_packages_is_refused_with_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("localsynth.methods.paft.method.can_train", lambda: False)
    real = replace(FakeAsk().info, model="own")
    with pytest.raises(RecipeError, match="not installed") as caught:
        PAFT(PAFTParams(learn="finetune")).prepare(task(), real)
    assert "localsynth[finetune]" in caught.value.hint
    ask = FakeAsk()
    method = PAFT(PAFTParams())
    method.prepare(task(), real)
    method.learn(ask, 1)
    assert any("localsynth[finetune]" in text or "PAFT-ICL" in text for text in ask.notices)


def test_a_strange_state_is_told() -> None:
    method = PAFT(PAFTParams())
    method.prepare(task(), FakeAsk().info)
    with pytest.raises(RunError, match="does not fit paft"):
        method.restore({"structure": {}})
    with pytest.raises(RunError, match="before it learnt"):
        PAFT(PAFTParams()).batch(1, 1, FakeAsk())


# --- the paper's mode -----------------------------------------------------------------------------------------------


def test_sentences_are_the_papers() -> None:
    columns = [SCHEMA.column(name) for name in ("state", "bird", "lat")]
    row = {"state": "SC", "bird": "Wren", "lat": 33.5}
    assert sentence(columns, row) == "state is SC, bird is Wren, lat is 33.500"
    told = sentences([SCHEMA.column("seen")], train(18))
    assert len(told.texts) == 16  # rows with a missing value are left out
    assert told.grammar is None


def test_faithful_rows_are_parsed_and_what_cannot_be_is_dropped() -> None:
    def answer(_: str, request: SampleRequest, texts: tuple[str, ...]) -> tuple[str, ...]:
        good = " bird is Robin, lat is 40.500, seen is true\nmore"
        return tuple(good if at % 2 else " bird is Robin, lat is north" for at in range(len(texts)))

    found = replace(structure(mode="faithful"), orders=(("state", "bird", "lat", "seen"),))
    maker = Faithful(PAFTParams(mode="faithful"), task(), found, train(), None)
    ask = FakeAsk(answer=answer)
    draft = maker.batch(40, 1, ask)
    assert 0 < draft.rows.num_rows <= 40
    assert set(draft.rows["bird"].to_pylist()) == {"Robin"}
    assert {one.reason for one in draft.rejects} == {"parse"}
    requests = [request for _, some in ask.asked for request in some]
    assert {request.sampling for request in requests} == {Sampling(temperature=0.7)}
    assert {request.max_tokens for request in requests} == {100}
    assert all(request.prefix.startswith("\nstate is ") for request in requests)


def test_faithful_gives_up_after_thirteen_rounds_without_a_row() -> None:
    ask = FakeAsk(answer=lambda _, request, texts: ("nothing",) * len(texts))
    found = structure(mode="faithful")
    draft = Faithful(PAFTParams(mode="faithful"), task(), found, train(), None).batch(5, 1, ask)
    assert draft.rows.num_rows == 0
    assert len(ask.asked) == 13


# --- small parts ----------------------------------------------------------------------------------------------------


def test_few_rows_are_all_learnt_and_small_tables_are_read_more_often() -> None:
    assert held_rows(11, 0.1, 0).sum() == 0
    assert held_rows(200, 0.1, 0).sum() == 20
    assert np.array_equal(held_rows(200, 0.1, 5), held_rows(200, 0.1, 5))
    assert [epochs_for(rows) for rows in (11, 200, 400, 20_000, 10**7)] == [8, 6, 6, 3, 2]


def test_losses_are_told_as_numbers_and_not_too_many() -> None:
    ask, epochs, each = FakeAsk(), 2, 1_000
    tell = _teller(ask, 30.0, epochs)
    tell({"what": "loading"})
    for epoch in range(1, epochs + 1):
        for step in range(1, each + 1):
            told = {"what": "step", "steps": epochs * each, "epoch": epoch, "loss": 20.0 / step}
            tell(told | {"step": (epoch - 1) * each + step, "seen": None, "held": None})
        tell(told | {"step": epoch * each, "seen": 9.0 - epoch, "held": None if epoch == 1 else 9.5})
    curves: dict[str, list[tuple[float, float]]] = {}
    for one in ask.measures:
        curves.setdefault(one.name, []).append((one.step, one.value))
    assert curves["train rows"] == [(1, 8.0), (2, 7.0)]
    assert curves["held-out rows"] == [(2, 9.5)]
    steps = [step for step, _ in curves["train loss"]]
    assert steps == [50 * number for number in range(1, 41)]
    assert curves["train loss"][0] == (50, 0.4)
    assert {(one.per, one.unit) for one in ask.measures} == {
        ("step", "nats per row"),
        ("epoch", "nats per row"),
    }


def test_a_writer_without_a_margin_leaves_the_first_column_to_the_model() -> None:
    page = Page.of(SCHEMA, ("state", "bird"))
    ask = FakeAsk()
    rows, _ = Writer(page, Sampling()).draw(30, 1, ask)
    assert len(rows) == 30
    assert ask.asked[0][1][0].prefix == "\n"
    assert Writer(page, Sampling()).draw(0, 1, ask) == ([], [])
