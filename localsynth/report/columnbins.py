"""The bars of a column: real rows beside synthetic ones, or where there are none to show the target beside them."""

from __future__ import annotations

from collections.abc import Iterable

from localsynth.core.evaluation import REAL

from .columnplot import Bins, Series, is_missing
from .lookup import Lookup, Subject
from .palette import css_class

__all__ = ["plots_of"]


def plots_of(lookup: Lookup, column: str) -> tuple[Bins, ...]:
    """The column's histograms: one, or without real rows one for all runs with the same target; none where none was made."""
    bins = _bins_of(lookup, column)
    if bins is not None:
        return (bins,)
    return _aimed(lookup, column) if lookup.reference(REAL) is None else ()


def _aimed(lookup: Lookup, column: str) -> tuple[Bins, ...]:
    """Target beside synthetic, over the target's cells."""
    alike: dict[tuple[tuple[str, ...], tuple[float, ...]], list[Series]] = {}
    whose: dict[tuple[tuple[str, ...], tuple[float, ...]], list[str]] = {}
    for subject in lookup.runs:
        for seed in subject.names:
            labels = lookup.items_of("target_shares", seed, column)
            one = Subject(subject.kind, subject.label, "", (seed,))
            wanted, made = (
                tuple(lookup.figure(metric, one, column, item=label).value or 0.0 for label in labels)
                for metric in ("target_shares", "target_cells")
            )
            if not labels:
                continue
            drawn = alike.setdefault((labels, wanted), [])
            whose.setdefault((labels, wanted), []).append(seed)
            if drawn and drawn[-1].who == subject.label:
                drawn[-1] = Series(subject.label, drawn[-1].css, (*drawn[-1].lines, made))
            else:
                drawn.append(Series(subject.label, css_class(lookup, subject), (made,)))
    return tuple(
        Bins(
            column,
            labels,
            Series("target", "target", (wanted,)),
            tuple(drawn),
            ", ".join(whose[labels, wanted]),
        )
        for (labels, wanted), drawn in alike.items()
    )


def _bins_of(lookup: Lookup, column: str) -> Bins | None:
    """The histogram over the bins of the train split; ``None`` where none was made."""
    found = lookup.items("histogram", column)
    if not found:
        return None
    # Only some subjects may have missing cells, and others' last bins may come after theirs.
    labels = tuple(sorted(found, key=is_missing))
    real = lookup.reference(REAL)
    grey = _series(lookup, real, column, labels) if real is not None else None
    runs = [_series(lookup, subject, column, labels) for subject in lookup.runs]
    drawn = tuple(series for series in runs if series is not None)
    return Bins(column, labels, grey, drawn) if grey is not None or drawn else None


def _series(lookup: Lookup, subject: Subject, column: str, labels: Iterable[str]) -> Series | None:
    lines = []
    for seed in subject.names:
        one = Subject(subject.kind, subject.label, "", (seed,))
        figures = [lookup.figure("histogram", one, column, item=label) for label in labels]
        if any(figure.values for figure in figures):
            lines.append(tuple(figure.value or 0.0 for figure in figures))
    return Series(subject.label, css_class(lookup, subject), tuple(lines)) if lines else None
