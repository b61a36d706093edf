"""The workspace file: private, locked while written, and honest about what is wrong with it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import duckdb
import pytest

from localsynth.core.errors import ExitCode, StoreError, StoreLocked, StoreVersionError
from localsynth.store import migrate, runs, settling
from localsynth.store.session import Store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str, *args: object) -> subprocess.Popen[str]:
    """A child running ``code``; it talks over stdin and stdout."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_everything_is_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        store = Store.create(tmp_path / "deep" / "ws")
        assert mode(store.folder) == 0o700
        assert mode(store.path) == 0o600
        for name in ("runs", "adapters", "logs"):
            assert mode(store.folder / name) == 0o700
        assert mode(store.run_folder("r1")) == 0o700
        with store.write() as con:
            con.execute("CREATE TABLE main.t AS SELECT range i FROM range(200000)")
            con.execute("COMMIT; BEGIN")
            logs = list(store.folder.glob("*.wal"))
            assert all(mode(log) == 0o600 for log in [*logs, store.path])
        ordinary = tmp_path / "ordinary"
        ordinary.touch()
        assert mode(ordinary) == 0o644
    finally:
        os.umask(before)


def test_create_twice_and_open_absent(tmp_path: Path) -> None:
    Store.create(tmp_path / "ws")
    with pytest.raises(StoreError, match="already"):
        Store.create(tmp_path / "ws")
    with pytest.raises(StoreError, match="no workspace") as caught:
        Store.open(tmp_path / "other")
    assert "init" in caught.value.hint
    assert not (tmp_path / "other").exists()
    assert Store.open(tmp_path / "other", create=True).path.exists()


def test_a_workspace_that_could_not_be_made_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ws"
    steps = [*migrate.known(), migrate.Migration(999, "bad", "SELECT nonsense")]
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "known", lambda: steps)
        with pytest.raises(StoreError, match="nonsense") as caught:
            Store.create(folder)
    assert "tmp-new" not in caught.value.message
    assert [path.name for path in folder.iterdir() if path.is_file() or "new" in path.name] == []
    assert runs.list_all(Store.open(folder, create=True)) == []


MAKER = """
import sys
from localsynth.store import migrate
from localsynth.store.session import Store

known = migrate.known
def wait():
    print("half", flush=True)
    sys.stdin.readline()
    return known()
migrate.known = wait
Store.create(sys.argv[1])
"""


def test_killed_while_it_is_made(tmp_path: Path) -> None:
    maker = python(MAKER, tmp_path / "ws")
    assert maker.stdout is not None
    assert maker.stdin is not None
    assert maker.stdout.readline() == "half\n"
    maker.kill()
    maker.communicate()
    assert list((tmp_path / "ws").glob("tmp-new-*"))
    assert not (tmp_path / "ws" / "workspace.duckdb").exists()
    store = Store.open(tmp_path / "ws", create=True)
    assert runs.list_all(store) == []
    Store.open(store.folder)
    assert not list(store.folder.glob("tmp-new-*"))


def test_who_makes_it_second_opens_what_the_first_made(tmp_path: Path) -> None:
    late = python(
        MAKER.replace("Store.create(sys.argv[1])", "Store.open(sys.argv[1], create=True)"), tmp_path / "ws"
    )
    assert late.stdout is not None
    assert late.stdout.readline() == "half\n"
    with Store.create(tmp_path / "ws").write() as con:
        con.execute("CREATE TABLE main.first (i INTEGER)")
    late.communicate("\n" * 5)
    assert late.returncode == 0
    with Store.open(tmp_path / "ws").read() as con:
        assert con.execute("FROM main.first").fetchall() == []


def test_run_folders_stay_inside(store: Store) -> None:
    for name in ("..", "a/b", "", "."):
        with pytest.raises(StoreError):
            store.run_folder(name)


def test_rolls_back(store: Store) -> None:
    def fail() -> None:
        with store.write() as con:
            con.execute("CREATE TABLE main.t (i INTEGER)")
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    with store.read() as con:
        assert not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 't'").fetchall()


def test_reads_cannot_write_nor_look_outside(store: Store) -> None:
    with store.read() as con:
        for query in ("CREATE TABLE t (i INTEGER)", "FROM read_csv('/etc/passwd')", "SET threads = 1"):
            with pytest.raises(duckdb.Error):
                con.execute(query)


def test_a_probe_writes_nothing_and_does_not_mind_threads_of_its_own(store: Store, tmp_path: Path) -> None:
    store.probe()
    Store(tmp_path / "nowhere").probe()
    assert not (tmp_path / "nowhere").exists()
    with store.read():
        store.probe(timeout=0.01)
    with store.write():
        store.probe(timeout=0.01)


def test_a_writer_elsewhere_is_named(store: Store) -> None:
    child = python(
        "import duckdb, sys\ncon = duckdb.connect(sys.argv[1])\nprint('ready', flush=True)\nsys.stdin.readline()",
        store.path,
    )
    assert child.stdout is not None
    child.stdout.readline()
    try:
        for session in (store.write, store.read):
            with pytest.raises(StoreLocked, match=rf"pid {child.pid}") as caught, session(timeout=0.05):
                pass
            assert caught.value.code is ExitCode.LOCKED
        with pytest.raises(StoreLocked):
            Store.open(store.folder, timeout=0)
        with pytest.raises(StoreLocked, match=rf"pid {child.pid}"):
            store.probe(timeout=0.05)
    finally:
        child.communicate("\n")
    with store.write():
        pass


def test_waits_for_a_writer_that_ends(store: Store) -> None:
    child = python(
        "import duckdb, sys\ncon = duckdb.connect(sys.argv[1])\nprint('ready', flush=True)\nsys.stdin.readline()",
        store.path,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    child.stdout.readline()
    child.stdin.write("\n")
    child.stdin.close()
    with store.write(timeout=30) as con:
        assert con.execute("SELECT 1").fetchall() == [(1,)]
    child.wait()
    child.stdout.close()


def test_threads_take_turns(store: Store) -> None:
    with store.write() as con:
        con.execute("CREATE TABLE main.t (i INTEGER)")
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            for _ in range(5):
                with store.write() as con:
                    con.execute("INSERT INTO main.t VALUES (?)", [number])
                with store.read() as con:
                    con.execute("SELECT count(*) FROM main.t").fetchall()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with store.read() as con, store.read() as other:
        assert con.execute("SELECT count(*) FROM main.t").fetchall() == other.execute("SELECT 20").fetchall()


def test_own_writer_in_the_way(store: Store) -> None:
    with store.write(), pytest.raises(StoreLocked, match=str(os.getpid())), store.read(timeout=0.01):
        pass


@pytest.mark.parametrize("content", [b"", b"hello", b"no database at all" * 1000])
def test_not_a_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "workspace.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not a workspace's database"):
        Store.open(tmp_path)
    assert path.read_bytes() == content


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "workspace.duckdb")) as con:
        con.execute("CREATE TABLE mine (i INTEGER)")
    with pytest.raises(StoreError, match="no workspace of localsynth"):
        Store.open(tmp_path)


def test_newer_version_is_left_alone(store: Store) -> None:
    with store.write() as con:
        con.execute("INSERT INTO meta.migrations VALUES (999, 'future', '9.0', TIMESTAMP '2030-01-01')")
    with pytest.raises(StoreVersionError, match="999") as caught:
        Store.open(store.folder)
    assert "upgrade" in caught.value.hint
    assert not list(store.folder.glob("*.bak*"))


def test_newer_duckdb_file(store: Store) -> None:
    # The storage version is a little-endian number after the checksum and the magic bytes.
    data = bytearray(store.path.read_bytes())
    data[12:20] = (9999).to_bytes(8, "little")
    store.path.write_bytes(data)
    with pytest.raises(StoreError):
        Store.open(store.folder)


def test_older_version_is_migrated_after_a_copy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    last = migrate.known()[-1].version
    steps = [*migrate.known(), migrate.Migration(last + 1, "more", "CREATE TABLE meta.more (i INTEGER)")]
    monkeypatch.setattr(migrate, "known", lambda: steps)
    Store.open(store.folder)
    copy = store.folder / f"workspace.duckdb.bak-{last}"
    assert mode(copy) == 0o600
    with duckdb.connect(str(copy), read_only=True) as con:
        assert con.execute("SELECT max(version) FROM meta.migrations").fetchall() == [(last,)]
    with store.read() as con:
        assert con.execute("SELECT max(version) FROM meta.migrations").fetchall() == [(last + 1,)]
        con.execute("FROM meta.more").fetchall()


def test_the_copy_is_on_the_disk_before_it_has_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = migrate.known()[-1].version
    copy = store.folder / f"workspace.duckdb.bak-{last}"
    steps = [*migrate.known(), migrate.Migration(last + 1, "more", "CREATE TABLE meta.more (i INTEGER)")]
    monkeypatch.setattr(migrate, "known", lambda: steps)
    settled: list[tuple[str, bool]] = []
    monkeypatch.setattr(settling, "settle", lambda path: settled.append((path.name, copy.exists())))
    Store.open(store.folder)
    assert settled == [(f"{copy.name}.part", False), (store.folder.name, True)]


def test_without_space_for_the_copy_it_is_not_brought_up_to_date(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = migrate.known()[-1].version
    steps = [*migrate.known(), migrate.Migration(last + 1, "more", "CREATE TABLE meta.more (i INTEGER)")]
    before = store.path.read_bytes()

    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(migrate, "known", lambda: steps)
        patch.setattr(settling, "settle", full)
        with pytest.raises(StoreError, match="disk is full"):
            Store.open(store.folder)
    assert store.path.read_bytes() == before
    assert not list(store.folder.glob("*.bak*"))


def test_a_failed_migration_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        *migrate.known(),
        migrate.Migration(99, "bad", "CREATE TABLE meta.more (i INTEGER); SELECT nonsense"),
    ]
    monkeypatch.setattr(migrate, "known", lambda: steps)
    with pytest.raises(StoreError):
        Store.open(store.folder)
    monkeypatch.undo()
    Store.open(store.folder)
    with store.read() as con:
        assert not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'more'").fetchall()


FILLER = """
import resource, signal, sys
from localsynth.core.errors import StoreError
from localsynth.store.session import Store

store = Store.open(sys.argv[1])
if sys.argv[2] != "0":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with store.write() as con:
        con.execute("CREATE TABLE main.big AS SELECT range i, random() r FROM range(1000000)")
except StoreError as error:
    print(error.message, "|", error.hint)
else:
    print("no error")
"""


def test_full_disk_by_a_limit(store: Store) -> None:
    out, _ = python(FILLER, store.folder, 2**20).communicate()
    assert out.startswith("the disk is full")
    assert runs.list_all(store) == []
    with Store.open(store.folder).write() as con:
        assert not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'big'").fetchall()


@pytest.fixture
def mount(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Mounts a small file system, where the test may."""
    folder = tmp_path / "mount"
    folder.mkdir()

    def run(*args: str) -> None:
        done = subprocess.run(["mount", *args, str(folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")

    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    run("-t", "tmpfs", "-o", "size=4m", "tmpfs")
    yield folder, run
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_for_real(mount) -> None:  # type: ignore[no-untyped-def]
    folder, run = mount
    store = Store.create(folder / "ws")
    out, _ = python(FILLER, store.folder, 0).communicate()
    assert out.startswith("the disk is full")
    assert runs.list_all(store) == []
    run("-o", "remount,size=64m")
    with Store.open(store.folder).write() as con:
        assert not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'big'").fetchall()
        con.execute("CREATE TABLE main.small (i INTEGER)")


def test_read_only_file_system(mount) -> None:  # type: ignore[no-untyped-def]
    folder, run = mount
    store = Store.create(folder / "ws")
    run("-o", "remount,ro")
    store = Store.open(store.folder)
    assert runs.list_all(store) == []
    with pytest.raises(StoreError, match="read-only"), store.write():
        pass
    with pytest.raises(StoreError, match="read-only"):
        Store.create(folder / "new")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_read_only_file(store: Store) -> None:
    store.path.chmod(0o400)
    with pytest.raises(StoreError, match="read-only"), store.write():
        pass


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "ws").touch()
    with pytest.raises(StoreError, match="in the way"):
        Store.create(tmp_path / "ws")
