"""What rows were aimed at, and what that cost of a privacy budget: the same words in page and terminal, text as text."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from localsynth.core.celllabels import cell_labels
from localsynth.core.evaluation import Evaluation, Judged, Spent
from localsynth.core.judging import Score
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Budget, Margin, Spending, Statistics, Table
from localsynth.metrics.fit import Targets
from localsynth.report.aims import aimed, chance_distance
from localsynth.report.budget import spending, spent_words
from localsynth.report.columnbins import plots_of
from localsynth.report.html import html_report
from localsynth.report.lookup import Lookup
from localsynth.report.terminal import terminal_report
from localsynth.report.verdict import verdicts
from tests.report.support import FAMILIES, MARKUP, MEASURES, SCRIPT, Wanted, make

NAMES = {measure.name: measure for measure in Targets.measures}
ALL = {**MEASURES, **NAMES}
AGE, ODD = Axis("age", edges=(18, 40, 96)), Axis(SCRIPT, edges=(0, 10, 21))
DIAGNOSIS = Axis("diagnosis", labels=((SCRIPT,), (MARKUP,), ("asthma", "copd")), missing=True)
BUDGET = Budget(1.0, 1e-6, tuple(Spending(f"margin of {SCRIPT} {MARKUP} {i}", 0.001) for i in range(20)))
NOISY = Statistics(
    (
        Margin(AGE, (0.3, 0.7), 120.0),
        Margin(ODD, (0.5, 0.5), 120.0),
        Margin(DIAGNOSIS, (0.1, 0.2, 0.6, 0.1), 120.0),
    ),
    (Table((AGE, DIAGNOSIS), (0.1, 0.0, 0.2, 0.1, 0.0, 0.2, 0.4, 0.0), 120.0, "target"),),
    "noisy",
    f"about {SCRIPT}",
    tuple(f"{MARKUP} {SCRIPT} does not add up, {i}" for i in range(9)),
    BUDGET,
)


def private(*seeds: int, aims: tuple[Statistics, ...] = (NOISY,)) -> Evaluation:
    """An evaluation that a budget covers."""
    whole = make(Wanted(seeds=seeds or (1,), epsilon=1.0), train_rows=0, holdout_rows=0)
    given = {run.run_id: aims[i % len(aims)] for i, run in enumerate(whole.runs)}
    scores = [judged for judged in whole.scores if judged.score.metric != "histogram"]
    for run_id, statistics in given.items():
        scores += [Judged(run_id, score) for score in told(whole.dataset.schema, statistics)]
    spent = Spent(2.0, 2e-6, 2, 1)
    return replace(whole, scores=tuple(scores), covered=True, aims=given, spent=spent)


def told(schema: Schema, statistics: Statistics) -> list[Score]:
    found = [Score("target_margins", 0.02), Score("target_tables", 0.03)]
    for at, margin in enumerate(statistics.margins):
        name = margin.axis.column
        found.append(Score("target_margins", 0.01 * at, name))
        labels = cell_labels(schema.column(name), margin.axis)
        for label, share in zip(labels, margin.shares, strict=True):
            found += [
                Score("target_shares", share, name, item=label),
                Score("target_cells", 0.9 * share, name, item=label),
            ]
    return [*found, Score("target_tables", 0.03, "age", "diagnosis")]


def page_of(evaluation: Evaluation) -> str:
    return html_report(evaluation, ALL, FAMILIES, {})


def printed(evaluation: Evaluation, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, markup=True, emoji=True).print(terminal_report(evaluation, ALL, FAMILIES))
    return out.getvalue()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.7, 0.2, 0.1), (0.05,) * 20])
def test_chance_is_what_draws_are_off_on_average(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(800, shares, 4000) / 800
    mean = np.abs(drawn - np.array(shares)).sum(axis=1).mean() / 2
    assert chance_distance(shares, 800) == pytest.approx(mean, rel=0.03)
    assert chance_distance((1.0,), 5) == 0.0
    assert chance_distance(shares, 0) == 1.0


def test_what_was_aimed_at_in_words() -> None:
    lookup = Lookup(private(), ALL, FAMILIES)
    found = aimed(lookup, lookup.runs[0])
    assert found is not None
    facts = dict(found.facts)
    assert "with noise" in facts["Statistics"]
    assert facts["Margins"] == "3 columns, resting on about 120 rows"
    assert facts["Joint tables"] == "1: 1 with the target column"
    assert [far.what for far in found.margins] == ["diagnosis", SCRIPT, "age"]
    assert found.tables[0].figure.value == 0.03
    assert len(found.notes) == 9
    exact = replace(NOISY, origin="rows", budget=None)
    lookup = Lookup(private(aims=(exact,)), ALL, FAMILIES)
    assert lookup.tells_of_rows
    assert aimed(Lookup(make(), ALL, FAMILIES), Lookup(make(), ALL, FAMILIES).runs[0]) is None


def test_what_was_spent_in_words() -> None:
    lookup = Lookup(private(), ALL, FAMILIES)
    found = spending(lookup, lookup.runs[0])
    assert found is not None
    assert len(found.parts) == 20
    assert found.parts[0].share == "5.0%"
    assert not any("(5% of what was spent)" in words for words in found.said)
    assert "73.1% sure" in found.means[1]
    assert "train splits, taken as given, that differ by one row" in found.means[0]
    assert any("leaving one row out of the file would change many rows" in words for words in found.means_not)
    assert any("of such files nothing is promised" in words for words in found.said)
    assert "in this report at most by a factor of e^1 (about 2.72)" in found.means[0]
    lookup = Lookup(private(1, 2, 3), ALL, FAMILIES)
    several = spending(lookup, lookup.runs[0])
    assert several is not None
    assert several.budget == BUDGET
    assert "epsilon = 3, delta = 3e-06 together" in several.means[0]
    assert "95.3% sure" in several.means[1]
    (verdict,) = verdicts(lookup)
    assert "epsilon = 3, delta = 3e-06 for the rows of all 3 seeds" in verdict.privacy.text
    huge = replace(NOISY, budget=replace(BUDGET, epsilon=1e6))
    lookup = Lookup(private(aims=(huge,)), ALL, FAMILIES)
    assert spending(lookup, lookup.runs[0])
    assert "Deleted runs count" in spent_words(Spent(1.0, 1e-6, 1, 0), "x")[0]
    assert len(spent_words(Spent(1.0, 1e-6, 1, 0), "x")) == 1
    assert "3 runs of 'x' were made" in spent_words(Spent(1.0, 1e-6, 1, 3), "x")[1]


def test_the_target_is_drawn_where_real_rows_would_be() -> None:
    lookup = Lookup(private(1, 2), ALL, FAMILIES)
    (bins,) = plots_of(lookup, "age")
    assert bins.labels == ("18 to 39", "40 to 95")
    assert bins.real is not None
    assert (bins.real.who, bins.real.lines) == ("target", ((0.3, 0.7),))
    assert len(bins.runs[0].lines) == 2
    text = page_of(private())
    assert 'class="fill target"' in text
    assert "fill real" not in text
    assert "target" in printed(private())


def test_seeds_with_noise_of_their_own_are_drawn_apart() -> None:
    other = replace(NOISY, margins=(Margin(Axis("age", edges=(18, 60, 96)), (0.5, 0.5)), *NOISY.margins[1:]))
    lookup = Lookup(private(1, 2, aims=(NOISY, other)), ALL, FAMILIES)
    first, second = plots_of(lookup, "age")
    assert (first.labels, second.labels) == (("18 to 39", "40 to 95"), ("18 to 59", "60 to 95"))
    assert {first.of, second.of} == set(lookup.runs[0].names)
    assert "The target of" in page_of(lookup.evaluation)
    assert "each was given its own" in page_of(lookup.evaluation)


def test_real_rows_are_drawn_where_they_may_be() -> None:
    whole = make()
    given = replace(whole, aims={whole.runs[0].run_id: replace(NOISY, origin="rows", budget=None)})
    (bins,) = plots_of(Lookup(given, ALL, FAMILIES), "age")
    assert bins.real is not None
    assert bins.real.who == "REAL"
    assert "What the rows were aimed at" in page_of(given)
    assert "Privacy budget: " not in printed(given)
    assert 'id="budget"' not in page_of(given)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits(width: int) -> None:
    for evaluation in (private(), private(1, 2, 3), replace(private(), covered=False)):
        text = printed(evaluation, width)
        assert max(map(cell_len, text.splitlines())) <= width
        assert "What the rows were aimed at" in text
        assert "Privacy budget" in text


def test_text_of_people_stands_as_text() -> None:
    text, page = printed(private(), 200), page_of(private())
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") > 10
    assert f"{MARKUP} {SCRIPT} does not add up, 0" in " ".join(text.split())
    odd = replace(NOISY, notes=("\x1b[2J\r\nx",), source="\x1b[31m")
    text = printed(private(aims=(odd,)), 200)
    assert "\x1b" not in text
    assert "\\x1b[2J" in text
