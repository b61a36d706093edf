"""What a run found out, told from its stored state: what was learnt, the order and why, what depends on what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Link, Part, Series, Step, Steps
from localsynth.core.finding import percent
from localsynth.core.ordering import circles
from localsynth.core.words import counted, plain

from .fitting import HELD, NATS, SEEN
from .learning import Learnt
from .structure import Structure

__all__ = ["explained"]


def explained(state: Mapping[str, Any]) -> Explanation:
    """See :class:`~localsynth.core.explaining.Explains`."""
    if not state:
        return Explanation()
    structure, learnt = Structure.load(state["structure"]), Learnt.load(state["learnt"])
    maker = state["maker"] or {}
    parts: list[Part] = [_learnt(learnt), _order(structure), _graph(structure)]
    parts += [*_curve(learnt), *_drawn(maker)]
    return Explanation(parts=tuple(parts))


def _learnt(learnt: Learnt) -> Facts:
    """From what the model knows the rows."""
    if not learnt.adapter:
        shown = counted(len(learnt.examples), "train row") if learnt.examples else "no rows"
        facts = {"Model": "as it is, not fitted to the rows", "In its prompt": shown}
        return _facts("What was learnt", "Nothing was trained.", facts)
    return _facts("What was learnt", "A LoRA adapter was fitted to train rows.", _trained(learnt))


def _trained(learnt: Learnt) -> dict[str, str]:
    """What the adapter's settings tell; an adapter that another version kept may tell less."""
    told = learnt.settings
    facts = {"Adapter": learnt.adapter}
    if (rank := told.get("rank")) is not None:
        alpha = told.get("alpha")
        facts["LoRA"] = f"rank {rank}" + (f", alpha {plain(alpha)}" if alpha is not None else "")
    if (rows := told.get("rows")) is not None:
        facts["Train rows"] = f"{rows:,} learnt from{_held(told.get('held_out'))}"
    if (epochs := told.get("epochs")) is not None:
        seconds = told.get("seconds")
        facts["Training"] = counted(epochs, "epoch") + (
            f" in {seconds:,.0f} s" if seconds is not None else ""
        )
    if ended := told.get("ended"):
        facts["Ended"] = ended
    if (best := told.get("best_epoch")) is not None:
        facts["Kept"] = f"what it was after epoch {best}"
    if (independent := told.get("independent")) is not None:
        facts["To beat"] = f"{independent:.1f} nats a held-out row, if no column told anything of another"
    return facts


def _held(count: int | None) -> str:
    if count is None:
        return ""
    return f", {count:,} held out to judge by" if count else ", none held out"


def _facts(title: str, caption: str, facts: Mapping[str, str]) -> Facts:
    return Facts(title=title, caption=caption, facts=tuple(facts.items()))


def _order(structure: Structure) -> Steps:
    more = len(structure.orders) - 1
    also = f"; the same dependencies allow {counted(more, 'more order')}, found to train on"
    return Steps(
        title="The order of the columns",
        caption=f"Each cell is written knowing all cells before it{also if more else ''}.",
        steps=tuple(Step(name=name, why=structure.placed.get(name, "")) for name in structure.order),
    )


def _graph(structure: Structure) -> Graph:
    edges = [(before, after) for before, after, _ in structure.edges]
    many = len(structure.dependencies)
    held = (
        "1 dependency holds"
        if many == 1
        else f"{many:,} dependencies hold"
        if many
        else "no dependency holds"
    )
    return Graph(
        title="What depends on what",
        caption=f"An arrow leads from a column to one that is to be written after it; {held} without exception.",
        nodes=structure.order,
        links=tuple(Link(source=before, target=after, why=why) for before, after, why in structure.edges),
        components=circles(structure.order, edges),
    )


def _curve(learnt: Learnt) -> Iterator[Curve]:
    """The loss of train rows, and of held-out rows where some were held out."""
    wanted = {"held": HELD, "seen": SEEN}
    if not learnt.settings.get("held_out"):
        del wanted["held"]
    series = [
        Series(name=name, points=points)
        for key, name in wanted.items()
        if (points := _points(learnt.curve, key))
    ]
    if not series:
        return
    best = learnt.settings.get("best_epoch")
    held = "; held-out rows are train rows that were not learnt from" if "held" in wanted else ""
    yield Curve(
        title="Training",
        caption=f"How unlikely the model finds a row, the less the better{held}.",
        x="epoch",
        y=NATS,
        series=tuple(series),
        marked=best,
        mark="kept" if best is not None else "",
    )


def _points(curve: Sequence[Mapping[str, float | None]], key: str) -> tuple[tuple[float, float], ...]:
    """Of the epochs that tell it."""
    pairs = ((one.get("epoch"), one.get(key)) for one in curve)
    return tuple((epoch, loss) for epoch, loss in pairs if epoch is not None and loss is not None)


def _drawn(maker: Mapping[str, Any]) -> Iterator[Facts]:
    """What became of drawn rows; the faithful mode keeps no tally."""
    tally = maker.get("tally")
    if not tally:
        return
    drawn, unreadable = tally["drawn"], tally["unreadable"]
    facts = {
        "Rows drawn": f"{drawn + unreadable:,}",
        "Unreadable": _of(unreadable, drawn + unreadable),
        "Too near": f"{_of(tally['near'], drawn)} left out, too near to a real row",
    }
    caption = "Rows were kept as the model drew them; nothing was aligned."
    if maker["done"] is not None:
        caption = (
            "The best of them were selected and aligned to the tables of the train split; what follows the first three"
            " is of the last batch."
        )
        facts["Cells changed"] = f"{percent(tally['changed'])}, by alignment"
        if maker.get("dealt"):
            facts["Drawn anew"] = f"{', '.join(maker['dealt'])}: values within their cells, in the same order"
        facts["Distance"] = (
            f"{tally['selected_gap']:.4f} of the rows as selected, {tally['gap']:.4f} once aligned (mean total variation)"
        )
    yield _facts("What became of drawn rows", caption, facts)


def _of(some: int, many: int) -> str:
    return f"{some:,} ({percent(some / many)})" if some and many else f"{some:,}"
