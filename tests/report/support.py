"""Evaluations made up for tests: realistic numbers, awkward names, anything missing that can be missing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zlib import crc32

import numpy as np

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.dataset import Dataset
from localsynth.core.evaluation import REAL, REFERENCES, Evaluation, Judged
from localsynth.core.judging import Family, Score, not_applicable
from localsynth.core.run import Exposure, Run, Status, Usage
from localsynth.core.schema import Dependency, Rule, Schema
from tests.report.described import FAMILIES, MEASURES, OF_FAMILY

__all__ = [
    "AWKWARD",
    "FAMILIES",
    "MARKUP",
    "MEASURES",
    "SCRIPT",
    "Wanted",
    "awkward_schema",
    "make",
    "tiny",
    "wide_schema",
]

#: What people write and nothing may trip over.
SCRIPT = "<script>alert('x')</script>"
MARKUP = "[red]dose[/red]"
QUOTES = "a \"b\" & 'c'"
EMOJI = "Größe 📏 👩‍⚕️"
RTL = "تاريخ الميلاد"
LONG = "number_of_inpatient_admissions_in_the_twelve_months_before_the_index_visit"
AWKWARD = (SCRIPT, MARKUP, QUOTES, EMOJI, RTL, LONG)


# How subjects do, between nothing (0) and reality (1), and how much of them is copied.
_STRUCTURE = {REAL: 1.0, "independent": 0.0, "gaussian-copula": 0.62, "bootstrap": 0.97}
_COPIED = {REAL: 0.0, "independent": 0.02, "gaussian-copula": 0.02, "bootstrap": 1.0}
KINDS = {"good": (0.82, 0.02), "real": (0.98, 0.0), "independent": (0.02, 0.0), "copying": (0.97, 0.95)}


def awkward_schema() -> Schema:
    """A clinic's columns, some of them called what nobody expects."""
    columns: tuple[Column, ...] = (
        IdentifierColumn(name="patient_id"),
        IntegerColumn(name="age", range=(18, 95), unit="years"),
        FloatColumn(name="weight_kg", range=(40, 160), decimals=1, unit="kg"),
        CategoricalColumn(name="sex", categories={"F": "female", "M": "male"}),
        CategoricalColumn(
            name="diagnosis",
            categories=dict.fromkeys(
                ["hypertension", "diabetes", "asthma", "copd", "depression", "none", *AWKWARD[:4]], ""
            ),
        ),
        BooleanColumn(name="smoker"),
        FloatColumn(name="hba1c", range=(4, 15), decimals=1, nullable=True, unit="%"),
        DateColumn(name="visit_date", range=(date(2024, 1, 2), date(2025, 12, 30))),
        *(IntegerColumn(name=name, range=(0, 20)) for name in AWKWARD),
        TextColumn(name="note"),
    )
    return Schema(
        description="Visits to an outpatient clinic: what was measured, diagnosed, prescribed.",
        target="diagnosis",
        columns=columns,
        rules=(
            Rule(check="weight_kg > 40", name="weight is plausible"),
            Rule(check="smoker or age > 18", description="no minors"),
            Rule(check="age < 120", name=f"{SCRIPT} {MARKUP}"),
        ),
        dependencies=(Dependency(determinant=("diagnosis", "sex"), dependent="smoker"),),
    )


def wide_schema(columns: int = 100) -> Schema:
    """Many columns of all kinds."""
    made: list[Column] = []
    for index in range(columns):
        if index % 3 == 2:
            made.append(CategoricalColumn(name=f"code_{index}", categories=dict.fromkeys("ABCDEFGH", "")))
        else:
            made.append(FloatColumn(name=f"laboratory_value_{index}", range=(0, 100)))
    return Schema(columns=tuple(made), target="code_2")


@dataclass(frozen=True)
class Wanted:
    """One recipe's runs. kind : a key of :data:`KINDS`. seeds : one run each."""

    kind: str = "good"
    seeds: tuple[int, ...] = (1,)
    method: str = "text-to-tabular"
    model: str | None = "smollm2-135m"
    epsilon: float | None = None
    exposure: Exposure = Exposure.STATISTICS


def make_run(wanted: Wanted, seed: int, schema: Schema, rows: int = 500) -> Run:
    """A run as the store would give it."""
    recipe = {
        "title": f"A clinic {SCRIPT}",
        "rows": rows,
        "seed": seed,
        "dataset": {"name": "clinic", "target": schema.target},
        "method": {"name": wanted.method, "kind": wanted.kind},
        "model": {"name": wanted.model} if wanted.model else {},
        "privacy": {"epsilon": wanted.epsilon, "delta": 1e-6} if wanted.epsilon else {},
    }
    setup = {
        "setup": {"threads": 4, "contexts": 4, "lanes": 16, "cells": 8192, "side_cells": 3072,
                  "flash_attention": False, "gpu_layers": -1, "batch": 512},
        "weights": {"file": None, "sha256": "ab" * 32, "size": 1000},
    }  # fmt: skip
    return Run(
        run_id=f"20261121-0734{seed:02d}-clinic-{crc32(f'{wanted.kind} {wanted.method}'.encode()) % 16**3:03x}{seed % 16:x}",
        dataset="clinic",
        method=wanted.method,
        method_version=2,
        exposure=wanted.exposure,
        model=wanted.model,
        model_sha256="ab" * 32 if wanted.model else None,
        rows_wanted=rows,
        rows_done=rows,
        seed=seed,
        status=Status.FINISHED,
        recipe_json=json.dumps(recipe),
        recipe_path="recipes/clinic.toml",
        fingerprint="cd" * 32,
        schema_json=schema.to_json(),
        started_at=datetime(2026, 11, 21, 7, 30, tzinfo=UTC),
        finished_at=datetime(2026, 11, 21, 7, 34, tzinfo=UTC),
        usage=Usage(40, 500, 52_000, 31_000, 12_000, 224.0),
        setup_json=json.dumps(setup) if wanted.model else None,
    )


def make(
    *wanted: Wanted,
    schema: Schema | None = None,
    train_rows: int = 333,
    holdout_rows: int = 167,
    intervals: bool = True,
) -> Evaluation:
    """An evaluation of runs like these. Without train rows there are no references; without holdout no attack."""
    schema = schema or awkward_schema()
    pairs = [
        (recipe, make_run(recipe, seed, schema)) for recipe in wanted or (Wanted(),) for seed in recipe.seeds
    ]
    runs = tuple(run for _, run in pairs)
    profiles: dict[str, tuple[float, float]] = {}
    if train_rows:
        profiles |= {name: (_STRUCTURE[name], _COPIED[name]) for name in (REAL, *REFERENCES)}
    profiles |= {run.run_id: KINDS[recipe.kind] for recipe, run in pairs}
    seeds = {run.run_id: run.seed for run in runs}
    scores: list[Judged] = []
    for index, (subject, (structure, copied)) in enumerate(profiles.items()):
        rng = np.random.default_rng([seeds.get(subject, 0), index if subject not in seeds else 99])
        maker = _Maker(schema, structure, copied, rng, intervals, subject)
        scores.extend(Judged(subject, score) for score in maker.scores(bool(train_rows), bool(holdout_rows)))
    return Evaluation(
        dataset=Dataset(
            "clinic", schema, Exposure.ROWS, train_rows + holdout_rows, train_rows, holdout_rows,
            "clinic.csv", datetime(2026, 11, 20, tzinfo=UTC),
        ),
        runs=runs,
        scores=tuple(scores),
        seed=7,
        reference_rows=500 if train_rows else 0,
        made_at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
    )  # fmt: skip


class _Maker:
    """Scores of one subject."""

    def __init__(
        self,
        schema: Schema,
        structure: float,
        copied: float,
        rng: np.random.Generator,
        intervals: bool,
        who: str,
    ) -> None:
        self.schema, self.structure, self.copied = schema, structure, copied
        self.rng, self.intervals, self.who = rng, intervals, who
        self.columns = [c for c in schema.columns if not isinstance(c, IdentifierColumn)]

    def scores(self, real_rows: bool, holdout: bool) -> list[Score]:
        made = self.validity()
        comparing = [*self.fidelity(), *self.utility()] if holdout else self.fidelity()
        made += comparing if real_rows else none(("fidelity", "utility"), "the dataset has no real rows")
        if not holdout and real_rows:
            made += none(("utility",), "no real rows were held out")
        why = "no real rows were held out" if real_rows else "the dataset has no real rows"
        made += self.privacy() if holdout and real_rows else none(("privacy",), why)
        return made

    def near(self, value: float, noise: float = 0.006) -> float:
        return float(min(max(value + self.rng.normal(0, noise), 0.0), 1.0))

    def between(self, metric: str, worst: float, best: float, half: float | None = None) -> Score:
        value = self.near(worst + (best - worst) * self.structure)
        return self.interval(Score(metric, value), half)

    def interval(self, score: Score, half: float | None) -> Score:
        if half is None or not self.intervals or score.value is None:
            return score
        return replace(score, low=max(score.value - half, 0.0), high=min(score.value + half, 1.0))

    def validity(self) -> list[Score]:
        free = self.who == "independent"
        made = [
            Score("invalid_rows", 0.0, note="0 of 500 rows"),
            Score("invalid_cells", 0.0, note="mean of 15 columns"),
        ]
        made += [Score("invalid_cells", 0.0, column.name) for column in self.columns]
        if self.schema.rules:
            broken = 0.087 if free else 0.0
            made.append(Score("rule_violations", broken, note=f"{len(self.schema.rules)} rules"))
            made += [
                Score("rule_violations", broken if i == 0 else 0.0, item=rule.label)
                for i, rule in enumerate(self.schema.rules)
            ]
        else:
            made.append(not_applicable("rule_violations", "the schema has no rules"))
        for dependency in self.schema.dependencies:
            label = f"{', '.join(dependency.determinant)} -> {dependency.dependent}"
            share = 0.21 if free else 0.012
            made += [Score("dependency_violations", share), Score("dependency_violations", share, item=label)]
        made.append(Score("duplicate_rows", 0.004 + 0.3 * self.copied))
        if self.who != REAL:
            made.append(Score("category_coverage", self.near(0.97)))
        return made

    def fidelity(self) -> list[Score]:
        made: list[Score] = [
            Score("column_shapes", self.near(0.955), note=f"mean of {len(self.columns)} columns")
        ]
        for column in self.columns:
            made += self._column(column)
        names = [column.name for column in self.columns]
        trends = []
        for i, a in enumerate(names):
            for b in names[:i]:
                noise = abs(self.rng.normal(0, 0.03 + 0.16 * (1 - self.structure)))
                trends.append(Score("pair_trends", max(0.97 - noise, 0.0), b, a))
        values = [score.value for score in trends if score.value is not None]
        made += [Score("pair_trends", sum(values) / max(len(values), 1)), *trends]
        made.append(Score("correlation_difference", 0.02 + 0.11 * (1 - self.structure)))
        made.append(self.between("c2st_rf_auc", 0.93, 0.53, 0.03))
        made.append(self.between("c2st_lr_auc", 0.71, 0.52, 0.03))
        return made

    def _column(self, column: Column) -> list[Score]:
        name = column.name
        made = [
            Score("column_shapes", self.near(0.95, 0.025), name),
            Score("jensen_shannon", abs(self.near(0.08, 0.03)), name),
            Score("missing_rate", self.near(0.12, 0.01) if column.nullable else 0.0, name),
        ]
        if isinstance(column, TextColumn):
            made.append(not_applicable("histogram", "texts are rarely the same twice", name))
            return made
        if self.who == REAL or self.who not in REFERENCES:
            made += self._histogram(column)
        if isinstance(column, DateColumn):
            made += [
                Score("mean", self.rng.normal(20080, 6), name, note="days since 1970-01-01"),
                Score("std", 208.4, name, note="days"),
            ]
        elif isinstance(column, IntegerColumn | FloatColumn):
            low, high = column.range or (0, 1)
            middle = low + (high - low) * 0.4
            made += [
                Score("mean", float(self.rng.normal(middle, (high - low) * 0.01)), name),
                Score("std", float((high - low) * self.near(0.18)), name),
                Score("wasserstein", abs(self.near(0.06, 0.03)), name),
            ]
        return made

    def _histogram(self, column: Column) -> list[Score]:
        match column:
            case BooleanColumn():
                labels = ["false", "true"]
            case CategoricalColumn():
                labels = list(column.categories)
            case DateColumn():
                labels = [f"2024-{1 + i // 2:02d}-{1 + 14 * (i % 2):02d}" for i in range(20)]
            case _:
                low, high = column.range or (0.0, 1.0)  # type: ignore[union-attr]
                ends = np.linspace(low, high, 21)
                labels = [f"[{a:g}, {b:g})" for a, b in pairwise(ends)]
        fixed = np.random.default_rng([len(column.name), len(labels)])
        if column.kind in {"categorical", "boolean"}:
            shares = fixed.dirichlet(np.full(len(labels), 1.2))
        else:
            at, width = fixed.uniform(0.25, 0.55), fixed.uniform(0.12, 0.22)
            shares = np.exp(-0.5 * ((np.linspace(0, 1, len(labels)) - at) / width) ** 2)
        shares = shares * np.exp(self.rng.normal(0, 0.12, len(labels)))
        if column.nullable:
            labels, shares = [*labels, "missing"], np.append(shares / shares.sum() * 0.88, 0.12)
        shares = shares / shares.sum()
        return [
            Score("histogram", float(s), column.name, item=text)
            for text, s in zip(labels, shares, strict=True)
        ]

    def utility(self) -> list[Score]:
        made = [
            self.between("tstr_rf_auc", 0.51, 0.88, 0.025),
            self.between("tstr_lr_auc", 0.52, 0.86, 0.025),
            self.between("tstr_lr_accuracy", 0.70, 0.84, 0.02),
            Score("tstr_columns", 0.2 + 0.5 * self.structure, note=f"mean of {len(self.columns)} columns"),
        ]
        return made + [
            Score("tstr_columns", self.near(0.2 + 0.5 * self.structure, 0.05), column.name)
            for column in self.columns[:6]
        ]

    def privacy(self) -> list[Score]:
        made = [
            self.interval(Score("exact_copies", 0.0 if self.copied < 0.5 else self.copied), 0.008),
            self.interval(Score("near_copies", min(0.05 + 0.98 * self.copied, 1.0)), 0.02),
            self.interval(Score("near_copies_holdout", 0.051), 0.02),
            self.interval(Score("dcr_share", self.near(0.5 + 0.46 * self.copied)), 0.04),
            Score("nndr", self.near(0.85 - 0.8 * self.copied)),
            Score("dcr_median", 1.9 * (1 - self.copied)),
            self.interval(Score("membership_auc", self.near(0.5 + 0.48 * self.copied)), 0.045),
            self.interval(Score("membership_tpr", self.near(0.01 + 0.7 * self.copied, 0.003)), 0.02),
            self.interval(Score("singling_out_risk_univariate", 0.01 + 0.4 * self.copied), 0.03),
            not_applicable("singling_out_risk_multivariate", "fewer than 100 guesses were possible"),
            self.interval(Score("attribute_inference_risk", 0.01 + 0.3 * self.copied), 0.035),
        ]
        for column in self.columns[:8]:
            risk = Score("attribute_inference_risk", self.near(0.02 + 0.3 * self.copied, 0.02), column.name)
            made.append(self.interval(risk, 0.05))
        return made


def none(families: tuple[Family, ...], because: str) -> list[Score]:
    """Every measure of these families without a value."""
    return [not_applicable(measure.name, because) for family in families for measure in OF_FAMILY[family]]


def tiny(
    scores: dict[str, dict[str, float | tuple[float, float, float] | None]],
    *,
    runs: int = 1,
    train_rows: int = 200,
    holdout_rows: int = 100,
    wanted: Wanted | None = None,
) -> Evaluation:
    """An evaluation of a few scores of the table, said one by one: subject -> measure -> value, or (value, low, high).

    The runs are called ``run``, or ``run 1``, ``run 2`` ... where there are more: seeds of one recipe.
    """
    whole = make(
        replace(wanted or Wanted(), seeds=tuple(range(1, runs + 1))),
        train_rows=train_rows,
        holdout_rows=holdout_rows,
    )
    names = ["run"] if runs == 1 else [f"run {number + 1}" for number in range(runs)]
    made: list[Judged] = []
    for subject, measured in scores.items():
        for metric, value in measured.items():
            if isinstance(value, tuple):
                score = Score(metric, value[0], low=value[1], high=value[2])
            elif value is None:
                score = not_applicable(metric, "there is nothing to measure")
            else:
                score = Score(metric, value)
            made.append(Judged(subject, score))
    renamed = tuple(replace(run, run_id=name) for run, name in zip(whole.runs, names, strict=True))
    return replace(whole, runs=renamed, scores=tuple(made))
