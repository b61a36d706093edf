"""Work on large arrays by several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

__all__ = ["spread"]

A = TypeVar("A")
B = TypeVar("B")


def spread(work: Callable[[A], B], items: Iterable[A], threads: int, check: Callable[[], None]) -> list[B]:
    """``work`` done on every item, in their order, so many at a time; numpy lets go of the interpreter in between.

    Meanwhile BLAS itself uses one thread: its own threads wait for each other by spinning, and where another process has the
    core that one of them needs, a product takes ten times as long. check : called here before each result is taken; if it
    raises, what is not begun is left.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max(1, threads)) as pool:
        waiting = [pool.submit(work, item) for item in items]
        try:
            done = []
            for future in waiting:
                check()
                done.append(future.result())
            return done
        finally:
            for future in waiting:
                future.cancel()
