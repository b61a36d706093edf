"""``tuned.toml`` and what of it is used when a model is opened."""

from __future__ import annotations

import stat
import tempfile
from dataclasses import asdict, replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.errors import ModelError, ModelNotInstalled
from localsynth.engine import layout as layout_module
from localsynth.engine.catalog import Catalog, Model
from localsynth.engine.gguf import read_header
from localsynth.engine.layout import Layout, kv_bytes, layout_for, layout_from, resized
from localsynth.engine.machine import Machine
from localsynth.engine.setup import Setup, default_setup
from localsynth.engine.tuned import Tuned, TunedFile, forget, read_setup, tuned_name, tuned_path
from tests.engine.tuning_kit import entry_for, install

HERE = Machine("Some CPU (R)", 4)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return install(tmp_path / "models")


# --- the record -----------------------------------------------------------------------------------------------------

hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
setups = st.builds(
    lambda threads, share, **rest: Setup(threads, max(1, threads * share // 100), **rest),
    st.integers(1, 512),
    st.integers(0, 100),
    lanes=st.integers(1, 256),
    cells=st.integers(1, 2**20),
    side_cells=st.integers(1, 2**20),
    flash_attention=st.booleans(),
    gpu_layers=st.integers(-1, 200),
    batch=st.integers(1, 4096),
)
entries = st.builds(
    Tuned,
    original=hexes,
    quantization=st.text(min_size=1, max_size=20),
    file=st.none() | st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}\.gguf", fullmatch=True),
    sha256=hexes,
    size=st.integers(0, 2**50),
    cpu=st.text(max_size=40),
    cores=st.integers(1, 512),
    tokens_per_s=st.floats(0, 1e6),
    rows_per_s=st.floats(0, 1e6),
    tuned_at=st.datetimes(timezones=st.just(UTC)),
    setup=setups,
)


@given(st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True), entries, max_size=3))
def test_entries_round_trip(models: dict[str, Tuned]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = TunedFile(Path(folder))
        for name, entry in models.items():
            file.put(name, entry)
        assert file.all() == models
        for name, entry in models.items():
            assert file.drop(name) == entry
            assert file.get(name) is None
        assert file.all() == {}


def test_the_file_is_private_and_replaced_whole(model: Model) -> None:
    file = TunedFile(model.folder)
    assert file.all() == {}
    assert file.drop("own") is None
    assert not file.path.exists()
    file.put("own", entry_for(model, HERE))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.path.read_text().startswith("# Written by")
    assert not list(model.folder.glob(".tuned-*"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("contexts = 4", "contexts = 9", "9 contexts cannot share 4 threads"),
        ("contexts = 4", "contexts = 0", "'contexts' is 0"),
        ("contexts = 4", "contexts = '4'", "not a whole number"),
        ("contexts = 4", "contexts = true", "not a whole number"),
        ("flash_attention = false", "flash_attention = 0", "true or false"),
        ("lanes = 32", "lains = 32", "'lains' is no part"),
        ("threads = 4", "", "'threads' is missing"),
        ("cells = 8192", "cells = -1", "at least 1"),
        ('quantization = "Q8_0"', "quantization = 8", "models.own.quantization"),
        ("cores = 4", "cores = 0", "models.own.cores"),
        ('file = "', 'file = "../', "models.own.file"),
        ("tuned_at = 2026", "tuned_at = 20", "not valid TOML"),
        ("[models.own]", "[models.own", "not valid TOML"),
        ("[models.own]", "[other]\n[models.own]", "other"),
        ("sha256 = ", "sha265 = ", "sha2"),
    ],
)
def test_a_file_broken_by_hand_is_an_error_with_a_hint(model: Model, old: str, new: str, says: str) -> None:
    file = TunedFile(model.folder)
    file.put("own", entry_for(model, HERE))
    text = file.path.read_text()
    assert old in text
    file.path.write_text(text.replace(old, new, 1))
    for act in (file.all, lambda: layout_for(model), lambda: forget(model.folder, "own", model.sha256)):
        with pytest.raises(ModelError, match=r"tuned\.toml") as caught:
            act()
        assert says in str(caught.value)
        assert "delete it" in caught.value.hint


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"\0" * 100, b"= = =", b"models = 3", b"[[models]]", b"a = " + b"[" * 9999]
)
def test_a_damaged_file_is_an_error(model: Model, data: bytes) -> None:
    TunedFile(model.folder).path.write_bytes(data)
    with pytest.raises(ModelError, match=r"tuned\.toml"):
        TunedFile(model.folder).all()


def test_a_folder_nobody_may_write(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="cannot be written"):
        TunedFile(tmp_path / "none").put("own", entry_for(model, HERE))
    folder = tmp_path / "dir"
    (folder / "tuned.toml").mkdir(parents=True)
    with pytest.raises(ModelError, match="cannot be read"):
        TunedFile(folder).all()


def test_forgetting_and_removing_take_the_files_along(model: Model) -> None:
    file = TunedFile(model.folder)
    other = install(model.folder, "other", "Q8_0")
    for one in (model, other):
        file.put(one.name, entry_for(one, HERE, "BF16"))
        entry_for(one, HERE, "Q4_0")  # as kept by --keep
        layout_for(one, machine=HERE)
    forgot = forget(model.folder, model.name, model.sha256)
    assert forgot is not None
    assert forgot.quantization == "BF16"
    left = {path.name for path in (model.folder / "tuned").iterdir()}
    assert left == {tuned_name("other", q, other.sha256) for q in ("BF16", "Q4_0")}
    assert forget(model.folder, model.name, model.sha256) is None
    assert "own/" not in (model.folder / "registry.toml").read_text()
    Catalog(model.folder).remove("other")
    assert file.all() == {}
    assert list((model.folder / "tuned").iterdir()) == []
    assert "other" not in (model.folder / "registry.toml").read_text()


# --- what is opened -------------------------------------------------------------------------------------------------


def test_without_an_entry_the_default(model: Model) -> None:
    found = layout_for(model, machine=HERE)
    assert found == Layout(
        None, model.sha256, model.size, default_setup(model.size, 4, kv_bytes(read_header(model.path)))
    )
    assert layout_for(model, 2, HERE).setup.threads == 2
    assert found.open(model) == model.path


def test_what_tuning_found_is_used_where_it_fits(model: Model) -> None:
    entry = entry_for(model, HERE)
    TunedFile(model.folder).put("own", entry)
    found = layout_for(model, machine=HERE)
    assert (found.file, found.sha256, found.setup, found.notes) == (entry.file, entry.sha256, entry.setup, ())
    assert found.open(model) == tuned_path(model.folder, str(entry.file))
    assert layout_for(model, 2, HERE).setup == replace(entry.setup, threads=2, contexts=2)
    TunedFile(model.folder).put("own", own_wins(model, entry))
    found = layout_for(model, machine=HERE)
    assert (found.open(model), found.setup, found.notes) == (model.path, entry.setup, ())


def own_wins(model: Model, entry: Tuned) -> Tuned:
    return entry.model_copy(update={"file": None, "sha256": model.sha256, "size": model.size})


def test_an_entry_that_does_not_fit_is_told(model: Model) -> None:
    file, entry = TunedFile(model.folder), entry_for(model, HERE)
    path = tuned_path(model.folder, str(entry.file))
    plain = layout_for(model, machine=HERE)

    def note(entry: Tuned, machine: Machine = HERE) -> str:
        file.put("own", entry)
        found = layout_for(model, machine=machine)
        assert replace(found, notes=()) == replace(
            plain, setup=layout_module._plain(model, machine.cores).setup
        )
        (text,) = found.notes
        assert "models tune own" in text
        return text

    assert "another machine (Some CPU (R), 4 cores; this is Some CPU (R), 2 cores)" in note(
        entry, Machine(HERE.cpu, 2)
    )
    assert "another machine" in note(entry, Machine("Other", 4))
    assert "another file of that name" in note(entry.model_copy(update={"original": "0" * 64}))
    assert "another file than the model's own" in note(entry.model_copy(update={"file": None}))
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert "has changed" in note(entry)
    path.write_bytes(data[:-1] + b"x")
    assert "has changed" in note(entry)
    path.unlink()
    assert "is gone" in note(entry)
    path.write_bytes(data)
    file.put("own", entry)
    assert layout_for(model, machine=HERE).notes == ()


def test_the_file_is_read_once(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    TunedFile(model.folder).put("own", entry_for(model, HERE))
    layout_for(model, machine=HERE)

    def never(*_: object) -> str:
        raise AssertionError("read again")

    monkeypatch.setattr("localsynth.engine.catalog.sha256_of", never)
    assert layout_for(model, machine=HERE).file is not None


def test_this_machine_is_asked_by_default(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    TunedFile(model.folder).put("own", entry_for(model, HERE))
    assert layout_for(model).notes
    monkeypatch.setattr(layout_module, "this_machine", lambda: HERE)
    assert layout_for(model).file


@given(setups, st.integers(1, 512))
def test_another_number_of_threads_is_shared_evenly(setup: Setup, threads: int) -> None:
    found = resized(setup, threads)
    assert found.threads == threads
    assert 1 <= found.contexts <= threads
    if threads != setup.threads:
        assert threads % found.contexts == 0
        assert (found.contexts == 1) or setup.contexts > 1
    assert replace(found, threads=1, contexts=1) == replace(setup, threads=1, contexts=1)
    assert resized(setup, None) == setup


# --- what a run records ---------------------------------------------------------------------------------------------


@given(hexes, st.integers(0, 2**50), setups, st.none() | st.just("own-Q8_0-12345678.gguf"))
def test_layouts_round_trip(sha256: str, size: int, setup: Setup, file: str | None) -> None:
    one = Layout(file, sha256, size, setup, ("a note",))
    assert layout_from(one.to_json()) == replace(one, notes=())
    assert read_setup(asdict(setup)) == setup


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"weights": {"file": null, "sha256": "a", "size": 1}}', "[" * 9999]
    + [
        f'{{"weights": {{"file": {file}, "sha256": "a", "size": {size}}}, "setup": {setup}}}'
        for file, size, setup in (
            ('"../x.gguf"', 1, '{"threads": 4}'),
            ('"/x.gguf"', 1, '{"threads": 4}'),
            ("3", 1, '{"threads": 4}'),
            ("null", '"1"', '{"threads": 4}'),
            ("null", 1, '{"threads": 0}'),
            ("null", 1, "[4]"),
        )
    ],
)
def test_what_is_no_record_of_a_layout(text: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        layout_from(text)


def test_opening_what_was_recorded(model: Model) -> None:
    entry = entry_for(model, HERE)
    made = Layout(entry.file, entry.sha256, entry.size, entry.setup)
    own = Layout(None, model.sha256, model.size, entry.setup)
    assert layout_from(made.to_json()).open(model).name == entry.file
    assert layout_from(own.to_json()).open(model) == model.path
    with pytest.raises(ModelError, match="another file than the one that was used"):
        replace(own, sha256="0" * 64).open(model)
    forget(model.folder, model.name, model.sha256)
    with pytest.raises(ModelNotInstalled):
        layout_from(made.to_json()).open(model)
