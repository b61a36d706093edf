"""How fast earlier runs were made: what a new one can be expected to take."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Store

__all__ = ["Pace", "paces"]

_PACES = """
SELECT r.run_id, r.dataset, r.method, r.model, r.recipe_json, r.rows_done,
  coalesce(sum(b.seconds) FILTER (b.rows = 0), 0.0), coalesce(sum(b.seconds) FILTER (b.rows > 0), 0.0)
FROM meta.runs r JOIN meta.batches b ON b.run_id = r.run_id
WHERE r.rows_done > 0
GROUP BY ALL ORDER BY max(b.finished_at) DESC, r.run_id DESC LIMIT ?
"""
_MOST = 500


@dataclass(frozen=True)
class Pace:
    """What a run took. learning_s : seconds before the first row. making_s : seconds for its ``rows``."""

    run_id: str
    dataset: str
    method: str
    model: str | None
    recipe_json: str
    rows: int
    learning_s: float
    making_s: float


def paces(store: Store) -> list[Pace]:
    """Of the runs that made rows, the latest first, at most 500."""
    with store.read() as con:
        return [Pace(*row) for row in con.execute(_PACES, [_MOST]).fetchall()]
