"""One look at the store for what the place Run shows just now, and nothing else."""

from __future__ import annotations

from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from localsynth.core.errors import LocalsynthError, PolicyError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run, Status
from localsynth.tui.plain import line, paragraph

from .curves import MethodTold
from .panels import TextPanel, newest_table
from .plotting import Comparison, PlotPanel, RealSide
from .progress import Facts

if TYPE_CHECKING:
    import pyarrow as pa

    from localsynth.workspace import Workspace

    from .view import RunView

__all__ = ["Look", "Seen", "rounds_table"]

_ROUNDS = 15
_COLUMNS = 40


@dataclass(frozen=True)
class Look:
    """What to look at. shown : names of the panels in sight. column : of the plot. facts : what is known already."""

    run: Run
    facts: Facts | None
    shown: Set[str]
    column: str
    real: RealSide

    def take(self, ws: Workspace) -> Seen:
        """Ask the workspace, in a few short transactions. Raises ``NotFound`` where the run is gone."""
        newest = ws.newest(self.run, columns=_COLUMNS)
        run = newest.run
        facts = self.facts if self.facts is not None and run.status is Status.RUNNING else _facts(ws, run)
        return Seen(
            run,
            facts,
            newest_table(newest, self.real.schema) if run.rows_done else None,
            self.real.compare(ws, self.column) if "plot" in self.shown and self.column else None,
            _method(ws, run) if "method" in self.shown else None,
            _prompt(ws, run) if "prompt" in self.shown else None,
        )


@dataclass(frozen=True)
class Seen:
    """What was found; ``None`` for what was not looked at, or is not there yet."""

    run: Run
    facts: Facts
    rows: Text | None
    comparison: Comparison | None
    method: MethodTold | None
    prompt: RenderableType | None

    def show(self, view: RunView) -> None:
        """On the panels."""
        view.query_one("#rows", TextPanel).tell(
            self.rows if self.rows is not None else Text("No row is in the store yet.", "dim")
        )
        if self.comparison is not None:
            view.query_one(PlotPanel).tell(self.comparison)
        if self.prompt is not None:
            view.query_one("#prompt", TextPanel).tell(self.prompt)


def _facts(ws: Workspace, run: Run) -> Facts:
    members, parent = ws.members_of(run), ws.parent_of(run)
    return Facts(
        ws.engine_of(run),
        members.run_id if members is not None else None,
        parent.run_id if parent is not None else None,
        _usual(ws, run) if run.status is Status.RUNNING else None,
    )


def _usual(ws: Workspace, run: Run) -> float | None:
    """Seconds that a run like it takes; a method that is not there any more tells nothing."""
    with suppress(LocalsynthError, ValueError):
        known = [pace for pace in ws.paces() if pace.run_id != run.run_id]
        recipe = Recipe.model_validate_json(run.recipe_json)
        return ws.estimate(recipe.model_copy(update={"rows": run.rows_wanted}), known).seconds
    return None


def _method(ws: Workspace, run: Run) -> MethodTold:
    told, rounds = ws.explain(run), ws.rounds_arrow(run)
    return MethodTold(run.method, told, rounds_table(rounds) if rounds.num_rows else None)


def rounds_table(rounds: pa.Table) -> Table:
    """The last candidates, the newest first."""
    table = Table.grid(padding=(0, 2, 0, 0))
    heads = ("round", "candidate", "score", "between", "taken", "author", "move")
    for at, _ in enumerate(heads):
        table.add_column(justify="right" if at < 3 else "left", no_wrap=at < 5, overflow="fold")
    table.add_row()
    table.add_row(*(Text(head, "bold") for head in heads))
    for one in reversed(rounds.slice(max(rounds.num_rows - _ROUNDS, 0)).to_pylist()):
        known = one["low"] is not None and one["high"] is not None
        between = f"{one['low']:.3f} and {one['high']:.3f}" if known else ""
        table.add_row(
            Text(f"{one['round']:,}"),
            Text(f"{one['candidate']:,}"),
            Text("" if one["score"] is None else f"{one['score']:.3f}"),
            Text(between),
            Text("yes" if one["accepted"] else "no", "bold" if one["accepted"] else "dim"),
            line(one["author"]),
            line(one["move"]),
        )
    return table


def _prompt(ws: Workspace, run: Run) -> RenderableType:
    if run.model is None:
        return line(f"The method {run.method} asks no model.", "dim")
    try:
        prompt = ws.last_prompt(run)
    except PolicyError as error:
        return paragraph(f"{error.message}.\n\n{error.hint}")
    return paragraph(prompt) if prompt is not None else line("No prompt is in the store yet.", "dim")
