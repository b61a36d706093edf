"""Datasets, runs and models as lines of Home's lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from localsynth.core.words import duration, size_text
from localsynth.tui.plain import line
from localsynth.tui.widgets.listing import Column, Entry

if TYPE_CHECKING:
    from localsynth.core.dataset import Dataset
    from localsynth.core.run import Run
    from localsynth.engine.catalog import Model

    from .facts import Facts, Machine, Making

__all__ = [
    "DATASETS",
    "MODELS",
    "RUNS",
    "about_dataset",
    "about_model",
    "about_run",
    "dataset_entries",
    "model_entries",
    "model_facts",
    "run_entries",
]

DATASETS = (
    Column("dataset", least=12),
    Column("rows", right=True),
    Column("train", right=True),
    Column("held out", right=True),
    Column("columns", right=True),
    Column("models may see"),
    Column("runs", right=True, leaves=1),
    Column("to predict", least=8, leaves=2),
    Column("from", least=8, leaves=3),
)
RUNS = (
    Column("dataset", least=8),
    Column("status", least=11),
    Column("method", least=11),
    Column("model sees"),
    Column("rows", right=True),
    Column("told apart", right=True),
    Column("started", leaves=1),
    Column("run", leaves=2),
    Column("model", least=8, leaves=3),
    Column("recipe", least=8, leaves=4),
)
MODELS = (
    Column("model", least=12),
    Column("state"),
    Column("file", right=True),
    Column("memory", right=True),
    Column("fits here", least=12),
    Column("context", right=True, leaves=1),
    Column("licence", least=6, leaves=3),
    Column("kind", leaves=2),
)

_GOOD, _BAD, _BUSY = "green", "red", "bold"
_STATUS = {
    "running": _BUSY,
    "finished": "",
    "short": _BAD,
    "cancelled": "yellow",
    "failed": _BAD,
    "interrupted": "yellow",
}


def dataset_entries(facts: Facts, present: str | None) -> list[Entry]:
    """present : the one that the UI is about."""
    made: dict[str, int] = {}
    for run in facts.runs:
        made[run.dataset] = made.get(run.dataset, 0) + 1
    return [
        Entry(
            one.name,
            (
                line(one.name, "bold"),
                *(
                    (_number(one.rows), _number(one.train_rows), _number(one.holdout_rows))
                    if one.rows
                    else (Text("no rows", "dim"), Text(""), Text(""))
                ),
                _number(len(one.schema.columns)),
                Text(one.policy.label),
                _number(made.get(one.name, 0)),
                line(one.schema.target or "", cells=30),
                line(one.source or "a description", "dim", cells=40),
            ),
            marked=one.name == present,
        )
        for one in facts.datasets
    ]


def run_entries(
    runs: Sequence[Run], facts: Facts, making: Mapping[str, Making], present: str | None, now: datetime
) -> list[Entry]:
    """making : of runs that are recorded as being made, what was last heard."""
    return [_run_entry(one, facts, making.get(one.run_id), present, now) for one in runs]


def _run_entry(run: Run, facts: Facts, heard: Making | None, present: str | None, now: datetime) -> Entry:
    status = heard.standing if heard is not None else facts.standing.get(run.run_id, run.status.value)
    done = run.rows_done
    shown = status
    if heard is not None and heard.progress is not None and status == "running":
        done = max(done, math.floor(heard.progress.rows_done))
        share = heard.progress.stage_share
        before = share is not None and done == 0  # of the part of the learning that goes on just now
        shown = f"learning {share:.0%}" if before else f"running {done / max(run.rows_wanted, 1):.0%}"
    started = run.started_at.astimezone(now.tzinfo)
    return Entry(
        run.run_id,
        (
            line(run.dataset, "bold"),
            Text(shown, _STATUS.get(status, "")),
            line(run.method),
            Text(run.exposure.label),
            Text(f"{done:,}" if done >= run.rows_wanted else f"{done:,}/{run.rows_wanted:,}"),
            _score(run.run_id, facts),
            Text(f"{started:%H:%M}" if started.date() == now.date() else f"{started:%d %b %Y}"),
            line(run.run_id, "dim"),
            line(run.model or "none", "dim", cells=24),
            line(Path(run.recipe_path).stem if run.recipe_path else "", "dim"),
        ),
        marked=run.run_id == present,
    )


def _score(run_id: str, facts: Facts) -> Text:
    if run_id not in facts.scores:
        return Text("-", "dim")
    score = facts.scores[run_id]
    return Text("evaluated", "dim") if score is None else Text(f"{score:.2f}")


def model_entries(machine: Machine) -> list[Entry]:
    """Every known model, installed or not."""
    return [
        Entry(
            one.name,
            (
                line(one.name, "bold"),
                Text(
                    "default"
                    if one.name == machine.default
                    else "installed"
                    if one.installed
                    else "not installed",
                    "" if one.installed else "dim",
                ),
                Text(size_text(one.size)),
                Text(size_text(one.memory_mb * 1_000_000)),
                _fit(one, machine.free),
                _number(one.context_length),
                line(one.license, "dim", cells=20),
                line(f"{one.architecture}, {one.parameters / 1e6:,.0f} M, {one.quantization}", "dim"),
            ),
        )
        for one in machine.models
    ]


def _fit(model: Model, free: int | None) -> Text:
    if free is None:
        return Text("unknown", "dim")
    needed = model.memory_mb * 1_000_000
    if needed > free:
        return Text(f"no, {size_text(free)} free", _BAD)
    return Text(f"yes, {size_text(free)} free", "" if needed < 0.8 * free else "yellow")


def about_dataset(one: Dataset) -> str:
    """What the line has no room for."""
    source = f"from {one.source}" if one.source else "described, without rows"
    target = f", to predict: {one.schema.target}" if one.schema.target else ""
    imported = f"{one.imported_at.astimezone():%Y-%m-%d %H:%M}"
    return f"{source}{target}, {imported}"


def about_run(run: Run, heard: Making | None) -> str:
    """What the line has no room for."""
    progress = heard.progress if heard is not None else None
    if progress is None or heard is None or heard.standing != "running":
        said = f"; {run.message}" if run.message else ""
        return f"{run.run_id}{said}"
    if progress.stage_share is not None:
        return f"{run.run_id}; {progress.stage} {progress.stage_share:.0%}, {duration(progress.stage_eta_s)} left"
    if progress.rows_per_s <= 0:
        return f"{run.run_id}; no rate yet"
    return f"{run.run_id}; {progress.rows_per_s:.1f} rows/s, {duration(progress.eta_s)} left"


def about_model(model: Model) -> str:
    """Where it is, or how it comes."""
    return str(model.path) if model.installed else f"not on this machine; {model.source}"


def model_facts(model: Model) -> str:
    """All there is to say of it."""
    facts = {
        "file": model.path,
        "there": "yes" if model.installed else "no",
        "from": model.source,
        "licence": model.license,
        "kind": f"{model.architecture}, {model.parameters / 1e6:,.0f} million parameters, {model.quantization}",
        "size": f"{model.size:,} bytes",
        "memory": f"about {size_text(model.memory_mb * 1_000_000)} when it runs",
        "context": f"{model.context_length:,} tokens",
        "sha256": model.sha256,
    }
    return "\n".join(f"{name:<8} {value}" for name, value in facts.items())


def _number(value: int) -> Text:
    return Text(f"{value:,}")
