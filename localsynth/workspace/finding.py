"""One thing that was looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``state``: ``ok``, ``note`` (worth knowing, not wrong) or ``bad``."""

    what: str
    found: str
    state: Literal["ok", "note", "bad"] = "ok"
    hint: str = ""
