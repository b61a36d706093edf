#!/usr/bin/env python3
"""Coverage-guided fuzzing of every reader of what comes from outside; the targets are in tests/fuzz_kit.py.

    pip install atheris
    scripts/fuzz.py --seconds 60                  # each target a minute, with a table at the end
    scripts/fuzz.py --targets gguf,csv --seconds 600 --seed 3
    scripts/fuzz.py --replay gguf FILE            # one input again, with its traceback

Each target runs in a process of its own, sealed against the network, under 2 GB of memory; an input that takes longer than
5 s is a hang. Inputs that crashed or hung are kept in --found (default ./fuzz-found). The exit code is 1 where there is one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_HANG_S, _MEMORY_MB, _LONGEST = 5, 2048, 4096


@dataclass(frozen=True)
class Outcome:
    """inputs : that were tried. edges : of the code, as far as it was seen. bad : files with what crashed or hung."""

    target: str
    inputs: int
    edges: int
    seconds: float
    bad: tuple[Path, ...]


def main() -> int:
    """Fuzz, print a table, give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", default="", help="names, with commas between them; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"))
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"))
    parser.add_argument("--inside", metavar="TARGET", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.inside:
        return inside(options.inside, rest)
    from tests.fuzz_kit import TARGETS

    if options.replay:
        name, file = options.replay
        TARGETS[name](Path(file).read_bytes())
        print("read or refused, as it should be")
        return 0
    names = [name for name in options.targets.split(",") if name] or list(TARGETS)
    unknown = set(names) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    print(f"{'target':<16} {'inputs':>10} {'edges':>7} {'seconds':>8} {'crashes and hangs':>18}", flush=True)
    outcomes = []
    for name in names:
        one = fuzzed(name, options.seconds, options.seed, options.found)
        outcomes.append(one)
        print(
            f"{name:<16} {one.inputs:>10,} {one.edges:>7,} {one.seconds:>8.0f} {len(one.bad):>18}", flush=True
        )
        for path in one.bad:
            print(f"    {path}", flush=True)
    bad = sum(len(one.bad) for one in outcomes)
    print(
        f"{'in all':<16} {sum(one.inputs for one in outcomes):>10,} {'':>7} "
        f"{sum(one.seconds for one in outcomes):>8.0f} {bad:>18}"
    )
    return 1 if bad else 0


def fuzzed(name: str, seconds: int, seed: int, found: Path) -> Outcome:
    """One target, in a process of its own."""
    from tests.fuzz_kit import TARGETS

    target = TARGETS[name]
    place = found / name.replace(" ", "_")
    place.mkdir(parents=True, exist_ok=True)
    before = set(place.iterdir())
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, one in enumerate(target.seeds()):
            (corpus / str(number)).write_bytes(one)
        words = Path(folder) / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
        known = [f"-dict={words}"] if target.words else []  # an empty file is an error
        command = [sys.executable, __file__, "--inside", name, f"-max_total_time={seconds}", f"-seed={seed}"]
        command += [f"-timeout={_HANG_S}", f"-rss_limit_mb={_MEMORY_MB}", f"-max_len={_LONGEST}"]
        command += [*known, f"-artifact_prefix={place}/", "-print_final_stats=1", str(corpus)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr
    inputs = [
        int(number) for number in re.findall(r"(?:stat::number_of_executed_units:\s*|^#)(\d+)", said, re.M)
    ]
    edges = [int(number) for number in re.findall(r"cov: (\d+)", said)]
    took = re.findall(r"in (\d+) second", said)
    bad = tuple(sorted(set(place.iterdir()) - before))
    if done.returncode and not bad:
        sys.stderr.write(said[-3000:])
        raise SystemExit(f"the fuzzer of {name} ended with code {done.returncode}")
    for path in bad:
        path.with_suffix(".txt").write_text(said[-20_000:])
    return Outcome(name, max(inputs, default=0), max(edges, default=0), float(took[-1]) if took else 0.0, bad)


def _escaped(word: str) -> str:
    """A word as libFuzzer's dictionaries write it."""
    return "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\x{b:02x}" for b in word.encode())


def inside(name: str, arguments: list[str]) -> int:
    """The fuzzer's own process; never comes back."""
    from localsynth.sealed import seal

    seal()
    try:
        import atheris
    except ModuleNotFoundError:
        raise SystemExit("error: the package atheris is missing\nhint: pip install atheris") from None
    with atheris.instrument_imports(include=["localsynth", "tests.fuzz_kit", "json", "tomllib"]):
        from tests.fuzz_kit import TARGETS
    target = TARGETS[name]
    with atheris.instrument_imports(include=["localsynth", "json", "tomllib"]):
        for seed in target.seeds():
            target(seed)  # what it imports at its first use is instrumented, too
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
