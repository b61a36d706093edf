"""Makes another quantization of a GGUF file, in a child process: a native abort or a kill is an error, never a crash.

The file llama.cpp writes depends on the source and the type alone, not on the number of threads: made again, it is the
same to the last byte.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from localsynth.sealed import command

from ..core.errors import ModelError
from .child import finding_us
from .gguf import GgufHeader, read_header
from .placing import Progress

__all__ = ["QUANTIZATIONS", "estimated_size", "requantize"]

# Types that processors decode fast, by llama.cpp's number of them (``llama_ftype``).
QUANTIZATIONS = {"Q4_0": 2, "Q8_0": 7, "BF16": 32}

# Bytes for each weight. llama.cpp keeps embeddings finer than Q4_0, up to Q8_0; of small models they are much of the whole.
_BYTES = {"Q4_0": 18 / 32, "Q8_0": 34 / 32, "BF16": 2.0}
_SMALL = 1_000_000_000  # weights
_POLL = 0.2  # seconds between two looks at how far it is
_SPARE = 1 << 20  # bytes of disk that must stay free


def estimated_size(header: GgufHeader, quantization: str) -> int:
    """Bytes the file will have, rather too many than too few."""
    per_weight = _BYTES[quantization]
    if quantization == "Q4_0":
        per_weight = _BYTES["Q8_0"] if header.parameters < _SMALL else per_weight * 1.25
    return header.data_offset + int(header.parameters * per_weight)


def requantize(
    source: Path, target: Path, quantization: str, *, threads: int, progress: Progress | None = None
) -> None:
    """Write ``source`` as ``target`` (0600) in another quantization, one of :data:`QUANTIZATIONS`.

    threads : how many may work on it. progress : called with (what is done, share of it).
    Raises :class:`ModelError` where there is no room or llama.cpp cannot; then there is no ``target``.
    """
    expected = estimated_size(read_header(source), quantization)
    try:
        free = shutil.disk_usage(target.parent).free
        if free < expected + _SPARE:
            raise ModelError(
                f"{quantization} of {source.name} needs {expected / 1e6:,.0f} MB of disk, and {target.parent} has"
                f" {free / 1e6:,.0f} MB left",
                "make room there, or choose another models folder with LOCALSYNTH_MODELS",
            )
        try:
            _make(source, target, quantization, threads, expected, progress)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ModelError(f"{target} cannot be made: {error.strerror or error}") from error


def _make(
    source: Path, target: Path, quantization: str, threads: int, expected: int, progress: Progress | None
) -> None:
    with tempfile.TemporaryFile() as log:
        # The child ends when its input does, which is when this process ends, however that comes about.
        with subprocess.Popen(
            command(__name__, str(source), str(target), quantization, str(threads)),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=finding_us(os.environ),
            start_new_session=True,  # Ctrl+C in the terminal is the parent's to judge
        ) as child:
            try:
                _follow(child, target, f"making {quantization}", expected, progress)
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            raise _failure(source, quantization, child.returncode, log)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    target.chmod(0o600)
    made = read_header(target)  # whole, or this raises
    if made.quantization != quantization:
        raise ModelError(f"llama.cpp made {made.quantization} of {source.name} instead of {quantization}")


def _follow(
    child: subprocess.Popen[bytes], target: Path, what: str, expected: int, progress: Progress | None
) -> None:
    while True:
        try:
            child.wait(_POLL)
        except subprocess.TimeoutExpired:
            if progress is not None:
                size = target.stat().st_size if target.exists() else 0
                progress(what, min(0.99, size / expected))
            continue
        if progress is not None and child.returncode == 0:
            progress(what, 1.0)
        return


def _failure(source: Path, quantization: str, code: int, log: IO[bytes]) -> ModelError:
    what = f"llama.cpp could not make {quantization} of {source.name}"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        hint = (
            "was there memory enough?" if code == -signal.SIGKILL else "`localsynth models verify` checks it"
        )
        return ModelError(f"{what}: its process was ended by {name}", hint)
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "failed" in line] or lines or [f"exit code {code}"]
    return ModelError(f"{what}: {told[-1]}", "`localsynth models verify` checks the file it is made of")


# --- the child ------------------------------------------------------------------------------------------------------


def _end_with_parent() -> None:
    import threading

    def wait() -> None:
        os.read(0, 1)  # not through sys.stdin, whose lock would be missed when Python ends
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Entry point of the child: source, target, quantization, threads."""
    import ctypes

    import llama_cpp as C  # noqa: N812 - the C library

    source, target, quantization, threads = sys.argv[1:]
    os.umask(0o077)
    _end_with_parent()
    C.llama_backend_init()
    params = C.llama_model_quantize_default_params()
    params.ftype = QUANTIZATIONS[quantization]
    params.nthread = int(threads)
    params.allow_requantize = True
    return int(C.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params)))


if __name__ == "__main__":
    sys.exit(main())
