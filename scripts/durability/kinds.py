"""The faults of one process that writes: killed, refused by the disk, without power, with another clock."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from .children import CLOCK, FAIL, KILL_AFTER, KILL_BEFORE, KILL_WITHIN, Fault, begin, command, isolated
from .disk import Content, after_power_cut, changes_in
from .judging import Bench, Lost, Tally, promised_in

__all__ = ["KINDS"]

_DAY_S = 24 * 3600
_KILLS = {KILL_BEFORE: "before", KILL_AFTER: "after", KILL_WITHIN: "within"}


def _usual(bench: Bench, words: list[object], begin_from: str | None) -> int:
    """How many changes a command makes below the workspace."""
    folder = bench.fresh(begin_from)
    ended = begin(command(words, folder), Fault(folder)).wait()
    bench.told(ended)
    shutil.rmtree(folder)
    return ended.changes


def _killed(bench: Bench, tries: int, words: list[object], begin_from: str | None, tally: Tally) -> None:
    """At some change, or within it; half of the times what goes on is killed as well, wherever that is then."""
    usual = _usual(bench, words, begin_from)
    if tries >= usual:  # each of them, then
        points = [1 + n % usual for n in range(tries)]
    else:
        points = sorted(bench.chance.sample(range(1, usual + 1), tries))
    for at in points:
        kind = bench.chance.choice(list(_KILLS))

        def one(folder: Path, at: int = at, kind: int = kind) -> None:
            ended = begin(command(words, folder), Fault(folder, kind, at)).wait()
            if not ended.killed:
                bench.told(ended)
            found = bench.survived(tally, folder)
            again = bench.chance.randint(1, usual)
            if found.runs and bench.chance.random() < 0.5:
                begin(command(bench.resume_words, folder), Fault(folder, kind, again)).wait()
                tally.survived -= 1
                found = bench.survived(tally, folder, promised=None)
            bench.goes_on(tally, folder, found)

        bench.try_one(tally, f"killed {_KILLS[kind]} change {at} of {usual}", one, begin_from)


def kill_run(bench: Bench, tries: int, tally: Tally) -> None:
    """SIGKILL of a run, of a new workspace's first one, too."""
    first = max(1, tries // 4)
    _killed(bench, first, bench.run_words, None, tally)
    _killed(bench, tries - first, bench.run_words, "with-data", tally)


def kill_import(bench: Bench, tries: int, tally: Tally) -> None:
    """SIGKILL of an import, into a new workspace."""
    _killed(bench, tries, bench.import_words, None, tally)


def kill_any_time(bench: Bench, tries: int, tally: Tally) -> None:
    """SIGKILL of a run after a random time."""
    folder = bench.fresh("with-data")
    started = time.monotonic()
    begin(command(bench.run_words, folder)).wait()
    usual = time.monotonic() - started
    shutil.rmtree(folder)
    for _ in range(tries):
        after = bench.chance.uniform(0, usual)

        def one(folder: Path, after: float = after) -> None:
            child = begin(command(bench.run_words, folder))
            time.sleep(after)
            child.kill()
            child.wait()
            bench.goes_on(tally, folder, bench.survived(tally, folder))

        bench.try_one(tally, f"killed after {after:.3f} s", one, "with-data")


def power_cut(bench: Bench, tries: int, tally: Tally) -> None:
    """Import and run recorded; then the disk as it may be when the power goes after any of their changes."""
    few = max(1, tries // 4)
    _cut(bench, few, bench.import_words, None, tally)
    _cut(bench, tries - few, bench.run_words, "with-data", tally)


def _cut(bench: Bench, tries: int, words: list[object], begin_from: str | None, tally: Tally) -> None:
    source = bench.fresh(begin_from)
    before = source.with_name(f"{source.name}-before")
    if begin_from:
        bench.copy(source, before.name)
    log = source.with_name(f"{source.name}.log")
    bench.told(begin(command(words, source), Fault(source, log=log)).wait())
    changes = changes_in(log)
    if after_power_cut(changes, source, before, None) != Content.of(source):
        raise RuntimeError(f"{log} does not tell all changes of {source}")
    for cut in sorted(bench.chance.choices(range(1, len(changes) + 1), k=tries)):

        def one(folder: Path, cut: int = cut) -> None:
            after_power_cut(changes[:cut], source, before, None).write(folder)
            promised = promised_in(folder)
            shutil.rmtree(folder, ignore_errors=True)
            after_power_cut(changes[:cut], source, before, bench.chance).write(folder)
            bench.goes_on(tally, folder, bench.survived(tally, folder, promised=promised))

        bench.try_one(tally, f"power cut after change {cut} of {len(changes)}", one, None)
    for path in (source, before):
        shutil.rmtree(path, ignore_errors=True)


def _refused(
    bench: Bench, tries: int, tally: Tally, error: int, words: list[object], begin_from: str | None
) -> None:
    """From some change on, some fail, or all; later none does any more."""
    usual = _usual(bench, words, begin_from)
    for _ in range(tries):
        at = bench.chance.randint(1, usual)
        lasting = bench.chance.choice((1, 2, 10, 1 << 40))

        def one(folder: Path, at: int = at, lasting: int = lasting) -> None:
            ended = begin(command(words, folder), Fault(folder, FAIL, at, lasting, error)).wait()
            bench.told(ended)
            found = bench.survived(tally, folder)
            if ended.value == 0 and [status for status, _ in found.runs.values()] not in ([], ["finished"]):
                raise Lost("it said that all was well, and the run is not finished")
            bench.goes_on(tally, folder, found)

        many = "all" if lasting > 10 else str(lasting)
        bench.try_one(
            tally, f"{errno.errorcode[error]} for {many} from change {at} of {usual} on", one, begin_from
        )


def _refusing(error: int, bench: Bench, tries: int, tally: Tally) -> None:
    few = max(1, tries // 4)
    _refused(bench, few, tally, error, bench.import_words, None)
    _refused(bench, tries - few, tally, error, bench.run_words, "with-data")


def _clock(seconds: Callable[[float], float], bench: Bench, tries: int, tally: Tally) -> None:
    """The clock jumps in mid-run, or before; half of the times the run is killed, and taken up with the right time."""
    usual = _usual(bench, bench.run_words, "with-data")
    for _ in range(tries):
        at = bench.chance.choice((0, bench.chance.randint(1, usual)))
        dies = bench.chance.random() < 0.5

        def one(folder: Path, at: int = at, dies: bool = dies) -> None:
            jump = Fault(folder, CLOCK, at, seconds=round(seconds(time.time())))
            child = begin(command(bench.run_words, folder), jump)
            if dies:
                time.sleep(bench.chance.uniform(0, 0.5))
                child.kill()
            ended = child.wait()
            if not ended.killed:
                bench.told(ended)
                if ended.value:
                    raise Lost(f"refused: {ended.talk[-300:]}")
            found = bench.survived(tally, folder)
            _sane(folder)
            bench.goes_on(tally, folder, found)
            _sane(folder)

        bench.try_one(tally, f"clock at change {at}", one, "with-data")


def _sane(folder: Path) -> None:
    """No event tells of a time to go, a rate or a duration that cannot be."""

    def work() -> str:
        from localsynth import Workspace
        from localsynth.core.events import BatchCommitted, Progress, RunEnded

        space = Workspace(folder)
        for run in space.runs():
            for event in space.watch(run):
                spans = {
                    Progress: ("eta_s", "rows_per_s"),
                    BatchCommitted: ("seconds",),
                    RunEnded: ("seconds",),
                }.get(type(event), ())
                for name in spans:
                    value = getattr(event, name)
                    if value is not None and not 0 <= value < 1e5:
                        return f"{type(event).__name__}.{name} is {value}"
        return ""

    if odd := isolated(work):
        raise Lost(odd)


#: By name: makes so many tries and counts them.
KINDS: dict[str, Callable[[Bench, int, Tally], None]] = {
    "kill the run": kill_run,
    "kill the import": kill_import,
    "kill at any time": kill_any_time,
    "power cut": power_cut,
    "disk full": partial(_refusing, errno.ENOSPC),
    "disk error": partial(_refusing, errno.EIO),
    "read-only": partial(_refusing, errno.EROFS),
    "no permission": partial(_refusing, errno.EACCES),
    "clock a day back": partial(_clock, lambda _now: -_DAY_S),
    "clock in 1970": partial(_clock, lambda now: -now + 60),
    "clock in 2100": partial(_clock, lambda now: 4102444800 - now),
}
