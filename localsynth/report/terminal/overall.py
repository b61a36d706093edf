"""The terminal's parts about the table as a whole: verdict, main measures, rules, how it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from localsynth.core.evaluation import REAL, WITHHELD
from localsynth.core.words import counted
from localsynth.report.glossary import REAL_BELOW, WORDS
from localsynth.report.lookup import Lookup, Subject
from localsynth.report.numbers import figure as worded
from localsynth.report.outline import FAMILIES, main, nothing_of, others
from localsynth.report.plaintext import one_line, shown, wide
from localsynth.report.provenance import moment, provenance
from localsynth.report.verdict import Level, Verdict

from .pieces import ARROWS, Why, head, in_two_lines, style_of, table, text, titled, warning_box

__all__ = ["further", "making", "measures", "rules", "title", "verdict", "warnings", "words"]

_SIGNS = {Level.GOOD: "●", Level.MIXED: "◐", Level.BAD: "✕", Level.UNKNOWN: "?"}
_TITLES, _GAP = 20, 2  # cells kept for a table's first column, and between two columns
_STYLES = {Level.BAD: "bold red", Level.GOOD: "bold green"}


def title(lookup: Lookup) -> Iterator[RenderableType]:
    """What was judged against what."""
    dataset = lookup.evaluation.dataset
    real = (
        f"{counted(dataset.rows, 'real row')} ({dataset.train_rows:,} train, {dataset.holdout_rows:,} holdout)"
        if dataset.rows
        else "no real rows"
        if not lookup.evaluation.covered
        else "its rules and its targets: the privacy budget covers no more"
    )
    yield text(dataset.name, "bold")
    yield text(f"judged {moment(lookup.evaluation.made_at)} against {real}", "dim")


def warnings(cautions: Sequence[str]) -> Iterator[RenderableType]:
    """What to know before anything else, in a box."""
    if cautions:
        yield Text()
        yield warning_box(cautions)


def verdict(judged: Sequence[Verdict]) -> Iterator[RenderableType]:
    """A line on release and three sentences for the runs of each recipe."""
    for one in judged:
        yield Text()
        yield text(f"{one.subject.label}  {one.subject.detail}".rstrip(), style_of(one.subject))
        line = Text(f"{_SIGNS[one.overall.level]} ", style=_STYLES.get(one.overall.level, "bold"))
        said = f": {one.overall.text}" if one.overall.text else "."
        yield line.append(one.overall.headline).append(said)
        for sentence in one.sentences:
            line = Text(f"{_SIGNS[sentence.level]} ", style=_STYLES.get(sentence.level, "bold"))
            line.append(sentence.headline).append(f"  ({sentence.topic.lower()})", style="not bold dim")
            yield line
            yield Padding(text(sentence.text), (0, 0, 0, 2))


def measures(lookup: Lookup, width: int) -> Iterator[RenderableType]:
    """The main measures beside REAL and the reference methods."""
    alone = lookup.evaluation.covered
    yield from head("Measures" if alone else "Beside reality and reference methods")
    fixed = [subject for subject in lookup.subjects if subject.kind != "run"]
    why = Why(len(lookup.subjects))
    families = {family: main(lookup, family) for family in FAMILIES}
    every = [metric for metrics in families.values() for metric in metrics]

    def needed(subject: Subject) -> int:
        figures = (worded(lookup.figure(metric, subject), lookup.measure(metric)) for metric in every)
        return max(_heading_width(subject), *map(len, figures), 1) + _GAP

    for people in _abreast(fixed, lookup.runs, needed, width - _TITLES):
        grid = table("", *map(_heading, people), right=range(1, len(people) + 1))
        grid.columns[0].ratio = 1
        for family, metrics in families.items():
            nothing = {metric: because for metric in metrics if (because := nothing_of(lookup, [metric]))}
            for metric, because in nothing.items():
                why.nobody(because, lookup.measure(metric).title)
            if len(nothing) < len(metrics):
                grid.add_row(Text(FAMILIES[family], style="bold"))
            for metric in metrics:
                if metric in nothing:
                    continue
                measure = lookup.measure(metric)
                cells = [why.cell(lookup.figure(metric, s), measure, measure.title, s) for s in people]
                grid.add_row(titled(measure), *cells)
        yield grid
    yield from why.lines()
    if alone:
        yield text(f"Measures that are not listed: not applicable, because {WITHHELD}.", "dim")
    yield Text(ARROWS, style="dim")
    if any(len(subject.names) > 1 for subject in lookup.runs):
        yield Text("± mean ± standard deviation over seeds", style="dim")
    if lookup.evaluation.dataset.holdout_rows:
        yield text(REAL_BELOW, "dim")


def words(lookup: Lookup) -> Iterator[RenderableType]:
    """The few words that nobody can do without; all are of real rows and attacks."""
    if lookup.evaluation.covered:
        return
    yield from head("Words (the HTML report explains all of them)")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for word, meaning in WORDS:
        grid.add_row(Text(word), Text(meaning))
    yield grid


def _heading(subject: Subject) -> str:
    seeds = "\nmean ± sd" if len(subject.names) > 1 else ""
    return f"{in_two_lines(subject.label)}{seeds}"


def _heading_width(subject: Subject) -> int:
    return max((wide(part) for part in _heading(subject).split("\n")), default=0)


def _abreast(
    fixed: Sequence[Subject], runs: Sequence[Subject], needed: Callable[[Subject], int], room: int
) -> Iterator[list[Subject]]:
    """Runs side by side as far as they fit beside the references; the others follow beside the first of those."""
    group, used = list(fixed), sum(map(needed, fixed))
    alone = True
    for subject in runs:
        if not alone and used + needed(subject) > room:
            yield group
            group, used = list(fixed[:1]), sum(map(needed, fixed[:1]))
        group.append(subject)
        used += needed(subject)
        alone = False
    yield group


def rules(lookup: Lookup, width: int) -> Iterator[RenderableType]:
    """How often each rule and each dependency is broken."""
    yield from head("Rules and dependencies")
    fixed = [s for s in (lookup.reference(REAL), lookup.reference("independent")) if s is not None]
    for metric, kind, plural in (
        ("rule_violations", "rule", "Rules"),
        ("dependency_violations", "dependency", "Dependencies"),
    ):
        items, measure = lookup.items(metric), lookup.measure(metric)
        if not items:
            note = next((lookup.figure(metric, subject).note for subject in lookup.runs), "")
            yield text(f"{plural}: {note or 'not measured'}", "dim")
            continue
        why = Why(len(fixed) + len(lookup.runs))
        room = width - _TITLES
        for people in _abreast(fixed, lookup.runs, lambda s: max(_heading_width(s), 13) + _GAP, room):
            grid = table(kind, *map(_heading, people), right=range(1, len(people) + 1))
            grid.columns[0].ratio = 1
            for item in items:
                cells = [why.cell(lookup.figure(metric, s, item=item), measure, item, s) for s in people]
                grid.add_row(text(item), *cells)
            yield grid
        yield from why.lines()


def making(lookup: Lookup) -> Iterator[RenderableType]:
    """How the runs of each recipe were made."""
    for subject in lookup.runs:
        if not subject.runs:
            continue
        yield from head(f"How it was made: {one_line(subject.label)}")
        made = provenance(subject, {})
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for what, words in made.facts:
            grid.add_row(Text(what), text(words))
        yield grid
        yield Padding(Text(shown(made.recipe).rstrip(), style="dim"), (0, 0, 0, 2))


def further(lookup: Lookup) -> Iterator[RenderableType]:
    """Which measures of strangers' plug-ins have more figures than there is room for."""
    for index, metric in enumerate(others(lookup)):
        if index == 0:
            yield from head("Further measures")
        count = sum(place != (None, None, None) for place in lookup.places(metric))
        yield text(
            f"{lookup.measure(metric).title} ({metric}): {counted(count, 'figure')} of columns, pairs or items;"
            " they are in the page and in meta.metrics"
        )
