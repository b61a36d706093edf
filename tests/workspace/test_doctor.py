"""The doctor looks for itself."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.engine import open_engine
from localsynth.workspace import offline

LINUX = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@LINUX
def test_a_socket_is_found() -> None:
    before = offline.sockets(os.getpid())
    with socket.socket() as one:
        assert set(offline.sockets(os.getpid())) - set(before) == {one.fileno()}
        finding = offline.open_sockets(open_engine(None))
        assert finding.state == "bad"
        assert f"fd {one.fileno()}" in finding.found or str(one.fileno()) in finding.found
    assert offline.sockets(os.getpid()) == before


def test_without_proc_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: int) -> list[int]:
        raise FileNotFoundError

    monkeypatch.setattr(offline, "sockets", missing)
    finding = offline.open_sockets(None)
    assert finding.state == "note"
    assert "cannot be looked at" in finding.found


def test_a_damaged_workspace_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "none"))
    space = Workspace(tmp_path / "ws").init()
    found = {finding.what: finding for finding in space.doctor()}
    assert found["workspace"].state == "ok"
    assert found["engine"].state == "ok"  # the engine without a model
    (tmp_path / "ws" / "workspace.duckdb").write_bytes(b"not a database" * 1000)
    found = {finding.what: finding for finding in space.doctor()}
    assert found["workspace"].state == "bad"


@pytest.mark.model
def test_the_engine_s_process_is_looked_at_too(embedded_model: Path, tmp_path: Path) -> None:
    found = {finding.what: finding for finding in Workspace(tmp_path / "ws").doctor()}
    assert "the engine's process" in found["sockets"].found
    assert found["engine"].state == "ok"
