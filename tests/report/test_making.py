"""What methods found out, on the page and in a terminal: drawn whole, people's words as text."""

from __future__ import annotations

import html as markup
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Link, Series, Step, Steps
from localsynth.core.run import Exposure
from localsynth.report.graphplot import MOST_NODES, drawn_nodes, graph_svg, layers
from localsynth.report.html import html_report
from localsynth.report.plaintext import shown
from localsynth.report.terminal.making import Told
from tests.core.test_explaining import EXPLANATIONS
from tests.methods.test_paft_explaining import TALLY, told
from tests.report.support import AWKWARD, FAMILIES, MARKUP, MEASURES, SCRIPT, Wanted, make
from tests.report.test_html import CASES, Page

ODD = (*AWKWARD, 'a & "b" <i>', "]]>", "😀", ":smile:", "\x1b[2J", "a\nb")


def printed(explanation: Explanation, width: int = 80) -> str:
    out = io.StringIO()
    # With markup on, as a careless caller might have it.
    Console(file=out, width=width, markup=True, emoji=True, no_color=True).print(Told(explanation))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def page_of(explanation: Explanation, name: str = "one run") -> Page:
    evaluation = CASES[name]
    told_of = {run.run_id: explanation for run in evaluation.runs}
    page = Page(html_report(evaluation, MEASURES, FAMILIES, {}, told_of))
    assert page.open == []
    return page


def odd(names: tuple[str, ...] = ODD) -> Explanation:
    """Every kind of part, all of it made of these names."""
    one, other = names[0], names[-1]
    points = ((1.0, 2.0), (2.0, 1.0))
    return Explanation(
        parts=(
            Facts(title=one, caption=other, facts=tuple((name, name) for name in names)),
            Steps(title=one, steps=tuple(Step(name=name, why=f"why {name}") for name in names)),
            Graph(
                title=one,
                nodes=names,
                links=(
                    *(Link(source=one, target=name, why=name) for name in names[1:]),
                    Link(source=other, target=one),
                ),
                components=((one, other),),
            ),
            Curve(
                title=one,
                x=one,
                y=other,
                series=tuple(Series(name=n, points=points) for n in names),
                marked=2,
                mark=other,
            ),
        )
    )


def test_the_golden_text() -> None:
    assert printed(told(maker={"done": [[1]], "known": None, "tally": TALLY})) == GOLDEN


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_a_terminal_and_nothing_is_read_as_markup(width: int) -> None:
    text = printed(odd(), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert MARKUP in text
    assert SCRIPT in text
    assert ":smile:" in text
    assert "\x1b" not in text
    assert "\\x1b[2J" in text


@given(EXPLANATIONS)
@settings(max_examples=60, deadline=None)
def test_a_terminal_shows_anything(explanation: Explanation) -> None:
    text = printed(explanation)
    assert "\x1b" not in text
    assert max(map(cell_len, text.splitlines()), default=0) <= 80


@given(EXPLANATIONS)
@settings(max_examples=40, deadline=None)
def test_a_page_shows_anything(explanation: Explanation) -> None:
    page = page_of(explanation)
    assert {name for name, _ in page.tags} <= KNOWN_TAGS


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2, max_size=5, unique=True
    )
)
@settings(max_examples=40, deadline=None)
def test_names_stand_on_the_page_as_text(names: list[str]) -> None:
    page = page_of(odd(tuple(names)))
    assert {name for name, _ in page.tags} <= KNOWN_TAGS
    for name in names:
        words = shown(name).replace("\r\n", "\n").replace("\r", "\n")
        assert words in "".join(page.words)


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = page_of(odd())
    assert not page.all("script")
    assert not page.all("img")
    assert not page.all("use")
    for _, attributes in page.tags:
        assert not any(key.startswith("on") or key in {"src", "xlink:href"} for key in attributes)
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    assert SCRIPT in page.text
    assert "How the rows were made" in page.text


def test_only_those_who_tell_have_a_section() -> None:
    assert "How the rows were made" not in Page(html_report(CASES["one run"], MEASURES, FAMILIES, {})).text
    page = page_of(told(), "seeds")
    first = CASES["seeds"].runs[0].run_id
    assert f"Of run {first}, one of several that differ in their seed." in page.text
    assert page.text.count("The order of the columns") == 1


def test_findings_of_a_run_that_saw_rows_are_handled_like_rows_whatever_it_is_held_against() -> None:
    handled = "Handle it as you handle those rows."
    for exposure, says in ((Exposure.ROWS, True), (Exposure.SCHEMA, False)):
        evaluation = make(Wanted(exposure=exposure), train_rows=0, holdout_rows=0)
        of = {run.run_id: told() for run in evaluation.runs}
        assert (handled in Page(html_report(evaluation, MEASURES, FAMILIES, {}, of)).text) is says


def test_the_graph_says_what_it_leaves_out() -> None:
    names = tuple(f"c{number}" for number in range(60))
    links = tuple(Link(source="c0", target=name) for name in names[1:51])
    page = page_of(Explanation(parts=(Graph(title="g", nodes=names, links=links),)))
    assert len([one for one in page.all("rect") if one.get("class") == "node"]) == MOST_NODES
    assert "11 of 51 columns with an arrow are not drawn." in page.text
    assert f"Without an arrow: {', '.join(names[51:])}." in page.text
    assert "c0 → c50" in page.text


def test_arrows_lead_to_the_right_and_circles_back() -> None:
    links = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "b"), ("a", "d")]
    assert layers("abcd", links) == [["a"], [("a", 1), "b", "d"], ["c"]]
    graph = Graph(
        title="g",
        nodes=tuple("abcde"),
        links=tuple(Link(source=one, target=other) for one, other in links),
        components=(("b", "c"),),
    )
    assert drawn_nodes(graph) == tuple("abcd")
    drawn = graph_svg(graph)
    assert drawn.count('class="arrow"') == 4
    assert drawn.count('class="arrow back"') == 1
    assert drawn.count('class="node circled"') == 2
    assert drawn.count("<title>e</title>") == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda two: two[0] != two[1]), max_size=40
    )
)
def test_each_node_is_in_one_column_right_of_what_leads_to_it(pairs: list[tuple[int, int]]) -> None:
    names = [f"n{number}" for number in range(12)]
    links = [(names[one], names[other]) for one, other in pairs]
    made = layers(names, links)
    column = {spot: number for number, part in enumerate(made) for spot in part}
    assert sorted(spot for spot in column if isinstance(spot, str)) == sorted(names)
    assert all(any(isinstance(spot, str) for spot in part) for part in made)
    assert len(column) == sum(map(len, made))
    for one, other in pairs:
        if one < other:
            assert column[names[one]] < column[names[other]]
            for between in range(column[names[one]] + 1, column[names[other]]):
                assert column[names[one], between] == between


def test_long_curves_keep_the_marked_point() -> None:
    points = tuple((float(x), 10.0 / x) for x in range(1, 101))
    curve = Curve(
        title="t", x="epoch", y="nats", series=(Series(name="s", points=points),), marked=37, mark="kept"
    )
    lines = printed(Explanation(parts=(curve,))).splitlines()
    (kept,) = (line for line in lines if "<- kept" in line)
    assert kept.split()[:2] == ["37", "0.2703"]
    assert lines[-1].split() == ["100", "0.1"]
    assert len(lines) < 20


def test_a_flat_curve_of_one_point_is_drawn() -> None:
    curve = Curve(
        title="t",
        x="epoch",
        y="nats",
        series=(Series(name="s", points=((1.0, 3.0),)),),
        marked=1,
        mark="kept",
    )
    assert "<- kept" in printed(Explanation(parts=(curve,)))
    assert markup.escape("t: nats by epoch") in page_of(Explanation(parts=(curve,))).text


PLAIN = [html_report(evaluation, MEASURES, FAMILIES, {}) for evaluation in CASES.values()]
KNOWN_TAGS = {name for page in PLAIN for name, _ in Page(page).tags} | {"ol", "polygon", "path"}
GOLDEN = """\

What was learnt
A LoRA adapter was fitted to train rows.
Adapter     towns-1
LoRA        rank 16, alpha 32
Train rows  1,800 learnt from, 200 held out to judge by
Training    3 epochs in 62 s
Ended       all epochs are done
Kept        what it was after epoch 2

The order of the columns
Each cell is written knowing all cells before it; the same dependencies allow 1
more order, found to train on.
1. sex  the target
2. zip  determines others
3. town zip determines it
4. a    in a circle with b
5. b    in a circle with a

What depends on what
An arrow leads from a column to one that is to be written after it; 1 dependency
holds without exception.
zip -> town: zip determines town
a -> b: a determines b
b -> a: b determines a
in a circle: a, b
without an arrow: sex

Training
How unlikely the model finds a row, the less the better; held-out rows are train
rows that were not learnt from.
held-out rows  █▄▅  9 to 7.5 nats per row
train rows     ▇▃▁  8.5 to 5 nats per row
epoch  held-out rows  train rows
─────────────────────────────────────────
    1              9         8.5
    2              7           6  <- kept
    3            7.5           5

What became of drawn rows
The best of them were selected and aligned to the tables of the train split;
what follows the first three is of the last batch.
Rows drawn     400
Unreadable     4 (1%)
Too near       11 (3%) left out, too near to a real row
Cells changed  12%, by alignment
Distance       0.0800 of the rows as selected, 0.0203 once aligned (mean total
               variation)
"""
