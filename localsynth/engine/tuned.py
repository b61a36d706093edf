"""What tuning found, kept per model in ``tuned.toml`` of the models folder; the files it made lie in ``tuned/`` beside it."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..core.errors import ModelError
from ..core.tomlwrite import dump_toml
from .machine import Machine
from .placing import locked
from .registry import Registry
from .requantize import QUANTIZATIONS
from .setup import Setup

__all__ = [
    "FILE",
    "Tuned",
    "TunedFile",
    "forget",
    "read_setup",
    "remove_file",
    "seen_as",
    "tuned_name",
    "tuned_path",
]

FILE = r"^[^/\\.][^/\\]*\.gguf$"  # a name in the folder of re-quantized files, and nothing outside of it
_FOLDER = "tuned"
_MOST = 4096  # threads, contexts or lanes that any machine has use for
_HINT = "mend it, or delete it and run `localsynth models tune` again"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def read_setup(data: Any) -> Setup:
    """A setup out of plain data. Raises ``ValueError`` with what is wrong with it."""
    if isinstance(data, Setup):
        return data
    if not isinstance(data, Mapping):
        raise ValueError("not a table")
    known = {field.name: field for field in fields(Setup)}
    if unknown := sorted(set(data) - set(known)):
        raise ValueError(f"'{unknown[0]}' is no part of a setup")
    if "threads" not in data:
        raise ValueError("'threads' is missing")
    for name, value in data.items():
        of_truth = isinstance(known[name].default, bool)
        if type(value) is not (bool if of_truth else int):
            raise ValueError(
                f"'{name}' is {value!r}, not {'true or false' if of_truth else 'a whole number'}"
            )
    setup = Setup(**data)
    counts = {"threads": setup.threads, "contexts": setup.contexts, "lanes": setup.lanes}
    for name, value in counts.items():
        if not 1 <= value <= _MOST:
            raise ValueError(f"'{name}' is {value}, not between 1 and {_MOST}")
    if setup.contexts > setup.threads:
        raise ValueError(f"{setup.contexts} contexts cannot share {setup.threads} threads")
    if min(setup.cells, setup.side_cells, setup.batch) < 1 or setup.gpu_layers < -1:
        raise ValueError("cells, side_cells and batch are at least 1, gpu_layers at least -1")
    return setup


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Tuned(_Entry):
    """The winner for one model on one machine.

    original : sha256 of the model's own file. quantization, sha256, size (bytes) : of the file that won; ``file`` is its
    name in the folder ``tuned``, ``None`` where the model's own file won. tokens_per_s, rows_per_s : what was measured.
    """

    original: Sha256
    quantization: str
    file: Annotated[str, Field(pattern=FILE)] | None = None
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]
    cpu: str
    cores: Annotated[int, Field(ge=1)]
    tokens_per_s: float
    rows_per_s: float
    tuned_at: AwareDatetime
    setup: Annotated[Setup, BeforeValidator(read_setup)]

    @property
    def machine(self) -> Machine:
        """Where it was measured."""
        return Machine(self.cpu, self.cores)

    def __str__(self) -> str:
        return f"{self.quantization}, {self.setup}"


class _Contents(_Entry):
    models: dict[str, Tuned] = {}


def tuned_name(model: str, quantization: str, original: str) -> str:
    """The file name of a re-quantized model. original : sha256 of the model's own file."""
    return f"{model}-{quantization}-{original[:8]}.gguf"


def tuned_path(folder: Path, name: str) -> Path:
    """Where a re-quantized file of that name lies. folder : the models folder."""
    return folder / _FOLDER / name


def seen_as(model: str, file: str) -> str:
    """Under which name the registry remembers how a re-quantized file looked; no model can be called so."""
    return f"{model}/{file}"


@dataclass(frozen=True)
class TunedFile:
    """``tuned.toml`` of a models folder; a folder without one has tuned nothing."""

    folder: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.folder / "tuned.toml"

    def all(self) -> dict[str, Tuned]:
        """Every entry by model. Raises :class:`ModelError` for a file that is damaged or cannot be read."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{self.path} cannot be read: {error}", _HINT) from error
        return dict(_parse(text, self.path).models)

    def get(self, model: str) -> Tuned | None:
        """What was found for a model. Raises :class:`ModelError`."""
        return self.all().get(model)

    def put(self, model: str, entry: Tuned) -> None:
        """Keep an entry in place of an earlier one. Raises :class:`ModelError`."""
        with self._changing() as models:
            models[model] = entry

    def drop(self, model: str) -> Tuned | None:
        """Forget a model's entry and give it, ``None`` where there was none. Raises :class:`ModelError`."""
        if not self.path.exists():
            return None
        with self._changing() as models:
            return models.pop(model, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Tuned]]:
        try:
            with locked(self.folder):
                models = self.all()
                yield models
                self._write(models)
        except OSError as error:
            raise ModelError(
                f"{self.path} cannot be written: {error.strerror or error}",
                "check free space and rights, or choose another models folder with LOCALSYNTH_MODELS",
            ) from error

    def _write(self, models: Mapping[str, Tuned]) -> None:
        plain = {
            name: {**entry.model_dump(exclude_none=True), "setup": asdict(entry.setup)}
            for name, entry in models.items()
        }
        text = "# Written by `localsynth models tune`.\n" + dump_toml({"models": plain})
        with tempfile.NamedTemporaryFile(  # 0600
            mode="wb", dir=self.folder, prefix=".tuned-", suffix=".part", delete=False
        ) as file:
            try:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(self.path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def forget(folder: Path, model: str, original: str) -> Tuned | None:
    """Drop what tuning found for a model, and the files it made of it. original : sha256 of the model's own file.

    Gives the entry, ``None`` where there was none. Raises :class:`ModelError`.
    """
    entry = TunedFile(folder).drop(model)
    names = {tuned_name(model, quantization, original) for quantization in QUANTIZATIONS}
    if entry is not None and entry.file is not None:
        names.add(entry.file)
    for name in sorted(names):
        remove_file(folder, model, name)
    return entry


def remove_file(folder: Path, model: str, name: str) -> None:
    """Delete a re-quantized file, if it is there. Raises :class:`ModelError`."""
    path, registry, key = tuned_path(folder, name), Registry(folder), seen_as(model, name)
    try:
        path.unlink(missing_ok=True)
        if registry.seen(key) is not None:
            registry.remove(key)
    except OSError as error:
        raise ModelError(f"{path} cannot be removed: {error.strerror or error}") from error


def _parse(text: str, path: Path) -> _Contents:
    try:
        return _Contents.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path} is not valid TOML: {error}", _HINT) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(
            f"{path} is wrong at {where}: {first['msg'].removeprefix('Value error, ')}", _HINT
        ) from error
    except RecursionError as error:
        raise ModelError(f"{path} is nested too deeply", _HINT) from error
