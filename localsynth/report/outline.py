"""Which measures stand where in the report."""

from __future__ import annotations

from collections.abc import Iterable

from localsynth.core.evaluation import WITHHELD
from localsynth.core.judging import Family

from .lookup import NOT_MEASURED, Lookup

__all__ = [
    "ATTACKS",
    "BEHIND",
    "CHANCE",
    "FACTS",
    "FAMILIES",
    "PLACED",
    "SEPARATION",
    "UTILITY",
    "family_of",
    "main",
    "others",
]

FAMILIES = {
    "validity": "Validity",
    "fidelity": "Fidelity",
    "utility": "Utility",
    "privacy": "Privacy",
    "other": "Other",
}

#: Measures of the reference table by family, in order. The first ones of each are listed even where nobody measured them.
_ALWAYS = {
    "validity": ("invalid_rows", "rule_violations", "dependency_violations"),
    "fidelity": ("column_shapes", "pair_trends", "c2st_rf_auc"),
    "utility": (),
    "privacy": ("exact_copies", "near_copies", "dcr_share", "membership_auc"),
}
_MAIN = {
    "validity": (
        *_ALWAYS["validity"],
        "invalid_cells",
        "duplicate_rows",
        "wrong_member_counts",
        "stray_members",
        "member_rule_violations",
        "group_rule_violations",
        "category_coverage",
        "range_coverage",
    ),
    "fidelity": (
        *_ALWAYS["fidelity"],
        "c2st_gb_auc",
        "c2st_lr_auc",
        "target_margins",
        "target_tables",
        "correlation_difference",
        "missing_rate_difference",
        "jensen_shannon",
        "wasserstein",
    ),
    "utility": (
        "tstr_rf_auc",
        "tstr_gb_auc",
        "tstr_lr_auc",
        "tstr_rf_accuracy",
        "tstr_gb_accuracy",
        "tstr_lr_accuracy",
        "tstr_rf_r2",
        "tstr_gb_r2",
        "tstr_lr_r2",
        "tstr_columns",
    ),
    "privacy": (
        "exact_copies",
        "near_copies",
        "near_copies_holdout",
        "dcr_share",
        "nndr",
        "membership_auc",
        "membership_tpr",
        "singling_out_risk_univariate",
        "singling_out_risk_multivariate",
        "attribute_inference_risk",
    ),
}

#: Listed only where somebody has a value: most rows are made to meet no targets, and are no members of others.
_IF_KNOWN = frozenset(
    {
        "target_margins",
        "target_tables",
        "wrong_member_counts",
        "stray_members",
        "member_rule_violations",
        "group_rule_violations",
    }
)

#: How far synthetic rows can be told from real ones, and how useful they are: the first that was measured speaks for all.
SEPARATION = ("c2st_rf_auc", "c2st_gb_auc", "c2st_lr_auc", "pair_trends", "correlation_difference")
UTILITY = (
    "tstr_rf_auc",
    "tstr_gb_auc",
    "tstr_lr_auc",
    "tstr_rf_r2",
    "tstr_gb_r2",
    "tstr_lr_r2",
    "tstr_columns",
)
#: What guessing gives. Of accuracy nobody knows it, since it is the share of the most frequent class: no verdict rests on it.
CHANCE = {metric: 0.5 if metric.endswith("_auc") else 0.0 for metric in UTILITY}

#: What says that real rows show through, in the order in which the verdict names them.
ATTACKS = (
    "membership_auc",
    "dcr_share",
    "exact_copies",
    "near_copies",
    "singling_out_risk_univariate",
    "singling_out_risk_multivariate",
    "attribute_inference_risk",
)

#: What the attacks are made of: too much for the main table, kept below the plots.
BEHIND = (
    "near_copies_holdout",
    "dcr_median",
    "dcr_median_holdout",
    "nndr",
    "nndr_holdout",
    *(
        f"singling_out_{what}_{mode}"
        for mode in ("univariate", "multivariate")
        for what in ("rate", "control", "baseline")
    ),
)

#: Numbers of single columns that have a place beside the column's plot.
FACTS = ("missing_rate", "mean", "std")

#: Measures with a place of their own below the reference table, so that the table of other measures leaves them out.
PLACED = frozenset(
    {*FACTS, *(name for names in _MAIN.values() for name in names)}
    | {"histogram", "target_shares", "target_cells", *BEHIND}
)


def family_of(metric: str) -> Family | None:
    """The family of one of our own measures."""
    families: tuple[Family, ...] = ("validity", "fidelity", "utility", "privacy")
    found = (family for family in families if metric in _MAIN[family])
    return next(found, "privacy" if metric in BEHIND else None)


def main(lookup: Lookup, family: str) -> tuple[str, ...]:
    """The rows of the reference table for a family: ours in our order, then strangers' measures of the whole table."""
    ours = tuple(
        name
        for name in _MAIN.get(family, ())
        if name in _ALWAYS.get(family, ()) or (lookup.has_table(name) and not _unknown(lookup, name))
    )
    if family == "utility" and not ours:
        ours = ("tstr_rf_auc",)
    theirs = _family(lookup, family, (name for name in lookup.metrics if name not in PLACED))
    every = (*ours, *(name for name in theirs if lookup.has_table(name)))
    if not lookup.evaluation.covered:
        return every
    # Most measures are withheld, for one reason that is said once; what has a value should not drown in them.
    return tuple(name for name in every if not _withheld(lookup, name))


def _unknown(lookup: Lookup, metric: str) -> bool:
    """Whether a measure is best left out where nobody has a value."""
    return metric in _IF_KNOWN and not _valued(lookup, metric)


def _withheld(lookup: Lookup, metric: str) -> bool:
    figures = [lookup.figure(metric, subject) for subject in lookup.subjects]
    return not any(figure.values for figure in figures) and all(
        figure.note == NOT_MEASURED or figure.note.endswith(WITHHELD) for figure in figures
    )


def _valued(lookup: Lookup, metric: str) -> bool:
    return any(lookup.figure(metric, one).values for one in lookup.subjects)


def nothing_of(lookup: Lookup, metrics: Iterable[str]) -> str | None:
    """Why none of these measures has a value for anybody, where that is one and the same reason; else ``None``."""
    figures = [lookup.figure(metric, subject) for metric in metrics for subject in lookup.subjects]
    notes = {figure.note for figure in figures}
    return notes.pop() if len(notes) == 1 and not any(figure.values for figure in figures) else None


def others(lookup: Lookup) -> tuple[str, ...]:
    """Measures that no section of the report knows, and that are of columns, pairs or items."""
    return tuple(
        name
        for name in lookup.metrics
        if name not in PLACED and any(place != (None, None, None) for place in lookup.places(name))
    )


def _family(lookup: Lookup, family: str, names: Iterable[str]) -> tuple[str, ...]:
    known = family if family in FAMILIES else "other"
    return tuple(
        name
        for name in names
        if (lookup.family(name) if lookup.family(name) in FAMILIES else "other") == known
    )
