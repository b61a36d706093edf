"""The only room that touches a model: the catalog of GGUF files, and the engines that run them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.contracts import Engine
    from .catalog import Model
    from .layout import Layout
    from .setup import Setup

__all__ = ["open_engine"]


def open_engine(
    model: Model | None,
    *,
    threads: int | None = None,
    log_folder: Path | None = None,
    context: int = 0,
    setup: Setup | None = None,
    layout: Layout | None = None,
) -> Engine:
    """The engine for a model of the catalog; ``None`` gives the ``uniform`` engine, which needs none.

    threads : of llama.cpp, default as tuned, else all cores. log_folder : where ``engine.log`` goes. context : longest
    sequence in tokens, 0 for what the model was trained on, at most what the setup's cache holds.
    setup : how the model's own file is laid out on this machine. layout : which file, and how; ``threads`` and ``setup``
    are not looked at then. Default what ``localsynth models tune`` found, if it fits, else what suits most machines.
    Raises ``ModelError``, ``EngineDied``.
    """
    if model is None:
        from .uniform import UniformEngine

        return UniformEngine()
    from .layout import Layout, layout_for
    from .process import ProcessEngine

    if layout is None and setup is not None:
        layout = Layout(None, model.sha256, model.size, setup)
    if layout is None:
        layout = layout_for(model, threads)
    path = layout.open(model)
    log = log_folder / "engine.log" if log_folder is not None else None
    context = context or model.context_length
    return ProcessEngine(path, model.name, layout.setup, log=log, context=context, notes=layout.notes)
