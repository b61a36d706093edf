"""What was tried while a method learnt: kept with its step or not at all, given back as it was, gone with its run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.contracts import Round
from localsynth.core.errors import NotFound, RunError
from localsynth.core.run import Batch, Usage
from localsynth.store import datasets, migrate, reading, removing, runs
from localsynth.store.rounds import read_rounds, rounds_table
from localsynth.store.session import Store
from localsynth.tables import arrow_schema
from tests.store.store_kit import SCHEMA, commit, make_run, with_audit, without_audit

ROUND = Round(
    1, 1, "start", "as it is", True, 0.5, 0.25, 0.75, 0.125,
    theta={"words": 'say "no"', "parents": {"age": ['a "b".c']}},
    gaps=({"column": "age", "real": 0.5, "made": 0.25}, {"pair": ["age", "select"], "gap": -0.1}),
)  # fmt: skip
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
_OBJECTS = st.dictionaries(_TEXTS, _JSON, max_size=3)
_ROUNDS = st.lists(
    st.builds(
        Round,
        number=st.integers(1, 2**31 - 1),
        candidate=st.integers(1, 2**31 - 1),
        author=_TEXTS.filter(bool),
        move=_TEXTS,
        accepted=st.booleans(),
        score=_NUMBERS,
        low=_NUMBERS,
        high=_NUMBERS,
        novelty=_NUMBERS,
        theta=_OBJECTS,
        gaps=st.lists(_OBJECTS, max_size=2).map(tuple),
    ),
    max_size=4,
    unique_by=lambda one: (one.number, one.candidate),
)
_names = count()


@pytest.fixture
def clinic(store: Store) -> Store:
    datasets.declare(store, "clinic", SCHEMA)
    runs.create(store, make_run("r"))
    return store


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("rounds") / "ws")
    datasets.declare(store, "clinic", SCHEMA)
    return store


def step(store: Store, batch_no: int, rounds: Sequence[Any], run_id: str = "r") -> None:
    """A batch without rows that tried these."""
    batch = Batch(run_id, batch_no, 0, batch_no, Usage())
    empty = arrow_schema(SCHEMA).empty_table()
    runs.commit_batch(store, batch, empty, [], [], [], {"step": batch_no}, (), rounds)


@settings(max_examples=25, deadline=None)  # each has a run of its own in one workspace
@given(st.lists(_ROUNDS, min_size=1, max_size=3))
def test_what_was_tried_comes_back_in_order(shared: Store, steps: list[list[Round]]) -> None:
    run_id = f"r{next(_names)}"
    runs.create(shared, make_run(run_id))
    for number, rounds in enumerate(steps):
        step(shared, number, rounds, run_id)
    found = read_rounds(shared, run_id).to_pylist()
    tried = [(number, one) for number, rounds in enumerate(steps) for one in rounds]
    assert len(found) == len(tried)
    for row, (number, one) in zip(found, tried, strict=True):
        assert (row["batch_no"], row["round"], row["candidate"]) == (number, one.number, one.candidate)
        assert (row["author"], row["move"], row["accepted"]) == (one.author, one.move, one.accepted)
        for name in ("score", "low", "high", "novelty"):
            value = getattr(one, name)
            assert row[name] == (None if value is None else float(value))
        assert json.loads(row["theta"]) == one.theta
        assert json.loads(row["gaps"]) == list(one.gaps)
    runs.delete(shared, run_id)


def test_theta_and_gaps_are_asked_with_sql(clinic: Store) -> None:
    step(clinic, 0, [ROUND, replace(ROUND, candidate=2, accepted=False, score=None, gaps=())])
    words = "SELECT round, score, theta::JSON ->> '$.words' AS words FROM meta.rounds"
    query = f"{words} WHERE run_id = 'r' AND accepted ORDER BY ALL"
    assert reading.sql(clinic, query).to_pylist() == [{"round": 1, "score": 0.5, "words": 'say "no"'}]
    query = "SELECT round, candidate, unnest(gaps::JSON[]) AS gap FROM meta.rounds WHERE run_id = 'r'"
    query = f"SELECT gap ->> '$.column' AS name, (gap -> '$.real')::DOUBLE AS share FROM ({query})"
    assert reading.sql(clinic, query).to_pylist() == [
        {"name": "age", "share": 0.5},
        {"name": None, "share": None},
    ]


def test_a_step_that_cannot_be_kept_leaves_no_round(clinic: Store) -> None:
    with clinic.write() as con:
        con.execute("ALTER TABLE meta.checkpoints RENAME TO hidden")
    with pytest.raises(OSError, match="checkpoints"):
        step(clinic, 0, [ROUND])
    assert reading.count(clinic, ("meta", "rounds")) == 0
    with pytest.raises(RunError, match="does not follow"):
        step(clinic, 2, [ROUND])
    assert reading.count(clinic, ("meta", "rounds")) == 0


def test_steps_are_followed_by_rows(clinic: Store) -> None:
    for number in range(3):
        step(clinic, number, [replace(ROUND, number=number + 1)])
    commit(clinic, "r", 3, 4)
    query = "SELECT batch_no, rows, first_row FROM meta.batches ORDER BY batch_no"
    assert [tuple(row.values()) for row in reading.sql(clinic, query).to_pylist()] == [
        (0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 4, 1),
    ]  # fmt: skip
    assert read_rounds(clinic, "r")["round"].to_pylist() == [1, 2, 3]
    assert runs.run_rows(clinic, "r").num_rows == 4


def test_rounds_go_with_their_run_and_its_dataset(clinic: Store) -> None:
    runs.create(clinic, make_run("other", second=1))
    for run_id in ("r", "other"):
        step(clinic, 0, [ROUND], run_id)
    runs.delete(clinic, "r")
    assert read_rounds(clinic, "other").num_rows == 1
    assert reading.count(clinic, ("meta", "rounds")) == 1
    with pytest.raises(NotFound):
        read_rounds(clinic, "r")
    removing.drop(clinic, "clinic", with_runs=True)
    assert reading.count(clinic, ("meta", "rounds")) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(ROUND, number=0), "a round numbered 0, candidate 1"),
        (replace(ROUND, candidate=True), "a round numbered 1, candidate True"),
        (replace(ROUND, number=2**31), "a round numbered 2147483648"),
        (replace(ROUND, author=""), "without an author"),
        (replace(ROUND, move="\udc80"), "without an author and a move"),
        (replace(ROUND, accepted=1), "accepted = 1"),
        (replace(ROUND, score=float("nan")), "score = nan"),
        (replace(ROUND, low="0.1"), "low = '0.1'"),
        (replace(ROUND, novelty=float("inf")), "novelty = inf"),
        (replace(ROUND, high=10**400), "high = 1000"),
        (replace(ROUND, theta=[]), "no objects"),
        (replace(ROUND, gaps=("x",)), "no objects"),
        (replace(ROUND, theta={"x": float("nan")}), "theta that are no JSON"),
        (replace(ROUND, gaps=({"x": {1, 2}},)), "gaps that are no JSON"),
        (replace(ROUND, theta={"x": "\udc80"}), "theta that are no text"),
        ({"number": 1}, "a dict instead of a round"),
    ],
)  # fmt: skip
def test_rounds_that_are_none_are_refused(wrong: Any, words: str) -> None:
    with pytest.raises(RunError, match=f"the method of run r gave .*{words}"):
        rounds_table("r", 0, [wrong])


def test_a_candidate_stands_once_in_a_step() -> None:
    with pytest.raises(RunError, match="two candidates of one round with the same number"):
        rounds_table("r", 0, [ROUND, replace(ROUND, move="another")])


def test_a_table_without_numbers_has_the_types_of_one_with(clinic: Store) -> None:
    bare = rounds_table("r", 0, [Round(1, 1, "start", "", False, None)])
    assert bare.schema == rounds_table("r", 0, [ROUND]).schema
    step(clinic, 0, [Round(1, 1, "start", "", False, None)])
    found = read_rounds(clinic, "r")
    assert found.select(["score", "low", "high", "novelty"]).to_pylist() == [
        {"score": None, "low": None, "high": None, "novelty": None}
    ]
    assert found.schema.field("score").type == pa.float64()
    assert found["theta"].to_pylist() == ["{}"]


def test_a_workspace_from_before_rounds_were_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: [one for one in known if one.version <= 8])
    old = Store.create(tmp_path / "old")
    with old.write() as con:
        with_audit(con)
    datasets.declare(old, "clinic", SCHEMA)
    runs.create(old, make_run("r"))
    commit(old, "r", 0, 0)
    with old.write() as con:
        without_audit(con)
    monkeypatch.undo()
    store = Store.open(tmp_path / "old")
    assert (store.folder / "workspace.duckdb.bak-8").exists()
    assert read_rounds(store, "r").num_rows == 0
    step(store, 1, [ROUND])
    commit(store, "r", 2, 3)
    assert read_rounds(store, "r")["batch_no"].to_pylist() == [1]
    runs.delete(store, "r")
    assert reading.count(store, ("meta", "rounds")) == 0
