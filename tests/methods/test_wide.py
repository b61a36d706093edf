"""Wide tables and long texts: what was planned fits, whatever is written; what cannot fit is refused before anything is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsynth.core.contracts import EngineInfo, ProgressCallback, Sample, SampleRequest
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Fixed, FreeText, Grammar, OneOf, Warmed, max_length
from localsynth.core.grammar import Sequence as Parts
from localsynth.core.run import Usage
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.engine.uniform import UniformEngine
from localsynth.methods.text_to_tabular import TextToTabular, TextToTabularParams
from tests.methods.support import FakeAsk, assert_valid, columns, make, task_of, violations


class Measured(UniformEngine):
    """Refuses every request whose longest text might outgrow the context.

    per_token : bytes of a prompt that make one token. per_character : tokens of a character of free text, at worst. Other
    cells take a token for each byte.
    """

    def __init__(self, context: int, per_token: int = 4, per_character: int = 1) -> None:
        super().__init__(context)
        self._per_token, self._per_character = per_token, per_character
        self.refused = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [-(-len(text.encode()) // self._per_token) for text in texts]

    def sample(
        self, requests: Sequence[SampleRequest], progress: ProgressCallback | None = None
    ) -> tuple[list[Sample], Usage]:
        for request in requests:
            assert request.grammar is not None
            needed = self.prompt_tokens(request) + self.longest(request.grammar)
            if needed > self.info().context:
                self.refused += 1
                raise ContextTooSmall(f"{needed} tokens, the context holds {self.info().context}")
        return UniformEngine(10**9).sample(requests, progress)

    def longest(self, grammar: Grammar) -> int:
        match grammar:
            case Fixed(text):
                return self.count_tokens([text])[0]
            case FreeText(_, longest):
                return longest * self._per_character
            case Parts(parts):
                return sum(map(self.longest, parts))
            case OneOf(options):
                return max(map(self.longest, options))
            case Warmed(part):
                return self.longest(part)
            case _:
                return max_length(grammar)


class MeasuredAsk(FakeAsk):
    def __init__(self, engine: Measured) -> None:
        super().__init__()
        self.engine = self._engine = engine

    @property
    def info(self) -> EngineInfo:
        return self.engine.info()


def wide(count: int = 100, about: int = 6000, texts: int = 5) -> Schema:
    """Mixed kinds, descriptions, categories, a rule, and texts of up to 300 characters."""
    described: list[dict[str, Any]] = [{"name": "id", "kind": "identifier"}]
    for i in range(count):
        column: dict[str, Any] = {
            "name": f"measure_{i:03d}",
            "description": f"what was seen at station {i} of the round",
        }
        match i % 8:
            case 0:
                column |= {"kind": "integer", "range": [0, 200 + i]}
            case 1:
                column |= {
                    "kind": "float",
                    "range": [0, 50],
                    "decimals": 1,
                    "distribution": {"mean": 20, "sd": 5},
                }
            case 2:
                column |= {
                    "kind": "categorical",
                    "categories": {f"finding {j}": f"class {j}" for j in range(3 + i % 5)},
                }
            case 3:
                column |= {"kind": "boolean"}
            case 4:
                column |= {"kind": "date", "range": ["2024-01-01", "2025-12-31"]}
            case 5:
                column |= {"kind": "integer", "range": [1, 5], "nullable": True, "null_rate": 0.2}
            case 6:
                column |= {
                    "kind": "categorical",
                    "categories": ["none", "some", "a lot"],
                    "distribution": {"shares": {"none": 0.5, "some": 0.3, "a lot": 0.2}},
                }
            case _:
                column |= (
                    {"kind": "text", "min_length": 1, "max_length": 300}
                    if i < 8 * texts
                    else {"kind": "datetime", "range": ["2024-01-01T08:00", "2025-12-31T18:00"]}
                )
        described.append(column)
    return Schema.model_validate(
        {
            "description": ("Rounds of a ward, one row each, every station seen and measured. " * 200)[:about],
            "target": "measure_003",
            "columns": described,
            "rules": [{"check": "measure_000 <= measure_008 + 100"}, {"check": "measure_004 <= measure_084 + 700"}],
        }
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["aligned", "faithful"])
@pytest.mark.parametrize("context", [8192, 4096, 2048])
def test_a_hundred_columns_fit_any_usual_context(mode: str, context: int) -> None:
    schema = wide(about=16_000 - 100 * 30)
    method = TextToTabular(TextToTabularParams(mode=mode, batch_rows=12))
    ask = MeasuredAsk(Measured(context, per_token=3))
    task = task_of(schema, 12)
    method.prepare(task, ask.info)
    method.learn(ask, 1)
    state = method.state()
    table = method.batch(12, 7, ask).rows
    assert ask.engine.refused == 0
    assert table.num_rows >= (
        12 if mode == "aligned" else 8
    )  # the paper's mode rejects rows that break rules
    assert_valid(schema, table)
    assert not violations(schema)(table).any()
    plan = state["plan"]
    assert [name for sheet in plan["sheets"] for name in sheet["own"]] != []
    assert sorted(name for sheet in plan["sheets"] for name in sheet["own"]) == sorted(schema.names[1:])
    assert plan["caps"] == {}  # texts are as long as the schema allows
    texts = [
        v
        for name in schema.names
        if schema.column(name).kind == "text"
        for v in table.column(name).to_pylist()
    ]
    assert max(map(len, texts)) > 100  # the uniform engine writes at most 201
    if context == 2048:
        assert len(plan["sheets"]) > 1
        assert any(re.search(r"\d+ passes of at most \d+ columns", notice) for notice in ask.notices)
    for notice in ask.notices:
        assert str(context) in notice
    resumed = TextToTabular(TextToTabularParams(mode=mode, batch_rows=12))
    resumed.prepare(task, ask.info)
    resumed.restore(json.loads(json.dumps(state)))
    assert resumed.batch(12, 7, ask).rows.equals(table)


def test_prompts_of_four_thousand_tokens_are_kept_whole_where_there_is_room() -> None:
    schema = wide(about=9000)
    method, ask = TextToTabular(TextToTabularParams(batch_rows=5)), MeasuredAsk(Measured(8192, per_token=4))
    table, _ = make(method, task_of(schema, 5), 5, ask)
    assert table.num_rows == 5
    assert (len(method.state()["plan"]["sheets"]), method.state()["plan"]["level"]) == (1, 0)
    drafts = [request for purpose, requests in ask.asked for request in requests if purpose == "draft"]
    assert all(4000 < ask.prompt_tokens(request) < 6000 for request in drafts)


def test_passes_see_the_columns_that_matter() -> None:
    schema = wide()
    method, ask = TextToTabular(TextToTabularParams(batch_rows=4)), MeasuredAsk(Measured(2048, per_token=3))
    make(method, task_of(schema, 4), 4, ask)
    sheets = method.state()["plan"]["sheets"]
    assert len(sheets) > 1
    for place, sheet in enumerate(sheets[1:], 1):
        earlier = {name for before in sheets[:place] for name in before["own"]}
        assert set(sheet["before"]) <= earlier
        assert "measure_003" in sheet["before"]  # the target
        for pair in (("measure_000", "measure_008"), ("measure_004", "measure_084")):
            for one, other in (pair, pair[::-1]):
                if one in sheet["own"] and other in earlier:
                    assert other in sheet["before"]
        shown = [*sheet["before"], *sheet["own"]]
        heads = {
            request.prefix.split("\n")[0] for _, asked in ask.asked for request in asked if request.prefix
        }
        assert ",".join(shown) in heads


@pytest.mark.parametrize("mode", ["aligned", "faithful"])
def test_what_cannot_fit_is_refused_before_the_first_question(mode: str) -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "n", "kind": "integer", "range": [0, 9]},
                {"name": "story", "kind": "text", "min_length": 20, "max_length": 5000},
            ]
        }
    )
    ask = MeasuredAsk(Measured(600))
    with pytest.raises(
        ContextTooSmall, match=r"column 'story' .* \d+ tokens .* up to \d+, .* holds 600"
    ) as caught:
        make(TextToTabular(TextToTabularParams(mode=mode)), task_of(schema, 5), 5, ask)
    assert "shorten_texts = true" in caught.value.hint
    assert "longer context" in caught.value.hint
    assert ask.asked == []
    table, _ = make(
        TextToTabular(TextToTabularParams(mode=mode, shorten_texts=True)), task_of(schema, 5), 5, ask
    )
    assert table.num_rows == 5
    assert any("fewer characters" in notice and "story" in notice for notice in ask.notices)
    assert ask.engine.refused == 0


@st.composite
def wide_schemas(draw: st.DrawFn) -> Schema:
    count = draw(st.integers(1, 30))
    described = []
    for i in range(count):
        column = draw(columns(f"c{i}"))
        column["description"] = "word " * draw(st.sampled_from([0, 3, 60]))
        if column["kind"] == "text" and draw(st.booleans()):
            column["max_length"] = draw(st.integers(column["min_length"], 400))
        described.append(column)
    data: dict[str, Any] = {
        "columns": described,
        "description": "Grüße, " * draw(st.sampled_from([0, 5, 200])),
    }
    if count > 2 and draw(st.booleans()):
        data["rules"] = [{"check": "c0 is not null or c1 is not null or c2 is null"}]
    if count > 1 and draw(st.booleans()):
        data["dependencies"] = [{"determinant": ["c0"], "dependent": f"c{count - 1}"}]
    return Schema.model_validate(data)


def learned(method: TextToTabular, ask: FakeAsk, seed: int) -> ContextTooSmall | None:
    try:
        method.learn(ask, seed)
    except ContextTooSmall as refusal:
        return refusal
    return None


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    wide_schemas(),
    st.integers(150, 6000),
    st.sampled_from([1, 3, 4]),
    st.sampled_from([1, 4]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
    st.integers(0, 10**6),
)
def test_nothing_outgrows_the_context_once_a_plan_is_made(
    schema: Schema,
    context: int,
    per_token: int,
    per_character: int,
    aligned: bool,
    shorten: bool,
    examples: int,
    seed: int,
) -> None:
    """With text in signs of four tokens each, shorter texts are asked for in place of those that do not fit."""
    ask = MeasuredAsk(Measured(context, per_token, per_character))
    method = TextToTabular(
        TextToTabularParams(
            mode="aligned" if aligned else "faithful",
            shorten_texts=shorten,
            examples=examples,
            rows_per_request=3,
            batch_rows=6,
            temperatures={"c0": 0.5},
        )
    )
    task = task_of(schema, 6, seed)
    method.prepare(task, ask.info)
    refusal = learned(method, ask, derive(seed, "learn"))
    if refusal is not None:
        assert ask.asked == []
        assert re.search(rf"\d+ tokens and what is written up to \d+, .* holds {context}", refusal.message)
        return
    table = method.batch(6, derive(seed, "batch"), ask).rows
    assert_valid(schema, table)
    if per_character == 1:
        assert ask.engine.refused == 0


@pytest.mark.model
@pytest.mark.parametrize("mode", ["aligned", "faithful"])
def test_a_hundred_columns_on_the_real_model(mode: str, embedded_model: Path) -> None:
    from localsynth.engine import open_engine
    from localsynth.engine.catalog import Catalog

    engine = open_engine(Catalog().get("smollm2-135m"), threads=2, context=2048)
    schema = wide(about=3000, texts=1)

    class RealAsk(FakeAsk):
        def __init__(self) -> None:
            super().__init__()
            self._engine = engine  # type: ignore[assignment]

    try:
        method = TextToTabular(
            TextToTabularParams(mode=mode, elicit=False, examples=0, batch_rows=2, max_retries=0)
        )
        ask, task = RealAsk(), task_of(schema, 2)
        method.prepare(task, ask.info)
        method.learn(ask, 1)
        assert len(method.state()["plan"]["sheets"]) > 1
        table = method.batch(2, 3, ask).rows
        assert_valid(schema, table)
        assert table.num_rows == 2 or mode == "faithful"
    finally:
        engine.close()
