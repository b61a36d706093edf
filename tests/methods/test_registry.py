"""The registry: ours and strangers' come the same way, and a stranger's mistake is told."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from localsynth.core.errors import LocalsynthError, NotFound, RecipeError
from localsynth.methods import registry


def test_built_ins_are_what_pyproject_declares() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"][registry.GROUP] == dict(registry.BUILT_IN)
    assert set(registry.BUILT_IN) <= set(registry.names())


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean 'text-to-tabular'") as caught:
        registry.get("text-to-table")
    assert "independent" in caught.value.hint


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="text-to-tabular: unknown key 'batchrows'") as caught:
        registry.create("text-to-tabular", {"batchrows": 5})
    assert "batch_rows" in caught.value.hint
    with pytest.raises(RecipeError, match="batch_rows"):
        registry.create("text-to-tabular", {"batch_rows": 0})


def strangers(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    made = [EntryPoint(name, value, registry.GROUP) for name, value in points]
    monkeypatch.setattr(registry, "entry_points", lambda group: made)


def test_a_strangers_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers(
        monkeypatch,
        ("absent", "no_such_module:Thing"),
        ("lacking", "json:JSONDecoder"),
        ("gone", "json:Nope"),
    )
    assert {"absent", "lacking", "gone", "independent"} <= set(registry.names())
    with pytest.raises(LocalsynthError, match=r"'absent' .* cannot be loaded: ModuleNotFoundError"):
        registry.get("absent")
    with pytest.raises(LocalsynthError, match=r"'gone' .* AttributeError"):
        registry.get("gone")
    with pytest.raises(LocalsynthError, match=r"'lacking' .* lacks"):
        registry.get("lacking")


def test_two_claims_on_one_name_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers(monkeypatch, ("independent", "elsewhere:Independent"))
    with pytest.raises(LocalsynthError, match="two plug-ins both call themselves 'independent'"):
        registry.get("independent")


def test_a_stranger_loads_like_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers(monkeypatch, ("mine", "localsynth.methods.independent:Independent"))
    assert registry.get("mine") is registry.get("independent")
    assert not registry.find()["mine"].built_in
