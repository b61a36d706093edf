"""Noisy margins and tables in the form every method knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from localsynth.core.errors import DatasetError, PolicyError
from localsynth.core.schema import Schema
from localsynth.core.targets import Budget, Margin, Statistics

from . import ordered
from .accounting import Ledger, rho_of, scale_of
from .curator import Array, Count, Curator
from .declared import Plan, plan
from .joint import measure_tables
from .ordered import Found
from .smoothing import MEAN_ABSOLUTE, common_total, level_of_noise, onto_total

__all__ = ["NoiseAlone", "noisy_margins", "noisy_tables"]

_ROWS_PART = 0.02  # of the budget, to learn about how many rows there are
_MARGINS_PART = 0.6  # the rest chooses and measures tables
_ERROR, _FEWEST_BINS = 0.025, 4  # total variation distance that noise may make in a wide column
_MOST_WEIGHED = 32  # cells beyond which a column gets no larger part of the budget
_LOOKS_PER_BIN, _FEWEST_LOOKS = 2, 16
_MOST_NAMED = 20  # columns in one note
_LEAST_CLEAR = 4  # standard deviations of the noise on one count that the number of rows must be
ROWS, MARGIN = "number of rows", "margin of {}"


class NoiseAlone(DatasetError):
    """The budget buys nothing but noise, which itself was learnt from noise: an answer to be kept as statistics are."""


def noisy_margins(
    schema: Schema, count: Count, *, epsilon: float, delta: float, bins: int = 6, declared: bool
) -> Statistics:
    """The margins of all columns but identifiers, with noise; no tables.

    Parameters
    ----------
    count : exact counts of the train rows; only mechanisms of OpenDP see what it gives.
    epsilon, delta : of margins and tables together, between tables that differ by one row. 60% is spent here
        (all of it where there is no pair of columns to tell anything of).
    bins : cells of a number or a day, about equally full; fewer where noise would make more of an error than is borne.
    declared : whether a person wrote the schema. Ranges and categories read from the rows would tell of single rows.

    Each column's part of the budget grows with its cells: between the power 2/3, which makes the sum of the columns' errors
    least, and 2, which makes them alike.

    Raises
    ------
    PolicyError : the schema is not declared. RecipeError : epsilon or delta are no budget. NoiseAlone : with so small an
        epsilon nothing but noise would be left; part of the budget is spent. LocalsynthError : OpenDP is not installed.
    """
    _refuse_undeclared(declared)
    total = rho_of(epsilon, delta)
    curator = Curator(count, Ledger(total))
    plans = plan(schema, bins, max(_FEWEST_LOOKS, _LOOKS_PER_BIN * bins))
    counted = [one for one in plans if not one.free]
    if not counted:
        return Statistics(
            tuple(_certain(one, 0.0) for one in plans),
            origin="noisy",
            source="the schema alone: no column has anything to count",
            budget=Budget(epsilon, delta),
        )
    part = (_MARGINS_PART if len(counted) > 1 else 1.0) * curator.ledger.left
    first = _all_rows(curator, counted[0])
    rows = max(1.0, float(first.counts.sum()))
    fewer = _bins_within_error(counted, bins, part, rows)
    parts = _parts(counted, fewer, part - curator.ledger.rho)
    scale = scale_of(min(parts.values()))
    if rows + 2 * float(first.variances.sum()) ** 0.5 < _LEAST_CLEAR * scale:  # no need to spend the rest
        raise _noise_alone(epsilon, delta)
    found = [
        ordered.find(curator, one, rho, fewer, rows, MARGIN.format(name))
        for one, (name, rho) in zip(counted, parts.items(), strict=True)
    ]
    sums = [(float(one.counts.sum()), float(one.variances.sum())) for one in (first, *found)]
    rows = common_total(*zip(*sums, strict=True))
    if rows < _LEAST_CLEAR * scale:
        raise _noise_alone(epsilon, delta)
    by_name = {one.axis.column: _margin(one, rows) for one in found}
    return Statistics(
        tuple(by_name.get(one.axis.column) or _certain(one, rows) for one in plans),
        origin="noisy",
        source=f"counts of about {rows:.0f} rows with discrete Gaussian noise",
        notes=(*_notes(found, rows), *_notes_of_bins(counted, bins, fewer), *_notes_of_delta(delta, rows)),
        budget=Budget(epsilon, delta, curator.ledger.spent),
    )


def noisy_tables(
    schema: Schema,
    statistics: Statistics,
    count: Count,
    groups: Sequence[Sequence[str]] = (),
    pairs: int | None = None,
    *,
    declared: bool,
) -> Statistics:
    """The same margins, with joint tables measured for what is left of their budget.

    Parameters
    ----------
    statistics : what ``noisy_margins`` gave; its ``budget`` says what is spent already.
    groups : of columns whose joint table is wanted, beside the pairs with the target and the schema's dependencies. They
        were named with the noisy margins at most in view, so naming them costs nothing.
    pairs : how many other pairs; by default as many as the budget and the rows support. Chosen privately.

    Tables are coarser than margins where the noise on finer cells would drown them. Each keeps the margins' totals, and of
    the rest what stands out of the noise.
    """
    _refuse_undeclared(declared)
    if statistics.origin != "noisy" or statistics.budget is None:
        raise ValueError("tables with noise go with margins with noise")
    budget = statistics.budget
    ledger = Ledger(rho_of(budget.epsilon, budget.delta), budget.spent)
    tables, notes = measure_tables(schema, statistics, Curator(count, ledger), groups, pairs)
    return Statistics(
        statistics.margins,
        tuple(tables),
        "noisy",
        statistics.source,
        (*statistics.notes, *notes),
        Budget(budget.epsilon, budget.delta, ledger.spent),
    )


def _refuse_undeclared(declared: bool) -> None:
    if not declared:
        raise PolicyError(
            "Differential privacy needs ranges and categories that a person declared; this schema was read from the rows.",
            "Export the schema, check every range and category against public knowledge, delete its line 'inferred = true', and"
            " put it back.",
        )


def _noise_alone(epsilon: float, delta: float) -> NoiseAlone:
    # No number here depends on the rows: that they are too few is all that the noise may tell.
    return NoiseAlone(
        f"epsilon = {epsilon:g} with delta = {delta:g} leaves nothing but noise on so few rows and so many cells.",
        "Take a larger epsilon, more rows or fewer columns, in a new run: this one would say the same again. Finding out"
        " took of the budget; what a new run spends comes on top.",
    )


def _all_rows(curator: Curator, one: Plan) -> Found:
    """About how many rows there are: a column's values in one cell."""
    axis = one.axis
    if axis.edges:
        axis = replace(axis, edges=(axis.edges[0], axis.edges[-1]))
    elif axis.labels:
        axis = replace(axis, labels=(tuple(value for cell in axis.labels for value in cell),))
    noised = curator.measure([axis], _ROWS_PART * curator.ledger.left, ROWS)
    return Found(axis, noised.counts, np.full(axis.size, noised.scale**2))


def _certain(one: Plan, rows: float) -> Margin:
    """Of a column with a single cell, which needs no counting."""
    return Margin(one.axis, (1.0,), float(round(rows)))


def _parts(counted: Sequence[Plan], bins: int, rho: float) -> dict[str, float]:
    """What each column may spend."""
    weights = np.array([_cells(one, bins) for one in counted])
    names = [one.axis.column for one in counted]
    return dict(zip(names, (weights / weights.sum() * rho).tolist(), strict=True))


def _cells(one: Plan, bins: int) -> int:
    return min(bins + one.axis.missing if one.wide else one.axis.size, _MOST_WEIGHED)


def _bins_within_error(counted: Sequence[Plan], bins: int, rho: float, rows: float) -> int:
    """As many bins of wide columns as keep the error that noise makes in a column small; each costs the others budget."""
    wide = [one for one in counted if one.wide]
    for fewer in range(bins, _FEWEST_BINS, -1):
        parts = _parts(counted, fewer, rho)
        errors = [_cells(one, fewer) * scale_of(parts[one.axis.column]) for one in wide]
        if max(errors, default=0.0) * MEAN_ABSOLUTE / 2 <= _ERROR * rows:
            return fewer
    return min(bins, _FEWEST_BINS)


def _margin(found: Found, rows: float) -> Margin:
    # Each count varies with the sum of all as much as it did before some were pooled, so each may move as far.
    shares = onto_total(_pooled(found), found.variances, rows)
    shares = shares / shares.sum()
    return Margin(found.axis, tuple(map(float, shares)), float(round(rows)), found.inner)


def _light(found: Found) -> Array:
    """Categories that cannot be told from noise. Cells of ordered columns were merged already."""
    if not found.axis.labels:
        return np.zeros(0, np.int64)
    present = found.axis.present
    level = level_of_noise(float(found.variances[0]) ** 0.5, present)
    return np.flatnonzero(found.counts[:present] < level)


def _pooled(found: Found) -> Array:
    """Counts where light categories share what they have together evenly: all stay possible."""
    light = _light(found)
    counts = found.counts.copy()
    if len(light) > 1:
        counts[light] = counts[light].mean()
    return counts


def _notes(found: Sequence[Found], rows: float) -> list[str]:
    notes = []
    rough: dict[str, list[str]] = {}
    for one in found:
        noise = float(np.sqrt(one.variances.max()))
        if rows and noise / rows > 0.05:
            rough.setdefault(f"{noise / rows:.0%}", []).append(f"'{one.axis.column}'")
    for noise_share, names in rough.items():
        listed = (
            names if len(names) <= _MOST_NAMED else [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} more"]
        )
        notes.append(
            f"{', '.join(listed)}: the noise is about {noise_share} of the rows on each cell; these shares are rough."
        )
    for one in found:
        light = len(_light(one))
        if light > 1:
            notes.append(
                f"'{one.axis.column}': {light} of {one.axis.present} categories cannot be told from noise"
                " and share evenly what they have together."
            )
    return notes


def _notes_of_bins(counted: Sequence[Plan], bins: int, fewer: int) -> list[str]:
    if fewer == bins or not any(one.wide for one in counted):
        return []
    return [f"Numbers and days have about {fewer} cells, not {bins}: the noise on more would drown them."]


def _notes_of_delta(delta: float, rows: float) -> list[str]:
    if delta * rows < 1:
        return []
    return [
        f"delta = {delta:g} promises little to one of about {rows:.0f} rows: take one far below 1 / rows."
    ]
