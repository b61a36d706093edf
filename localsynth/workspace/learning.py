"""What a run gives to a method that learns from rows: the model's file, a folder to train in, and the workspace's adapters."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.adapter import AdapterStore, LearntAdapter, ModelFile
from localsynth.core.contracts import Method
from localsynth.core.errors import ModelError, PolicyError, RunError, StoreError
from localsynth.core.run import Exposure, Run, Status
from localsynth.store import adapters, datasets
from localsynth.store.rowhash import rows_sha256
from localsynth.store.session import Store

from .choosing import Chosen

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FOLDER", "Learning", "RunAdapters", "finished", "learning"]

FOLDER = "training"  # in the run's folder
_FOUND = "adapters.json"  # in the run's folder: what was asked for -> id
_ENDED = frozenset({Status.FINISHED, Status.SHORT})  # nothing goes on from there


@dataclass(frozen=True)
class Learning:
    """The parts of a :class:`~localsynth.core.contracts.Task` of these names."""

    model: ModelFile | None = None
    folder: Path | None = None
    adapters: AdapterStore | None = None


def learning(store: Store, run: Run, method: Method, chosen: Chosen, train: pa.Table | None) -> Learning:
    """For a run that is being opened. train : the rows its method sees, if any.

    A method of exposure ``ROWS`` may train on the model's own file, which is found to be the one registered; others only
    hear of it. Raises ``ModelError``, ``StoreError``.
    """
    model = None
    if chosen.model is not None:
        model = ModelFile(chosen.model.name, chosen.model.path, chosen.model.sha256)
    if method.exposure < Exposure.ROWS:
        return Learning(model)
    if chosen.model is not None:
        from localsynth.engine.catalog import checked

        checked(chosen.model)
    architecture = chosen.model.architecture if chosen.model is not None else ""
    place = store.run_folder(run.run_id)
    kept = RunAdapters(store.folder, store.timeout, place, run, chosen.name, model, architecture, train)
    return Learning(model, _private(place / FOLDER), kept)


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be made: {error.strerror}", "check rights and free space"
        ) from error
    return folder


def finished(store: Store, run: Run, say: Callable[[str, Any], None]) -> Run:
    """The run as it is; where nothing can go on from its training any more, what training kept is removed.

    say : told, with a level, where that cannot be done: the files hold what was learnt from rows.
    """
    folder = store.run_folder(run.run_id) / FOLDER
    if run.status in _ENDED and folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            say(f"{folder} cannot be removed: {error.strerror}; it holds real rows: remove it", "warning")
    return run


class RunAdapters:
    """See :class:`~localsynth.core.adapter.AdapterStore`, of one run.

    It holds the workspace's place, not its store: nothing a method is given leads to rows held out.
    """

    def __init__(
        self,
        workspace: Path,
        timeout: float,
        folder: Path,
        run: Run,
        engine: str | None,
        model: ModelFile | None,
        architecture: str,
        train: pa.Table | None,
    ) -> None:
        self._workspace, self._timeout, self._folder = workspace, timeout, folder
        self._run, self._engine, self._model = run, engine, model
        self._architecture, self._train = architecture, train

    def find(self, id_or_name: str) -> LearntAdapter:
        """An adapter that this run may use; the same each time."""
        store = self._store()
        found = self._found()
        learnt = adapters.get(store, found.get(id_or_name, id_or_name))
        self._fits(learnt)
        _allowed(store, learnt)
        adapters.check(store, learnt)
        if id_or_name not in found:
            self._remember({**found, id_or_name: learnt.adapter_id})
        return learnt

    def path(self, adapter: LearntAdapter) -> Path:
        """Its file."""
        return adapters.file_of(self._store(), adapter)

    def keep(
        self,
        path: Path,
        *,
        settings: Mapping[str, Any],
        curve: Sequence[Mapping[str, Any]],
        order: Sequence[str],
    ) -> LearntAdapter:
        """The file as an adapter of the workspace, learnt by this run."""
        if self._model is None:
            raise RunError(
                f"run {self._run.run_id} has no model that an adapter could be for",
                "choose a model in the recipe",
            )
        if self._train is None:
            raise RunError(
                f"run {self._run.run_id} sees no rows that an adapter could be learnt from",
                "this is a mistake in the method",
            )
        self._is_adapter(path)
        try:
            sha256, size = adapters.measured(path)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
        adapter_id = adapters.new_id(self._run.dataset)
        learnt = LearntAdapter(
            adapter_id=adapter_id,
            name=None,
            run_id=self._run.run_id,
            dataset=self._run.dataset,
            rows_sha256=rows_sha256(self._train),
            method=self._run.method,
            recipe_json=self._run.recipe_json,
            model=self._model.name,
            model_sha256=self._model.sha256,
            architecture=self._architecture,
            file=f"adapters/{adapter_id}.gguf",
            sha256=sha256,
            size=size,
            created_at=datetime.now(UTC),
            settings=dict(settings),
            curve=tuple(dict(point) for point in curve),
            order=tuple(order),
        )
        return adapters.put(self._store(), path, learnt)

    def _store(self) -> Store:
        return Store(self._workspace, self._timeout)

    def _fits(self, learnt: LearntAdapter) -> None:
        """Raise ``ModelError`` where the run's model is another than the adapter's."""
        if self._model is not None and learnt.model_sha256 == self._model.sha256:
            return
        uses = f"the model {self._model.name}" if self._model is not None else f"{self._engine or 'no model'}"
        if self._model is not None and self._model.name == learnt.model:
            uses = "another file of that name"
        raise ModelError(
            f"the adapter {learnt.label} was learnt on the model {learnt.model}, and this run uses {uses}",
            f'name that model in the recipe ([model] name = "{learnt.model}"), or learn an adapter for this one',
        )

    def _is_adapter(self, path: Path) -> None:
        from localsynth.engine.gguf import read_header

        header = read_header(path)
        if header.kind != "adapter" or header.architecture != self._architecture:
            raise ModelError(
                f"{path.name} is no adapter of a model of the architecture {self._architecture}: it is of the kind"
                f" '{header.kind}', for {header.architecture}",
                "this is a mistake in the method",
            )

    # What a word meant when the run began, it means to its end, whoever is given that name meanwhile.

    def _found(self) -> dict[str, str]:
        path = self._folder / _FOUND
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}", "start a new run") from error
        return {str(word): str(adapter_id) for word, adapter_id in dict(data).items()}

    def _remember(self, found: Mapping[str, str]) -> None:
        path = self._folder / _FOUND
        beside = path.with_name(path.name + ".new")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dict(found), file, ensure_ascii=False)
            beside.replace(path)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror}", "check rights and free space"
            ) from error


def _allowed(store: Store, learnt: LearntAdapter) -> None:
    """Raise ``PolicyError`` where the owner of the rows that an adapter was learnt from no longer allows their use."""
    owner = datasets.get(store, learnt.dataset)
    if owner.policy < Exposure.ROWS:
        raise PolicyError(
            f"the adapter {learnt.label} was learnt from rows of '{owner.name}', and the policy of that dataset allows no"
            f" more than: {owner.policy.label}",
            f"choose another method, or, if you own the data, `localsynth schema set {owner.name} --policy rows`",
        )
