"""A dataset forgotten: everything of it removed from the workspace, the database written anew, and the result searched.

Every step may be done again, and finds what is left by itself or by the audit log: one that was cut off is finished by asking
for it once more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localsynth.core.errors import NotFound, RunError
from localsynth.core.nearest import nearest
from localsynth.core.words import counted
from localsynth.store import adapters, audit, datasets, trouble
from localsynth.store import runs as records
from localsynth.store.compacting import compact
from localsynth.store.removing import copies, drop, sweep
from localsynth.store.searching import looks, search_files, search_tables, telling

from .background import Job, all_jobs
from .base import Base
from .datasets import refuse_removal
from .keepsakes import forget_kept
from .mentions import Mentions

__all__ = ["Forgets", "Forgotten", "ToForget"]

_LEFT = frozenset(
    {
        "adapter exported",
        "filled table exported",
        "query exported",
        "query printed",
        "real rows exported",
        "report written",
        "rows exported",
        "schema exported",
    }
)


@dataclass(frozen=True)
class ToForget:
    """What there is to forget. rows : real ones. made : rows of runs. size : bytes of the database.

    runs, adapters : ids. jobs : folders of jobs that name it. copies : of the whole workspace, with everything in them.
    outside : files that were written to other places, as the audit log tells; they are the person's own. leaning : runs of
    other datasets whose model had an adapter learnt from this one.
    """

    dataset: str
    rows: int
    made: int
    size: int
    runs: tuple[str, ...]
    adapters: tuple[str, ...]
    jobs: tuple[Path, ...]
    copies: tuple[Path, ...]
    outside: tuple[Path, ...]
    leaning: tuple[str, ...]


@dataclass(frozen=True)
class Forgotten:
    """What was removed. after : bytes of the database. kept : copies of the workspace that were to stay.

    searched : values of the dataset that were looked for, in the bytes of every file and the cells of every table; found :
    places where one of them still stands, none of which should be.
    """

    what: ToForget
    after: int
    kept: tuple[Path, ...]
    searched: int
    found: tuple[str, ...] = field(default=())


class Forgets(Base):
    """Datasets forgotten."""

    def to_forget(self, name: str) -> ToForget:
        """What :meth:`forget` would remove. Raises ``NotFound``, and ``RunError`` where it cannot be forgotten now."""
        return _survey(self, name)

    def forget(
        self, name: str, *, keep_copies: bool = False, say: Callable[[str], None] = lambda _text: None
    ) -> Forgotten:
        """Remove a dataset with everything of it, so that no byte of it is left in the workspace, and search for some.

        Its rows, runs, rows of these, statistics, prompts, checkpoints, scores, adapters, files of runs and jobs, what the
        terminal UI keeps of it, logs, and copies of the whole workspace from before it was brought up to date. What was spent
        of a privacy budget stays spent, and the audit log stays. keep_copies : leave those copies. say : told what is done.
        What the disk itself keeps of removed files is not in our hands.

        A dataset that was removed before, or whose forgetting was cut off, is forgotten as well. Raises ``NotFound``,
        ``RunError`` where a run or a job of it is going on, ``StoreLocked`` and ``StoreError``.
        """
        what = _survey(self, name)
        store = self.store
        known = any(one.name == what.dataset for one in datasets.list_all(store))
        told: dict[str, Any] = {
            "dataset": what.dataset,
            "runs": list(what.runs),
            "adapters": list(what.adapters),
        }
        audit.record(store, "forgetting begun", **told, rows=what.rows)
        needles = telling(store, what.dataset) if known else []
        if known:
            say(f"removing {counted(what.rows, 'real row')} and {counted(len(what.runs), 'run')}")
            drop(store, what.dataset, with_runs=True)
        self._remove_files(what, keep_copies=keep_copies)
        say(f"writing the database anew ({what.size / 1e6:,.1f} MB)")
        after = compact(store)
        say("searching every file and table")
        found = _found(self, needles)
        kept = tuple(copies(store))
        audit.record(
            store,
            "dataset forgotten",
            **told,
            rows=what.rows,
            searched=len(needles),
            found=len(found),
            copies_kept=len(kept),
        )
        return Forgotten(what, after, kept, len(needles), found)

    def _remove_files(self, what: ToForget, *, keep_copies: bool) -> None:
        logs = [path for path in (self.folder / "logs").glob("*") if path.is_file()]
        gone = [*what.jobs, *(self.folder / "runs" / run for run in what.runs), *logs]
        for path in (*gone, *(() if keep_copies else what.copies)):
            try:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise trouble.from_os(error, path, "remove") from error
        sweep(self.store)
        try:
            forget_kept(self.folder, what.dataset, what.runs)
        except OSError as error:
            raise trouble.from_os(error, self.folder / "ui", "clean") from error


def _survey(base: Base, name: str) -> ToForget:
    store = base.store
    every = records.list_all(store)
    entries = audit.read(store)
    present = next((one for one in datasets.list_all(store) if one.name.casefold() == name.casefold()), None)
    before = [entry for entry in entries if entry.concerns(name) and entry.what != "refused by policy"]
    if present is None and not before:
        known = [one.name for one in datasets.list_all(store)]
        raise NotFound(
            f"there is no dataset '{name}', nor does the audit log know of one{nearest(name, known)}",
            "localsynth datasets lists them",
        )
    dataset = present.name if present is not None else str(before[-1].about["dataset"])
    if present is not None:
        refuse_removal(base, dataset)
    own = [run for run in every if run.dataset == dataset]
    # Of an earlier forgetting that was cut off, the log alone knows what there was.
    there = {run.run_id for run in every}
    runs = {run.run_id for run in own} | {run for run in _named(before, "runs", "run") if run not in there}
    learnt = [one.adapter_id for one in adapters.list_all(store, dataset)] if present is not None else []
    return ToForget(
        dataset=dataset,
        rows=present.rows if present is not None else 0,
        made=sum(run.rows_done for run in own),
        size=store.path.stat().st_size,
        runs=tuple(sorted(runs)),
        adapters=tuple(learnt),
        jobs=tuple(_jobs(base, dataset, runs)),
        copies=tuple(copies(store)),
        outside=tuple(_outside(entries, dataset, runs)),
        leaning=tuple(
            run.run_id
            for run in every
            if run.dataset != dataset and _adapter(run.recipe_json, {*learnt, *_labels(base, dataset)})
        ),
    )


def _labels(base: Base, dataset: str) -> set[str]:
    return {one.name for one in adapters.list_all(base.store, dataset) if one.name is not None}


def _adapter(recipe_json: str, words: set[str]) -> bool:
    with suppress(ValueError, AttributeError):
        return (json.loads(recipe_json).get("method") or {}).get("adapter") in words
    return False


def _named(entries: Iterable[audit.AuditEntry], *keys: str) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        for key in keys:
            value = entry.about.get(key, ())
            found |= {value} if isinstance(value, str) else set(value)
    return found


def _jobs(base: Base, dataset: str, runs: Iterable[str]) -> Iterator[Path]:
    """Folders of jobs that name it or its runs. Raises ``RunError`` for one that is going on."""
    names = set(runs)
    mentions = Mentions(dataset, names)
    for job in all_jobs(base.folder):
        state = job.state()
        if not names.isdisjoint(state.run_ids) or any(map(mentions.within, _texts(job))):
            if job.alive():
                raise RunError(f"the job '{job.title}' of '{dataset}' is going on", "stop it first")
            yield job.folder


def _texts(job: Job) -> Iterator[str]:
    """What a job was asked for and what it said."""
    yield repr(job.request)
    for name in ("status.jsonl", "log"):
        with suppress(OSError):
            yield (job.folder / name).read_text(encoding="utf-8", errors="replace")


def _outside(entries: Iterable[audit.AuditEntry], dataset: str, runs: set[str]) -> Iterator[Path]:
    """Files it was exported to that are still there."""
    seen: set[str] = set()
    for entry in entries:
        place = entry.about.get("path")
        about = (
            entry.concerns(dataset)
            or dataset in entry.about.get("datasets", ())
            or entry.about.get("run") in runs
        )
        if entry.what in _LEFT and about and isinstance(place, str) and place not in seen:
            seen.add(place)
            if Path(place).exists():
                yield Path(place)


def _found(base: Base, needles: list[str]) -> tuple[str, ...]:
    """Where values of it still stand."""
    if not needles:
        return ()
    files = search_files(base.store, [look for needle in needles for look in looks(needle)])
    return (*search_tables(base.store, needles), *map(str, files))
