"""What a reader must know before anything else: warnings that came with the scores, and runs that ended early."""

from __future__ import annotations

from localsynth.core.run import Run

from .lookup import Lookup, Subject
from .numbers import counted

__all__ = ["cautions", "cautions_of"]


def cautions(lookup: Lookup) -> tuple[str, ...]:
    """One sentence each; with several runs it begins with the run it is about."""
    known = {run.run_id for run in lookup.evaluation.runs}
    several = len(known) > 1
    sentences = (
        _sentence(f"run {who}: {words}" if several and who in known else words)
        for who, words in _said(lookup)
    )
    return tuple(dict.fromkeys(sentences))


def cautions_of(lookup: Lookup, subject: Subject) -> tuple[str, ...]:
    """Those about the runs of a recipe, and those about no run in particular."""
    others = {run.run_id for run in lookup.evaluation.runs} - set(subject.names)
    return tuple(words for who, words in _said(lookup) if who not in others)


def _said(lookup: Lookup) -> list[tuple[str, str]]:
    short = (run for run in lookup.evaluation.runs if run.rows_done < run.rows_wanted)
    return [*((who, words) for who, words in lookup.warned if words), *((r.run_id, _short(r)) for r in short)]


def _short(run: Run) -> str:
    how = {"cancelled": "was cancelled", "failed": "failed", "running": "had not ended"}
    ended = how.get(run.status.value, "ended")
    rows = f"{run.rows_done:,} of {counted(run.rows_wanted, 'row')}"
    return f"this run {ended} after {rows} asked for, and all figures are of those few rows"


def _sentence(words: str) -> str:
    text = words.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
