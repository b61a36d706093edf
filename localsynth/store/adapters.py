"""Adapters: a file each in the folder ``adapters``, and a row each in ``meta.adapters`` that says where it is from.

A file is whole and on the disk before its row is written, and its row is gone before the file is removed: whatever breaks off
in between leaves a file without a row, which the next one to look removes. A lock on the folder tells such a file from one
whose row is about to be written.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.adapter import LearntAdapter
from localsynth.core.errors import AdapterError, ModelError, NotFound, RunError
from localsynth.core.nearest import nearest
from localsynth.core.run import Exposure

from . import audit, catalogue, clock, guard, trouble
from .rowhash import rows_sha256
from .rows import insert_records

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = [
    "check",
    "delete",
    "file_of",
    "forget_in",
    "get",
    "list_all",
    "mark_stale",
    "measured",
    "new_id",
    "put",
    "remove_files",
    "rename",
    "sweep",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ID = r"\d{8}-\d{6}-[a-z0-9-]+-[0-9a-f]{6}"
_OURS = re.compile(_ID + r"\.gguf(\.part)?")
_STORED = {"settings": "settings_json", "curve": "curve_json", "order": "column_order"}
_FIELDS = tuple(field.name for field in fields(LearntAdapter))
_SELECT = f"SELECT {', '.join(_STORED.get(name, name) for name in _FIELDS)} FROM meta.adapters"


def new_id(dataset: str) -> str:
    """Short, sortable by time, safe as a file's name: ``20261121-013455-clinic-7f3a09``."""
    slug = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")[:24].strip("-") or "adapter"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(3)}"


def measured(path: Path) -> tuple[str, int]:
    """sha256 and bytes of a file. Raises ``OSError``."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, os.fstat(file.fileno()).st_size


def file_of(store: Store, adapter: LearntAdapter) -> Path:
    """Where an adapter's file is."""
    return store.folder / "adapters" / Path(adapter.file).name


# --- in ---------------------------------------------------------------------------------------------------------------


def put(store: Store, path: Path, adapter: LearntAdapter) -> LearntAdapter:
    """Move a finished file into the workspace and record it, with what ``adapter`` says of it; its dataset is that of its run.

    The same file of the same run is put once: the adapter it became is given again. Raises ``RunError`` where there is no
    such run (yet), ``StoreError``; the file is where it was then.
    """
    with _alone(store) as folder:
        with store.read() as con:
            dataset = _dataset_of(con, adapter.run_id)
            known = _rows(con, " WHERE run_id = ? AND sha256 = ?", [adapter.run_id, adapter.sha256])
        adapter = known[0] if known else replace(adapter, dataset=dataset)
        target = file_of(store, adapter)
        try:
            _place(path, target, adapter.sha256)
            _settle(folder)
        except OSError as error:
            raise trouble.from_os(error, target, "write") from error
        if not known:
            try:
                with store.write() as con:
                    dataset = _dataset_of(con, adapter.run_id)  # it may be gone since
                    insert_records(con, "meta.adapters", [_record(replace(adapter, dataset=dataset))])
                    mark_stale(con, dataset)
                    (adapter,) = _rows(con, " WHERE adapter_id = ?", [adapter.adapter_id])
                    audit.note(store, con, "adapter learnt", **_told(adapter))
            except BaseException:
                target.unlink(missing_ok=True)
                raise
        if path != target:
            path.unlink(missing_ok=True)
    return adapter


def _dataset_of(con: duckdb.DuckDBPyConnection, run_id: str) -> str:
    found = con.execute("SELECT dataset FROM meta.runs WHERE run_id = ?", [run_id]).fetchall()
    if not found:
        raise RunError(
            f"run {run_id} would keep an adapter, but it has not begun, or is deleted",
            "a method may keep an adapter in `learn` or later, not in `prepare`",
        )
    return str(found[0][0])


def _place(source: Path, target: Path, sha256: str) -> None:
    """The whole file at ``target``, on the disk, its owner's alone; ``source`` stays. Raises ``OSError``."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    with guard.private_files():
        try:
            os.link(source, part)  # at once, however large it is
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
            shutil.copyfile(source, part)
    try:
        part.chmod(0o600)
        _settle(part)
        if measured(part)[0] != sha256:
            raise OSError(errno.EBUSY, "it changed while it was read", str(source))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(store: Store, *, wait: bool = True) -> Iterator[Path]:
    """Nobody else puts files into the folder, or sweeps it. Raises ``BlockingIOError`` where somebody does
    and ``wait`` is off.
    """
    folder = store.adapter_folder
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield folder
    finally:
        os.close(handle)


# --- out --------------------------------------------------------------------------------------------------------------


def get(store: Store, word: str) -> LearntAdapter:
    """An adapter by its id, by its name, or by the only beginning of an id. Raises ``NotFound`` with the nearest."""
    with store.read() as con:
        return _find(con, word)


def list_all(store: Store, dataset: str | None = None) -> list[LearntAdapter]:
    """All adapters, newest first; those of one dataset if one is named."""
    where = "" if dataset is None else " WHERE lower(dataset) = lower(?)"
    with store.read() as con:
        return _rows(
            con,
            where + " ORDER BY created_at DESC, adapter_id DESC",
            [] if dataset is None else [dataset],
        )


def check(store: Store, adapter: LearntAdapter) -> Path:
    """The adapter's file, read whole and found to be the one recorded. Raises ``ModelError``."""
    path = file_of(store, adapter)
    try:
        same = measured(path)[0] == adapter.sha256
    except FileNotFoundError:
        raise ModelError(
            f"the file of the adapter {adapter.label}, {path}, is gone", "put it back, or learn it again"
        ) from None
    except OSError as error:
        raise ModelError(
            f"the file of the adapter {adapter.label}, {path}, cannot be read: {error.strerror or error}",
            "check its rights",
        ) from error
    if not same:
        raise ModelError(
            f"the file of the adapter {adapter.label}, {path}, has changed since it was learnt",
            "put the right file back, or learn it again",
        )
    return path


def _find(con: duckdb.DuckDBPyConnection, word: str) -> LearntAdapter:
    known = _rows(con, " ORDER BY created_at DESC, adapter_id DESC", [])
    exact = [one for one in known if word in (one.adapter_id, one.name)]
    begin = exact or [one for one in known if word and one.adapter_id.startswith(word)]
    if len(begin) > 1:
        some = ", ".join(one.adapter_id for one in begin[:5]) + (", ..." if len(begin) > 5 else "")
        raise NotFound(f"'{word}' begins the ids of {len(begin)} adapters", f"write more of one of: {some}")
    if begin:
        return begin[0]
    if not known:
        raise NotFound(
            f"there is no adapter called '{word}', nor any other",
            "a method that trains makes one (`localsynth methods list`)",
        )
    words = [other for one in known for other in (one.name, one.adapter_id) if other is not None]
    raise NotFound(
        f"there is no adapter called '{word}'{nearest(word, words)}", "localsynth adapters lists them"
    )


def _rows(con: duckdb.DuckDBPyConnection, rest: str, values: Sequence[Any]) -> list[LearntAdapter]:
    return [_adapter(row) for row in con.execute(_SELECT + rest, list(values)).fetchall()]


# --- changed and removed ----------------------------------------------------------------------------------------------


def rename(store: Store, word: str, name: str | None) -> LearntAdapter:
    """Give an adapter a name, another one, or none. Raises ``NotFound``, and ``AdapterError`` for a name that cannot be its."""
    if name is not None and (not _NAME.fullmatch(name) or re.match(r"\d{8}-", name)):
        raise AdapterError(
            f"'{name}' cannot name an adapter",
            "use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit, and not like an id",
        )
    with store.write() as con:
        found = _find(con, word)
        taken = [] if name is None else _rows(con, " WHERE name = ?", [name])
        if taken and taken[0].adapter_id != found.adapter_id:
            raise AdapterError(
                f"there is an adapter called '{name}' already: {taken[0].adapter_id}", "choose another name"
            )
        con.execute("UPDATE meta.adapters SET name = ? WHERE adapter_id = ?", [name, found.adapter_id])
    return replace(found, name=name)


def delete(store: Store, word: str) -> LearntAdapter:
    """Remove an adapter and its file, and any file whose row is gone. Raises ``NotFound`` and ``StoreError``."""
    with store.write() as con:
        found = _find(con, word)
        con.execute("DELETE FROM meta.adapters WHERE adapter_id = ?", [found.adapter_id])
        audit.note(store, con, "adapter deleted", **_told(found))
    remove_files(store, [found])
    sweep(store)
    return found


def forget_in(con: duckdb.DuckDBPyConnection, dataset: str) -> list[LearntAdapter]:
    """Remove the rows of a dataset's adapters, inside a transaction of the caller, who then removes their files."""
    found = _rows(con, " WHERE dataset = ?", [dataset])
    con.execute("DELETE FROM meta.adapters WHERE dataset = ?", [dataset])
    return found


def remove_files(store: Store, adapters: Sequence[LearntAdapter]) -> None:
    """Remove the files of adapters whose rows are gone. Raises ``StoreError``."""
    for adapter in adapters:
        path = file_of(store, adapter)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise trouble.from_os(error, path, "remove") from error


def sweep(store: Store) -> list[Path]:
    """Remove files without a row, unless one is being put in place; gives what was removed. Raises ``StoreError``.

    Files that are not named as adapters are, a person put there: they stay.
    """
    if not _strays(store, frozenset()):
        return []
    try:
        with _alone(store, wait=False):
            with store.read() as con:
                rows = con.execute("SELECT file FROM meta.adapters").fetchall()
            strays = _strays(store, frozenset(Path(file).name for (file,) in rows))
            for path in strays:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise trouble.from_os(error, path, "remove") from error
            return strays
    except BlockingIOError:
        return []


def _strays(store: Store, known: frozenset[str]) -> list[Path]:
    folder = store.folder / "adapters"
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return []
    return [folder / name for name in names if _OURS.fullmatch(name) and name not in known]


def mark_stale(con: duckdb.DuckDBPyConnection, dataset: str) -> None:
    """Say of a dataset's adapters whether its train rows are still those they were learnt from.

    Inside a transaction of the caller, after whatever changed the rows.
    """
    if con.execute("SELECT 1 FROM meta.adapters WHERE dataset = ? LIMIT 1", [dataset]).fetchall():
        present = rows_sha256(catalogue.read_part(con, catalogue.read(con, dataset), "train"))
        con.execute("UPDATE meta.adapters SET stale = rows_sha256 <> ? WHERE dataset = ?", [present, dataset])


# --- as stored --------------------------------------------------------------------------------------------------------


def _told(adapter: LearntAdapter) -> dict[str, Any]:
    """What the audit log says of an adapter."""
    own = {"adapter": adapter.adapter_id, "sha256": adapter.sha256, "rows_sha256": adapter.rows_sha256}
    model = {"model": adapter.model, "model_sha256": adapter.model_sha256}
    return {"dataset": adapter.dataset, "run": adapter.run_id, "method": adapter.method, **model, **own}


def _record(adapter: LearntAdapter) -> dict[str, Any]:
    record = {_STORED.get(name, name): getattr(adapter, name) for name in _FIELDS}
    return record | {
        "settings_json": _json(dict(adapter.settings)),
        "curve_json": _json([dict(point) for point in adapter.curve]),
        "column_order": list(adapter.order),
        "exposure": adapter.exposure.label,
        "created_at": clock.naive(adapter.created_at),
    }


def _json(value: Any) -> str:
    try:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RunError(
            f"what is told of an adapter cannot be kept: {error}", "this is a mistake in the method"
        ) from error


def _finite(value: Any) -> Any:
    """JSON has no number for what is none, nor for the infinite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _adapter(row: Sequence[Any]) -> LearntAdapter:
    record = dict(zip(_FIELDS, row, strict=True))
    record["settings"] = json.loads(record["settings"])
    record["curve"] = tuple(json.loads(record["curve"]))
    record["order"] = tuple(record["order"])
    record["exposure"] = Exposure.parse(record["exposure"])
    record["created_at"] = clock.aware(record["created_at"])
    return LearntAdapter(**record)
