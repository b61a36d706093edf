"""Who waits for the workspace gets it between two commits of another process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from localsynth.store.session import Store
from localsynth.store.waiting import Waiting, let_in

WRITER = """
import sys
from localsynth.store.session import Store
store = Store.open(sys.argv[1])
for number in range(10_000):
    with store.write() as con:
        con.execute("INSERT INTO counted VALUES (?)", [number])
    if number == 0:
        print("writing", flush=True)
"""


def test_nobody_is_waited_for_where_nobody_waits(tmp_path: Path) -> None:
    began = time.monotonic()
    let_in(tmp_path)
    one = Waiting(tmp_path)
    one.announce()
    one.over()
    let_in(tmp_path)
    assert time.monotonic() - began < 0.3


def test_a_writer_stands_back_for_a_while(tmp_path: Path) -> None:
    one = Waiting(tmp_path)
    one.announce()
    began = time.monotonic()
    let_in(tmp_path)
    assert 0.45 < time.monotonic() - began < 5
    assert (tmp_path / "waiting").stat().st_mode & 0o777 == 0o600
    one.over()
    one.over()


def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    one = Waiting(tmp_path / "not there")
    one.announce()
    let_in(tmp_path / "not there")
    one.over()


def test_a_reader_gets_in_between_the_commits_of_another_process(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "ws")
    with store.write() as con:
        con.execute("CREATE TABLE counted (n INTEGER)")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store.folder)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        seen = []
        for _ in range(5):
            with store.read(timeout=5) as con:  # without a place in the queue it is often in vain for longer
                seen.append(con.execute("SELECT count(*) FROM counted").fetchall()[0][0])
        assert writer.poll() is None
        assert seen == sorted(seen)
        assert seen[-1] > seen[0]
    finally:
        writer.kill()
        writer.wait()
        if writer.stdout is not None:
            writer.stdout.close()
