"""What was done to rows since they were drawn: the main measures of each stage, beside REAL and the rows kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localsynth.core.contracts import STAGE_ROWS
from localsynth.core.evaluation import REAL
from localsynth.core.judging import Measure

from .lookup import Figure, Lookup, Subject
from .outline import FAMILIES, main
from .standing import badness

__all__ = ["CHANGES", "StageRow", "StageTable", "stage_tables"]

_HEADINGS = {"drawn": "as drawn", "selected": "selected"}
_KEPT = "as kept"
_WHAT = {
    "drawn": "as drawn: rows as the model wrote them, behind whatever first value the method gave it",
    "selected": "selected: the best of a surplus, before any value was swapped",
}
#: What the words of the last column mean.
CHANGES = (
    "The last column holds the rows kept against the first stage: better or worse where 95% intervals (or value ± 2 standard"
    " deviations over seeds) do not overlap, unclear where they do, looks better or worse where nothing is known of how far"
    " chance reaches."
)


@dataclass(frozen=True)
class StageRow:
    """A measure of the whole table. figures : one for each column. change : from the first stage to the rows kept, worded."""

    family: str
    measure: Measure
    figures: tuple[Figure, ...]
    change: str


@dataclass(frozen=True)
class StageTable:
    """The stages of the runs of one recipe. columns : heading and whose figures, REAL first where it was judged."""

    subject: Subject
    title: str
    caption: str
    columns: tuple[tuple[str, Subject], ...]
    rows: tuple[StageRow, ...]


def stage_tables(lookup: Lookup) -> tuple[StageTable, ...]:
    """A table for each recipe with a run that has stages."""
    return tuple(table for subject in lookup.runs if (table := _table(lookup, subject)) is not None)


def _table(lookup: Lookup, subject: Subject) -> StageTable | None:
    known = lookup.evaluation.stages
    names = tuple(dict.fromkeys(stage for run_id in subject.names for stage in known.get(run_id, {})))
    if not names:
        return None
    real = lookup.reference(REAL)
    before = [(REAL, real, lookup)] if real is not None else []
    people = [*before, *((_HEADINGS.get(n, n), subject, lookup.at_stage(n)) for n in names)]
    people.append((_KEPT, subject, lookup))
    return StageTable(
        subject,
        "What selection and alignment did" if "selected" in names else "What was done to the rows drawn",
        _caption(names, len(subject.names)),
        tuple((heading, who) for heading, who, _ in people),
        tuple(_rows(lookup, [(where, who) for _, who, where in people], len(before))),
    )


def _caption(names: Sequence[str], seeds: int) -> str:
    told = [_WHAT[name] for name in names if name in _WHAT]
    said = f"{'; '.join([*told, f'{_KEPT}: the rows of the run'])}. All are held against the same real rows."
    several = " Mean ± standard deviation over seeds." if seeds > 1 else ""
    return f"{said[0].upper()}{said[1:]} Of each stage the first {STAGE_ROWS:,} rows of a run are judged.{several}"


def _rows(lookup: Lookup, people: Sequence[tuple[Lookup, Subject]], first: int) -> Iterator[StageRow]:
    """first : the number of the first stage among them."""
    for family in FAMILIES:
        for metric in main(lookup, family):
            figures = tuple(where.figure(metric, who) for where, who in people)
            if any(figure.values for figure in figures[first:]):
                measure = lookup.measure(metric)
                yield StageRow(family, measure, figures, _change(measure, figures[first], figures[-1]))


def _change(measure: Measure, drawn: Figure, kept: Figure) -> str:
    if drawn.value is None or kept.value is None or measure.better == "none":
        return ""
    by = badness(drawn.value, measure) - badness(kept.value, measure)
    if by == 0:
        return "equal"
    word = "better" if by > 0 else "worse"
    one, other = _reach(drawn), _reach(kept)
    if one is None or other is None:
        return f"looks {word}"
    return "unclear" if one[0] <= other[1] and other[0] <= one[1] else word


def _reach(figure: Figure) -> tuple[float, float] | None:
    """Where a value may lie."""
    if figure.value is not None and figure.spread is not None:
        return figure.value - 2 * figure.spread, figure.value + 2 * figure.spread
    return figure.span
