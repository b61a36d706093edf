"""The page's part on what methods found out: facts, the order as chips, graphs and curves drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Part, Steps

from .curveplot import curve_svg
from .graphplot import drawn_nodes, graph_svg
from .lookup import Lookup
from .markup import Child, Html, join, name, tag

__all__ = ["making_part"]

_MOST_LINKS = 200


def making_part(lookup: Lookup, explanations: Mapping[str, Explanation]) -> Html | None:
    """What was found out in the runs of each recipe; ``None`` where nobody tells. explanations : by the run's id."""
    made: list[Html] = []
    for subject in lookup.runs:
        told = [run.run_id for run in subject.runs if run.run_id in explanations]
        if not told:
            continue
        several = len(subject.runs) > 1
        of = (
            tag("p", "Of run ", name(told[0]), ", one of several that differ in their seed.", class_="why")
            if several
            else None
        )
        head = tag("h3", name(subject.label), " ", tag("small", name(subject.detail)))
        made.append(tag("article", head, of, [_shown(part) for part in explanations[told[0]].parts]))
    return join(made) if made else None


def _shown(part: Part) -> Html:
    caption = tag("p", part.caption, class_="why") if part.caption else None
    return tag("div", tag("h4", part.title), caption, _body(part), class_="found")


def _body(part: Part) -> Child:
    match part:
        case Facts():
            facts = [tag("div", tag("dt", label), tag("dd", tag("bdi", text))) for label, text in part.facts]
            return tag("dl", facts, class_="facts-list")
        case Steps():
            chips = [
                tag("li", name(step.name), tag("small", step.why) if step.why else None)
                for step in part.steps
            ]
            return tag("ol", chips, class_="chips")
        case Graph():
            return list(_graph(part))
        case Curve():
            return curve_svg(part)


def _graph(graph: Graph) -> Iterator[Html]:
    names = drawn_nodes(graph)
    if not names:
        yield tag("p", "Nothing depends on anything else.", class_="empty")
        return
    yield tag("div", graph_svg(graph), class_="scroll", role="region", aria_label=graph.title, tabindex="0")
    linked = len(graph.nodes) - len(graph.alone)
    if linked > len(names):
        yield tag(
            "p", f"{linked - len(names):,} of {linked:,} columns with an arrow are not drawn.", class_="why"
        )
    for part in graph.components:
        yield tag("p", "In a circle: ", join(map(name, part), ", "), ".", class_="why")
    if graph.alone:
        yield tag("p", "Without an arrow: ", join(map(name, graph.alone), ", "), ".", class_="why")
    items = [
        tag("li", name(link.source), " → ", name(link.target), ": " if link.why else "", link.why)
        for link in graph.links[:_MOST_LINKS]
    ]
    if len(graph.links) > _MOST_LINKS:
        items.append(tag("li", f"and {len(graph.links) - _MOST_LINKS:,} more"))
    yield tag("details", tag("summary", "Every arrow, and why"), tag("ul", items, class_="said-list"))
