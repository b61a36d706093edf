"""Colours beside Textual's own: light and dark with high contrast."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ["THEMES"]

THEMES = (
    Theme(
        name="high-contrast-dark",
        primary="#ffff00",
        secondary="#00ffff",
        accent="#00ff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        success="#00ff00",
        warning="#ffff00",
        error="#ff8080",
        dark=True,
        text_alpha=1.0,
    ),
    Theme(
        name="high-contrast-light",
        primary="#00007f",
        secondary="#005f5f",
        accent="#7f007f",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#e8e8e8",
        success="#005f00",
        warning="#7f3f00",
        error="#9f0000",
        dark=False,
        text_alpha=1.0,
    ),
)
