"""The audit log: chained, whole after crashes, in one order whoever writes, and every change found."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from localsynth.core.errors import StoreError
from localsynth.core.run import Exposure, Status
from localsynth.sealed.hook import _HOOK, Attempt
from localsynth.store import audit, chain, datasets, runs
from localsynth.store.auditing import verify
from localsynth.store.session import Store
from tests.store.store_kit import SCHEMA, commit, make_run

HERE = Path(__file__).parents[2]


@pytest.fixture
def log(store: Store) -> Path:
    """A log of several entries, with prompts of two runs."""
    datasets.declare(store, "clinic", SCHEMA)
    for run in ("r1", "r2"):
        runs.create(store, make_run(run))
        commit(store, run, 1, 2)
        commit(store, run, 2, 2, first=3)
        runs.end(store, run, Status.FINISHED, "")
    return store.folder / audit.FILE


def flaws(store: Store, head: str | None = None) -> list[str]:
    return [str(flaw) for flaw in verify(store, head).flaws]


def rewritten(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def changed(line: bytes, **about: object) -> bytes:
    """The line with other words and a hash that fits them."""
    said = {**json.loads(line), **about}
    said["hash"] = chain.seal_of(said)
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_what_is_done_is_told_in_order(store: Store, log: Path) -> None:
    found = audit.read(store)
    assert [entry.what for entry in found] == [
        "dataset declared",
        *["run started", "prompts shown", "prompts shown", "run ended"] * 2,
    ]
    assert [entry.number for entry in found] == list(range(1, 10))
    started = found[1]
    assert started.about | {"epsilon": None} == {
        "dataset": "clinic", "run": "r1", "method": "independent", "method_version": 1, "exposure": "schema",
        "policy": "schema", "model": "m", "model_sha256": "ab", "recipe": "f", "rows": 10, "epsilon": None,
    }  # fmt: skip
    assert started.user
    assert {"uid", "host", "pid", "program"} <= set(started.who)
    assert log.stat().st_mode & 0o777 == 0o600
    assert verify(store).whole
    assert (verify(store).runs, verify(store).prompts) == (2, 4)
    assert verify(store).head == found[-1].hash


def test_one_word_changed(store: Store, log: Path) -> None:
    rewritten(log, lambda lines: [lines[0].replace(b"clinic", b"clinix"), *lines[1:]])
    assert flaws(store) == ["line 1: it is not as it was written"]
    rewritten(log, lambda lines: [changed(lines[0].replace(b"clinix", b"clinic"), rows=3), *lines[1:]])
    assert flaws(store) == ["line 2: it does not follow the line before"]


def test_a_line_taken_out(store: Store, log: Path) -> None:
    rewritten(log, lambda lines: lines[:3] + lines[5:])
    found = flaws(store)
    assert found[0] == "line 4: 2 entries before it missing, or changed"


def test_two_lines_in_another_order(store: Store, log: Path) -> None:
    rewritten(log, lambda lines: [lines[1], lines[0], *lines[2:]])
    assert flaws(store)[0].startswith("line 1: ")


def test_the_end_cut_off(store: Store, log: Path) -> None:
    rewritten(log, lambda lines: lines[:-1])
    assert flaws(store) == ["the log ends with entry 8, and the store knows of 9: its end was cut off"]
    # What is written afterwards cannot hide it.
    runs.create(store, make_run("r3"))
    runs.create(store, make_run("r4"))
    found = flaws(store)
    assert found == ["line 9: entry 9 had been cut off or changed when this one was written"]


def test_the_whole_file_gone(store: Store, log: Path) -> None:
    log.unlink()
    assert "its end was cut off" in flaws(store)[0]
    datasets.set_policy(store, "clinic", Exposure.ROWS)
    assert flaws(store)[0] == "line 1: entry 9 had been cut off or changed when this one was written"


def test_written_anew_with_hashes_that_fit(store: Store, log: Path) -> None:
    head = verify(store).head

    def anew(lines: list[bytes]) -> list[bytes]:
        made, before = [], chain.START.hash
        for line in lines:
            made.append(changed(line, before=before, time="2026-01-01T00:00:00+00:00"))
            before = json.loads(made[-1])["hash"]
        return made

    rewritten(log, anew)
    assert flaws(store) == ["entry 9 is another one than the store knows of"]
    with store.write() as con:  # by someone who can write here, too
        con.execute("UPDATE meta.audit SET hash = ?", [chain.head_of(log).hash])
    assert verify(store).whole
    assert flaws(store, head[:16]) == [
        f"no entry has the hash {head[:16]}, which was written down: the log is another one"
    ]
    assert verify(store, chain.head_of(log).hash).whole


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE meta.calls SET prompt = prompt || '.' WHERE run_id = 'r1' AND batch_no = 2",
            "batch 2 of run r1",
        ),
        ("DELETE FROM meta.calls WHERE run_id = 'r2' AND batch_no = 1", "batch 1 of run r2"),
        (
            "INSERT INTO meta.calls SELECT * REPLACE (3 AS call_no) FROM meta.calls WHERE run_id = 'r2'",
            "run r2",
        ),
        ("DELETE FROM meta.batches WHERE run_id = 'r1' AND batch_no = 1", "batch 1 of run r1"),
        ("DELETE FROM meta.runs WHERE run_id = 'r1'", "run r1 is gone, and no entry tells of its removal"),
        ("UPDATE meta.batches SET prompts_sha256 = repeat('0', 64) WHERE run_id = 'r1'", "batch 1 of run r1"),
    ],
)
def test_prompts_that_are_not_those_that_were_shown(store: Store, log: Path, change: str, said: str) -> None:
    with store.write() as con:
        con.execute(change)
    assert any(said in flaw for flaw in flaws(store))


def test_a_run_that_is_deleted_is_no_flaw(store: Store, log: Path) -> None:
    runs.delete(store, "r1")
    assert audit.read(store)[-1].what == "run deleted"
    found = verify(store)
    assert found.whole
    assert found.runs == 1


def test_a_run_that_was_never_stored_is_no_flaw(store: Store, log: Path) -> None:
    def killed() -> None:
        with store.write() as con:
            audit.note(store, con, "run started", dataset="clinic", run="r3")
            raise RuntimeError("before the commit")

    with pytest.raises(RuntimeError):
        killed()
    assert audit.read(store)[-1].about["run"] == "r3"
    assert flaws(store) == []


def test_a_line_without_an_end(store: Store, log: Path) -> None:
    with log.open("ab") as file:
        file.write(b'{"before":"')
    found = verify(store)
    assert found.whole
    assert "has no end" in found.notes[0]
    runs.delete(store, "r2")
    found = verify(store)
    assert found.whole, found.flaws
    assert found.notes == ("line 11 tells that the one before was cut off (11 bytes)",)
    assert audit.read(store)[-1].about["torn"] == 11
    rewritten(log, lambda lines: [*lines[:9], b"something else\n", *lines[10:]])
    assert flaws(store) == ["line 10: it is not as it was written"]


def test_what_fails_afterwards_is_told_all_the_same(store: Store) -> None:
    """An entry stands in the log before the transaction it is of; one that fails leaves the log ahead of the store."""

    def fail() -> None:
        with store.write() as con:
            audit.note(store, con, "tried")
            con.execute("SELECT no_such_function()")

    with pytest.raises(StoreError):
        fail()
    assert [entry.what for entry in audit.read(store)] == ["tried"]
    assert verify(store).whole
    audit.record(store, "then")
    assert verify(store).whole


def test_nothing_is_done_where_it_cannot_be_told(store: Store) -> None:
    (store.folder / audit.FILE).mkdir()
    with pytest.raises(StoreError):
        datasets.declare(store, "clinic", SCHEMA)
    assert datasets.list_all(store) == []


def test_writers_take_turns(store: Store, log: Path) -> None:
    """Threads and processes that append at once: one chain, nothing lost."""
    script = (
        "import sys; from pathlib import Path; from localsynth.store import audit; from localsynth.store.session import Store\n"
        "for at in range(15): audit._append(Store(Path(sys.argv[1])), 'said', {'at': at, 'by': sys.argv[2]})"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", script, str(store.folder), str(by)], cwd=HERE)
        for by in (1, 2)
    ]

    def say(by: str) -> None:
        for at in range(15):
            audit._append(store, "said", {"at": at, "by": by})

    threads = [threading.Thread(target=say, args=[f"thread {by}"]) for by in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(timeout=120) for other in others] == [0, 0]
    assert verify(store).whole
    said = [entry for entry in audit.read(store) if entry.what == "said"]
    assert len(said) == 60
    for by in ("1", "2", "thread 1", "thread 2"):
        assert [entry.about["at"] for entry in said if entry.about["by"] == by] == list(range(15))


def test_what_reached_for_the_network_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_reported", len(_HOOK.attempts))
    monkeypatch.setattr(
        _HOOK, "attempts", [*_HOOK.attempts, Attempt("connect", "192.0.2.1:443", "odd.library")]
    )
    audit.record(store, "anything")
    audit.record(store, "more")
    found = audit.read(store)
    assert [entry.what for entry in found] == ["network refused", "anything", "more"]
    assert found[0].about == {"event": "connect", "where": "192.0.2.1:443", "module": "odd.library"}


def test_who_may_only_look_is_told_of_where_that_can_be_written(store: Store) -> None:
    looking = Store.open(store.folder, read_only=True)
    audit.record(looking, "rows exported", path="/tmp/x.csv")
    assert [entry.what for entry in audit.read(store)] == ["rows exported"]
    (store.folder / audit.FILE).unlink()
    (store.folder / audit.FILE).mkdir()
    audit.record(looking, "rows exported", path="/tmp/x.csv")
