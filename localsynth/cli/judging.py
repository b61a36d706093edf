"""``evaluate``, ``report``, ``compare`` and ``metrics``: what rows are worth, and what they give away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    Format,
    FormatOption,
    MaxMemoryOption,
    MaxMinutesOption,
    RunArgument,
    WorkspaceOption,
    in_workspace,
    limits_of,
    open_workspace,
)
from .output import debugging, err, hint, print_records, print_rich, print_text, say, warn, warn_left_out

if TYPE_CHECKING:
    from rich.console import Group

    from localsynth.core.errors import LocalsynthError
    from localsynth.core.evaluation import Evaluation, NotKept
    from localsynth.metrics.judge import Step
    from localsynth.workspace import Workspace

__all__ = ["register"]

_Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUN]...", help="Runs by id or its beginning, a dataset's name, or 'last'.  [default: last]"
    ),
]
_Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        help="Hold them against this dataset; runs of several datasets need one.  [default: the runs' own]",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a report.")]
_Html = Annotated[Path | None, typer.Option("--html", help="Write the report to this file instead.")]
_Outside = Annotated[
    bool,
    typer.Option(
        "--outside-budget",
        help="Judge runs with a privacy budget by real rows too, which it does not cover; kept apart.",
    ),
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("evaluate")(evaluate)
    app.command("report")(report)
    app.command("compare")(compare)
    app.command("metrics")(metrics)


def evaluate(
    runs: _Runs = None,
    against: _Against = None,
    as_json: _Json = False,
    html: _Html = None,
    overwrite: _Overwrite = False,
    only: Annotated[
        str | None, typer.Option("--metrics", help="Only these, separated by commas.  [default: all]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of whatever metrics draw.")] = 0,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Cores to use.  [default: all]")
    ] = None,
    outside_budget: _Outside = False,
    max_minutes: MaxMinutesOption = None,
    max_memory: MaxMemoryOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Judge runs: validity, fidelity, utility, privacy, beside real rows and reference methods.

    Runs stand side by side, held against the same real rows: those of their own dataset, or of the one --against names.
    Runs of several datasets are refused without it. The scores are kept in meta.metrics; where another process holds the
    workspace for more than a minute, they are only shown, with exit code 4.

    Of runs with a privacy budget ([privacy] epsilon) only what it covers is judged: validity, rules, and how near the rows
    come to the noisy statistics they were made from; no real row is read. With --outside-budget they are judged as other
    runs are: those figures are for whoever may see the real rows, and are not to be released.
    """
    from localsynth.core.evaluation import NotKept

    space, limits = open_workspace(workspace), limits_of(max_minutes, max_memory)
    _refuse_two(as_json, html)
    chosen = tuple(filter(None, map(str.strip, only.split(",")))) if only is not None else None
    if html is not None:
        from localsynth.workspace.files import check_place

        check_place(html, overwrite=overwrite)  # before a minute is spent
    try:
        with _Steps() as step:
            evaluation = space.evaluate(
                *(runs or ()),
                against=against,
                metrics=chosen,
                seed=seed,
                threads=threads,
                outside_budget=outside_budget,
                limits=limits,
                on_step=step,
                on_warning=_warn,
            )
    except NotKept as error:
        _show(space, error.evaluation, as_json, html, overwrite, unkept=error)
        raise
    if chosen is not None:
        _tell_broken()
    _show(space, evaluation, as_json, html, overwrite, workspace=workspace)


def report(
    runs: _Runs = None,
    against: _Against = None,
    as_json: _Json = False,
    html: _Html = None,
    overwrite: _Overwrite = False,
    outside_budget: _Outside = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show again what `evaluate` found."""
    space = open_workspace(workspace)
    _refuse_two(as_json, html)
    _tell_broken()
    found = space.evaluation(*(runs or ()), against=against, outside_budget=outside_budget)
    _show(space, found, as_json, html, overwrite, workspace=workspace)


def compare(
    first: RunArgument,
    second: RunArgument,
    against: _Against = None,
    as_json: _Json = False,
    outside_budget: _Outside = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Two runs side by side: which is better at what, and whether the difference is clear."""
    from localsynth.core.errors import NotFound
    from localsynth.core.evaluation import NotKept

    space = open_workspace(workspace)
    unkept: NotKept | None = None
    try:
        found = space.compare(first, second, against=against, outside_budget=outside_budget)
    except NotFound:
        space.get_run(first), space.get_run(second)  # a run that is not there is not evaluated either
        say("not both are evaluated yet")
        try:
            with _Steps() as step:
                space.evaluate(
                    first,
                    second,
                    against=against,
                    outside_budget=outside_budget,
                    on_step=step,
                    on_warning=_warn,
                )
            found = space.compare(first, second, against=against, outside_budget=outside_budget)
        except NotKept as error:
            from localsynth.report.comparison import compare as compared
            from localsynth.workspace.evaluate import measures

            found, unkept = compared(error.evaluation, measures()), error
    if as_json:
        print_text([json.dumps(found.plain(), ensure_ascii=False, allow_nan=False)])
    else:
        from localsynth.report.comparison import render

        print_rich(render(found))
    if unkept is not None:
        raise unkept


def metrics(format: FormatOption = Format.TABLE) -> None:  # noqa: A002
    """Every measure `evaluate` gives: what it says, where good values lie, where it is from."""
    from localsynth.metrics.registry import survey

    _tell_broken()
    rows = [
        {
            "metric": measure.name,
            "family": metric.family,
            "plugin": metric.name,
            "better": f"near {measure.ideal:g}" if measure.ideal is not None else measure.better,
            "title": measure.title,
            "definition": measure.definition,
            "source": measure.source,
        }
        for metric in survey().metrics.values()
        for measure in metric.measures
    ]
    if format is Format.TABLE:
        print_rich(_explained(rows))
    else:
        print_records(rows, format, list(rows[0]))


def _explained(rows: Sequence[dict[str, str]]) -> Group:
    """As people read it: whole sentences, as wide as there is room."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    shown: list[Text | Padding] = []
    for row in rows:
        good = {"none": "a fact, neither good nor bad"}.get(row["better"], f"{row['better']} is better")
        shown.append(Text.assemble((row["metric"], "bold"), f"  {row['title']} ({row['family']}; {good})"))
        shown.append(Padding(Text(f"{row['definition']} [{row['source']}]"), (0, 0, 1, 4)))
    return Group(*shown)


def _tell_broken() -> None:
    """Which metrics cannot be used: what they gave is missing, or shown without its meaning."""
    from localsynth.metrics.registry import survey

    for error in survey().broken.values():
        warn_left_out(error)


def _warn(error: LocalsynthError) -> None:
    """What an evaluation goes on without, or waits for."""
    from localsynth.core.errors import StoreLocked

    if isinstance(error, StoreLocked):
        warn(error.message)
        return
    warn_left_out(error)
    if debugging() and error.__cause__ is not None:
        from localsynth.core.tracing import trace

        err().print(trace(error.__cause__), markup=False)


def _refuse_two(as_json: bool, html: Path | None) -> None:
    if as_json and html is not None:
        raise typer.BadParameter("--json and --html are two ways to show one thing: choose one")


def _show(
    space: Workspace,
    evaluation: Evaluation,
    as_json: bool,
    html: Path | None,
    overwrite: bool,
    unkept: NotKept | None = None,
    workspace: Path | None = None,
) -> None:
    """Print or write it. unkept : why the workspace, which cannot be read then, does not have it. workspace : as named."""
    if as_json:
        print_text([_as_json(evaluation)])
        return
    if html is not None:
        prompts, told = (unkept.prompts, unkept.explanations) if unkept is not None else (None, None)
        path = space.report(evaluation, html, overwrite=overwrite, prompts=prompts, explanations=told)
        print_text([str(path)])
        from localsynth.report.lookup import Lookup

        tells = Lookup(evaluation, {}, {}).tells_of_rows
        handle = "; it shows statistics of real rows: handle it like them" if tells else ""
        say(f"the report is in {path}{handle}", "green")
        return
    from localsynth.report.terminal import terminal_report
    from localsynth.workspace.evaluate import families, measures

    print_rich(terminal_report(evaluation, measures(), families()))
    if unkept is not None:
        return
    run = evaluation.runs[0].run_id
    outside = evaluation.spent is not None and not evaluation.covered
    apart = f" and {'' if outside else 'not '}outside_budget" if evaluation.spent is not None else ""
    query = (
        "select subject, metric, value, low, high from meta.metrics"  # noqa: S608 - shown, not run
        f" where run_id = '{run}' and column_a is null and item is null{apart} order by position"
    )
    option = " --outside-budget" if outside else ""
    there = in_workspace(workspace)
    hint(
        f'next: localsynth report {run}{option} --html report.html{there}, or localsynth sql "{query}"{there}'
    )


def _as_json(evaluation: Evaluation) -> str:
    from dataclasses import asdict

    from localsynth.report.cautions import cautions
    from localsynth.report.lookup import Lookup

    whole = {
        "cautions": list(cautions(Lookup(evaluation, {}, {}))),
        "covered_by_budget": evaluation.covered,
        "budgets": {
            run_id: asdict(statistics.budget)
            for run_id, statistics in evaluation.aims.items()
            if statistics.budget is not None
        },
        "spent_on_dataset": None if evaluation.spent is None else asdict(evaluation.spent),
        "scores": [judged.plain() for judged in evaluation.scores],
        "stages": {
            run_id: {stage: [judged.plain() for judged in scores] for stage, scores in stages.items()}
            for run_id, stages in evaluation.stages.items()
        },
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False)


class _Steps:
    """A bar, from the first moment, saying what is being computed; plain lines where nobody can watch one."""

    def __enter__(self) -> Step:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._subject = ""
        self._bar = Progress(
            BarColumn(bar_width=None),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=err(),
            transient=True,
            expand=True,
            disable=not err().is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)
        self._bar.start()
        return self._step

    def _step(self, done: int, total: int, subject: str, metric: str) -> None:
        self._bar.update(self._task, completed=done, total=total, description=f"{subject} {metric}".strip())
        if subject != self._subject and not err().is_terminal:
            say(f"{done / max(1, total):4.0%}  {subject or metric}")
        self._subject = subject

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt:
            say("stopped; nothing of it was kept")
