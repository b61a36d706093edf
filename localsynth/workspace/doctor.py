"""What there is on this machine, and whether it is well: versions, models, memory, workspace, and that nobody talks."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import localsynth
from localsynth.core.contracts import Message, SampleRequest
from localsynth.core.errors import LocalsynthError
from localsynth.core.grammar import Number
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.session import Store

from .finding import Finding
from .offline import silence

if TYPE_CHECKING:
    from localsynth.engine.catalog import Catalog, Model

__all__ = ["examine"]

_PACKAGES = ("duckdb", "pyarrow", "numpy", "llama-cpp-python", "llguidance")


def examine(folder: Path) -> Iterator[Finding]:
    """Everything, one finding after the other, as it is found out."""
    yield Finding("localsynth", localsynth.__version__)
    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        yield _package(package)
    yield Finding("cores", f"{_cores()} usable of {os.cpu_count()}")
    yield _memory()
    yield from _workspace(folder)
    yield from _models_and_sockets(folder)


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", "bad", f"install {name}: localsynth needs it")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> Finding:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        free, total = (int(fields[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    except (OSError, KeyError, ValueError):
        return Finding("memory", "unknown on this system", "note")
    found = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    return Finding("memory", found) if free > 1e9 else Finding("memory", found, "note", "a model may not fit")


def _workspace(folder: Path) -> Iterator[Finding]:
    if not (folder / "workspace.duckdb").exists():
        yield Finding("workspace", f"none in {folder}", "note", "`localsynth init` makes one")
        return
    try:
        store = Store.open(folder)
        tables, runs = datasets.list_all(store), records.list_all(store)
    except LocalsynthError as error:
        yield Finding("workspace", f"{folder}: {error.message}", "bad", error.hint)
        return
    size = store.path.stat().st_size / 1e6
    yield Finding("workspace", f"{folder}: {len(tables)} datasets, {len(runs)} runs, {size:,.1f} MB")
    if store.path.stat().st_mode & 0o077:
        yield Finding("workspace rights", "others may read it", "note", f"chmod -R go= {folder}")


def _models_and_sockets(folder: Path) -> Iterator[Finding]:
    from localsynth.engine.catalog import Catalog

    ready: list[Model] = []
    first = "NAME"
    try:
        catalog = Catalog()
        models = catalog.list()
        first = models[0].name if models else first
        for model in models:
            finding = _model(catalog, model)
            yield finding
            yield from _tuned(model)
            ready += [model] if model.installed and finding.state == "ok" else []
    except LocalsynthError as error:
        yield Finding("models", error.message, "bad", error.hint)
    if not ready:
        yield Finding("model", "none is ready", "bad", f"`localsynth models install {first}`")
    yield from _trial(ready[0] if ready else None, folder)


def _model(catalog: Catalog, model: Model) -> Finding:
    what = f"model {model.name}"
    if not model.installed:
        return Finding(what, "not installed", "note", f"`localsynth models install {model.name}`")
    try:
        catalog.verify(model.name)
    except LocalsynthError as error:
        return Finding(what, error.message, "bad", error.hint)
    return Finding(
        what, f"verified: {model.quantization}, {model.size / 1e6:,.0f} MB, sha256 {model.sha256[:12]}"
    )


def _tuned(model: Model) -> Iterator[Finding]:
    """What tuning found for a model, and whether it is used."""
    from localsynth.engine.layout import layout_for
    from localsynth.engine.tuned import TunedFile

    entry = TunedFile(model.folder).get(model.name)
    if entry is None or not model.installed:
        return
    what, notes = f"tuned {model.name}", layout_for(model).notes
    if notes:
        yield Finding(what, notes[0], "note", f"`localsynth models tune {model.name}`")
    else:
        yield Finding(what, f"{entry}: {entry.rows_per_s:.1f} rows/s when measured")


def _trial(model: Model | None, folder: Path) -> Iterator[Finding]:
    """Open the engine, let it write something, and look at every open file of both processes while it is open."""
    from localsynth.engine import open_engine

    logs = folder / "logs"
    name = model.name if model is not None else "uniform"
    try:
        with closing(open_engine(model, threads=None, log_folder=logs if logs.is_dir() else None)) as engine:
            info = engine.info()
            samples, usage = engine.sample([_question()])
            wrote = f"wrote '{samples[0].texts[0]}' in {usage.seconds:.2f} s"
            yield Finding("engine", f"{name}: {info.threads} threads, context {info.context}, {wrote}")
            yield from silence(engine)
    except LocalsynthError as error:
        yield Finding("engine", error.message, "bad", error.hint)
        yield from silence(None)


def _question() -> SampleRequest:
    return SampleRequest((Message("user", "A number between 1 and 9?"),), Number(1, 9), n=1)
