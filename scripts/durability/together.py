"""Two that write to one workspace at once, each of them killed half of the times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .children import KILL_AFTER, KILL_BEFORE, KILL_WITHIN, Ended, Fault, begin, command
from .judging import Bench, Lost, Tally, look

__all__ = ["KINDS"]


def _pairs(bench: Bench) -> dict[str, tuple[list[object], list[object], str | None]]:
    """By name: both commands, and what they begin from."""
    made = look(bench.base / "with-run").runs
    return {
        "two runs": (bench.run_words, bench.run_words, "with-data"),
        "two runs of a new workspace": (bench.run_words, bench.run_words, None),
        "import and run": (bench.import_words, bench.run_words, None),
        "run and delete": (bench.run_words, ["runs", "delete", *made, "--yes"], "with-run"),
        "two imports": (bench.import_words, bench.import_words, None),
    }


def two_writers(bench: Bench, tries: int, tally: Tally) -> None:
    """What is committed by either stays; who cannot do it for the other's sake says so."""
    pairs = _pairs(bench)
    for number in range(tries):
        name = list(pairs)[number % len(pairs)]
        first, second, begin_from = pairs[name]
        faults = [_chosen(bench) for _ in range(2)]

        def one(
            folder: Path,
            words: tuple[list[object], list[object]] = (first, second),
            faults: list[tuple[int, int]] = faults,
        ) -> None:
            both = [
                begin(command(said, folder), Fault(folder, *fault))
                for said, fault in zip(words, faults, strict=True)
            ]
            ended = [child.wait() for child in both]
            for child in ended:
                if not child.killed:
                    bench.told(child)
            _one_did_it(words, ended)
            found = bench.survived(
                tally, folder, without=set(words[1][2:]) if "delete" in words[1] else set()
            )
            bench.goes_on(tally, folder, found)

        bench.try_one(tally, f"{name}, faults {faults}", one, begin_from)


def _chosen(bench: Bench) -> tuple[int, int]:
    if bench.chance.random() < 0.5:
        return 0, 0
    return bench.chance.choice((KILL_BEFORE, KILL_AFTER, KILL_WITHIN)), bench.chance.randint(1, 200)


def _one_did_it(words: tuple[list[object], list[object]], ended: list[Ended]) -> None:
    """Nobody is refused but the second of two that import under one name. Raises ``Lost``."""
    refused = [child for child in ended if child.value]
    same = words[0] == words[1] and words[0][0] == "import"
    if len(refused) > int(same):
        raise Lost(f"refused: {'; '.join(child.talk[-400:] for child in refused)}")


#: By name: makes so many tries and counts them.
KINDS: dict[str, Callable[[Bench, int, Tally], None]] = {"two writers": two_writers}
