"""Finds metrics by the entry-point group ``localsynth.metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from localsynth.core.errors import LocalsynthError, NotFound
from localsynth.core.judging import Measure, Metric
from localsynth.core.nearest import nearest
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


def create_all(names: Iterable[str] | None = None) -> list[Metric]:
    """The named metrics (default: every one), by family. A measure's name stands for the metric that gives it.

    Raises ``NotFound`` with the nearest name, ``LocalsynthError`` if loading fails or two metrics give one measure.
    """
    plugins = METRICS.names()
    asked = list(names) if names is not None else list(plugins)
    if not asked:
        raise NotFound("no metric is named", f"metrics: {', '.join(plugins)}")
    # Where all are named as plug-ins, no other need load: one that is broken can be left out.
    wanted = set(asked) if set(asked) <= set(plugins) else set(plugins)
    every = [cast("Metric", METRICS.get(name)()) for name in sorted(wanted)]
    gives: dict[str, str] = {}
    for metric in every:
        for measure in metric.measures:
            other = gives.setdefault(measure.name, metric.name)
            if other != metric.name:
                raise LocalsynthError(
                    f"the metrics '{other}' and '{metric.name}' both give '{measure.name}'",
                    "uninstall the package that brings one of them",
                )
    chosen = {_known(name, gives) for name in asked}
    found = [metric for metric in every if metric.name in chosen]
    return sorted(found, key=lambda metric: (_FAMILIES.index(metric.family), metric.name))


def _known(name: str, gives: Mapping[str, str]) -> str:
    if name in gives:
        return gives[name]
    if name not in METRICS.names():
        raise NotFound(
            f"there is no metric '{name}'{nearest(name, [*METRICS.names(), *gives])}",
            f"metrics: {', '.join(METRICS.names())}; `localsynth metrics` explains what they give",
        )
    return name


def measures() -> dict[str, Measure]:
    """Every measure of every metric, by name."""
    return {measure.name: measure for metric in create_all() for measure in metric.measures}
