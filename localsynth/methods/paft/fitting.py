"""A model fitted to the train rows: they are traced by the engine, learnt in a child process, and the adapter is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.align.grid import Grid
from localsynth.align.structured import bins_for
from localsynth.core.contracts import Ask, Task
from localsynth.core.errors import DatasetError
from localsynth.core.seeds import derive
from localsynth.methods.page import Page

from .faithful import sentences
from .params import PAFTParams
from .structure import Structure
from .training.start import Outcome, train_in_child
from .yardstick import independent_loss

__all__ = ["HELD", "NATS", "SEEN", "Curve", "epochs_for", "fit", "held_rows"]

_MOST, _LEAST = 8, 2
_MEASURED = 20  # losses of steps that are told in an epoch
#: What curves of the loss are called, and their unit.
HELD, SEEN, NATS = "held-out rows", "train rows", "nats per row"


@dataclass(frozen=True)
class Curve:
    """What training came to, in words and numbers a person can judge.

    independent : nats per held-out row if no column told anything of another; ``None`` where nobody knows.
    """

    outcome: Outcome
    rows: int
    held: int
    independent: float | None = None

    def told(self) -> str:
        """One sentence."""
        out = self.outcome
        best = next((one for one in out.curve if one["epoch"] == out.best), None)
        if best is None:
            return f"trained on {self.rows:,} rows in {out.seconds:.0f} s"
        first = out.curve[0]
        held = f"train rows cost {best['seen']:.1f} nats each"
        if self.held:
            known = (
                f"; {self.independent:.1f} if columns were independent"
                if self.independent is not None
                else ""
            )
            held += f", held-out rows {best['held']:.1f} (after the first epoch {first['held']:.1f}{known})"
        return (
            f"trained on {self.rows:,} rows in {out.seconds:.0f} s; epoch {out.best} of {len(out.curve)} is kept: {held}"
            f" (ended: {out.why})"
        )


def epochs_for(rows: int) -> int:
    """How often so many rows are read: 6 times some hundreds, 3 times twenty thousand.

    The learning rate falls to 0 over these, so that fewer, wholly used, beat many that are stopped (seen on tables of 200 and
    400 rows, whose held-out rows were likeliest after 4 or 5 of 8 to 12).
    """
    return int(np.clip(round(10.5 - 1.75 * np.log10(max(rows, 1))), _LEAST, _MOST))


def held_rows(rows: int, share: float, seed: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which train rows are not learnt but judge what is learnt; none of a few."""
    held = np.zeros(rows, np.bool_)
    count = round(share * rows) if rows >= 20 else 0
    held[np.random.default_rng(derive(seed, "held")).permutation(rows)[:count]] = True
    return held


def fit(
    task: Task, params: PAFTParams, structure: Structure, train: pa.Table, ask: Ask, seed: int, folder: Path
) -> Curve:
    """Train, or go on where a killed training was. Raises ``Cancelled`` and ``RunError``."""
    from .training.job import Settings, move_job, read_job, write_job

    assert task.model is not None
    rows = train.num_rows
    held = held_rows(rows, params.held_out if params.mode == "aligned" else 0.0, seed)
    if not (folder / "job.json").exists():
        ask.notice(
            f"preparing {rows:,} rows to learn from, in {len(structure.orders)} order{'s' * (len(structure.orders) > 1)}"
        )
        corpus = _corpus(task, params, structure, train, ask, held)
        settings = Settings(
            model=os.fspath(task.model.path),
            seed=derive(seed, "training") % 2**31,
            rank=params.rank,
            alpha=params.alpha,
            dropout=params.dropout,
            learning_rate=params.learning_rate,
            batch_rows=params.train_batch,
            epochs=params.epochs or epochs_for(rows),
            patience=params.patience,
            gap=params.gap or float("inf"),
            open_loss=params.open_loss,
            threads=params.threads or ask.info.threads or 1,
        )
        if params.mode == "faithful":
            settings = replace(settings, open_loss=False)
        write_job(folder, settings, corpus)
    move_job(folder, task.model.path)
    settings, learnt = read_job(folder)  # rows that cannot be written are not among them
    kept = np.unique(learnt.row)
    judging = kept[learnt.held[kept]]
    independent = _independent(task, params, structure, train, judging)
    outcome = train_in_child(folder, _teller(ask, independent, settings.epochs))
    return Curve(outcome, len(kept) - len(judging), len(judging), independent)


def _independent(
    task: Task, params: PAFTParams, structure: Structure, train: pa.Table, judging: Any
) -> float | None:
    """Of the held-out rows. Targets under a condition are of other rows than these, and tell nothing of them."""
    if task.targets is None or task.condition is not None or not len(judging):
        return None
    margins = task.targets.margins(params.bins or bins_for(train.num_rows))
    return independent_loss(
        Grid(task.schema, margins), train.take(pa.array(judging)), frozenset(structure.order)
    )


def _corpus(
    task: Task, params: PAFTParams, structure: Structure, train: pa.Table, ask: Ask, held: Any
) -> Any:
    """The rows as the engine would write them."""
    from .training.job import corpus_of

    if params.mode == "faithful":
        told = sentences([task.schema.column(name) for name in structure.order], train)
        if not told.texts:
            raise DatasetError(
                f"every train row of '{task.dataset}' misses a value, and the faithful mode learns from whole rows alone",
                'choose mode = "aligned"',
            )
        return corpus_of(ask.trace([told]), [range(len(told.texts))], held[: len(told.texts)])
    plain = train.to_pylist()
    traces = ask.trace([Page.of(task.schema, order).lines(plain) for order in structure.orders])
    written = [at for at in range(len(plain)) if all(trace.texts[at].tokens for trace in traces)]
    if len(written) < len(plain):
        lost = len(plain) - len(written)
        ask.notice(
            f"{lost:,} train rows are not learnt: their texts hold quotes, backslashes or line breaks, which are never written",
            "warning",
        )
    if len(written) - int(held[written].sum()) < 1:
        raise DatasetError(
            f"no train row of '{task.dataset}' can be learnt from",
            "clean its texts, or leave the column out of the schema",
        )
    kept = [replace(trace, texts=tuple(trace.texts[at] for at in written)) for trace in traces]
    return corpus_of(kept, [written] * len(kept), held)


def _teller(ask: Ask, independent: float | None, epochs: int) -> Any:
    """Passes on what the child tells; losses of steps some times in each of at most ``epochs`` epochs."""
    beside = f" ({independent:.2f} if columns were independent)" if independent is not None else ""
    done = {"step": 0, "steps": 1}
    measured = 0  # the last step whose loss was

    def tell(message: Mapping[str, Any]) -> None:
        nonlocal measured
        if message.get("what") == "step":
            done.update(step=message["step"], steps=message["steps"])
            if message["seen"] is None:
                if message["step"] - measured >= message["steps"] / (epochs * _MEASURED):
                    measured = message["step"]
                    ask.measured("train loss", measured, message["loss"], unit=NATS)
            else:
                for name, key in ((HELD, "held"), (SEEN, "seen")):
                    if message[key] is not None:
                        ask.measured(name, message["epoch"], message[key], per="epoch", unit=NATS)
                held = (
                    "" if message["held"] is None else f"held-out rows {message['held']:.2f} nats{beside}, "
                )
                ask.notice(f"epoch {message['epoch']}: {held}train rows {message['seen']:.2f} nats")
        ask.working("training", done["step"], done["steps"])

    return tell
