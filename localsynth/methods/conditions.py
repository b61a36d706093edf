"""A task whose rows must all meet a condition, as a task with a narrower schema and one rule more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.contracts import Task

__all__ = ["task_under"]

Array: TypeAlias = np.ndarray[Any, Any]


def task_under(task: Task) -> Task:
    """The task with its condition as a rule beside the others, and columns narrowed to what it leaves; itself without one."""
    condition = task.condition
    if condition is None:
        return task

    def violations(table: pa.Table) -> Array:
        return np.column_stack([task.violations(table), ~condition.met(table)])

    return replace(task, schema=condition.where.applied(task.schema), violations=violations)
