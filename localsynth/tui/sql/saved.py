"""Saved queries: ``.sql`` files in the workspace's folder ``queries``, and those that come with localsynth."""

from __future__ import annotations

from pathlib import Path

from localsynth import resources
from localsynth.core.errors import DatasetError, StoreError
from localsynth.workspace.files import save_text

from .picker import Pick

__all__ = ["read_query", "save_query", "saved_queries"]

_LARGEST = 1_000_000  # bytes of a file that is a query


def saved_queries(folder: Path) -> list[Pick]:
    """Those of the workspace, then those that come along. folder : where the workspace's are; it need not be there."""
    found = [(path, "of this workspace") for path in sorted(folder.glob("*.sql"))]
    packaged = Path(str(resources.recipes()))
    found += [(path, "comes with localsynth") for path in sorted(packaged.glob("*.sql"))]
    picks = []
    for path, about in found:
        try:
            picks.append(Pick(path.stem, about, read_query(path)))
        except DatasetError as error:
            picks.append(Pick(path.stem, error.message, f"-- {error.message}"))
    return picks


def read_query(path: Path) -> str:
    """The text of a file. Raises ``DatasetError`` where it cannot be a query."""
    try:
        if path.stat().st_size > _LARGEST:
            raise DatasetError(f"{path} is too large for a query", "queries have at most 1 MB")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not a text in UTF-8", "choose a .sql file") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}", "choose another file") from error


def save_query(text: str, path: Path) -> Path:
    """Write it; the person has agreed that what was there is replaced. The folder of saved queries is made.

    Raises ``StoreError`` where it cannot be written.
    """
    path = path if path.suffix else path.with_suffix(".sql")
    try:
        if path.parent.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be made: {error.strerror}", "choose another folder"
        ) from error
    return save_text(text.rstrip() + "\n", path, overwrite=True)
