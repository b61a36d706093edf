"""Events read in pieces are those that were written; who watches sees the newest rows, and only prompts that are allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth import Workspace
from localsynth.core.errors import NotFound, PolicyError, StoreError
from localsynth.core.events import Notice, encode
from localsynth.runs.bus import read_events
from localsynth.runs.lock import RunLock


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=200), st.just("torn")), max_size=12),
    st.integers(1, 400),
    st.booleans(),
)
def test_pieces_make_the_whole(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], most: int, torn: bool
) -> None:
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    events = [Notice("r", 1.0, text) for text in texts if text != "torn"]
    lines = ['{"type": "notice", "te' if text == "torn" else encode(Notice("r", 1.0, text)) for text in texts]
    path.write_bytes("".join(f"{one}\n" for one in lines).encode("utf-8", "replace") + b'{"half' * torn)
    found, offset = [], 0
    while True:
        some, after = read_events(path, offset, most)
        if after == offset:
            break
        assert after - offset <= max(most, 1) + max(len(one.encode("utf-8", "replace")) + 1 for one in lines)
        found, offset = found + some, after
    assert found == read_events(path)[0]
    assert [one.text.encode("utf-8", "replace") for one in found if isinstance(one, Notice)] == [
        one.text.encode("utf-8", "replace") for one in events
    ]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("space")
    (folder / "few.csv").write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
    ws = Workspace(folder / "ws")
    ws.import_file(folder / "few.csv")
    (folder / "r.toml").write_text('rows = 30\n[dataset]\nname = "few"\n[method]\nname = "bootstrap"\n')
    ws.run(folder / "r.toml")
    return ws


def test_the_newest_rows_come_first(space: Workspace) -> None:
    run = space.get_run("last")
    newest = space.newest(run, rows=7, columns=1)
    assert newest.run == run
    assert newest.numbers == [30, 29, 28, 27, 26, 25, 24]
    assert newest.rows.to_pylist() == space.rows_arrow(run).select(["a"]).to_pylist()[:22:-1]
    assert len(space.newest(run, rows=500).numbers) == 30


def test_who_makes_it_and_what_was_said(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = space.get_run("last")
    heard = space.listen(run)
    assert (heard.maker, heard.more) == (None, False)
    assert heard.offset == space.events_file(run).stat().st_size
    assert heard.events[-1].type == "run_ended"
    assert space.listen(run, heard.offset).events == ()
    with RunLock(space.events_file(run).parent, run.run_id):
        assert space.listen(run).maker is not None

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("localsynth.workspace.watching.read_events", refused)
    with pytest.raises(StoreError, match=r"cannot read .*: no permission"):
        space.listen(run)


def test_a_prompt_is_shown_where_the_policy_allows_it(space: Workspace) -> None:
    run = space.get_run("last")
    assert space.last_prompt(run) is None  # no model was asked
    space.set_policy("few", "statistics")
    try:
        with pytest.raises(
            PolicyError, match="hold rows, and the policy of 'few' allows no more than: statistics"
        ):
            space.last_prompt(run)
    finally:
        space.set_policy("few", "rows")


def test_a_run_that_is_gone(space: Workspace, tmp_path: Path) -> None:
    from dataclasses import replace

    gone = replace(space.get_run("last"), run_id="gone")
    assert space.listen(gone).events == ()
    with pytest.raises(NotFound):
        space.newest(gone)
