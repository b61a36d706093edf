"""The audit log: who brought real data in, showed it to a model, left it in a file, or removed it.

``<workspace>/audit.jsonl`` (see :mod:`.chain`) outlives what it tells of. It holds names, numbers and hashes: no cell, no
prompt, no text of a query. ``meta.audit`` keeps where it ended, so that a log whose end was cut off is found out, too.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import LocalsynthError
from localsynth.sealed import attempts

from . import chain, trouble

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["FILE", "AuditEntry", "note", "prompts_sha256", "read", "record", "refused_network", "sha256_of"]

FILE = "audit.jsonl"
_OWN = frozenset({"number", "time", "what", "who", "before", "hash"})
_ANCHOR_S = 0.5  # to wait for the workspace, where an entry stands in the file already
_reported = 0  # attempts to reach the network that are in a log already


@dataclass(frozen=True)
class AuditEntry:
    """One entry. who : user, uid, host, pid and program. about : everything else it says, by name."""

    number: int
    time: datetime
    what: str
    who: Mapping[str, Any]
    about: Mapping[str, Any]
    before: str
    hash: str

    @property
    def user(self) -> str:
        """The name of who did it, as the system knows it."""
        return str(self.who.get("user", ""))

    def concerns(self, dataset: str | None = None, run: str | None = None) -> bool:
        """Whether it is about that dataset and that run; a name that is not given is every name's."""
        own = str(self.about.get("dataset", "")).casefold()
        runs = (self.about.get("run"), *self.about.get("runs", ()))
        return (dataset is None or own == dataset.casefold()) and (run is None or run in runs)


def note(store: Store, con: duckdb.DuckDBPyConnection, what: str, /, **about: Any) -> None:
    """Add an entry as part of a transaction, which it precedes on the disk: what is done is never without it.

    Raises ``StoreError``, and the transaction is to be rolled back then.
    """
    ((number, digest),) = con.execute("SELECT number, hash FROM meta.audit").fetchall()
    head = _append(store, what, about, chain.Head(int(number), str(digest)))
    con.execute("UPDATE meta.audit SET number = ?, hash = ?", [head.number, head.hash])


def record(store: Store, what: str, /, **about: Any) -> None:
    """Add an entry about something that is not in the database. Raises ``StoreError``.

    In a workspace that is open for looking only, or is not theirs to write, whoever may not write the file leaves no entry.
    """
    try:
        _append(store, what, about)
    except LocalsynthError:
        if store.read_only or not os.access(store.path, os.W_OK):
            return
        raise
    if not store.read_only:
        with suppress(LocalsynthError), store.write(_ANCHOR_S) as con:
            anchor(store, con)


def anchor(store: Store, con: duckdb.DuckDBPyConnection) -> None:
    """Keep where the log ends, unless it ends before, or elsewhere than, it did: that is for the next entry to say."""
    head = chain.head_of(store.folder / FILE)
    ((number, digest),) = con.execute("SELECT number, hash FROM meta.audit").fetchall()
    if head.number > number and _holds(store.folder / FILE, chain.Head(int(number), str(digest))):
        con.execute("UPDATE meta.audit SET number = ?, hash = ?", [head.number, head.hash])


def read(store: Store) -> list[AuditEntry]:
    """Every entry that is as it was written, oldest first. Raises ``StoreError``."""
    path = store.folder / FILE
    try:
        return [entry_of(line.entry) for line in chain.lines(path) if line.entry is not None]
    except OSError as error:
        raise trouble.from_os(error, path, "read") from error


def refused_network(store: Store) -> None:
    """Add what reached for the network in this process and was refused since the last entry, if anything did."""
    if len(attempts()) > _reported:
        with suppress(LocalsynthError):
            _network(store)


def prompts_sha256(before: str | None, prompts: Iterable[str]) -> str:
    """The hash of a batch's prompts in their order, and of all those before. before : of the batch before, if there is one."""
    digest = hashlib.sha256((before or "").encode())
    for prompt in prompts:
        text = prompt.encode("utf-8", "surrogatepass")
        digest.update(b"\n%d:" % len(text))
        digest.update(text)
    return digest.hexdigest()


def sha256_of(text: str) -> str:
    """Of a text that no entry may hold."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def entry_of(said: Mapping[str, Any]) -> AuditEntry:
    """A line's entry."""
    return AuditEntry(
        number=said["number"],
        time=datetime.fromisoformat(said["time"]),
        what=str(said["what"]),
        who=dict(said["who"]),
        about={key: value for key, value in said.items() if key not in _OWN},
        before=said["before"],
        hash=said["hash"],
    )


def _append(store: Store, what: str, about: Mapping[str, Any], known: chain.Head | None = None) -> chain.Head:
    _network(store)
    return _write(store.folder / FILE, what, about, known)


def _network(store: Store) -> None:
    global _reported
    found = attempts()
    new, _reported = found[_reported:], len(found)
    for attempt in dict.fromkeys(new):
        said = {"event": attempt.what, "where": attempt.where, "module": attempt.who}
        _write(store.folder / FILE, "network refused", said)


def _write(path: Path, what: str, about: Mapping[str, Any], known: chain.Head | None = None) -> chain.Head:
    def contents(before: chain.Head, torn: int) -> dict[str, Any]:
        said = {key: value for key, value in about.items() if value is not None}
        said |= {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "what": what, "who": _who()}
        if torn:
            said["torn"] = torn
        if known is not None and known != before and not _holds(path, known):
            said["lost"] = {"number": known.number, "hash": known.hash}
        return said

    try:
        return chain.append(path, contents)
    except OSError as error:
        raise trouble.from_os(error, path, "write") from error


def _holds(path: Path, head: chain.Head) -> bool:
    """Whether the log has that very entry."""
    if head == chain.START:
        return True
    return any(
        line.entry is not None and line.entry["number"] == head.number and line.entry["hash"] == head.hash
        for line in chain.lines(path)
    )


def _who() -> dict[str, Any]:
    return {**_self(), "pid": os.getpid(), "program": _program()}


def _program() -> str:
    """What runs in this process, as far as its modules tell."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name == "localsynth.workspace.job":
        return "job"
    fronts = {"tui": "localsynth.tui.app", "cli": "localsynth.cli.main"}
    return next((name for name, module in fronts.items() if module in sys.modules), "python")


@cache
def _self() -> dict[str, Any]:
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    host = os.uname().nodename
    # Who became root to do it is named as well.
    behind = os.environ.get("SUDO_USER")
    return {"user": user, "uid": uid, "host": host} | ({"sudo_user": behind} if behind else {})
