"""The parts of the page about the table as a whole: the verdict, all main measures, use, validity, definitions."""

from __future__ import annotations

from collections.abc import Iterable

from localsynth.core.evaluation import REAL, WITHHELD
from localsynth.core.judging import Measure

from .glossary import GLOSSARY, REAL_BELOW
from .intervals import strip, whiskers
from .lookup import Figure, Lookup, Subject
from .markup import Html, code, join, name, tag
from .numbers import direction, range_of
from .outline import FAMILIES, main, nothing_of, others
from .palette import legend
from .tables import Notes, cell, common_note, heading, scrolled, subject_heads
from .verdict import Level, Sentence, Verdict

__all__ = [
    "caution_box",
    "definitions",
    "glossary",
    "other_measures",
    "reference_table",
    "utility",
    "validity",
    "verdict_block",
]

_MOST_ROWS = 200
_MOST_ON_AXIS = 6  # subjects; of more the columns need the room
_SIGNS = {Level.GOOD: "●", Level.MIXED: "◐", Level.BAD: "✕", Level.UNKNOWN: "?"}


def caution_box(cautions: Iterable[str]) -> Html | None:
    """What to know before anything else; ``None`` where there is nothing."""
    items = [tag("li", name(words)) for words in cautions]
    if not items:
        return None
    return tag("div", tag("strong", "Caution"), tag("ul", items), class_="caution", role="alert")


def verdict_block(verdicts: Iterable[Verdict]) -> Html:
    """A line on release and three sentences for the runs of each recipe."""
    every = tuple(verdicts)
    return join(
        tag(
            "div",
            tag("h3", name(v.subject.label), " ", tag("small", name(v.subject.detail)))
            if len(every) > 1
            else None,
            _overall(v.overall),
            tag(
                "dl", [_sentence(s.topic, s.level, s.headline, s.text) for s in v.sentences], class_="verdict"
            ),
        )
        for v in every
    )


def _overall(found: Sentence) -> Html:
    sign = tag("span", _SIGNS[found.level], class_="sign", aria_hidden="true")
    text = [tag("strong", sign, found.headline), f": {found.text}" if found.text else "."]
    return tag("p", *text, class_=f"overall {found.level.value}")


def _sentence(topic: str, level: Level, headline: str, text: str) -> Html:
    sign = tag("span", _SIGNS[level], class_="sign", aria_hidden="true")
    head = tag("dt", tag("span", topic, class_="topic"), tag("strong", sign, headline))
    return tag("div", head, tag("dd", text), class_=f"sentence {level.value}")


def reference_table(lookup: Lookup) -> Html:
    """Rows: main measures by family. Columns: REAL, the reference methods, the runs."""
    notes = Notes()
    several = len(lookup.subjects)
    axis = 1 < several <= _MOST_ON_AXIS
    head = [heading("Measure"), *subject_heads(lookup, lookup.subjects)]
    if axis:
        head.append(heading("All on one axis", class_="wide"))
    bodies: list[Html] = []
    empty: dict[str, list[str]] = {}
    for family, title in FAMILIES.items():
        metrics = main(lookup, family)
        if not metrics:
            continue
        if (because := nothing_of(lookup, metrics)) is not None:
            empty.setdefault(because, []).append(title)
            continue
        words = tag("th", title, scope="rowgroup", colspan=several + 1, class_="family")
        rows = [_row(lookup, metric, notes, axis=axis) for metric in metrics]
        bodies.append(tag("tbody", tag("tr", words, _no_axis(axis)), rows))
    beside = "" if lookup.evaluation.covered else " beside reality and the reference methods"
    caption = f"The main measures{beside}"
    crowd = "few" if several < 3 else "crowded" if several > 5 else ""
    table = scrolled(caption, head, join(bodies), f"reference {crowd}".strip())
    without = [
        tag("p", tag("b", ", ".join(titles)), f": {because}.", class_="why")
        for because, titles in empty.items()
    ]
    return join([legend(lookup), table, without, tag("p", table_note(lookup), class_="why"), notes.listed()])


def table_note(lookup: Lookup) -> str:
    """What stands in brackets, after ±, and under REAL."""
    said = ["In brackets: 95% intervals."]
    if any(len(subject.names) > 1 for subject in lookup.runs):
        said.append("Of several seeds: mean ± standard deviation over seeds, then the value of each seed.")
    if lookup.evaluation.covered:
        said.append(f"Measures that are not listed: not applicable, because {WITHHELD}.")
    real = lookup.reference(REAL)
    if lookup.evaluation.dataset.holdout_rows and real is not None:
        said.append(REAL_BELOW)
    elif real is not None:
        said.append("REAL has no figures but plain facts about the train split, because there is no holdout.")
    return " ".join(said)


def _row(lookup: Lookup, metric: str, notes: Notes, *, axis: bool) -> Html:
    measure = lookup.measure(metric)
    figures = [(subject, lookup.figure(metric, subject)) for subject in lookup.subjects]
    because = nothing_of(lookup, [metric])
    said = common_note(figure for _, figure in figures if figure.value is not None)
    head = tag(
        "th",
        tag("a", measure.title, href=f"#m-{_anchor(metric)}"),
        tag("small", direction(measure), f"; {said}" if said else "", class_="direction"),
        scope="row",
    )
    if because:
        said_once = tag("td", f"– {because}", colspan=len(figures), class_="none")
        return tag("tr", head, said_once, _no_axis(axis))
    cells = [cell(figure, measure, notes, (measure.title, s.label), said, each=True) for s, figure in figures]
    drawn = tag("td", strip(lookup, measure, figures), class_="axis") if axis else None
    return tag("tr", head, cells, drawn)


def _no_axis(axis: bool) -> Html | None:
    """The last cell of a row that has nothing to draw."""
    return tag("td", class_="axis") if axis else None


def _anchor(metric: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in metric)


def utility(lookup: Lookup) -> Html:
    """TSTR beside REAL and the references, drawn; each column as target in turn, where that was measured."""
    metrics = [metric for metric in main(lookup, "utility") if lookup.has_table(metric)]
    target = lookup.evaluation.dataset.schema.target
    parts = [
        tag(
            "p",
            "A prediction is learned from the synthetic rows and tried on real rows that were held out. REAL learned it "
            "from the real train rows: what comes near to REAL is as useful.",
        )
    ]
    if target:
        parts.append(tag("p", "What is predicted: ", name(target), "."))
    because = nothing_of(lookup, metrics or ["tstr_rf_auc"])
    parts.append(
        tag("p", f"Nothing to show: {because}.", class_="empty") if because else panels(lookup, metrics)
    )
    targets = lookup.columns("tstr_columns")
    if targets:
        parts.append(_by_column(lookup, "tstr_columns", targets, "Every column as target in turn"))
    return join(parts)


def panels(lookup: Lookup, metrics: Iterable[str]) -> Html:
    """A drawing of each measure over all subjects; what has no value is said below."""
    made = []
    for metric in metrics:
        measure = lookup.measure(metric)
        rows = [(subject.label, subject, lookup.figure(metric, subject)) for subject in lookup.subjects]
        made.append(_panel(lookup, measure, rows))
    return tag("div", made, class_="cards")


def _panel(lookup: Lookup, measure: Measure, rows: list[tuple[str, Subject, Figure]]) -> Html:
    drawn = whiskers(lookup, measure, rows) if any(figure.values for _, _, figure in rows) else None
    missing = dict.fromkeys(figure.note for _, _, figure in rows if figure.value is None and figure.note)
    said = []
    for note in missing:
        whose = [s.label for _, s, f in rows if f.value is None and f.note == note]
        who = "" if len(whose) == len(rows) else f"{', '.join(whose)}: "
        said.append(tag("p", f"{who}{note}.", class_="why"))
    return tag("figure", tag("figcaption", measure.title), drawn, said, class_="card")


def _by_column(lookup: Lookup, metric: str, columns: Iterable[str], caption: str) -> Html:
    measure, notes = lookup.measure(metric), Notes()
    rows = [
        tag(
            "tr",
            tag("th", name(column), scope="row"),
            [
                cell(lookup.figure(metric, subject, column), measure, notes, (column, subject.label))
                for subject in lookup.subjects
            ],
        )
        for column in columns
    ]
    head = [heading("Column"), *subject_heads(lookup, lookup.subjects)]
    table = scrolled(caption, head, tag("tbody", rows), hidden=True)
    return tag("details", tag("summary", caption), table, notes.listed())


def validity(lookup: Lookup) -> Html:
    """Rules and dependencies one by one, and the columns that hold cells they may not."""
    schema = lookup.evaluation.dataset.schema
    checks = {rule.label: (rule.check, rule.description) for rule in schema.rules}
    rules = tuple(dict.fromkeys([*(rule.label for rule in schema.rules), *lookup.items("rule_violations")]))
    parts = [tag("h3", "Rules")]
    parts.append(
        _violations(lookup, "rule_violations", rules, checks)
        if rules
        else tag("p", "The schema has no rules.", class_="empty")
    )
    dependencies = lookup.items("dependency_violations")
    parts.append(tag("h3", "Dependencies"))
    if dependencies:
        parts.append(_violations(lookup, "dependency_violations", dependencies, {}))
    elif schema.dependencies:
        words = [f"{', '.join(d.determinant)} decides {d.dependent}" for d in schema.dependencies]
        parts.append(tag("p", "Not measured: ", tag("bdi", "; ".join(words)), ".", class_="empty"))
    else:
        parts.append(tag("p", "The schema has no dependencies.", class_="empty"))
    parts.append(tag("h3", "Cells"))
    parts.append(_invalid_cells(lookup))
    return join(parts)


def _violations(
    lookup: Lookup, metric: str, items: Iterable[str], checks: dict[str, tuple[str, str]]
) -> Html:
    measure, notes = lookup.measure(metric), Notes()
    rows = []
    for item in items:
        check, description = checks.get(item, ("", ""))
        title = tag(
            "th",
            name(item),
            tag("small", tag("bdi", description)) if description else None,
            tag("code", check) if check and check != item else None,
            scope="row",
        )
        cells = [
            cell(lookup.figure(metric, s, item=item), measure, notes, (item, s.label))
            for s in lookup.subjects
        ]
        rows.append(tag("tr", title, cells))
    what = "rule" if metric == "rule_violations" else "dependency"
    head = [heading(what.capitalize()), *subject_heads(lookup, lookup.subjects)]
    return join([scrolled(f"Share of rows that break each {what}", head, tag("tbody", rows)), notes.listed()])


def _invalid_cells(lookup: Lookup) -> Html:
    measured = lookup.columns("invalid_cells")
    if not measured:
        return tag("p", "Invalid cells were not measured column by column.", class_="empty")
    wrong = [
        column
        for column in measured
        if any(any(lookup.figure("invalid_cells", subject, column).values) for subject in lookup.runs)
    ]
    if not wrong:
        return tag("p", f"No run has an invalid cell in any of {len(measured):,} columns.")
    measure, notes = lookup.measure("invalid_cells"), Notes()
    rows = [
        tag(
            "tr",
            tag("th", name(column), scope="row"),
            [
                cell(lookup.figure("invalid_cells", s, column), measure, notes, (column, s.label))
                for s in lookup.subjects
            ],
        )
        for column in wrong
    ]
    head = [heading("Column"), *subject_heads(lookup, lookup.subjects)]
    table = scrolled("Columns with cells that they do not allow", head, tag("tbody", rows))
    return join([table, notes.listed()])


def other_measures(lookup: Lookup) -> Html | None:
    """Measures of plug-ins that no other part knows; ``None`` where there are none."""
    metrics = others(lookup)
    if not metrics:
        return None
    notes, rows, more = Notes(), [], 0
    for metric in metrics:
        measure = lookup.measure(metric)
        places = [place for place in lookup.places(metric) if place != (None, None, None)]
        more += max(len(places) - _MOST_ROWS, 0)
        for a, b, item in places[:_MOST_ROWS]:
            figures = [lookup.figure(metric, subject, a, b, item) for subject in lookup.subjects]
            where = " × ".join(part for part in (a, b) if part is not None)
            of = ", ".join(part for part in (where, item) if part)
            title = tag("th", name(measure.title), tag("small", name(of)), scope="row")
            what = f"{measure.title}, {of}"
            cells = [
                cell(figure, measure, notes, (what, s.label))
                for s, figure in zip(lookup.subjects, figures, strict=True)
            ]
            rows.append(tag("tr", title, cells))
    head = [heading("Measure"), *subject_heads(lookup, lookup.subjects)]
    table = scrolled(
        "Measures of columns, pairs and items without a section of their own", head, tag("tbody", rows)
    )
    left = tag("p", f"{more:,} more rows are in the table meta.metrics.", class_="why") if more else None
    return join([table, left, notes.listed()])


def definitions(lookup: Lookup) -> Html:
    """Every measure that is named or has a score: what it means, where good values lie, where it is taken from."""
    families = tuple(FAMILIES)
    named = (metric for family in FAMILIES for metric in main(lookup, family))
    known = sorted(
        dict.fromkeys([*lookup.metrics, *named]),
        key=lambda metric: families.index(f) if (f := lookup.family(metric)) in families else len(families),
    )
    rows = []
    for metric in known:
        measure = lookup.measure(metric)
        rows.append(
            tag(
                "tr",
                tag(
                    "th",
                    measure.title,
                    tag("small", code(metric)),
                    scope="row",
                    id=f"m-{_anchor(metric)}",
                ),
                tag("td", FAMILIES.get(lookup.family(metric), "Other")),
                tag("td", measure.definition),
                tag("td", direction(measure), "; ", range_of(measure)),
                tag("td", measure.source or "–"),
            )
        )
    head = [heading(word) for word in ("Measure", "Family", "What it means", "Values", "Source")]
    return scrolled("Every measure in this report", head, tag("tbody", rows), "definitions")


def glossary() -> Html:
    """Words of the report."""
    entries = (
        tag("div", tag("dt", word), tag("dd", text)) for word, text in sorted(GLOSSARY.items(), key=_fold)
    )
    return tag("dl", entries, class_="glossary")


def _fold(entry: tuple[str, str]) -> str:
    return entry[0].lower()
