"""Finds metrics by the entry-point group ``localsynth.metrics``."""

from __future__ import annotations

from typing import cast

from localsynth.core.judging import Measure, Metric
from localsynth.core.plugins import Plugins

__all__ = ["METRICS", "create_all", "measures"]

METRICS = Plugins(
    "localsynth.metrics",
    "metric",
    {
        "attribute-inference": "localsynth.metrics.attribute_inference:AttributeInference",
        "columns": "localsynth.metrics.columns:Columns",
        "copies": "localsynth.metrics.copies:Copies",
        "detection": "localsynth.metrics.detection:Detection",
        "distances": "localsynth.metrics.distances:Distances",
        "histograms": "localsynth.metrics.histograms:Histograms",
        "membership": "localsynth.metrics.membership:Membership",
        "pairs": "localsynth.metrics.pairs:Pairs",
        "singling-out": "localsynth.metrics.singling_out:SinglingOut",
        "utility": "localsynth.metrics.utility:Utility",
        "validity": "localsynth.metrics.validity:Validity",
    },
    ("name", "family", "measures", "real", "needs_train", "needs_holdout", "scores"),
)

_FAMILIES = ("validity", "fidelity", "utility", "privacy")


def create_all(names: tuple[str, ...] | None = None) -> list[Metric]:
    """The named metrics (default: every one), by family. Raises ``NotFound``, ``LocalsynthError`` if loading fails."""
    found = [cast("Metric", METRICS.get(name)()) for name in names or METRICS.names()]
    return sorted(found, key=lambda metric: (_FAMILIES.index(metric.family), metric.name))


def measures() -> dict[str, Measure]:
    """Every measure of every metric, by name."""
    return {measure.name: measure for metric in create_all() for measure in metric.measures}
