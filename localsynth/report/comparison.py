"""Two runs side by side: which is better at what, and whether the difference is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from localsynth.core.errors import NotFound, RecipeError
from localsynth.core.evaluation import Evaluation
from localsynth.core.judging import Family, Measure
from localsynth.core.run import Run

from .cautions import cautions
from .lookup import NOT_MEASURED, Figure, Lookup, Subject
from .outline import FAMILIES, family_of, main
from .privacy import privacy
from .standing import badness

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Comparison", "Difference", "Outcome", "compare", "render"]

#: equal: the same value. clear: intervals or spreads apart. unclear: they overlap. unknown: nothing is known of how far
#: chance reaches, so that only the figures can be held side by side. missing: one of them has no value.
Outcome = Literal["equal", "clear", "unclear", "unknown", "missing"]


@dataclass(frozen=True)
class Difference:
    """One measure of both runs.

    difference : second less first. better : whose figure is better, ``None`` where neither is, or where the measure is a
    plain fact. low, high, first_low ... : 95% intervals where they are known. note : why a value is missing.
    """

    metric: str
    title: str
    family: str
    first: float | None
    second: float | None
    difference: float | None
    better: Literal["first", "second"] | None
    outcome: Outcome
    first_low: float | None = None
    first_high: float | None = None
    second_low: float | None = None
    second_high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """``differences`` : by family, in the order of the report. measures : what they mean, for showing them.

    cautions : to be read before anything else. found_out : of runs that give real rows away, the run's id and in what way.
    """

    first: Run
    second: Run
    differences: tuple[Difference, ...]
    measures: Mapping[str, Measure]
    cautions: tuple[str, ...] = ()
    found_out: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "first": self.first.run_id,
            "second": self.second.run_id,
            "cautions": list(self.cautions),
            "found_out": dict(self.found_out),
            "differences": [asdict(difference) for difference in self.differences],
        }


def compare(
    evaluation: Evaluation,
    measures: Mapping[str, Measure],
    families: Mapping[str, Family] | None = None,
    *,
    first: str | None = None,
    second: str | None = None,
) -> Comparison:
    """Hold two runs of an evaluation side by side.

    Two figures are clearly apart where their intervals do not overlap. A run that was made with several seeds, all of them
    in the evaluation, is given the spread of its recipe (value ± 2 standard deviations over seeds) where the measure has no
    interval of its own.

    Parameters
    ----------
    first, second : run ids; default the first two runs. families : of the measures; default ours.

    Raises
    ------
    RecipeError : there are not two different runs. NotFound : a run is not among those evaluated.
    """
    ours = {name: family for name in measures if (family := family_of(name)) is not None}
    lookup = Lookup(evaluation, measures, families or ours)
    one, other = _runs(evaluation, first, second)
    metrics = [metric for family in FAMILIES for metric in main(lookup, family) if lookup.has_table(metric)]
    rows = [_difference(lookup, metric, one, other) for metric in metrics]
    shown = {row.metric: lookup.measure(row.metric) for row in rows}
    return Comparison(
        one, other, tuple(rows), shown, _cautions(lookup, one, other), _found_out(lookup, one, other)
    )


def _cautions(lookup: Lookup, one: Run, other: Run) -> tuple[str, ...]:
    """Those of the two runs, and those of none in particular."""
    whole = lookup.evaluation
    rest = {run.run_id for run in whole.runs} - {one.run_id, other.run_id}
    scores = tuple(judged for judged in whole.scores if judged.subject not in rest)
    both = replace(whole, runs=(one, other), scores=scores)
    return cautions(Lookup(both, {}, {}))


def _found_out(lookup: Lookup, one: Run, other: Run) -> dict[str, str]:
    found = {run.run_id: privacy(lookup, _alone(run)) for run in (one, other)}
    return {run_id: said.headline for run_id, said in found.items() if said.state == "found"}


def _alone(run: Run) -> Subject:
    return Subject("run", run.method, run.run_id, (run.run_id,), (run,))


def _runs(evaluation: Evaluation, first: str | None, second: str | None) -> tuple[Run, Run]:
    by_id = {run.run_id: run for run in evaluation.runs}
    wanted = [first, second]
    rest = [run_id for run_id in by_id if run_id not in wanted]
    names = [name if name is not None else rest.pop(0) if rest else None for name in wanted]
    for name in names:
        if name is not None and name not in by_id:
            raise NotFound(f"run {name} is not among those evaluated", "evaluate both runs together")
    one, other = names
    if one is None or other is None or one == other:
        raise RecipeError("there is only one run, and nothing to compare it with", "name two different runs")
    return by_id[one], by_id[other]


def _difference(lookup: Lookup, metric: str, one: Run, other: Run) -> Difference:
    measure = lookup.measure(metric)
    a, b = (_with_spread(lookup, metric, run) for run in (one, other))
    bare = Difference(
        metric,
        measure.title,
        lookup.family(metric),
        a.value,
        b.value,
        None,
        None,
        "missing",
        a.low,
        a.high,
        b.low,
        b.high,
    )
    if a.value is None or b.value is None:
        return replace(bare, note=_why_missing(a, b))
    better: Literal["first", "second"] | None = None
    by = badness(a.value, measure) - badness(b.value, measure)
    if measure.better != "none" and by:
        better = "second" if by > 0 else "first"
    return replace(bare, difference=b.value - a.value, better=better, outcome=_outcome(a, b))


def _why_missing(a: Figure, b: Figure) -> str:
    """Why one or both have no value; that nobody measured it is worth saying only where no better reason is known."""
    notes = list(dict.fromkeys(figure.note for figure in (a, b) if figure.value is None))
    better = [note for note in notes if note != NOT_MEASURED]
    return "; ".join(better or notes)


def _outcome(a: Figure, b: Figure) -> Outcome:
    if a.value == b.value:
        return "equal"
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return "unknown"
    return "unclear" if a.low <= b.high and b.low <= a.high else "clear"


def _with_spread(lookup: Lookup, metric: str, run: Run) -> Figure:
    """The run's own figure; without an interval, that of all seeds of its recipe around it."""
    own = lookup.figure(metric, _alone(run))
    if own.value is None or own.low is not None:
        return own
    seeds = next((subject for subject in lookup.runs if run.run_id in subject.names), None)
    spread = lookup.figure(metric, seeds).spread
    if spread is None:
        return own
    return Figure(own.values, own.value - 2 * spread, own.value + 2 * spread, own.note)


def render(comparison: Comparison) -> RenderableType:
    """The comparison as a table for a terminal."""
    from .terminal import comparison_table

    return comparison_table(comparison)
