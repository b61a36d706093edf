"""The part of the Python API that judges runs and reports on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import DatasetError, LocalsynthError, NotFound
from localsynth.core.evaluation import Evaluation, NotKept
from localsynth.core.limits import Limits
from localsynth.core.run import Run
from localsynth.runs.control import Control
from localsynth.store import audit
from localsynth.store.session import Store

from .auditing import left, refusals
from .base import Base, PathLike
from .limits import limits_for, within

if TYPE_CHECKING:
    from localsynth.core.explaining import Explanation
    from localsynth.metrics.judge import Step
    from localsynth.report.comparison import Comparison

    from .evaluate import Warn

__all__ = ["Evaluations"]


class Evaluations(Base):
    """Scores: computed, kept, compared, reported."""

    @refusals
    def evaluate(
        self,
        *runs: Run | str,
        against: str | None = None,
        metrics: tuple[str, ...] | None = None,
        seed: int = 0,
        threads: int | None = None,
        outside_budget: bool = False,
        limits: Limits | None = None,
        on_step: Step | None = None,
        check: Callable[[], None] | None = None,
        on_warning: Warn | None = None,
    ) -> Evaluation:
        """Judge runs (default the last) beside reality and the reference methods; scores go to ``meta.metrics``.

        Rows of earlier stages that a run has are judged as well: :attr:`Evaluation.stages` holds what they scored.

        against : hold them against this dataset; runs of several datasets need one. metrics : names, default every one
        that can be used (``localsynth metrics``). seed : of whatever metrics draw. outside_budget : of runs with a privacy
        budget only what it covers is judged by default, and no real row is read; with this they are judged as other runs
        are, a caution says so, and these scores are kept apart. limits : of time and memory; what reaches one raises
        ``OutOfTime`` or ``OverMemory``. on_step : told before each piece of work (done, in all,
        whose, which metric). check : called often; what it raises ends the evaluation and nothing is kept.
        on_warning : told of metrics and reference methods that fail and are left out, and when the workspace is waited for.

        Computing takes seconds to minutes. Raises ``PolicyError`` for runs with a privacy budget among others without.
        Raises ``StoreLocked`` at once where another process holds the workspace, and ``NotKept``, which holds the
        evaluation, where that is so for a minute when the scores are to be stored.
        """
        from .evaluate import Choice, evaluate

        Store(self.folder).probe()
        choice = Choice(against, metrics, seed, threads, outside_budget)
        chosen = self._several(runs, against)
        prompts, explanations = self._prompts(chosen), self._explanations(chosen)
        outside = True if outside_budget else None
        told = {"dataset": chosen[0].dataset, "runs": [run.run_id for run in chosen], "against": against}
        audit.record(self.store, "runs judged", **told, outside_budget=outside)
        control, asked = Control(), check or _go_on

        def go_on() -> None:
            control.check()
            asked()

        try:
            with within(self.store, limits_for(limits), control, "the evaluation", at_once=True) as store:
                return evaluate(store, chosen, choice, on_step, go_on, on_warning or _say_nothing)
        except NotKept as error:
            error.prompts, error.explanations = prompts, explanations
            raise

    def evaluation(
        self, *runs: Run | str, against: str | None = None, outside_budget: bool = False
    ) -> Evaluation:
        """What :meth:`evaluate` kept of these runs. Raises ``NotFound`` where one was not evaluated, ``DatasetError`` and
        ``PolicyError`` as :meth:`evaluate` does for runs that cannot stand side by side.

        outside_budget : of runs with a privacy budget, what was kept when they were judged by real rows.
        """
        from localsynth.store import metrics as kept
        from localsynth.store.budgets import budgeted

        from .underbudget import background_of, refuse_mixed

        chosen = self._several(runs, against)
        bounded = budgeted(self.store, chosen)
        if not outside_budget:
            refuse_mixed(chosen, bounded, against)
        found = kept.read(self.store, chosen, against, outside_budget=outside_budget)
        if found is None:
            names = " ".join(run.run_id for run in chosen)
            apart = outside_budget and bool(bounded)
            raise NotFound(
                f"no scores are kept of {names}{' outside its privacy budget' if apart else ''}",
                f"localsynth evaluate {names}{' --outside-budget' if apart else ''}",
            )
        return background_of(self.store, chosen).behind(found)

    def compare(
        self,
        first: Run | str,
        second: Run | str,
        *,
        against: str | None = None,
        outside_budget: bool = False,
    ) -> Comparison:
        """Two evaluated runs side by side. Raises ``NotFound`` where one was not evaluated."""
        from localsynth.report.comparison import compare

        from .evaluate import measures

        found = self.evaluation(first, second, against=against, outside_budget=outside_budget)
        return compare(found, measures())

    def report(
        self,
        evaluation: Evaluation,
        path: PathLike,
        *,
        overwrite: bool = False,
        prompts: Mapping[str, str] | None = None,
        explanations: Mapping[str, Explanation] | None = None,
    ) -> Path:
        """Write the report as one HTML file that needs no other. Raises ``DatasetError`` where the file exists.

        prompts : an example prompt of each run, by its id; explanations : what its method found out. By default both are
        read from the workspace.
        """
        from localsynth.report.html import html_report

        from .evaluate import families, measures
        from .files import save_text

        examples = self._prompts(evaluation.runs) if prompts is None else prompts
        told = self._explanations(evaluation.runs) if explanations is None else explanations
        text = html_report(evaluation, measures(), families(), examples, told)
        written = save_text(text, Path(os.fspath(path)), overwrite=overwrite)
        about = {"dataset": evaluation.dataset.name, "runs": [run.run_id for run in evaluation.runs]}
        left(self, "report written", written, **about)
        return written

    def explain(self, run: Run | str = "last") -> Explanation | None:
        """What a run's method found out, as the last commit left it; ``None`` where it tells nothing.

        Of a state that another version of the method left, too, or one of a method that is not there any more.
        """
        from .explaining import explanation_of

        return explanation_of(self.store, self.get_run(run))

    def _explanations(self, runs: Iterable[Run]) -> dict[str, Explanation]:
        """By run, of those whose methods tell."""
        from .explaining import explanation_of

        told = {run.run_id: explanation_of(self.store, run) for run in runs}
        return {run_id: one for run_id, one in told.items() if one is not None}

    def _several(self, runs: tuple[Run | str, ...], against: str | None) -> list[Run]:
        """Each run once. Scores stand side by side, so all are of one split of one dataset."""
        found = list({run.run_id: run for run in map(self.get_run, runs or ("last",))}.values())
        first = found[0]
        other = next((run for run in found if run.dataset != first.dataset), None)
        if against is None and other is not None:
            raise DatasetError(
                f"these runs are of different datasets: {first.run_id} of '{first.dataset}', {other.run_id} of"
                f" '{other.dataset}'",
                "take the runs of one dataset at a time, or name the one to hold them all against with --against",
            )
        return found

    def _prompts(self, runs: Iterable[Run]) -> dict[str, str]:
        """One prompt of each run as the model read it: the last one that asked for rows.

        None of a run whose dataset's policy would not allow such a prompt today.
        """
        from localsynth.store import runs as records

        from .permission import still_shown

        return {
            run.run_id: prompt
            for run in runs
            if still_shown(self.store, run)
            and (prompt := records.example_prompt(self.store, run.run_id)) is not None
        }


def _go_on() -> None:
    """Nobody cancels."""


def _say_nothing(error: LocalsynthError) -> None:
    """Nobody listens; the evaluation's cautions say it all the same."""
