"""Rows per second of the engine beside what people would write themselves, in one run, on the same model and threads.

The table has six columns. Three ways of making its rows are timed:

engine      prefix-tree sampling under a grammar (this project)
json loop   ``Llama.create_completion`` once per row with llama.cpp's JSON-schema grammar
plain loop  ``Llama.create_completion`` once per row, no grammar, stopped at the line's end

    python scripts/bench_engine.py --rows 2000 --json
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from localsynth.core.cells import read_row, row_grammar
from localsynth.core.contracts import Message, SampleRequest
from localsynth.core.schema import Schema
from localsynth.engine import open_engine
from localsynth.engine.catalog import Catalog, Model
from localsynth.engine.process import available_cores

TABLE = """
description = "One row for each visit to an outpatient clinic."
[[columns]]
name = "sex"
kind = "categorical"
categories = ["female", "male"]
[[columns]]
name = "smoker"
kind = "boolean"
[[columns]]
name = "diagnosis"
kind = "categorical"
categories = ["healthy", "hypertension", "diabetes", "asthma", "depression"]
[[columns]]
name = "age"
kind = "integer"
range = [18, 95]
[[columns]]
name = "systolic_bp"
kind = "integer"
range = [80, 220]
[[columns]]
name = "hba1c"
kind = "float"
range = [4.0, 14.0]
decimals = 1
"""
ASK = (
    "A table of an outpatient clinic with the columns sex (female or male), smoker (true or false), diagnosis (healthy, "
    "hypertension, diabetes, asthma or depression), age (18 to 95 years), systolic_bp (80 to 220 mmHg) and hba1c (4.0 to "
    "14.0 %, one decimal).\n"
)
EXAMPLES = (
    "female,false,hypertension,67,151,5.6\nmale,true,diabetes,58,138,7.4\nfemale,false,healthy,31,117,5.1\n"
)


def engine_request(schema: Schema, rows: int, seed: int) -> SampleRequest:
    question = f"{ASK}Write one row as comma-separated values, like these:\n{EXAMPLES}"
    return SampleRequest((Message("user", question),), row_grammar(schema.columns), n=rows, seed=seed)


def time_engine(model: Model, threads: int, schema: Schema, rows: int, repeats: int) -> dict[str, float]:
    engine = open_engine(model, threads=threads)
    try:
        engine.sample([engine_request(schema, 8, 1)])
        seconds, tokens = [], 0
        for repeat in range(repeats):
            started = time.perf_counter()
            (sample,), usage = engine.sample([engine_request(schema, rows, 100 + repeat)])
            seconds.append(time.perf_counter() - started)
            tokens = usage.prompt_tokens + usage.decoded_tokens
            for text in sample.texts:
                read_row(schema.columns, text.rstrip("\n"))  # every row is valid, or this raises
        pid = getattr(engine, "pid", None)
        peak = peak_rss_mb(pid) if pid else 0.0
    finally:
        engine.close()
    median = statistics.median(seconds)
    return {
        "rows_per_s": rows / median,
        "decode_tokens_per_s": tokens / median,
        "peak_rss_mb": peak,
        "seconds": median,
    }


def peak_rss_mb(pid: int) -> float:
    with Path(f"/proc/{pid}/status").open() as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def json_schema(schema: Schema) -> str:
    kinds: dict[str, dict[str, object]] = {}
    for column in schema.columns:
        if column.kind == "categorical":
            kinds[column.name] = {"enum": list(column.categories)}
        elif column.kind == "boolean":
            kinds[column.name] = {"type": "boolean"}
        else:
            low, high = column.scaled_bounds  # type: ignore[union-attr]
            scale = 10 ** getattr(column, "decimals", 0)
            kind = "integer" if scale == 1 else "number"
            kinds[column.name] = {"type": kind, "minimum": low // scale, "maximum": high // scale}
    return json.dumps(
        {"type": "object", "properties": kinds, "required": list(kinds), "additionalProperties": False}
    )


def time_loops(model: Model, threads: int, schema: Schema, rows: int, seconds: float) -> dict[str, float]:
    import llama_cpp

    llama = llama_cpp.Llama(
        str(model.path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    grammar = llama_cpp.LlamaGrammar.from_json_schema(json_schema(schema), verbose=False)
    question = f"{ASK}Write one row as a JSON object.\n"
    example = '{"sex": "female", "smoker": false, "diagnosis": "healthy", "age": 31, "systolic_bp": 117, "hba1c": 5.1}\n'

    def json_row(seed: int) -> None:
        answer = llama.create_completion(
            question + example, grammar=grammar, max_tokens=120, temperature=1.0, seed=seed
        )
        json.loads(answer["choices"][0]["text"])

    def plain_row(seed: int) -> None:
        llama.create_completion(ASK + EXAMPLES, stop=["\n"], max_tokens=60, temperature=1.0, seed=seed)

    return {
        "json_loop_rows_per_s": rate(json_row, rows, seconds),
        "plain_loop_rows_per_s": rate(plain_row, rows, seconds),
    }


def rate(make_row: Callable[[int], None], rows: int, seconds: float) -> float:
    """Rows per second of a loop, over at least ten rows and at most ``rows`` or ``seconds``."""
    make_row(0)
    started, made = time.perf_counter(), 0
    while made < rows and (made < 10 or time.perf_counter() - started < seconds):
        made += 1
        make_row(made)
    return made / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--repeats", type=int, default=3, help="the engine's median is taken over these")
    parser.add_argument("--loop-seconds", type=float, default=30, help="how long each loop is timed at most")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    schema, model = Schema.from_toml(TABLE), Catalog().get(options.model)
    result: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "model": model.name,
        "threads": options.threads,
    }
    result |= {"rows": options.rows, "load_before": round(os.getloadavg()[0], 2)}
    engine = time_engine(model, options.threads, schema, options.rows, options.repeats)
    loops = time_loops(model, options.threads, schema, options.rows, options.loop_seconds)
    result |= {key: round(value, 2) for key, value in (engine | loops).items()}
    for name in ("json", "plain"):
        result[f"ratio_{name}_loop"] = round(engine["rows_per_s"] / loops[f"{name}_loop_rows_per_s"], 1)
    result["peak_rss_parent_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    if options.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:24} {value}")


if __name__ == "__main__":
    main()
