"""What is copied, and what is too much for a terminal."""

from __future__ import annotations

from textual.app import App

from localsynth.tui.clipboard import LARGEST, copy
from tests.tui.kit import until


async def test_what_is_copied_and_what_is_too_much() -> None:
    app = App[None]()
    async with app.run_test(notifications=True) as pilot:
        copy(app, "[b]x", "s saves it")
        assert app.clipboard == "[b]x"
        copy(app, "y" * (LARGEST + 1), "s saves it")
        assert app.clipboard == "[b]x"
        await until(pilot, lambda: len(app._notifications) == 2, "both words")
        said = [one.message for one in app._notifications]
    assert said[0].startswith("copied 4 characters")
    assert said[1] == "this is more than a terminal takes; s saves it"
