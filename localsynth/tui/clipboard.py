"""Texts for the terminal's clipboard, where the terminal allows that."""

from __future__ import annotations

from textual.app import App

__all__ = ["LARGEST", "copy"]

#: Characters a terminal is asked to take.
LARGEST = 1_000_000


def copy(app: App[object], text: str, otherwise: str = "") -> None:
    """Copy the text and say so, or say that it is too much. otherwise : another way to have it, in a few words."""
    way = f"; {otherwise}" if otherwise else ""
    if len(text) > LARGEST:
        app.notify(f"this is more than a terminal takes{way}", severity="warning", markup=False)
        return
    app.copy_to_clipboard(text)
    app.notify(f"copied {len(text):,} characters, where the terminal allows it{way}", markup=False)
