"""Dependency-locked decoding: a row's grammar in which no text breaks a locked dependency.

After a determinant only the value it was seen with is open, and before it, where the dependent is written first, only what has
this image. Of a composite dependency (PAFT writes its dependent first) only combinations that were seen are open; numbers are
held to the box of the rows of their group instead.

Locks change no order of draws. Cells are written from left to right, each token with the probability the model gives it, among
the tokens that some allowed row still begins with: the model's own distribution, renormalised token by token. A determinant is
therefore drawn as the model sees fit, not by how many dependents may follow it, and a dependent with one image is forced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from localsynth.core.cells import Value, cell_grammar, read_row, write_cell
from localsynth.core.columns import Column
from localsynth.core.errors import SchemaError
from localsynth.core.grammar import Grammar, seq
from localsynth.core.grammar import Sequence as Parts
from localsynth.core.schema import Dependency

from .behind import Behind
from .boxes import Axis, Pattern, Within, axis_of
from .nesting import Constraint, Held, Nesting, TooLarge, segments
from .outline import Outlines
from .relations import Relation, label, relation_of

if TYPE_CHECKING:
    import pyarrow as pa

    from .outline import Mask

__all__ = ["LIMIT", "Locked", "locked_row", "read_locked"]

LIMIT = 20_000  # alternatives
_EFFORT = 1  # pieces built in vain, to each alternative allowed, before the rest of a segment is left open
_FULL = "with what else its columns are locked to, and what is written between, it has too many alternatives"

#: First and last place of a segment, and its grammar.
_Part: TypeAlias = tuple[int, int, Grammar]


@dataclass(frozen=True)
class Locked:
    """A row's grammar and what it keeps.

    locked : dependencies that hold in every text, by construction, among rows that miss none of the determinant. boxed : those
    whose numbers are held to boxes that overlap, or that rows outside an outline (see :meth:`inside`) still break. open : the
    others, with ``notes`` saying why. values : the columns of each value of the outermost sequence (see
    :class:`~localsynth.core.contracts.Sample`): those of a block together are one value.
    """

    grammar: Parts
    columns: tuple[Column, ...]
    locked: tuple[Dependency, ...]
    boxed: tuple[Dependency, ...]
    open: tuple[Dependency, ...]
    notes: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    outlines: tuple[Outlines, ...] = ()
    relations: tuple[Relation, ...] = field(default=(), repr=False)

    @cached_property
    def _behind(self) -> Behind:
        return Behind(self.grammar)

    def after(self, cell: str) -> Grammar | None:
        """What may follow the text of a row's first cell and its comma; ``None`` where no row allowed begins so.

        For rows of two columns or more whose first cell is drawn beforehand: the locks hold for the rest.
        """
        return self._behind.after(cell)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """What is kept, by places of the columns."""
        places = {column.name: place for place, column in enumerate(self.columns)}
        return tuple(_constraint(relation, places) for relation in self.relations)

    def keeps(self, rows: pa.Table) -> Mask:
        """Which rows keep all that is locked or boxed. Train rows that break a dependency are none the grammar allows."""
        import numpy as np

        return np.asarray(self.kept(rows).all(axis=1))

    def kept(self, rows: pa.Table) -> Mask:
        """Rows x what is locked or boxed (see :attr:`constraints`): which rows keep which."""
        import numpy as np

        result = np.ones((rows.num_rows, len(self.relations)), np.bool_)
        by_name = {column.name: column for column in self.columns}
        for at, relation in enumerate(self.relations):
            result[:, at] = _matches(relation, [by_name[name] for name in relation.names], rows)
        return result

    def label(self, constraint: Constraint) -> str:
        """The dependencies that a constraint is of, as a person reads them."""
        return "; ".join(
            label(relation.dependency)
            for relation, own in zip(self.relations, self.constraints, strict=True)
            if own == constraint
        )

    def inside(self, rows: pa.Table) -> Mask:
        """Which rows lie inside their outlines; all of them where there are none."""
        import numpy as np

        result = np.ones(rows.num_rows, np.bool_)
        for one in self.outlines:
            result &= one.holds(rows)
        return result


def locked_row(
    columns: Sequence[Column],
    dependencies: Sequence[Dependency],
    train: pa.Table,
    *,
    end: str = "\n",
    cells: Sequence[Grammar] | None = None,
    boxes: bool = True,
    outlines: Sequence[Outlines] = (),
    limit: int = LIMIT,
) -> Locked:
    """The grammar of a row that keeps dependencies, and what it could not keep.

    Parameters
    ----------
    columns : in the order in which they are written; identifiers are none of them. dependencies : declared ones and accepted
        exact ones; those that follow from others cost nothing. train : rows with all these columns.
    cells : per column what may stand there, where no dependency says otherwise; by default what the column allows.
    boxes : hold numbers that determine something together to the box of their group (5 rows or more), widened by nothing;
        off, by combinations seen. outlines : boxes given by a person in place of those of the rows.
    limit : most alternatives in all, columns repeated between a determinant and its dependent among them.

    A value of a determinant that no train row has is not open: it would have no image. A decimal number that determines alone
    is held to ranges, where those of different images do not overlap. Where train rows disagree, what most of them have
    counts (see :meth:`Locked.keeps`). Raises ``SchemaError`` for outlines of columns that are not there or not numbers.
    """
    named = {column.name: column for column in columns}
    for one in outlines:
        if (fault := one.fault(named)) is not None:
            raise SchemaError(*fault)
    wanted = _different(
        (*dependencies, *(Dependency(determinant=(o.x, o.y), dependent=o.of) for o in outlines))
    )
    desk = _Desk(tuple(columns), train, tuple(wanted), tuple(outlines), boxes, limit)
    desk.collect()
    parts, values = desk.build(cells if cells is not None else [cell_grammar(column) for column in columns])
    return Locked(
        seq(*parts[:-1], end),
        tuple(columns),
        locked=tuple(one for one in wanted if desk.holds(one, exact=True)),
        boxed=tuple(
            one for one in wanted if desk.holds(one, exact=False) and not desk.holds(one, exact=True)
        ),
        open=tuple(one for one in wanted if not desk.holds(one, exact=False)),
        notes=tuple(dict.fromkeys(desk.notes)),
        values=tuple(values),
        outlines=tuple(outlines),
        relations=tuple(desk.kept),
    )


def read_locked(columns: Sequence[Column], line: str) -> list[Value]:
    """The values of a line (without its end) of a locked grammar: a block is cells like any other. Raises ``ValueError``."""
    return read_row(columns, line)


@dataclass
class _Desk:
    """What is being locked. relations : that the train rows bear out; kept : of these, those the grammar keeps.
    effort : pieces built, those given up among them.
    """

    columns: tuple[Column, ...]
    train: pa.Table
    wanted: tuple[Dependency, ...]
    outlines: tuple[Outlines, ...]
    boxes: bool
    limit: int
    notes: list[str] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    kept: list[Relation] = field(default_factory=list)
    effort: int = 0

    def __post_init__(self) -> None:
        self._named = {column.name: column for column in self.columns}
        self._places = {column.name: place for place, column in enumerate(self.columns)}

    def collect(self) -> None:
        """Relations of all dependencies, those of one determinant first."""
        for dependency in sorted(self.wanted, key=lambda one: len(one.determinant)):
            missing = [
                name for name in (*dependency.determinant, dependency.dependent) if name not in self._named
            ]
            found = f"{missing[0]} is not written" if missing else self._relation(dependency)
            if isinstance(found, str):
                self.notes.append(f"{label(dependency)} is left open: {found}")
            else:
                self.relations.append(found)

    def build(self, cells: Sequence[Grammar]) -> tuple[list[Grammar | str], list[tuple[str, ...]]]:
        """The parts of the row, commas among them, and the columns of each value."""
        chosen: list[Relation] = []
        for relation in self.relations:
            if not self._follows(relation.dependency, chosen, exact=relation.exact):
                chosen.append(relation)
        left = [relation for relation in self.relations if relation not in chosen]
        made = self._try(chosen, cells)
        # What was to follow from a dependency that had to be left open stands for itself now.
        alone = [one for one in left if not self._follows(one.dependency, self.kept, exact=one.exact)]
        if alone:
            made = self._try([*self.kept, *alone], cells)
        self.notes += [f"{label(one.dependency)}: {note}" for one in self.kept for note in one.notes]
        parts: list[Grammar | str] = []
        values: list[tuple[str, ...]] = []
        for first, last, grammar in made:
            parts += [grammar, ","]
            values.append(tuple(column.name for column in self.columns[first : last + 1]))
        return parts, values

    def holds(self, dependency: Dependency, *, exact: bool) -> bool:
        """Whether every text keeps it; ``exact`` without the help of boxes that overlap."""
        return self._follows(dependency, self.kept, exact=exact)

    def _relation(self, dependency: Dependency) -> Relation | str:
        outline = next((one for one in self.outlines if _about(one, dependency)), None)
        coarser = [
            one.dependent
            for one in self.wanted
            if one.determinant == (dependency.dependent,) and one.dependent in self._named
        ]
        return relation_of(
            dependency,
            self._named,
            self.train,
            boxes=self.boxes,
            outlines=outline,
            coarser=coarser,
            limit=self.limit,
        )

    def _follows(self, dependency: Dependency, held: Iterable[Relation], *, exact: bool) -> bool:
        """Whether it is one of these or follows from them (Armstrong's axioms, by closure of the determinant).

        A column that may be empty is no link of a chain: its empty cells determine nothing.
        """
        usable = [one for one in held if one.exact or not exact]
        known = set(dependency.determinant)
        grown = True
        while grown:
            grown = False
            for one in usable:
                left, right = one.names[:-1], one.names[-1]
                if (
                    right not in known
                    and all(self._links(name, dependency) for name in left)
                    and known >= set(left)
                ):
                    known.add(right)
                    grown = True
        return dependency.dependent in known

    def _links(self, name: str, dependency: Dependency) -> bool:
        return name in dependency.determinant or not self._named[name].nullable

    def _try(self, relations: Sequence[Relation], cells: Sequence[Grammar]) -> list[_Part]:
        """The segments of the row; ``kept`` are the relations they keep."""
        sources: dict[Constraint, list[Relation]] = defaultdict(list)
        for relation in relations:
            sources[_constraint(relation, self._places)].append(relation)
        self.kept = []
        made: list[_Part] = []
        room = self.limit
        for first, last, held in segments(sources, 0, len(self.columns) - 1):
            parts, weight, kept = self._segment(first, last, held, cells, room)
            made += parts
            room -= weight
            for constraint in held:
                if constraint in kept:
                    self.kept += sources[constraint]
                else:
                    self.notes += [
                        f"{label(one.dependency)} is left open: {_FULL}" for one in sources[constraint]
                    ]
        self.kept.sort(key=relations.index)
        return made

    def _segment(
        self, first: int, last: int, held: Held, cells: Sequence[Grammar], room: int
    ) -> tuple[list[_Part], int, Held]:
        """A segment with all its constraints, or else with those that fit, those of near columns with few patterns first."""
        made = self._made(first, last, held, cells, room)
        if made is not None:
            return *made, held
        kept: Held = frozenset()
        made = self._made(first, last, kept, cells, room)
        most = self.effort + _EFFORT * self.limit
        for one in sorted(
            held, key=lambda one: (one.places[-1] - one.places[0], len(one.patterns), one.places)
        ):
            found = self._made(first, last, kept | {one}, cells, room) if self.effort < most else None
            if found is not None:
                made, kept = found, kept | {one}
        assert made is not None  # without constraints nothing is built
        return *made, kept

    def _made(
        self, first: int, last: int, held: Held, cells: Sequence[Grammar], room: int
    ) -> tuple[list[_Part], int] | None:
        """``None`` where it would be too large, or no text is left."""
        nesting = Nesting(self.columns, cells, room)
        parts: list[_Part] = []
        total = 0
        try:
            for begin, end, own in segments(held, first, last):
                made = nesting.segment(begin, end, own)
                if made is None:
                    return None
                parts.append((begin, end, made[0]))
                total += made[1] if own else 0
        except TooLarge:
            return None
        finally:
            self.effort += nesting.effort
        return (parts, total) if total <= room else None


def _constraint(relation: Relation, places: Mapping[str, int]) -> Constraint:
    """The relation with its columns in the order in which they are written."""
    order = sorted(range(len(relation.names)), key=lambda at: places[relation.names[at]])
    patterns = frozenset(tuple(pattern[at] for at in order) for pattern in relation.patterns)
    return Constraint(tuple(places[relation.names[at]] for at in order), patterns)


def _different(dependencies: Iterable[Dependency]) -> list[Dependency]:
    """Each once, however the columns of its determinant are ordered."""
    return list({(frozenset(one.determinant), one.dependent): one for one in dependencies}.values())


def _about(outlines: Outlines, dependency: Dependency) -> bool:
    return {outlines.x, outlines.y} == set(dependency.determinant) and outlines.of == dependency.dependent


def _matches(relation: Relation, columns: Sequence[Column], rows: pa.Table) -> Mask:
    """Which rows match a pattern of the relation; each different combination is looked at once."""
    import numpy as np

    plain = {pattern for pattern in relation.patterns if all(isinstance(cell, str) for cell in pattern)}
    other = [pattern for pattern in relation.patterns if pattern not in plain]
    axes = [axis_of(column) for column in columns]
    texts = zip(
        *([write_cell(column, value) for value in rows[column.name].to_pylist()] for column in columns),
        strict=True,
    )
    known: dict[tuple[str, ...], bool] = {}
    result = np.ones(rows.num_rows, np.bool_)
    for at, row in enumerate(texts):
        if row not in known:
            known[row] = row in plain or any(_match(pattern, row, axes) for pattern in other)
        result[at] = known[row]
    return result


def _match(pattern: Pattern, texts: Sequence[str], axes: Sequence[Axis | None]) -> bool:
    for cell, text, axis in zip(pattern, texts, axes, strict=True):
        if isinstance(cell, Within):
            if axis is None or not text or not cell.low <= axis.place(text) <= cell.high:
                return False
        elif cell is not None and cell != text:
            return False
    return True
