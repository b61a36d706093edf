"""The scores of an evaluation, by who they are of and what they say; seeds of one recipe are one subject."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from localsynth.core.evaluation import REAL, REFERENCES, Evaluation, Judged
from localsynth.core.judging import Family, Measure, Score
from localsynth.core.run import Exposure, Run

__all__ = ["CAUTION", "NOT_MEASURED", "NO_REAL_ROWS", "Figure", "Lookup", "Subject"]

NOT_MEASURED = "not measured"
NO_REAL_ROWS = "not applicable, because there are no real rows to hold these against"
#: No measure: a score of this name is a warning in words (its note) about a run or, of no run, about everything.
CAUTION = "caution"
_FIXED = (REAL, *REFERENCES)
_Key = tuple[str, str, str | None, str | None, str | None]


@dataclass(frozen=True)
class Subject:
    """One column of the report: reality, a reference method, or the runs of one recipe.

    label : a few words. detail : seeds or the run's id. names : subjects of the evaluation, one a seed. runs : none but
    for runs.
    """

    kind: Literal["real", "reference", "run"]
    label: str
    detail: str
    names: tuple[str, ...]
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One measure of one subject.

    values : one for each seed that has one. low, high : the 95% interval of a single value; of several seeds the hull of
    theirs. note : what the metric said beside it, or why there is no value.
    """

    values: tuple[float, ...]
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def value(self) -> float | None:
        """The value, or the mean over seeds."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds (n - 1)."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def span(self) -> tuple[float, float] | None:
        """Where the value may lie: its interval, widened to hold every seed; ``None`` where neither says anything."""
        if not self.values or (self.low is None and len(self.values) == 1):
            return None
        ends = [*self.values, *(end for end in (self.low, self.high) if end is not None)]
        return min(ends), max(ends)


class Lookup:
    """An evaluation with its measures.

    Parameters
    ----------
    evaluation : what was judged; its cautions are no scores and lie in ``warned``, (subject, words). measures, families :
        by the measure's name; a score whose measure is not among them is shown under its bare name.
    """

    def __init__(
        self, evaluation: Evaluation, measures: Mapping[str, Measure], families: Mapping[str, Family]
    ) -> None:
        self.evaluation = evaluation
        self._measures, self._families = measures, families
        self._scores: dict[_Key, Score] = {}
        self._metrics: dict[str, list[Score]] = defaultdict(list)
        self._items: dict[tuple[str, str, str | None], list[str]] = defaultdict(list)
        self.warned: list[tuple[str, str]] = []
        for judged in evaluation.scores:
            score = judged.score
            if score.metric == CAUTION:
                self.warned.append((judged.subject, score.note))
                continue
            key = (judged.subject, score.metric, score.column_a, score.column_b, score.item)
            self._scores.setdefault(key, score)
            self._metrics[score.metric].append(score)
            if score.item is not None and score.column_b is None:
                self._items[judged.subject, score.metric, score.column_a].append(score.item)
        self.subjects = _subjects(evaluation)
        self.runs = tuple(subject for subject in self.subjects if subject.kind == "run")

    def at_stage(self, stage: str) -> Lookup:
        """The same for scores of the runs' rows at an earlier stage: they stand there under the runs' ids, alone."""
        scores = tuple(
            Judged(run_id, judged.score)
            for run_id, stages in self.evaluation.stages.items()
            for judged in stages.get(stage, ())
        )
        return Lookup(replace(self.evaluation, scores=scores), self._measures, self._families)

    @property
    def tells_of_rows(self) -> bool:
        """Whether anything here comes from real rows without a privacy budget that covers it.

        Prompts and findings of a run that saw rows do, whatever it is held against.
        """
        exact = any(statistics.origin == "rows" for statistics in self.evaluation.aims.values())
        saw = any(run.exposure >= Exposure.ROWS for run in self.evaluation.runs)
        return self.evaluation.dataset.train_rows > 0 or exact or saw

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all measures that have a score."""
        return tuple(self._metrics)

    def measure(self, metric: str) -> Measure:
        """What a measure means; a bare one for a metric nobody described."""
        found = self._measures.get(metric)
        return found or Measure(
            metric, metric, "No definition came with this measure.", "none", None, None, ""
        )

    def family(self, metric: str) -> str:
        """The measure's family, ``other`` where it has none."""
        return self._families.get(metric, "other")

    def reference(self, label: str) -> Subject | None:
        """``REAL`` or a reference method, where it was judged."""
        return next((s for s in self.subjects if s.label == label and s.kind != "run"), None)

    def figure(
        self,
        metric: str,
        subject: Subject | None,
        column_a: str | None = None,
        column_b: str | None = None,
        item: str | None = None,
    ) -> Figure:
        """A measure of a subject; without values where there are none."""
        names = subject.names if subject is not None else ()
        found = [
            score
            for name in names
            if (score := self._score((name, metric, column_a, column_b, item))) is not None
        ]
        valued = [s for s in found if s.value is not None and math.isfinite(s.value)]
        notes = list(dict.fromkeys(score.note for score in found if score.note))
        if not valued:
            if any(score.value is not None for score in found):
                notes.append("not applicable, because the metric gave no finite number")
            elif found and self._bare(metric):
                notes = [NO_REAL_ROWS]
            return Figure((), note="; ".join(notes) or NOT_MEASURED)
        if len(valued) < len(names):
            notes.append(f"{len(valued)} of {len(names)} runs have a value")
        lows = [s.low for s in valued if s.low is not None and math.isfinite(s.low)]
        highs = [s.high for s in valued if s.high is not None and math.isfinite(s.high)]
        whole = len(lows) == len(highs) == len(valued)
        return Figure(
            tuple(s.value for s in valued if s.value is not None),
            min(lows) if whole else None,
            max(highs) if whole else None,
            "; ".join(notes),
        )

    def _bare(self, metric: str) -> bool:
        """Whether a measure has no value because there are no real rows at all, whatever else it lacks."""
        if self.evaluation.covered or self.evaluation.dataset.train_rows:
            return False
        return self.family(metric) in {"fidelity", "utility", "privacy"}

    def _score(self, key: _Key) -> Score | None:
        subject, metric, a, b, item = key
        found = self._scores.get(key)
        return found if found is not None or b is None else self._scores.get((subject, metric, b, a, item))

    def has_table(self, metric: str) -> bool:
        """Whether any subject has a score of the table as a whole."""
        return any(s.column_a is None and s.item is None for s in self._metrics.get(metric, ()))

    def items(self, metric: str, column: str | None = None) -> tuple[str, ...]:
        """Every item of a measure (of a column), in the order of the scores."""
        scores = self._metrics.get(metric, ())
        return tuple(dict.fromkeys(s.item for s in scores if s.column_a == column and s.item is not None))

    def items_of(self, metric: str, name: str, column: str | None = None) -> tuple[str, ...]:
        """Every item of a measure (of a column) of one seed, in the order of its scores."""
        return tuple(dict.fromkeys(self._items.get((name, metric, column), ())))

    def columns(self, metric: str) -> tuple[str, ...]:
        """Every column a measure has a score of."""
        scores = self._metrics.get(metric, ())
        return tuple(
            dict.fromkeys(s.column_a for s in scores if s.column_a is not None and s.column_b is None)
        )

    def pairs(self, metric: str) -> tuple[tuple[str, str], ...]:
        """Every pair of columns a measure has a score of."""
        scores = self._metrics.get(metric, ())
        both = ((s.column_a, s.column_b) for s in scores)
        return tuple(dict.fromkeys((a, b) for a, b in both if a is not None and b is not None))

    def places(self, metric: str) -> tuple[tuple[str | None, str | None, str | None], ...]:
        """Everything a measure has scores of: (column, second column, item)."""
        scores = self._metrics.get(metric, ())
        return tuple(dict.fromkeys((s.column_a, s.column_b, s.item) for s in scores))


def _subjects(evaluation: Evaluation) -> tuple[Subject, ...]:
    present = tuple(dict.fromkeys(j.subject for j in evaluation.scores if j.score.metric != CAUTION))
    kept = _FIXED if evaluation.dataset.train_rows else tuple(name for name in _FIXED if name in present)
    found = [Subject("real" if name == REAL else "reference", name, "", (name,)) for name in kept]
    known = {run.run_id for run in evaluation.runs}
    strangers = [name for name in present if name not in known and name not in _FIXED]
    return (*found, *_recipes(evaluation.runs), *(Subject("run", name, "", (name,)) for name in strangers))


def _recipes(runs: Iterable[Run]) -> list[Subject]:
    """Runs that differ in nothing but the seed are one subject."""
    alike: dict[tuple[str, int], list[Run]] = defaultdict(list)
    seen: Counter[tuple[str, int]] = Counter()
    for run in runs:
        recipe = _but_for_seed(run)
        # The same seed again makes the same rows: no spread can come from it.
        alike[recipe, seen[recipe, run.seed]].append(run)
        seen[recipe, run.seed] += 1
    groups = list(alike.values())
    labels = _labels([group[0] for group in groups])
    return [
        Subject("run", label, _detail(group), tuple(run.run_id for run in group), tuple(group))
        for label, group in zip(labels, groups, strict=True)
    ]


def _but_for_seed(run: Run) -> str:
    try:
        recipe = json.loads(run.recipe_json)
        recipe.pop("seed", None)
        recipe.pop("title", None)
        if isinstance(recipe.get("model"), dict):
            recipe["model"].pop("threads", None)
    except (ValueError, AttributeError, RecursionError):
        return run.run_id
    parts = [recipe, run.schema_json, run.model_sha256, run.method, run.method_version]
    return json.dumps(parts, sort_keys=True)


def _labels(first: list[Run]) -> list[str]:
    """The method's name; with the model and the end of the run's id where several recipes share it. A reference method
    that was run as any other keeps apart from the reference.
    """
    labels = [f"{run.method} run" if run.method in _FIXED else run.method for run in first]
    for more in ([run.model for run in first], [run.run_id.rsplit("-", 1)[-1] for run in first]):
        often = Counter(labels)
        labels = [
            f"{label} {word}" if often[label] > 1 and word else label
            for label, word in zip(labels, more, strict=True)
        ]
    return labels


def _detail(runs: list[Run]) -> str:
    if len(runs) > 1:
        return f"{len(runs)} seeds"
    return runs[0].run_id
