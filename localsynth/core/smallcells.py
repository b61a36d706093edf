"""How few real rows a told figure may rest on: the one threshold of statistics, prompts and reports."""

from __future__ import annotations

from .targets import Origin, Table

__all__ = ["FEWEST", "shown", "tells"]

#: The least real rows a count may stand for. Fewer (but for none) would tell of single people: the threshold rule of
#: statistical disclosure control (Hundepool et al. 2012, Statistical Disclosure Control, ch. 5).
FEWEST = 5


def tells(count: int) -> bool:
    """Whether a count of so many real rows tells of single people."""
    return 0 < count < FEWEST


def shown(table: Table, origin: Origin) -> tuple[bool, ...]:
    """Which cells of a joint table a prompt may name: of exact counts those that enough rows lie in.

    What a person published, and what was counted with noise, may be named whatever lies in it.
    """
    return tuple(origin != "rows" or round(share * table.total) >= FEWEST for share in table.shares)
