"""The training loop on a model of a few thousand weights: which epoch is kept, and when it stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localsynth.methods.paft.training.job import Corpus, Settings
from localsynth.methods.paft.training.start import KEPT, can_train
from localsynth.methods.paft.training.trouble import Diverged

pytestmark = [
    pytest.mark.skipif(not can_train(), reason="needs the extra 'finetune' (`make finetune`)"),
    # What peft asks of transformers; the child, where both are used, is another process.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]

_VOCABULARY = 24


def model() -> Any:
    """Llama in small, with LoRA."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=_VOCABULARY, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=64,
    )  # fmt: skip
    chosen = LoraConfig(
        r=2, lora_alpha=4.0, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(LlamaForCausalLM(config).to(torch.bfloat16), chosen, autocast_adapter_dtype=False)


def corpus(held: int) -> Corpus:
    """12 rows of three tokens, every token open; held-out rows are unlike the others."""
    rng = np.random.default_rng(1)
    tokens = rng.integers(2, 6, (12, 3))
    tokens[:held] = rng.integers(12, 20, (held, 3))
    return Corpus(
        prompt=np.array([1]),
        tokens=tokens.reshape(-1),
        places=np.full(36, -1),
        ends=np.arange(3, 39, 3),
        allowed=np.zeros(0, np.int64),
        allowed_ends=np.zeros(0, np.int64),
        row=np.arange(12),
        held=np.arange(12) < held,
    )


def trained(folder: Path, held: int, **settings: Any) -> Any:
    from localsynth.methods.paft.training.loop import train

    chosen = {"rank": 2, "batch_rows": 4, "epochs": 6, "learning_rate": 0.05, "pack": 64, **settings}
    return train(model(), Settings("none", **chosen), corpus(held), folder / KEPT, lambda _: None)


def test_without_patience_all_epochs_are_trained_and_the_best_is_kept(tmp_path: Path) -> None:
    state = trained(tmp_path, 4, patience=0)
    losses = [epoch["held"] for epoch in state.curve]
    assert len(losses) == 6
    assert losses[-1] > min(losses)  # or nothing is shown
    assert (state.best_epoch, state.best) == (1 + int(np.argmin(losses)), min(losses))
    assert state.why == "all 6 epochs"


def test_with_patience_it_stops(tmp_path: Path) -> None:
    state = trained(tmp_path, 4, patience=2)
    assert len(state.curve) == state.best_epoch + 2 < 6


def test_with_nothing_to_judge_by_the_last_is_kept(tmp_path: Path) -> None:
    assert trained(tmp_path, 0, patience=0).best_epoch == 6
    assert "held" not in trained(tmp_path, 0).curve[0]


@pytest.mark.parametrize("batch_rows", [4, 12])  # found in a step, and after an epoch of one step
def test_a_loss_that_is_no_number_ends_it(tmp_path: Path, batch_rows: int) -> None:
    with pytest.raises(Diverged):
        trained(tmp_path, 0, learning_rate=1e30, warmup=0.0, batch_rows=batch_rows)
    assert not (tmp_path / KEPT).exists()  # nothing to go on from
