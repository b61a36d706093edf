"""The loss of texts: how unlikely each token is among those that may stand in its place."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from .packing import Open, Packed

__all__ = ["token_losses"]


def token_losses(model: Any, batch: Packed, open_tokens: Open) -> torch.Tensor:
    """Nats of each learnt token, float32. Only the rows of the output matrix that can be needed are multiplied with."""
    decoder, head = model.get_base_model().model, model.get_base_model().lm_head.weight
    hidden = decoder(
        input_ids=batch.inputs,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=False,
    ).last_hidden_state
    hidden = hidden.flatten(0, 1)[batch.at]
    narrow = batch.place >= 0
    losses = torch.zeros(len(batch.at), dtype=torch.float32, device=hidden.device)
    if bool(narrow.any()):
        scores = (hidden[narrow] @ head[open_tokens.vocabulary].T).float()
        scores = scores.masked_fill(~open_tokens.allowed[batch.place[narrow]], float("-inf"))
        wanted = open_tokens.index[batch.answer[narrow]]
        losses[narrow] = cross_entropy(scores, wanted, reduction="none")
    if not bool(narrow.all()):
        scores = (hidden[~narrow] @ head.T).float()
        losses[~narrow] = cross_entropy(scores, batch.answer[~narrow], reduction="none")
    return losses
