"""Dependencies counted in DuckDB over all rows: one GROUP BY for all dependents of the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .coding import Coded

__all__ = ["Groups", "count_groups", "minorities"]


@dataclass(frozen=True)
class Groups:
    """Rows alike in some columns. repeated : rows in groups of two or more. None of the rows misses one of the columns."""

    groups: int
    rows: int
    repeated: int

    @property
    def support(self) -> float:
        """Mean rows per group."""
        return self.rows / self.groups if self.groups else 0.0


def count_groups(coded: Coded, left: Sequence[int]) -> Groups:
    """How many groups there are, and how large."""
    query = (
        "SELECT count(*), coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (n > 1), 0)::BIGINT FROM"
        f" (SELECT count(*) AS n FROM coded WHERE {coded.present(left)} GROUP BY {coded.key(left)})"
    )
    groups, rows, repeated = coded.con.execute(query).fetchall()[0]
    return Groups(int(groups), int(rows), int(repeated))


def minorities(coded: Coded, left: Sequence[int], dependents: Sequence[int], most: float) -> dict[int, int]:
    """How many rows have another value than most of their group, of each dependent where those are no more than ``most``.

    A group that is not all alike has one such row at least, so most dependents are told apart by that alone.
    """
    mixed = ", ".join(f"min(c{at}) <> max(c{at}) AS m{at}" for at in dependents)
    told = ", ".join(f"count(*) FILTER (m{at})" for at in dependents)
    rows = f"FROM coded WHERE {coded.present(left)}"
    query = f"SELECT {told} FROM (SELECT {mixed} {rows} GROUP BY {coded.key(left)})"
    least = dict(zip(dependents, map(int, coded.con.execute(query).fetchall()[0]), strict=True))
    found = {at: 0 for at in dependents if least[at] == 0}
    unsure = [at for at in dependents if 0 < least[at] <= most]
    if unsure:
        counts = " UNION ALL ".join(
            f"SELECT {at} AS dependent, sum(n - most)::BIGINT FROM (SELECT sum(n) AS n, max(n) AS most FROM"
            f" (SELECT {coded.key(left)} AS k, count(*) AS n {rows} GROUP BY k, c{at}) GROUP BY k)"
            for at in unsure
        )
        counted = {int(at): int(count) for at, count in coded.con.execute(counts).fetchall()}
        found |= {at: count for at, count in counted.items() if count <= most}
    return found
