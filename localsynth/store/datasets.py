"""Datasets: brought in, split, described; found again by name.

``real.<dataset>`` holds the rows with ``row_id`` (1, 2, ... as in the file), ``meta.splits`` says which of them train and which
are held out. The split is drawn before anything is inferred.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from localsynth.core.dataset import Dataset, check_holdout
from localsynth.core.errors import DatasetError, NotFound
from localsynth.core.nearest import nearest
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema, dataset_name
from localsynth.core.seeds import derive

from . import adapters, audit, catalogue, clock, names
from .catalogue import read_part as _read_part
from .files import stage_file, stage_table, staging
from .fit import check_fit, typed
from .generations import exact_name
from .infer import infer_schema
from .linked import Follow, follow_parents
from .removing import Removed, drop
from .rows import insert_arrow, insert_stream

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from .session import Store

__all__ = [
    "THIRD",
    "Removed",
    "declare",
    "drop",
    "get",
    "holdout_table",
    "import_file",
    "import_sample",
    "import_table",
    "list_all",
    "set_policy",
    "set_schema",
    "split",
    "train_and_holdout_tables",
    "train_table",
]

#: The share of rows held out where nobody says another.
THIRD = 1 / 3
_ALL = "SELECT * FROM staged"
_TRAIN = "SELECT * FROM train"


def import_file(
    store: Store,
    path: Path | str,
    *,
    name: str | None = None,
    target: str | None = None,
    holdout: float = THIRD,
    policy: Exposure | None = None,
    schema: Schema | None = None,
    encoding: str | None = None,
    seed: int = 0,
    replace: bool = False,
    follow: Follow | None = None,
) -> Dataset:
    """Bring in a CSV, TSV, Parquet or JSON lines file.

    Parameters
    ----------
    name : of the dataset; by default the file's, without its ending.
    target : the column people want to predict.
    holdout : share of rows kept away from every prompt and statistic, 0 to below 1.
    policy : the most a model may see; by default ``ROWS``, and that of the dataset where one is replaced.
    schema : what the rows are; columns of the file that it does not list are left out. By default it is inferred
    from the
        train rows: check and correct it.
    encoding : of a CSV or TSV file that is not UTF-8, by its Python name.
    seed : of the split.
    replace : take the place of a dataset of that name; its runs are kept.
    follow : the rows are members of those of another dataset, and held out with them; ``holdout`` and ``seed`` then count
        for nothing.

    Raises ``DatasetError`` naming line, row or column; nothing is stored then.
    """
    path = Path(path)
    return _bring_in(
        store,
        lambda con: stage_file(store, con, path, encoding),
        path.stem if name is None else name,
        path.name,
        target=target,
        holdout=holdout,
        policy=policy,
        schema=schema,
        seed=seed,
        replace=replace,
        follow=follow,
    )


def import_table(
    store: Store,
    table: pa.Table,
    name: str,
    *,
    source: str = "a table in memory",
    target: str | None = None,
    holdout: float = THIRD,
    policy: Exposure | None = None,
    schema: Schema | None = None,
    seed: int = 0,
    replace: bool = False,
    declared: bool | None = None,
    follow: Follow | None = None,
) -> Dataset:
    """Bring in an Arrow table; otherwise as :func:`import_file`.

    declared : whether a person gave ``schema``; by default, where there is one that does not say it was inferred.
    """
    return _bring_in(
        store,
        lambda con: stage_table(con, table, source),
        name,
        source,
        target=target,
        holdout=holdout,
        policy=policy,
        schema=schema,
        seed=seed,
        replace=replace,
        declared=declared,
        follow=follow,
    )


def import_sample(
    store: Store,
    sample_name: str,
    *,
    name: str | None = None,
    target: str | None = None,
    holdout: float = THIRD,
    policy: Exposure | None = None,
    schema: Schema | None = None,
    seed: int = 0,
    replace: bool = False,
    follow: Follow | None = None,
) -> Dataset:
    """Bring in one of the tables that come with the program. Raises ``NotFound`` with the nearest name."""
    from . import samples

    sample = samples.find(sample_name)
    return _bring_in(
        store,
        lambda con: stage_table(con, sample.load(), f"sample:{sample.name}"),
        sample.name if name is None else name,
        f"sample:{sample.name}",
        target=target if target is not None or schema is not None else sample.target,
        holdout=holdout,
        policy=policy,
        schema=schema,
        seed=seed,
        replace=replace,
        describe=sample.describe,
        follow=follow,
    )


def _bring_in(
    store: Store,
    stage: Callable[[duckdb.DuckDBPyConnection], None],
    name: str,
    source: str,
    *,
    target: str | None,
    holdout: float,
    policy: Exposure | None,
    schema: Schema | None,
    seed: int,
    replace: bool,
    describe: Callable[[Schema], Schema] = lambda schema: schema,
    declared: bool | None = None,
    follow: Follow | None = None,
) -> Dataset:
    _check_name(name)
    check_holdout(holdout)
    with store.read() as con:
        catalogue.refuse_taken(con, name, replace)
    if declared is None:
        declared = schema is not None and not schema.inferred
    with staging(store) as staged:
        stage(staged)
        if follow is None:
            rows = split(staged, holdout, seed)
        else:
            rows = follow_parents(store, staged, follow, _required(schema, name), name)
        (held,) = staged.execute("SELECT count(*) FROM holdout").fetchall()[0]
        if schema is None:
            schema = describe(infer_schema(staged, _TRAIN, target=target))
        elif target is not None:
            schema = _with_target(schema, target)
        present = check_fit(staged, _ALL, _TRAIN, schema)
        moment = clock.aware(clock.now())
        schema = schema.model_copy(update={"inferred": not declared})
        allowed = Exposure.ROWS if policy is None else policy
        dataset = Dataset(name, schema, allowed, rows, rows - held, held, source, moment, declared)
        columns = [f"{typed(c, present[c.name])} AS {names.identifier(c.name)}" for c in schema.columns]
        with store.write() as con:
            catalogue.refuse_taken(con, name, replace)
            if policy is None:  # who says nothing of it leaves it as the owner set it
                dataset = dataclasses.replace(dataset, policy=catalogue.policy_of(con, name) or allowed)
            catalogue.put(con, dataset, seed)
            query = f"SELECT row_id, {', '.join(columns)} FROM staged"  # staged in order, and given so: sorting costs more
            insert_stream(con, names.real_table(name), staged, query)
            insert_stream(con, "meta.splits", staged, _splits(name))
            adapters.mark_stale(con, name)
            audit.note(store, con, "dataset imported", **_told(dataset), replaced=replace or None)
    return dataset


def _required(schema: Schema | None, name: str) -> Schema:
    if schema is None:
        raise DatasetError(
            f"the members '{name}' need a schema that says which column is the key",
            "name a schema file for them in the recipe",
        )
    return schema


def split(con: duckdb.DuckDBPyConnection, holdout: float, seed: int) -> int:
    """Draw row numbers of ``staged`` into the table ``holdout``, copy the others into ``train``; gives how many there are."""
    import numpy as np
    import pyarrow as pa

    (rows,) = con.execute("SELECT count(*) FROM staged").fetchall()[0]
    held = min(int(rows * holdout + 1e-9), rows - 1)
    order = np.arange(
        rows, dtype=np.int32 if rows < 2**31 else np.int64
    )  # a large table's numbers fill memory
    np.random.default_rng(derive(seed, "split")).shuffle(order)
    table = pa.table({"row_id": pa.array(np.sort(order[:held]).astype(np.int64) + 1)})
    con.execute("CREATE TABLE holdout (row_id BIGINT)")
    insert_arrow(con, "holdout", table)
    con.execute("CREATE TABLE train AS SELECT * FROM staged ANTI JOIN holdout USING (row_id)")
    return int(rows)


def _splits(name: str) -> str:
    return (
        f"SELECT {names.literal(name)} AS dataset, row_id,"
        " CASE WHEN row_id IN (SELECT row_id FROM holdout) THEN 'holdout' ELSE 'train' END AS part FROM staged"
        " ORDER BY row_id"
    )


def _with_target(schema: Schema, target: str) -> Schema:
    if target not in schema.names:
        raise NotFound(
            f"the target '{target}' is no column{nearest(target, schema.names)}",
            f"columns: {', '.join(schema.names)}",
        )
    return schema.model_copy(update={"target": target})


def declare(
    store: Store, name: str, schema: Schema, policy: Exposure = Exposure.SCHEMA, replace: bool = False
) -> Dataset:
    """A dataset that is only described; it has no rows. Raises ``DatasetError`` where the name is taken."""
    _check_name(name)
    moment, declared = clock.aware(clock.now()), not schema.inferred
    dataset = Dataset(name, schema, policy, 0, 0, 0, None, moment, declared)
    with store.write() as con:
        catalogue.refuse_taken(con, name, replace)
        catalogue.put(con, dataset, seed=0)
        adapters.mark_stale(con, name)
        audit.note(store, con, "dataset declared", **_told(dataset), replaced=replace or None)
    return dataset


def get(store: Store, name: str) -> Dataset:
    """A dataset by its name, upper and lower case alike. Raises ``NotFound`` with the nearest name."""
    with store.read() as con:
        return catalogue.read(con, exact_name(con, name))


def list_all(store: Store) -> list[Dataset]:
    """All datasets by name."""
    with store.read() as con:
        return catalogue.read_all(con)


def set_schema(store: Store, name: str, schema: Schema, *, declared: bool | None = None) -> Dataset:
    """Replace a dataset's schema; real rows take the new types. declared : a person gave it; by default, unless it says that it
    was inferred.

    Raises ``DatasetError`` naming the column where real rows do not fit, or where the schema leaves one of theirs
    out.
    """
    with store.write() as con:
        exact = exact_name(con, name)
        old = catalogue.read(con, exact)
        if old.rows:
            missing = [column for column in old.schema.names if column not in schema.names]
            if missing:
                raise DatasetError(
                    f"the schema leaves out the column '{missing[0]}', of which '{exact}' holds real values",
                    "keep the column, or import the file again with this schema and --replace",
                )
            _retype(con, exact, schema)
        else:
            con.execute(f"DROP TABLE {names.real_table(exact)}")
            catalogue.make_table(con, names.real_table(exact), schema)
        catalogue.put_schema(con, exact, schema)
        given = not schema.inferred if declared is None else declared
        con.execute("UPDATE meta.datasets SET declared = ? WHERE name = ?", [given, exact])
        adapters.mark_stale(con, exact)
        made = catalogue.read(con, exact)
        audit.note(store, con, "schema changed", **_told(made))
        return made


def _told(dataset: Dataset) -> dict[str, Any]:
    """What the audit log says of a dataset; no column and no category, which may tell of rows."""
    return {
        "dataset": dataset.name,
        "rows": dataset.rows,
        "held_out": dataset.holdout_rows,
        "columns": len(dataset.schema.columns),
        "source": dataset.source,
        "policy": dataset.policy.label,
        "declared": dataset.declared,
        "schema_sha256": audit.sha256_of(dataset.schema.to_json()),
    }


def _retype(con: duckdb.DuckDBPyConnection, name: str, schema: Schema) -> None:
    table = names.real_table(name)
    everything = f"SELECT * FROM {table}"
    con.execute(
        "CREATE TEMP TABLE split AS SELECT row_id FROM meta.splits WHERE dataset = ? AND part = 'train'",
        [name],
    )
    present = check_fit(
        con, everything, f"{everything} WHERE row_id IN (SELECT row_id FROM temp.split)", schema
    )
    columns = ", ".join(f"{typed(c, present[c.name])} AS {names.identifier(c.name)}" for c in schema.columns)
    con.execute(f"CREATE TEMP TABLE retyped AS SELECT row_id, {columns} FROM {table} ORDER BY row_id")
    con.execute(f"DROP TABLE {table}")
    catalogue.make_table(con, table, schema)
    con.execute(f"INSERT INTO {table} SELECT * FROM temp.retyped")
    con.execute("DROP TABLE temp.retyped")
    con.execute("DROP TABLE temp.split")


def set_policy(store: Store, name: str, policy: Exposure) -> Dataset:
    """Change the highest exposure a dataset's owner allows. Raises ``NotFound``."""
    with store.write() as con:
        exact = exact_name(con, name)
        before = catalogue.read(con, exact).policy
        con.execute("UPDATE meta.datasets SET policy = ? WHERE name = ?", [policy.label, exact])
        audit.note(store, con, "policy changed", dataset=exact, before_it=before.label, policy=policy.label)
        return catalogue.read(con, exact)


def train_table(store: Store, name: str) -> pa.Table:
    """The rows of the train split, canonical columns, in the file's order. Raises ``NotFound``."""
    return _part(store, name, "train")


def holdout_table(store: Store, name: str) -> pa.Table:
    """The rows held out, for judging results; never for making them. Raises ``NotFound``."""
    return _part(store, name, "holdout")


def train_and_holdout_tables(store: Store, name: str) -> tuple[Dataset, pa.Table, pa.Table]:
    """A dataset with both parts of its rows, for judging results: of one moment, whatever is imported meanwhile."""
    with store.read() as con:
        dataset = catalogue.read(con, exact_name(con, name))
        return dataset, _read_part(con, dataset, "train"), _read_part(con, dataset, "holdout")


def _part(store: Store, name: str, part: Literal["train", "holdout"]) -> pa.Table:
    with store.read() as con:
        return _read_part(con, catalogue.read(con, exact_name(con, name)), part)


def _check_name(name: str) -> None:
    try:
        dataset_name(name)
    except ValueError as error:
        raise DatasetError(str(error), "choose another with --name") from None
