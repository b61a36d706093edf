"""How a training that ends badly is told."""

from __future__ import annotations

import errno

import pytest

from localsynth.methods.paft.training.trouble import Diverged, in_words


class OutOfMemoryError(RuntimeError):
    """As ``torch.cuda.OutOfMemoryError`` is one."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:114] data. DefaultCPUAllocator: not enough memory: you tried to"
            " allocate 4096000000000 bytes."
        ),
        RuntimeError(
            "[enforce fail] err == 0. DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"
        ),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_memory_is_told_however_it_is_said(error: Exception) -> None:
    told = in_words(error)
    assert told is not None
    assert told["message"] == "training ran out of memory"
    assert "train_batch" in told["hint"]


def test_a_loss_that_is_no_number() -> None:
    told = in_words(Diverged())
    assert told is not None
    assert told["message"].startswith("training diverged")
    assert told["hint"] == "lower learning_rate"


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), OSError(2, "gone"), KeyError("x")]
)
def test_anything_else_needs_its_traceback(error: Exception) -> None:
    assert in_words(error) is None
