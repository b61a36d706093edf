"""Locked rows written by the embedded model."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from localsynth.core.columns import CategoricalColumn, FloatColumn, IntegerColumn
from localsynth.core.contracts import Message, SampleRequest, ScoreRequest
from localsynth.core.grammar import Warmed, seq
from localsynth.core.schema import Dependency
from localsynth.engine.backend import LlamaBackend, Options
from localsynth.engine.masks import Masks
from localsynth.engine.setup import Setup
from localsynth.methods.paft.locks import locked_row, read_locked
from localsynth.store.location import STATES, draw

pytestmark = pytest.mark.model
PROMPT = (Message("user", "Write where a state's bird was seen: state,bird,lat,lon."),)


def on(left: str, right: str) -> Dependency:
    return Dependency(determinant=tuple(left.split()), dependent=right)


@pytest.fixture(scope="module")
def backend(embedded_model: Path) -> LlamaBackend:
    setup = Setup(threads=2, contexts=1, lanes=8, cells=4096, side_cells=2048)
    return LlamaBackend(Options(str(embedded_model), "smollm2-135m", setup))


def test_sightings_stay_in_their_state(backend: LlamaBackend) -> None:
    table = draw(2000, 3)
    columns = [
        CategoricalColumn(name="state", categories=dict.fromkeys(STATES, "")),
        CategoricalColumn(name="bird", categories=dict.fromkeys(sorted(set(table["bird"].to_pylist())), "")),
        FloatColumn(name="lat", range=(25, 50), decimals=1),
        FloatColumn(name="lon", range=(-125, -65), decimals=1),
        IntegerColumn(name="seen", range=(0, 99)),
    ]
    table = table.append_column("seen", pa.array([7] * table.num_rows, pa.int64()))
    dependencies = [on("state", "bird"), on("lat lon", "state")]
    locked = locked_row(columns, dependencies, table)
    assert set(locked.locked) == set(dependencies)
    # the block drawn at a temperature of its own, as a part of the outermost sequence
    block, *rest = locked.grammar.parts
    request = SampleRequest(PROMPT, seq(Warmed(block, 1.3), *rest), n=60, seed=1, likelihood=True)
    (sample,), _ = backend.sample([request])
    for text in sample.texts:
        state, bird, lat, lon, _ = read_locked(columns, text.removesuffix("\n"))
        its, (south, north, west, east) = STATES[str(state)]
        assert (bird, south < lat < north, west < lon < east) == (its, True, True)
    assert sample.logprobs is not None
    assert all(len(values) == len(locked.values) == 2 for values in sample.logprobs)
    # scored again, the block has the same likelihood, but where it was drawn in other tokens than its text is split into
    (scored,), _ = backend.score([ScoreRequest(PROMPT, request.grammar, sample.texts)])
    again = sorted(
        abs(one - other)
        for drawn, given in zip(sample.logprobs, scored.values, strict=True)
        for one, other in zip(drawn, given, strict=True)
    )
    assert all(map(isfinite, again))
    assert again[len(again) // 2] < 0.1


@pytest.mark.parametrize("size", [3_000, 10_000])
def test_thousands_of_alternatives(backend: LlamaBackend, size: int) -> None:
    """Masks of large locks: the parser of expressions gives up where alternatives are not merged by what they begin with."""
    random = Random(1)
    words = ["alder", "birch", "cedar", "dogwood", "fir", "grove", "oak", "pine", "thorn"]
    xs = [f"{random.choice(words)} {random.choice(words)} {at}" for at in range(size)]
    ys = [f"{random.choice(words)}-{random.randrange(size // 3)}" for _ in xs]
    columns = [
        IntegerColumn(name="age", range=(17, 90)),
        CategoricalColumn(name="x", categories=dict.fromkeys(xs, "")),
        CategoricalColumn(name="y", categories=dict.fromkeys(ys, "")),
    ]
    train = pa.table({"age": [20] * size, "x": xs, "y": ys})
    locked = locked_row(columns, [on("x", "y")], train)
    assert locked.locked
    number = backend._grammars.compile(locked.grammar)
    masks = Masks(backend._grammars, backend._weights.vocab_size)
    pieces = backend._weights.pieces()
    image = dict(zip(xs, ys, strict=True))
    for _ in range(50):
        automaton = masks.automaton(number)
        tokens: list[int] = []
        while not automaton.complete:
            tokens.append(int(random.choice(automaton.allowed())))
            automaton.push(tokens[-1:])
            forced = [] if automaton.complete else automaton.forced()
            automaton.push(forced)
            tokens += forced
        text = b"".join(pieces[token] for token in tokens).decode()
        _, x, y = read_locked(columns, text.removesuffix("\n"))
        assert image[str(x)] == y
