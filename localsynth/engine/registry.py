"""The two lists of models: ``models.toml``, which comes with localsynth, and ``registry.toml``, written by commands."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..core.errors import AddFailed, ModelError
from .placing import locked

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["Added", "Known", "Registry", "Seen", "Wheel", "read_known"]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[^/\\]+$")]

Parsed = TypeVar("Parsed", bound=BaseModel)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Wheel(_Entry):
    """The Python package a model travels in, and where in it."""

    package: str
    version: str
    file: FileName
    sha256: Sha256
    member: str


class Known(_Entry):
    """A model localsynth can install by name. Sizes in bytes, ``memory_mb`` in millions of bytes."""

    title: str
    file: FileName
    sha256: Sha256
    size: int
    license: str
    architecture: str
    quantization: str
    parameters: int
    context: int
    memory_mb: int
    wheel: Wheel


class Added(_Entry):
    """A model a person registered. ``path`` is relative to the models folder when the file was copied there."""

    path: Path
    sha256: Sha256
    size: int
    license: str
    architecture: str
    quantization: str
    parameters: int
    context: int
    memory_mb: int


class Seen(_Entry):
    """How a file looked when its hash was last found right; while it looks the same it is not read again.

    changed_ns : when the system saw it change, its ``ctime``, which covers every write and which nobody can set back.
    """

    path: Path
    sha256: Sha256
    size: int
    changed_ns: int = Field(alias="mtime_ns")  # so that a version which went by that time can read the list

    @classmethod
    def now(cls, path: Path, sha256: str) -> Seen:
        """How the file of that hash looks now. Raises ``OSError``."""
        state = path.stat()
        return cls(path=path, sha256=sha256, size=state.st_size, changed_ns=state.st_ctime_ns)


class _Contents(_Entry):
    models: dict[str, Added] = {}
    seen: dict[str, Seen] = {}


class _Known(_Entry):
    models: dict[str, Known]


def read_known(source: Path | Traversable) -> dict[str, Known]:
    """The models of a ``models.toml``. Raises :class:`ModelError` when it is wrong."""
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{source} cannot be read: {error}") from error
    return _parse(_Known, text, str(source)).models


class Registry:
    """``registry.toml`` in a models folder; a folder without one has an empty registry."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "registry.toml"

    def added(self) -> dict[str, Added]:
        """The models people registered, by name."""
        return self._read().models

    def seen(self, name: str) -> Seen | None:
        """How the file of ``name`` looked when its hash was last found right."""
        return self._read().seen.get(name)

    def add(self, name: str, model: Added) -> None:
        """Register a model. Raises :class:`AddFailed` if another of that name was registered meanwhile."""
        with self._changing() as contents:
            if name in contents.models and contents.models[name].sha256 != model.sha256:
                raise AddFailed(f"there is already a model named {name}", "Give another name with --name.")
            contents.models[name] = model

    def remove(self, name: str) -> None:
        """Forget a model and what was seen of it."""
        with self._changing() as contents:
            contents.models.pop(name, None)
            contents.seen.pop(name, None)

    def remember(self, name: str, seen: Seen) -> None:
        """Note that the file of ``name`` was right when it looked like ``seen``."""
        # It only saves time later; a models folder shared read-only by many people must work too.
        with suppress(OSError), self._changing() as contents:
            contents.seen[name] = seen

    def _read(self) -> _Contents:
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return _Contents()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{self.path} cannot be read: {error}") from error
        return _parse(_Contents, text, str(self.path))

    @contextmanager
    def _changing(self) -> Iterator[_Contents]:
        with locked(self.path.parent):
            contents = self._read()
            yield contents
            self._write(contents)

    def _write(self, contents: _Contents) -> None:
        data = contents.model_dump(mode="json", by_alias=True)
        with tempfile.NamedTemporaryFile(  # 0600
            mode="wb", dir=self.path.parent, prefix=".registry-", suffix=".part", delete=False
        ) as file:
            try:
                file.write(b"# Written by `localsynth models`.\n\n")
                tomli_w.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(self.path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def _parse(kind: type[Parsed], text: str, name: str) -> Parsed:
    hint = "Mend it, or move it away and add the models again."
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{name} is not valid TOML: {error}", hint) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{name} is wrong at {where}: {first['msg']}", hint) from error
    except RecursionError as error:
        raise ModelError(f"{name} is nested too deeply", hint) from error
