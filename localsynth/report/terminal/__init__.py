"""The report in a terminal: the same content as the page, in text, legible without colour and 80 cells wide.

The only place of the report that knows rich.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from localsynth.core.evaluation import Evaluation
from localsynth.core.judging import Family, Measure
from localsynth.report.cautions import cautions
from localsynth.report.lookup import Lookup
from localsynth.report.verdict import verdicts

from . import aims, details, overall
from .stages import StagesTold, stages
from .versus import comparison_table

__all__ = ["StagesTold", "TerminalReport", "comparison_table", "terminal_report"]

_HANDLE = "This shows statistics of real rows (the train split): handle it as you handle them."
_COVERED = "No real row was read for this report: the privacy budget covers what it tells of them."


def terminal_report(
    evaluation: Evaluation, measures: Mapping[str, Measure], families: Mapping[str, Family]
) -> TerminalReport:
    """The report as something rich prints, in the width it is given. Arguments as for ``html_report``."""
    return TerminalReport(Lookup(evaluation, measures, families))


class TerminalReport:
    """Cautions, verdict, main measures, targets, columns, pairs, privacy, rules, making, stages, a few words explained."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lookup, judged = self._lookup, verdicts(self._lookup)
        parts: list[Iterable[RenderableType]] = [
            overall.title(lookup),
            overall.warnings(cautions(lookup)),
            overall.verdict(judged),
            overall.measures(lookup, options.max_width),
            aims.aims(lookup, options.max_width),
            details.columns(lookup, options.max_width),
            details.pairs(lookup),
            details.privacy(lookup, judged),
            aims.budget(lookup),
            overall.rules(lookup, options.max_width),
            overall.further(lookup),
            overall.making(lookup),
            stages(lookup),
            overall.words(lookup),
        ]
        for part in parts:
            yield from part
        if lookup.tells_of_rows:
            yield Text(_HANDLE, style="dim")
        elif lookup.evaluation.covered:
            yield Text(_COVERED, style="dim")
