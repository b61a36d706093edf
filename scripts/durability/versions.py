"""Workspaces of older versions, brought up to date under faults, and one of a newer version, left alone."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .children import FAIL, KILL_AFTER, KILL_BEFORE, KILL_WITHIN, Fault, begin, command, isolated
from .disk import Content, after_power_cut, changes_in
from .judging import Bench, Lost, Tally, look

__all__ = ["KINDS"]


def _versions() -> list[int]:
    """Of all migrations there are."""

    def work() -> list[int]:
        from localsynth.store import migrate

        return [step.version for step in migrate.known()]

    found: list[int] = isolated(work)
    return found


def _make_older(whole: Path, folder: Path, version: int) -> None:
    """A workspace as that version made it, with the data and the runs of another one.

    Its tables are those of the migrations up to then; of each row they hold what had a place in them.
    """

    def work() -> None:
        import duckdb

        from localsynth.store import migrate
        from localsynth.store.session import Store

        folder.mkdir(mode=0o700)
        steps = [step for step in migrate.known() if step.version <= version]
        migrate.known = lambda: steps
        store = Store.create(folder)
        shutil.copytree(whole / "runs", folder / "runs", dirs_exist_ok=True)
        with duckdb.connect(str(store.path)) as con:
            con.execute(f"ATTACH '{whole / 'workspace.duckdb'}' AS newer (READ_ONLY)")
            for schema, table in _tables(con, "newer", ["real", "synth"]):
                con.execute(f'CREATE TABLE "{schema}"."{table}" AS FROM newer."{schema}"."{table}"')
            theirs = dict.fromkeys(table for _, table in _tables(con, "newer", ["meta"]))
            for _, table in _tables(con, "workspace", ["meta"]):
                if table not in theirs or table in {"migrations", "audit"}:
                    continue
                both = [
                    name
                    for name in _columns(con, "workspace", table)
                    if name in _columns(con, "newer", table)
                ]
                names = ", ".join(f'"{name}"' for name in both)
                con.execute(f'INSERT INTO meta."{table}" ({names}) SELECT {names} FROM newer.meta."{table}"')
            views = "SELECT sql FROM duckdb_views() WHERE database_name = 'newer' AND NOT internal AND schema_name = 'main'"
            for (sql,) in con.execute(views).fetchall():
                con.execute(sql)

    isolated(work)


def _tables(con: Any, database: str, schemas: Sequence[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables()"
        " WHERE database_name = ? AND list_contains(?, schema_name)",
        [database, list(schemas)],
    ).fetchall()
    return found


def _columns(con: Any, database: str, table: str) -> list[str]:
    found = con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = 'meta' AND table_name = ?",
        [database, table],
    ).fetchall()
    return [name for (name,) in found]


def _with_part(bench: Bench) -> Path:
    """A workspace with a run that was killed between its first and its last row."""
    for at in range(60, 1000, 10):
        folder = bench.fresh("with-data")
        begin(command(bench.run_words, folder), Fault(folder, KILL_AFTER, at)).wait()
        rows = [len(made) for _, made in look(folder).runs.values()]
        if rows and 0 < rows[0] < len(bench.made):
            return folder
        shutil.rmtree(folder)
    raise RuntimeError("no kill was in mid-run")


def _older(bench: Bench, tries: int) -> dict[int, Path]:
    """One workspace of each older version, or of as many of them as there are tries, the first among them."""
    part = _with_part(bench)
    made = {}
    former = _versions()[:-1]
    for version in sorted({former[n * len(former) // tries] for n in range(tries)}):
        made[version] = bench.fresh(None)
        _make_older(part, made[version], version)
    return made


def _kept_as_it_was(folder: Path, older: Path, version: int) -> None:
    """Where the workspace is of this version by now, the copy holds what the older one held. Raises ``Lost``."""

    def told(path: Path) -> tuple[int, list[list[Any]]]:
        import duckdb

        with duckdb.connect(str(path), read_only=True) as con:
            ((number,),) = con.execute("SELECT max(version) FROM meta.migrations").fetchall()
            tables = sorted(_tables(con, path.stem, ["real", "synth", "meta"]))
            return number, [
                con.execute(f'FROM "{one}"."{two}" ORDER BY ALL').fetchall() for one, two in tables
            ]

    if isolated(lambda: told(folder / "workspace.duckdb")[0]) == version:
        return
    copy = folder / "spare" / "workspace.duckdb"
    copy.parent.mkdir()
    shutil.copyfile(folder / f"workspace.duckdb.bak-{version}", copy)
    same = isolated(lambda: told(copy) == told(older / "workspace.duckdb"))
    shutil.rmtree(copy.parent)
    if not same:
        raise Lost(f"the copy of version {version} holds something else than the workspace did")


def _opening(folder: Path) -> Callable[[], int]:
    return command(["runs"], folder)


def older(bench: Bench, tries: int, tally: Tally) -> None:
    """Brought up to date, read, and their run finished."""
    _each(bench, tries, tally, lambda _version, _usual: None)


def killed(bench: Bench, tries: int, tally: Tally) -> None:
    """Killed while they are brought up to date."""

    def fault(_version: int, usual: int) -> tuple[int, int, int]:
        kind = bench.chance.choice((KILL_BEFORE, KILL_AFTER, KILL_WITHIN))
        return kind, bench.chance.randint(1, usual), 0

    _each(bench, tries, tally, fault)


def full(bench: Bench, tries: int, tally: Tally) -> None:
    """Without space while they are brought up to date."""
    _each(bench, tries, tally, lambda _version, usual: (FAIL, bench.chance.randint(1, usual), errno.ENOSPC))


def _each(
    bench: Bench, tries: int, tally: Tally, fault: Callable[[int, int], tuple[int, int, int] | None]
) -> None:
    made = _older(bench, tries)
    promised = next(iter(look(_opened_copy(bench, next(iter(made.values())))).promised.items()))
    usual: dict[int, int] = {}
    for number in range(tries):
        version = list(made)[number % len(made)]
        if version not in usual:
            counted = bench.copy(made[version], f"counted-{tally.kind.replace(' ', '-')}-{version}")
            usual[version] = begin(_opening(counted), Fault(counted)).wait().changes
            shutil.rmtree(counted)
        chosen = fault(version, usual[version])

        def one(folder: Path, version: int = version, chosen: tuple[int, int, int] | None = chosen) -> None:
            bench.copy(made[version], folder.name)
            what = Fault(folder, *chosen[:2], error=chosen[2]) if chosen else None
            ended = begin(_opening(folder), what).wait()
            if not ended.killed:
                bench.told(ended)
            if ended.value and not chosen:
                raise Lost(f"it was not opened: {ended.talk}")
            found = bench.survived(tally, folder, promised=dict([promised]))
            _kept_as_it_was(folder, made[version], version)
            bench.goes_on(tally, folder, found)

        bench.try_one(tally, f"version {version}, fault {chosen} of {usual[version]}", one, None)
    for folder in made.values():
        shutil.rmtree(folder)


def _opened_copy(bench: Bench, folder: Path) -> Path:
    return bench.copy(folder, f"{folder.name}-opened-{bench.chance.getrandbits(32):x}")


def power(bench: Bench, tries: int, tally: Tally) -> None:
    """The power goes while they are brought up to date."""
    made = _older(bench, tries)
    recorded = {}
    for version, before in made.items():
        source = bench.copy(before, f"{before.name}-recorded")
        log = source.with_name(f"{source.name}.log")
        bench.told(begin(_opening(source), Fault(source, log=log)).wait())
        recorded[version] = source, changes_in(log)
        if after_power_cut(recorded[version][1], source, before, None) != Content.of(source):
            raise RuntimeError(f"{log} does not tell all changes of {source}")
    for number in range(tries):
        version = list(made)[number % len(made)]
        source, changes = recorded[version]
        cut = bench.chance.randint(1, len(changes))

        def one(folder: Path, version: int = version, cut: int = cut) -> None:
            source, changes = recorded[version]
            after_power_cut(changes[:cut], source, made[version], bench.chance).write(folder)
            found = bench.survived(tally, folder)
            _kept_as_it_was(folder, made[version], version)
            bench.goes_on(tally, folder, found)

        bench.try_one(tally, f"version {version}, after change {cut} of {len(changes)}", one, None)


def newer(bench: Bench, tries: int, tally: Tally) -> None:
    """Refused in one sentence by the command line and by Python, and left as it is, byte for byte."""
    last = _versions()[-1]
    source = bench.fresh("with-run")

    def advance() -> None:
        import duckdb

        with duckdb.connect(str(source / "workspace.duckdb")) as con:
            con.execute(
                "INSERT INTO meta.migrations VALUES (?, 'later', '99.0', TIMESTAMP '2100-01-01')", [last + 1]
            )

    def python(folder: Path) -> str:
        from localsynth import Workspace
        from localsynth.core.errors import StoreVersionError

        try:
            Workspace(folder).runs()
        except StoreVersionError as error:
            return f"error: {error}"
        return "opened"

    isolated(advance)
    before = Content.of(source)
    doors: dict[str, Callable[[Path], str]] = {
        " ".join(map(str, words[:2])): _refusal(words)
        for words in (["runs"], bench.run_words, bench.import_words, bench.resume_words, ["sql", "select 1"])
    }
    doors["Workspace"] = lambda folder: str(isolated(lambda: python(folder)))
    for number in range(tries):
        door = list(doors)[number % len(doors)]

        def one(folder: Path, door: str = door) -> None:
            bench.copy(source, folder.name)
            said = doors[door](folder)
            if f"its version is {last + 1}" not in said or "Traceback" in said:
                raise Lost(f"not refused: {said}")
            if Content.of(folder) != before:
                raise Lost("it was changed")
            tally.survived += 1
            tally.equal += 1

        bench.try_one(tally, door, one, None)
    shutil.rmtree(source)


def _refusal(words: Sequence[object]) -> Callable[[Path], str]:
    def refused(folder: Path) -> str:
        ended = begin(command(words, folder)).wait()
        return f"{ended.error}{ended.talk}" if ended.value else "opened"

    return refused


#: By name: makes so many tries and counts them.
KINDS: dict[str, Callable[[Bench, int, Tally], None]] = {
    "older version": older,
    "older version, killed": killed,
    "older version, disk full": full,
    "older version, power cut": power,
    "newer version": newer,
}
