"""A privacy budget in words: what was spent, on what, and what that means and does not mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import exp

from localsynth.align.privacy.describe import describe
from localsynth.core.evaluation import Spent
from localsynth.core.recipe import USUAL_DELTA
from localsynth.core.targets import Budget
from localsynth.core.words import counted

from .lookup import Lookup, Subject
from .numbers import percent, plain_number

__all__ = ["Part", "Spending", "budget_of", "epsilon_of", "spending", "spent_words", "total_of", "worded"]

_LARGEST = 700.0  # epsilon; e to the power of more is no number


@dataclass(frozen=True)
class Part:
    """A part of a budget. rho : zero-concentrated differential privacy. share : of all that was spent, in words."""

    what: str
    rho: str
    share: str


@dataclass(frozen=True)
class Spending:
    """said : of the budget itself. parts : what each bought. means, means_not : one sentence for each thing."""

    subject: Subject
    budget: Budget
    said: tuple[str, ...]
    parts: tuple[Part, ...]
    means: tuple[str, ...]
    means_not: tuple[str, ...]


def budget_of(lookup: Lookup, subject: Subject) -> Budget | None:
    """What the first run of a recipe spent that spent anything, as it was kept with its statistics."""
    aims = lookup.evaluation.aims
    found = (aims[run.run_id].budget for run in subject.runs if run.run_id in aims)
    return next((budget for budget in found if budget is not None), None)


def total_of(lookup: Lookup, subject: Subject | None = None) -> Budget:
    """What the runs of a recipe spent together, or all runs of the report: who holds what all of them made can combine it."""
    runs = lookup.evaluation.runs if subject is None else subject.runs
    aims = lookup.evaluation.aims
    spent = [b for run in runs if run.run_id in aims and (b := aims[run.run_id].budget) is not None]
    return Budget(sum(one.epsilon for one in spent), sum(one.delta for one in spent))


def worded(budget: Budget) -> str:
    """``epsilon = 1, delta = 1e-06``."""
    return f"epsilon = {budget.epsilon:.6g}, delta = {budget.delta:.6g}"


def spending(lookup: Lookup, subject: Subject) -> Spending | None:
    """The budget of a recipe's runs; ``None`` where none was spent. What it means is told of all runs of the report."""
    budget = budget_of(lookup, subject)
    if budget is None:
        return None
    names = tuple(f"{part.what}:" for part in budget.spent)
    said = [line for line in describe(budget) if not names or not line.startswith(names)]
    several = len(subject.runs)
    if several > 1:
        said.append(
            f"Each of the {several} runs spent as much, on noise of its own; the parts are those of the first."
        )
    parts = (
        Part(part.what, plain_number(part.rho), percent(part.rho / budget.rho))
        for part in budget.spent
        if budget.rho
    )
    means = _means(lookup, total_of(lookup))
    return Spending(subject, budget, tuple(said), tuple(parts), means, _means_not(lookup))


def spent_words(spent: Spent, dataset: str) -> tuple[str, ...]:
    """What all runs of a dataset in this workspace spent together."""
    runs = counted(spent.releases, "run")
    whole = (
        f"On '{dataset}' {runs} of this workspace spent a budget, in all epsilon = {spent.epsilon:.6g} and delta ="
        f" {spent.delta:.6g}: whoever holds what several of them made can combine it, and then the sums count (basic"
        " composition: epsilons and deltas add up). Deleted runs count, and a run that was cut off while it drew noise and drew"
        " again counts as often as it drew. What was spent before the dataset itself was deleted, in other workspaces, and on"
        " the same rows under another name is not in these sums."
    )
    if not spent.unbounded:
        return (whole,)
    was = "was" if spent.unbounded == 1 else "were"
    beside = (
        f"{counted(spent.unbounded, 'run')} of '{dataset}' {was} made from real rows or exact statistics without any"
        " budget: nothing bounds what these tell, and releasing anything of them beside the others undoes the sums."
    )
    return whole, beside


def _means(lookup: Lookup, budget: Budget) -> tuple[str, ...]:
    runs = len(lookup.evaluation.runs)
    of = f" of the {runs} runs of this report, {worded(budget)} together," if runs > 1 else ""
    report = ", and in this report" if lookup.evaluation.covered else ""
    epsilon = min(budget.epsilon, _LARGEST)
    factor = (
        "Neighbouring tables are train splits, taken as given, that differ by one row more or less: which of the two it was"
        f" changes the chance of whatever can be seen in the noisy statistics, the prompts and the rows{of}{report} at most by"
        " a factor"
        f" of e^{budget.epsilon:g} (about {exp(epsilon):.3g}), give or take {budget.delta:g}."
    )
    sure = (
        "So whoever thinks it as likely as not that a person is in the train split can become at most"
        f" {percent(1 / (1 + exp(-epsilon)))} sure of it from all this, whatever else they know and however they attack"
        f" (again but for {budget.delta:g})."
    )
    return factor, sure


def _means_not(lookup: Lookup) -> tuple[str, ...]:
    declared = (
        "Columns, categories, ranges, rules and descriptions are not covered: a person declared them, and if they were"
        " written with the rows in view they can tell of single rows."
    )
    common = (
        "What is true of many people is no secret: a pattern of the whole table can be read from the rows, and with it what"
        " it says of a person who fits it."
    )
    sentences = [
        "A person is one row here. Somebody with several rows is protected less, k rows by k times the epsilon.",
        declared,
        "Which rows were held out is not protected; rows held out had no part in these runs.",
        (
            "Files that differ by one row are not compared: the split is a permutation of the file's rows under a recorded"
            " seed, so leaving one row out of the file would change many rows of the train split."
        ),
        common,
        "Nothing is said of how like the real rows these are: noise takes its share.",
    ]
    if not lookup.evaluation.covered:
        first = "The figures of this report are not covered where they come from real rows (see the caution)."
        sentences.insert(0, first)
    return tuple(sentences)


def epsilon_of(subject: Subject) -> str:
    """The privacy budget the recipes declare, as in ``epsilon 3 (delta 1e-6)``; empty where there is none."""
    said = []
    for run in subject.runs:
        try:
            spent = json.loads(run.recipe_json).get("privacy", {})
            epsilon, delta = spent.get("epsilon"), spent.get("delta", USUAL_DELTA)
        except (ValueError, AttributeError, RecursionError):
            continue
        if isinstance(epsilon, int | float):
            also = f" (delta {delta:g})" if isinstance(delta, int | float) else ""
            said.append(f"epsilon {epsilon:g}{also}")
    return ", ".join(dict.fromkeys(said))
