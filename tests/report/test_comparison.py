"""Two runs side by side."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from localsynth.core.errors import NotFound, RecipeError
from localsynth.core.evaluation import Evaluation, Judged
from localsynth.core.judging import Score
from localsynth.report.comparison import Difference, compare, render
from tests.report.support import FAMILIES, MEASURES, Wanted, make, tiny


def rows(evaluation: Evaluation, **which: str) -> dict[str, Difference]:
    return {row.metric: row for row in compare(evaluation, MEASURES, FAMILIES, **which).differences}


def two(first: dict[str, object], second: dict[str, object]) -> Evaluation:
    return tiny({"run 1": first, "run 2": second}, runs=2)  # type: ignore[dict-item]


def test_intervals_decide() -> None:
    found = rows(
        two(
            {"tstr_rf_auc": (0.8, 0.75, 0.85), "c2st_rf_auc": (0.6, 0.55, 0.65), "membership_auc": 0.5},
            {"tstr_rf_auc": (0.9, 0.86, 0.94), "c2st_rf_auc": (0.63, 0.58, 0.68), "membership_auc": 0.5},
        )
    )
    clear = found["tstr_rf_auc"]
    assert (clear.outcome, clear.better) == ("clear", "second")
    assert clear.difference == pytest.approx(0.1)
    unclear = found["c2st_rf_auc"]
    assert (unclear.outcome, unclear.better) == ("unclear", "first")
    assert found["membership_auc"].outcome == "equal"


def test_without_intervals_nothing_is_called_clear() -> None:
    found = rows(make(Wanted(), Wanted("real", method="other"), intervals=False))
    assert (found["pair_trends"].outcome, found["pair_trends"].better) == ("unknown", "second")


def test_seeds_of_one_recipe_differ_by_chance() -> None:
    found = rows(two({"column_shapes": 0.8}, {"column_shapes": 0.9}))
    assert (found["column_shapes"].outcome, found["column_shapes"].better) == ("unclear", "second")


def test_the_ideal_is_nearer_from_both_sides_and_facts_are_never_better() -> None:
    found = rows(two({"dcr_share": 0.45, "duplicate_rows": 0.1}, {"dcr_share": 0.7, "duplicate_rows": 0.2}))
    assert found["dcr_share"].better == "first"
    assert found["duplicate_rows"].better is None


def test_what_has_no_value_says_why() -> None:
    found = rows(two({"nndr": None}, {"nndr": 0.4}))
    assert found["nndr"].outcome == "missing"
    assert found["nndr"].note == "not applicable, because there is nothing to measure"
    assert found["nndr"].difference is None


def test_the_spread_over_seeds_stands_in_for_an_interval() -> None:
    whole = make(Wanted(seeds=(1, 2, 3)), Wanted("copying", seeds=(4, 5, 6), method="other"), intervals=False)
    ids = [run.run_id for run in whole.runs]
    found = rows(whole, first=ids[0], second=ids[3])
    assert found["dcr_share"].outcome == "clear"
    assert found["dcr_share"].better == "first"
    assert found["dcr_share"].first_low is not None
    assert rows(whole, first=ids[0], second=ids[1])["c2st_rf_auc"].outcome == "unclear"


def test_cautions_and_what_was_found_out_are_told() -> None:
    whole = make(Wanted(), Wanted("copying", method="other"), Wanted("real", method="third"))
    first, second, third = (run.run_id for run in whole.runs)
    warned = tuple(Judged(run, Score("caution", None, note=f"beware of {run}")) for run in (second, third))
    found = compare(replace(whole, scores=(*whole.scores, *warned)), MEASURES, FAMILIES)
    assert found.cautions == (f"Run {second}: beware of {second}.",)
    assert dict(found.found_out) == {second: "Found out: copies of real rows"}
    assert found.plain()["found_out"] == {second: "Found out: copies of real rows"}
    out = io.StringIO()
    Console(file=out, width=120, no_color=True).print(render(found))
    assert "the second was found out: copies of real rows" in out.getvalue()
    assert f"beware of {second}" in out.getvalue()
    assert first not in found.found_out


def test_one_reason_is_enough() -> None:
    whole = two({"nndr": None}, {})
    assert rows(whole)["nndr"].note == "not applicable, because there is nothing to measure"


def test_two_different_runs_are_needed() -> None:
    alone = make()
    with pytest.raises(RecipeError, match="only one run"):
        compare(alone, MEASURES)
    with pytest.raises(RecipeError, match="nothing to compare"):
        compare(alone, MEASURES, first=alone.runs[0].run_id, second=alone.runs[0].run_id)
    with pytest.raises(NotFound, match="run nobody"):
        compare(make(Wanted(seeds=(1, 2))), MEASURES, first="nobody")


def test_as_data_and_as_a_table() -> None:
    found = compare(make(Wanted(), Wanted("copying", method="[red]odd[/red]")), MEASURES)
    data = json.loads(json.dumps(found.plain(), allow_nan=False))
    assert data["first"] == found.first.run_id
    assert {"metric", "first", "second", "difference", "better", "outcome"} <= set(data["differences"][0])
    out = io.StringIO()
    Console(file=out, width=80, no_color=True).print(render(found))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "first is better" in text
    assert "no clear difference" in text
    assert "equal" in text
    assert "[red]odd[/red]" in text
