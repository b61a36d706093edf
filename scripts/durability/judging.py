"""A small run to disturb, the rows it makes when nobody does, and whether a workspace still has what it was told to keep."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .children import Ended, begin, command, isolated, load_what

__all__ = ["Bench", "Found", "Lost", "Tally", "look", "promised_in"]

ROWS, BATCH = 24, 6
_SCHEMA = """\
[[columns]]
name = "patient_id"
kind = "identifier"
prefix = "P"

[[columns]]
name = "age"
kind = "integer"
range = [18, 90]

[[columns]]
name = "ward"
kind = "categorical"
categories = ["east", "west", "north"]

[[columns]]
name = "lab"
kind = "float"
decimals = 1
range = [4.0, 12.0]
null_rate = 0.2

[[rules]]
name = "old enough"
check = "age >= 20"
"""
_RECIPE = f"""\
title = "a small clinic"
rows = {ROWS}
seed = 3

[dataset]
name = "tiny"
schema = "tiny.schema.toml"

[model]
name = "uniform"

[method]
name = "text-to-tabular"
batch_rows = {BATCH}
"""


class Lost(Exception):
    """A workspace is not as it must be."""


@dataclass(frozen=True)
class Found:
    """What is in a workspace that was opened. runs : by name, status and rows. datasets : by name, all real rows.

    promised : rows of each run that it said were committed, in its events. flaws : of the audit log.
    """

    runs: dict[str, tuple[str, list[tuple[Any, ...]]]]
    datasets: dict[str, list[tuple[Any, ...]]]
    promised: dict[str, int]
    flaws: tuple[str, ...]


@dataclass
class Tally:
    """One line of the table. equal : resumed, or made again, to the rows of an undisturbed run."""

    kind: str
    tries: int = 0
    survived: int = 0
    lost: int = 0
    equal: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was lost in any try, and there was one."""
        return self.tries > 0 and self.tries == self.survived == self.equal and not self.lost


class Bench:
    """Workspaces to break, in a folder. made : the rows of the run; imported : those of the file.

    model : for kinds that need one; the usual one by default.
    """

    def __init__(
        self, base: Path, chance: random.Random, talk: Callable[[str], None], model: str | None = None
    ) -> None:
        self.base, self.chance, self.talk, self.model = base, chance, talk, model
        (base / "tiny.schema.toml").write_text(_SCHEMA)
        self.recipe = base / "tiny.toml"
        self.recipe.write_text(_RECIPE)
        self.csv = base / "people.csv"
        draw = random.Random(5)
        lines = [f"{n},{draw.randint(18, 90)},{draw.choice('abc')}" for n in range(40)]
        self.csv.write_text("\n".join(["number,age,group", *lines]) + "\n")
        self.import_words = ["import", self.csv, "--name", "people", "--seed", 1]
        self.run_words = ["run", self.recipe]
        self.resume_words = ["runs", "resume", "last"]
        self.imported, self.made = self.undisturbed()
        self._number = 0

    def undisturbed(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Leaves two workspaces to begin from: ``with-data`` and, after the run, ``with-run``."""
        first = self.base / "first"
        for words in (self.import_words, self.run_words):
            load_what(command(words, first))
        load_what(lambda: look(first))
        folder = self.base / "with-data"
        self.must(self.import_words, folder)
        whole = self.copy(folder, "with-run")
        self.must(self.run_words, whole)
        found = look(whole)
        ((_, made),) = found.runs.values()
        return found.datasets["people"], made

    def fresh(self, begin_from: str | None) -> Path:
        """The folder of a workspace of one's own: absent, or as one of those."""
        self._number += 1
        folder = self.base / f"try-{self._number}"
        return self.copy(self.base / begin_from, folder.name) if begin_from else folder

    def copy(self, folder: Path, name: str) -> Path:
        return shutil.copytree(folder, self.base / name)

    def must(self, words: list[Any], folder: Path) -> None:
        """The command, which must do what it is there for. Raises ``Lost``."""
        ended = begin(command(words, folder)).wait()
        if ended.killed or ended.error or ended.value:
            raise Lost(
                f"`{' '.join(map(str, words))}` ended with {ended.value}: {ended.error}{ended.talk[-600:]}"
            )

    def try_one(self, tally: Tally, what: str, one: Callable[[Path], None], begin_from: str | None) -> None:
        """Count a try; the folder of one that lost something stays."""
        folder = self.fresh(begin_from)
        tally.tries += 1
        try:
            one(folder)
        except (Lost, RuntimeError, TimeoutError) as error:
            tally.faults.append(f"{what} ({folder}): {error}")
            self.talk(f"{tally.kind}: {tally.faults[-1]}")
        else:
            shutil.rmtree(folder, ignore_errors=True)

    def survived(
        self,
        tally: Tally,
        folder: Path,
        *,
        promised: dict[str, int] | None = None,
        without: Collection[object] = (),
    ) -> Found:
        """The workspace opens, and has all that was committed. Raises ``Lost``.

        promised : rows of each run that were; by default what its events say. without : runs that may be gone.
        """
        found = look(folder) if (folder / "workspace.duckdb").exists() else Found({}, {}, {}, ())
        lost = 0
        for run_id, rows in (promised or found.promised).items():
            if run_id in without and run_id not in found.runs:
                continue
            have = found.runs[run_id][1] if run_id in found.runs else []
            lost += max(0, rows - len(have))
            if have != self.made[: len(have)]:
                raise Lost(f"run {run_id} has other rows than an undisturbed one")
        tally.lost += lost
        if lost:
            raise Lost(f"{lost} committed rows are lost")
        if found.datasets.get("people", self.imported) != self.imported:
            raise Lost("the imported rows are others")
        if found.flaws:
            raise Lost(f"the audit log has flaws: {'; '.join(found.flaws)}")
        tally.survived += 1
        return found

    def goes_on(self, tally: Tally, folder: Path, found: Found) -> None:
        """Every run taken up again, or begun where none was recorded, has the rows of an undisturbed one. Raises ``Lost``."""
        if "people" not in found.datasets:
            self.must(self.import_words, folder)
        for run_id in found.runs or ("",):
            self.must(["runs", "resume", run_id] if run_id else self.run_words, folder)
        after = look(folder)
        for run_id, (status, rows) in after.runs.items():
            if (status, rows) != ("finished", self.made):
                raise Lost(
                    f"run {run_id} is {status} with {len(rows)} rows, others than those of an undisturbed one"
                )
        if after.datasets.get("people") != self.imported:
            raise Lost("the imported rows are others")
        if after.flaws:
            raise Lost(f"after it went on, the audit log has flaws: {'; '.join(after.flaws)}")
        tally.equal += 1

    def told(self, ended: Ended) -> None:
        """A command that failed said so in a sentence. Raises ``Lost``."""
        if ended.error or "Traceback" in ended.talk or "inside localsynth" in ended.talk:
            raise Lost(f"no sentence, but: {ended.error}{ended.talk[-1500:]}")
        if ended.value and "error:" not in ended.talk:
            raise Lost(f"code {ended.value}, and not a word why: {ended.talk[-300:]}")


def promised_in(folder: Path) -> dict[str, int]:
    """The rows of each run that its events say were committed."""
    from localsynth.core.events import BatchCommitted
    from localsynth.runs.bus import read_events

    promised = {}
    for path in folder.glob("runs/*/events.jsonl"):
        events = [event for event in read_events(path)[0] if isinstance(event, BatchCommitted)]
        promised[path.parent.name] = max((event.rows_done for event in events), default=0)
    return promised


def look(folder: Path) -> Found:
    """Open a workspace, in a process of its own. Raises ``Lost`` where that is refused."""

    def work() -> Found | str:
        from localsynth import Workspace
        from localsynth.core.errors import LocalsynthError

        try:
            space = Workspace(folder)
            runs = {run.run_id: (run.status.value, _rows(space.rows_arrow(run))) for run in space.runs()}
            datasets = {one.name: _real(space, one.name) for one in space.datasets() if one.rows}
            flaws = tuple(map(str, space.verify_audit().flaws))
        except LocalsynthError as error:
            return f"{error} ({error.hint})"
        return Found(runs, datasets, promised_in(folder), flaws)

    found = isolated(work)
    if isinstance(found, str):
        raise Lost(f"the workspace does not open: {found}")
    assert isinstance(found, Found)
    return found


def _rows(table: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def _real(space: Any, name: str) -> list[tuple[Any, ...]]:
    return sorted(_rows(space.sql_arrow(f'FROM "{name}_real"')))
