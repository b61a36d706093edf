"""What selection and alignment did, on the page and in a terminal: every stage's figure beside REAL and the run's own."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from localsynth.core.contracts import STAGE_ROWS
from localsynth.core.evaluation import Evaluation, Judged, staged
from localsynth.core.judging import Score
from localsynth.report.html import html_report
from localsynth.report.lookup import Lookup
from localsynth.report.stages import stage_tables
from localsynth.report.terminal import StagesTold, terminal_report
from tests.report.support import AWKWARD, FAMILIES, MARKUP, MEASURES, SCRIPT, make, tiny
from tests.report.test_html import Page

Value = float | tuple[float, float, float] | None


def score(metric: str, value: Value) -> Score:
    if isinstance(value, tuple):
        return Score(metric, value[0], low=value[1], high=value[2])
    return Score(metric, value, note="" if value is not None else "not applicable, because of that")


def with_stages(made: Evaluation, stages: Mapping[str, Mapping[str, Mapping[str, Value]]]) -> Evaluation:
    """stages : run -> stage -> measure -> value."""
    return replace(
        made,
        stages={
            run: {
                stage: tuple(Judged(staged(run, stage), score(*pair)) for pair in values.items())
                for stage, values in named.items()
            }
            for run, named in stages.items()
        },
    )


def one_run() -> Evaluation:
    made = tiny(
        {
            "REAL": {"column_shapes": 0.951, "c2st_rf_auc": (0.5, 0.46, 0.54), "exact_copies": 0.0},
            "run": {
                "column_shapes": 0.913,
                "c2st_rf_auc": (0.61, 0.58, 0.64),
                "exact_copies": 0.0,
                "pair_trends": 0.8,
                "membership_auc": None,
                "duplicate_rows": 0.01,
                "dcr_share": (0.52, 0.5, 0.54),
            },
        }
    )
    first = {
        "column_shapes": 0.617,
        "c2st_rf_auc": (0.93, 0.9, 0.96),
        "exact_copies": 0.25,
        "pair_trends": 0.85,
        "membership_auc": None,
        "duplicate_rows": 0.02,
        "dcr_share": (0.47, 0.45, 0.51),
    }
    second = {"column_shapes": 0.724, "c2st_rf_auc": (0.88, 0.85, 0.91), "exact_copies": 0.0}
    return with_stages(made, {"run": {"drawn": first, "selected": second}})


def page_of(evaluation: Evaluation) -> str:
    text = html_report(evaluation, MEASURES, FAMILIES, {})
    assert Page(text).open == []
    return text


def part_of(page: str) -> str:
    """The section on how rows were made."""
    found = re.search(r'<section id="findings">.*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def rows_of(page: str) -> dict[str, list[str]]:
    """Title -> cells of the table, as text."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", part_of(page), re.DOTALL):
        title = re.match(r'<th scope="row">([^<]*)', row)
        if title:
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
            found[title[1]] = [re.sub(r"<[^>]*>", " ", cell).strip() for cell in cells]
    return found


def printed(evaluation: Evaluation, width: int = 100) -> str:
    out = io.StringIO()
    lookup = Lookup(evaluation, MEASURES, FAMILIES)
    Console(file=out, width=width, markup=True, emoji=True, no_color=True).print(StagesTold(lookup))
    return out.getvalue()


def test_the_page_has_every_stage_beside_real_and_the_rows_kept() -> None:
    page = page_of(one_run())
    rows = rows_of(page)
    title = MEASURES["column_shapes"].title
    assert rows[title] == ["0.951", "0.617", "0.724", "0.913", "looks better"]
    assert [cell.split()[0] for cell in rows[MEASURES["c2st_rf_auc"].title]] == [
        "0.500", "0.930", "0.880", "0.610", "better"
    ]  # fmt: skip
    assert rows[MEASURES["exact_copies"].title] == ["0%", "25.0%", "0%", "0%", "looks better"]
    assert rows[MEASURES["pair_trends"].title][-1] == "looks worse"
    assert rows[MEASURES["dcr_share"].title][-1] == "unclear"
    assert rows[MEASURES["duplicate_rows"].title][-1] == ""  # a fact
    assert MEASURES["membership_auc"].title not in rows  # no stage has a value, nor has the run
    part = part_of(page)
    heads = [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r'<th scope="col".*?</th>', part)]
    assert heads == ["Measure", "REAL", "as drawn", "selected", "as kept", "drawn to kept"]
    assert "What selection and alignment did" in part
    assert "higher is better" in part
    assert f"the first {STAGE_ROWS:,} rows of a run" in part


def test_the_stages_are_in_no_other_part() -> None:
    bare = replace(one_run(), stages={})
    with_them, without = page_of(one_run()), page_of(bare)
    assert (
        with_them.replace(part_of(with_them), "").replace('<a href="#findings">Findings</a>', "") == without
    )
    assert 'id="findings"' not in without
    assert stage_tables(Lookup(bare, MEASURES, FAMILIES)) == ()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_has_the_same(width: int) -> None:
    text = printed(one_run(), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert re.search(r"0\.951 +0\.617 +0\.724 +0\.913 +looks", text)
    assert "What selection and alignment did: " in text
    assert "↑ higher is better" in text
    whole = io.StringIO()
    report = terminal_report(one_run(), MEASURES, FAMILIES)
    Console(file=whole, width=width, no_color=True).print(report)
    assert text.strip() in whole.getvalue()


def test_of_several_seeds_mean_and_spread() -> None:
    runs = {f"run {number}": {"column_shapes": 0.85 + number / 100} for number in (1, 2, 3)}
    made = tiny({"REAL": {"column_shapes": 0.95}, **runs}, runs=3)
    drawn = {name: {"drawn": {"column_shapes": 0.5 + at / 10}} for at, name in enumerate(runs)}
    rows = rows_of(page_of(with_stages(made, drawn)))
    shapes = [" ".join(cell.split()) for cell in rows[MEASURES["column_shapes"].title]]
    assert shapes == ["0.950", "0.600 ± 0.100", "0.870 ± 0.010", "better"]
    text = printed(with_stages(made, drawn))
    assert re.search(r"0\.600 ± 0\.100 +0\.870 ± 0\.010 ", text)
    assert "standard deviation over seeds" in text
    wider = {**drawn, "run 3": {"drawn": {"column_shapes": 0.9}}}
    (table,) = stage_tables(Lookup(with_stages(made, wider), MEASURES, FAMILIES))
    assert table.rows[0].change == "unclear"
    assert table.title == "What was done to the rows drawn"  # nothing was selected, nothing aligned
    del drawn["run 2"]
    (table,) = stage_tables(Lookup(with_stages(made, drawn), MEASURES, FAMILIES))
    assert table.rows[0].figures[1].note == "2 of 3 runs have a value"


def test_names_of_any_kind_are_text() -> None:
    made = make()
    run = made.runs[0].run_id
    stages = {name: {"column_shapes": 0.5, SCRIPT: 0.25} for name in AWKWARD}
    own = (*made.scores, Judged(run, Score(SCRIPT, 0.5)))
    evaluation = with_stages(replace(made, scores=own), {run: stages})
    page = page_of(evaluation)
    assert "<script" not in page
    assert part_of(page).count("&lt;script&gt;") >= 2  # a stage, and a measure that nobody described
    text = printed(evaluation, 200)
    assert MARKUP in text
    assert "<script>" in text


def test_runs_without_stages_and_budgets_have_no_table() -> None:
    page = page_of(make())
    assert "as kept" not in page
    assert "as kept" not in printed(make())
