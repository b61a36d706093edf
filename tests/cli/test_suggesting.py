"""``schema suggest`` and ``schema order``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from localsynth.core.finding import Found

from .conftest import Cli


@pytest.fixture
def shops(cli: Cli, tmp_path: Path) -> str:
    """A dataset in which a shop tells its town, and a column with an unfriendly name the shop."""
    path = tmp_path / "shops.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["[bold]code\x1b[31m".replace("\x1b", "\u202e"), "shop", "town", "sold", "stock"])
        for at in range(600):
            shop = at * 7 % 24
            sold = at * 31 % 50
            out.writerow([f"k{shop}", f"s{shop}", f"t{shop // 4}", sold, sold + at * 17 % 23])
    assert cli("import", path, "--name", "shops", "--target", "stock").code == 0
    return "shops"


def test_suggest_prints_names_checks_and_evidence(cli: Cli, shops: str) -> None:
    said = cli("schema", "suggest", shops)
    assert said.code == 0
    assert (
        "dependency: shop -> town\n  holds in all 400 rows, 24 groups of 16.7 rows on average; by chance"
        in said.out
    )
    assert 'inequality: sold at most stock\n  "sold" <= "stock"\n' in said.out
    assert "[bold]code\\u202e" in said.out
    assert "left out: " in said.err
    assert "--accept all" in said.err
    assert (
        "\n" not in json.loads(cli("schema", "suggest", shops, "--format", "json").out)["rules"][0]["check"]
    )


def test_suggest_as_data(cli: Cli, shops: str) -> None:
    found = Found.from_json(cli("schema", "suggest", shops, "--format", "json").out)
    assert "shop -> town" in {one.name for one in found.dependencies}
    rows = list(csv.DictReader(io.StringIO(cli("schema", "suggest", shops, "--format", "csv").out)))
    assert ("dependency", "shop -> town") in {(row["kind"], row["name"]) for row in rows}
    assert len(rows) == len(found.dependencies) + len(found.keys) + len(found.rules)


def test_accept(cli: Cli, shops: str) -> None:
    said = cli("schema", "suggest", shops, "--accept", "shop -> town", "--accept", "sold at most stock")
    assert said.code == 0
    assert "has 1 dependency and 1 rule more" in said.err
    exported = cli("schema", "export", shops).out
    assert 'dependent = "town"' in exported
    assert '"sold" <= "stock"' in exported.replace('\\"', '"')
    wrong = cli("schema", "suggest", shops, "--accept", "shop > town")
    assert wrong.code == 2
    assert "did you mean 'shop -> town'" in wrong.err
    everything = cli("schema", "suggest", shops, "--accept", "all")
    assert everything.code == 0
    again = cli("schema", "suggest", shops, "--accept", "all")
    assert "has 0 dependencies and 0 rules more" in again.err


def test_order_says_why(cli: Cli, shops: str) -> None:
    said = cli("schema", "order", shops)
    assert said.code == 0
    lines = said.out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [1, 2, 3, 4, 5]
    assert lines[2].split()[1] == "town"
    assert lines[4].split()[1] == "stock"
    assert "shop before town: shop determines town" in said.err
    assert "in a circle: " in said.err
    data = json.loads(cli("schema", "order", shops, "--format", "json").out)
    assert data["order"][2] == "town"
    assert len(data["components"]) == 1
    by_hand = cli("schema", "order", shops, "--fix", "sold", "--fix", "town", "--format", "csv")
    assert [row["column"] for row in csv.DictReader(io.StringIO(by_hand.out))][:2] == ["sold", "town"]
    assert cli("schema", "order", shops, "--first", "stock").out.split()[1] == "stock"
    wrong = cli("schema", "order", shops, "--fix", "twon")
    assert wrong.code == 2
    assert "did you mean 'town'" in wrong.err


def test_a_dataset_that_is_not_there(cli: Cli, shops: str) -> None:
    assert cli("schema", "suggest", "shop").code == 2
    assert "did you mean 'shops'" in cli("schema", "order", "shop").err
