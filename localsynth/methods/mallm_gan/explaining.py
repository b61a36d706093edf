"""What a run found out, told from its stored state: the curve of the game, who moved what, the graph and the guidance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Link, Part, Series, Step, Steps

from .faithful.explaining import explained as faithful_explained
from .game import SCORE
from .theta import Theta

__all__ = ["explained"]


def explained(state: Mapping[str, Any]) -> Explanation:
    """See :class:`~localsynth.core.explaining.Explains`."""
    if state.get("play"):
        return faithful_explained(state)
    if not state.get("game"):
        return Explanation()
    return Explanation(
        parts=tuple(_parts(state["game"], str(state.get("how", "")), control=bool(state.get("control"))))
    )


def _parts(game: Mapping[str, Any], how: str, *, control: bool) -> Iterator[Part]:
    theta = Theta.load(game["names"], game["theta"])
    start = Theta.load(game["names"], game["start"])
    yield _game(game, theta, how, control=control)
    if game["curve"]:
        yield _curve(game["curve"])
        if moved := [one for one in game["curve"] if one["author"] in {"search", "model"}]:
            yield Steps(
                title="What was changed",
                caption="Each change was surely better than what there was, by a paired bootstrap.",
                steps=tuple(
                    Step(name=f"round {one['round']}, {one['author']}", why=one["move"]) for one in moved
                ),
            )
    yield _graph(theta, start)
    if theta.words:
        yield _facts("Guidance in the prompt", "As it stands in the last theta.", {"Guidance": theta.words})
    if theta.focus:
        singles = [group[0] for group in theta.focus if len(group) == 1]
        pairs = [" x ".join(group) for group in theta.focus if len(group) == 2]
        told = {"Columns": ", ".join(singles), "Pairs": f"{len(pairs)}: {_some(pairs)}" if pairs else ""}
        yield _facts(
            "What rows are brought to",
            "Shares of the train rows that the game found worth it.",
            {key: value for key, value in told.items() if value},
        )


def _game(game: Mapping[str, Any], theta: Theta, how: str, *, control: bool) -> Facts:
    worth, spent = game["worth"], game["spent"]
    facts = {"Rounds": str(game["played"])}
    if control:
        facts["Control"] = "the labels of the discriminator were shuffled: the scores of rounds say nothing"
    if how:
        facts["First graph"] = how
    if game["ended"]:
        facts["Ended"] = game["ended"]
    if worth:
        facts["First theta again"] = f"{worth['first']:.2f}, rows written anew"
        facts["Last theta again"] = f"{worth['last']:.2f}, rows written anew"
        facts["Worth"] = (
            f"{worth['difference']:+.2f} [{worth['low']:+.2f}, {worth['high']:+.2f}], copies counted"
        )
    facts["Examples"] = "chosen where synthetic rows were thin" if theta.thin else "chosen evenly"
    facts["Spent"] = f"{spent['calls']:,} requests, about {spent['tokens']:,} tokens"
    caption = (
        "The score says how well boosted trees tell synthetic rows from real ones that their prompts did not show: 0 not at"
        " all, 1 always. Both halves of the train rows have judged what was chosen: held-out rows are for evaluation."
    )
    return _facts("The game", caption, facts)


def _curve(curve: Sequence[Mapping[str, Any]]) -> Curve:
    def points(key: str) -> tuple[tuple[float, float], ...]:
        return tuple((float(one["round"]), float(one[key])) for one in curve)

    return Curve(
        title="The score, round by round",
        caption="Of the theta that was kept, with its interval of 95% (low, high); each round is judged by other train rows.",
        x="round",
        y=SCORE,
        series=(
            Series(name="score", points=points("score")),
            Series(name="low", points=points("low")),
            Series(name="high", points=points("high")),
            Series(name="near copies", points=points("novelty")),
        ),
    )


def _graph(theta: Theta, start: Theta) -> Graph:
    had = set(start.graph.edges)
    links = tuple(
        Link(source=cause, target=effect, why="" if (cause, effect) in had else "found in the game")
        for cause, effect in theta.graph.edges
    )
    gone = had - set(theta.graph.edges)
    caption = "Rows are written in its order." + (
        f" {len(gone)} edges of the first graph are gone." if gone else ""
    )
    return Graph(title="The causal graph", caption=caption, nodes=theta.graph.order(), links=links)


def _facts(title: str, caption: str, facts: Mapping[str, str]) -> Facts:
    return Facts(title=title, caption=caption, facts=tuple(facts.items()))


def _some(words: Sequence[str], most: int = 12) -> str:
    return ", ".join(words[:most]) + (f", and {len(words) - most} more" if len(words) > most else "")
