"""Are these rows that could be? Cells, rules and dependencies, and how much of what is real occurs at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from localsynth.core.errors import RuleError
from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.schema import Dependency

from .cells import forbidden_cells
from .encode import Array, View, views
from .grouping import cell_codes, distinct_rows, row_groups
from .targetcells import targets_covered
from .writing import counted, lacking, mean_of, nothing

__all__ = ["Validity"]

_OWN = "localsynth: counted against the schema"


class Validity:
    """Shares of rows and cells that the schema, its rules or its dependencies forbid; coverage of what train rows hold.

    Everything is counted, nothing is sampled. Coverage needs train rows or target statistics; the rest only the schema.
    """

    name: ClassVar[str] = "validity"
    family: ClassVar[Family] = "validity"
    real: ClassVar[StandIn] = "holdout"
    needs_train: ClassVar[bool] = False
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "invalid_rows",
            "Invalid rows",
            "Share of rows with at least one cell that the schema forbids: an unknown category, a number or date outside"
            " its range, too many decimals, a text of the wrong length, or nothing where something must be.",
            "lower", 0.0, 1.0, _OWN,
        ),
        Measure(
            "invalid_cells",
            "Invalid cells",
            "Share of cells that the schema forbids, in each column and in all.",
            "lower", 0.0, 1.0, _OWN,
        ),
        Measure(
            "rule_violations",
            "Broken rules",
            "Share of rows that break a rule of the schema: each rule by itself, and any of them.",
            "lower", 0.0, 1.0, _OWN,
        ),
        Measure(
            "dependency_violations",
            "Broken dependencies",
            "Where one column should follow from others (a postcode's town): share of rows that disagree with most rows"
            " having the same values there. Each dependency by itself, and any of them.",
            "lower", 0.0, 1.0, "the g3 error of Kivinen & Mannila 1995, Approximate inference of functional dependencies",
        ),
        Measure(
            "category_coverage",
            "Categories that occur",
            "Share of the categories found in the real train rows that occur at all; 'missing' counts as one. Where there"
            " are target statistics and no real rows: of the target's cells that should hold at least one of the rows.",
            "higher", 0.0, 1.0, "category coverage as SDMetrics defines it, missing values counted as a category",
        ),
        Measure(
            "range_coverage",
            "Range that is reached",
            "How much of the span between the smallest and the largest real train value is reached. Where there are target"
            " statistics and no real rows: of the span between the ends of the target's outermost cells that hold anything.",
            "higher", 0.0, 1.0, "range coverage as SDMetrics defines it",
        ),
        Measure(
            "duplicate_rows",
            "Repeated rows",
            "Share of rows that are in every cell the same as an earlier row of the same table."
            " Compare with REAL: small tables of few categories repeat rows by nature.",
            "none", 0.0, 1.0, "localsynth: counted",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """Cells, rules, dependencies, coverage, repeated rows."""
        reason = lacking(case)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        yield from _cells(case)
        case.check()
        yield from _rules(case)
        case.check()
        yield from _dependencies(case)
        case.check()
        yield from _coverage(case)
        case.check()
        n = case.rows.num_rows
        distinct = len(distinct_rows(views(case), "rows", np.arange(n)))
        yield Score("duplicate_rows", (n - distinct) / n, note=f"{n - distinct:,} of {counted(n, 'rows')}")


def _cells(case: Case) -> Iterator[Score]:
    wrong = forbidden_cells(case.schema, case.rows)
    rows = np.zeros(case.rows.num_rows, np.bool_)
    for cells in wrong.values():
        rows |= cells
    yield Score(
        "invalid_rows", float(rows.mean()), note=f"{int(rows.sum()):,} of {counted(len(rows), 'rows')}"
    )
    shares = [Score("invalid_cells", float(cells.mean()), name) for name, cells in wrong.items()]
    yield mean_of("invalid_cells", shares, "columns", "the table has no columns")
    yield from shares


def _rules(case: Case) -> Iterator[Score]:
    rules = case.schema.rules
    if not rules:
        yield not_applicable("rule_violations", "the schema has no rules")
        return
    try:
        broken = case.violations(case.rows)
    except RuleError:
        # A predicate can fail on a value, such as a text that is cast to a number.
        # DuckDB's words are not repeated: they quote a cell, and REAL's are those of people held out.
        yield not_applicable(
            "rule_violations", "a rule fails on a value of these rows; TRY(...) turns failures into NULL"
        )
        return
    yield Score("rule_violations", float(broken.any(axis=1).mean()), note=counted(len(rules), "rules"))
    for index, rule in enumerate(rules):
        yield Score("rule_violations", float(broken[:, index].mean()), item=rule.label)


def _dependencies(case: Case) -> Iterator[Score]:
    dependencies = case.schema.dependencies
    if not dependencies:
        yield not_applicable("dependency_violations", "the schema has no dependencies")
        return
    known = {view.name: view for view in views(case)}
    any_broken = np.zeros(case.rows.num_rows, np.bool_)
    found: dict[str, Score] = {}
    asked = 0
    for dependency in dependencies:
        label = f"{', '.join(dependency.determinant)} -> {dependency.dependent}"
        if {*dependency.determinant, dependency.dependent} <= known.keys():
            broken = _disagree(dependency, known)
            any_broken |= broken
            asked += 1
            found[label] = Score("dependency_violations", float(broken.mean()), item=label)
        else:
            reason = "it names an identifier, and those are numbered afresh"
            found[label] = not_applicable("dependency_violations", reason, item=label)
    if asked:
        yield Score("dependency_violations", float(any_broken.mean()), note=counted(asked, "dependencies"))
    else:
        yield not_applicable("dependency_violations", "every dependency names an identifier")
    yield from found.values()


def _disagree(dependency: Dependency, known: dict[str, View]) -> Array:
    """Which rows have another dependent value than most rows of their group; of equally many, the smallest value counts."""
    groups = row_groups(cell_codes(known[name], "rows") for name in dict.fromkeys(dependency.determinant))
    values = cell_codes(known[dependency.dependent], "rows")
    width = int(values.max()) + 1
    pairs, counts = np.unique(groups * width + values, return_counts=True)
    order = np.lexsort((pairs, -counts, pairs // width))  # by group, the most frequent value first
    _, first = np.unique(pairs[order] // width, return_index=True)
    majority = pairs[order][first] % width
    return np.asarray(values != majority[groups])


def _coverage(case: Case) -> Iterator[Score]:
    reason = lacking(case, train=True)
    if reason is not None and case.targets is not None:
        yield from targets_covered(case, case.targets)
        return
    if reason is not None:
        yield not_applicable("category_coverage", reason)
        yield not_applicable("range_coverage", reason)
        return
    columns = views(case)
    shares = [_categories(view) for view in columns if view.kind == "category"]
    yield mean_of("category_coverage", shares, "columns", "no column holds categories")
    yield from shares
    spans = [_span(view) for view in columns if view.kind == "number"]
    none = (
        "no column holds numbers or dates" if not spans else "the number columns of the train rows are empty"
    )
    yield mean_of("range_coverage", spans, "columns", none)
    yield from spans


def _categories(view: View) -> Score:
    real = np.unique(view.parts["train"])
    return Score("category_coverage", float(np.isin(real, view.parts["rows"]).mean()), view.name)


def _span(view: View) -> Score:
    real, made = (view.parts[part][~view.missing(part)] for part in ("train", "rows"))
    if real.size == 0:
        return not_applicable("range_coverage", "the column is empty in all train rows", view.name)
    if made.size == 0:
        return Score("range_coverage", 0.0, view.name, note="the column is empty in all rows judged")
    low, high = float(real.min()), float(real.max())
    if low == high:
        within = float(made.min()) <= low <= float(made.max())
        return Score("range_coverage", float(within), view.name, note="all train values are the same")
    shared = min(high, float(made.max())) - max(low, float(made.min()))
    return Score("range_coverage", max(0.0, min(1.0, shared / (high - low))), view.name)
