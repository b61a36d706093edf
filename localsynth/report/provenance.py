"""How a run was made, as far as it was written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from pydantic import ValidationError

from localsynth.core.errors import LocalsynthError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.words import counted

from .budget import epsilon_of
from .glossary import EXPOSURE
from .lookup import Subject

__all__ = ["NO_EPSILON", "Provenance", "moment", "provenance", "recipe_text"]

NO_EPSILON = "none was spent: no differential privacy guarantee"


@dataclass(frozen=True)
class Provenance:
    """facts : (what, words), in reading order. recipe : as TOML, of the first run. prompt : one, as the model read it."""

    subject: Subject
    facts: tuple[tuple[str, str], ...]
    recipe: str
    prompt: str | None


def provenance(subject: Subject, prompts: dict[str, str]) -> Provenance:
    """All that is known of how the runs of a recipe were made. prompts : run id -> example."""
    first = subject.runs[0]
    several = len(subject.runs) > 1
    facts = [
        ("Method", f"{first.method}, version {first.method_version}"),
        ("Model", first.model or "none: the method works without a model"),
        ("Model's sha256", first.model_sha256 or "–"),
        ("Exposure", EXPOSURE.get(first.exposure, first.exposure.label)),
        ("Epsilon", epsilon_of(subject) or NO_EPSILON),
        ("Seeds" if several else "Seed", ", ".join(str(run.seed) for run in subject.runs)),
        ("Runs" if several else "Run", ", ".join(run.run_id for run in subject.runs)),
        ("Rows", "; ".join(dict.fromkeys(map(_rows, subject.runs)))),
        ("Made", "; ".join(map(_when, subject.runs))),
        ("Engine", "; ".join(dict.fromkeys(map(_engine, subject.runs)))),
        ("Work", "; ".join(map(_work, subject.runs))),
        ("Recipe file", "; ".join(dict.fromkeys(_file(run) for run in subject.runs))),
        ("Fingerprint", "; ".join(dict.fromkeys(run.fingerprint for run in subject.runs))),
    ]
    prompt = next((prompts[run.run_id] for run in subject.runs if prompts.get(run.run_id)), None)
    return Provenance(subject, tuple(facts), recipe_text(first), prompt)


def _file(run: Run) -> str:
    """The recipe file's name: in whose folder it lies is nobody's business who reads the report."""
    return PurePath(run.recipe_path).name if run.recipe_path else "–"


def _rows(run: Run) -> str:
    text = f"{run.rows_done:,} of {counted(run.rows_wanted, 'row')} asked for ({run.status.value})"
    return f"{text}: {run.message}" if run.message else text


def moment(when: datetime) -> str:
    """A moment to the minute."""
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _when(run: Run) -> str:
    seconds = f", {run.usage.seconds:,.0f} s of work" if run.usage.seconds else ""
    return f"{moment(run.finished_at or run.started_at)}{seconds}"


def _work(run: Run) -> str:
    usage = run.usage
    if not usage.calls:
        return "no question to a model"
    return (
        f"{counted(usage.calls, 'call')}, {counted(usage.prompt_tokens, 'token')} read, "
        f"{counted(usage.decoded_tokens, 'token')} written, {usage.forced_tokens:,} of them without a choice"
    )


def _engine(run: Run) -> str:
    if not run.setup_json:
        return "none" if run.model is None else f"{run.model}; its setup was not recorded"
    from localsynth.engine.layout import layout_from

    try:
        layout = layout_from(run.setup_json)
    except LocalsynthError:
        return run.setup_json
    file = f", weights {layout.file} (sha256 {layout.sha256})" if layout.file else ""
    return f"{layout.setup}{file}"


def recipe_text(run: Run) -> str:
    """The recipe as a file, or as it was recorded where it cannot be read any more."""
    try:
        return Recipe.model_validate_json(run.recipe_json).to_toml()
    except (ValidationError, ValueError, TypeError):
        return run.recipe_json
