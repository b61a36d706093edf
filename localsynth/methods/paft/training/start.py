"""The parent's side of training: starts the child, tells how far it is, and takes the adapter. No torch is imported here."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from localsynth.core.errors import OverMemory, RunError
from localsynth.engine.child import beyond_memory, finding_us
from localsynth.sealed import command

from .job import CORPUS
from .pace import SPIN, idle

__all__ = ["ADAPTER", "ENDED", "EXTRA", "KEPT", "Outcome", "can_train", "forget", "train_in_child"]

ADAPTER = "adapter.gguf"
#: How a training ended that ended well.
ENDED = "ended.json"
#: Where a training goes on, or what it came to: the adapter can be written again from it.
KEPT = "kept.pt"
EXTRA = "pip install 'localsynth[finetune]'"
_LOG = "training.log"
_PATIENCE_S = 0.25
_MOST_CHANGES = 6  # each costs the time to load the model


@dataclass(frozen=True)
class Outcome:
    """adapter : the GGUF file. curve : per epoch the loss of held-out and of train rows, nats per row. best : the epoch kept.
    why : training ended. seconds : of training, over all its processes.
    """

    adapter: Path
    curve: tuple[dict[str, float], ...]
    best: int
    why: str
    seconds: float


def can_train() -> bool:
    """Whether the extra is installed; nothing of it is imported."""
    return all(find_spec(name) is not None for name in ("torch", "transformers", "peft", "gguf"))


def train_in_child(folder: Path, tell: Callable[[dict[str, Any]], None]) -> Outcome:
    """Train what :func:`~localsynth.methods.paft.training.job.write_job` left in ``folder``, or go on with it.

    tell : gets each message of the child, and an empty one several times a second; what it raises ends the child, which has
    kept where it was. Raises ``RunError`` where training fails.

    An adapter that was taken away after training ended is written again, byte for byte, and nothing is trained.
    """
    if (folder / ENDED).exists() and (folder / ADAPTER).exists():
        return _outcome(folder, json.loads((folder / ENDED).read_text(encoding="utf-8")))
    log, last = folder / _LOG, {"what": "again", "spin": idle(os.getloadavg()[0], os.cpu_count() or 1)}
    for _ in range(_MOST_CHANGES):
        last = _once(folder, log, tell, spin=bool(last["spin"]))
        if last["what"] != "again":
            return _outcome(folder, last)
    return _outcome(folder, _once(folder, log, tell, spin=None))


def forget(folder: Path) -> str:
    """Remove what holds the rows, or was learnt from them, once nothing goes on from it any more.

    Gives in words what could not be removed, or nothing.
    """
    for name in (CORPUS, KEPT):
        for path in (folder / name, folder / f"{name}.new"):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                return f"{path} cannot be removed: {error.strerror}; it holds what was learnt from: remove it"
    return ""


def _once(
    folder: Path, log: Path, tell: Callable[[dict[str, Any]], None], *, spin: bool | None
) -> dict[str, Any]:
    """One process; its last message. spin : how its threads wait, for good where ``None``."""
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        process = _spawn(folder, file, spin)
        last: dict[str, Any] = {}
        try:
            for message in _messages(process):
                last = message or last
                tell(message)
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
    if process.returncode or last.get("what") not in {"done", "again"}:
        raise _failure(process.returncode, log, last)
    return last


def _outcome(folder: Path, told: Mapping[str, Any]) -> Outcome:
    return Outcome(
        folder / ADAPTER, tuple(told["curve"]), int(told["best"]), str(told["why"]), float(told["seconds"])
    )


def _spawn(folder: Path, log: IO[bytes], spin: bool | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("localsynth.methods.paft.training.child", os.fspath(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env=_environment(spin),
        start_new_session=True,  # Ctrl+C in the terminal is the parent's to judge
    )


def _environment(spin: bool | None) -> dict[str, str]:
    environment = dict(os.environ)
    if not spin:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    environment[SPIN] = "" if spin is None else str(int(spin))
    # Nothing is looked up, loaded or told over the network, whatever the libraries would like to.
    environment |= {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    return finding_us(environment)


def _messages(process: subprocess.Popen[bytes]) -> Any:
    """Each line of the child's as it comes, and nothing ({}) whenever none came for a while."""
    assert process.stdout is not None
    fd, rest = process.stdout.fileno(), b""
    while True:
        ready, _, _ = select.select([fd], [], [], _PATIENCE_S)
        if not ready:
            yield {}
            continue
        part = os.read(fd, 1 << 16)
        if not part:
            return
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _failure(code: int, log: Path, last: dict[str, Any]) -> RunError | OverMemory:
    beyond = beyond_memory("training", log, said=str(last.get("message", "")))
    if beyond is not None:
        return beyond
    if last.get("what") == "failed":
        return RunError(str(last["message"]), str(last["hint"]))
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    memory = "; was there memory enough?" if code == -signal.SIGKILL else ""
    return RunError(
        f"the training process {how}{memory}",
        f"its log is {log}; `localsynth runs resume` goes on where it was",
    )
