"""The training process: reads its job from a folder, tells how far it is on standard output, leaves an adapter there."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from localsynth.core.tracing import install

from .job import read_job, whole
from .pace import SPIN, Pace, Unsuited
from .start import ADAPTER, ENDED, KEPT
from .trouble import in_words

_TOLD_EVERY_S = 0.2


def main() -> None:
    """Entry point; the folder is the only argument."""
    install()
    folder = Path(sys.argv[1])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log

    def say(**message: Any) -> None:
        try:
            out.write(json.dumps(message) + "\n")
            out.flush()
        except BrokenPipeError:
            os._exit(0)

    threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        _train(folder, say)
    except Unsuited as other:
        say(what="again", spin=other.spin)
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        say(what="failed", **told)
        sys.exit(1)


def _watch_parent() -> None:
    """End with the parent: nobody wants what is being computed. What was kept stays."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def _train(folder: Path, say: Any) -> None:
    began = time.monotonic()
    settings, corpus = read_job(folder)
    say(what="loading")
    import torch

    torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    from peft import get_peft_model_state_dict

    from .adapter import architecture_of, write_adapter
    from .loop import Told, train
    from .network import learner, wake

    model = learner(settings)
    wake(model)
    told = 0.0
    loading = time.monotonic() - began
    pace = Pace(os.environ.get(SPIN) == "1", settings.threads, loading) if _told_how_to_wait() else None

    def tell(now: Told) -> None:
        nonlocal told
        if pace is not None and now.seen is None:
            pace.step(now.steps - now.step)
        if now.seen is not None or time.monotonic() - told > _TOLD_EVERY_S:
            told = time.monotonic()
            say(what="step", **now.__dict__)

    state = train(model, settings, corpus, folder / KEPT, tell)
    matrices: dict[str, dict[str, Any]] = {}
    for key, value in get_peft_model_state_dict(model).items():
        name, which = key.removeprefix("base_model.model.").rsplit(".lora_", 1)
        matrices.setdefault(name, {})[which[0]] = value.detach().float().cpu().numpy()
    write_adapter(
        folder / ADAPTER,
        architecture_of(Path(settings.model)),
        model.config,
        {name: (both["A"], both["B"]) for name, both in matrices.items()},
        settings.alpha,
    )
    ended = {"curve": state.curve, "best": state.best_epoch, "why": state.why, "seconds": state.seconds}
    with whole(folder / ENDED) as path, path.open("w", encoding="utf-8") as file:
        json.dump(ended, file)
    say(what="done", **ended)


def _told_how_to_wait() -> bool:
    """On a GPU the threads hardly matter."""
    import torch

    return bool(os.environ.get(SPIN)) and not torch.cuda.is_available()


if __name__ == "__main__":
    main()
