"""Target statistics with the joint tables that matter: pairs, and those triples that hold more than their pairs explain."""

from __future__ import annotations

from localsynth.core.targets import Statistics, TargetSource

from .shrinking import shrunk
from .triples import candidates, with_interacting

__all__ = ["structured"]


def structured(
    targets: TargetSource, target: str | None, *, bins: int, triples: int, pairs: int | None = None
) -> Statistics:
    """Margins with ``bins`` cells, tables of pairs, and at most ``triples`` tables of three columns; weak ones shrunk.

    target : the column people predict. pairs : see :meth:`~localsynth.core.targets.TargetSource.tables`.
    """
    targets.margins(bins)
    found = targets.tables([], pairs)
    wanted = candidates(found, triples) if triples else []
    if wanted:
        found = with_interacting(targets.tables(wanted, pairs), wanted, triples)
    return shrunk(found, target)
