"""Which file of weights is opened for a model, and how: what tuning found where it fits, else the model's own file.

Rows are a function of the two, up to rounding; a run records them, and opens the very same when it is taken up again.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelError, ModelNotInstalled
from .catalog import checked
from .gguf import GgufHeader, read_header
from .machine import Machine, this_machine
from .setup import Setup, default_setup
from .tuned import FILE, Tuned, TunedFile, read_setup, seen_as, tuned_path

if TYPE_CHECKING:
    from .catalog import Model

__all__ = ["Layout", "kv_bytes", "layout_for", "layout_from", "needed", "resized"]

_KV_BYTES = 25_000


@dataclass(frozen=True)
class Layout:
    """A file of weights and the setup it is opened with.

    file : a name in the folder ``tuned`` of the models folder; ``None`` for the model's own file. sha256, size (bytes) :
    of that file. notes : what a person should know of how it was chosen.
    """

    file: str | None
    sha256: str
    size: int
    setup: Setup
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Canonical JSON of all but the notes."""
        weights = {"file": self.file, "sha256": self.sha256, "size": self.size}
        return json.dumps({"weights": weights, "setup": asdict(self.setup)}, sort_keys=True)

    def open(self, model: Model) -> Path:
        """The file, found to be the one recorded; it is read again only where it looks otherwise than when it last was.

        Raises :class:`ModelNotInstalled` when it is gone and :class:`ModelError` when it changed.
        """
        return checked(self._as_model(model)).path

    def _as_model(self, model: Model) -> Model:
        if self.file is None:
            if self.sha256 != model.sha256:
                raise ModelError(
                    f"{model.path.name} is another file than the one that was used",
                    f"put that file back; the sha256 it must have is {self.sha256}",
                )
            return model
        path = tuned_path(model.folder, self.file)
        name = seen_as(model.name, self.file)
        return replace(model, name=name, path=path, sha256=self.sha256, size=self.size)


def layout_for(model: Model, threads: int | None = None, machine: Machine | None = None) -> Layout:
    """What ``open_engine`` takes for a model when nothing else is said.

    threads : how many to use; default those tuning found best, else all. machine : default this one.
    Raises :class:`ModelError` where ``tuned.toml`` is damaged.
    """
    machine = machine or this_machine()
    entry = TunedFile(model.folder).get(model.name)
    if entry is None:
        return _plain(model, threads or machine.cores)
    why = _misfit(entry, model, machine)
    if not why:
        found = Layout(entry.file, entry.sha256, entry.size, resized(entry.setup, threads))
        try:
            if entry.file is not None:
                found.open(model)
            return found
        except ModelNotInstalled:
            why = f"its file {entry.file} is gone"
        except ModelError:
            why = f"its file {entry.file} has changed"
    note = (
        f"what tuning found for {model.name} is not used, because {why};"
        f" `localsynth models tune {model.name}` does it again"
    )
    return replace(_plain(model, threads or machine.cores), notes=(note,))


def _plain(model: Model, threads: int) -> Layout:
    """The model's own file, as suits most machines."""
    setup = default_setup(model.size, threads, kv_bytes(read_header(model.path)))
    return Layout(None, model.sha256, model.size, setup)


def kv_bytes(header: GgufHeader) -> int:
    """Bytes a token takes in the KV cache; a middling number where the file does not tell."""
    return header.kv_bytes_per_token or _KV_BYTES


def needed(model: Model, layout: Layout) -> int:
    """Bytes of weights and KV caches, as the file and the setup tell; what else an engine takes comes on top."""
    setup = layout.setup
    cells = setup.cells + (setup.contexts - 1) * setup.side_cells
    return layout.size + cells * kv_bytes(read_header(model.path))


def _misfit(entry: Tuned, model: Model, machine: Machine) -> str:
    """Why an entry is not for this model on this machine; empty where it is."""
    if entry.original != model.sha256:
        return "it was found for another file of that name"
    if entry.machine != machine:
        return f"it was found on another machine ({entry.machine}; this is {machine})"
    if entry.file is None and entry.sha256 != model.sha256:
        return "tuned.toml names another file than the model's own"
    return ""


def resized(setup: Setup, threads: int | None) -> Setup:
    """The setup with another number of threads; each context keeps its share of them as nearly as they can be shared."""
    if threads is None or threads == setup.threads:
        return setup
    if setup.contexts == 1:
        return replace(setup, threads=threads)
    most = min(max(1, threads * setup.contexts // setup.threads), max(setup.contexts, 8))
    contexts = next(count for count in range(most, 0, -1) if threads % count == 0)
    return replace(setup, threads=threads, contexts=contexts)


def layout_from(text: str) -> Layout:
    """The layout of :meth:`Layout.to_json`. Raises :class:`ModelError` for any other text."""
    try:
        data: Any = json.loads(text)
        weights = data["weights"]
        file, sha256, size = weights["file"], weights["sha256"], weights["size"]
        if not (file is None or (isinstance(file, str) and re.fullmatch(FILE, file))):
            raise ValueError(f"{file!r} is no name of a file")
        if not isinstance(sha256, str) or type(size) is not int:
            raise ValueError("the file's sha256 or size is missing")
        return Layout(file, sha256, size, read_setup(data["setup"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"what was recorded of the model's file and setup cannot be read: {error}"
        ) from error
