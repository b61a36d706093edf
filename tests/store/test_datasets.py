"""Datasets under a schema a person wrote, samples, and what is kept when things change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from localsynth.core.errors import DatasetError, NotFound
from localsynth.core.run import Exposure, Status
from localsynth.core.schema import Schema
from localsynth.store import datasets, reading, runs, samples
from localsynth.store.session import Store
from tests.store.store_kit import SCHEMA, commit, make_run

Csv = Callable[..., Path]


def schema(*columns: str) -> Schema:
    return Schema.from_toml("".join(f"[[columns]]\n{column}\n" for column in columns))


def test_declare_get_policy(store: Store) -> None:
    assert datasets.list_all(store) == []
    with pytest.raises(NotFound, match="nor any other"):
        datasets.get(store, "x")
    made = datasets.declare(store, "clinic", SCHEMA)
    assert datasets.get(store, "Clinic") == made
    assert (made.rows, made.source, made.policy) == (0, None, Exposure.SCHEMA)
    assert datasets.set_policy(store, "clinic", Exposure.ROWS).policy is Exposure.ROWS
    assert reading.sql(store, "FROM clinic_real").column_names == list(SCHEMA.names)
    assert datasets.train_table(store, "clinic").num_rows == 0
    with pytest.raises(NotFound, match="did you mean 'clinic'"):
        datasets.get(store, "clinik")
    with pytest.raises(DatasetError, match="already"):
        datasets.declare(store, "CLINIC", SCHEMA)
    with pytest.raises(DatasetError, match="blank"):
        datasets.declare(store, " ", SCHEMA)
    columns = reading.sql(store, "SELECT name, kind FROM meta.columns ORDER BY position").to_pydict()
    assert columns["name"] == list(SCHEMA.names)
    datasets.drop(store, "clinic")
    assert reading.sql(store, "SHOW TABLES").num_rows == 0


def test_replacing_keeps_runs(store: Store) -> None:
    datasets.declare(store, "clinic", SCHEMA)
    runs.create(store, make_run("r"))
    commit(store, "r", 1, 3)
    runs.end(store, "r", Status.FINISHED, "")
    datasets.declare(store, "Clinic", schema('name = "v"\nkind = "boolean"'), replace=True)
    assert runs.get(store, "r").dataset == "Clinic"
    assert runs.run_rows(store, "r").num_rows == 3
    assert reading.count(store, "clinic_synth") == 3


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ('name = "age"\nkind = "integer"\nrange = [0, 40]', "'age': '41' in row 2 lies outside 0 to 40"),
        ('name = "age"\nkind = "categorical"\ncategories = ["30"]', "'age': '41' in row 2 is no category"),
        (
            'name = "age"\nkind = "date"\nrange = [2020-01-01, 2021-01-01]',
            "'age': '30' in row 1 is not of kind date",
        ),
        ('name = "x"\nkind = "integer"\nrange = [0, 9]', "'x': '1.5' in row 1 is not of kind integer"),
        ('name = "x"\nkind = "float"\nrange = [0.0, 9.0]', "'x': a cell in row 3 is missing"),
        ('name = "agee"\nkind = "boolean"', "'agee' is not in the data; did you mean 'age'"),
    ],
)
def test_rows_that_do_not_fit(store: Store, csv: Csv, column: str, sentence: str) -> None:
    path = csv("age,x\n30,1.5\n41,2.5\n22,\n", "t.csv")
    with pytest.raises(DatasetError) as caught:
        datasets.import_file(store, path, holdout=0, schema=schema(column))
    assert sentence in caught.value.message
    before = datasets.import_file(store, path, holdout=0)
    rest = (
        'name = "x"\nkind = "text"\nnullable = true' if '"x"' not in column else 'name = "age"\nkind = "text"'
    )
    with pytest.raises(DatasetError):
        datasets.set_schema(store, "t", schema(column, rest))
    assert datasets.get(store, "t") == before
    assert datasets.train_table(store, "t").to_pydict() == {"age": [30, 41, 22], "x": [1.5, 2.5, None]}


def test_a_schema_retypes_and_picks(store: Store, csv: Csv) -> None:
    path = csv("code,flag,extra\n007,1,a\n010,0,b\n", "t.csv")
    wanted = schema('name = "flag"\nkind = "boolean"', 'name = "code"\nkind = "integer"\nrange = [0, 99]')
    dataset = datasets.import_file(store, path, holdout=0, schema=wanted, target="flag")
    assert dataset.schema.target == "flag"
    assert datasets.train_table(store, "t").to_pydict() == {"flag": [True, False], "code": [7, 10]}
    again = schema(
        'name = "code"\nkind = "categorical"\ncategories = ["7", "10"]', 'name = "flag"\nkind = "boolean"'
    )
    datasets.set_schema(store, "t", again)
    assert reading.sql(store, "FROM t_real").to_pydict() == {"code": ["7", "10"], "flag": [True, False]}
    with pytest.raises(DatasetError, match="leaves out the column 'flag'"):
        datasets.set_schema(store, "t", schema('name = "code"\nkind = "text"'))


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("diabetes", 442, 11), ("breast-cancer", 569, 31), ("wine", 178, 14), ("iris", 150, 5)],
)
def test_samples(store: Store, name: str, rows: int, columns: int) -> None:
    dataset = datasets.import_sample(store, f"sample:{name}")
    assert (dataset.name, dataset.rows, len(dataset.schema.columns)) == (name, rows, columns)
    assert dataset.source == f"sample:{name}"
    assert dataset.holdout_rows == rows // 3
    assert dataset.schema.target == samples.find(name).target
    assert all(column.description for column in dataset.schema.columns)
    assert all(column.kind in {"integer", "float", "categorical"} for column in dataset.schema.columns)
    assert Schema.from_toml(dataset.schema.to_toml()) == dataset.schema


def test_sample_names(store: Store) -> None:
    assert samples.sample_names() == [
        "asia",
        "breast-cancer",
        "diabetes",
        "ecommerce",
        "households",
        "iris",
        "location",
        "persons",
        "wine",
    ]
    with pytest.raises(NotFound, match="did you mean 'diabetes'"):
        datasets.import_sample(store, "diabetis")


def test_who_gave_the_schema_is_remembered(store: Store) -> None:
    table = pa.table({"n": [1, 2, 3, 4]})
    inferred = datasets.import_table(store, table, "t")
    assert not inferred.declared
    assert not datasets.get(store, "t").declared
    assert not datasets.set_policy(store, "t", Exposure.STATISTICS).declared
    checked = inferred.schema.model_copy(update={"inferred": False})
    assert datasets.set_schema(store, "t", checked).declared
    assert datasets.get(store, "t").declared
    assert datasets.import_table(store, table, "u", schema=checked).declared
    assert not datasets.import_table(store, table, "u", schema=checked, declared=False, replace=True).declared
    assert datasets.declare(store, "d", checked).declared
    assert {found.name: found.declared for found in datasets.list_all(store)} == {
        "d": True,
        "t": True,
        "u": False,
    }
    assert not datasets.import_sample(store, "iris").declared


def test_an_inferred_schema_put_back_as_it_was_is_still_inferred(store: Store) -> None:
    """Whichever way it takes: as it is, through a file, or for another import of the same rows under another split."""
    table = pa.table({"n": list(range(40))})
    text = datasets.import_table(store, table, "t").schema.to_toml()
    assert text.startswith("inferred = true")
    again = Schema.from_toml(text)
    assert again == datasets.get(store, "t").schema
    assert not datasets.set_schema(store, "t", datasets.get(store, "t").schema).declared
    assert not datasets.set_schema(store, "t", again).declared
    assert not datasets.import_table(store, table, "u", schema=again, seed=5).declared
    assert not datasets.declare(store, "d", again).declared
    confirmed = Schema.from_toml(text.partition("\n")[2])
    assert not confirmed.inferred
    assert confirmed.to_json() == again.to_json()  # no row hangs on it, so no run is another one for it
    assert datasets.set_schema(store, "t", confirmed).declared
    assert not datasets.get(store, "t").schema.to_toml().startswith("inferred")


def test_both_parts_are_of_one_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.import_table(store, pa.table({"x": [i // 2 for i in range(9)]}), "t")
    opened: list[int] = []
    read = Store.read

    def counted(store: Store, timeout: float | None = None) -> Any:
        opened.append(1)
        return read(store, timeout)

    monkeypatch.setattr(Store, "read", counted)
    dataset, train, holdout = datasets.train_and_holdout_tables(store, "T")
    assert len(opened) == 1
    assert dataset == datasets.get(store, "t")
    assert (train.num_rows, holdout.num_rows) == (dataset.train_rows, dataset.holdout_rows) == (6, 3)
    assert train == datasets.train_table(store, "t")
    assert holdout == datasets.holdout_table(store, "t")
