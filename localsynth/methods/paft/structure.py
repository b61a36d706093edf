"""What a table's rows say about each other's columns, and the order that follows: found once in a run, kept with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localsynth.core.columns import Column
from localsynth.core.finding import Explored
from localsynth.core.ordering import Ordering, orders
from localsynth.core.schema import Dependency, Schema
from localsynth.core.seeds import derive

from .params import PAFTParams

__all__ = ["Structure", "structure_of", "told_of", "written"]


@dataclass(frozen=True)
class Structure:
    """dependencies : those that hold in every train row, the schema's own first; they are kept by what is written.
    orders : of all columns that are written; the first is the one that rows are sampled in.
    placed : why each column stands where it does. edges : "a before b" with the reason.
    """

    dependencies: tuple[Dependency, ...]
    orders: tuple[tuple[str, ...], ...]
    placed: Mapping[str, str]
    edges: tuple[tuple[str, str, str], ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The order that rows are sampled in."""
        return self.orders[0]

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "dependencies": [[list(one.determinant), one.dependent] for one in self.dependencies],
            "orders": [list(order) for order in self.orders],
            "placed": dict(self.placed),
            "edges": [list(edge) for edge in self.edges],
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Structure:
        """What ``dump`` gave."""
        return cls(
            tuple(
                Dependency(determinant=tuple(left), dependent=right) for left, right in data["dependencies"]
            ),
            tuple(map(tuple, data["orders"])),
            dict(data["placed"]),
            tuple((a, b, why) for a, b, why in data["edges"]),
        )


def written(schema: Schema) -> list[Column]:
    """The columns that rows are written with: all but identifiers, which code makes."""
    return [column for column in schema.columns if column.kind != "identifier"]


def structure_of(schema: Schema, explored: Explored, params: PAFTParams, seed: int) -> Structure:
    """Look for dependencies in the train rows (if wanted) and put the columns in order.

    Dependencies that a few rows break have a say in the order and are not kept. Raises ``NotFound``, ``SchemaError`` where
    the order given by hand names what is not there, or twice.
    """
    names = [column.name for column in written(schema)]
    found = explored.found.dependencies if params.discover else ()
    declared = [one for one in schema.dependencies if {*one.determinant, one.dependent} <= set(names)]
    exact = [one.declared() for one in found if one.exact]
    target = schema.target if schema.target in names else None
    # What people predict is written first, so that all the rest is written knowing it; unless something determines it.
    told = target is not None and target in {
        *(one.dependent for one in declared),
        *(one.dependent for one in found),
    }
    first = target if params.mode == "aligned" and not params.order and not told else None
    all_orders: list[Ordering] = orders(
        params.orders if params.mode == "aligned" else 1,
        derive(seed, "orders"),
        names,
        [*declared, *found],
        explored.strengths,
        explored.cardinalities,
        target,
        first,
        fixed=params.order,
    )
    best = all_orders[0]
    kept = list(dict.fromkeys((one.determinant, one.dependent) for one in [*declared, *exact]))
    return Structure(
        tuple(Dependency(determinant=left, dependent=right) for left, right in kept),
        tuple(one.order for one in all_orders),
        dict(best.placed),
        tuple((edge.before, edge.after, edge.why) for edge in best.edges),
    )


def told_of(structure: Structure) -> str:
    """One sentence for the person who watches."""
    many = len(structure.dependencies)
    kept = (
        "no dependency was found"
        if not many
        else f"{many} dependencies are kept"
        if many > 1
        else "1 dependency is kept"
    )
    more = f", and {len(structure.orders) - 1} more to train on" if len(structure.orders) > 1 else ""
    return f"order: {_list(structure.order)} ({kept}{more})"


def _list(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, and {len(names) - most} more"
