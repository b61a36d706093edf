"""Rows to look at: views of runs and of real rows, the nearest real rows, results of SQL in files."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from localsynth import Workspace
from localsynth.core.errors import Cancelled, DatasetError, NotFound, PolicyError, SqlError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run

RECIPE = {"rows": 40, "seed": 1, "dataset": {"name": "iris"}, "method": {"name": "bootstrap"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    space = Workspace(tmp_path_factory.mktemp("browse") / "ws")
    space.import_sample("iris")
    return space, space.run(Recipe.model_validate(RECIPE))


def test_views(made: tuple[Workspace, Run]) -> None:
    space, run = made
    assert space.browse().rows(0, 99).select(list(space.schema("iris").names)) == _plain(space, run)
    assert space.browse("IRIS", kind="real").total == 150
    assert space.browse(run, kind="real", part="train").total == run_train(space)
    assert space.browse("iris").total == 40
    petals = space.browse(run, where="petal_length > 2", order=[("petal_length", True)]).rows(0, 99)
    lengths = petals.column("petal_length").to_pylist()
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) > 2
    with pytest.raises(NotFound, match="no parts"):
        space.browse(run, part="train")
    view = space.browse(run)
    view.release()
    space.set_policy("iris", "rows")


def _plain(space: Workspace, run: Run) -> pa.Table:
    table = space.rows_arrow(run)
    return table.cast(space.browse(run).types)


def run_train(space: Workspace) -> int:
    return space.dataset("iris").train_rows


def test_the_nearest_rows_of_a_copy(made: tuple[Workspace, Run]) -> None:
    space, run = made
    rows = space.rows_arrow(run).to_pylist()
    real = space.browse("iris", kind="real").rows(0, 150).to_pylist()
    train = set(space.browse("iris", kind="real", part="train").rows(0, 150).column("row_id").to_pylist())
    for row_no in (1, 7, 40):
        found = space.nearest(run, row_no)
        assert (found.rows.num_rows, found.compared, found.train_rows) == (3, len(train), len(train))
        assert found.distances[0] == 0.0  # the bootstrap copies train rows
        assert list(found.distances) == sorted(found.distances)
        nearest, *_ = found.rows.to_pylist()
        assert {name: nearest[name] for name in rows[row_no - 1]} == rows[row_no - 1]
        for row in found.rows.to_pylist():
            assert row["row_id"] in train
            assert row == real[row["row_id"] - 1]


def test_the_nearest_are_what_near_copies_count(made: tuple[Workspace, Run]) -> None:
    """Numbers standardised by the train rows, categories 1 apart."""
    space, run = made
    import numpy as np

    frame = space.browse("iris", kind="real", part="train").rows(0, 150).drop_columns(["row_id"]).to_pandas()
    numbers = frame.select_dtypes("number")
    row = space.rows_arrow(run).slice(4, 1).to_pandas()
    apart = (numbers - row[numbers.columns].iloc[0]) / numbers.std(ddof=0)
    other = frame["species"].astype(str) != str(row["species"].iloc[0])
    expected = np.sort(np.sqrt((apart**2).sum(axis=1) + other))[:5]
    assert space.nearest(run, 5, count=5).distances == pytest.approx(expected, abs=1e-5)


def test_nearest_rows_are_refused(made: tuple[Workspace, Run]) -> None:
    space, run = made
    with pytest.raises(NotFound, match="no row of that number"):
        space.nearest(run, 41)
    for policy in ("schema", "statistics"):
        space.set_policy("iris", policy)
        with pytest.raises(PolicyError, match="policy"):
            space.nearest(run, 1)
    space.set_policy("iris", "rows")
    assert space.nearest(run, 1, count=1).rows.num_rows == 1


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_results_into_files(made: tuple[Workspace, Run], tmp_path: Path, suffix: str) -> None:
    space, _ = made
    path = tmp_path / f"out.{suffix}"
    query = "SELECT species, count(*) AS n FROM iris_real GROUP BY ALL ORDER BY ALL"
    assert space.export_sql(query, path) == path
    read = pyarrow.csv.read_csv if suffix == "csv" else pyarrow.parquet.read_table
    assert read(path).to_pydict() == space.sql_arrow(query).to_pydict()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DatasetError, match="exists already"):
        space.export_sql("this is not looked at", path)
    with pytest.raises(SqlError):
        space.export_sql("SELECT nothing", path, overwrite=True)
    assert read(path).num_rows == 3


def test_sql_is_interrupted(made: tuple[Workspace, Run]) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        made[0].sql_arrow(
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 3",
            stop=stop,
        )
