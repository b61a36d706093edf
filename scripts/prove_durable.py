#!/usr/bin/env python3
"""Proof that nothing is lost: faults on purpose, and a table of what a workspace still had after each.

    .venv/bin/python scripts/prove_durable.py --tries 200 --model-tries 20
    .venv/bin/python scripts/prove_durable.py --only "disk full; power cut" --tries 40 --seed 7

After each fault the workspace must open, hold every row that was committed, and the run that is taken up again must have the
rows of one that nobody disturbed. The exit code is 1 where anything was lost; the folders of such tries are kept.
Needs Linux and a C compiler.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from durability import kinds, models, together, versions
from durability.children import restart_with_faults
from durability.judging import Bench, Lost, Tally

KINDS = {**kinds.KINDS, **together.KINDS, **versions.KINDS}


def prove(bench: Bench, names: list[str], tries: int, model_tries: int) -> list[Tally]:
    """Try every kind of fault so often."""
    tallies = []
    for name in names:
        started = time.monotonic()
        tally = Tally(name)
        try:
            if name in KINDS:
                KINDS[name](bench, tries, tally)
            else:
                models.KINDS[name](bench, model_tries, tally)
        except (Lost, RuntimeError) as error:  # before the first try, or beside one
            tally.tries += 1
            bench.talk(f"{name}: {error}")
        tallies.append(tally)
        print(f"{_line(tally)}  {time.monotonic() - started:6.0f} s", flush=True)
    return tallies


def _line(tally: Tally) -> str:
    equal = f"{tally.equal}/{tally.tries}"
    return f"{tally.kind:<28} {tally.tries:>5} {tally.survived:>8} {tally.lost:>9} {equal:>24}"


def main() -> int:
    """0 where nothing was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--tries", type=int, default=200, help="of each kind without a model")
    parser.add_argument("--model-tries", type=int, default=0, help="of each method with a model (0: none)")
    parser.add_argument("--model", help="by default the usual one")
    parser.add_argument("--only", help="kinds, separated by semicolons; a beginning of a name is enough")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the faults")
    options = parser.parse_args()
    wanted = [part.strip() for part in options.only.split(";")] if options.only else [""]
    every = [*KINDS, *(models.KINDS if options.model_tries else ())]
    names = [name for name in every if any(name.startswith(part) for part in wanted)]
    if not names:
        parser.error(f"no kind is called so; there are: {'; '.join([*KINDS, *models.KINDS])}")
    restart_with_faults()
    base = Path(tempfile.mkdtemp(prefix="durable-"))
    bench = Bench(
        base,
        random.Random(options.seed),
        lambda text: print(text, file=sys.stderr, flush=True),
        options.model,
    )
    equal = "runs equal after resume"
    print(f"{'fault':<28} {'tries':>5} {'survived':>8} {'rows lost':>9} {equal:>24}", flush=True)
    tallies = prove(bench, names, options.tries, options.model_tries)
    if all(tally.whole for tally in tallies):
        shutil.rmtree(base)
        print("nothing was lost")
        return 0
    print(f"LOST; see {base}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
