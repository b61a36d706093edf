"""Moments in the store are UTC without a zone: DuckDB's zoned type needs a library to come back to Python."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["aware", "naive", "now"]


def now() -> datetime:
    """The present moment as stored."""
    return naive(datetime.now(UTC))


def naive(moment: datetime) -> datetime:
    """A moment as stored; one without a zone is taken as UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def aware(moment: datetime) -> datetime:
    """A stored moment with its zone."""
    return moment.replace(tzinfo=UTC)
