"""Installs localsynth out of the folder this file lies in, without a network; install.sh calls it.

Nothing is installed unless every file is the one in SHA256SUMS, and nothing stays of an installation that failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"


class Refused(Exception):
    """Why it cannot be installed, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def main() -> None:
    """Check, install, tell what to type next."""
    parser = argparse.ArgumentParser(prog="install.sh", description="Installs localsynth without a network.")
    parser.add_argument("dest", metavar="DEST", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--demo", action="store_true", help="make 500 rows afterwards, as `make demo` does")
    options = parser.parse_args()
    dest = options.dest.expanduser().absolute()
    try:
        check_sums(HERE)
        about = json.loads((HERE / "wheelhouse.json").read_text("utf-8"))
        check_machine(about)
        if dest.exists() or dest.is_symlink():
            raise Refused(f"{dest} already exists", "Give a folder that does not, or remove that one.")
        try:
            install(dest, about)
        except BaseException:
            shutil.rmtree(dest, ignore_errors=True)
            raise
        if options.demo:
            demo(dest, about)
    except Refused as refused:
        fail(str(refused), refused.hint)
    except KeyboardInterrupt:
        fail("interrupted")
    say("\nWhat to type next:")
    say(f"  source {shlex.quote(str(dest))}/bin/activate")
    say("  localsynth demo" if about["model"] else "  localsynth demo --model uniform")
    say("  localsynth")


def check_sums(folder: Path) -> None:
    """Every file is there and is the one that was packed."""
    sums = folder / SUMS
    if not sums.is_file():
        raise Refused(f"{SUMS} is missing", "Copy the folder again.")
    lines = sums.read_text("utf-8", errors="replace").splitlines()
    with step(f"checking {len(lines)} files"):
        for line in lines:
            wanted, _, name = line.partition("  ")
            path = folder / name
            if not path.is_file():
                raise Refused(f"{name} is missing", "Copy the folder again.")
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != wanted:
                raise Refused(
                    f"{name} is not the file that was packed: its sha256 is {found[:12]}..., not {wanted[:12]}...",
                    "It was damaged or changed on the way; copy the folder again.",
                )
    say(f"  sha256 of {SUMS}: {hashlib.sha256(sums.read_bytes()).hexdigest()}")


def check_machine(about: dict[str, Any]) -> None:
    """This machine can run what was packed."""
    version = ".".join(platform.python_version_tuple()[:2])
    if (platform.python_implementation(), version) != ("CPython", about["python"]):
        raise Refused(
            f"these wheels are for CPython {about['python']}, and this is {platform.python_implementation()} {version}"
        )
    here = (platform.system(), platform.machine())
    if here != (about["system"], about["machine"]):
        raise Refused(
            f"these wheels are for {about['system']} on {about['machine']}, and this is {here[0]} on {here[1]}",
            "Build the wheelhouse on a machine of this kind.",
        )
    if about["glibc"]:
        name, libc = platform.libc_ver()
        if name != "glibc" or numbers(libc) < numbers(about["glibc"]):
            raise Refused(
                f"these wheels need glibc {about['glibc']} or newer, and this system has {libc or 'none'}",
                "Build the wheelhouse on a system as old as this one.",
            )
    if about["processor"] and (missing := set(about["processor"]) - processor()):
        raise Refused(
            f"llama.cpp was compiled for another processor: this one lacks {', '.join(sorted(missing))}",
            "Build the wheelhouse with --portable, or on a machine like this one.",
        )
    try:
        import ensurepip  # noqa: F401 - Debian's python3 may lack it
        import venv  # noqa: F401
    except ImportError:
        raise Refused(
            "this Python lacks its venv module", f"On Debian and Ubuntu: apt install python{version}-venv"
        ) from None


def numbers(version: str) -> tuple[int, ...]:
    """``2.36`` as (2, 36)."""
    return tuple(int(part) for part in version.split("."))


def processor() -> set[str]:
    """What the processor can do, in the kernel's words."""
    for line in Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.split(":", 1)[1].split())
    return set()


def install(dest: Path, about: dict[str, Any]) -> None:
    """A virtual environment with everything in it, and the model in its place."""
    python = dest / "bin" / "python"
    with step("creating the virtual environment"):
        call("the virtual environment could not be made", sys.executable, "-I", "-m", "venv", str(dest))
    with step("installing the packages"):
        pip = [str(python), "-I", "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input"]
        offline = ["--no-cache-dir", "--no-index", "--find-links", str(HERE / "wheels")]
        exactly = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
        lock = str(HERE / "requirements.lock")
        call("pip could not install them", *pip, "install", "--no-compile", *offline, *exactly, "-r", lock)
    with step("compiling them"):
        # With all cores, which pip does not use. What is left out, or cannot be, is compiled when first used.
        compiling = [str(python), "-I", "-m", "compileall", "-q", "-j", "0", "-x", "/tests/"]
        subprocess.run([*compiling, str(dest / "lib")], capture_output=True, check=False)
    with step("loading llama.cpp"):
        call("llama.cpp does not run on this system", str(python), "-I", "-c", "import llama_cpp")
    if about["model"]:
        with step("installing the model"):
            command = [str(dest / "bin" / "localsynth"), "models", "install", about["model"]]
            call("the model could not be installed", *command, "--from", str(HERE / "models"))


def demo(dest: Path, about: dict[str, Any]) -> None:
    """What ``make demo`` shows, in a workspace that is removed."""
    model = [] if about["model"] else ["--model", "uniform"]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(dest / "bin" / "localsynth"), "demo", "--workspace", folder + "/workspace", *model]
        code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise Refused(f"localsynth is installed, but its demo ended with exit code {code}")


def call(problem: str, *command: str) -> None:
    """Run a command quietly. Raises :class:`Refused` with the last thing it said."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=environment, check=False
    )
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        told = next((line for line in lines if line.lower().startswith("error")), lines[-1] if lines else "")
        raise Refused(f"{problem}: {told or f'exit code {done.returncode}'}")


class step:  # noqa: N801 - used as a word: `with step("checking")`
    """Says what is done, and how long it took."""

    def __init__(self, what: str) -> None:
        say(f"  {what} ...", end=" ")

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, kind: object, *_: object) -> None:
        say("FAILED" if kind else f"done in {time.monotonic() - self._started:.0f} s")


def say(text: str, end: str = "\n") -> None:
    """Talk, on standard error."""
    print(text, file=sys.stderr, end=end, flush=True)


def fail(message: str, hint: str = "") -> NoReturn:
    """End with one sentence and a hint."""
    say(f"error: {message}")
    if hint:
        say(f"hint: {hint}")
    sys.exit(1)


if __name__ == "__main__":
    main()
