"""The part of the Python API that judges runs and reports on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import NotFound
from localsynth.core.evaluation import Evaluation
from localsynth.core.run import Run

from .base import Base, PathLike

if TYPE_CHECKING:
    from localsynth.metrics.judge import Step
    from localsynth.report.comparison import Comparison

__all__ = ["Evaluations"]


class Evaluations(Base):
    """Scores: computed, kept, compared, reported."""

    def evaluate(
        self,
        *runs: Run | str,
        against: str | None = None,
        metrics: tuple[str, ...] | None = None,
        seed: int = 0,
        threads: int | None = None,
        on_step: Step | None = None,
        check: Callable[[], None] | None = None,
    ) -> Evaluation:
        """Judge runs (default the last) beside reality and the reference methods; scores go to ``meta.metrics``.

        against : hold them against another dataset. metrics : names, default all (see ``localsynth methods --metrics``).
        seed : of whatever metrics draw. on_step : told before each piece of work (done, in all, whose, which metric).
        check : called often; what it raises ends the evaluation and nothing is kept. Computing takes seconds to a minute.
        """
        from .evaluate import Choice, evaluate

        choice = Choice(against, metrics, seed, threads)
        return evaluate(self.store, self._several(runs), choice, on_step, check or _go_on)

    def evaluation(self, *runs: Run | str, against: str | None = None) -> Evaluation:
        """What :meth:`evaluate` kept of these runs. Raises ``NotFound`` where one was not evaluated."""
        from localsynth.store import metrics as kept

        chosen = self._several(runs)
        found = kept.read(self.store, chosen, against)
        if found is None:
            names = " ".join(run.run_id for run in chosen)
            raise NotFound(f"no scores are kept of {names}", f"localsynth evaluate {names}")
        return found

    def compare(self, first: Run | str, second: Run | str, *, against: str | None = None) -> Comparison:
        """Two evaluated runs side by side. Raises ``NotFound`` where one was not evaluated."""
        from localsynth.report.comparison import compare

        from .evaluate import measures

        return compare(self.evaluation(first, second, against=against), measures())

    def report(self, evaluation: Evaluation, path: PathLike, *, overwrite: bool = False) -> Path:
        """Write the report as one HTML file that needs no other. Raises ``DatasetError`` where the file exists."""
        from localsynth.report.html import html_report

        from .evaluate import families, measures
        from .files import save_text

        text = html_report(evaluation, measures(), families(), self._prompts(evaluation))
        return save_text(text, Path(os.fspath(path)), overwrite=overwrite)

    def _several(self, runs: tuple[Run | str, ...]) -> list[Run]:
        found = [self.get_run(run) for run in runs or ("last",)]
        return list({run.run_id: run for run in found}.values())

    def _prompts(self, evaluation: Evaluation) -> dict[str, str]:
        """One prompt of each run as the model read it: the last one that asked for rows."""
        from localsynth.store import runs as records

        return {
            run.run_id: prompt
            for run in evaluation.runs
            if (prompt := records.example_prompt(self.store, run.run_id)) is not None
        }


def _go_on() -> None:
    """Nobody cancels."""
