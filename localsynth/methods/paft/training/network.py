"""The model that learns: a GGUF file de-quantized, with LoRA on every linear layer of its decoder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import gguf
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GgufConfig
from transformers.utils import logging

from .job import Settings

__all__ = ["learner", "place", "wake"]


def place() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def learner(settings: Settings) -> Any:
    """The model in bfloat16, its weights frozen, with LoRA matrices that learn."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    path = Path(settings.model)
    with _read_once():
        model = AutoModelForCausalLM.from_pretrained(
            os.fspath(path.parent),
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
            local_files_only=True,
            trust_remote_code=False,
        )
    for holder in (model, model.config):
        # A trace of the file's packing; with it nothing can be trained.
        for name in ("quantization_config", "hf_quantizer", "is_quantized"):
            if hasattr(holder, name):
                delattr(holder, name)
    model.to(place())
    torch.manual_seed(settings.seed)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    learner = get_peft_model(model, config, autocast_adapter_dtype=False)
    if settings.dropout:
        # Between the two matrices, where there are few numbers: on their input, it takes as long as the rest of a forward pass.
        for name, module in learner.named_modules():
            if ".lora_B." in name:
                module.register_forward_pre_hook(partial(_drop, settings.dropout))
    return learner


def wake(model: Any) -> None:
    """Use everything once with a single thread.

    The mathematics library looks for its kernels when it is first asked. Two threads that ask at one moment are now and then
    given other last bits of a cosine than ever after (about 1 process in 25), and the adapter is another one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            model.eval()
            model(input_ids=torch.ones((1, 64), dtype=torch.long, device=place()))
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _read_once() -> Iterator[None]:
    """Transformers reads the file's header twice, and makes the table of tensor names for each of the model's modules: half of
    the time that loading takes.
    """
    names = ("GGUFReader", "get_tensor_name_map")
    before = {name: getattr(gguf, name) for name in names}
    for name, made in before.items():
        setattr(gguf, name, cache(made))
    try:
        yield
    finally:
        for name, made in before.items():
            setattr(gguf, name, made)


def _drop(share: float, module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return (torch.nn.functional.dropout(given[0], share, module.training), *given[1:])
