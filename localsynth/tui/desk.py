"""Work off the event loop: threads that ask the workspace, so that no screen ever waits for a disk or a lock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = ["Desk"]

_T = TypeVar("_T")
_THREADS = 4
_PATIENCE_S = 3.0  # for whoever holds the file; a run's commit takes a tenth of a second


class Desk:
    """Asks a workspace in threads of its own.

    folder, read_only : as :class:`Workspace` takes them. Its modules are imported by the first question, in a thread too.
    """

    def __init__(self, folder: str | None, *, read_only: bool = False) -> None:
        self._folder = folder
        self._read_only = read_only
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="desk")
        self._made: Workspace | None = None
        self._making = threading.Lock()

    def workspace(self) -> Workspace:
        """The workspace; takes most of a second when first asked, so only from a thread."""
        with self._making:
            if self._made is None:
                from localsynth.workspace import Workspace

                self._made = Workspace(self._folder, timeout=_PATIENCE_S, read_only=self._read_only)
            return self._made

    async def ask(self, question: Callable[[Workspace], _T]) -> _T:
        """What ``question`` gives, asked of the workspace in a thread. Its errors come out here."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, question)

    async def do(self, work: Callable[..., _T], *given: Any) -> _T:
        """The same for work that needs no workspace."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)

    def close(self) -> None:
        """No more questions; those that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, question: Callable[[Workspace], _T]) -> _T:
        return question(self.workspace())
