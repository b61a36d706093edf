"""Whether the audit log is whole: every entry as it was written, none missing, and every run's prompts as they were told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import chain, trouble
from .audit import FILE, prompts_sha256

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["AuditCheck", "AuditFlaw", "verify"]

_REMOVED = frozenset({"run deleted", "dataset removed", "forgetting begun"})
_AT_ONCE = 1_000  # prompts in memory
_SHORTEST = 8  # characters of a hash that tell it from others


@dataclass(frozen=True)
class AuditFlaw:
    """Something that was changed, or is not there. line : of the file, from 1; ``None`` for what is not in it."""

    line: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.line is None else f"line {self.line}: {self.what}"


@dataclass(frozen=True)
class AuditCheck:
    """head : hash of the last entry, to be written down elsewhere. runs, prompts : whose hashes were computed again.

    notes : what is no flaw, such as a line that a crash cut off.
    """

    entries: int
    head: str
    runs: int
    prompts: int
    flaws: tuple[AuditFlaw, ...]
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not self.flaws


def verify(store: Store, head: str | None = None) -> AuditCheck:
    """Walk the log. head : the hash of an entry that must be in it, or the beginning of that, 8 characters at least.

    Raises ``StoreError`` where log or store cannot be read.
    """
    path = store.folder / FILE
    with store.read() as con:  # before the log: an entry stands in the log before it counts in the store
        ((number, digest),) = con.execute("SELECT number, hash FROM meta.audit").fetchall()
        known = chain.Head(int(number), str(digest))
        try:
            walk = _walk(list(chain.lines(path)))
        except OSError as error:
            raise trouble.from_os(error, path, "read") from error
        flaws = [*walk.flaws, *_against_store(walk, known)]
        runs, prompts, differing = _prompts(con, walk.entries)
        flaws += differing
    if head is not None and not _named(walk.entries, head):
        flaws.append(
            AuditFlaw(None, f"no entry has the hash {head}, which was written down: the log is another one")
        )
    last = walk.entries[-1][1]["hash"] if walk.entries else chain.START.hash
    return AuditCheck(len(walk.entries), last, runs, prompts, tuple(flaws), tuple(walk.notes))


@dataclass
class _Walk:
    entries: list[tuple[int, dict[str, Any]]]
    flaws: list[AuditFlaw]
    notes: list[str]


def _walk(found: Sequence[chain.Line]) -> _Walk:
    walk = _Walk([], [], [])
    before, broken = chain.START, 0
    for line in found:
        said = line.entry
        if said is None:
            if line.torn:
                walk.notes.append(
                    f"line {line.place} has no end: it was cut off, and the next entry will say so"
                )
            elif not _told_torn(found, line):
                walk.flaws.append(AuditFlaw(line.place, "it is not as it was written"))
                broken += 1
            continue
        if said.get("torn"):
            walk.notes.append(
                f"line {line.place} tells that the one before was cut off ({said['torn']} bytes)"
            )
        if said["before"] != before.hash and not broken:
            gap = said["number"] - before.number - 1
            lacking = "it does not follow the line before"
            if gap > 0:
                lacking = f"{gap:,} {'entry' if gap == 1 else 'entries'} before it missing, or changed"
            walk.flaws.append(AuditFlaw(line.place, lacking))
        elif said["number"] != before.number + 1 and not broken:
            walk.flaws.append(
                AuditFlaw(line.place, f"it has the number {said['number']} after {before.number}")
            )
        if lost := said.get("lost"):
            walk.flaws.append(
                AuditFlaw(
                    line.place,
                    f"entry {lost['number']} had been cut off or changed when this one was written",
                )
            )
        walk.entries.append((line.place, said))
        before, broken = chain.Head(said["number"], said["hash"]), 0
    return walk


def _named(entries: Sequence[tuple[int, Mapping[str, Any]]], head: str) -> bool:
    whole = head.strip().lower()
    return len(whole) >= _SHORTEST and any(said["hash"].startswith(whole) for _, said in entries)


def _told_torn(found: Sequence[chain.Line], line: chain.Line) -> bool:
    """Whether the line behind says that this one was cut off, and how long it was."""
    after = found[line.place] if line.place < len(found) else None
    return after is not None and after.entry is not None and after.entry.get("torn") == len(line.text)


def _against_store(walk: _Walk, known: chain.Head) -> Iterator[AuditFlaw]:
    if known == chain.START:
        return
    last = walk.entries[-1][1]["number"] if walk.entries else 0
    if last < known.number:
        yield AuditFlaw(
            None,
            f"the log ends with entry {last}, and the store knows of {known.number}: its end was cut off",
        )
    elif not any((said["number"], said["hash"]) == (known.number, known.hash) for _, said in walk.entries):
        yield AuditFlaw(None, f"entry {known.number} is another one than the store knows of")


def _prompts(
    con: duckdb.DuckDBPyConnection, entries: Sequence[tuple[int, Mapping[str, Any]]]
) -> tuple[int, int, list[AuditFlaw]]:
    """(runs, prompts, what differs): the hashes of the prompts that are still there, computed again."""
    told = {
        (said["run"], said["batch"]): (place, str(said["prompts_sha256"]))
        for place, said in entries
        if said["what"] == "prompts shown"
    }
    there = {run for (run,) in con.execute("SELECT run_id FROM meta.runs").fetchall()}
    flaws = list(_vanished(entries, there))
    last: dict[str, str | None] = {}
    ends: dict[str, int] = {}
    count = 0
    for run, batch, kept, prompts in _batches(con):
        made = prompts_sha256(last.get(run), prompts) if prompts else last.get(run)
        last[run], ends[run] = kept, batch
        count += len(prompts)
        place, said = told.pop((run, batch), (None, None))
        which = f"of batch {batch} of run {run}"
        if kept is not None and made != kept:
            flaws.append(AuditFlaw(place, f"the prompts {which} are not those that were stored"))
        elif kept is not None and prompts and said != kept:
            lacking = "no entry tells of the prompts" if said is None else "it does not tell of the prompts"
            flaws.append(AuditFlaw(place, f"{lacking} {which} as they are stored"))
    # One that was never committed, because the process was killed, was made again under the same number.
    for (run, batch), (place, _) in sorted(told.items()):
        if batch <= ends.get(run, -1):
            flaws.append(AuditFlaw(place, f"batch {batch} of run {run}, of whose prompts it tells, is gone"))
    return len(last), count, flaws


def _vanished(entries: Sequence[tuple[int, Mapping[str, Any]]], there: set[str]) -> Iterator[AuditFlaw]:
    """Runs that began and are gone, though nobody removed them.

    An entry precedes what it tells of: a run that was killed, or had no space, before its first step was never stored.
    """
    removed: set[str] = set()
    went_on: set[str] = set()
    for _, said in entries:
        if said["what"] in _REMOVED:
            removed |= {said.get("run", ""), *said.get("runs", ())}
        elif said["what"] != "run started":
            went_on.add(said.get("run", ""))
    for place, said in entries:
        if said["what"] == "run started" and said["run"] in went_on - there - removed:
            yield AuditFlaw(place, f"run {said['run']} is gone, and no entry tells of its removal")


def _batches(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, int, str | None, list[str]]]:
    """Each batch with the hash that is kept of it and its prompts, run by run, in order."""
    found = con.execute(
        "SELECT b.run_id, b.batch_no, b.prompts_sha256, c.prompt FROM meta.batches b"
        " LEFT JOIN meta.calls c USING (run_id, batch_no) ORDER BY b.run_id, b.batch_no, c.call_no"
    )
    present: tuple[str, int] | None = None
    kept: str | None = None
    prompts: list[str] = []
    while rows := found.fetchmany(_AT_ONCE):
        for run, batch, sha, prompt in rows:
            if (run, batch) != present:
                if present is not None:
                    yield *present, kept, prompts
                present, kept, prompts = (run, batch), sha, []
            if prompt is not None:
                prompts.append(prompt)
    if present is not None:
        yield *present, kept, prompts
