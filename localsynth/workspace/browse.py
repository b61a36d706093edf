"""The part of the Python API that shows rows, a page at a time, and real rows beside a made one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from localsynth.core.errors import NotFound
from localsynth.core.run import Run
from localsynth.store.browsing import Browse, Part, Subject, open_view
from localsynth.store.lingering import Lingering

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

    def nearest(self, run: Run | str, row_no: int, *, count: int = 3) -> Nearest:
        """The real train rows nearest to row ``row_no`` (from 1) of a run, by the distance that near copies are judged by.

        Raises ``PolicyError`` unless the dataset's policy is ``rows``, ``NotFound`` where the run has no such row, and
        ``DatasetError`` where there are no train rows or columns differ.
        """
        from .nearest import nearest_rows

        return nearest_rows(self.store, self.get_run(run), row_no, count)

    def _subject(self, subject: Run | str, kind: Literal["real", "synth"], part: Part | None) -> Subject:
        from localsynth.store import datasets

        if kind == "synth":
            if part is not None:
                raise NotFound("the rows of a run have no parts", 'kind="real" shows real rows')
            return Subject("synth", self.get_run(subject).run_id)
        name = subject.dataset if isinstance(subject, Run) else subject
        return Subject("real", datasets.get(self.store, name).name, part)
