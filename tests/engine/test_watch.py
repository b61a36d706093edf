"""Fewer threads are tried where speed collapses, and kept only where they help."""

from __future__ import annotations

import pytest

from localsynth.engine.watch import Watch


def work(watch: Watch, speed: float, seconds: float, active: int = 4) -> None:
    for _ in range(int(seconds * 10)):
        watch.saw(int(speed / 10), 0.1, active)


def test_steady_work_changes_nothing() -> None:
    watch = Watch(4)
    work(watch, 1000, 100)
    work(watch, 700, 100)
    assert watch.threads == 4
    assert not watch.notices


def test_a_collapse_leads_to_fewer_threads_which_stay_where_they_help() -> None:
    watch = Watch(4)
    work(watch, 1000, 6)
    work(watch, 100, 1.5)
    assert watch.threads == 2
    work(watch, 300, 1.5)
    assert watch.threads == 2
    assert "2 of 4 threads" in watch.notices.popleft()


def test_fewer_threads_that_do_not_help_are_taken_back() -> None:
    watch = Watch(4)
    work(watch, 1000, 6)
    work(watch, 100, 1.5)
    work(watch, 90, 1.5)
    assert watch.threads == 4
    assert not watch.notices
    work(watch, 100, 20)
    assert watch.threads == 4  # not tried again and again


def test_all_threads_come_back_when_the_cores_are_free() -> None:
    watch = Watch(4)
    work(watch, 1000, 6)
    work(watch, 100, 1.5)
    work(watch, 300, 1.5)
    watch.notices.clear()
    for _ in range(600):
        work(watch, 900 if watch.threads == 4 else 450, 0.1)
    assert watch.threads == 4
    assert "all 4 threads" in watch.notices.popleft()


def test_work_for_fewer_contexts_is_no_collapse() -> None:
    watch = Watch(4)
    work(watch, 1000, 6)
    work(watch, 200, 20, active=1)
    assert watch.threads == 4


def test_lock_step_work_leaves_busy_cores_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(4)
    for running, wanted in [(1, 4), (2, 3), (4, 1), (9, 1)]:
        monkeypatch.setattr("localsynth.engine.watch.running", lambda running=running: running)
        assert watch.in_step() == wanted
