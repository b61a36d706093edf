#!/usr/bin/env python3
"""What an adapter costs: rows per second with a LoRA adapter and without, in turns, on the very same rows.

The adapter's second matrices are zero, so that the model writes what it would write without it, and every product is computed
all the same.

    python scripts/bench_adapter.py --rows 2000 --rank 16 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter

from localsynth.core.columns import BooleanColumn, CategoricalColumn, FloatColumn, IntegerColumn
from localsynth.core.contracts import Adapter, Sampling
from localsynth.core.schema import Schema
from localsynth.engine import open_engine
from localsynth.engine.catalog import Catalog
from localsynth.methods.page import Page

_LINEAR = re.compile(r"blk\.\d+\.(attn_(q|k|v|output)|ffn_(gate|up|down))\.weight")


def fourteen() -> Schema:
    """A table like a clinic's: 14 columns of numbers and categories."""

    def category(name: str, *values: str) -> CategoricalColumn:
        return CategoricalColumn(name=name, categories=dict.fromkeys(values, ""))

    return Schema(
        columns=(
            IntegerColumn(name="age", range=(18, 95)),
            category("sex", "female", "male"),
            category("pain", "typical", "atypical", "other", "none"),
            IntegerColumn(name="pressure", range=(80, 220)),
            IntegerColumn(name="cholesterol", range=(100, 600)),
            BooleanColumn(name="sugar"),
            category("ecg", "normal", "abnormal", "hypertrophy"),
            IntegerColumn(name="rate", range=(60, 210)),
            BooleanColumn(name="angina"),
            FloatColumn(name="depression", range=(0, 7), decimals=1),
            category("slope", "up", "flat", "down"),
            IntegerColumn(name="vessels", range=(0, 3)),
            category("thal", "normal", "fixed", "reversible"),
            category("disease", "no", "yes"),
        )
    )


def write_idle(model: Path, path: Path, rank: int) -> None:
    """An adapter of that rank on every linear layer that changes nothing."""
    reader, rng = GGUFReader(model), np.random.default_rng(0)
    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * rank)
    for tensor in reader.tensors:
        if _LINEAR.fullmatch(tensor.name):
            wide, tall = (int(size) for size in tensor.shape)  # numbers in, numbers out
            writer.add_tensor(f"{tensor.name}.lora_a", rng.normal(size=(rank, wide)).astype(np.float32))
            writer.add_tensor(f"{tensor.name}.lora_b", np.zeros((tall, rank), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    schema, model = fourteen(), Catalog().get(args.model)
    page = Page.of(schema, schema.names)
    speeds: dict[str, list[float]] = {"without": [], "with": []}
    texts: dict[str, tuple[str, ...]] = {}
    with tempfile.TemporaryDirectory() as folder, closing(open_engine(model)) as engine:
        write_idle(Path(model.path), Path(folder) / "idle.gguf", args.rank)
        adapters = {"without": None, "with": Adapter(str(Path(folder) / "idle.gguf"))}
        for adapter in adapters.values():
            engine.sample([page.request(8, Sampling(), 1, adapter)])  # grammar compiled, adapter read
        for repeat in range(args.repeats):
            for name, adapter in adapters.items():
                began = time.perf_counter()
                (sample,), usage = engine.sample([page.request(args.rows, Sampling(), repeat, adapter)])
                seconds = time.perf_counter() - began
                speeds[name].append(usage.decoded_tokens / seconds)
                texts[name] = sample.texts
                print(
                    f"{name} the adapter: {args.rows / seconds:.1f} rows/s, {speeds[name][-1]:.0f} tokens/s",
                    file=sys.stderr,
                    flush=True,
                )
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    alike = np.mean([a == b for a, b in zip(*texts.values(), strict=True)])
    print(
        json.dumps(
            {
                "tokens_per_s": medians,
                "ratio": medians["with"] / medians["without"],
                "rows_alike": float(alike),
            }
        )
    )


if __name__ == "__main__":
    main()
