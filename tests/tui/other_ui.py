"""A second UI, in a process of its own: keys go in, what its screen shows comes out.

    python -m tests.tui.other_ui FOLDER PLACE REMEMBERED

REMEMBERED is a JSON object, such as {"dataset": "wine"}. Each line of input is a JSON list of keys to press; each line of
output is the screen as a JSON string, a tenth of a second later at the earliest.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from .kit import opened, screen_text


async def obey(folder: str, place: str, remembered: str) -> None:
    """Until the input ends."""
    kept = json.loads(remembered)
    subject = {"dataset": kept.pop("dataset", None), "run": kept.pop("run", None)}
    async with opened(Path(folder), place=place, kept=kept, **subject) as (app, pilot):
        while line := await asyncio.to_thread(sys.stdin.readline):
            await pilot.press(*json.loads(line))
            await pilot.pause(0.1)
            print(json.dumps(screen_text(app)), flush=True)


if __name__ == "__main__":
    asyncio.run(obey(*sys.argv[1:]))
