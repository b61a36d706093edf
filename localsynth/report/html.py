"""The report as one HTML file that asks nobody for anything: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from localsynth.core.evaluation import Evaluation
from localsynth.core.explaining import Explanation
from localsynth.core.judging import Family, Measure
from localsynth.core.words import counted

from .aimpart import aims_part, budget_part
from .cautions import cautions
from .columnpart import columns_part
from .lookup import Lookup, Subject
from .making import making_part
from .markup import Child, Html, join, name, tag
from .pairpart import pairs_part
from .privacypart import privacy_part
from .provenance import moment, provenance
from .sections import (
    caution_box,
    definitions,
    glossary,
    other_measures,
    reference_table,
    utility,
    validity,
    verdict_block,
)
from .stagepart import stages_part
from .verdict import verdicts

__all__ = ["html_report"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_HANDLE = (
    "This report shows statistics of real rows (the train split): distributions, missing values, relations between columns. "
    "Handle it as you handle those rows."
)
_NO_ROWS = "No real rows were at hand: everything here is of synthetic rows only."
_COVERED = (
    "No real row was read for this report. What it tells of the real table are noisy statistics, which the privacy budget "
    "covers, and what a person declared."
)


def html_report(
    evaluation: Evaluation,
    measures: Mapping[str, Measure],
    families: Mapping[str, Family],
    prompts: Mapping[str, str],
    explanations: Mapping[str, Explanation] | None = None,
) -> str:
    """The report.

    Parameters
    ----------
    evaluation : what was judged. measures, families : what each measure means, by name; a metric without an entry is shown
        under its bare name. prompts : run id -> one example prompt as the model read it; may be empty.
        explanations : run id -> what its method found out, of those that tell.

    Returns
    -------
    A whole HTML document. Every number of it is in ``evaluation.scores`` or ``evaluation.stages``, but for means and spreads
    over seeds and what the verdict derives from them; what people wrote stands in it as text.
    """
    lookup = Lookup(evaluation, measures, families)
    judged = verdicts(lookup)
    sections: list[tuple[str, str, Child]] = [
        (
            "Measures",
            "All measures" if evaluation.covered else "All measures beside reality and reference methods",
            reference_table(lookup),
        ),
        *_where(("Targets", "What the rows were aimed at", aims_part(lookup))),
        *_against_real(lookup),
        ("Privacy", "Privacy", privacy_part(lookup, judged)),
        *_where(("Budget", "Privacy budget", budget_part(lookup))),
        ("Rules", "Rules and dependencies", validity(lookup)),
    ]
    if (more := other_measures(lookup)) is not None:
        sections.append(("Further", "Further measures", more))
    sections += [
        ("Making", "How it was made", _made(lookup, prompts)),
        *_where(("Findings", "How the rows were made", _findings(lookup, explanations or {}))),
        ("Definitions", "What was measured", definitions(lookup)),
        ("Glossary", "Glossary", glossary()),
    ]
    handle = _HANDLE if lookup.tells_of_rows else _COVERED if evaluation.covered else _NO_ROWS
    title = f"Synthetic data report: {evaluation.dataset.name}"
    body = [
        tag("header", _head(lookup)),
        caution_box(cautions(lookup)),
        tag("section", tag("h2", "Verdict"), verdict_block(judged), class_="first", id="verdict"),
        tag("p", handle, class_="handle", role="note"),
        tag(
            "nav", [tag("a", word, href=f"#{word.lower()}") for word, _, _ in sections], aria_label="Contents"
        ),
        [tag("section", tag("h2", words), part, id=word.lower()) for word, words, part in sections],
        tag("footer", f"Written by localsynth on {moment(evaluation.made_at)}. ", handle),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", _style()),
    ]
    page = tag("html", tag("head", head), tag("body", tag("main", body)), lang="en")
    return f"<!doctype html>\n{page}\n"


def _findings(lookup: Lookup, explanations: Mapping[str, Explanation]) -> Html | None:
    parts = [making_part(lookup, explanations), stages_part(lookup)]
    return join(parts) if any(part is not None for part in parts) else None


def _where(section: tuple[str, str, Child]) -> list[tuple[str, str, Child]]:
    """The section, where it has anything to say."""
    return [section] if section[2] is not None else []


def _against_real(lookup: Lookup) -> list[tuple[str, str, Child]]:
    """Sections that hold rows against real ones; without any only those that have something to show all the same."""
    columns, pairs, use = columns_part(lookup), pairs_part(lookup), utility(lookup)
    made: list[tuple[str, str, Child]] = [
        ("Columns", "Column by column", columns),
        ("Pairs", "Pairs of columns", pairs),
        ("Utility", "Utility", use),
    ]
    if lookup.evaluation.dataset.train_rows:
        return made
    return [section for section in made if "Nothing to show: " not in str(section[2])]


@cache
def _style() -> Html:
    return Html((files("localsynth.report") / "style.css").read_text("utf-8"))


def _head(lookup: Lookup) -> Html:
    evaluation = lookup.evaluation
    dataset = evaluation.dataset
    real = (
        f"held against {counted(dataset.rows, 'real row')} ({dataset.train_rows:,} train, {dataset.holdout_rows:,} holdout)"
        if dataset.rows
        else "no real rows to hold them against"
        if not evaluation.covered
        else "no real row was read, because no privacy budget covers that"
    )
    people = join([_who(subject) for subject in lookup.runs], "; ")
    return join(
        [
            tag("p", "Synthetic data report", class_="eyebrow"),
            tag("h1", name(dataset.name)),
            tag("p", dataset.schema.description, class_="lead") if dataset.schema.description else None,
            tag("p", people, ". ", tag("span", f"{moment(evaluation.made_at)}; {real}."), class_="about"),
        ]
    )


def _who(subject: Subject) -> Html:
    model = next((run.model for run in subject.runs if run.model), None)
    rows = sum(run.rows_done for run in subject.runs)
    return tag(
        "span",
        tag("b", name(subject.label)),
        f" ({model})" if model and model not in subject.label else "",
        f", {counted(rows, 'row')}",
        f" in {len(subject.runs)} runs that differ in their seed (± is the standard deviation over seeds)"
        if len(subject.runs) > 1
        else "",
    )


def _made(lookup: Lookup, prompts: Mapping[str, str]) -> Html:
    parts: list[Child] = []
    for subject in lookup.runs:
        if not subject.runs:
            parts.append(tag("p", name(subject.label), ": no run of this name is recorded.", class_="empty"))
            continue
        found = provenance(subject, dict(prompts))
        facts = [tag("div", tag("dt", what), tag("dd", tag("bdi", words))) for what, words in found.facts]
        prompt: Child = tag("p", "No prompt was recorded.", class_="empty")
        if found.prompt is not None:
            prompt = tag(
                "details",
                tag("summary", "One prompt, as the model read it"),
                tag("pre", found.prompt, dir="auto"),
            )
        parts.append(
            tag(
                "article",
                tag("h3", name(subject.label), " ", tag("small", name(subject.detail))),
                tag("dl", facts, class_="facts-list"),
                tag("h4", "Recipe"),
                tag("pre", found.recipe, dir="auto"),
                prompt,
            )
        )
    rows = lookup.evaluation.reference_rows
    made = (
        f"Each reference method made {counted(rows, 'row')} from the train split"
        if rows
        else "No reference rows were made"
    )
    parts.append(tag("p", f"{made}; what metrics drew at random followed seed {lookup.evaluation.seed}."))
    return join(parts)
