"""Keeps Python's search for unused objects short: looking through all modules would hold the UI up for a fifth of a second."""

from __future__ import annotations

import asyncio
import gc

__all__ = ["spare_modules"]

_AT_S = (2.0, 10.0, 60.0)  # after the start: when most of what will be imported is there


async def spare_modules() -> None:
    """Until it is cancelled, look only through what came after the first seconds."""
    before = 0.0
    try:
        for moment in _AT_S:
            await asyncio.sleep(moment - before)
            before = moment
            gc.freeze()
        await asyncio.Event().wait()
    finally:
        gc.unfreeze()  # libraries complain at the end about what is still held
