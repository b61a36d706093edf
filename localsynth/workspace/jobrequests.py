"""What a job can be asked to do, and the file it is written down in."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from localsynth.core.dataset import check_holdout
from localsynth.core.limits import Limits
from localsynth.core.run import Exposure
from localsynth.core.words import counted

__all__ = [
    "REQUESTS",
    "EvaluateRequest",
    "ImportRequest",
    "Request",
    "ResumeRequest",
    "RunRequest",
    "read_request",
    "write_request",
]

_LARGEST = 32 * 2**20  # bytes: a recipe or schema of 16 MiB, and what JSON makes of it


@dataclass(frozen=True, kw_only=True)
class _Limited:
    """max_minutes, and max_memory in bytes: see :class:`~localsynth.core.limits.Limits`."""

    max_minutes: float | None = None
    max_memory: int | None = None

    @property
    def limits(self) -> Limits:
        """Both."""
        return Limits(self.max_minutes, self.max_memory)


@dataclass(frozen=True, kw_only=True)
class RunRequest(_Limited):
    """As :meth:`Workspace.run`. recipe : its text, as TOML; path : its file, from whose folder relative paths start.
    run_id : the id the run will have, so that it can be named while it waits.

    One of the two is enough. Where both are given and the file says something else, the text counts.
    """

    recipe: str | None = None
    path: str | None = None
    rows: int | None = None
    seed: int | None = None
    model: str | None = None
    threads: int | None = None
    where: str | None = None
    run_id: str | None = None

    @property
    def title(self) -> str:
        """In a few words."""
        return f"run {Path(self.path).stem}" if self.path else "run a recipe"


@dataclass(frozen=True, kw_only=True)
class ResumeRequest(_Limited):
    """As :meth:`Workspace.resume`."""

    run: str = "last"
    as_recorded: bool = False

    @property
    def title(self) -> str:
        """In a few words."""
        return f"resume {self.run}"


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest(_Limited):
    """As :meth:`Workspace.evaluate`. runs : ids; none for the last run."""

    runs: tuple[str, ...] = ()
    against: str | None = None
    metrics: tuple[str, ...] | None = None
    seed: int = 0
    threads: int | None = None
    outside_budget: bool = False

    @property
    def title(self) -> str:
        """In a few words."""
        few = len(self.runs) < 2
        return (
            f"evaluate {' '.join(self.runs) or 'last'}"
            if few
            else f"evaluate {counted(len(self.runs), 'run')}"
        )


@dataclass(frozen=True, kw_only=True)
class ImportRequest(_Limited):
    """As :meth:`Workspace.import_file`. source : a file, or ``sample:NAME``. schema : as TOML; schema_file : or in a file."""

    source: str
    name: str | None = None
    target: str | None = None
    holdout: float = 1 / 3
    policy: str | None = None
    schema: str | None = None
    schema_file: str | None = None
    encoding: str | None = None
    seed: int = 0
    replace: bool = False

    @property
    def title(self) -> str:
        """In a few words."""
        return f"import {Path(self.source).name}"

    def check(self) -> None:
        """Raises ``DatasetError`` for what no file could make right: a policy there is not, or no share to hold out."""
        if self.policy is not None:
            Exposure.parse(self.policy)
        check_holdout(self.holdout)


Request: TypeAlias = RunRequest | ResumeRequest | EvaluateRequest | ImportRequest
#: By the word that says what a job does.
REQUESTS: dict[str, type[Request]] = {
    "run": RunRequest,
    "resume": ResumeRequest,
    "evaluate": EvaluateRequest,
    "import": ImportRequest,
}


def write_request(folder: Path, kind: str, request: Request) -> None:
    """Put it into a job's folder; whoever reads finds the whole of it or nothing. Raises ``OSError``."""
    record = {"kind": kind, "started_at": time.time(), "request": asdict(request)}
    text = json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape")
    half = folder / "request.json.new"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    half.rename(folder / "request.json")


def read_request(folder: Path) -> tuple[str, float, Request]:
    """(kind, when it was asked for in seconds since the epoch, what). Raises ``OSError``, and ``ValueError`` for no request."""
    with (folder / "request.json").open("rb") as file:
        text = file.read(_LARGEST).decode("utf-8", "surrogateescape")
    try:
        data = json.loads(text)
        asked = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data["request"].items()
        }
        kind: Callable[..., Request] = REQUESTS[data["kind"]]
        return str(data["kind"]), float(data["started_at"]), kind(**asked)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{folder / 'request.json'} is no request of a job") from error
