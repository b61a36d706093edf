"""Two datasets that belong together: rows and their members, tied by a key; checked, split alike, counted side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, RunError
from localsynth.core.schema import Schema
from localsynth.core.widening import Wide, check_link

from . import catalogue, names
from .counting import Counting, number_sql, placed
from .fit import check_fit, typed
from .generations import exact_name
from .rows import insert_arrow

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["Follow", "Link", "check_rows", "count_members", "follow_parents"]

#: First members, and the others beside the first of theirs.
Part = Literal["firsts", "others"]


@dataclass(frozen=True)
class Follow:
    """The split of members is that of what they belong to. parent : a dataset; key, size : see :class:`Link`."""

    parent: str
    key: str
    size: str


@dataclass(frozen=True)
class Link:
    """Rows of ``members`` belong to rows of ``parent``.

    key : a column of both, an identifier of the parent's rows. size : the parent's column that says how many members each
    row has. Raises ``DatasetError`` where the columns cannot be that.
    """

    parent: Dataset
    members: Dataset
    key: str
    size: str

    def __post_init__(self) -> None:
        check_link(
            self.parent.schema,
            self.members.schema,
            self.key,
            self.size,
            names=(self.parent.name, self.members.name),
        )


# --- real rows that must fit together ---------------------------------------------------------------------------------


def follow_parents(
    store: Store, staged: duckdb.DuckDBPyConnection, follow: Follow, schema: Schema, name: str
) -> int:
    """Tell apart the ``staged`` members as their parents are: those of parents held out into the table ``holdout``, the
    others into ``train``; gives the number of all.

    Raises ``DatasetError`` where members and parents do not belong together.
    """
    with store.read() as con:
        parent = catalogue.read(con, exact_name(con, follow.parent))
        check_link(parent.schema, schema, follow.key, follow.size, names=(parent.name, name))
        parents = con.sql(_parents(parent, follow.key, follow.size)).to_arrow_table()
    present = [row[0] for row in staged.execute("DESCRIBE staged").fetchall()]
    if follow.key not in present:
        raise DatasetError(
            f"the members' key '{follow.key}' is not in the data", f"the data has: {', '.join(present[1:])}"
        )
    staged.execute("CREATE TABLE parents (row_id BIGINT, key VARCHAR, size BIGINT, part VARCHAR)")
    insert_arrow(staged, "parents", parents)
    staged.execute(
        "CREATE VIEW members AS SELECT s.row_id, s.key, p.part"
        f" FROM (SELECT row_id, {names.identifier(follow.key)}::VARCHAR AS key FROM staged) s"
        " LEFT JOIN (SELECT key, any_value(part) AS part FROM parents GROUP BY key) p USING (key)"
    )
    _check(staged, "parents", "members", (parent.name, name), follow.key, follow.size)
    staged.execute("CREATE TABLE holdout AS SELECT row_id FROM members WHERE part = 'holdout'")
    staged.execute("CREATE TABLE train AS SELECT * FROM staged ANTI JOIN holdout USING (row_id)")
    staged.execute("DROP VIEW members; DROP TABLE parents")
    (rows,) = staged.execute("SELECT count(*) FROM staged").fetchall()[0]
    return int(rows)


def check_rows(store: Store, link: Link) -> None:
    """Raise ``DatasetError`` where the real rows of both datasets do not belong together, or are not held out together."""
    with store.read() as con:
        _unchanged(con, link)
        parents = f"({_parents(link.parent, link.key, link.size)})"
        members = (
            f"(SELECT row_id, {names.identifier(link.key)}::VARCHAR AS key, part"
            f" FROM {names.real_table(link.members.name)} {_split(link.members)})"
        )
        _check(con, parents, members, (link.parent.name, link.members.name), link.key, link.size)


def _parents(parent: Dataset, key: str, size: str) -> str:
    return (
        f"SELECT row_id, {names.identifier(key)}::VARCHAR AS key, {names.identifier(size)}::BIGINT AS size, part"
        f" FROM {names.real_table(parent.name)} {_split(parent)}"
    )


def _split(dataset: Dataset) -> str:
    return f"JOIN (SELECT row_id, part FROM meta.splits WHERE dataset = {names.literal(dataset.name)}) USING (row_id)"


def _check(
    con: duckdb.DuckDBPyConnection, parents: str, members: str, who: tuple[str, str], key: str, size: str
) -> None:
    """parents : row_id, key, size, part. members : row_id, key, part."""
    # Names are put into sentences that are filled in with numbers.
    above, below, key, size = (text.replace("{", "{{").replace("}", "}}") for text in (*who, key, size))

    def refuse(query: str, said: str, hint: str) -> None:
        count, row, *more = con.execute(query).fetchall()[0]
        if count:
            one = count == 1
            words = {"rows": "1 row" if one else f"{count:,} rows", "have": "has" if one else "have"}
            words |= {"repeat": "repeats" if one else "repeat", "are": "is" if one else "are"}
            raise DatasetError(said.format(*more, row=row, **words), hint)

    refuse(
        f"SELECT count(*) - count(DISTINCT key), (SELECT min(row_id) FROM (SELECT row_id, row_number() OVER"
        f" (PARTITION BY key ORDER BY row_id) AS n FROM {parents}) WHERE n > 1) FROM {parents}",
        f"{{rows}} of '{above}' {{repeat}} a {key} (the first is row {{row}})",
        f"the key tells rows apart: every row of '{above}' has its own",
    )
    refuse(
        f"SELECT count(*), min(row_id) FROM {members} WHERE key IS NULL",
        f"{{rows}} of '{below}' {{have}} no {key} (the first is row {{row}})",
        f"every member says by it which row of '{above}' it belongs to",
    )
    refuse(
        f"SELECT count(*), min(row_id) FROM {members} m WHERE NOT EXISTS (FROM {parents} p WHERE p.key = m.key)",
        f"{{rows}} of '{below}' {{have}} a {key} that no row of '{above}' has (the first is row {{row}})",
        f"every member belongs to a row of '{above}': leave them out, or add what they belong to",
    )
    refuse(
        f"SELECT count(*), min(row_id), arg_min(coalesce(size::VARCHAR, 'nothing'), row_id), arg_min(have, row_id)"
        f" FROM (SELECT p.row_id, p.size, count(m.key) AS have FROM {parents} p LEFT JOIN {members} m USING (key)"
        " GROUP BY ALL) WHERE size IS DISTINCT FROM have",
        f"{{rows}} of '{above}' {{have}} another number of members than '{size}' says (the first is row {{row}}: it says"
        f" {{0}}, and there are {{1}} in '{below}')",
        f"correct '{size}', or the rows of '{below}'",
    )
    refuse(
        f"SELECT count(*), min(m.row_id) FROM {members} m JOIN {parents} p USING (key)"
        " WHERE m.part IS DISTINCT FROM p.part",
        f"{{rows}} of '{below}' {{are}} held out and what they belong to is not, or the other way round (the first is row"
        " {row})",
        f"import '{below}' again (`localsynth import FILE --replace`, or delete it and run the recipe): its split follows"
        f" that of '{above}'",
    )


def _unchanged(con: duckdb.DuckDBPyConnection, link: Link) -> None:
    for dataset in (link.parent, link.members):
        now = catalogue.read(con, exact_name(con, dataset.name))
        if now.imported_at != dataset.imported_at:
            raise RunError(
                f"the rows of '{dataset.name}' were imported anew meanwhile", "start the run again"
            )


# --- train rows side by side ------------------------------------------------------------------------------------------


def count_members(store: Store, link: Link, wide: Wide, part: Part) -> Counting:
    """The wide train rows of one part of the members, to be counted: those whose parents are no holdout.

    A member's number is its place among its parent's members, in the order of the file.
    """
    schema = wide.firsts if part == "firsts" else wide.counted
    columns = [column for column in schema.columns if column.kind != "identifier"]
    with store.read() as con:
        _unchanged(con, link)
        parents = _numbers(con, link.parent, wide.parent, "p", link.key)
        own = {name: name for name in wide.own}
        members = _numbers(con, link.members, own, "m", link.key)
        order = {
            **{name: f"p.p{at}" for at, name in enumerate(wide.parent)},
            wide.member: "m.n",
            **{name: f"f.m{wide.own.index(column)}" for name, column in wide.first.items()},
            **{name: f"m.m{at}" for at, name in enumerate(wide.own)},
        }
        order |= {name: f"{order[mine]} - {order[first]}" for name, (mine, first) in wide.differences.items()}
        wanted = ", ".join(f"{order[column.name]} AS c{at}" for at, column in enumerate(columns))
        chosen = "m.n = 1" if part == "firsts" else "m.n > 1"
        query = (
            f"WITH p AS ({parents}), m AS (SELECT *, row_number() OVER (PARTITION BY key ORDER BY row_id) AS n"
            f" FROM ({members})), f AS (SELECT * FROM m WHERE n = 1)"
            f" SELECT {wanted} FROM m JOIN p USING (key) JOIN f USING (key) WHERE {chosen} ORDER BY m.row_id"
        )
        rows = con.sql(query).to_arrow_table()
    declared = link.parent.declared and link.members.declared
    return Counting(schema, placed(rows, columns), declared=declared)


def _numbers(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, columns: dict[str, str], prefix: str, key: str
) -> str:
    """A query of the dataset's train rows: the key, and these columns (wide name -> own name) as whole numbers."""
    train = (
        f"SELECT * FROM {names.real_table(dataset.name)} WHERE row_id IN"
        f" (SELECT row_id FROM meta.splits WHERE dataset = {names.literal(dataset.name)} AND part = 'train')"
    )
    present: dict[str, Any] = check_fit(con, train, train, dataset.schema)
    found: Sequence[str] = [
        f"{number_sql(dataset.schema.column(name), typed(dataset.schema.column(name), present[name]))} AS {prefix}{at}"
        for at, name in enumerate(columns.values())
    ]
    return f"SELECT row_id, {names.identifier(key)}::VARCHAR AS key, {', '.join(found)} FROM ({train})"
