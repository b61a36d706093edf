"""What the report place says beside the report: of which runs it is, what is going on, and why there is nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from localsynth.core.words import counted
from localsynth.tui.plain import clipped, line, one_line, paragraph

if TYPE_CHECKING:
    from localsynth.core.run import Run
    from localsynth.workspace import JobState

    from .sight import Sight

__all__ = [
    "BUDGET",
    "READING",
    "about",
    "gone",
    "no_run",
    "no_runs",
    "not_judged",
    "of_run",
    "progress",
]

BUDGET = """\
This run has a privacy budget (epsilon). By default only what the budget covers is judged: validity, rules, and how near the
rows come to the noisy statistics they were made from. No real row is read for that.

Outside the budget the run is judged by real rows, as other runs are. Those figures are for whoever may see the real rows; do
not release them. They are kept apart from the others.
"""
READING = Text("Reading the scores ...", "dim", end="")
_BAR = 24


def about(sight: Sight) -> Text:
    """Whose report it is, and how it was asked for; one line."""
    text = Text(no_wrap=True, end="", overflow="ellipsis")
    if len(sight.runs) == 1:
        text.append_text(of_run(sight.runs[0]))
    else:
        text.append(f"{len(sight.runs)} runs side by side: ", "bold")
        text.append_text(line(", ".join(run.method for run in sight.runs)))
    if sight.asked.against is not None:
        text.append_text(line(f"  against {sight.asked.against}", "bold"))
    if sight.budgeted:
        text.append("  outside the budget" if sight.asked.outside else "  within the budget", "bold")
    return text


def of_run(run: Run) -> Text:
    """A run in a line: its id, what made it, how many rows, how it ended."""
    model = f" with {run.model}" if run.model else ""
    return Text.assemble(
        line(run.run_id, "bold"),
        line(f"  {run.method}{model}, {counted(run.rows_done, 'row')}, {run.status.value}"),
    )


def no_run(*, there: bool, read_only: bool) -> Text:
    """What to press where no run is chosen. there : whether there is a workspace."""
    if there:
        text = Text(
            "No run is chosen.\n\n  c    choose one or more runs\n  F2   go Home, where all runs are\n",
            end="",
        )
        return text if read_only else text.append("  F4   make a run\n")
    text = Text("There is no workspace here yet, so there is nothing to report on.\n", end="")
    return (
        text if read_only else text.append("\nF2 goes Home, where a table is imported or the demo is made.\n")
    )


def no_runs(*, there: bool, read_only: bool) -> str:
    """Why no run can be chosen, in a sentence. there : whether there is a workspace."""
    what, way = ("are no runs", "F4 makes one") if there else ("is no workspace", "F2 goes Home")
    return f"there {what} yet" + ("" if read_only else f": {way}")


def not_judged(sight: Sight, read_only: bool) -> Text:
    """Why there is no report, and what to press."""
    names = one_line(", ".join(run.run_id for run in sight.runs))
    what = "This run has not" if len(sight.runs) == 1 else "Not all of these runs have"
    text = Text.assemble(
        (f"{what} been evaluated", "bold"),
        f" {_how(sight)}:\n{names}\n\n",
        "Evaluating judges the rows: are they valid, do they look like the real ones, can one learn from"
        " them, do they give anybody away? It takes seconds to minutes, and goes on when you leave.\n\n",
    )
    if any(not run.rows_done for run in sight.runs):
        text.append("There are no rows to judge yet.\n", "bold")
    if read_only:
        text.append("This is open for looking only: somebody else has to evaluate.\n")
    else:
        text.append("  e    evaluate now\n")
    text.append("  c    choose other runs\n  a    hold them against another dataset\n")
    if sight.budgeted:
        text.append("  b    within or outside the privacy budget\n")
    return text


def _how(sight: Sight) -> str:
    against = f"against '{one_line(sight.asked.against)}'" if sight.asked.against else "yet"
    return against + (", outside the budget" if sight.asked.outside else "")


def gone(message: str) -> Text:
    """A run that was deleted meanwhile, or runs that cannot stand side by side."""
    return Text.assemble(paragraph(message, "bold"), "\n\n  c    choose other runs\n  F2   go Home\n")


def progress(runs: Sequence[str], state: JobState, width: int) -> Text:
    """How far a job is, in one line."""
    step = state.step
    if step is None or not step.total:
        words = step.text if step is not None and step.text else "starting"
        return line(f" Evaluating: {words}", "bold", max(width, 10))
    full = round(_BAR * min(step.done / step.total, 1.0))
    said = (
        f" Evaluating {step.done / step.total:4.0%} [{'#' * full}{'-' * (_BAR - full)}] {one_line(step.text)}"
    )
    said += (
        "  (stopping)"
        if state.stopping
        else f"  {counted(len(runs), 'run')}; s stops, escape leaves it going"
    )
    return Text(clipped(said, max(width, 10)), "bold", no_wrap=True, end="")
