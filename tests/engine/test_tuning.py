"""Tuning as a whole: files come and go, the winner is kept, and a failure changes nothing."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from localsynth.core.contracts import Message, SampleRequest
from localsynth.core.errors import EngineDied, ModelError
from localsynth.core.grammar import Number
from localsynth.engine import open_engine, tuning
from localsynth.engine.catalog import Catalog, Model
from localsynth.engine.gguf import read_header
from localsynth.engine.layout import layout_for
from localsynth.engine.machine import Machine
from localsynth.engine.placing import sha256_of
from localsynth.engine.search import Trial
from localsynth.engine.setup import Setup
from localsynth.engine.tuned import TunedFile, tuned_name, tuned_path
from localsynth.engine.tuning import memory_needed, tune
from localsynth.engine.workload import Open
from tests.engine.tuning_kit import install, pretend, tiny

HERE = Machine("Some CPU", 4)
SPEED = {"Q4_1": 50, "Q4_0": 200, "Q8_0": 90, "BF16": 100}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(tuning, "this_machine", lambda: HERE)
    monkeypatch.setattr(tuning, "free_memory", lambda: 10**10)
    monkeypatch.setattr(tuning, "requantize", make)
    return install(tmp_path / "models")


def make(_source: Path, target: Path, quantization: str, **_: object) -> None:
    target.write_bytes(tiny(quantization))


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Engines whose speed depends on the file; two contexts are best, and Q4_0 is far from the original."""

    def cost(path: Path, setup: Setup) -> float:
        return (1.0 if setup.contexts == 2 else 1.5) / SPEED[read_header(path).quantization]

    return pretend(
        monkeypatch, cost, lambda path: -1.6 if read_header(path).quantization == "Q4_0" else -1.01
    )


def names(model: Model) -> set[str]:
    return {path.name for path in (model.folder / "tuned").iterdir()}


def test_the_winner_is_kept_and_the_others_are_not(model: Model, opens: Open) -> None:
    told: list[Trial] = []
    found = tune(model, told=told.append, open=opens)
    name = tuned_name("own", "BF16", model.sha256)
    assert name == f"own-BF16-{model.sha256[:8]}.gguf"
    assert names(model) == {name}
    assert found.trials == tuple(told)
    assert found.winner.quantization == "BF16"
    entry = TunedFile(model.folder).get("own")
    assert entry == found.entry
    assert (entry.file, entry.machine, entry.original) == (name, HERE, model.sha256)
    assert (entry.setup.threads, entry.setup.contexts) == (4, 2)
    assert entry.rows_per_s == pytest.approx(100)
    assert entry.tokens_per_s == pytest.approx(1000)
    path = tuned_path(model.folder, name)
    assert (entry.sha256, entry.size) == (sha256_of(path), path.stat().st_size)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    layout = layout_for(model, machine=HERE)
    assert (layout.file, layout.setup, layout.notes) == (name, entry.setup, ())
    assert [one.name for one in Catalog(model.folder).list() if one.installed] == ["own"]
    assert not list(model.folder.glob(".incoming-*"))


def test_a_file_that_distorts_is_shown_and_does_not_win(model: Model, opens: Open) -> None:
    found = tune(model, open=opens)
    (fastest,) = [trial for trial in found.trials if trial.quantization == "Q4_0"]
    assert fastest.measured is not None
    assert fastest.measured.rows_per_s > 100
    assert (fastest.measured.divergence or 0) > 0.02
    assert fastest.note == "too far from the original"


def test_all_files_can_be_kept_and_go_with_the_next_tuning(model: Model, opens: Open) -> None:
    tune(model, keep=True, open=opens)
    assert names(model) == {tuned_name("own", q, model.sha256) for q in ("Q4_0", "Q8_0", "BF16")}
    tune(model, open=opens)
    assert names(model) == {tuned_name("own", "BF16", model.sha256)}


def test_where_the_model_s_own_file_wins_nothing_is_kept(
    model: Model, opens: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(model, open=opens)
    monkeypatch.setitem(SPEED, "Q4_1", 1000)
    found = tune(model, open=opens)
    assert (found.entry.file, found.entry.sha256, found.entry.quantization) == (None, model.sha256, "Q4_1")
    assert names(model) == set()
    assert layout_for(model, machine=HERE).open(model) == model.path


def test_what_does_not_fit_is_a_line_of_the_table(
    model: Model, opens: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(source: Path, target: Path, quantization: str, **options: object) -> None:
        if quantization == "Q8_0":
            raise ModelError("needs 9 MB of disk")
        make(source, target, quantization, **options)

    monkeypatch.setattr(tuning, "requantize", fails)
    header = read_header(model.path)
    monkeypatch.setattr(
        tuning, "estimated_size", lambda _, quantization: 10**11 if quantization == "BF16" else 100
    )
    found = tune(model, open=opens)
    notes = {trial.quantization: trial.note for trial in found.trials if trial.note}
    assert notes["Q8_0"] == "not made: needs 9 MB of disk"
    assert notes["BF16"] == "needs 100.3 GB of memory, 10.0 GB are free"
    assert found.entry.file is None
    more = memory_needed(0, header, Setup(4, 4)) - memory_needed(0, header, Setup(4, 1))
    assert more == 3 * Setup(4).side_cells * (header.kv_bytes_per_token or 0) > 0


@pytest.mark.parametrize("error", [EngineDied("dead"), KeyboardInterrupt()])
def test_a_failure_leaves_everything_as_it_was(
    model: Model, opens: Open, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tune(model, open=opens).entry
    there = names(model)

    def breaks(path: Path, setup: Setup) -> object:
        if isinstance(error, KeyboardInterrupt) and path == model.path:
            return opens(path, setup)
        raise error

    with pytest.raises(type(error)):
        tune(model, open=breaks)  # type: ignore[arg-type]
    assert TunedFile(model.folder).get("own") == before
    assert names(model) == there
    assert not list(model.folder.glob(".incoming-*"))


def test_a_damaged_record_is_told_before_anything_is_measured(model: Model) -> None:
    TunedFile(model.folder).path.write_text("= damaged")

    def never(*_: object) -> object:
        raise AssertionError("measured")

    with pytest.raises(ModelError, match="not valid TOML"):
        tune(model, open=never)  # type: ignore[arg-type]


def test_a_changed_model_is_not_tuned(model: Model, opens: Open) -> None:
    model.path.write_bytes(tiny("Q8_0"))
    with pytest.raises(ModelError, match="has changed"):
        tune(model, open=opens)


def test_a_folder_nobody_may_write(model: Model, opens: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tuning, "staging", full)
    with pytest.raises(ModelError, match="No space left"):
        tune(model, open=opens)


@pytest.mark.model
def test_the_embedded_model_is_tuned_and_opened(
    embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(tmp_path / "models")
    model = catalog.add(embedded_model)
    told: Callable[..., None] = lambda *_: None  # noqa: E731
    found = tune(model, seconds=1, keep=True, progress=told)
    apart = {t.quantization: t.measured.divergence for t in found.trials if t.measured is not None}
    assert set(apart) == {"Q4_1", "Q4_0", "Q8_0", "BF16"}
    assert apart["Q4_1"] == 0
    assert max(apart["Q8_0"] or 0, apart["BF16"] or 0) < 0.005 < (apart["Q4_0"] or 0)
    assert all(t.measured.tokens_per_s > 0 for t in found.trials if t.measured is not None)
    # Whatever won here today, a re-quantized file is what must open.
    name = tuned_name(model.name, "Q8_0", model.sha256)
    path = tuned_path(model.folder, name)
    entry = found.entry.model_copy(
        update={
            "quantization": "Q8_0",
            "file": name,
            "sha256": sha256_of(path),
            "size": path.stat().st_size,
            "setup": Setup(2, 2, lanes=8),
        }
    )
    TunedFile(model.folder).put(model.name, entry)
    engine = open_engine(model)
    try:
        assert engine.info().notes == ()
        assert engine.info().setup.startswith("2 contexts of 1 thread, 8 lanes")
        (sample,), _ = engine.sample([SampleRequest((Message("user", "A number."),), Number(1, 9), n=5)])
        assert len(sample.texts) == 5
    finally:
        engine.close()
