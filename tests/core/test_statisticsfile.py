"""Published statistics: what people write is read as it is meant, and what is wrong is said with its line."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.errors import LocalsynthError, RecipeError
from localsynth.core.published.agreeing import regrouped
from localsynth.core.schema import Schema
from localsynth.core.statisticsfile import load_statistics
from localsynth.core.targets import Axis, Margin, Statistics

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [18, 90]},
            {"name": "sex", "kind": "categorical", "categories": ["F", "M"]},
            {"name": "bmi", "kind": "float", "range": [10, 60], "decimals": 1, "nullable": True},
            {"name": "day", "kind": "date", "range": ["2024-01-10", "2024-12-31"]},
            {"name": "ill", "kind": "boolean", "distribution": {"shares": {"true": 0.25, "false": 0.75}}},
            {"name": "buys", "kind": "categorical", "categories": ["A", "B", "C|D", "E"],
             "distribution": {"shares": {"A": 1.0}}},
            {"name": "note", "kind": "text", "nullable": True, "null_rate": 0.2},
        ]
    }
)  # fmt: skip
DAY = '[[margins]]\ncolumn = "day"\ncounts = { 2024 = 7 }\n'
BMI = '[[margins]]\ncolumn = "bmi"\nbins = [10, 60]\ncounts = [9]\n'
SEX = '[[margins]]\ncolumn = "sex"\ncounts = { F = 30, M = 70 }\n'
AGE = '[[margins]]\ncolumn = "age"\nbins = [18, 40, 65, 91]\nshares = [20, 30, 50]\n'
REST = DAY + BMI
ALL = SEX + AGE + REST


def load(tmp_path: Path, text: str, schema: Schema = SCHEMA, **files: str) -> Statistics:
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
    path = tmp_path / "some.statistics.toml"
    path.write_text(text, encoding="utf-8")
    return load_statistics(path, schema)


def near(found: tuple[float, ...]) -> Any:
    return pytest.approx(found, abs=1e-9)


def one(tmp_path: Path, column: str, body: str) -> Margin:
    """A margin of its own, beside all others."""
    others = {"sex": SEX, "age": AGE, "day": DAY, "bmi": BMI}
    text = "".join(part for name, part in others.items() if name != column)
    return load(tmp_path, f'{text}[[margins]]\ncolumn = "{column}"\n{body}').margin(column)


# --- margins --------------------------------------------------------------------------------------------------------


def test_every_column_but_identifiers_has_a_margin(tmp_path: Path) -> None:
    found = load(tmp_path, 'source = "A report"\n' + ALL)
    assert found.columns == ("age", "sex", "bmi", "day", "ill", "buys", "note")
    assert (found.origin, found.source) == ("file", "A report")
    assert found.margin("age") == Margin(Axis("age", edges=(18, 40, 65, 91)), (0.2, 0.3, 0.5))
    assert found.margin("sex").total == 100
    assert found.margin("ill").shares == near((0.25, 0.75))
    assert found.margin("buys").shares == near((1, 0, 0, 0))
    assert found.margin("note") == Margin(Axis("note", missing=True), (0.8, 0.2))
    assert found.margin("bmi").axis == Axis("bmi", edges=(100, 601), missing=True)
    assert found.margin("bmi").shares == (1.0, 0.0)
    assert found.notes == ("'bmi' may be empty, but nothing tells how often: it never is",)


@pytest.mark.parametrize(
    ("column", "body", "edges", "shares"),
    [
        ("age", 'counts = { "18-24" = 1, "25-64" = 2, "65+" = 1 }', (18, 25, 65, 91), (0.25, 0.5, 0.25)),
        ("age", 'counts = { "65+" = 1, "18 to 24" = 1, "25–64" = 2 }', (18, 25, 65, 91), (0.25, 0.5, 0.25)),
        ("age", 'counts = { "<25" = 1, "[25,65)" = 2, ">= 65" = 1 }', (18, 25, 65, 91), (0.25, 0.5, 0.25)),
        ("age", 'counts = { "≤24" = 1, "25-64" = 2, "over 64" = 1 }', (18, 25, 65, 91), (0.25, 0.5, 0.25)),
        ("age", 'counts = { 18 = 1, 30 = 2, "40+" = 1 }', (18, 30, 40, 91), (0.25, 0.5, 0.25)),
        ("age", 'counts = { 88 = 1, 89 = 2, 90 = 1 }', (88, 89, 90, 91), (0.25, 0.5, 0.25)),
        ("age", "bins = [18, 25, 90]\nshares = [0.25, 0.75]", (18, 25, 91), (0.25, 0.75)),
        ("bmi", 'shares = { "10-18.4" = 25, "18.5-24.9" = 50, "25-60" = 25 }', (100, 185, 250, 601),
         (0.25, 0.5, 0.25, 0)),
        ("bmi", 'shares = { "10-18.5" = 25, "18.5-25" = 50, "25-60" = 25 }', (100, 185, 250, 601),
         (0.25, 0.5, 0.25, 0)),
        ("bmi", "bins = [10, 18.5, 60.0]\nshares = [25, 75]\nmissing = 20", (100, 185, 601), (0.2, 0.6, 0.2)),
        ("bmi", "bins = [10, 18.5, 60.0]\nshares = [20, 60]\nmissing = 20", (100, 185, 601), (0.2, 0.6, 0.2)),
        ("bmi", "counts = { \"<18.5\" = 20, \"18.5+\" = 60, missing = 20 }", (100, 185, 601), (0.2, 0.6, 0.2)),
        ("day", "bins = [2024-02-01, 2024-03-01, 2024-12-31]\ncounts = [1, 3]", (738917, 738946, 739252), (0.25, 0.75)),
        ("day", "counts = { 2024-Q1 = 1, 2024-Q2 = 2, \"2024-07 to 2024-12\" = 1 }", (738895, 738977, 739068, 739252),
         (0.25, 0.5, 0.25)),
    ],
)  # fmt: skip
def test_cells_are_read_as_reports_print_them(
    tmp_path: Path, column: str, body: str, edges: tuple[int, ...], shares: tuple[float, ...]
) -> None:
    margin = one(tmp_path, column, body)
    assert margin.axis.edges == edges
    assert margin.shares == near(shares)


@pytest.mark.parametrize(
    ("body", "labels", "shares"),
    [
        ('counts = { A = 1, B = 1, "C|D" = 1, E = 1 }', (("A",), ("B",), ("C|D",), ("E",)), (0.25,) * 4),
        ('counts = { "A | B" = 3, "E|C|D" = 1 }', None, ()),
        ('counts = { "A | B" = 3, other = 1 }', (("A", "B"), ("C|D", "E")), (0.75, 0.25)),
        (
            'cells = ["E", ["A", "C|D"], "B"]\ncounts = [1, 2, 1]',
            (("E",), ("A", "C|D"), ("B",)),
            (0.25, 0.5, 0.25),
        ),
    ],
)
def test_categories_may_share_a_cell(
    tmp_path: Path, body: str, labels: tuple[tuple[str, ...], ...] | None, shares: tuple[float, ...]
) -> None:
    text = f'{ALL}[[margins]]\ncolumn = "buys"\n{body}'
    if labels is None:  # `C` and `D` are none, only `C|D` is
        with pytest.raises(RecipeError, match="'C' is no category of 'buys'"):
            load(tmp_path, text)
        return
    margin = load(tmp_path, text).margin("buys")
    assert margin.axis.labels == labels
    assert margin.shares == near(shares)


def test_quantiles_make_the_cells_between_them(tmp_path: Path) -> None:
    told = '"0" = 18, "0.1" = 18, "0.5" = 40, "0.9" = 70, "1" = 90'
    margin = one(tmp_path, "age", f"quantiles = {{ {told} }}")
    assert margin.axis.edges == (18, 19, 40, 70, 91)
    assert margin.shares == near((0.1, 0.4, 0.4, 0.1))
    assert margin.inner == ((18, 18), (19, 39), (40, 69), (70, 90))


def test_beyond_the_outermost_quantiles_values_thin_out(tmp_path: Path) -> None:
    margin = one(tmp_path, "age", 'quantiles = { "0.05" = 24, "0.5" = 30, "0.95" = 40 }\ntotal = 50')
    assert margin.axis.edges == (18, 24, 30, 40, 91)
    assert margin.shares == near((0.05, 0.45, 0.45, 0.05))
    tail = margin.inner[-1]
    assert tail[0] == 40
    # Where the tail begins the density is at most that of the cell beside it, 0.045 a year; the tail holds 0.05.
    assert tail[16] <= 42
    assert tail[-1] < 60
    assert all(a <= b for knots in margin.inner for a, b in pairwise(knots))
    assert margin.total == 50


@pytest.mark.parametrize("named", [True, False])
def test_mean_and_sd_are_met(tmp_path: Path, named: bool) -> None:
    """From the file and from the schema alike; moments computed over the cells' own quantiles."""
    schema = Schema.model_validate(
        {
            "columns": [
                {"name": "x", "kind": "float", "range": [0, 100], "decimals": 1}
                | ({} if named else {"distribution": {"mean": 30, "sd": 12}})
            ]
        }
    )
    text = '[[margins]]\ncolumn = "x"\nmean = 30\nsd = 12' if named else ""
    margin = load(tmp_path, text, schema).margin("x")
    assert margin.shares == pytest.approx([0.1] * 10, abs=0.003)
    levels = [
        (share / (len(knots) - 1), (a + b) / 20)
        for share, knots in zip(margin.shares, margin.inner, strict=True)
        for a, b in pairwise(knots)
    ]
    mean = sum(weight * value for weight, value in levels)
    sd = sum(weight * (value - mean) ** 2 for weight, value in levels) ** 0.5
    assert mean == pytest.approx(30, abs=0.2)
    assert sd == pytest.approx(12, abs=0.3)


def test_mean_and_sd_make_a_beta_distribution(tmp_path: Path) -> None:
    """The cells' edges are the tenths of scipy's own Beta distribution."""
    from scipy.stats import beta

    schema = Schema.model_validate(
        {"columns": [{"name": "x", "kind": "integer", "range": [0, 1000], "distribution": {"mean": 250, "sd": 180}}]}
    )  # fmt: skip
    edges = load(tmp_path, "", schema).margin("x").axis.edges
    spread = 0.25 * 0.75 / 0.18**2 - 1
    wanted = beta(0.25 * spread, 0.75 * spread).ppf([part / 10 for part in range(1, 10)]) * 1000
    assert edges[1:-1] == pytest.approx(wanted, abs=1)


@pytest.mark.parametrize("total", [9_990, 10_009])
def test_rounded_counts_need_not_sum_to_their_total(tmp_path: Path, total: int) -> None:
    margin = one(tmp_path, "sex", f"counts = {{ F = 5260, M = 4740 }}\ntotal = {total}")
    if total == 9_990:
        assert margin.shares == near((0.526, 0.474))
    assert margin.total == total


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "shares = { F = 50, M = 49 }",
            "the margin of 'sex': the shares sum to 99, not to 100; each is taken",
        ),
        ("shares = { F = 0.5, M = 0.49 }", "the margin of 'sex': the shares sum to 0.99, not to 1;"),
        ("shares = { F = 50.2, M = 49.9 }", ""),  # a last digit
        ("counts = { F = 26, M = 25 }\ntotal = 50", "the counts sum to 51, not to the total 50;"),
        ("counts = { F = 2600, M = 2400 }\ntotal = 5001", ""),
        ("counts = { F = 2600, M = 2400 }\ntotal = 5090", "the counts sum to 5000, not to the total 5090;"),
    ],
)
def test_what_is_rescaled_is_told(tmp_path: Path, body: str, told: str) -> None:
    text = f'{AGE}{REST}[[margins]]\ncolumn = "sex"\n{body}'
    said = [note for note in load(tmp_path, text).notes if "sum to" in note]
    assert len(said) == bool(told)
    assert all(told in note for note in said)


def test_ten_rounded_shares_may_sum_to_95_and_say_so(tmp_path: Path) -> None:
    cells = ", ".join(f'"{age}-{age + 6}" = {10 if age > 18 else 5}' for age in range(18, 88, 7))
    text = f'{SEX}{REST}[[margins]]\ncolumn = "age"\nshares = {{ {cells} }}'
    found = load(tmp_path, text)
    assert found.margin("age").shares[1] == pytest.approx(10 / 95)
    assert any("the margin of 'age': the shares sum to 95, not to 100" in note for note in found.notes)


def test_tables_that_are_rescaled_are_told(tmp_path: Path) -> None:
    csv = "sex,18-64,65+\nF,20,30\nM,24,24\n"
    text = f'{ALL}[[tables]]\ncolumns = ["sex", "age"]\nfile = "t.csv"\nvalues = "shares"'
    assert any(
        note.startswith("the table of sex and age: the shares sum to 98, not to 100")
        for note in load(tmp_path, text, t=csv).notes
    )
    within = "sex,18-64,65+\nF,59,40\nM,60,40\n"
    (said,) = [note for note in load(tmp_path, text + '\nwithin = "sex"', t=within).notes if "sum to" in note]
    assert said.startswith("the table of sex and age, group 'F': the shares sum to 99, not to 100")


@pytest.mark.parametrize("key", ["counts", "shares"])
def test_a_number_no_float_can_hold_is_told_with_its_line(tmp_path: Path, key: str) -> None:
    text = f'{AGE}{REST}[[margins]]\ncolumn = "sex"\n{key} = {{ F = {"9" * 320}, M = 1 }}'
    with pytest.raises(
        RecipeError, match=r"statistics\.toml, line 14: a number of about 320 digits is not a count"
    ):
        load(tmp_path, text)
    table = f'{ALL}[[tables]]\ncolumns = ["sex", "buys"]\n{key} = [[{"9" * 320}, 1, 1, 1], [1, 1, 1, 1]]'
    with pytest.raises(RecipeError, match=r"line \d+: a number of about 320 digits is not a count"):
        load(tmp_path, table)


@pytest.mark.parametrize(
    "number", ["1_0", "\u0661\u0660", "\uff11\uff10", "0x10", "inf", "nan", "1e", "", "1,5", "10\u00a0%"]
)
def test_a_csv_takes_plain_numbers_only(tmp_path: Path, number: str) -> None:
    csv = f"sex;18-64;65+\nF;{number};2\nM;3;4\n"
    with pytest.raises(RecipeError, match=r"t\.csv, line 2: .*number"):
        load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["sex", "age"]\nfile = "t.csv"', t=csv)


@pytest.mark.parametrize("number", ["10", "+10", "10.", "10.0", "1e1", " 10 ", "1.0E+1"])
def test_plain_numbers_are_read(tmp_path: Path, number: str) -> None:
    csv = f"sex;18-64;65+\nF;{number};2\nM;3;.5e1\n"
    found = load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["sex", "age"]\nfile = "t.csv"', t=csv)
    assert found.tables[0].shares == near((0.5, 0.1, 0.15, 0.25))


# --- tables ---------------------------------------------------------------------------------------------------------


def test_a_long_file(tmp_path: Path) -> None:
    csv = "sex,count,age\nM,3,65+\nF,1,18-64\nM,2,18-64\nF,4,65+\n"
    found = load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"', t=csv)
    (table,) = found.tables
    assert table.axes == (Axis("age", edges=(18, 65, 91)), Axis("sex", labels=(("M",), ("F",))))
    assert table.shares == near((0.2, 0.1, 0.3, 0.4))
    assert (table.total, table.why) == (10, "given")


@pytest.mark.parametrize(
    "csv",
    ["age,F,M\n18-64,1,2\n65+,4,3\n", "sex,65+,18-64\nF,4,1\nM,3,2\n", "sex;65+;18-64\r\nF;4;1\r\n\r\nM;3;2\r\n"],
)  # fmt: skip
def test_a_wide_file_in_either_direction(tmp_path: Path, csv: str) -> None:
    found = load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"', t=csv)
    assert found.tables[0].shares == near((0.1, 0.2, 0.4, 0.3))


def test_lists_in_lists(tmp_path: Path) -> None:
    body = 'columns = ["ill", "sex", "age"]\nbins.age = [18, 65, 91]\nshares = [[[1, 2], [3, 4]], [[10, 20], [30, 30]]]'
    (table,) = load(tmp_path, f"{ALL}[[tables]]\n{body}").tables
    assert table.shape == (2, 2, 2)
    assert table.axes[0].labels == (("true",), ("false",))
    assert table.shares == near((0.01, 0.02, 0.03, 0.04, 0.1, 0.2, 0.3, 0.3))


def test_shares_within_groups_take_the_size_of_the_groups_from_their_margin(tmp_path: Path) -> None:
    body = 'columns = ["age", "ill"]\nwithin = "age"\nbins.age = [18, 65, 91]\nshares = [[10, 90], [40, 60]]'
    found = load(tmp_path, f"{ALL}[[tables]]\n{body}")
    assert found.tables[0].shares == near((0.05, 0.45, 0.2, 0.3))
    assert len(found.notes) == 1  # 25% are ill in both: no word about it


def test_a_column_may_take_its_margin_from_a_table(tmp_path: Path) -> None:
    csv = "age,F,M\n18-64,1,2\n65+,4,3\n"
    found = load(tmp_path, f'{AGE}{REST}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"', t=csv)
    assert found.margin("sex") == Margin(Axis("sex", labels=(("F",), ("M",))), (0.5, 0.5), 10)


def test_a_table_that_contradicts_a_margin_is_kept_and_told(tmp_path: Path) -> None:
    csv = "age,F,M\n18-64,26,24\n65+,26,24\n"
    found = load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"', t=csv)
    assert found.tables[0].shares == near((0.26, 0.24, 0.26, 0.24))
    words = "the table of age, sex has 52.0% sex F, the margin 30.0%; the margin counts"
    assert found.notes[1:] == (words,)


def test_rounding_is_no_contradiction(tmp_path: Path) -> None:
    csv = "age,F,M\n18-39,6.0,14.0\n40-64,9.1,21.1\n65+,14.9,34.9\n"
    body = '[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"\nvalues = "shares"'
    assert len(load(tmp_path, ALL + body, t=csv).notes) == 1


def test_a_table_of_some_people_only_says_so(tmp_path: Path) -> None:
    csv = "age,F,M\n40-64,30,70\n65+,60,140\n"
    found = load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"', t=csv)
    words = "the table of age, sex tells nothing of the 20.0% of rows whose 'age' is in none of its cells"
    assert words in found.notes
    # Among people of 40 and more the margin of age has 3 to 5, the table 1 to 2: 37.5% and 33.3% are below 65.
    assert any("33.3%" in note and "37.5%" in note for note in found.notes)


@given(st.lists(st.integers(0, 90), min_size=2, max_size=9, unique=True), st.data())
@settings(max_examples=60, deadline=None)
def test_regrouping_keeps_all_rows(edges: list[int], data: st.DataObject) -> None:
    edges.sort()
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(edges) - 1, max_size=len(edges) - 1))
    margin = Margin(Axis("x", edges=tuple(edges)), tuple(w / sum(weights) for w in weights))
    cuts = sorted({edges[0], edges[-1], *data.draw(st.lists(st.integers(edges[0], edges[-1]), max_size=5))})
    found = regrouped(margin, Axis("x", edges=tuple(cuts)))
    assert sum(found) == pytest.approx(1)
    assert regrouped(margin, margin.axis) == pytest.approx(margin.shares)


# --- what is wrong --------------------------------------------------------------------------------------------------

# text below ALL (which has 16 lines), line, words, hint
HEAD = ALL.count("\n")
MARGINS = {
    "unknown column": ('column = "wage"\nshares = [1]', 2, "'wage' is no column of the schema; did you mean 'age'?", ""),
    "unknown key": ('column = "ill"\ncuonts = [1]', 3, "margin 5: unknown key 'cuonts'", "did you mean 'counts'?"),
    "twice": ('column = "age"\nbins = [18, 90]\ncounts = [1]', 2, "'age' has a second margin", "put both into one"),
    "nothing": ('column = "ill"', 1, "the margin of 'ill' tells nothing", "give one of: counts, shares"),
    "two forms": ('column = "ill"\ncounts = [1]\nshares = [1]', 4, "has counts and shares", "give one of"),
    "no category": ('column = "ill"\ncounts = { true = 1, flase = 2 }', 3, "'flase' is no category", ""),
    "a category left out": ('column = "ill"\ncounts = { true = 1 }', 3, "no cell of 'ill' holds the category 'false'", ""),
    "negative": ('column = "ill"\ncounts = { true = 1, false = -2 }', 3, "-2 is below 0", ""),
    "no number": ('column = "ill"\ncounts = { true = 1, false = "x" }', 3, '"x" is not a number', ""),
    "all zero": ('column = "ill"\ncounts = { true = 0, false = 0 }', 3, "an empty group, all of its counts are 0", ""),
    "not 100": ('column = "ill"\nshares = { true = 20, false = 70 }', 3, "sum to 90, neither to 1 nor to 100", ""),
    "total": ('column = "ill"\ncounts = { true = 21, false = 70 }\ntotal = 105', 3, "the total 105: missing = 14?", ""),
    "text": ('column = "note"\nshares = [1]', 2, "'note' is free text: it has no margin", "null_rate"),
    "identifier": ('column = "id"\nshares = [1]', 2, "'id' is an identifier", ""),
    "missing": ('column = "ill"\ncounts = { true = 1, false = 2 }\nmissing = 4', 4, "does not allow any", "nullable = true"),
    "wrong way": ('column = "ill"\nquantiles = { "0.5" = 1, "0.7" = 2 }', 3, "quantiles are for numbers", ""),
    "length": ('column = "buys"\ncells = ["A", "other"]\ncounts = [1, 2, 3]', 4, "2 cells, but 3 counts are given", ""),
    "twice in cells": ('column = "buys"\ncells = ["A", ["A", "B"]]\ncounts = [1, 2]', 3, "'A' is in two cells", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", MARGINS)
def test_a_wrong_margin_is_told_with_its_line(tmp_path: Path, case: str) -> None:
    text, line, words, hint = MARGINS[case]
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, f"{ALL}[[margins]]\n{text}\n")
    problem = caught.value.problems[0]
    assert words in problem.message
    assert problem.line == HEAD + line
    assert f"some.statistics.toml, line {HEAD + line}: " in caught.value.message
    assert hint in problem.hint


AGES = {
    "bins = [18, 40, 30, 90]\ncounts = [1, 2, 3]": "the edges do not rise: 40 stands before 30",
    "bins = [18, 40, 120]\ncounts = [1, 2]": "the edge 120 lies outside the schema's range of 'age', 18 to 90",
    "bins = [18, 40.5, 90]\ncounts = [1, 2]": "40.5 is not a whole number",
    "bins = [18, 40, 90]\ncounts = [1]": "3 edges make 2 cells, but 1 counts are given",
    'counts = { "18-25" = 1, "25-90" = 2 }': "the cells '18-25' and '25-90' of 'age' overlap",
    'counts = { "18-24" = 1, "30-90" = 2 }': "no cell of 'age' holds 25 to 29, between '18-24' and '30-90'",
    'counts = { "18-24" = 1, "25-99" = 2 }': "the cell '25-99' lies outside the schema's range of 'age', 18 to 90",
    'counts = { "18-24" = 1, "25 ff" = 2 }': "the cell '25 ff' of 'age' cannot be read: '25 ff' is not a number",
    "counts = { 18 = 1, 25 = 2 }": "the last cell of 'age', '25', may be that value alone or all from there",
    "counts = [1, 2]": "a list of counts needs bins or cells beside it",
    'quantiles = { "0.5" = 40, "0.2" = 50 }': "quantiles must rise with their level",
    "quantiles = { 0.5 = 40 }": 'the level 0.5 of a quantile needs quotes: "0.5" = ...',
    "mean = 40\nsd = 50": "sd = 50 cannot be reached inside the range 18 to 90",
    "mean = 40": "the margin of 'age' has mean",
}


@pytest.mark.parametrize("body", AGES)
def test_wrong_cells_are_told(tmp_path: Path, body: str) -> None:
    with pytest.raises(RecipeError) as caught:
        one(tmp_path, "age", body)
    assert AGES[body] in caught.value.message
    assert caught.value.problems[0].line in {13, 14}


CSVS = {
    "age,F,M\n18-64,1\n": (2, "2 cells, where the header has 3"),
    "age,F,M\n18-64,1,2\n65+,x,3\n": (3, "'x' is not a number"),
    "age,F,M\n18-64,1,2\n65+,,3\n": (3, "a number is missing"),
    "age,F,M\n18-64,1,2\n65+,-4,3\n": (3, "-4 is below 0"),
    "age,F,X\n18-64,1,2\n65+,4,3\n": (2, "'X' is no category of 'sex'"),
    "age,F,M,Total\n18-64,1,2,3\n65+,4,3,7\n": (2, "'Total' is no category of 'sex'"),
    "age,F,M\n18-64,1,2\n18-64,4,3\n": (3, "'18-64' has a second line; the first is line 2"),
    "age,F,M\n18-64,1,2\n70+,4,3\n": (3, "no cell of 'age' holds 65 to 69"),
    "age,sex,count\n18-64,F,1\n65+,F,1\n65+,M,1\n": (4, "there is no line for 18-64 and M"),
    "age,sex,count\n18-64,F,1\n18-64,F,1\n65+,M,1\n": (3, "'18-64' and 'F' is given a second time"),
    "years,F,M\n18-64,1,2\n": (1, "the header reads years, F, M, not age, sex, count"),
    "age,F,M\n": (1, "the file holds no lines below its header"),
    "": (1, "the file is empty"),
    'age,F,M\n"18-64,1,2\n': (2, "not valid CSV"),
}


@pytest.mark.parametrize("csv", CSVS)
def test_a_wrong_csv_is_told_with_its_line(tmp_path: Path, csv: str) -> None:
    line, words = CSVS[csv]
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, f'{ALL}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"', t=csv)
    assert words in caught.value.message
    assert caught.value.message.startswith(f"{tmp_path / 't.csv'}, line {line}: ")


TABLES = {
    'columns = ["age", "sxe"]\ncounts = [[1]]': "'sxe' is no column of the schema; did you mean 'sex'?",
    'columns = ["age", "age"]\ncounts = [[1]]': "a table needs different columns",
    'columns = ["age", "sex"]': "a table tells nothing",
    'columns = ["age", "sex"]\nfile = "none.csv"': "the table none.csv is not there",
    'columns = ["age", "sex"]\ncounts = [[1, 2], [3, 4]]': "here must be a list of 3, one for each cell of 'age', not 2",
    'columns = ["ill", "sex"]\ncounts = [[1, 2], [3]]': "here must be a list of 2, one for each cell of 'sex', not 1",
    'columns = ["ill", "sex"]\ncounts = [[0, 0], [0, 0]]': "the table of ill and sex: an empty group",
    'columns = ["ill", "sex"]\nwithin = "ill"\nshares = [[50, 50], [50, 60]]':
        "the table of ill and sex, group 'false': the shares sum to 110",
    'columns = ["ill", "sex"]\nwithin = "age"\nshares = [[50, 50], [50, 60]]': "within = 'age' is no column of this table",
}  # fmt: skip


@pytest.mark.parametrize("body", TABLES)
def test_a_wrong_table_is_told(tmp_path: Path, body: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, f"{ALL}[[tables]]\n{body}")
    assert TABLES[body] in caught.value.message


def test_columns_nothing_is_known_of_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="how the values of age, bmi, day are distributed") as caught:
        load(tmp_path, SEX)
    assert "a margin or a table, or a distribution" in caught.value.hint


def test_several_mistakes_are_told_together(tmp_path: Path) -> None:
    text = SEX.replace("30", "-30") + AGE.replace("20", "2") + REST
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, text)
    assert [problem.line for problem in caught.value.problems] == [3, 7]
    assert "(and 1 more)" in caught.value.message


PIECES = st.lists(
    st.sampled_from(
        ['"18-24" = 1', '"25+" = 2', '"x" = 3', 'true = ""', "F = 1", "M = 2", "missing = 4", "2024 = 2", "other = 1",
         '"<30" = 1', '"30-90" = 2', '"-5--1" = 2', '"F|M" = 0', '"" = 9', '"[1,2)" = 3', '"..5" = 1', '"1e5" = 1']
    ), max_size=4, unique=True,
)  # fmt: skip


@given(st.sampled_from(["age", "sex", "bmi", "day", "ill", "buys", "note", "id"]), PIECES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_margin_does_more_than_raise(
    tmp_path_factory: pytest.TempPathFactory, column: str, pieces: list[str], shares: bool
) -> None:
    unit = "shares" if shares else "counts"
    folder = tmp_path_factory.mktemp("odd")
    try:
        found = load(folder, f'[[margins]]\ncolumn = "{column}"\n{unit} = {{ {", ".join(pieces)} }}')
    except LocalsynthError:
        return
    assert Statistics.from_json(found.to_json()) == found


@given(st.text(st.sampled_from('age,sexFM\n"01258-+. ;\t'), max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_csv_does_more_than_raise(tmp_path_factory: pytest.TempPathFactory, csv: str) -> None:
    text = f'{ALL}[[tables]]\ncolumns = ["age", "sex"]\nfile = "t.csv"'
    with suppress(LocalsynthError):
        load(tmp_path_factory.mktemp("odd"), text, t=csv)


def test_the_packed_survey() -> None:
    """It can be read, its sizes differ, and it holds the one contradiction it says it holds."""
    from localsynth import resources

    folder = Path(str(resources.recipes()))
    schema = Schema.load(folder / "survey_margins.schema.toml")
    found = load_statistics(folder / "survey_margins.statistics.toml", schema)
    assert len(found.margins) == len(schema.columns) - 1
    assert len({margin.total for margin in found.margins}) > 3
    contradictions = [note for note in found.notes if "the margin counts" in note]
    assert contradictions == [
        "the table of age, gender has 52.0% gender F, the margin 50.9%; the margin counts"
    ]
    assert Statistics.from_json(found.to_json()) == found
