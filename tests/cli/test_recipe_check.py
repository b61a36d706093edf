"""``recipe check`` tells of the files a recipe names what ``run`` would, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth.methods.llmsynthor.params import _ONLY, LLMSynthorParams
from tests.cli.conftest import Cli


@pytest.fixture
def survey(cli: Cli, tmp_path: Path) -> Path:
    assert cli("recipe", "copy", "survey_margins", tmp_path / "mine").code == 0
    return tmp_path / "mine" / "survey_margins.toml"


def test_a_good_recipe_with_a_statistics_file(cli: Cli, survey: Path) -> None:
    assert cli("recipe", "check", survey).code == 0


def both(cli: Cli, survey: Path) -> str:
    """What the check says, which is what the run says."""
    checked, run = cli("recipe", "check", survey), cli("run", survey, "--model", "uniform")
    assert (checked.code, checked.out) == (2, "")
    assert run.code == 2
    assert checked.err.splitlines()[-2:] == run.err.splitlines()[-2:]
    return checked.err


def test_a_statistics_file_that_does_not_fit_the_schema(cli: Cli, survey: Path) -> None:
    file = survey.with_name("survey_margins.statistics.toml")
    file.write_text(file.read_text() + '\n[[margins]]\ncolumn = "nothing"\nshares = { a = 1 }\n')
    line = file.read_text().splitlines().index('column = "nothing"') + 1
    said = both(cli, survey)
    assert f"survey_margins.statistics.toml, line {line}: " in said
    assert "recipe show clinic" not in said


def test_the_usual_hint_of_a_statistics_file_names_one_that_works(cli: Cli, survey: Path) -> None:
    file = survey.with_name("survey_margins.statistics.toml")
    file.write_text('[[margins]]\ncolumn = "gender"\nshares = { F = -1, M = 2 }\n')
    said = both(cli, survey)
    assert "localsynth recipe copy survey_margins DIR" in said


def test_files_that_are_not_there(cli: Cli, survey: Path) -> None:
    survey.with_name("survey_margins.age_by_gender.csv").unlink()
    said = both(cli, survey)
    assert "survey_margins.statistics.toml, line " in said
    assert "the table survey_margins.age_by_gender.csv is not there" in said
    survey.with_name("survey_margins.statistics.toml").unlink()
    assert "there is no statistics file" in both(cli, survey)


def test_without_a_schema_file_the_tables_must_be_there_all_the_same(cli: Cli, survey: Path) -> None:
    text = survey.read_text()
    survey.write_text(text.replace('schema = "survey_margins.schema.toml"\n', ""))
    assert cli("recipe", "check", survey).code == 0
    survey.with_name("survey_margins.age_by_gender.csv").unlink()
    assert "the table survey_margins.age_by_gender.csv is not there" in cli("recipe", "check", survey).err


@pytest.mark.parametrize(("method", "code"), [("gaussian-copula", 2), ("text-to-tabular", 0)])
def test_a_method_that_cannot_keep_a_budget(cli: Cli, recipe: Path, method: str, code: int) -> None:
    head = recipe.read_text().split("[method]")[0]
    head = head.replace("[model]", 'policy = "statistics"\n\n[model]')
    recipe.write_text(f'{head}[method]\nname = "{method}"\n\n[privacy]\nepsilon = 1\n')
    said, run = cli("recipe", "check", recipe), cli("run", recipe)
    assert said.code == run.code == code
    assert ("names a privacy budget" in said.err) == bool(code)


@pytest.mark.parametrize(
    ("body", "key", "words"),
    [
        ("iterations = 7", "iterations", "changes nothing in the mode 'aligned'"),
        ('mode = "faithful"\npairs = 3', "pairs", "changes nothing in the mode 'faithful'"),
        ("context_weight = 0.2", "context_weight", "there is no context"),
        ('context = " "\ncontext_weight = 0.2', "context_weight", "there is no context"),
        ('shrink = "yes"', "shrink", "true or false"),
        ('rounds = "1"', "rounds", "number"),
        ("rounds = true", "rounds", "number"),
        ('temperature = "1"', "temperature", "number"),
    ],
)
def test_parameters_that_would_do_nothing_or_are_of_another_kind(
    cli: Cli, survey: Path, body: str, key: str, words: str
) -> None:
    survey.write_text(survey.read_text().replace('name = "llmsynthor"', f'name = "llmsynthor"\n{body}'))
    line = next(at for at, text in enumerate(survey.read_text().splitlines(), 1) if text.startswith(key))
    said = both(cli, survey)
    assert f"line {line}: " in said
    assert words in said


@pytest.mark.parametrize(
    "body",
    [
        "iterations = 100\nenforce_rules = false",  # defaults, as `methods show` writes them
        'mode = "faithful"\niterations = 7\ntriples = 20',
        'context = "a fair"\ncontext_weight = 1',  # a whole number where a fraction may stand
    ],
)
def test_parameters_that_are_good(cli: Cli, survey: Path, body: str) -> None:
    survey.write_text(survey.read_text().replace('name = "llmsynthor"', f'name = "llmsynthor"\n{body}'))
    assert cli("recipe", "check", survey).code == 0


def test_what_is_said_of_the_modes_is_what_is_checked() -> None:
    for name, field in LLMSynthorParams.model_fields.items():
        said = {mode for mode in _ONLY if f"({mode})" in (field.description or "")}
        assert {mode for mode, names in _ONLY.items() if name in names} == said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rows = 10000", 'rows = "10000"'),
        ("seed = 1", "seed = true"),
        ('target = "diabetes"', 'target = "diabetes"\nholdout = "0.2"'),
        ("[model]", '[privacy]\ndrop_copies = "yes"\n\n[model]'),
        ("[model]", '[model]\nthreads = "2"'),
    ],
)
def test_a_text_is_no_number_in_a_recipe(cli: Cli, survey: Path, old: str, new: str) -> None:
    survey.write_text(survey.read_text().replace(old, new, 1))
    said = both(cli, survey)
    assert "must be" in said
    assert "survey_margins.toml, line " in said
