"""Sessions: the only door to the workspace file, open no longer than one transaction.

A connection that may write locks every other process out, readers too. So no connection outlives the ``with`` block it was
asked for, and whoever finds the file taken waits a little and then says who has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import StoreError, StoreLocked

from . import guard, migrate, removing, trouble
from .memory import limit_memory
from .scratch import scratch
from .settling import place
from .waiting import Waiting, let_in

if TYPE_CHECKING:
    import duckdb

__all__ = ["FILE", "Store"]

FILE = "workspace.duckdb"
_SUBFOLDERS = ("runs", "adapters", "logs")
_CONFIG: dict[str, Any] = {
    # No extension is ever fetched: the machine may have no network, and must not try.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_WRITING = {**_CONFIG, "storage_compatibility_version": "v1.5.0"}


class Store:
    """A workspace folder. Holds no connection; may be shared between threads.

    Parameters
    ----------
    folder : where ``workspace.duckdb`` and its subfolders lie.
    timeout : seconds to wait while another process, or another thread, holds the file.
    read_only : :meth:`write` is refused, and nothing is brought up to date or tidied.
    """

    def __init__(self, folder: Path, timeout: float = 10.0, *, read_only: bool = False) -> None:
        self.folder = Path(folder).absolute()
        self.timeout = timeout
        self.read_only = read_only
        self.memory: int | None = None
        self._open: set[duckdb.DuckDBPyConnection] = set()
        self._interrupted = False

    def limited(self, memory: int | None) -> Store:
        """The same workspace for one piece of work that may be interrupted. memory : bytes it may hold in all."""
        made = Store(self.folder, self.timeout, read_only=self.read_only)
        made.memory = memory
        return made

    def interrupt(self) -> None:
        """Break off what connections of this store are doing, from any thread, and all they would do: that raises an error."""
        self._interrupted = True
        for con in tuple(self._open):
            con.interrupt()

    @contextmanager
    def interruptible(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """A connection that :meth:`interrupt` knows."""
        self._open.add(con)
        try:
            self._go_on()
            yield
            self._go_on()
        finally:
            self._open.discard(con)

    def _go_on(self) -> None:
        if self._interrupted:
            raise StoreError("the work was interrupted")

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r})"

    @classmethod
    def create(cls, folder: Path | str, timeout: float = 10.0) -> Store:
        """Make an empty workspace. Raises ``StoreError`` where there is one already, or where it cannot be made."""
        store = cls(Path(folder), timeout)
        if store.path.exists() or not store._make():
            raise StoreError(
                f"there is a workspace in {store.folder} already", "open it, or choose another folder"
            )
        return store

    @classmethod
    def open(
        cls, folder: Path | str, create: bool = False, timeout: float = 10.0, *, read_only: bool = False
    ) -> Store:
        """Open a workspace and bring an older one up to date; with ``create``, make it where it is absent.

        Raises ``StoreError`` (absent, no workspace, no permission), ``StoreLocked`` or ``StoreVersionError``; with
        ``read_only``, ``StoreError`` for an older one, too.
        """
        store = cls(Path(folder), timeout, read_only=read_only)
        if not store.path.exists():
            if create:
                store._make()  # or somebody else does, just now
            else:
                raise StoreError(f"there is no workspace in {store.folder}", "localsynth init makes one")
        migrate.bring_up(store)
        if read_only:
            return store
        with suppress(OSError):  # housekeeping: who cannot do it now leaves it to the next
            removing.sweep(store)
        return store

    @property
    def path(self) -> Path:
        """The database file."""
        return self.folder / FILE

    @property
    def log_folder(self) -> Path:
        """Where logs go; there after the call."""
        return self._subfolder("logs")

    @property
    def adapter_folder(self) -> Path:
        """Where trained adapters go; there after the call."""
        return self._subfolder("adapters")

    def run_folder(self, run_id: str) -> Path:
        """The folder of one run's own files; there after the call."""
        if not run_id or run_id in {".", ".."} or "/" in run_id or "\\" in run_id:
            raise StoreError(f"'{run_id}' cannot be the name of a run's folder")
        return self._subfolder("runs", run_id)

    @contextmanager
    def write(self, timeout: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """One read-write transaction: committed when the block ends, rolled back when it raises.

        Raises ``StoreLocked`` after ``timeout`` seconds (default the store's), ``StoreError`` on a full disk, a read-only file
        and the like. Nothing of a failed transaction is kept.
        """
        if self.read_only:
            raise StoreError(
                f"the workspace {self.folder} is open for looking only", "open it without --read-only"
            )
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise trouble.read_only(self.path)
        with (
            guard.writing(self.path, self._limit(timeout)),
            guard.private_files(),
            trouble.translated(self.path, "write to"),
        ):
            let_in(self.folder)
            con = self._connect(_WRITING, read_only=False, timeout=self._limit(timeout))
            try:
                con.execute("SET python_enable_replacements = false")
                limit_memory(con, self.memory)
                con.execute("BEGIN TRANSACTION")
                try:
                    with self.interruptible(con):
                        yield con
                    con.execute("COMMIT")
                except BaseException:
                    trouble.roll_back(con)
                    raise
            finally:
                con.close()

    @contextmanager
    def read(
        self, timeout: float | None = None, *, memory: str | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """One read-only transaction that can reach nothing but the workspace: no files, no settings, no extensions.

        Several readers may be open at once. memory : the most it may hold while it is the only one, such as ``64MB``; whole
        statements of other people are not for it. Raises ``StoreLocked`` and ``StoreError``.
        """
        if not self.path.exists():
            raise StoreError(f"there is no workspace in {self.folder}", "localsynth init makes one")
        config = {**_CONFIG, "enable_external_access": "false"}
        with (
            guard.reading(self.path, self._limit(timeout)),
            guard.private_files(),
            trouble.translated(self.path, "read"),
        ):
            con = self._connect(config, read_only=True, timeout=self._limit(timeout))
            try:
                guard.lock_down(con, memory, self.memory)
                con.execute("BEGIN TRANSACTION READ ONLY")
                with self.interruptible(con):
                    yield con
            finally:
                con.close()

    def probe(self, timeout: float = 0.6) -> None:
        """Raise now what a later write would raise for the sake of another process, or of the file; writes nothing.

        Raises ``StoreLocked`` after ``timeout`` seconds, ``StoreError`` where the file is read-only or cannot be opened.
        """
        if not self.path.exists():
            return
        if not os.access(self.path, os.W_OK):
            raise trouble.read_only(self.path)
        with ExitStack() as stack:
            try:
                stack.enter_context(guard.writing(self.path, timeout))
            except StoreLocked:
                return  # another thread of this process: it will be done
            stack.enter_context(guard.private_files())
            stack.enter_context(trouble.translated(self.path, "write to"))
            self._connect(_WRITING, read_only=False, timeout=timeout).close()

    def _limit(self, timeout: float | None) -> float:
        return self.timeout if timeout is None else timeout

    def _connect(
        self, config: dict[str, Any], *, read_only: bool, timeout: float
    ) -> duckdb.DuckDBPyConnection:
        import duckdb

        wait, waiting = guard.Backoff(timeout), Waiting(self.folder)
        try:
            while True:
                file = self._file()
                try:
                    con = duckdb.connect(str(self.path), read_only=read_only, config=config)
                    if file in {None, self._file()}:
                        return con
                    con.close()  # another one took its place before this one was locked
                except duckdb.IOException as error:
                    if not trouble.is_lock(error):
                        raise
                    waiting.announce()
                    if not wait.more():
                        raise self._locked(error) from None
        finally:
            waiting.over()

    def _file(self) -> tuple[int, int] | None:
        """Which file the database is just now; ``None`` where there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _locked(self, error: Exception) -> StoreLocked:
        who = trouble.lock_holder(error)
        return StoreLocked(
            f"the workspace {self.folder} is in use by {who}",
            "wait until it is done, or end it; then try again",
        )

    def _make(self) -> bool:
        """The folders, and the file, which appears with all its tables or not at all; False where it was there before."""
        self._make_folders()
        try:
            with scratch(self.folder, "new") as beside:
                fresh = Store(beside, self.timeout)
                try:
                    migrate.bring_up(fresh)
                except StoreError as error:
                    words = error.message.replace(str(beside), str(self.folder))
                    raise StoreError(words, error.hint) from error
                return place(fresh.path, self.path)
        except StoreError:
            raise
        except OSError as error:
            raise trouble.from_os(error, self.folder, "create") from error

    def _make_folders(self) -> None:
        try:
            with guard.private_files():
                # Parents are ordinary folders; the workspace itself is for its owner's eyes only.
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise trouble.from_os(error, self.folder, "create") from error
        for name in _SUBFOLDERS:
            self._subfolder(name)

    def _subfolder(self, *parts: str) -> Path:
        path = self.folder
        try:
            for part in parts:
                path = path / part
                path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise trouble.from_os(error, path, "create") from error
        return path
