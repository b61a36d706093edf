"""The models on this machine: those localsynth knows by name, and those a person added."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import resources
from ..core.errors import AddFailed, ModelError, ModelNotInstalled, NotFound
from ..core.nearest import nearest_name
from .checksums import agree, stated
from .gguf import GgufHeader, read_header
from .install import bring
from .placing import copy_hashed, create_private, settle, sha256_of, staging, sweep
from .registry import Added, Known, Registry, Seen, read_known
from .tuned import forget

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["Catalog", "Model", "checked", "models_folder"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CACHE_TOKENS = 4096  # how much context the memory estimate counts; runs rarely use more
_OVERHEAD = 150_000_000  # bytes: llama.cpp's working buffers, and Python


@dataclass(frozen=True)
class Model:
    """One model. ``size`` in bytes, ``context_length`` in tokens, ``memory_mb`` in millions of bytes (estimated).

    ``installed`` is False when the file is not where it should be. ``folder`` is the models folder that lists it.
    """

    name: str
    path: Path
    sha256: str
    size: int
    architecture: str
    quantization: str
    parameters: int
    context_length: int
    license: str
    source: str
    installed: bool
    memory_mb: int
    folder: Path


def models_folder() -> Path:
    """Where models live: ``$LOCALSYNTH_MODELS``, else ``models/`` of a checkout, else the user's data folder."""
    if chosen := os.environ.get("LOCALSYNTH_MODELS"):
        return Path(chosen).expanduser().absolute()
    if root := resources.checkout():
        return root / "models"
    data = os.environ.get("XDG_DATA_HOME", "")
    home = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return home / "localsynth" / "models"


class Catalog:
    """What models there are, and how they come and go.

    folder : the models folder; None for :func:`models_folder`. It need not exist yet.
    known : another ``models.toml`` than the one that comes with localsynth.
    """

    def __init__(self, folder: Path | None = None, known: Path | Traversable | None = None) -> None:
        self.folder = (folder or models_folder()).absolute()
        self._known = read_known(known or resources.models_toml())
        self._registry = Registry(self.folder)

    def list(self) -> list[Model]:
        """Every model, installed or not: first the known ones, then those added, each in the order written."""
        known = [self._from_known(name, entry) for name, entry in self._known.items()]
        added = [self._from_added(name, entry) for name, entry in self._registry.added().items()]
        return known + added

    def get(self, name: str) -> Model:
        """The installed model of that name.

        Raises :class:`NotFound` for a name nobody knows and :class:`ModelNotInstalled` for a missing file.
        """
        model = self._named(name)
        if model.installed:
            return model
        if name in self._known:
            raise ModelNotInstalled(f"{name} is not installed", f"Run `localsynth models install {name}`.")
        raise ModelNotInstalled(
            f"{name} is registered, but its file {model.path} is gone",
            f"Put it back, or run `localsynth models remove {name}`.",
        )

    def default(self) -> Model | None:
        """The model used when none is named: the first installed, or None."""
        return next((model for model in self.list() if model.installed), None)

    def install(
        self, name: str, source_dir: Path | None = None, progress: Callable[[str, float], None] | None = None
    ) -> Model:
        """Install a known model; nothing is done when the right file is already there.

        source_dir : folder (or file) to take it from; None downloads it with pip, the one use of the network.
        progress : called with (step, share of the step done).
        Raises :class:`NotFound` and :class:`AddFailed`; then the models folder is as it was before.
        """
        known = self._known.get(name)
        if known is None:
            model = self._named(name)  # or NotFound
            raise AddFailed(f"{name} was added from a file, not installed", f"Its file is {model.path}.")
        target = self.folder / known.file
        if target.is_file() and target.stat().st_size == known.size and sha256_of(target) == known.sha256:
            self._remember(name, target, known.sha256)
            return self.get(name)
        try:
            self._prepare_folder()
            with staging(self.folder) as stage:
                bring(name, known, source_dir, stage, progress).replace(target)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._remember(name, target, known.sha256)
        return self.get(name)

    def add(
        self,
        path: Path,
        name: str | None = None,
        copy: bool = True,
        progress: Callable[[str, float], None] | None = None,
        sha256: str | None = None,
    ) -> Model:
        """Register a GGUF file of one's own.

        copy : copy it into the models folder; False leaves it where it is, and it must stay there.
        name : what to call it; None takes the file's name. Adding the same file again changes nothing.
        sha256 : what its sha256 must be; so must be what a checksum file beside it says (:func:`stated`).
        Raises :class:`ModelError` for a file that is no usable model, :class:`AddFailed` for a name in use or another
        sha256.
        """
        path = path.expanduser().absolute()
        header = read_header(path)
        _usable(path, header)
        wanted_sums = stated(path, sha256)
        wanted = name if name is not None else _name_from(path)
        if not _NAME.fullmatch(wanted):
            raise AddFailed(
                f"{wanted!r} cannot name a model",
                "Use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit.",
            )
        try:
            self._prepare_folder()
            if not copy or path.parent == self.folder:
                digest = sha256_of(path, progress)
                agree(path, digest, wanted_sums)
                return self._settle_in(wanted, path, digest, header, None)
            with staging(self.folder) as stage:
                staged = stage / path.name
                with path.open("rb") as source, create_private(staged) as file:
                    digest = copy_hashed(source, file, path.stat().st_size, "copying", progress)
                    settle(file)
                agree(path, digest, wanted_sums)
                return self._settle_in(wanted, path, digest, header, staged)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def remove(self, name: str) -> Model:
        """Forget a model and what tuning made of it; its own file is deleted only when it lies in the models folder."""
        model = self._named(name)
        try:
            forget(self.folder, name, model.sha256)
            if model.path.parent == self.folder:
                model.path.unlink(missing_ok=True)
            if self.folder.is_dir():
                self._registry.remove(name)
        except OSError as error:
            raise ModelError(f"{model.path} cannot be removed: {error.strerror or error}") from error
        return replace(model, installed=False)

    def verify(self, name: str) -> Model:
        """Read the whole file again. Raises :class:`ModelError` when it is not what was registered."""
        model = self.get(name)
        _rehash(model)
        return model

    # --- inside ------------------------------------------------------------------------------------------

    def _named(self, name: str) -> Model:
        if name in self._known:
            return self._from_known(name, self._known[name])
        added = self._registry.added()
        if name in added:
            return self._from_added(name, added[name])
        near = nearest_name(name, [*self._known, *added])
        hint = f"Did you mean {near}?" if near else "`localsynth models list` shows them all."
        raise NotFound(f"there is no model named {name!r}", hint)

    def _from_known(self, name: str, known: Known) -> Model:
        path = self.folder / known.file
        return Model(
            name=name,
            path=path,
            sha256=known.sha256,
            size=known.size,
            architecture=known.architecture,
            quantization=known.quantization,
            parameters=known.parameters,
            context_length=known.context,
            license=known.license,
            source=f"PyPI: {known.wheel.package} {known.wheel.version}",
            installed=path.is_file(),
            memory_mb=known.memory_mb,
            folder=self.folder,
        )

    def _from_added(self, name: str, added: Added) -> Model:
        path = self.folder / added.path  # an absolute path stays what it is
        return Model(
            name=name,
            path=path,
            sha256=added.sha256,
            size=added.size,
            architecture=added.architecture,
            quantization=added.quantization,
            parameters=added.parameters,
            context_length=added.context,
            license=added.license,
            source="added",
            installed=path.is_file(),
            memory_mb=added.memory_mb,
            folder=self.folder,
        )

    def _prepare_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(self.folder)

    def _settle_in(
        self, name: str, path: Path, digest: str, header: GgufHeader, staged: Path | None
    ) -> Model:
        """Give the file its place and its entry. ``staged`` is its copy, None when it stays where it is."""
        for known_name, known in self._known.items():
            if known.sha256 == digest and (staged is not None or path == self.folder / known.file):
                if staged is not None:
                    staged.replace(self.folder / known.file)
                self._remember(known_name, self.folder / known.file, digest)
                return self.get(known_name)
        if name in self._known:
            raise AddFailed(f"{name} is the name of another model", "Give another name with --name.")
        old = self._registry.added().get(name)
        if old is not None and old.sha256 != digest:
            raise AddFailed(f"there is already a model named {name}", "Give another name with --name.")
        if old is not None and (self.folder / old.path).is_file():
            return checked(self.get(name))
        if staged is not None:
            place = Path(f"{name}.gguf")
            if old is None and (self.folder / place).exists():
                raise AddFailed(f"{self.folder / place} already exists", "Give another name with --name.")
            staged.replace(self.folder / place)
        else:
            place = Path(path.name) if path.parent == self.folder else path
        self._registry.add(name, _entry(place, digest, (self.folder / place).stat().st_size, header))
        self._remember(name, self.folder / place, digest)
        return self.get(name)

    def _remember(self, name: str, path: Path, digest: str) -> None:
        _remember(self._registry, name, path, digest)


def checked(model: Model) -> Model:
    """The model, if its file is still the one that was registered; the engine asks before loading.

    Costs one ``stat`` while size and time of change are as remembered; otherwise the file is read again. So every write
    is noticed, also one that set the file's own times back; a disk that returns other bytes than were written is for
    :meth:`Catalog.verify`.
    Raises :class:`ModelNotInstalled` when it is gone and :class:`ModelError` when it changed.
    """
    try:
        now = Seen.now(model.path, model.sha256)
    except OSError as error:
        raise ModelNotInstalled(
            f"the file of {model.name}, {model.path}, cannot be read: {error.strerror}",
            "`localsynth models list` shows which models are there.",
        ) from error
    if Registry(model.folder).seen(model.name) != now:
        _rehash(model)
    return model


def _rehash(model: Model) -> None:
    # The size tells most changes without reading gigabytes.
    if model.path.stat().st_size != model.size or sha256_of(model.path) != model.sha256:
        raise ModelError(
            f"{model.path.name} has changed since it was registered",
            f"Put the right file back, or run `localsynth models remove {model.name}` and install or add it again.",
        )
    _remember(Registry(model.folder), model.name, model.path, model.sha256)


def _remember(registry: Registry, name: str, path: Path, digest: str) -> None:
    registry.remember(name, Seen.now(path, digest))


def _usable(path: Path, header: GgufHeader) -> None:
    if header.kind != "model":
        raise ModelError(
            f"{path.name} is not a model: it is of the kind {header.kind!r}",
            "Add the base model's .gguf file.",
        )
    if header.split_count > 1:
        raise ModelError(
            f"{path.name} is one of {header.split_count} pieces of a model",
            "Join them first with llama.cpp's `llama-gguf-split --merge`.",
        )
    if header.context_length is None:
        raise ModelError(
            f"{path.name} does not say how long a text it was trained on", "llama.cpp cannot load it either."
        )


def _entry(place: Path, digest: str, size: int, header: GgufHeader) -> Added:
    context = header.context_length or 0
    cache = (header.kv_bytes_per_token or 0) * min(context, _CACHE_TOKENS)
    return Added(
        path=place,
        sha256=digest,
        size=size,
        license=header.license or "not stated",
        architecture=header.architecture,
        quantization=header.quantization,
        parameters=header.parameters,
        context=context,
        memory_mb=-(-(size + cache + _OVERHEAD) // 1_000_000),
    )


def _name_from(path: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]


def _unwritable(folder: Path, error: OSError) -> AddFailed:
    return AddFailed(
        f"the model could not be put into {folder}: {error.strerror or error}",
        "Check free space and rights, or choose another folder with LOCALSYNTH_MODELS.",
    )
