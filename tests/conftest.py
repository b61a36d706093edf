"""Fixtures every room uses."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Tests run beside each other on shared cores: how long one example takes says nothing about the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

# llama.cpp's threads in this process must not spin while tests run side by side; the engine's child sets the same.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

# A shell that starts the tests in the background has them ignore Ctrl+C, and with them every process they try it on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The embedded GGUF file; `make model` puts it in place."""
    from localsynth.engine.catalog import Catalog

    return Catalog().get("smollm2-135m").path
