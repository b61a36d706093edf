"""Which run to watch: those that are being made first, then the newest of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from localsynth.core.run import Run, Status
from localsynth.tui.plain import line

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = ["being_made", "choices", "runs_to_watch"]

_MOST = 100


def being_made(ws: Workspace, dataset: str | None = None) -> list[Run]:
    """Runs that some process makes just now, newest first; of any dataset where none is named."""
    if not ws.exists:
        return []
    return [run for run in ws.runs(dataset) if run.status is Status.RUNNING and ws.maker(run) is not None]


def runs_to_watch(ws: Workspace) -> list[tuple[Run, str]]:
    """With the status of each, in a word."""
    if not ws.exists:
        return []
    told = [(run, ws.standing(run)) for run in ws.runs()[:_MOST]]
    return sorted(told, key=lambda one: one[1] != Status.RUNNING.value)


def choices(runs: list[tuple[Run, str]]) -> list[tuple[Text, Run]]:
    """A line for each."""
    return [(_line(run, word), run) for run, word in runs]


def _line(run: Run, word: str) -> Text:
    text = Text(
        f"{word:<12}", "bold" if word == Status.RUNNING.value else "", no_wrap=True, overflow="ellipsis"
    )
    text.append(f"{run.rows_done:>9,} rows  ", "dim")
    return text.append_text(line(f"{run.run_id}  {run.method}"))
