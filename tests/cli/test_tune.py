"""``models tune`` on the command line: data on one stream, talk on the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localsynth.core.errors import EngineDied
from localsynth.engine import tuning
from localsynth.engine.catalog import Model
from localsynth.engine.machine import Machine, this_machine
from localsynth.engine.search import Candidate, Trial
from localsynth.engine.setup import Setup
from localsynth.engine.tuned import Tuned, TunedFile
from localsynth.engine.tuning import Tuning
from localsynth.engine.workload import Measured
from tests.engine.tuning_kit import entry_for, install

Cli = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    return install(tmp_path / "models")


@pytest.fixture
def asked(model: Model, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What tuning was asked for; it finds that BF16 on two contexts is best."""
    seen: list[dict[str, Any]] = []

    def tune(model: Model, *, seconds: float, keep: bool, progress: Any, told: Any) -> Tuning:
        seen.append({"model": model.name, "seconds": seconds, "keep": keep})
        progress("making BF16", 1.0)
        own, made = Candidate("Q4_1", model.path, 10, 5.0), Candidate("BF16", Path("b"), 20, 16.0, "b.gguf")
        trials = (
            Trial("Q4_1", own, Setup(4, 4), Measured(500.0, 50.0, 400, 0.0)),
            Trial("Q4_0", note="not made: no room"),
            Trial("BF16", made, Setup(4, 2, flash_attention=True), Measured(1000.4, 100.0, None, 0.01)),
        )
        for trial in trials:
            told(trial)
        entry = Tuned(
            original=model.sha256,
            quantization="BF16",
            file="b.gguf",
            sha256="0" * 64,
            size=20,
            cpu="X",
            cores=4,
            tokens_per_s=1000.4,
            rows_per_s=100,
            tuned_at=datetime(2026, 1, 1, tzinfo=UTC),
            setup=Setup(4, 2, flash_attention=True),
        )
        return Tuning(model.name, Machine("X", 4), 120, trials, trials[2], entry)

    monkeypatch.setattr(tuning, "tune", tune)
    return seen


def test_a_table(cli: Cli, asked: list[dict[str, Any]]) -> None:
    said = cli("models", "tune")
    assert said.code == 0
    assert asked == [{"model": "own", "seconds": 90, "keep": False}]
    lines = [line.split() for line in said.out.splitlines() if line[:1] != "─"]
    assert lines[0] == ["best", "file", "setup", "rows/s", "tokens/s", "MB", "agreement", "note"]
    assert lines[1] == ["Q4_1", "4", "x", "1,", "16", "lanes", "50.0", "500", "400", "1.0"]
    assert lines[2][:1] == ["Q4_0"]
    assert lines[3][:9] == ["*", "BF16", "2", "x", "2,", "16", "lanes,", "flash", "100.0"]
    assert "2.00 times as fast" in said.err
    assert "making BF16" in said.err
    assert "Q4_0 (not made: no room)" in said.err


def test_json_is_one_object_on_standard_output(cli: Cli, asked: list[dict[str, Any]]) -> None:
    said = cli("models", "tune", "own", "--json", "--seconds", 5, "--keep")
    assert asked == [{"model": "own", "seconds": 5, "keep": True}]
    found = json.loads(said.out)
    assert found["model"] == "own"
    assert found["machine"] == {"cpu": "X", "cores": 4}
    assert found["winner"]["setup"]["contexts"] == 2
    assert [trial["winner"] for trial in found["trials"]] == [False, False, True]
    assert found["trials"][0] == {
        "quantization": "Q4_1",
        "bits_per_weight": 5.0,
        "setup": {**vars(Setup(4, 4))},
        "tokens_per_s": 500.0,
        "rows_per_s": 50.0,
        "memory_mb": 400,
        "agreement": 1.0,
        "note": "",
        "winner": False,
    }
    assert found["trials"][1]["setup"] is None


def test_errors(cli: Cli, model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def dies(*_: object, **__: object) -> Tuning:
        raise EngineDied("the engine process was ended by SIGKILL", "its log is x")

    monkeypatch.setattr(tuning, "tune", dies)
    said = cli("models", "tune")
    assert (said.code, said.out) == (3, "")
    assert "SIGKILL" in said.err
    assert cli("models", "tune", "owm").code == 2
    assert cli("models", "tune", "--seconds", 0).code == 2
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "none"))
    said = cli("models", "tune")
    assert said.code == 3
    assert "no model is installed" in said.err


def test_the_list_says_what_is_tuned_and_forget_drops_it(cli: Cli, model: Model) -> None:
    def listed() -> Any:
        rows = json.loads(cli("models", "list", "--format", "json").out)
        return next(row["tuned"] for row in rows if row["model"] == "own")

    assert listed() == "no"
    TunedFile(model.folder).put("own", entry_for(model, this_machine()))
    assert listed() == "Q8_0"
    said = cli("models", "tune", "--forget")
    assert (said.code, said.out) == (0, "")
    assert "forgot what was found for own: Q8_0" in said.err
    assert listed() == "no"
    assert list((model.folder / "tuned").iterdir()) == []
    assert "own was not tuned" in cli("models", "tune", "--forget").err


def test_a_broken_record_is_an_error_everywhere(cli: Cli, model: Model) -> None:
    TunedFile(model.folder).path.write_text("[models.own]\nsize = 'x'\n")
    for command in (("list",), ("tune",), ("tune", "--forget"), ("remove", "own", "--yes")):
        said = cli("models", *command)
        assert said.code == 3
        assert "tuned.toml is wrong at models.own" in said.err
        assert "hint: mend it, or delete it" in said.err
    assert model.path.exists()
