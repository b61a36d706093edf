"""A picture of the screen that needs nothing from outside."""

from __future__ import annotations

import re
from typing import Any

from textual.app import App

__all__ = ["picture_of"]

# Textual's pictures name a font on a server, which whoever opens one would fetch.
_FONT = re.compile(r"@font-face\s*\{[^}]*\}\s*")


def picture_of(app: App[Any], title: str | None = None) -> str:
    """The screen as SVG, in a font of the machine that shows it."""
    return _FONT.sub("", app.export_screenshot(title=title)).replace("Fira Code, ", "")
