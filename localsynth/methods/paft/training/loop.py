"""Training: epoch after epoch, kept where a killed process can go on, stopped where the held-out rows say so."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict

from .job import Corpus, Settings, whole
from .loss import token_losses
from .pace import Unsuited
from .packing import Open, Packed, pack
from .trouble import Diverged

__all__ = ["Told", "train"]

Tell: TypeAlias = Callable[["Told"], None]
#: Seconds of training that a kill may cost; tests ask for none.
_KEEP_EVERY_S = float(os.environ.get("LOCALSYNTH_KEEP_EVERY_S", "20"))
_LOOKED_AT = 64  # train rows whose loss is taken beside that of the held-out rows


@dataclass(frozen=True)
class Told:
    """How far it is. loss : nats per row of the last steps; after an epoch seen : of train rows, held : of held-out rows, where
    there are any.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    held: float | None = None
    seen: float | None = None


@dataclass
class _State:
    """What has to be kept: a process that goes on from it does what the first would have done."""

    epoch: int = 0
    step: int = 0  # within the epoch
    best_epoch: int = 0
    best: float = math.inf
    weights: dict[str, Any] = field(default_factory=dict)  # of the best epoch
    curve: list[dict[str, float]] = field(default_factory=list)
    recent: float = math.nan
    done: bool = False
    seconds: float = 0.0
    why: str = ""


def train(model: Any, settings: Settings, corpus: Corpus, kept: Path, tell: Tell) -> _State:
    """Train, or go on from what is ``kept``; the model ends with the weights of its best epoch.

    Raises ``Diverged`` where the loss is no finite number any more.
    """
    return _Trainer(model, settings, corpus, kept, tell).run()


class _Trainer:
    def __init__(self, model: Any, settings: Settings, corpus: Corpus, kept: Path, tell: Tell) -> None:
        self.model, self.settings, self.corpus, self.kept, self.tell = model, settings, corpus, kept, tell
        self.device = next(model.parameters()).device
        self.open = Open(corpus, model.config.vocab_size, self.device)
        self.learnable = [one for one in model.parameters() if one.requires_grad]
        # The optimiser works on float32 copies: a step of a thousandth of a weight is lost in bfloat16.
        self.exact = [one.detach().float().clone() for one in self.learnable]
        self.optimiser = torch.optim.AdamW(
            self.exact, lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.99)
        )
        self.state = _State()
        texts_of: dict[int, list[int]] = {}
        for text, row in enumerate(corpus.row.tolist()):
            texts_of.setdefault(row, []).append(text)
        self.texts_of = texts_of
        self.learnt = [row for row in texts_of if not corpus.held[row]]
        self.held = [row for row in texts_of if corpus.held[row]]
        self.steps = max(1, math.ceil(len(self.learnt) / settings.batch_rows))
        self.looked_at = np.random.default_rng(settings.seed).permutation(self.learnt)[:_LOOKED_AT].tolist()
        self.saved = self.began = time.monotonic()

    def run(self) -> _State:
        self._restore()
        state, settings = self.state, self.settings
        try:
            while not state.done and state.epoch < settings.epochs:
                self._epoch()
                self._judge()
                self._keep()
        except Unsuited:
            self._keep()
            raise
        if state.weights:
            set_peft_model_state_dict(self.model, state.weights)
        state.done = True
        state.why = state.why or f"all {settings.epochs} epochs"
        self._keep()
        return state

    def _epoch(self) -> None:
        state, settings = self.state, self.settings
        self.model.train()
        rng = np.random.default_rng([settings.seed, state.epoch])
        order = rng.permutation(self.learnt).tolist()
        texts = [int(rng.choice(self.texts_of[row])) for row in order]
        for step in range(state.step, self.steps):
            some = texts[step * settings.batch_rows : (step + 1) * settings.batch_rows]
            self._rate()
            batch = self._packed(some)
            losses = token_losses(self.model, batch, self.open)
            loss = losses.sum() / len(some)
            (losses.mean() if not settings.open_loss else losses.sum() / max(1, self._usual())).backward()
            now = _finite(float(loss.detach()))
            self._move()
            state.recent = now if math.isnan(state.recent) else 0.9 * state.recent + 0.1 * now
            state.step = step + 1
            self.tell(
                Told(
                    state.epoch * self.steps + state.step,
                    settings.epochs * self.steps,
                    state.epoch + 1,
                    state.recent,
                )
            )
            if time.monotonic() - self.saved > _KEEP_EVERY_S:
                self._keep()
        state.epoch, state.step = state.epoch + 1, 0

    def _move(self) -> None:
        """One step of the optimiser."""
        for exact, one in zip(self.exact, self.learnable, strict=True):
            exact.grad = None if one.grad is None else one.grad.float()
            one.grad = None
        torch.nn.utils.clip_grad_norm_(self.exact, 1.0)
        self.optimiser.step()
        with torch.no_grad():
            torch._foreach_copy_(self.learnable, self.exact)

    def _usual(self) -> float:
        """Learnt tokens of a usual batch: every token counts the same in every step."""
        if not hasattr(self, "_tokens"):
            places = self.corpus.places
            learnt = (
                (places < 0) | ~self.open.single[np.maximum(places, 0)]
                if len(self.open.single)
                else places < 0
            )
            self._tokens = float(learnt.sum()) / len(self.corpus.ends) * self.settings.batch_rows
        return self._tokens

    def _rate(self) -> None:
        settings, total = self.settings, self.settings.epochs * self.steps
        at = self.state.epoch * self.steps + self.state.step
        warm = max(1, round(settings.warmup * total))
        share = min((at + 1) / warm, (total - at) / max(1, total - warm))
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * share

    def _judge(self) -> None:
        """After an epoch: is it the best so far, and is there sense in going on?"""
        state, settings = self.state, self.settings
        held = _finite(self._loss(self.held)) if self.held else None
        seen = _finite(self._loss(self.looked_at))
        state.curve.append({"epoch": state.epoch, **({} if held is None else {"held": held}), "seen": seen})
        self.tell(
            Told(
                state.epoch * self.steps, settings.epochs * self.steps, state.epoch, state.recent, held, seen
            )
        )
        if held is not None and held - seen > settings.gap and state.weights:
            state.done, state.why = True, "train rows became much likelier than held-out rows"
            return
        # With nothing to judge by, all epochs count and the last is kept.
        if held is None or held < state.best:
            state.best, state.best_epoch = state.best if held is None else held, state.epoch
            state.weights = {
                name: tensor.detach().cpu().clone()
                for name, tensor in get_peft_model_state_dict(self.model).items()
            }
        elif settings.patience and state.epoch - state.best_epoch >= settings.patience:
            state.done, state.why = True, f"{settings.patience} epochs without progress on held-out rows"

    def _loss(self, rows: Sequence[int]) -> float:
        """Nats per row, each in its first order of columns."""
        self.model.eval()
        texts = [self.texts_of[row][0] for row in rows]
        total = 0.0
        with torch.no_grad():
            for at in range(0, len(texts), 32):
                total += float(token_losses(self.model, self._packed(texts[at : at + 32]), self.open).sum())
        return total / len(texts)

    def _packed(self, texts: Sequence[int]) -> Packed:
        return pack(
            self.corpus,
            texts,
            self.open.single,
            self.settings.pack,
            self.device,
            every=not self.settings.open_loss,
        )

    # --- what is kept ---------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        now = time.monotonic()
        self.state.seconds += now - self.began
        self.began = now
        data = {
            "state": copy.copy(self.state.__dict__),
            "learnt": self.exact,
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            data["random_cuda"] = torch.cuda.get_rng_state()
        with whole(self.kept) as beside, beside.open("wb") as file:
            torch.save(data, file)
            file.flush()
            os.fsync(file.fileno())
        self.saved = time.monotonic()

    def _restore(self) -> None:
        if not self.kept.exists():
            return
        data = torch.load(self.kept, weights_only=True, map_location="cpu")
        self.state = _State(**data["state"])
        with torch.no_grad():
            torch._foreach_copy_(self.exact, data["learnt"])
            torch._foreach_copy_(self.learnable, self.exact)
        self.optimiser.load_state_dict(data["optimiser"])
        torch.set_rng_state(data["random"])
        if "random_cuda" in data:
            torch.cuda.set_rng_state(data["random_cuda"])


def _finite(loss: float) -> float:
    if not math.isfinite(loss):
        raise Diverged
    return loss
