"""What a reader must know before anything else: warnings that came with the scores, and runs that ended early."""

from __future__ import annotations

from localsynth.core.evaluation import CAUTION, NOTE, OUTSIDE, UNFINISHED
from localsynth.core.run import Run
from localsynth.core.words import counted

from .lookup import Lookup, Subject

__all__ = ["cautions", "cautions_of", "unfinished"]


def cautions(lookup: Lookup) -> tuple[str, ...]:
    """One sentence each; with several runs it begins with the run it is about."""
    known = {run.run_id for run in lookup.evaluation.runs}
    several = len(known) > 1
    sentences = (
        _sentence(f"run {who}: {words}" if several and who in known else words)
        for who, words, _ in _said(lookup)
    )
    return tuple(dict.fromkeys(sentences))


def cautions_of(lookup: Lookup, subject: Subject) -> tuple[str, ...]:
    """Those about the runs of a recipe, and those about no run in particular.

    What bears on no figure is left out, and that figures must not be released: neither speaks against the rows.
    """
    others = {run.run_id for run in lookup.evaluation.runs} - set(subject.names)
    return tuple(
        words for who, words, item in _said(lookup) if who not in others and item not in {NOTE, OUTSIDE}
    )


def unfinished(run: Run) -> str:
    """That a run has fewer rows than were asked for, in words; empty where it has all of them."""
    if run.rows_done >= run.rows_wanted:
        return ""
    rows = f"{run.rows_done:,} of {counted(run.rows_wanted, 'row')} asked for"
    few = "and all figures are of those few rows"
    if run.status.value == "running":
        return f"this run had not ended when it was judged: there were {rows}, {few}"
    how = {"cancelled": "was cancelled", "failed": "failed"}.get(run.status.value, "ended")
    return f"this run {how} after {rows}, {few}"


def _said(lookup: Lookup) -> list[tuple[str, str, str | None]]:
    """Who, words and item of each. How far a run had come when it was judged counts, not how far it has come since."""
    told = [
        (judged.subject, judged.score.note, judged.score.item)
        for judged in lookup.evaluation.scores
        if judged.score.metric == CAUTION and judged.score.note
    ]
    known = {who for who, _, item in told if item == UNFINISHED}
    short = ((run.run_id, unfinished(run), UNFINISHED) for run in lookup.evaluation.runs)
    return [*told, *((who, words, item) for who, words, item in short if words and who not in known)]


def _sentence(words: str) -> str:
    text = words.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
