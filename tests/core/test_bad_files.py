"""Wrong schema and recipe files: one clear sentence, the right line, and what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.errors import ExitCode, RecipeError, SchemaError
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema

GOOD = '[[columns]]\nname = "a"\nkind = "text"\n'
TWO = GOOD + '\n[[columns]]\nname = "b"\nkind = "text"\n'

# file, line, sentence, hint; the line counts from 1
SCHEMAS = {
    "unknown key": (
        GOOD + 'descripton = "x"',
        4,
        "column 'a': unknown key 'descripton'",
        "did you mean 'description'?",
    ),
    "unknown key in the third column": (
        TWO + '\n# a comment with [[columns]]\n[[ columns ]]\nname = "c"\nkind = "float"\n\n"rnage" = [1, 2]',
        14,
        "column 'c': unknown key 'rnage'",
        "did you mean 'range'?",
    ),
    "unknown key in a table of the second column": (
        GOOD
        + '[[columns]]\nname = "b"\nkind = "float"\n[columns.distribution]\nmean = 1\nsd = 1\nsdd = 2\n'
        + GOOD,
        10,
        "column 'b': unknown key 'sdd' in distribution",
        "did you mean 'sd'?",
    ),
    "unknown key in an inline table": (
        '[[columns]]\nname = "b"\nkind = "float"\ndistribution = { mean = 1, sdd = 2 }\n',
        4,
        "column 'b': unknown key 'sdd' in distribution",
        "did you mean 'sd'?",
    ),
    "unknown key in an inline list of columns": (
        'columns = [\n  { name = "a", kind = "text" },\n  { name = "b", kind = "text", max_lenght = 5 },\n]',
        3,
        "column 'b': unknown key 'max_lenght'",
        "did you mean 'max_length'?",
    ),
    "a key of another kind": (
        GOOD + "decimals = 1",
        4,
        "column 'a': unknown key 'decimals'",
        "'decimals' is for columns of kind float",
    ),
    "a key of the whole file": (
        GOOD + 'target = "a"',
        4,
        "column 'a': unknown key 'target'",
        "'target' belongs to the top of the file, above the first [table]",
    ),
    "nothing near": (
        '[[dependencies]]\ndeterminant = ["a"]\ndependent = "b"\nzzz = 1\n' + TWO,
        4,
        "dependency 1: unknown key 'zzz'",
        "known keys: dependent, determinant",
    ),
    "kind unknown": (
        '[[columns]]\nname = "a"\nkind = "integr"',
        3,
        "column 'a': unknown kind 'integr'",
        "did you mean 'integer'?",
    ),
    "kind missing": (
        GOOD + '[[columns]]\nname = "b"',
        4,
        "column 'b': 'kind' is missing",
        "kinds: integer, float, boolean, categorical, date, datetime, text, identifier",
    ),
    "name missing": (GOOD + '[[columns]]\nkind = "text"', 4, "column 2: 'name' is missing", ""),
    "no columns": ('description = "x"', None, "'columns' is missing", "write [[columns]]"),
    "an empty list of columns": ("columns = []", 1, "columns must not be empty", ""),
    "one bracket": (
        '[columns]\nname = "a"',
        1,
        "columns must be a list, not a table",
        "write [[columns]] with two brackets",
    ),
    "a column that is no table": ('columns = ["a"]', 1, 'column 1: this must be a table, not "a"', ""),
    "category twice": (
        '[[columns]]\nname = "a"\nkind = "categorical"\ncategories = ["x", "y", "x"]',
        4,
        "column 'a': the category 'x' is listed twice",
        "",
    ),
    "a category that is a list": (
        '[[columns]]\nname = "a"\nkind = "categorical"\ncategories = ["x", ["y"]]',
        4,
        "column 'a': a category is text, a number or a date, not [\"y\"]",
        "",
    ),
    "no categories": (
        '[[columns]]\nname = "a"\nkind = "categorical"\ncategories = []',
        4,
        "column 'a': categories must not be empty",
        "",
    ),
    "range upside down": (
        GOOD + '[[columns]]\nname = "n"\nkind = "integer"\nrange = [2_000_000, 1]',
        7,
        "column 'n': the range is upside down: 2000000 is above 1",
        "",
    ),
    "dates upside down": (
        '[[columns]]\nname = "d"\nkind = "date"\nrange = [2024-02-01, 2024-01-31]',
        4,
        "column 'd': the range is upside down: 2024-02-01 is after 2024-01-31",
        "",
    ),
    "a range of one": (
        '[[columns]]\nname = "n"\nkind = "integer"\nrange = [5]',
        4,
        "column 'n': range must be a list of the lowest and the highest value, not [5]",
        "for example: range = [0, 120]",
    ),
    "a range that is no list": (
        '[[columns]]\nname = "n"\nkind = "integer"\nrange = "0-5"',
        4,
        "column 'n': range must be a list of the lowest and the highest value, not \"0-5\"",
        "for example: range = [0, 120]",
    ),
    "a range with a fraction": (
        '[[columns]]\nname = "n"\nkind = "integer"\nrange = [0, 5.5]',
        4,
        "column 'n': range must be a whole number, not 5.5",
        "",
    ),
    "no number fits": (
        '[[columns]]\nname = "x"\nkind = "float"\ndecimals = 1\nrange = [0.01, 0.02]',
        5,
        "column 'x': no value with these decimals lies inside the range",
        "",
    ),
    "a range too wide": (
        '[[columns]]\nname = "x"\nkind = "float"\ndecimals = 12\nrange = [0, 1e300]',
        5,
        "column 'x': the range goes beyond what 64 bits hold",
        "",
    ),
    "no range at all": (
        '[[columns]]\nname = "n"\nkind = "integer"',
        1,
        "column 'n': a column of kind integer needs a range, or a distribution to take one from",
        "",
    ),
    "days as numbers": (
        '[[columns]]\nname = "d"\nkind = "date"\nrange = [20240101, 20241231]',
        4,
        "column 'd': the range of this kind is written [2024-01-01, 2024-12-31], not 20240101",
        "",
    ),
    "a moment with a zone": (
        '[[columns]]\nname = "m"\nkind = "datetime"\nrange = [2024-01-01T00:00:00Z, 2024-01-02T00:00:00Z]',
        4,
        "column 'm': a range of moments must not have a time zone",
        "",
    ),
    "shares not summing": (
        '[[columns]]\nname = "b"\nkind = "boolean"\n[columns.distribution]\nshares = { true = 0.5, false = 0.6 }',
        5,
        "column 'b': the shares sum to 1.1, not to 1",
        "",
    ),
    "a share of nothing": (
        (
            '[[columns]]\nname = "c"\nkind = "categorical"\ncategories = ["male", "female"]\n'
            "[columns.distribution.shares]\nmale = 0.5\nfemal = 0.5"
        ),
        7,
        "column 'c': a share is given for 'femal', which is no category; did you mean 'female'?",
        "",
    ),
    "mean outside": (
        '[[columns]]\nname = "n"\nkind = "float"\nrange = [0, 1_000_000]\n[columns.distribution]\nmean = 1234567.5\nsd = 1',
        6,
        "column 'n': the mean 1234567.5 lies outside the range 0 to 1000000",
        "",
    ),
    "sd too large": (
        '[[columns]]\nname = "n"\nkind = "float"\nrange = [0, 10]\n[columns.distribution]\nmean = 5\nsd = 5.5',
        7,
        "column 'n': sd = 5.5 cannot be reached inside the range 0 to 10 (it must be below 5)",
        "",
    ),
    "quantile outside": (
        '[[columns]]\nname = "n"\nkind = "float"\nrange = [0, 10]\n[columns.distribution.quantiles]\n"0.1" = 1\n"0.9" = 11',
        5,
        "column 'n': the 0.9 quantile 11 lies outside the range 0 to 10",
        "",
    ),
    "a level without quotes": (
        '[[columns]]\nname = "n"\nkind = "float"\n[columns.distribution.quantiles]\n0.1 = 1\n0.9 = 11',
        4,
        "column 'n': the level 0.1 of a quantile needs quotes: \"0.1\" = ...",
        "",
    ),
    "a distribution that does not fit": (
        GOOD + "distribution = { mean = 1, sd = 1 }",
        4,
        "column 'a': a distribution given by mean does not fit this kind (it takes: none)",
        "",
    ),
    "rate without null": (
        GOOD + "nullable = false\nnull_rate = 0.25",
        5,
        "column 'a': null_rate = 0.25, but nullable = false",
        "",
    ),
    "rate above 1": (GOOD + "null_rate = 25", 4, "column 'a': null_rate must be at most 1, not 25", ""),
    "rate in words": (
        GOOD + 'null_rate = "few"',
        4,
        "column 'a': null_rate must be a number, not \"few\"",
        "",
    ),
    "neither true nor false": (
        GOOD + 'nullable = "maybe"',
        4,
        "column 'a': nullable must be true or false, not \"maybe\"",
        "",
    ),
    "lengths upside down": (
        GOOD + "min_length = 9\nmax_length = 5",
        4,
        "column 'a': min_length = 9 is above max_length = 5",
        "",
    ),
    "reserved": (
        GOOD + '[[columns]]\nname = "Run_ID"\nkind = "text"',
        5,
        "column 'Run_ID': the column name 'Run_ID' is taken by the workspace itself; rename the column",
        "",
    ),
    "the same name twice": (
        TWO + '[[columns]]\nname = "A"\nkind = "text"',
        9,
        "two columns are called 'a' and 'A' (case counts for nothing)",
        "",
    ),
    "a control character": (
        '[[columns]]\nname = "a\\u0007b"\nkind = "text"',
        2,
        "column 1: the column name 'a\\x07b' holds a control character",
        "",
    ),
    "a blank name": (
        '[[columns]]\nname = " "\nkind = "text"',
        2,
        "column 1: a column needs a name that is not blank",
        "",
    ),
    "a name with a blank": (
        '[[columns]]\nname = "a "\nkind = "text"',
        2,
        "column 'a ': the column name 'a ' begins or ends with a space",
        "",
    ),
    "identifiers only": (
        '[[columns]]\nname = "a"\nkind = "identifier"',
        1,
        "every column is an identifier: there is nothing to synthesise",
        "",
    ),
    "target unknown": ('target = "c"\n' + TWO, 1, "the target names 'c', which is no column", ""),
    "target near": (
        'target = "ages"\n[[columns]]\nname = "Age"\nkind = "text"',
        1,
        "the target names 'ages', which is no column; did you mean 'Age'?",
        "",
    ),
    "dependency of nothing": (
        TWO
        + '[[dependencies]]\ndeterminant = ["a"]\ndependent = "b"\n[[dependencies]]\ndeterminant = ["b", "c"]\ndependent = "a"',
        12,
        "a dependency names 'c', which is no column",
        "",
    ),
    "dependency of itself": (
        TWO + '[[dependencies]]\ndeterminant = ["a"]\ndependent = "a"',
        10,
        "'a' depends on itself",
        "",
    ),
    "a dependency that is no list": (
        TWO + '[[dependencies]]\ndeterminant = "a"\ndependent = "b"',
        9,
        'dependency 1: determinant must be a list, not "a"',
        'put it in brackets: determinant = ["a"]',
    ),
    "a rule without a check": (TWO + '[[rules]]\nname = "x"', 8, "rule 'x': 'check' is missing", ""),
    "an empty rule": (TWO + '[[rules]]\ncheck = ""', 9, "rule 1: check must not be empty", ""),
    "the same rule twice": (
        TWO + '[[rules]]\ncheck = "a"\n[[rules]]\ncheck = "a"',
        11,
        "two rules are called 'a'",
        "",
    ),
    "an example out of range": (
        '[[columns]]\nname = "n"\nkind = "integer"\nrange = [0, 5]\n[[examples]]\nn = 7',
        6,
        "example 1: n: 7 lies outside 0 to 5",
        "",
    ),
    "an example of nothing": (
        GOOD + "[[examples]]\nb = 7",
        5,
        "an example names 'b', which is no column",
        "",
    ),
    "an example that is a list": (
        GOOD + '[[examples]]\na = "x"\n[[examples]]\na = ["x"]',
        7,
        'example 2: a must be text, a number, a date, true or false, not ["x"]',
        "",
    ),
    "a number as a description": (
        "description = 5\n" + GOOD,
        1,
        "description must be text in quotes, not 5",
        "",
    ),
}

DATASET = '[dataset]\nname = "x"\n'
RECIPES = {
    "unknown key": ('titel = "x"\n' + DATASET, 1, "unknown key 'titel'", "did you mean 'title'?"),
    "unknown key in dataset": (
        DATASET + 'schem = "x"',
        3,
        "unknown key 'schem' in [dataset]",
        "did you mean 'schema'?",
    ),
    "a section misspelt": (
        DATASET + '[modle]\nname = "x"',
        3,
        "unknown key 'modle'",
        "did you mean 'model'?",
    ),
    "a section in a section": (
        DATASET + '[privacy]\nepsilom = 1\n[method]\nname = "independent"',
        4,
        "unknown key 'epsilom' in [privacy]",
        "did you mean 'epsilon'?",
    ),
    "rows in a section": (
        DATASET + "rows = 5",
        3,
        "unknown key 'rows' in [dataset]",
        "'rows' belongs to the top of the file, above the first [table]",
    ),
    "no rows": ("rows = 0\n" + DATASET, 1, "rows must be at least 1, not 0", ""),
    "less than no rows": (
        'title = "rows = 3"\nrows = -1\n' + DATASET,
        2,
        "rows must be at least 1, not -1",
        "",
    ),
    "rows in words": ('rows = "many"\n' + DATASET, 1, 'rows must be a whole number, not "many"', ""),
    "half a row": ("rows = 0.5\n" + DATASET, 1, "rows must be a whole number, not 0.5", ""),
    "too many rows": (
        "rows = 1_000_000_000\n" + DATASET,
        1,
        "rows must be at most 100000000, not 1000000000",
        "",
    ),
    "a negative seed": ("seed = -3\n" + DATASET, 1, "seed must be at least 0, not -3", ""),
    "holdout of all": (DATASET + "holdout = 1.0", 3, "dataset.holdout must be less than 1, not 1", ""),
    "no epsilon": (DATASET + "[privacy]\nepsilon = 0", 4, "privacy.epsilon must be more than 0, not 0", ""),
    "an epsilon in quotes": (
        DATASET + '[privacy]\nepsilon = "1"',
        4,
        'privacy.epsilon must be a number, not "1"',
        "",
    ),
    "a delta in quotes": (
        DATASET + '[privacy]\nepsilon = 1\ndelta = "1e-6"',
        5,
        'privacy.delta must be a number, not "1e-6"',
        "",
    ),
    "an epsilon that is a switch": (
        DATASET + "[privacy]\nepsilon = true",
        4,
        "privacy.epsilon must be a number, not true",
        "",
    ),
    "an epsilon without end": (
        DATASET + "[privacy]\nepsilon = inf",
        4,
        (
            "epsilon = inf promises nothing: what is seen could be e^inf times as likely with a person as without; take at most"
            " 100 (1 is a usual choice), or leave out epsilon"
        ),
        "",
    ),
    "an epsilon that promises nothing": (
        DATASET + "[privacy]\ndelta = 1e-6\nepsilon = 1e6",
        5,
        (
            "epsilon = 1e+06 promises nothing: what is seen could be e^1e+06 times as likely with a person as without; take at"
            " most 100 (1 is a usual choice), or leave out epsilon"
        ),
        "",
    ),
    "an epsilon below any noise": (
        DATASET + "[privacy]\nepsilon = 1e-300",
        4,
        "epsilon = 1e-300 leaves nothing but noise: take at least 1e-09 (1 is a usual choice)",
        "",
    ),
    "a delta too small": (
        DATASET + "[privacy]\nepsilon = 1\ndelta = 1e-300",
        5,
        "delta = 1e-300 buys noise and no privacy beside 1e-30: take one below 1 / rows (1e-6 is a usual choice)",
        "",
    ),
    "delta without epsilon": (
        DATASET + "[privacy]\ndelta = 1e-6",
        4,
        "a delta says nothing without an epsilon",
        "",
    ),
    "a budget for what is public": (
        DATASET + 'statistics = "x.toml"\n[privacy]\nepsilon = 1',
        5,
        "published statistics are public, and no privacy budget is spent on them: leave out epsilon, or [dataset] statistics",
        "",
    ),
    "a budget and a look at real rows": (
        DATASET + "[privacy]\nepsilon = 1\ndrop_copies = true",
        5,
        "drop_copies compares with real rows, which no privacy budget covers: leave out one of the two",
        "",
    ),
    "policy": (
        DATASET + 'policy = "row"',
        3,
        'dataset.policy must be one of: schema, statistics, rows, not "row"',
        "did you mean 'rows'?",
    ),
    "no dataset": ("rows = 5", None, "'dataset' is missing", "write [dataset]"),
    "a dataset without a name": ('[dataset]\nsource = "x.csv"', 1, "'name' is missing in [dataset]", ""),
    "a dataset that is a word": (
        'dataset = "x"',
        1,
        'dataset must be a table, not "x"',
        "write [dataset], and its keys on the lines below",
    ),
    "a blank name": ('[dataset]\nname = ""', 2, "a dataset needs a name that is not blank", ""),
}

SYNTAX = {
    "no value": (
        DATASET + "seed =\n",
        3,
        "there is no value after '=', or one that is not valid",
        "text needs quotes",
    ),
    "no quotes": (
        DATASET + "source = a.csv\n",
        3,
        "there is no value after '=', or one that is not valid",
        "text needs quotes",
    ),
    "two on a line": (
        DATASET + "a = 1 b = 2",
        3,
        "something stands after the value",
        'text needs quotes: key = "some text"',
    ),
    "a quote left open": (
        DATASET + 'source = "a.csv\n',
        3,
        "a quotation mark is not closed",
        "text of several lines stands between three quotes",
    ),
    "three quotes left open": (
        DATASET + 'source = """\na',
        4,
        "a quotation mark is not closed",
        "text needs quotes at both ends",
    ),
    "a path of Windows": (
        DATASET + 'source = "C:\\data\\x"',
        3,
        "a single backslash inside double quotes",
        "double it, or use single quotes",
    ),
    "a list left open": (
        DATASET + "a = [1,\n2\n3]",
        5,
        "a list is not closed, or a comma is missing in it",
        "write: [1, 2, 3]",
    ),
    "prose": (DATASET + "hello there", 3, "a name without a value", "write: name = value"),
    "a header left open": (
        "[dataset\n",
        1,
        "the brackets of a table are not closed",
        "write [dataset], or [[columns]] for each column",
    ),
    "a table in one line": (
        DATASET + "a = { b = 1",
        3,
        "a { is not closed, or a comma is missing in it",
        "write: { a = 1, b = 2 }",
    ),
    "a key twice": (
        DATASET + 'source = """\nname = "z"\n"""\n"name" = "y"\n',
        6,
        "'dataset.name' is written a second time; the first is in line 2",
        "keep one of the two, or rename it",
    ),
    "a table twice": (
        DATASET + "[model]\n" + DATASET,
        4,
        "'dataset' is written a second time; the first is in line 1",
        "keep one of the two, or rename it",
    ),
    "twice on a line": (
        DATASET + "x = { b = 1, b = 2 }",
        3,
        "'dataset.x.b' is written twice in this line",
        "keep one of the two, or rename it",
    ),
    "a table and a value": (
        "a.b = 1\na = 2",
        2,
        "'a' is written a second time; the first is in line 1",
        "keep one of the two, or rename it",
    ),
    "a table of many that was one": (
        "[a]\nx = 1\n[[a]]",
        3,
        "'a' is written a second time; the first is in line 1",
        "keep one of the two, or rename it",
    ),
}


@pytest.mark.parametrize(("text", "line", "sentence", "hint"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_wrong_schema(text: str, line: int | None, sentence: str, hint: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema.from_toml(text)
    (problem,) = caught.value.problems
    assert (problem.line, problem.message, problem.hint) == (line, sentence, hint)
    assert caught.value.message == (f"line {line}: {sentence}" if line else sentence)
    assert caught.value.hint == hint
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "line", "sentence", "hint"), (RECIPES | SYNTAX).values(), ids=RECIPES | SYNTAX
)
def test_a_wrong_recipe(text: str, line: int | None, sentence: str, hint: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_toml(text, Path("my recipe.toml"))
    (problem,) = caught.value.problems
    assert (problem.line, problem.message, problem.hint) == (line, sentence, hint)
    assert caught.value.message == f"my recipe.toml{f', line {line}' if line else ''}: {sentence}"
    assert caught.value.code is ExitCode.USAGE


def test_all_problems_are_told_in_the_order_of_the_file() -> None:
    text = (
        'popluation = "x"\n[[columns]]\nname = "a"\nkind = "integer"\nrange = [5, 1]\n'
        '[[columns]]\nname = "b"\nkind = "float"\nrnage = [1, 2]\n[columns.distribution]\nmean = 1\nsd = -1\n'
    )
    with pytest.raises(SchemaError) as caught:
        Schema.from_toml(text)
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (1, "popluation"),
        (5, "columns[0].range"),
        (9, "columns[1].rnage"),
        (12, "columns[1].distribution.sd"),
    ]
    assert caught.value.message == "line 1: unknown key 'popluation' (and 3 more)"


def test_lists_nested_without_end() -> None:
    with pytest.raises(RecipeError, match=r"nested too deeply|not valid TOML"):
        Recipe.from_toml("a = " + "[" * 20_000 + "]" * 20_000)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    absent, folder = tmp_path / "absent.toml", tmp_path
    with pytest.raises(RecipeError, match=re.escape(f"there is no recipe file {absent}")):
        Recipe.load(absent)
    with pytest.raises(SchemaError, match=re.escape(f"{folder} is a folder, not a schema file")):
        Schema.load(folder)
    latin = tmp_path / "latin.toml"
    latin.write_bytes('[dataset]\nname = "x"\n# für\n'.encode("latin-1"))
    with pytest.raises(RecipeError, match=re.escape(f"{latin}, line 3: not UTF-8 text")) as caught:
        Recipe.load(latin)
    assert caught.value.hint == "save the file as UTF-8"
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (16 * 2**20 + 1))
    with pytest.raises(SchemaError, match="larger than 16 MiB"):
        Schema.load(large)
    marked = tmp_path / "marked.toml"  # Windows editors put a mark first
    marked.write_bytes(b"\xef\xbb\xbf[dataset]\r\nname = 'x'\r\n")
    assert Recipe.load(marked).dataset.name == "x"


@given(st.text(st.sampled_from("[]{}=,.\"'#\n\\ab1 -:"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_does_more_than_raise(text: str) -> None:
    for kind, error in ((Schema, SchemaError), (Recipe, RecipeError)):
        with pytest.raises(error) as caught:
            kind.from_toml(text)
        assert caught.value.message
        assert all(
            problem.line is None or 1 <= problem.line <= text.count("\n") + 1
            for problem in caught.value.problems
        )


JARGON = re.compile(
    r"(?i)input should|tuple|dict|pydantic|validation|nonetype|extra inputs|string should|literal"
)
ODD = st.sampled_from([None, True, -1, 5.5, "x", "", [], [[]], {}, {"a": 1}, ["x", "y"], [1, 2]])


@given(
    st.sampled_from(["columns", "rules", "examples", "dependencies", "target", "description"]), ODD, st.data()
)
@settings(max_examples=200, deadline=None)
def test_sentences_are_in_plain_words(key: str, value: object, data: st.DataObject) -> None:
    kind = data.draw(
        st.sampled_from(["integer", "float", "categorical", "date", "datetime", "text", "identifier", 7])
    )
    keys = st.sampled_from(
        ["range", "categories", "distribution", "unit", "max_length", "digits", "null_rate", "name"]
    )
    column = {"name": "a", "kind": kind, **data.draw(st.dictionaries(keys, ODD, max_size=3))}
    whole = {"columns": [column], key: value} if data.draw(st.booleans()) else {"columns": [column]}
    from localsynth.core.tomlfile import validate

    try:
        validate(Schema, whole, "", None, "schema")
    except SchemaError as error:
        for problem in error.problems:
            assert not JARGON.search(problem.message), problem
            assert "\n" not in problem.message
