"""Two schemas as one wide one; recipes that name members."""

from __future__ import annotations

from typing import Any

import pytest

from localsynth.core.errors import RecipeError, SchemaError
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Rule, Schema
from localsynth.core.widening import widen


def schema(*columns: dict[str, Any], **more: Any) -> Schema:
    return Schema.model_validate({"columns": columns, **more})


HOMES = schema(
    {"name": "id", "kind": "identifier"},
    {"name": "Area", "kind": "categorical", "categories": ["u", "r"]},
    {"name": "n", "kind": "integer", "range": [1, 7]},
    {"name": "note", "kind": "text"},
)
PEOPLE = schema(
    {"name": "id", "kind": "identifier"},
    {"name": "born", "kind": "date", "range": ["1920-01-01", "2020-01-01"]},
    {"name": "pay", "kind": "float", "range": [0, 10], "decimals": 1, "nullable": True},
    {"name": "area", "kind": "boolean"},
    {"name": "member", "kind": "boolean"},
    {"name": "letter", "kind": "text"},
    rules=[{"name": "r", "check": "pay > 1"}],
    target="area",
)


def test_names_stay_apart() -> None:
    wide = widen("my homes", HOMES, PEOPLE, "n", [Rule(check="pay > 2", name="r")])
    # Texts and identifiers of the parent are not told apart; the members' own `area` and `member` keep their names.
    assert wide.parent == {"my homes_Area": "Area", "n": "n"}
    assert wide.member == "member_"
    assert wide.own == ("born", "pay", "area", "member", "letter")
    assert wide.first == {f"first_{name}": name for name in ("born", "pay", "area", "member")}
    assert wide.schema.names == (*wide.given, *wide.own)
    assert wide.firsts.names == (*wide.parent, wide.member, *wide.own)
    assert wide.differences == {
        "born_less_first_born": ("born", "first_born"),
        "pay_less_first_pay": ("pay", "first_pay"),
    }
    days, pay = (wide.counted.column(name) for name in wide.differences)
    assert (days.kind, days.scaled_bounds) == ("integer", (-36525, 36525))  # type: ignore[union-attr]
    assert (pay.kind, pay.scaled_bounds, pay.nullable) == ("float", (-100, 100), True)  # type: ignore[union-attr]
    assert wide.schema.column("member_").range == (1, 7)  # type: ignore[union-attr]
    assert [rule.label for rule in wide.schema.rules] == ["r", "r (across levels)"]
    assert wide.schema.target == "area"


def test_what_makes_no_table_is_refused() -> None:
    broad = schema(*({"name": f"c{at}", "kind": "boolean"} for at in range(800)))
    with pytest.raises(SchemaError, match=r"make no one table: .* at most 1500"):
        widen("homes", HOMES, broad, "n")


RECIPE = """
rows = 10
[dataset]
name = "homes"
[members]
key = "id"
size = "n"
rules = ["age > 1", {name = "two", check = "count(*) > 1"}]
[members.dataset]
name = "people"
"""


def test_a_recipe_with_members_round_trips() -> None:
    recipe = Recipe.from_toml(RECIPE)
    assert recipe.members is not None
    assert [rule.label for rule in recipe.members.rules] == ["age > 1", "two"]
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert Recipe.model_validate_json(recipe.to_json()) == recipe
    alone = Recipe.from_toml(RECIPE.partition("[members]")[0])
    # What is made after them decides nothing about the rows themselves.
    assert alone.fingerprint("{}", None, 1) == recipe.fingerprint("{}", None, 1)
    belongs = alone.model_copy(update={"parent": recipe.members.model_copy()})
    assert belongs.fingerprint("{}", None, 1) != alone.fingerprint("{}", None, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "people"', 'name = "Homes"', "line 10: members and what they belong to are two datasets"),
        (
            'name = "people"',
            'name = "people"\nholdout = 0.2',
            "line 11: members are held out with what they belong to",
        ),
        ('name = "people"', 'name = "people"\nstatistics = "x"', "line 11: statistics of members"),
        ('"age > 1"', '{check = "count(*) > 1", name = "two"}', "line 8: two rules are called 'two'"),
        (
            "[dataset]",
            "[privacy]\nepsilon = 1\n[dataset]",
            "line 4: a privacy budget covers tables of independent rows",
        ),
        ("[dataset]", "[privacy]\ndrop_copies = true\n[dataset]", "line 4: a copy cannot be dropped"),
        ("[dataset]", '[parent]\nrun = "x"\nkey = "id"\nsize = "n"\n[dataset]', "members of members"),
        ('size = "n"', 'sizes = "n"', "line 5: 'size' is missing in \\[members\\]"),
    ],
)
def test_recipes_that_say_too_much_are_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Recipe.from_toml(RECIPE.replace(old, new, 1))
