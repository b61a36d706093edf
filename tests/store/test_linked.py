"""Rows and their members: split alike, checked against each other, counted side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localsynth.core.errors import DatasetError, RunError
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis
from localsynth.core.widening import widen
from localsynth.store import datasets
from localsynth.store.linked import Follow, Link, check_rows, count_members
from localsynth.store.session import Store

HOMES = Schema.model_validate(
    {
        "columns": [
            {"name": "home", "kind": "identifier"},
            {"name": "kind", "kind": "categorical", "categories": ["big", "small"]},
            {"name": "n", "kind": "integer", "range": [0, 4]},
        ]
    }
)
PEOPLE = Schema.model_validate(
    {
        "columns": [
            {"name": "home", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "sex", "kind": "categorical", "categories": ["f", "m"]},
        ]
    }
)
FOLLOW = Follow("homes", "home", "n")


def homes(sizes: list[int]) -> pa.Table:
    return pa.table(
        {
            "home": [f"h{at}" for at in range(len(sizes))],
            "kind": ["big" if size > 2 else "small" for size in sizes],
            "n": sizes,
        }
    )


def people(sizes: list[int]) -> pa.Table:
    """Shuffled over homes, but in order within each: the first is 50, the next 10 younger than the one before."""
    rows = [
        {"home": f"h{at}", "age": 50 - 10 * number, "sex": "fm"[number % 2]}
        for number in range(4)
        for at, size in enumerate(sizes)
        if number < size
    ]
    return pa.Table.from_pylist(rows)


SIZES = [1, 2, 3, 4] * 15


def brought_in(store: Store, below: pa.Table | None = None, above: pa.Table | None = None) -> Link:
    parent = datasets.import_table(store, homes(SIZES) if above is None else above, "homes", schema=HOMES)
    members = datasets.import_table(
        store, people(SIZES) if below is None else below, "people", schema=PEOPLE, follow=FOLLOW
    )
    return Link(parent, members, "home", "n")


def part(store: Store, name: str, which: str) -> set[str]:
    read = datasets.train_table if which == "train" else datasets.holdout_table
    return set(read(store, name)["home"].to_pylist())


def test_members_are_held_out_with_what_they_belong_to(store: Store) -> None:
    link = brought_in(store)
    for which in ("train", "holdout"):
        assert part(store, "people", which) == part(store, "homes", which)
    assert link.parent.holdout_rows == 20
    assert link.members.rows == sum(SIZES)
    held = part(store, "homes", "holdout")
    assert link.members.holdout_rows == sum(size for at, size in enumerate(SIZES) if f"h{at}" in held)
    check_rows(store, link)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"drop": 0},
            r"1 row of 'homes' has another number of members than 'n' says \(the first is row 1: it says 1, and",
        ),
        ({"stray": 3}, r"3 rows of 'people' have a home that no row of 'homes' has \(the first is row 151\)"),
        ({"keyless": 2}, r"2 rows of 'people' have no home \(the first is row 151\)"),
        ({"twice": True}, r"1 row of 'homes' repeats a home \(the first is row 61\)"),
    ],
)
def test_rows_that_do_not_belong_together_are_refused(
    store: Store, change: dict[str, Any], said: str
) -> None:
    below, above = people(SIZES), homes(SIZES)
    if "drop" in change:
        below = below.slice(1)
    if "stray" in change:
        more = pa.table({"home": ["x"] * 3, "age": [1] * 3, "sex": ["f"] * 3})
        below = pa.concat_tables([below, more])
    if "keyless" in change:
        more = pa.table({"home": pa.array([None] * 2, pa.string()), "age": [1] * 2, "sex": ["f"] * 2})
        below = pa.concat_tables([below, more])
    if "twice" in change:
        above = pa.concat_tables([above, above.slice(0, 1)])
    with pytest.raises(DatasetError, match=said):
        brought_in(store, below, above)
    assert [dataset.name for dataset in datasets.list_all(store)] == ["homes"]


def test_names_with_braces_are_told_as_they_are(store: Store) -> None:
    odd = "{home} {}"
    renamed = [
        schema.model_copy(
            update={
                "columns": tuple(
                    column.model_copy(update={"name": odd}) if column.name == "home" else column
                    for column in schema.columns
                )
            }
        )
        for schema in (HOMES, PEOPLE)
    ]
    above, below = (
        table.rename_columns([odd if name == "home" else name for name in table.column_names])
        for table in (homes(SIZES), people(SIZES).slice(1))
    )
    datasets.import_table(store, above, "homes", schema=renamed[0])
    with pytest.raises(DatasetError, match=r"1 row of 'homes' has another number of members than 'n' says"):
        datasets.import_table(store, below, "people", schema=renamed[1], follow=Follow("homes", odd, "n"))
    stray = pa.concat_tables([below, below.slice(0, 1).set_column(0, odd, pa.array(["x"]))])
    with pytest.raises(DatasetError, match=r"1 row of 'people' has a \{home\} \{\} that no row"):
        datasets.import_table(store, stray, "people", schema=renamed[1], follow=Follow("homes", odd, "n"))


def test_columns_that_cannot_tie_two_tables_are_refused(store: Store) -> None:
    link = brought_in(store)
    with pytest.raises(DatasetError, match="'hom' is no column of 'homes'; did you mean 'home'"):
        Link(link.parent, link.members, "hom", "n")
    with pytest.raises(DatasetError, match="'kind' of 'homes' must be an integer column"):
        Link(link.parent, link.members, "home", "kind")
    with pytest.raises(DatasetError, match="the key 'kind' is of kind categorical in 'homes'"):
        Link(link.parent, link.members, "kind", "n")
    wide = HOMES.model_copy(
        update={"columns": (*HOMES.columns[:2], HOMES.columns[2].model_copy(update={"range": (-1, 4)}))}
    )
    with pytest.raises(DatasetError, match="ranges from -1 to 4"):
        Link(datasets.declare(store, "bad", wide), link.members, "home", "n")


def test_a_key_of_another_kind_is_refused(store: Store) -> None:
    schema = PEOPLE.model_copy(
        update={"columns": (PEOPLE.columns[1].model_copy(update={"name": "home"}), *PEOPLE.columns[1:])}
    )
    datasets.import_table(store, homes(SIZES), "homes", schema=HOMES)
    with pytest.raises(DatasetError, match="is of kind integer in 'people', and must be an identifier"):
        datasets.import_table(store, people(SIZES), "people", schema=schema, follow=FOLLOW)
    with pytest.raises(DatasetError, match="need a schema"):
        datasets.import_table(store, people(SIZES), "people", follow=FOLLOW)


def test_a_split_that_no_longer_follows_is_seen(store: Store) -> None:
    link = brought_in(store)
    again = datasets.import_table(store, homes(SIZES), "homes", schema=HOMES, seed=9, replace=True)
    with pytest.raises(RunError, match="imported anew"):
        check_rows(store, link)
    with pytest.raises(DatasetError, match="are held out and what they belong to is not"):
        check_rows(store, Link(again, link.members, "home", "n"))


def test_counts_are_those_of_train_members_beside_theirs(store: Store) -> None:
    link = brought_in(store)
    wide = widen("homes", HOMES, PEOPLE, "n")
    train = {int(key[1:]) for key in part(store, "homes", "train")}
    sizes = [SIZES[at] for at in train]
    with count_members(store, link, wide, "firsts") as counting:
        assert counting.rows == len(train)
        assert counting.values("age") == (np.array([50]), np.array([len(train)]))
    with count_members(store, link, wide, "others") as counting:
        assert counting.rows == sum(sizes) - len(sizes)
        ages, counts = counting.values("age")
        assert ages.tolist() == [20, 30, 40]
        assert counts.tolist() == [sum(size > at for size in sizes) for at in (3, 2, 1)]
        # In the order of the file, and counted from the first of the same home.
        assert counting.values("first_age")[0].tolist() == [50]
        apart, how_often = counting.values("age_less_first_age")
        assert (apart.tolist(), how_often.tolist()) == ([-30, -20, -10], counts.tolist())
        kinds, places = wide.counted.column("kind"), Axis("member", edges=(2, 3, 4, 5))
        table = counting.count([Axis("kind", labels=(("big",), ("small",))), places])
        assert kinds.kind == "categorical"
        assert table.sum() == counting.rows
        assert table[1].tolist() == [sum(size == 2 for size in sizes), 0, 0]


def test_held_out_rows_count_for_nothing(store: Store, tmp_path: Any) -> None:
    """The same train rows beside other held-out ones give the same counts."""
    link = brought_in(store)
    held = part(store, "homes", "holdout")
    below = people(SIZES).to_pylist()
    other = [{**row, "age": 99, "sex": "m"} if row["home"] in held else row for row in below]
    second = Store.create(tmp_path / "second")
    changed = brought_in(second, pa.Table.from_pylist(other))
    assert part(second, "homes", "holdout") == held
    wide = widen("homes", HOMES, PEOPLE, "n")
    for which in ("firsts", "others"):
        found = []
        for place, tie in ((store, link), (second, changed)):
            with count_members(place, tie, wide, which) as counting:  # type: ignore[arg-type]
                found.append([counting.values(name)[1].tolist() for name in counting.columns])
        assert found[0] == found[1]
