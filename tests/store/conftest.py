"""A workspace per test, and files to import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localsynth.store.session import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty workspace."""
    return Store.create(tmp_path / "ws", timeout=5)


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file and gives its path."""

    def write(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
