"""What is kept between starts comes back, and what a person wrote wrongly is told, with the nearest name."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.keys import Keys

from localsynth.tui.bindings import all_bindings, misspelt, spelt, troubles
from localsynth.tui.memory import Memory, Settings, settings_file
from localsynth.tui.places import PLACES
from localsynth.tui.subject import Subject

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)
WORD = st.sampled_from([one.value for one in Keys if one.value.isalnum()] + list("abcxyzN?/"))
KEY = st.builds(
    "+".join,
    st.tuples(st.lists(st.sampled_from(["ctrl", "alt", "shift"]), max_size=2, unique=True), WORD).map(
        lambda parts: [*parts[0], parts[1]]
    ),
)


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@settings(max_examples=25)
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=5))
def test_what_is_put_comes_back(tmp_path_factory: pytest.TempPathFactory, kept: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("workspace")
    memory = Memory.read(str(folder))
    for name, value in kept.items():
        memory.put(name, value)
    memory.write()
    again = Memory.read(str(folder))
    assert {name: again.get(name) for name in kept} == kept
    assert not memory.trouble
    assert stat.S_IMODE((folder / "ui" / "state.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "ui").stat().st_mode) == 0o700


def test_two_at_once_keep_what_each_changed(tmp_path: Path) -> None:
    (tmp_path / "ui").mkdir()
    begun = {"place": "home", "drafts": {"mine": {"n": 1}, "saved": {"n": 2}, "theirs": {"n": 3}}, "share": 1}
    (tmp_path / "ui" / "state.json").write_text(json.dumps(begun))
    one, other = Memory.read(str(tmp_path)), Memory.read(str(tmp_path))
    one.put("place", "sql")
    one.put("drafts", {"mine": {"n": 10}, "theirs": {"n": 3}, "new": {"n": 4}})  # one of them is saved by now
    other.put("share", 2)
    other.put("drafts", {**begun["drafts"], "theirs": {"n": 30}})  # type: ignore[dict-item]
    one.write()
    other.write()
    kept = json.loads((tmp_path / "ui" / "state.json").read_text())
    assert kept["place"] == "sql"
    assert kept["share"] == 2
    assert kept["drafts"] == {"mine": {"n": 10}, "theirs": {"n": 30}, "new": {"n": 4}}
    assert list((tmp_path / "ui").iterdir()) == [tmp_path / "ui" / "state.json"]


@given(st.binary(max_size=40))
def test_a_broken_file_is_as_none(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "ui").mkdir()
    (folder / "ui" / "state.json").write_bytes(content)
    memory = Memory.read(str(folder))
    assert memory.place in {one.name for one in PLACES}
    assert isinstance(memory.subject, Subject)


def test_where_one_was(tmp_path: Path) -> None:
    memory = Memory.read(str(tmp_path))
    assert memory.place == "home"
    memory.put("place", "sql")
    memory.subject = Subject("clinic", "r1")
    memory.write()
    again = Memory.read(str(tmp_path))
    assert (again.place, again.subject) == ("sql", Subject("clinic", "r1"))
    again.put("place", "nowhere")
    assert again.place == "home"


def test_nothing_is_kept_where_one_only_looks(tmp_path: Path) -> None:
    memory = Memory.read(str(tmp_path), keep=False)
    memory.put("place", "sql")
    memory.write()
    assert not (tmp_path / "ui").exists()


def test_a_theme_is_kept_beside_what_a_person_wrote(tmp_path: Path) -> None:
    path = settings_file()
    path.parent.mkdir(parents=True)
    path.write_text('# mine\ntheme = "nord"\n\n[keys]\n"help" = "f10"  # as elsewhere\n')
    memory = Memory.read(str(tmp_path))
    assert (memory.settings.theme, memory.settings.keys) == ("nord", {"help": "f10"})
    memory.choose_theme("high-contrast-dark")
    assert "# mine" in path.read_text()
    assert "# as elsewhere" in path.read_text()
    assert tomllib.loads(path.read_text()) == {"theme": "high-contrast-dark", "keys": {"help": "f10"}}
    assert not Settings.read(path).problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 3", "'theme' is not understood"),
        ("colour = 'x'", "'colour' is not understood"),
        ("[keys", "cannot be used"),
        ("[keys]\nhelp = 3", "is text, such as"),
        ("[keys]\nhelp = ''", "is text, such as"),
        ("[keys]\nhelp = 'banana'", "'banana' is not a key"),
        ("[keys]\nhelp = 'control+r'", "cannot be held down; did you mean 'ctrl'?"),
    ],
)
def test_wrong_settings_are_told(text: str, said: str) -> None:
    path = settings_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = Settings.read(path)
    assert len(found.problems) == 1
    assert said in found.problems[0]
    assert not found.keys


@given(st.lists(KEY, min_size=1, max_size=3))
def test_every_key_can_be_chosen(keys: list[str]) -> None:
    value = " , ".join(keys)
    assert misspelt("help", value) is None
    assert spelt(value) == ",".join(keys)


@given(st.text(st.characters(categories=["L"]), min_size=2))
def test_no_word_breaks_the_check(word: str) -> None:
    assert misspelt("help", f"{word}+f1") is None or "held down" in str(misspelt("help", f"{word}+f1"))


def test_names_and_clashes_are_told() -> None:
    assert troubles({"go.homee": "f12"}) == ["[keys]: there is no action 'go.homee'; did you mean 'go.home'?"]
    assert troubles({"report.evaluate": "f12"}) == []
    assert troubles({"report.evaluate": "f5"}) == [
        "[keys]: 'f5' is the key of 'report.evaluate' and of 'go.run' too: give one of them another"
    ]
    assert troubles({"go.run": "f6", "go.rows": "f5"}) == []


def test_every_binding_of_ours_has_a_name_and_no_two_of_a_place_one_key() -> None:
    known = all_bindings()
    assert {f"go.{one.name}" for one in PLACES} <= set(known)
    assert json.dumps(sorted(known))
    assert all(binding.description for binding in known.values())
