"""The train rows of a task, for methods that can do nothing without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsynth.core.contracts import Task
from localsynth.core.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["train_rows"]


def train_rows(task: Task, method: str, does: str) -> pa.Table:
    """The train split. does : what the method does with it, for the message.

    Raises ``DatasetError`` where the dataset has no real rows.
    """
    train = task.train() if task.train is not None else None
    if train is None or train.num_rows == 0:
        raise DatasetError(
            f"the method '{method}' {does}, and the dataset '{task.dataset}' has none",
            "import a table (localsynth import FILE), or use text-to-tabular, which needs only a schema",
        )
    return train
