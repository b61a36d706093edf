"""What is told of a publication that contradicts itself: each thing once."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth.align.grid import Grid
from localsynth.core.schema import Schema
from localsynth.core.statisticsfile import load_statistics

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "ill", "kind": "boolean"},
            {"name": "sex", "kind": "categorical", "categories": ["F", "M"]},
        ]
    }
)
MARGINS = """
[[margins]]
column = "ill"
shares = { false = 66.7, true = 33.3 }

[[margins]]
column = "sex"
shares = { F = 50, M = 50 }

[[tables]]
columns = ["ill", "sex"]
file = "t.csv"
"""


@pytest.mark.parametrize("first", ["true", "false"])
@pytest.mark.parametrize("ill", [30, 55.3, 44.7])
def test_two_cells_that_mirror_each_other_are_told_once(tmp_path: Path, first: str, ill: float) -> None:
    lines = {"true": f"true,{ill / 2},{ill / 2}", "false": f"false,{50 - ill / 2},{50 - ill / 2}"}
    second = "false" if first == "true" else "true"
    (tmp_path / "t.csv").write_text(f"ill,F,M\n{lines[first]}\n{lines[second]}\n")
    file = tmp_path / "s.toml"
    file.write_text(MARGINS + 'values = "shares"\n')
    found = load_statistics(file, SCHEMA)
    (told,) = (note for note in found.notes if "ill" in note)
    assert f"% ill {first}, the margin" in told
    assert set(Grid(SCHEMA, found).statistics.notes) == set(found.notes)
