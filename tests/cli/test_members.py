"""``run`` and ``runs`` where rows have members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from localsynth import resources
from localsynth.store.households import draw

Cli = Callable[..., Any]
PACKED = Path(str(resources.recipes()))
METHOD = 'name = "llmsynthor"\nplans = "none"\ngroups = "strongest"\npairs = 3\ntriples = 0\n'


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    for name, packed, table in zip(
        ("homes", "people"), ("households", "persons"), draw(60, seed=1), strict=True
    ):
        pyarrow.csv.write_csv(table, tmp_path / f"{name}.csv")
        (tmp_path / f"{name}.schema.toml").write_text((PACKED / f"{packed}.schema.toml").read_text())
    path = tmp_path / "homes.toml"
    path.write_text(
        'rows = 12\n[dataset]\nname = "homes"\nsource = "homes.csv"\nschema = "homes.schema.toml"\n'
        f'[model]\nname = "uniform"\n[method]\n{METHOD}[members]\nkey = "household_id"\nsize = "persons"\n'
        '[members.dataset]\nname = "people"\nsource = "people.csv"\nschema = "people.schema.toml"\n'
    )
    return path


def test_one_command_makes_both_and_tells_both(cli: Cli, homes: Path) -> None:
    said = cli("run", homes)
    assert said.code == 0, said.err
    above, below = said.out.split()
    assert "-homes-" in above
    assert "-people-" in below
    assert "which belong to them" in said.err
    assert f"members   {below} (" in cli("runs", "show", above).out
    assert f"of        {above} (12 rows of homes, finished)" in cli("runs", "show", below).out
    query = "select count(distinct household_id) n from people_synth join homes_synth using (household_id)"
    assert cli("sql", query, "--format", "csv").out == "n\n12\n"
    refused = cli("runs", "delete", above, "--yes")
    assert refused.code != 0
    assert "belong to those of run" in refused.err


@pytest.mark.parametrize(
    ("check", "some"),
    [
        ("rooms = 7 and tenure = 'owned' and region = 'North'", True),
        ("rooms = 7 and income = 7 and tenure = 'owned'", False),
    ],
)
def test_rows_that_fall_short_are_told_beside_their_members(
    cli: Cli, homes: Path, check: str, some: bool
) -> None:
    schema = homes.parent / "homes.schema.toml"
    schema.write_text(schema.read_text() + f'\n[[rules]]\nname = "rare"\ncheck = "{check}"\n')
    by_chance = '[method]\nname = "text-to-tabular"\n[members.method]\n' + METHOD
    homes.write_text(
        homes.read_text().replace(f"[method]\n{METHOD}", by_chance).replace("rows = 12", "rows = 60")
    )
    said = cli("run", homes)
    assert said.code == 1
    assert len(said.out.split()) == 1 + some
    assert "fell short" in said.err
    assert "of 60 rows after asking for" in said.err
    assert ("which belong to them" in said.err) == some
    assert "broke off" not in said.err


def test_the_packaged_recipe_is_good_and_copied_with_all_it_reads(cli: Cli, tmp_path: Path) -> None:
    assert cli("recipe", "check", "households").code == 0
    copied = cli("recipe", "copy", "households", tmp_path / "mine").out.split()
    assert [Path(line).name for line in copied] == [
        "households.toml",
        "households.schema.toml",
        "persons.schema.toml",
    ]
    assert cli("recipe", "check", tmp_path / "mine" / "households.toml").code == 0
