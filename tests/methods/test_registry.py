"""The methods' registry: what is built in, what parameters a recipe may name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from localsynth.core.errors import NotFound, RecipeError
from localsynth.core.evaluation import REFERENCES
from localsynth.methods import registry


def test_built_ins_are_what_pyproject_declares() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"][registry.METHODS.group] == dict(registry.METHODS.built_in)
    assert set(registry.METHODS.built_in) <= set(registry.names())


def test_every_reference_is_a_method_without_a_model() -> None:
    assert set(REFERENCES) <= set(registry.names())
    assert not any(registry.get(name).needs_model for name in REFERENCES)


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
