"""Events on disk: private, in order, and readable whatever a killed writer left."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.errors import StoreError
from localsynth.core.events import Event, Notice, Progress
from localsynth.runs.bus import Bus, follow, read_events


def notice(text: str) -> Notice:
    return Notice("r", 1.0, text)


def progress(at: float) -> Progress:
    return Progress("r", at, 1.0, 2, 3.0, 4.0, None)


def test_events_go_to_the_file_and_to_listeners_and_all_but_progress_into_the_store(tmp_path: Path) -> None:
    heard: list[Event] = []
    path = tmp_path / "runs" / "r" / "events.jsonl"
    bus = Bus("r", path, [heard.append])
    for event in (notice("a"), progress(1.0), progress(1.2), progress(1.6), notice("b")):
        bus.emit(event)
    assert len(heard) == 5
    assert bus.take() == (notice("a"), notice("b"))
    assert bus.take() == ()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    events, _ = read_events(path)
    assert events == [notice("a"), progress(1.0), progress(1.6), notice("b")]
    bus.close()


@settings(deadline=None)  # other work may hold the processor
@given(texts=st.lists(st.text(), min_size=1, max_size=5), cut=st.integers(1, 400))
def test_a_torn_last_line_is_passed_over_and_the_next_writer_starts_a_new_one(
    texts: list[str], cut: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        bus = Bus("r", path)
        for text in texts:
            bus.notice(text)
        bus.close()
        whole = path.read_bytes()
        path.write_bytes(whole[: max(0, len(whole) - cut)])
        kept = path.read_bytes().count(b"\n")
        bus = Bus("r", path)
        bus.notice("after")
        bus.close()
        events, offset = read_events(path)
        found = [event.text for event in events if isinstance(event, Notice)]
        assert found[:kept] == texts[:kept]
        assert found[-1] == "after"
        assert len(found) <= kept + 2  # the cut may have taken only the line's end
        assert offset == path.stat().st_size


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read_events(path) == ([], 0)
    bus = Bus("r", path)
    bus.notice("a")
    events, offset = read_events(path)
    assert len(events) == 1
    with path.open("ab") as file:
        file.write(b'{"type":"notice","run_id":"r","at"')
    assert read_events(path, offset) == ([], offset)
    with path.open("ab") as file:
        file.write(b':1.0,"text":"b"}\n')
    events, offset = read_events(path, offset)
    assert [event.text for event in events if isinstance(event, Notice)] == ["b"]
    bus.close()


def test_follow_gives_what_comes_while_it_watches(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    bus, seen, over = Bus("r", path), threading.Event(), threading.Event()
    bus.notice("before")

    def write() -> None:
        seen.wait(10)
        bus.notice("while")
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    texts = []
    for event in follow(path, lambda: not over.is_set(), poll_s=0.001):
        assert isinstance(event, Notice)
        texts.append(event.text)
        seen.set()
    writer.join()
    bus.close()
    assert texts == ["before", "while"]


def test_after_a_full_disk_the_next_event_is_not_glued_to_half_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    bus = Bus("r", path)
    bus.notice("before")
    write = os.write

    def full(fd: int, data: bytes) -> int:  # the last bytes there is room for
        return write(fd, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StoreError, match=os.strerror(errno.ENOSPC)):
            bus.notice("torn")
    bus.notice("after")
    bus.close()
    events, _ = read_events(path)
    assert [event.text for event in events if isinstance(event, Notice)] == ["before", "after"]
