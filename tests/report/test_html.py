"""The page: it parses, asks nobody for anything, shows only numbers that were measured, and text as text."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.columns import CategoricalColumn, IntegerColumn
from localsynth.core.evaluation import Evaluation, Judged
from localsynth.core.judging import Measure, Score
from localsynth.core.run import Exposure
from localsynth.core.schema import Rule, Schema
from localsynth.report.html import html_report
from tests.report.support import (
    AWKWARD,
    FAMILIES,
    MARKUP,
    MEASURES,
    SCRIPT,
    Wanted,
    make,
    tiny,
    wide_schema,
)

VOID = {"br", "hr", "link", "meta", "wbr"}
CASES = {
    "one run": make(),
    "seeds": make(Wanted(seeds=(1, 2, 3))),
    "several": make(
        Wanted(seeds=(1, 2)), Wanted("copying", method="other", model=None, exposure=Exposure.ROWS)
    ),
    "no holdout": make(holdout_rows=0),
    "no real rows": make(Wanted(exposure=Exposure.SCHEMA), train_rows=0, holdout_rows=0),
    "no intervals": make(intervals=False),
    "nothing": tiny({}),
}


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(evaluation: Evaluation, prompts: dict[str, str] | None = None) -> Page:
    page = Page(html_report(evaluation, MEASURES, FAMILIES, prompts or {}))
    assert page.open == []
    return page


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "-"))
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return CASES[request.param]


def test_a_page_asks_nobody_for_anything(evaluation: Evaluation) -> None:
    text = html_report(evaluation, MEASURES, FAMILIES, {})
    page = Page(text)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert not re.search(r"url\(|@import|src=", text)
    assert {a.get("href", "")[:1] for a in page.all("a")} <= {"#"}  # type: ignore[index]
    assert [a["href"] for a in page.all("link")] == ["data:,"]
    assert not {"script", "img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_links_inside_the_page_lead_somewhere(evaluation: Evaluation) -> None:
    page = page_of(evaluation)
    places = {a.get("id") for _, a in page.tags}
    assert {a["href"] for a in page.all("a")} <= {f"#{place}" for place in places}
    assert len([a for _, a in page.tags if a.get("id")]) == len(places - {None})


def test_every_number_is_one_of_the_scores(evaluation: Evaluation) -> None:
    known = {
        end
        for judged in evaluation.scores
        for end in (judged.score.value, judged.score.low, judged.score.high)
        if end is not None
    }
    shown = {float(str(a["value"])) for a in page_of(evaluation).all("data")}
    assert shown <= known
    if evaluation.dataset.train_rows and evaluation.scores:
        main = [j.score for j in evaluation.scores if j.score.metric in {"c2st_rf_auc", "invalid_rows"}]
        assert {score.value for score in main if score.value is not None} <= shown


def test_drawings_have_words_and_tables_have_scopes(evaluation: Evaluation) -> None:
    text = html_report(evaluation, MEASURES, FAMILIES, {})
    page = Page(text)
    drawn = [a for a in page.all("svg") if a.get("aria-hidden") != "true"]
    assert all(a.get("role") == "img" for a in drawn)
    assert text.count("<desc>") == len(drawn)
    assert all(a.get("scope") in {"col", "row", "rowgroup"} for a in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(len(page.all(tag)) == 1 for tag in ("h1", "main"))


def test_the_order_of_the_contents() -> None:
    text = page_of(CASES["one run"], {CASES["one run"].runs[0].run_id: "You write rows."}).text
    order = [
        "Verdict",
        "Handle it as you handle those rows.",
        "All measures beside reality and reference methods",
        "Column by column",
        "The 12 worst pairs",
        "What is predicted: diagnosis",
        "Not shown",
        "Share of rows that break each rule",
        "How it was made",
        "none was spent: no differential privacy guarantee",
        "You write rows.",
        "What was measured",
        "Glossary",
        "Holdout",
    ]
    contents = text.index("MeasuresColumns")  # the list of contents names some of them, too
    places = [text.index(words, 0 if place < 2 else contents + 63) for place, words in enumerate(order)]
    assert places == sorted(places)


def test_what_people_wrote_stands_as_text() -> None:
    evaluation = CASES["one run"]
    prompt = f"<|im_start|> {SCRIPT} {MARKUP} \x1b[31m \x00 \ud800"
    text = html_report(evaluation, MEASURES, FAMILIES, {evaluation.runs[0].run_id: prompt})
    page = Page(text)
    assert not page.all("script")
    assert "<script>" not in text
    words = "".join(page.words)
    for awkward in (*AWKWARD, f"{SCRIPT} {MARKUP}", "<|im_start|>", "\\x1b[31m", "\\x00", "\\ud800"):
        assert awkward in words, awkward
    text.encode()
    assert "\x1b" not in text


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=30), st.text(max_size=40), st.text(max_size=40))
def test_any_text_anywhere_stands_as_text(name: str, label: str, note: str) -> None:
    schema = Schema(columns=(IntegerColumn(name="x", range=(0, 9)), IntegerColumn(name="y", range=(0, 9))))
    whole = make(schema=schema)
    run = replace(
        whole.runs[0], run_id=name, method=label or "m", recipe_json=note, message=note, model=note or None
    )
    scores = (
        Judged("REAL", Score("histogram", 0.5, "x", item=label)),
        Judged(name, Score("histogram", 0.5, "x", item=label, note=note)),
        Judged(name, Score("rule_violations", 0.5, item=label, note=note)),
        Judged(name, Score(f"odd{label}", 0.25, name, note, label, note=note)),
        Judged(name, Score("dcr_share", None, note=note)),
    )
    evaluation = replace(whole, runs=(run,), scores=scores, dataset=replace(whole.dataset, name=name))
    text = html_report(evaluation, MEASURES, FAMILIES, {name: note})
    page = Page(text)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "link", "title", "style", "body", "main", "header", "section", "p", "h1", "h2", "h3",
        "h4", "dl", "dt", "dd", "div", "span", "strong", "small", "nav", "a", "ul", "li", "svg", "desc", "circle",
        "polygon", "line", "rect", "path", "text", "g", "bdi", "table", "caption", "thead", "tbody", "tr", "th", "td",
        "sup", "data", "details", "summary", "figure", "figcaption", "b", "code", "pre", "article", "footer", "wbr",
    }  # fmt: skip
    text.encode()


def test_what_is_missing_says_so_in_its_place() -> None:
    text = page_of(CASES["no holdout"]).text
    assert "Cannot be judged" in text
    assert text.count("no real rows were held out") >= 4
    assert "REAL has no figures but plain facts about the train split, because there is no holdout." in text
    bare = page_of(CASES["no real rows"]).text
    assert "No real rows were at hand" in bare
    assert bare.count("not applicable, because there are no real rows to hold these against") == 1
    assert "Nothing to show" not in bare
    nothing = page_of(CASES["nothing"]).text
    assert "not measured" in nothing
    assert "Nothing to show: not measured" in nothing


def test_every_place_stands_a_missing_value() -> None:
    """Each score in turn is not applicable: the page says why, and never fails."""
    whole = CASES["one run"]
    without = tuple(
        Judged(
            j.subject,
            replace(
                j.score, value=None, low=None, high=None, note=f"not applicable, because ({j.score.metric})"
            ),
        )
        for j in whole.scores
    )
    text = page_of(replace(whole, scores=without)).text
    for metric in (
        "invalid_rows",
        "column_shapes",
        "pair_trends",
        "tstr_rf_auc",
        "dcr_share",
        "rule_violations",
    ):
        assert f"not applicable, because ({metric})" in text, metric
    for metric in MEASURES:
        gone = tuple(j for j in whole.scores if j.score.metric != metric)
        page_of(replace(whole, scores=gone))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e300, 1e-300])
def test_numbers_nobody_expects(value: float) -> None:
    whole = CASES["one run"]
    odd = tuple(Judged(j.subject, replace(j.score, value=value)) for j in whole.scores)
    text = page_of(replace(whole, scores=odd)).text
    if value != value or value == float("inf"):
        assert "no finite number" in text


def test_seeds_show_mean_spread_and_each() -> None:
    evaluation = CASES["seeds"]
    page = page_of(evaluation)
    values = [
        score.value
        for run in evaluation.runs
        if (score := evaluation.of_table("c2st_rf_auc", run.run_id)) is not None and score.value is not None
    ]
    assert len(values) == 3
    shown = {float(str(a["value"])) for a in page.all("data")}
    assert set(values) <= shown
    assert f"{sum(values) / 3:.3f}" in page.text
    assert "3 seeds" in page.text


def test_measures_of_strangers_have_a_table() -> None:
    whole = CASES["one run"]
    run = whole.runs[0].run_id
    theirs = (
        Judged(run, Score("foreign_table", 0.125)),
        Judged(run, Score("foreign_pair", 12.5, "age", "sex", item=MARKUP, note="of a sample")),
        Judged(run, Score("foreign_column", None, "age", note="not applicable, because of <reasons>")),
    )
    measure = Measure("foreign_table", "Foreign", "What it means.", "none", None, None, "elsewhere")
    text = Page(
        html_report(
            replace(whole, scores=(*whole.scores, *theirs)),
            MEASURES | {"foreign_table": measure},
            FAMILIES,
            {},
        )
    ).text
    assert "Further measures" in text
    for words in (
        "Foreign",
        "foreign_pair",
        f"age × sex, {MARKUP}",
        "not applicable, because of <reasons>",
        "of a sample",
    ):
        assert words in text, words


def test_a_hundred_columns_stay_small() -> None:
    evaluation = make(schema=wide_schema(100))
    text = html_report(evaluation, MEASURES, FAMILIES, {})
    assert len(text) < 3_000_000
    page = Page(text)
    assert text.count("4950 pairs") == 1
    assert len(page.all("figure")) > 100


def test_the_same_evaluation_gives_the_same_page() -> None:
    first, second = (html_report(CASES["several"], MEASURES, FAMILIES, {}) for _ in range(2))
    assert first == second


def test_a_rule_nobody_measured_is_listed() -> None:
    schema = Schema(
        columns=(CategoricalColumn(name="x", categories={"a": "", "b": ""}),),
        rules=(Rule(check="x <> 'b' -- never", description="why not"),),
    )
    evaluation = replace(make(schema=schema), scores=())
    text = page_of(evaluation).text
    assert "x <> 'b' -- never" in text
    assert "why not" in text


def test_the_page_needs_no_terminal() -> None:
    code = "import sys, localsynth.report.html, localsynth.report.comparison; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
