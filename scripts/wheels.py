"""The wheels of requirements.lock in a folder that stays, ``~/.cache/localsynth/wheels``: fetched once, then taken from
there without a network. llama-cpp-python is not among them: it is compiled (llama.sh).

    .venv/bin/python scripts/wheels.py     installs them into .venv
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
COMPILED = "llama-cpp-python"


def without_compiled(lock: str) -> str:
    """The lock's text without the one package that is built from source."""
    kept, wanted = [], True
    for line in lock.splitlines(keepends=True):
        if not line.startswith((" ", "#")):  # a package; its hashes and reasons follow, indented
            wanted = not line.startswith(f"{COMPILED}==")
        if wanted:
            kept.append(line)
    return "".join(kept)


def folder() -> Path:
    """Where the wheels stay; a temporary folder where the home is missing or may not be written."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    place = (Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache") / "localsynth" / "wheels"
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="localsynth-wheels-"))
    return place


def take(python: Path, *command: str) -> None:
    """Run pip's ``command`` (install, or download) on the wheels, with ``python``'s pip and for its version.

    Those that are missing or damaged are fetched first. Raises :class:`subprocess.CalledProcessError`.
    """
    place = folder()
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        lock = Path(temporary) / "requirements.lock"
        lock.write_text(without_compiled(LOCK.read_text("utf-8")), "utf-8")
        pip = [str(python), "-m", "pip"]
        exactly = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(lock)]
        # isolated: from this folder alone, whatever else pip is set up for
        offline = [*pip, "--isolated", *command, "--no-index", "--find-links", str(place), *exactly]
        if subprocess.run(offline, capture_output=True, check=False).returncode == 0:
            return
        _drop_strangers(place, lock.read_text("utf-8"))
        # Moved in when whole, so that who installs from the folder meanwhile never meets half a file.
        new = Path(temporary) / "new"
        new.mkdir()
        for wheel in place.glob("*.whl"):
            shutil.copy(wheel, new)  # what lies where it would be put is not fetched
        subprocess.run([*pip, "download", "-q", "--no-cache-dir", "-d", str(new), *exactly], check=True)
        for wheel in new.iterdir():
            wheel.replace(place / wheel.name)
        subprocess.run(offline, check=True)


def _drop_strangers(place: Path, lock: str) -> None:
    """Delete what the lock does not name: damaged files, which pip would not fetch again, and old versions."""
    for wheel in place.glob("*.whl"):
        if f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" not in lock:
            wheel.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        take(Path(sys.executable), "install")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
