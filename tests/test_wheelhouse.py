"""The folder that is carried to a machine without a network: packed, damaged, refused, installed, and used."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSION = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scripts ``wheelhouse`` and ``wheels``, as modules."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("wheelhouse"), importlib.import_module("wheels")


def tiny_wheel(folder: Path, version: str = "1.0", name: str = "tiny") -> Path:
    """A package of one empty module, without dependencies."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},{digest(text.encode())},{len(text)}\n" for file, text in contents.items())
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**contents, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(file, text)
    return path


def digest(data: bytes) -> str:
    """As RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@pytest.fixture
def carried(tmp_path: Path, scripts: Any) -> Path:
    """A wheelhouse with one small wheel."""
    folder = tmp_path / "stick"
    folder.mkdir()
    tiny_wheel(folder / "wheels")
    pack(scripts, folder)
    return folder


def pack(scripts: Any, folder: Path, **changes: object) -> None:
    about = {"localsynth": "0", "python": VERSION, "system": platform.system(), "machine": platform.machine()}
    scripts[0].seal(folder, {**about, "glibc": "", "processor": [], "model": None, **changes}, native=True)


def install(folder: Path, *arguments: object, **environment: str) -> tuple[int, str]:
    """Exit code and words of install.sh."""
    words = [str(argument) for argument in arguments]
    done = subprocess.run(
        ["sh", str(folder / "install.sh"), *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr + done.stdout


def error(said: str) -> str:
    [line] = [line for line in said.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")


# --- what is refused ------------------------------------------------------------------------------------------------


def test_one_byte_changed(carried: Path, tmp_path: Path) -> None:
    [wheel] = (carried / "wheels").iterdir()
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    code, said = install(carried, tmp_path / "dest")
    assert code == 1
    assert error(said).startswith(f"wheels/{wheel.name} is not the file that was packed: its sha256 is ")
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize("name", ["wheels/tiny-1.0-py3-none-any.whl", "requirements.lock", "README.txt"])
def test_a_file_missing(carried: Path, tmp_path: Path, name: str) -> None:
    (carried / name).unlink()
    code, said = install(carried, tmp_path / "dest")
    assert (code, error(said)) == (1, f"{name} is missing")
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize("name", ["SHA256SUMS", "wheelhouse.json", "install.py"])
def test_what_installing_begins_with_is_missing(carried: Path, tmp_path: Path, name: str) -> None:
    (carried / name).unlink()
    code, said = install(carried, tmp_path / "dest")
    assert code == 1
    assert name in error(said)


def test_a_wheel_that_was_put_beside_the_others_is_not_installed(carried: Path, tmp_path: Path) -> None:
    tiny_wheel(carried / "wheels", "2.0")
    code, said = install(carried, tmp_path / "dest")
    assert "llama.cpp does not run" in error(said)  # it came as far as that: this wheelhouse has none
    assert code == 1
    assert not (tmp_path / "dest").exists()  # nothing stays of an installation that failed


def test_what_pip_cannot_install(carried: Path, tmp_path: Path, scripts: Any) -> None:
    (carried / "wheels" / "none-1.0-py3-none-any.whl").write_bytes(b"no archive")
    pack(scripts, carried)
    code, said = install(carried, tmp_path / "dest")
    assert code == 1
    assert error(said).startswith("pip could not install them: ")
    assert not (tmp_path / "dest").exists()


def test_a_destination_that_exists(carried: Path, tmp_path: Path) -> None:
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest" / "mine").write_text("mine")
    code, said = install(carried, tmp_path / "dest")
    assert (code, error(said)) == (1, f"{tmp_path / 'dest'} already exists")
    assert (tmp_path / "dest" / "mine").read_text() == "mine"


def test_another_python(carried: Path, tmp_path: Path) -> None:
    for name in (f"python{VERSION}", "python3"):
        fake = tmp_path / "bin" / name
        fake.parent.mkdir(exist_ok=True)
        fake.write_text("#!/bin/sh\necho 3.9\n")
        fake.chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    code, said = install(carried, tmp_path / "dest", PATH=path, PYTHON="")
    assert code == 1
    assert error(said) == f"these wheels are for Python {VERSION}, and the Python found here is 3.9"
    code, said = install(carried, tmp_path / "dest", PYTHON=str(tmp_path / "nowhere"))
    assert error(said) == f"these wheels are for Python {VERSION}, and no Python was found"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"system": "Plan9"}, "these wheels are for Plan9 on "),
        ({"machine": "vax"}, " on vax, and this is "),
        pytest.param(
            {"glibc": "99.0"},
            "these wheels need glibc 99.0 or newer",
            marks=pytest.mark.skipif(platform.system() != "Linux", reason="glibc is Linux's"),
        ),
        pytest.param(
            {"processor": ["warp_drive"]},
            "this one lacks warp_drive",
            marks=pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux tells"),
        ),
    ],
)
def test_another_machine(
    carried: Path, tmp_path: Path, scripts: Any, changes: dict[str, object], says: str
) -> None:
    pack(scripts, carried, **changes)
    code, said = install(carried, tmp_path / "dest")
    assert code == 1
    assert says in error(said)
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize(("model", "words"), [("smollm2-135m", []), (None, ["--model", "uniform"])])
def test_the_demo_after_installing(tmp_path: Path, model: str | None, words: list[str]) -> None:
    spec = importlib.util.spec_from_file_location("carried", ROOT / "scripts" / "carried" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    installer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installer)
    program = tmp_path / "bin" / "localsynth"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\nexit $(cat {tmp_path}/code)\n')
    program.chmod(0o755)
    (tmp_path / "code").write_text("0")
    installer.demo(tmp_path, {"model": model})
    told = (tmp_path / "told").read_text().split()
    assert told[:2] == ["demo", "--workspace"]
    assert told[3:] == words
    assert not Path(told[2]).parent.exists()
    (tmp_path / "code").write_text("3")
    with pytest.raises(installer.Refused, match="its demo ended with exit code 3"):
        installer.demo(tmp_path, {"model": model})


# --- packing --------------------------------------------------------------------------------------------------------


def test_every_file_has_its_sum(carried: Path) -> None:
    sums = dict(line.split("  ")[::-1] for line in (carried / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(carried).as_posix() for path in carried.rglob("*") if path.is_file()}
    assert set(sums) == files - {"SHA256SUMS"}
    for name, wanted in sums.items():
        assert hashlib.sha256((carried / name).read_bytes()).hexdigest() == wanted
    lock = (carried / "requirements.lock").read_text()
    assert lock == f"tiny==1.0 --hash=sha256:{sums['wheels/tiny-1.0-py3-none-any.whl']}\n"
    assert len((carried / "README.txt").read_text().splitlines()) <= 12


def test_the_openmp_library_travels_in_the_wheel(
    tmp_path: Path, scripts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libgomp.so.1.0.0"
    library.write_bytes(b"a library")
    monkeypatch.setattr(scripts[0], "openmp", lambda: library)
    wheel = tiny_wheel(tmp_path / "wheels")
    scripts[0].carry_openmp(wheel, tmp_path / wheel.name)
    with zipfile.ZipFile(tmp_path / wheel.name) as archive:
        assert archive.testzip() is None
        assert archive.read("llama_cpp/lib/libgomp.so.1") == b"a library"
        record = archive.read("tiny-1.0.dist-info/RECORD").decode().splitlines()
    assert f"llama_cpp/lib/libgomp.so.1,{digest(b'a library')},9" in record
    assert "tiny-1.0.dist-info/RECORD,," in record


def test_a_python_that_is_not_here(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "scripts" / "wheelhouse.py"),
        str(tmp_path / "out"),
        "--python",
        "3.99",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert error(done.stderr) == "there is no Python 3.99 here"
    assert not list(tmp_path.iterdir())


# --- the wheels that stay -------------------------------------------------------------------------------------------


def test_the_lock_without_what_is_compiled(scripts: Any) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    rest = scripts[1].without_compiled(lock)
    left_out = [line for line in lock.splitlines() if line not in set(rest.splitlines())]
    assert left_out[0].startswith("llama-cpp-python==")
    assert all(line.startswith(" ") for line in left_out[1:])
    names = {line.split("==")[0] for line in rest.splitlines() if line[0] not in " #"}
    assert {"duckdb", "numpy", "hatchling"} <= names


def test_fetched_once_and_mended(tmp_path: Path, scripts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels, index, lock = scripts[1], tmp_path / "index", tmp_path / "requirements.lock"
    tiny, other = tiny_wheel(index), tiny_wheel(index, name="other")
    good = {wheel.name: wheel.read_bytes() for wheel in (tiny, other)}
    hashes = [hashlib.sha256(data).hexdigest() for data in good.values()]
    lock.write_text(f"other==1.0 --hash=sha256:{hashes[1]}\ntiny==1.0 \\\n    --hash=sha256:{hashes[0]}\n")
    monkeypatch.setattr(wheels, "LOCK", lock)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    kept = wheels.folder()

    def take(online: bool) -> dict[str, bytes]:
        monkeypatch.setenv("PIP_FIND_LINKS", str(index) if online else "")
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        wheels.take(Path(sys.executable), "download", "-q", "-d", str(out))
        return {wheel.name: wheel.read_bytes() for wheel in out.iterdir()}

    tiny_wheel(kept, "0.9")
    assert take(online=True) == good
    assert {path.name for path in kept.iterdir()} == set(good)  # not the old one
    assert take(online=False) == good
    (kept / tiny.name).write_bytes(good[tiny.name] + b"\0")
    other.write_bytes(b"to be fetched again would be an error")
    assert take(online=True) == good
    assert take(online=False) == good


def test_a_home_that_cannot_be_written(tmp_path: Path, scripts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert scripts[1].folder().parent == tmp_path


# --- all of it, with the network cut --------------------------------------------------------------------------------


def cut_off() -> list[str]:
    """The words before a command that take the network from it; none where this system cannot."""
    command = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]
    if platform.system() != "Linux" or shutil.which("unshare") is None:
        return []
    works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if works else []


@pytest.mark.model
@pytest.mark.timeout(1800)  # a minute on two cores of its own, many where cores are shared
def test_from_an_empty_home_to_rows_without_a_network(tmp_path: Path, scripts: Any) -> None:
    cut = cut_off()
    if not cut:
        pytest.skip("needs Linux and the right to make a network namespace")
    if not list(scripts[1].folder().glob("*.whl")):
        pytest.skip("`make setup` could keep no wheels: the home cannot be written")

    def run(*command: object, **environment: str) -> tuple[int, str]:
        words = [*cut, *map(str, command)]
        done = subprocess.run(
            words, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )
        return done.returncode, done.stdout + done.stderr

    _, devices = run("cat", "/proc/net/dev", PATH=os.environ["PATH"])
    assert [line.split(":")[0].strip() for line in devices.splitlines() if ":" in line] == ["lo"]

    packer = ROOT / "scripts" / "wheelhouse.py"
    code, said = run(sys.executable, packer, tmp_path / "stick", "--native", **os.environ)
    assert code == 0, said
    about = json.loads((tmp_path / "stick" / "wheelhouse.json").read_text())
    assert (about["python"], about["model"]) == (VERSION, "smollm2-135m")

    home = tmp_path / "home"
    home.mkdir()
    bare = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHON": sys.executable, "TMPDIR": str(tmp_path)}
    code, said = run("sh", tmp_path / "stick" / "install.sh", "dest", **bare)
    assert code == 0, said
    assert said.rstrip().endswith("localsynth")  # the third of the commands to type next
    [model] = (home / ".local" / "share" / "localsynth" / "models").glob("*.gguf")
    assert stat.S_IMODE(model.stat().st_mode) == 0o600
    assert not (home / ".cache" / "pip").exists()

    code, said = run(tmp_path / "dest" / "bin" / "localsynth", "demo", "--rows", "30", **bare)
    words = " ".join(said.split())
    assert "30 rows of clinic by text-to-tabular on smollm2-135m" in words
    assert "rows 30 of 30 invalid 0 of 540 cells rule violations 0 (7 rules)" in words
    assert code in {0, 1}, said  # 1: so few rows cannot meet every declared number
