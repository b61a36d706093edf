"""What each measure means, for tests that need no metric."""

from __future__ import annotations

from localsynth.core.judging import Family, Measure

__all__ = ["FAMILIES", "MEASURES", "OF_FAMILY"]


def _measure(
    name: str, title: str, better: str, low: float | None, high: float | None, ideal: float | None = None
) -> Measure:
    text = f"{title}: what this means, in one sentence that a person without statistics can read."
    return Measure(name, title, text, better, low, high, "Somebody, Some Journal 2020, section 3", ideal)  # type: ignore[arg-type]


OF_FAMILY: dict[Family, tuple[Measure, ...]] = {
    "validity": (
        _measure("invalid_rows", "Invalid rows", "lower", 0, 1),
        _measure("invalid_cells", "Invalid cells", "lower", 0, 1),
        _measure("rule_violations", "Broken rules", "lower", 0, 1),
        _measure("dependency_violations", "Broken dependencies", "lower", 0, 1),
        _measure("category_coverage", "Categories that occur", "higher", 0, 1),
        _measure("range_coverage", "Range that is reached", "higher", 0, 1),
        _measure("duplicate_rows", "Repeated rows", "none", 0, 1),
    ),
    "fidelity": (
        _measure("column_shapes", "Column shapes", "higher", 0, 1),
        _measure("missing_rate", "Missing values", "none", 0, 1),
        _measure("missing_rate_difference", "Difference in missing values", "lower", 0, 1),
        _measure("wasserstein", "Distance of values", "lower", 0, None),
        _measure("jensen_shannon", "Distance of distributions", "lower", 0, 1),
        _measure("mean", "Mean", "none", None, None),
        _measure("std", "Standard deviation", "none", 0, None),
        _measure("histogram", "Histogram", "none", 0, 1),
        _measure("pair_trends", "Pair trends", "higher", 0, 1),
        _measure("correlation_difference", "Difference of correlations", "lower", 0, 2),
        _measure("c2st_rf_auc", "Told from real rows (random forest)", "ideal", 0, 1, 0.5),
        _measure("c2st_lr_auc", "Told from real rows (logistic regression)", "ideal", 0, 1, 0.5),
        _measure("c2st_gb_auc", "Told from real rows (boosted trees)", "ideal", 0, 1, 0.5),
    ),
    "utility": (
        _measure("tstr_rf_auc", "Prediction, random forest", "higher", 0, 1),
        _measure("tstr_lr_auc", "Prediction, logistic regression", "higher", 0, 1),
        _measure("tstr_lr_accuracy", "Accuracy, logistic regression", "higher", 0, 1),
        _measure("tstr_columns", "Prediction of every column", "higher", None, 1),
    ),
    "privacy": (
        _measure("exact_copies", "Exact copies", "lower", 0, 1),
        _measure("near_copies", "Near copies", "lower", 0, 1),
        _measure("near_copies_holdout", "Near copies of the holdout", "none", 0, 1),
        _measure("dcr_share", "DCR share", "ideal", 0, 1, 0.5),
        _measure("dcr_median", "Median distance", "none", 0, None),
        _measure("nndr", "NNDR", "higher", 0, 1),
        _measure("membership_auc", "Membership attack", "ideal", 0, 1, 0.5),
        _measure("membership_tpr", "Membership attack, few false alarms", "ideal", 0, 1, 0.01),
        _measure("singling_out_risk_univariate", "Singling out by one fact", "lower", 0, 1),
        _measure("singling_out_risk_multivariate", "Singling out by several facts", "lower", 0, 1),
        _measure("attribute_inference_risk", "Attribute inference", "lower", 0, 1),
    ),
}
MEASURES = {measure.name: measure for group in OF_FAMILY.values() for measure in group}
FAMILIES: dict[str, Family] = {m.name: family for family, group in OF_FAMILY.items() for m in group}
