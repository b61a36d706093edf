"""The order in which rules are kept before the open columns are written: trade, redraw, then look ahead."""

from __future__ import annotations

import numpy as np

from localsynth.core.contracts import Task

from .frame import Frame, Judge
from .layout import Layout
from .repair import redraw, trade, units_of

__all__ = ["repair"]

_GUESSES = 12


def repair(task: Task, layout: Layout, frame: Frame, rng: np.random.Generator) -> Judge:
    """Make the rows of the frame keep the rules as far as its settled cells decide; gives the judge that knows.

    First the rules without open columns. Then, where guesses at the open columns show rows that nothing could save,
    all rules together.
    """
    judge = Judge(task, frame, _GUESSES)
    if not task.schema.rules:
        return judge
    planned = [column.name for column in layout.open if column.null_rate is not None]
    units = units_of([*(column.name for column in layout.aimed), *planned], task.schema.dependencies)
    tied = {name for d in task.schema.dependencies for name in (d.dependent, *d.determinant)}
    soft = [target for name, target in layout.targets.items() if target.soft and name not in tied]
    trade(frame, units, judge.rules, judge.broken, rng)
    redraw(frame, soft, judge.rules, judge.broken, rng)
    hopeless = judge.hopeless(frame.index) & judge.pending
    # A rule that no guess keeps in any row (an exact equality, say) says nothing yet.
    judge.silent = np.logical_and.reduce(hopeless, axis=0)
    if (hopeless & ~judge.silent).any():
        trade(frame, units, judge.rules, judge.hopeless, rng)
        redraw(frame, soft, judge.rules, judge.hopeless, rng)
    return judge
