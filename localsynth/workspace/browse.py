"""The part of the Python API that shows rows, a page at a time, and real rows beside a made one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from localsynth.core.errors import NotFound
from localsynth.core.run import Run
from localsynth.store import audit
from localsynth.store.browsing import Browse, Part, Subject, open_view
from localsynth.store.lingering import Lingering

from .auditing import refusals
from .base import Base

if TYPE_CHECKING:
    from .nearest import Nearest

__all__ = ["Browsing"]


class Browsing(Base):
    """Pages of any table of the workspace, however long."""

    @cached_property
    def _lingering(self) -> Lingering:
        return Lingering(self.store)

    def browse(
        self,
        subject: Run | str = "last",
        *,
        kind: Literal["real", "synth"] = "synth",
        where: str | None = None,
        order: Sequence[tuple[str, bool]] = (),
        part: Part | None = None,
        stop: threading.Event | None = None,
    ) -> Browse:
        """A view on the rows of a run, or on the real rows of a dataset.

        Parameters
        ----------
        subject : a run as for :meth:`get_run`; with ``kind="real"`` a dataset's name, or a run for the rows of its dataset.
        where : a person's own condition in SQL. order : pairs of column and whether descending.
        part : of real rows only ``train`` or ``holdout``.
        stop : set it, from any thread, to interrupt the reading of the order.

        Raises ``NotFound``, ``SqlError`` and ``Cancelled``. The file is closed half a second after the last page.
        """
        return open_view(
            self._lingering, self._subject(subject, kind, part), where=where, order=order, stop=stop
        )

    @refusals
    def nearest(
        self, run: Run | str, row_no: int, *, count: int = 3, outside_budget: bool = False
    ) -> Nearest:
        """The real train rows nearest to row ``row_no`` (from 1) of a run, by the distance that near copies are judged by.

        outside_budget : also for a run with a privacy budget, which does not cover what is seen then.
        Raises ``PolicyError`` unless the dataset's policy is ``rows``, and for a run with a budget, ``NotFound`` where the run
        has no such row, and ``DatasetError`` where there are no train rows or columns differ.
        """
        from .nearest import nearest_rows
        from .underbudget import refuse_nearest

        found = self.get_run(run)
        if not outside_budget:
            refuse_nearest(self.store, found)
        made = nearest_rows(self.store, found, row_no, count)
        about = {"dataset": found.dataset, "run": found.run_id, "row": row_no}
        outside = True if outside_budget else None
        audit.record(
            self.store, "real rows looked up", **about, rows=made.rows.num_rows, outside_budget=outside
        )
        return made

    def _subject(self, subject: Run | str, kind: Literal["real", "synth"], part: Part | None) -> Subject:
        from localsynth.store import datasets

        if kind == "synth":
            if part is not None:
                raise NotFound("the rows of a run have no parts", 'kind="real" shows real rows')
            return Subject("synth", self.get_run(subject).run_id)
        name = subject.dataset if isinstance(subject, Run) else subject
        return Subject("real", datasets.get(self.store, name).name, part)
