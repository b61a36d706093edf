"""Reading what is wanted of pages, piece by piece, while everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from localsynth.core.errors import LocalsynthError, StoreLocked
from localsynth.tui.desk import Desk

from .pages import Page, Pages, Piece

__all__ = ["Reader"]

_Wanted: TypeAlias = tuple[Pages, Piece] | None
_PICTURE_S = 0.04  # in which what was read is painted, before more is read: both take Python's lock


class Reader:
    """Reads in a thread as long as something is wanted; one piece at a time.

    wanted : what to read next, asked anew after each piece. take : what was read. fail : why it could not be, and whether it
    is tried again; pages that are not are left alone from then on.
    """

    def __init__(
        self,
        wanted: Callable[[], _Wanted],
        take: Callable[[Pages, Piece, Sequence[Page]], None],
        fail: Callable[[LocalsynthError, bool], None],
    ) -> None:
        self._wanted, self._take, self._fail = wanted, take, fail
        self._busy = False
        self._broken: Pages | None = None
        self._hurry = asyncio.Event()

    def begins(self) -> bool:
        """Whether :meth:`go` is to be begun now: something is wanted, and it is not at work."""
        if self._busy:
            self._hurry.set()
            return False
        found = self._wanted()
        self._busy = found is not None and found[0] is not self._broken
        return self._busy

    async def go(self, desk: Desk) -> None:
        """Read until nothing is wanted."""
        pages: Pages | None = None
        try:
            while (found := self._wanted()) is not None:
                pages, piece = found
                try:
                    read = await desk.do(pages.read, piece)
                except StoreLocked as error:  # someone writes; that is over soon
                    self._fail(error, True)
                    continue
                self._take(pages, piece, read)
                self._hurry.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), _PICTURE_S)
        except LocalsynthError as error:
            self._broken = pages
            self._fail(error, False)
        finally:
            self._busy = False
