"""Dataset: a table the workspace knows, with or without real rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .errors import DatasetError
from .run import Exposure
from .schema import Schema
from .words import shown

__all__ = ["Dataset", "check_holdout"]


@dataclass(frozen=True)
class Dataset:
    """A dataset as recorded in the store.

    policy : the highest exposure its owner allows. rows : real rows kept, ``train_rows + holdout_rows``; 0 where only a
    description exists. source : the file's name or ``sample:NAME``, ``None`` for a description. imported_at : UTC.
    declared : a person gave the schema; an inferred one, and one nobody knows where it is from, tells of the train rows.
    """

    name: str
    schema: Schema
    policy: Exposure
    rows: int
    train_rows: int
    holdout_rows: int
    source: str | None
    imported_at: datetime
    declared: bool = False


def check_holdout(share: object) -> None:
    """Raises ``DatasetError`` unless it is a share of rows that can be held out: 0 or more, and below 1."""
    if not isinstance(share, int | float) or not 0 <= share < 1:
        raise DatasetError(
            f"the holdout is {shown(share) or share}, but must be a number from 0 to below 1",
            "0.33 holds a third out; 0 nothing",
        )
