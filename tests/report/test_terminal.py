"""The report in a terminal: 80 cells, with and without colour, text as text."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from localsynth.core.evaluation import Evaluation, Judged
from localsynth.core.judging import Score
from localsynth.report.terminal import terminal_report
from tests.report.support import FAMILIES, MARKUP, MEASURES, SCRIPT, make, wide_schema
from tests.report.test_html import CASES, page_of


def printed(evaluation: Evaluation, width: int = 80, colour: bool = False) -> str:
    out = io.StringIO()
    # With markup on, as a careless caller might have it.
    console = Console(
        file=out, width=width, markup=True, emoji=True, no_color=not colour, force_terminal=colour
    )
    console.print(terminal_report(evaluation, MEASURES, FAMILIES))
    return out.getvalue()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_and_never_fails(name: str, width: int) -> None:
    from rich.cells import cell_len

    text = printed(CASES[name], width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "Privacy" in text
    assert "How it was made" in text


def test_without_colour_nothing_is_lost() -> None:
    text = printed(CASES["several"])
    assert "\x1b" not in text
    assert "✕ Found out: copies of real rows" in text
    assert "● Valid" in text
    assert "\x1b" in printed(CASES["several"], colour=True)


def test_text_of_people_stands_as_text() -> None:
    whole = CASES["one run"]
    run = whole.runs[0].run_id
    odd = Judged(run, Score("rule_violations", 0.5, item="\x1b[2J [red]x[/red] :smile: \r\n\t"))
    text = printed(replace(whole, scores=(*whole.scores, odd)))
    assert "\\x1b[2J [red]x[/red] :smile:" in text
    assert "\x1b" not in text
    assert "\r" not in text
    assert MARKUP in text
    assert SCRIPT in text


def test_the_main_numbers_stand_there() -> None:
    evaluation = CASES["one run"]
    text = printed(evaluation)
    for metric in ("c2st_rf_auc", "tstr_rf_auc", "membership_auc"):
        for subject in evaluation.subjects:
            score = evaluation.of_table(metric, subject)
            assert score is not None
            assert f"{score.value:.3f}" in text
    assert "▇" in text
    assert "├" in text
    assert "[0." in text


def test_cautions_stand_above_the_verdict_and_nowhere_else() -> None:
    whole = CASES["one run"]
    words = "rows held out now may have been train rows then"
    caution = Judged(whole.runs[0].run_id, Score("caution", None, note=words))
    warned = replace(whole, scores=(*whole.scores, caution))
    for text in (printed(warned, 120), page_of(warned).text):
        assert text.count("Rows held out now may have been train rows then.") == 1
        assert text.index("Rows held out now") < text.index("Release only after")
        assert "caution" not in text.replace("the caution above", "")


def test_seeds_are_said_to_be_seeds() -> None:
    text = printed(CASES["seeds"])
    assert "mean ± sd" in text
    assert "standard deviation over seeds" in text
    assert "Words" in text


def test_many_runs_follow_in_tables_of_their_own() -> None:
    text = printed(CASES["several"])
    heads = [line for line in text.splitlines() if "REAL" in line and "independent" in line]
    assert heads
    assert all(label in text for label in ("tabular", "other"))


def test_what_is_missing_is_explained_once() -> None:
    text = printed(CASES["no real rows"])
    assert (
        " ".join(text.split()).count("not applicable, because there are no real rows to hold these against")
        == 1
    )
    assert not {"Fidelity", "Utility"} & set(text.split("\n"))
    assert text.count("Column shapes") == 1  # no row of dashes, only why


def test_a_hundred_columns() -> None:
    text = printed(make(schema=wide_schema()))
    assert "laboratory_value" in text
    assert len(text.splitlines()) < 400
