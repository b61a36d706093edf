"""``models tune``: which quantization of a model, and which setup, are fastest on this machine."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Format
from .output import hint, print_records, print_text, say, warn

if TYPE_CHECKING:
    from localsynth.engine.catalog import Model
    from localsynth.engine.search import Trial
    from localsynth.engine.tuning import Tuning

__all__ = ["tune"]

_COLUMNS = ("best", "file", "setup", "rows/s", "tokens/s", "MB", "agreement", "note")  # the note may not fit


def tune(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A model, as `localsynth models list` names it.  [default: the default model]",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long to measure, about.")] = 90,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the files that lost, too.")] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Drop what was found before, with its files, and measure nothing."),
    ] = False,
) -> None:
    """Measure a model's quantizations and setups on this machine; runs then use the fastest true one."""
    model = _chosen(name)
    if forget:
        _forget(model)
        return
    from localsynth.engine.tuning import tune as measure

    from .machine import steps

    _warn_of_load()
    say(f"measuring {model.name} for about {seconds:g} s; Ctrl+C leaves everything as it was")
    with steps() as step:
        found = measure(model, seconds=seconds, keep=keep, progress=step, told=_tell)
    if as_json:
        print_text([json.dumps(_plain(found), ensure_ascii=False, allow_nan=False)])
    else:
        print_records([_line(trial, found) for trial in found.trials], Format.TABLE, _COLUMNS)
    _conclude(found)


def _chosen(name: str | None) -> Model:
    from localsynth.core.errors import ModelNotInstalled
    from localsynth.workspace import Workspace

    catalog = Workspace.models()
    model = catalog.get(name) if name is not None else catalog.default()
    if model is None:
        raise ModelNotInstalled("no model is installed", "`localsynth models list` shows what there is")
    return model


def _forget(model: Model) -> None:
    from localsynth.engine.tuned import forget

    entry = forget(model.folder, model.name, model.sha256)
    say(f"forgot what was found for {model.name}: {entry}" if entry else f"{model.name} was not tuned")


def _warn_of_load() -> None:
    from localsynth.engine.machine import this_machine

    busy = os.getloadavg()[0]
    if busy > this_machine().cores / 2:
        warn(f"other work keeps about {busy:.0f} cores busy; what is measured now may not hold later")


def _tell(trial: Trial) -> None:
    what = f"{trial.quantization}: {trial.setup}" if trial.setup is not None else trial.quantization
    speed = (
        f": {trial.measured.rows_per_s:.1f} rows/s, {trial.measured.tokens_per_s:,.0f} tokens/s"
        if trial.measured is not None
        else ""
    )
    say(f"{what}{speed}{f' ({trial.note})' if trial.note else ''}")


def _conclude(found: Tuning) -> None:
    from localsynth.engine.search import BOUND

    hint(
        "(setup: contexts x threads of each. agreement: how near a token's probability is to the original file's,"
        f" 1 being the same; below {math.exp(-BOUND):.2f} a file is not chosen. {found.rows} rows were made each time)"
    )
    if found.untried:
        hint(f"(time was up before {found.untried} other setups; a larger --seconds tries them, too)")
    first = found.trials[0]
    gain = found.winner.speed / first.speed if first.speed else 1.0
    if found.winner == first:
        say(f"{found.model}: nothing is faster than the default: {found.entry}", "green")
    else:
        say(
            f"{found.model}: {found.entry}, {gain:.2f} times as fast as the default; runs use it now", "green"
        )


def _line(trial: Trial, found: Tuning) -> dict[str, Any]:
    """A line of the table."""
    setup, measured = trial.setup, trial.measured
    words = []
    if setup is not None:
        words = [f"{setup.contexts} x {setup.threads // setup.contexts}", f"{setup.lanes} lanes"]
        words += ["flash"] if setup.flash_attention else []
    return {
        "best": "*" if trial is found.winner else "",
        "file": trial.quantization,
        "setup": ", ".join(words),
        "rows/s": round(measured.rows_per_s, 1) if measured else None,
        "tokens/s": round(measured.tokens_per_s) if measured else None,
        "MB": measured.memory_mb if measured else None,
        "agreement": _agreement(trial),
        "note": trial.note,
    }


def _agreement(trial: Trial) -> float | None:
    apart = trial.measured.divergence if trial.measured is not None else None
    return round(math.exp(-apart), 4) if apart is not None else None


def _plain(found: Tuning) -> dict[str, Any]:
    """All that was found, for a program."""
    from dataclasses import asdict

    def plain(trial: Trial) -> dict[str, Any]:
        measured, candidate = trial.measured, trial.candidate
        return {
            "quantization": trial.quantization,
            "bits_per_weight": round(candidate.bits, 2) if candidate else None,
            "setup": asdict(trial.setup) if trial.setup else None,
            "tokens_per_s": round(measured.tokens_per_s, 1) if measured else None,
            "rows_per_s": round(measured.rows_per_s, 2) if measured else None,
            "memory_mb": measured.memory_mb if measured else None,
            "agreement": _agreement(trial),
            "note": trial.note,
            "winner": trial is found.winner,
        }

    return {
        "model": found.model,
        "machine": asdict(found.machine),
        "rows": found.rows,
        "untried": found.untried,
        "winner": found.entry.model_dump(mode="json", exclude={"setup"})
        | {"setup": asdict(found.entry.setup)},
        "trials": [plain(trial) for trial in found.trials],
    }
