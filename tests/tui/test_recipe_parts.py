"""A draft, its fields and its file, without a screen."""

from __future__ import annotations

import errno
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.errors import Problem, StoreVersionError
from localsynth.core.recipe import Recipe
from localsynth.core.spending import Spending
from localsynth.methods import registry
from localsynth.tui.memory import Memory, Settings
from localsynth.tui.recipe.checking import told
from localsynth.tui.recipe.draft import Draft
from localsynth.tui.recipe.fields import Field, Kind, equal, method_fields
from localsynth.tui.recipe.gathering import gathered
from localsynth.tui.recipe.preview import coloured
from localsynth.tui.recipe.sections import SEED, TITLE
from localsynth.tui.recipe.shelf import Shelf
from localsynth.tui.recipe.verdict import verdict
from localsynth.workspace import Checked, Estimate, Workspace, packaged_recipes

METHODS = registry.usable()[0]
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def field(kind: Kind, default: Any = None) -> Field:
    return Field(("method", "x"), kind, default=default)


@given(st.integers() | st.floats(-1e15, 1e15))
def test_a_number_is_read_as_it_is_shown(number: float) -> None:
    one = field(Kind.NUMBER)
    assert one.parsed(one.shown(number)) == number


@given(st.lists(words, min_size=1, max_size=4))
def test_names_are_read_as_they_are_shown(names: list[str]) -> None:
    one = field(Kind.NAMES)
    assert one.parsed(one.shown(names)) == names


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (Kind.WHOLE, " 1,000 ", 1000),
        (Kind.WHOLE, "1_000", 1000),
        (Kind.WHOLE, "1.5", 1.5),
        (Kind.WHOLE, "ten", "ten"),
        (Kind.WHOLE, "9" * 5000, "9" * 5000),
        (Kind.WHOLE, "  ", None),
        (Kind.NUMBER, "1e-6", 1e-6),
        (Kind.NAMES, "age, a b", ["age", "a b"]),
        (Kind.NAMES, '["a, b"]', ["a, b"]),
        (Kind.NAMES, '["a', '["a'),
        (Kind.TEXT, "", None),
        (Kind.TEXT, "[bold]x[/]", "[bold]x[/]"),
        (Kind.PATH, " a b.toml ", "a b.toml"),
    ],
)
def test_what_is_typed_becomes_a_value_or_stays_to_be_told_of(kind: Kind, typed: str, value: Any) -> None:
    assert field(kind).parsed(typed) == value


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_parameter_of_every_method_has_a_field_and_says_what_it_is(name: str) -> None:
    params = METHODS[name].Params
    found = method_fields(params)
    assert [one.key for one in found] == list(params.model_fields)
    assert all(one.about for one in found)
    modes = next((one.choices for one in found if one.key == "mode"), ())
    assert {one.mode for one in found} <= {"", *modes}
    for one in found:  # a default that is typed is the default
        if one.kind in {Kind.WHOLE, Kind.NUMBER, Kind.TEXT, Kind.NAMES}:
            assert one.parsed(one.shown(one.default)) in (one.default, None)


def test_kinds_and_bounds_come_from_pydantic() -> None:
    by = {one.key: one for one in method_fields(METHODS["paft"].Params)}
    kinds = {key: by[key].kind for key in ("mode", "order", "outlines", "lock", "alpha", "rank", "adapter")}
    assert kinds == {
        "mode": Kind.CHOICE,
        "order": Kind.NAMES,
        "outlines": Kind.TOML,
        "lock": Kind.SWITCH,
        "alpha": Kind.NUMBER,
        "rank": Kind.WHOLE,
        "adapter": Kind.TEXT,
    }
    assert by["rank"].bounds == "at least 1, at most 256"
    assert by["temperature"].mode == "aligned"
    assert by["learn"].choices == ("auto", "finetune", "in-context")


def test_true_is_not_one() -> None:
    assert not equal(True, 1)
    assert equal(1.0, 1)


# --- the draft --------------------------------------------------------------------------------------------------------


@given(st.dictionaries(words, values, max_size=5))
def test_the_text_of_a_draft_is_its_data_and_steers_no_terminal(data: dict[str, Any]) -> None:
    draft = Draft(data, "")
    text = draft.text()
    assert tomllib.loads(text) == data
    assert not set(text) & set("\x1b\x9b\u202e\u2066\x7f")
    kept = json.loads(json.dumps(draft.kept()))
    again = Draft.from_kept(kept)
    assert again is not None
    assert again.data == data


def test_only_what_differs_from_the_default_is_written() -> None:
    draft = Draft({"dataset": {"name": "a"}}, "")
    lock = Field(("method", "lock"), Kind.SWITCH, default=True)
    draft.put(lock, False)
    assert draft.get(("method", "lock")) is False
    draft.put(lock, True)
    draft.put(TITLE, "")
    draft.put(SEED, 0)
    assert draft.data == {"dataset": {"name": "a"}, "seed": 0}


def test_the_parameters_of_a_method_come_back_with_it() -> None:
    draft = Draft({"method": {"name": "paft", "rank": 4}}, "")
    draft.choose_method("independent")
    assert draft.data["method"] == {"name": "independent"}
    draft.choose_method("paft")
    assert draft.data["method"] == {"name": "paft", "rank": 4}


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
def test_a_file_is_the_same_recipe_as_a_draft_and_as_its_own_file(name: str) -> None:
    path = packaged_recipes()[name]
    draft = Draft.load(path)
    assert Recipe.from_toml(draft.text()) == Recipe.load(path)
    assert not draft.changed
    assert draft.request() == {"recipe": path.read_text("utf-8-sig"), "path": str(path)}
    draft.put(SEED, 77)
    assert draft.changed
    assert draft.request()["recipe"] == draft.text()


def test_paths_lead_where_they_led_when_a_draft_is_saved_elsewhere(tmp_path: Path) -> None:
    draft = Draft.load(packaged_recipes()["clinic"])
    moved = draft.moved(tmp_path / "mine.toml")
    schema = moved.get(("dataset", "schema"))
    assert (tmp_path / schema).samefile(packaged_recipes()["clinic"].parent / "clinic.schema.toml")
    assert not moved.changed
    assert draft.get(("dataset", "schema")) == "clinic.schema.toml"
    beside = moved.moved(packaged_recipes()["clinic"].parent / "x.toml")
    assert beside.get(("dataset", "schema")) == "clinic.schema.toml"


def test_the_recipe_of_a_run_is_taken_without_its_defaults() -> None:
    recipe = Recipe.from_toml('[dataset]\nname = "a"\n[method]\nname = "paft"\nrank = 3\n')
    draft = Draft.of_run(recipe.to_json(), None, "r1")
    assert tomllib.loads(draft.text()) == {
        "rows": 500,
        "seed": 0,
        "dataset": {"name": "a"},
        "method": {"name": "paft", "rank": 3},
    }
    assert Recipe.from_toml(draft.text()) == recipe


@pytest.mark.parametrize(
    "kept", [None, 3, {}, {"toml": 3}, {"toml": "a =", "origin": "", "path": "", "asked": "", "filed": ""}]
)
def test_what_is_no_draft_is_none(kept: Any) -> None:
    assert Draft.from_kept(kept) is None


def test_fifty_drafts_are_kept() -> None:
    shelf = Shelf(Memory(None, Settings(), {}))
    for number in range(60):
        shelf.keep(f"d{number}", Draft({"rows": number}, ""))
    shelf.keep(None, Draft({"rows": 99}, ""))
    assert shelf.get("d10") is None
    last = shelf.get("d59")
    assert last is not None
    assert last.data == {"rows": 59}
    nobody = shelf.get(None)
    assert nobody is not None
    assert nobody.data == {"rows": 99}


def test_the_preview_numbers_lines_and_marks_mistakes() -> None:
    shown = coloured('rows = 1\ntitle = "[bold]x[/]"\n', {2}).plain.split("\n")
    assert shown == ["  1   rows = 1", '  2 ! title = "[bold]x[/]"']


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "time not known on this machine"), (754.0, "12:34 on this machine")]
)
def test_what_a_game_may_take_is_told_in_a_line(seconds: float | None, words: str) -> None:
    recipe = Recipe.from_toml('[dataset]\nname = "few"\n[method]\nname = "mallm-gan"\n')
    checked = Checked(recipe, ())
    estimate = Estimate(None, "not known yet", Spending("Game", 100, 364_400), seconds)
    lines = verdict(checked, estimate, 78, read_only=False).plain.split("\n")
    assert lines[2] == f"Game: up to 100 requests, 360,000 tokens ({words})"
    assert all(len(line) <= 78 for line in lines)
    bare = verdict(checked, Estimate(None, "not known yet"), 78, read_only=False).plain.split("\n")
    assert bare == [*lines[:2], lines[3]]


def test_who_may_only_look_is_not_told_to_import() -> None:
    checked = Checked(None, (Problem("'dataset' is missing", "", None, "dataset"),))
    assert "import one on Home (F2)" in verdict(checked, None, 78, read_only=False).plain
    told = verdict(checked, None, 78, read_only=True).plain
    assert "F2" not in told
    assert "somebody who may write has to import one" in told


def test_a_workspace_that_cannot_be_read_is_no_workspace_without_the_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = Draft(
        {"rows": 5, "dataset": {"name": "few"}, "method": {"name": "independent"}},
        "a test",
        tmp_path / "r.toml",
    )
    space = Workspace(tmp_path / "ws").init()

    def unreadable(_: Workspace) -> list[Any]:
        raise StoreVersionError("the workspace was made by a newer version", "update localsynth")

    monkeypatch.setattr(Workspace, "datasets", unreadable)
    facts = gathered(space, "few")
    found = told(space, draft, draft.text(), None, facts)
    assert [one.message for one in found.problems] == ["the workspace was made by a newer version"]
    assert found.problems[0].path == "dataset.name"
    assert (
        "made by a newer version (update localsynth)"
        in verdict(found.checked, None, 78, read_only=False).plain
    )
    monkeypatch.undo()
    again = told(space, draft, draft.text(), None, found.facts)  # it can be read by now
    assert "there is no dataset 'few'" in again.problems[0].message


def test_a_folder_nobody_may_look_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path, **_more: Any) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    space = Workspace(tmp_path)
    monkeypatch.setattr(Path, "exists", closed)
    facts = gathered(space, None)
    assert facts.trouble is not None
    assert "no permission" in facts.trouble.message
