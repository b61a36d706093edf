"""The only room that touches a model: the catalog of GGUF files, and the engines that run them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.contracts import Engine
    from .catalog import Model

__all__ = ["open_engine"]


def open_engine(
    model: Model | None, *, threads: int | None = None, log_folder: Path | None = None, context: int = 0
) -> Engine:
    """The engine for a model of the catalog; ``None`` gives the ``uniform`` engine, which needs none.

    threads : of llama.cpp, default all cores. log_folder : where ``engine.log`` goes. context : longest sequence in tokens,
    0 for what the model was trained on, at most 8,192. Raises ``ModelError``, ``EngineDied``.
    """
    if model is None:
        from .uniform import UniformEngine

        return UniformEngine()
    from .catalog import checked
    from .process import ProcessEngine

    model = checked(model)
    log = log_folder / "engine.log" if log_folder is not None else None
    return ProcessEngine(
        model.path, model.name, threads=threads, log=log, context=context or model.context_length
    )
