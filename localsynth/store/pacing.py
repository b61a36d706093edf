"""How fast earlier runs were made: what a new one can be expected to take."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Store

__all__ = ["Pace", "paces"]

# Between the ends of two batches lies more than the second one's own seconds: its commit, and now and then a pause of hours,
# which the median leaves out.
_PACES = """
WITH made AS (
  SELECT *, greatest(0.0, epoch(finished_at) - lag(epoch(finished_at)) OVER (PARTITION BY run_id ORDER BY batch_no) - seconds)
    AS beside
  FROM meta.batches)
SELECT r.run_id, r.dataset, r.method, r.model, r.recipe_json, r.rows_done,
  coalesce(sum(b.seconds) FILTER (b.rows = 0), 0.0),
  coalesce(sum(b.seconds) FILTER (b.rows > 0), 0.0)
    + count(*) FILTER (b.rows > 0) * coalesce(median(b.beside) FILTER (b.rows > 0), 0.0),
  coalesce(sum(c.requests) FILTER (b.rows = 0), 0)
FROM meta.runs r JOIN made b ON b.run_id = r.run_id
  LEFT JOIN (SELECT run_id, batch_no, sum(requests) AS requests FROM meta.calls GROUP BY ALL) c
    ON c.run_id = b.run_id AND c.batch_no = b.batch_no
WHERE r.rows_done > 0
GROUP BY ALL ORDER BY max(b.finished_at) DESC, r.run_id DESC LIMIT ?
"""
_MOST = 500


@dataclass(frozen=True)
class Pace:
    """What a run took. learning_s : seconds before the first row. making_s : seconds for its ``rows``,
    with what lies between its batches.

    requests : to the model before the first row.
    """

    run_id: str
    dataset: str
    method: str
    model: str | None
    recipe_json: str
    rows: int
    learning_s: float
    making_s: float
    requests: int = 0

    def seconds(self, rows: int) -> float:
        """What a run of so many rows would take; what is learnt before the first row takes as long for any number."""
        return self.learning_s + rows * self.making_s / self.rows


def paces(store: Store) -> list[Pace]:
    """Of the runs that made rows, the latest first, at most 500."""
    with store.read() as con:
        return [Pace(*row) for row in con.execute(_PACES, [_MOST]).fetchall()]
