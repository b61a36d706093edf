"""Walks through the whole terminal UI as a person would, a run by a model included, and keeps a picture of every step.

    .venv/bin/python scripts/walk.py --out FOLDER [--size 80x24 --size 120x40] [--rows 100] [--model smollm2-135m]

In a workspace of its own: a table is imported, a range of its schema edited, a recipe made, its run watched, the rows walked,
SQL asked, the run evaluated, the report and the rows written to files; all by keys. FOLDER/80x24/01-welcome.svg and .txt are
what the first step shows. Where a step does not come, what the screen shows instead is kept too, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import random
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from screenshots import quiet
from textual.pilot import Pilot

from localsynth import Workspace
from localsynth.tui.app import LocalsynthApp
from localsynth.tui.picture import picture_of

SIZES = ("80x24", "120x40", "200x60")
PATIENCE_S, RUN_PATIENCE_S = 60.0, 1800.0
PATIENTS, WARDS = 300, ("surgery", "heart", "children", "eyes")
QUERY = "SELECT ward, count(*) AS patients, round(avg(age), 1) AS age FROM clinic_synth GROUP BY ward ORDER BY ward"


class NotThere(Exception):
    """What a step waits for did not come."""


def write_table(path: Path) -> None:
    """Patients of a clinic who never lived."""
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "sex", "ward", "weight", "smokes", "admitted"])
        for _ in range(PATIENTS):
            ward = chance.choices(WARDS, (5, 4, 3, 2))[0]
            age = (
                chance.randint(0, 15) if ward == "children" else min(max(round(chance.gauss(58, 16)), 18), 97)
            )
            grown = min(age / 16, 1)
            weight = "" if chance.random() < 0.05 else f"{4 + grown * max(chance.gauss(68, 13), 30):.1f}"
            smokes = age > 17 and chance.random() < 0.25
            admitted = date(2023, 1, 1) + timedelta(chance.randrange(730))
            writer.writerow([age, chance.choice("fm"), ward, weight, str(smokes).lower(), admitted])


class Walk:
    """One walk at one size. out : where its pictures go."""

    def __init__(self, app: LocalsynthApp, pilot: Pilot[None], out: Path) -> None:
        self.app, self.pilot, self.out = app, pilot, out
        self.steps = 0

    def text(self) -> str:
        """What the screen shows, as lines."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    def keep(self, name: str) -> None:
        """A picture of the screen, and its text."""
        self.steps += 1
        path = self.out / f"{self.steps:02}-{name}"
        path.with_suffix(".svg").write_text(picture_of(self.app, f"localsynth: {name}"))
        path.with_suffix(".txt").write_text(f"{self.text()}\n")

    async def seen(self, *words: str, patience: float = PATIENCE_S) -> None:
        """Until all words are on the screen or in a notification."""
        end = time.monotonic() + patience
        while not all(word in self.text() for word in words):
            if time.monotonic() > end:
                raise NotThere(", ".join(word for word in words if word not in self.text()))
            await self.pilot.pause(0.05)

    async def step(self, name: str, *words: str, patience: float = PATIENCE_S, calm: float = 20.0) -> None:
        """Wait until the screen shows the words and nothing is at work any more, at most ``calm`` seconds, and keep it."""
        await self.seen(*words, patience=patience)
        await quiet(self.app, calm)
        await self.pilot.pause()
        self.keep(name)
        print(f"  {self.steps:02} {name}", flush=True)

    async def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        await self.pilot.press(*keys)

    async def write(self, text: str) -> None:
        """Text in the field that has the focus, in place of what is there."""
        await self.press("end", *["backspace"] * len(str(getattr(self.app.focused, "value", ""))), *text)

    async def forget(self) -> None:
        """The notifications, so that what the next step waits for is new."""
        self.app.clear_notifications()
        await self.pilot.pause()


async def import_table(walk: Walk, table: Path) -> None:
    await walk.step("welcome", "Welcome to localsynth")
    await walk.press("i")
    await walk.seen("tab completes")
    await walk.write(f"{table.parent}/")
    await walk.step("choose-a-file", table.name)
    await walk.press("down", "enter")
    await walk.step("import", "300 rows, 6 columns")
    await walk.press("enter")
    await walk.step("imported", "imported clinic", "Datasets (1)")


async def edit_schema(walk: Walk) -> None:
    await walk.forget()
    await walk.press("f3")
    await walk.step("schema", "Columns (6)", "age")
    await walk.press("enter")
    await walk.step("column", "Column age", "the 300 real rows fit")
    await walk.write("20")
    await walk.step("range-refused", "! ")
    await walk.write("0")
    await walk.press("tab")
    await walk.write("110")
    await walk.step("range", "the 300 real rows fit")
    await walk.press("ctrl+j")
    await walk.step("schema-not-saved", "not saved")
    await walk.press("w")
    await walk.step("schema-saved", "the schema is saved")


async def make_recipe(walk: Walk, method: str, rows: int) -> None:
    await walk.forget()
    await walk.press("f4")
    await walk.seen("Good: ")
    await walk.press("alt+1")
    await walk.step("methods", method)
    for _ in range(10):
        if getattr(walk.app.focused, "highlighted", None) is None:
            await walk.press("home")
        option = walk.app.focused.get_option_at_index(walk.app.focused.highlighted)  # type: ignore[union-attr]
        if option.id == method:
            break
        await walk.press("down")
    await walk.press("enter", "alt+2")
    await walk.write(str(rows))
    await walk.step("recipe", f"Good: {rows} rows of clinic by {method}")
    await walk.press("alt+3")
    await walk.step("recipe-as-file", f'name = "{method}"')
    await walk.press("ctrl+r")


async def watch_run(walk: Walk, method: str, rows: int) -> None:
    await walk.seen(f"running  {method}")
    await walk.seen("kept", patience=RUN_PATIENCE_S)
    walk.keep("run-going-on")
    for key, name in zip("23456", ("plot", "newest-rows", "method", "log", "prompt"), strict=True):
        await walk.press(key)
        await walk.step(f"run-{name}", calm=1.0)
    await walk.press("1")
    await walk.step("run-over", f"Finished: {rows} rows", patience=RUN_PATIENCE_S)


async def look_at_rows(walk: Walk, rows: int) -> None:
    await walk.press("enter")
    await walk.step("rows", f"of {rows}")
    await walk.press("slash")
    await walk.write("age > 40 AND ward = 'heart'")
    await walk.press("enter")
    await walk.step("rows-filtered", "where")
    await walk.press("slash")
    await walk.write("")
    await walk.press("enter", "s")
    await walk.step("rows-sorted", "sorted")
    await walk.press("right", "right", "d")
    await walk.step("distribution", "missing (")
    await walk.press("d", "v")
    await walk.step("rows-beside-real")
    await walk.press("enter")
    await walk.step("cell", "ward")
    await walk.press("escape")
    if walk.app.size.width < 120:  # no room for two tables: the real rows came in place of the others
        await walk.press("t")
    await walk.press("n")
    await walk.step("nearest", "Real rows nearest")
    await walk.press("escape")


async def ask_sql(walk: Walk) -> None:
    await walk.forget()
    await walk.press("f7")
    await walk.step("sql", "clinic")
    await walk.press(*QUERY, "ctrl+r")
    await walk.step("sql-answered", "4 rows")
    await walk.press("alt+h")
    await walk.step("sql-history", "History")
    await walk.press("escape")


async def judge(walk: Walk, out: Path) -> None:
    await walk.forget()
    await walk.press("f8")
    await walk.step("report-not-yet", "e ")
    await walk.press("e")
    await walk.seen("Evaluating")
    walk.keep("evaluating")
    await walk.step("report", "evaluated: ", patience=RUN_PATIENCE_S)
    for number in range(1, 4):
        await walk.press("pagedown")
        await walk.step(f"report-page-{number + 1}")
    await walk.press("j")
    await walk.step("report-sections")
    await walk.press("escape")
    await walk.forget()
    for key, name, suffix in (("o", "page", ".html"), ("x", "export", ".csv")):
        await walk.press(key)
        await walk.seen("tab completes")
        await walk.write(str(out / f"clinic{suffix}"))
        await walk.step(f"{name}-where")
        await walk.press("enter")
        await walk.step(name, f"clinic{suffix}")
        if not (out / f"clinic{suffix}").exists():
            raise NotThere(f"the file clinic{suffix}")


async def look_round(walk: Walk) -> None:
    await walk.forget()
    await walk.press("f2")
    await walk.step("home", "Runs (1)")
    await walk.press("2")
    await walk.step("home-runs")
    await walk.press("f1")
    await walk.step("help", "Help")
    await walk.press("escape", "ctrl+p")
    await walk.step("palette")
    await walk.press("escape", "l")
    await walk.step("jobs", "evaluate")
    await walk.press("escape", "f9")
    await walk.step("diagnosis", "Python")
    await walk.press("escape", "3")
    await walk.step("home-models")


async def walk_through(asked: argparse.Namespace, size: str, folder: Path) -> bool:
    """The whole story at one size; whether every step came."""
    width, height = map(int, size.split("x"))
    out = asked.out.absolute() / size
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.svg"), *out.glob("*.txt"), *out.glob("clinic.*")):
        old.unlink()
    table = folder / "clinic.csv"
    write_table(table)
    app = LocalsynthApp(str(folder / "workspace"))
    begun = time.monotonic()
    print(size, flush=True)
    async with app.run_test(size=(width, height), notifications=True) as pilot:
        walk = Walk(app, pilot, out)
        try:
            await import_table(walk, table)
            await edit_schema(walk)
            await make_recipe(walk, asked.method, asked.rows)
            await watch_run(walk, asked.method, asked.rows)
            await look_at_rows(walk, asked.rows)
            await ask_sql(walk)
            await judge(walk, out)
            await look_round(walk)
        except NotThere as missing:
            walk.keep("in-vain")
            print(f"{size}: waited in vain for {missing}:\n{walk.text()}", file=sys.stderr)
            return False
        finally:
            stop_jobs(folder / "workspace")
    print(f"{size}: {walk.steps} steps in {time.monotonic() - begun:.0f} s", flush=True)
    return True


def stop_jobs(folder: Path) -> None:
    """Those that a walk left going on."""
    for job in Workspace(folder).jobs():
        job.kill()


def main() -> int:
    """Walk; 1 where a step did not come."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--size", action="append", help="columns x lines; may be given again")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--method", default="text-to-tabular")
    asked = parser.parse_args()
    came: list[Any] = []
    for size in asked.size or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CONFIG_HOME"] = folder  # settings of whoever walks are not those of the pictures
            came.append(asyncio.run(walk_through(asked, size, Path(folder))))
    return 0 if all(came) else 1


if __name__ == "__main__":
    sys.exit(main())
