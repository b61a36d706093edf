"""Finds metrics by the entry-point group ``localsynth.metrics``; one that cannot be used hinders no other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from localsynth.core.errors import LocalsynthError, NotFound
from localsynth.core.evaluation import CAUTION
from localsynth.core.judging import Family, Measure, Metric, StandIn, writable
from localsynth.core.nearest import nearest
from localsynth.core.plugins import Plugins

__all__ = ["METRICS", "Survey", "create_all", "measures", "survey"]

_FAMILIES, _STAND_INS = get_args(Family), get_args(StandIn)
_BETTER = ("higher", "lower", "ideal", "none")
_LONGEST = 60  # characters of a value that a message quotes


def _wrong(metric: Any) -> str:
    """What keeps a class, or an object of it, from being a metric, to follow "the metric 'x'"; empty where nothing does."""
    for attribute, known in (("family", _FAMILIES), ("real", _STAND_INS), ("needs_train", (True, False)),
                             ("needs_holdout", (True, False))):  # fmt: skip
        value = getattr(metric, attribute)
        if value not in known:
            return f"says {attribute} = {_quoted(value)}, which is none of: {', '.join(map(str, known))}"
    if not callable(metric.scores):
        return f"says scores = {_quoted(metric.scores)}, which is no function"
    given = metric.measures
    if not isinstance(given, tuple | list) or not given:
        return f"says measures = {_quoted(given)}, which is no tuple of at least one Measure"
    wrong = next((words for one in given if (words := _wrong_measure(one))), "")
    names = [one.name for one in given] if not wrong else []
    twice = next((name for name in names if names.count(name) > 1), None)
    return wrong or (f"gives the measure '{twice}' twice" if twice is not None else "")


def _wrong_measure(measure: Any) -> str:
    if not isinstance(measure, Measure):
        return f"has {_quoted(measure)} among its measures, which is no Measure"
    texts = {part: getattr(measure, part) for part in ("name", "title", "definition", "source")}
    bounds = {part: getattr(measure, part) for part in ("low", "high", "ideal")}
    wrong = [part for part, value in texts.items() if not writable(value)]
    wrong += [part for part, value in bounds.items() if value is not None and not _finite(value)]
    wrong += ["better"] if measure.better not in _BETTER else []
    wrong += ["ideal"] if measure.better == "ideal" and measure.ideal is None else []
    if wrong:
        return (
            f"has a measure {_quoted(measure.name)} with {wrong[0]} = {_quoted(getattr(measure, wrong[0]))}"
        )
    if not measure.name or measure.name == CAUTION:
        return f"has a measure called {measure.name!r}, which no measure can be"
    return ""


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


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
        "targets": "localsynth.metrics.fit:Targets",
        "utility": "localsynth.metrics.utility:Utility",
        "validity": "localsynth.metrics.validity:Validity",
    },
    ("name", "family", "measures", "real", "needs_train", "needs_holdout", "scores"),
    check=_wrong,
)


@dataclass(frozen=True)
class Survey:
    """metrics : every one that can be used, by name. broken : why others cannot, by name. gives : measure -> metric."""

    metrics: Mapping[str, Metric]
    broken: Mapping[str, LocalsynthError]
    gives: Mapping[str, str]


def survey() -> Survey:
    """Every metric there is. Of two that give one measure ours counts, or else the first by name; the other is broken."""
    usable, broken = METRICS.usable(lambda name: cast("Metric", METRICS.make(name)))
    found = METRICS.find()
    gives: dict[str, str] = {}
    for name, metric in sorted(usable.items(), key=lambda item: (not found[item[0]].built_in, item[0])):
        taken = next((measure.name for measure in metric.measures if measure.name in gives), None)
        if taken is None:
            gives |= {measure.name: name for measure in metric.measures}
            continue
        broken[name] = LocalsynthError(
            f"the metric '{name}' ({found[name].value}) gives '{taken}', which '{gives[taken]}' gives already",
            f"update or uninstall the package '{found[name].package}'",
        )
        del usable[name]
    order = sorted(usable, key=lambda name: (_FAMILIES.index(usable[name].family), name))
    return Survey({name: usable[name] for name in order}, dict(sorted(broken.items())), gives)


def create_all(names: Iterable[str] | None = None, among: Survey | None = None) -> list[Metric]:
    """The named metrics (default: every one that can be used), by family. A measure's name stands for the metric that
    gives it.

    among : what :func:`survey` found, where it was asked already.
    Raises ``NotFound`` with the nearest name, ``LocalsynthError`` where one that is named cannot be used.
    """
    known = among or survey()
    asked = list(known.metrics) if names is None else list(names)
    if not asked:
        raise NotFound("no metric is named", f"metrics: {', '.join(known.metrics)}")
    chosen = {_known(name, known) for name in asked}
    return [metric for name, metric in known.metrics.items() if name in chosen]


def _known(name: str, known: Survey) -> str:
    if name in known.metrics:
        return name
    if name in known.broken:
        raise known.broken[name]
    if name in known.gives:
        return known.gives[name]
    lame = f"; not usable: {', '.join(known.broken)}" if known.broken else ""
    raise NotFound(
        f"there is no metric '{name}'{nearest(name, [*known.metrics, *known.gives])}",
        f"metrics: {', '.join(known.metrics)}{lame}; `localsynth metrics` explains what they give",
    )


def measures() -> dict[str, Measure]:
    """Every measure of every metric that can be used, by name."""
    return {measure.name: measure for metric in create_all() for measure in metric.measures}
