"""Every reader of what comes from outside, as a function of bytes: what it raises must be one of our errors.

``tests/test_fuzz.py`` tries a few hundred inputs each in every test run, ``scripts/fuzz.py`` a million, led by coverage.
"""

from __future__ import annotations

import os
import select
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localsynth.core.errors import LocalsynthError
from localsynth.core.schema import Schema

__all__ = ["TARGETS", "Target"]

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Target:
    """read : takes the bytes; it may raise what is in ``fine``, beside our own errors. seeds : good inputs.

    words : of the language, for who makes inputs. slow : it opens a database.
    """

    name: str
    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    words: tuple[str, ...] = ()
    fine: tuple[type[BaseException], ...] = ()
    slow: bool = False  # opens a database

    def __call__(self, data: bytes) -> None:
        """Read; every error that is not ours goes through."""
        try:
            self.read(data)
        except (LocalsynthError, *self.fine):
            return


@cache
def folder() -> Path:
    """For the files of one process, in memory where the system has such a place."""
    shm = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="localsynth-fuzz-", dir=shm if os.access(shm, os.W_OK) else None))
    import atexit

    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _file(name: str, data: bytes) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _packed(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "recipes").glob(pattern))]


@cache
def small() -> Schema:
    """A column of every kind."""
    return Schema.from_toml(SCHEMA)


SCHEMA = """
description = "A few of everything"

[[columns]]
name = "age"
kind = "integer"
range = [0, 120]
nullable = true
null_rate = 0.1

[[columns]]
name = "weight"
kind = "float"
range = [0.0, 300.0]
decimals = 1

[[columns]]
name = "smoker"
kind = "boolean"

[[columns]]
name = "blood group"
kind = "categorical"
categories = ["A", "B", "AB", "0"]

[[columns]]
name = "seen"
kind = "date"
range = [2020-01-01, 2024-12-31]

[[columns]]
name = "note"
kind = "text"
max_length = 40

[[rules]]
check = "age >= 18 OR NOT smoker"
"""

_HASH = "0123456789abcdef" * 4
REGISTRY = f"""
[models.own]
path = "own.gguf"
sha256 = "{_HASH}"
size = 1000
license = "mit"
architecture = "llama"
quantization = "Q8_0"
parameters = 1000
context = 512
memory_mb = 1

[seen.own]
path = "own.gguf"
sha256 = "{_HASH}"
size = 1000
mtime_ns = 1700000000000000000
"""
TUNED = f"""
[models.own]
original = "{_HASH}"
quantization = "Q8_0"
sha256 = "{_HASH}"
size = 1000
cpu = "some processor"
cores = 4
tokens_per_s = 100.0
rows_per_s = 10.0
tuned_at = 2024-01-01T00:00:00Z

[models.own.setup]
threads = 2
contexts = 1
lanes = 8
"""

_TOML = (
    "[[columns]]",
    "[method]",
    "[dataset]",
    "name",
    "kind",
    "=",
    '"""',
    "'''",
    "inf",
    "nan",
    "0x",
    "\\u0000",
    "{",
    "}",
)
_SQL = (
    "SELECT",
    "FROM",
    "WHERE",
    "read_csv",
    "'",
    '"',
    ";",
    "--",
    "/*",
    "COPY",
    "ATTACH",
    "PRAGMA",
    "range(1e18)",
    "NULL",
)


# --- files of people -------------------------------------------------------------------------------------------------


def _recipe(data: bytes) -> None:
    from localsynth.core.recipe import Recipe

    recipe = Recipe.from_toml(_text(data))
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def _schema(data: bytes) -> None:
    schema = Schema.from_toml(_text(data))
    assert Schema.from_toml(schema.to_toml()) == schema


def _statistics(data: bytes) -> None:
    from localsynth.core.statisticsfile import load_statistics

    name = "survey_margins.age_by_gender.csv"
    _file(name, (ROOT / "recipes" / name).read_bytes())
    load_statistics(_file("s.toml", data), _survey())


@cache
def _survey() -> Schema:
    return Schema.load(ROOT / "recipes" / "survey_margins.schema.toml")


def _cross_table(data: bytes) -> None:
    """The table beside a file of statistics, and the file as it is."""
    from localsynth.core.statisticsfile import load_statistics

    _file("survey_margins.age_by_gender.csv", data)
    path = _file("c.toml", (ROOT / "recipes" / "survey_margins.statistics.toml").read_bytes())
    load_statistics(path, _survey())


def _settings(data: bytes) -> None:
    from localsynth.tui.memory import Settings

    Settings.read(_file("ui.toml", data))


def _memory(data: bytes) -> None:
    from localsynth.tui.memory import Memory

    place = folder() / "memory" / "ui"
    place.mkdir(parents=True, exist_ok=True)
    (place / "state.json").write_bytes(data)
    memory = Memory.read(str(place.parent), keep=False)
    memory.place, memory.subject  # noqa: B018 - what the file says decides whether they can be read


def _history(data: bytes) -> None:
    from localsynth.tui.sql.history import _entry

    _entry(_text(data))


def _models(data: bytes) -> None:
    from localsynth.engine.registry import read_known

    read_known(_file("models.toml", data))


def _registry(data: bytes) -> None:
    from localsynth.engine.registry import Registry

    registry = Registry(folder())
    registry.path.write_bytes(data)
    registry.added()
    registry.seen("x")


def _tuned(data: bytes) -> None:
    from localsynth.engine.tuned import TunedFile

    tuned = TunedFile(folder())
    tuned.path.write_bytes(data)
    tuned.all()


def _imported(kind: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        from localsynth.workspace import Workspace

        Workspace(folder() / "none").preview(_file(f"t.{kind}", data))

    return read


def _parquet() -> list[bytes]:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {"a": [1, None, 3], "b": ["x", "y", None], "c": [1.5, 2.5, None], "d": [True, None, False]}
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    return [out.getvalue()]


# --- models and adapters ---------------------------------------------------------------------------------------------


def _gguf(data: bytes) -> None:
    from localsynth.engine.gguf import read_header

    header = read_header(_file("m.gguf", data))
    assert header.parameters >= 0


def _ggufs() -> list[bytes]:
    from tests.engine.gguf_files import META, gguf

    adapter: dict[str, Any] = {
        **META,
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 16.0,
    }
    return [gguf(), gguf(adapter, (("blk.0.attn_q.weight.lora_a", (32, 4), 0),)), gguf(version=2)]


# --- what processes leave for each other -----------------------------------------------------------------------------


def _events(data: bytes) -> None:
    from localsynth.core.events import decode, encode
    from localsynth.runs.bus import read_events

    events, end = read_events(_file("events.jsonl", data))
    assert 0 <= end <= len(data)
    for event in events:
        encode(event)
    decode(_text(data))


def _event_lines() -> list[bytes]:
    from localsynth.core import events

    made = [
        events.Notice("r", 1.0, "text", "warning"),
        events.Progress("r", 1.0, 2.0, 10, 1.0, 5.0, None, "write", 0.5, 2.0),
        events.BatchCommitted("r", 1.0, 1, 10, 10, 20, 1.5),
        events.RunEnded("r", 1.0, "finished", 20, 20, 3.0),
    ]
    return [("\n".join(map(events.encode, made)) + "\n").encode()]


def _frame(data: bytes) -> None:
    from localsynth.engine.wire import decode_requests, read_frame

    read, write = os.pipe()
    try:
        os.write(write, (len(data).to_bytes(4, "little") + data)[: select.PIPE_BUF])
        os.close(write)
        message = read_frame(read)
    finally:
        os.close(read)
    if isinstance(message, dict):
        decode_requests(message)


def _frames() -> list[bytes]:
    import json

    from localsynth.core.cells import cell_grammar
    from localsynth.core.contracts import Message, SampleRequest
    from localsynth.engine.wire import encode_requests

    requests = [
        SampleRequest((Message("user", "hello"),), cell_grammar(column), n=2) for column in small().columns
    ]
    return [json.dumps(encode_requests([request])).encode() for request in requests]


def _request(data: bytes) -> None:
    from localsynth.workspace.jobrequests import read_request

    _file("request.json", data)
    read_request(folder())


def _status(data: bytes) -> None:
    from localsynth.workspace.jobfiles import StatusReader

    _file("status.jsonl", data)
    StatusReader(folder()).read()


# --- what a model wrote ----------------------------------------------------------------------------------------------


def _row(data: bytes) -> None:
    from localsynth.core.cells import read_row, write_row

    columns = small().columns
    values = read_row(columns, _text(data))
    again = read_row(columns, write_row(columns, values))
    assert values == again


def _whole_row() -> bytes:
    from datetime import date

    from localsynth.core.cells import write_row

    return write_row(
        small().columns, [34, 71.5, True, "AB", date(2021, 5, 6), 'said "no", then left']
    ).encode()


def _answer(data: bytes) -> None:
    from localsynth.methods.text_to_tabular.answers import read_answer

    read_answer(small().columns, _text(data))


def _theta(data: bytes) -> None:
    from localsynth.methods.mallm_gan.faithful.reading import read_theta

    names = [column.name for column in small().columns]
    read = read_theta(_text(data), names)
    assert sorted(read.order) == sorted(names)


# --- SQL of people ---------------------------------------------------------------------------------------------------


def _where(data: bytes) -> None:
    from localsynth.store.where import read_where

    read_where(_text(data), small())


def _rule(data: bytes) -> None:
    from localsynth.core.schema import Rule
    from localsynth.store.rules import RuleChecker

    RuleChecker(small().model_copy(update={"rules": (Rule(check=_text(data)),)})).close()


def _sql(data: bytes) -> None:
    from localsynth.store.reading import sql

    store = _space().store
    before = sorted(folder().iterdir())
    sql(store, _text(data), limit=100)
    assert sorted(folder().iterdir()) == before  # whatever it was, it wrote nothing


@cache
def _space() -> Any:
    from localsynth.workspace import Workspace

    return Workspace(folder() / "workspace").init()


def _texts(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


_ANSWER = (
    '{"0": {"age": 3, "weight": 1.5, "smoker": true, "blood group": "A", "seen": "2021-01-02", "note": "x"}}'
)

_WIRE = (ValueError, RecursionError, LookupError, TypeError, AttributeError)  # both ends of it are ours

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("recipe", _recipe, lambda: [x for x in _packed("*.toml") if b"[method]" in x], _TOML),
        Target("schema", _schema, lambda: [SCHEMA.encode(), *_packed("*.schema.toml")], _TOML),
        Target("statistics", _statistics, lambda: _packed("*.statistics.toml"), _TOML),
        Target("cross table", _cross_table, lambda: _packed("*.csv"), (",", '"', "\n", "1e400", "-1")),
        Target("settings", _settings, _texts('theme = "dark"\n[keys]\n"go.sql" = "f12"\n'), _TOML),
        Target(
            "memory",
            _memory,
            _texts('{"place": "home", "drafts": {"x": "rows = 1"}}'),
            ('"place"', '"subject"', "null"),
        ),
        Target(
            "history",
            _history,
            _texts('{"at": "2024-01-01", "sql": "SELECT 1", "seconds": 0.1}'),
            ('"sql"', "null"),
        ),
        Target("models.toml", _models, lambda: [(ROOT / "models" / "models.toml").read_bytes()], _TOML),
        Target("registry.toml", _registry, _texts(REGISTRY), _TOML),
        Target("tuned.toml", _tuned, _texts(TUNED), _TOML),
        Target("gguf", _gguf, _ggufs, ("general.architecture", "general.alignment", "GGUF")),
        Target("events", _events, _event_lines, ('"type":', '"notice"', '"at":', "NaN", "1e999")),
        Target("frame", _frame, _frames, ('"requests"', '"grammar"', "[[[[", "null"), _WIRE),
        Target(
            "request",
            _request,
            _texts('{"kind": "evaluate", "started_at": 1.0, "request": {"runs": ["a"]}}'),
            ('"kind"', '"run"', '"import"', '"request"', "null"),
            (OSError, ValueError),
        ),
        Target("status", _status, _texts('{"phase": "running", "at": 1.0}\n{"step": "x", "share": 0.5}\n')),
        Target("row", _row, lambda: [_whole_row()], (",", '""', "NaN", "1e400", "2021-02-30"), (ValueError,)),
        Target("answer", _answer, _texts(_ANSWER), ("null", "[", "{", "1e999", "NaN")),
        Target(
            "theta",
            _theta,
            _texts("age -> weight\n[('smoker', 'note')]\n{\"age\": [\"seen\"]}"),
            ("->", "[[", "('"),
        ),
        Target(
            "where", _where, _texts("age > 3 AND smoker", "\"blood group\" IN ('A', 'B')"), _SQL, slow=True
        ),
        Target(
            "rule",
            _rule,
            _texts("age >= 18 OR NOT smoker", "weight < age * 3"),
            _SQL,
            (ValueError,),
            slow=True,
        ),
        Target(
            "sql",
            _sql,
            _texts("SELECT 1", "FROM meta.runs LIMIT 1", "PIVOT meta.runs ON status"),
            _SQL,
            slow=True,
        ),
        Target(
            "csv",
            _imported("csv"),
            _texts("a,b\n1,x\n2,\n", "a;b\n1,5;x\n"),
            (",", '"', "\r\n", "\ufeff"),
            slow=True,
        ),
        Target("tsv", _imported("tsv"), _texts("a\tb\n1\tx\n"), ("\t", '"', "\n"), slow=True),
        Target(
            "json lines",
            _imported("jsonl"),
            _texts('{"a": 1, "b": "x"}\n{"a": null}\n'),
            ("{", "[", "null"),
            slow=True,
        ),
        Target("parquet", _imported("parquet"), _parquet, ("PAR1",), slow=True),
    )
}
