"""What train rows say of a dependency: which cells may stand together in its columns.

Patterns are over texts of cells as they are written, so that what is rounded in writing is rounded here too. A missing value is
the empty text, a value like any other; but rows that miss a determinant and do not agree in the dependent leave it open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from localsynth.core.cells import Value, read_row, write_cell
from localsynth.core.columns import CategoricalColumn, Column, DatetimeColumn, FloatColumn
from localsynth.core.schema import Dependency
from localsynth.core.words import counted

from .boxes import ANYTHING, LEAST, Axis, Pattern, Within, apart, axis_of, box_of
from .outline import Outlines

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Relation", "label", "relation_of"]

_SUPPORT = 5  # mean rows of a combination of numbers that tells more than where they lie
_TELLING = 20  # different determinants of which more than half are in one row only: a person should know

#: Texts of the determinant and of the dependent -> rows.
Counts: TypeAlias = Mapping[tuple[tuple[str, ...], str], int]


@dataclass(frozen=True)
class Relation:
    """The patterns that a row must match one of in the columns ``names``: the determinant, then the dependent.

    exact : then the dependency holds among such rows; else they are held to boxes that overlap. broken : train rows that match
    none of them, because they disagree with more others. notes : what a person should know.
    """

    dependency: Dependency
    names: tuple[str, ...]
    patterns: frozenset[Pattern]
    exact: bool = True
    broken: int = 0
    notes: tuple[str, ...] = ()


def label(dependency: Dependency) -> str:
    """``state -> bird``."""
    return f"{', '.join(dependency.determinant)} -> {dependency.dependent}"


def relation_of(
    dependency: Dependency,
    columns: Mapping[str, Column],
    train: pa.Table,
    *,
    boxes: bool,
    outlines: Outlines | None = None,
    coarser: Sequence[str] = (),
    limit: int,
) -> Relation | str:
    """The relation of a dependency whose columns are all among ``columns``, or why there is none, in words.

    outlines : of its dependent in its determinant's plane. coarser : columns that the dependent determines, by which boxes
    of groups with few rows are taken, the first that has rows enough. limit : most patterns.
    """
    seen = _Seen.of(dependency, columns, train)
    if not seen.counts:
        return "no train row has values there that the schema allows"
    floats = [name for name in seen.names[:-1] if isinstance(columns[name], FloatColumn | DatetimeColumn)]
    numbers = [name for name in seen.names[:-1] if axis_of(columns[name]) is not None]
    several = len(seen.names) > 2
    if (outlines is None and not boxes) or not numbers:
        return seen.combinations(limit)
    if not several:
        return _of_one(seen, limit, floats=bool(floats))
    fewer = [] if outlines is not None else [_Coarser.of(name, seen, train) for name in coarser]
    boxed = seen.boxed(floats or numbers, fewer, outlines)
    if outlines is not None or boxed.exact:
        return boxed
    combined = seen.combinations(limit)
    if isinstance(combined, str):
        return boxed
    return combined if not floats or seen.rows >= _SUPPORT * len(combined.patterns) else boxed


def _of_one(seen: _Seen, limit: int, *, floats: bool) -> Relation | str:
    """A single number as determinant: by its values, or by ranges that do not overlap; decimal numbers by these first."""
    ranges = seen.boxed(seen.names[:1], (), None, least=1)
    if floats and ranges.exact and len(ranges.patterns) <= limit:
        return ranges
    combined = seen.combinations(limit)
    if isinstance(combined, str) and ranges.exact and len(ranges.patterns) <= limit:
        return ranges
    return combined


@dataclass(frozen=True)
class _Seen:
    """The train rows in a dependency's columns, each different row once. left_out : rows that the schema forbids."""

    dependency: Dependency
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    counts: Counts
    left_out: int
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", sum(self.counts.values()))

    @classmethod
    def of(cls, dependency: Dependency, columns: Mapping[str, Column], train: pa.Table) -> _Seen:
        names = (*dict.fromkeys(dependency.determinant), dependency.dependent)
        own = tuple(columns[name] for name in names)
        counts: Counter[tuple[tuple[str, ...], str]] = Counter()
        left_out = 0
        for texts, rows in _different(own, train):
            whole = [text for text in texts if text is not None]
            if len(whole) == len(own):
                counts[tuple(whole[:-1]), whole[-1]] += rows
            else:
                left_out += rows
        return cls(dependency, names, own, counts, left_out)

    def combinations(self, limit: int) -> Relation | str:
        """Each determinant seen with its dependent; with the most frequent where there are several."""
        images: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
        for (determinant, dependent), rows in self.counts.items():
            images[determinant][dependent] = rows
        if len(images) > limit:
            return f"{len(images):,} different values determine it, more than {limit:,}"
        patterns: set[Pattern] = set()
        broken = 0
        for determinant, own in images.items():
            if "" in determinant and len(own) > 1:
                patterns.add((*determinant, ANYTHING))
                continue
            most = max(own.values())
            chosen = min(text for text, rows in own.items() if rows == most)
            broken += sum(own.values()) - most
            patterns.add((*determinant, chosen))
        notes = self._notes()
        if broken:
            verb = "breaks" if broken == 1 else "break"
            notes.append(f"{counted(broken, 'train row')} {verb} it; what most rows have counts")
        once = sum(sum(own.values()) == 1 for own in images.values())
        if len(images) >= _TELLING and 2 * once > len(images):
            notes.append(
                f"{once:,} of {len(images):,} values that determine it stand in one train row only: what is locked repeats them"
            )
        return Relation(self.dependency, self.names, frozenset(patterns), broken=broken, notes=tuple(notes))

    def boxed(
        self,
        numbers: Sequence[str],
        coarser: Sequence[_Coarser],
        outlines: Outlines | None,
        least: int = LEAST,
    ) -> Relation:
        """Numbers within the box of the rows alike in all else; of groups with few rows, of the next coarser group."""
        axes = {self.names.index(name): axis for name in numbers if (axis := axis_of(self._column(name)))}
        groups: dict[tuple[tuple[str | None, ...], str], list[tuple[tuple[str, ...], int]]] = defaultdict(
            list
        )
        for (determinant, dependent), rows in self.counts.items():
            rest = tuple(None if at in axes and text else text for at, text in enumerate(determinant))
            groups[rest, dependent].append((determinant, rows))
        pieces = {key: self._box(key, own, axes, coarser, least) for key, own in groups.items()}
        if outlines is not None:
            pieces |= self._outlined(outlines)
        few = sum(sum(n for _, n in own) < least for own in groups.values())
        notes = self._notes()
        if few:
            notes.append(
                f"{counted(few, 'group')} with fewer than {least} rows held to the box of a coarser one, or to the range"
            )
        whole = [(box, dependent) for (rest, dependent), box in pieces.items() if "" not in rest]
        patterns = frozenset((*box, dependent) for (_, dependent), box in pieces.items())
        return Relation(
            self.dependency, self.names, patterns, bool(whole) and apart(whole), notes=tuple(notes)
        )

    def _box(
        self,
        key: tuple[tuple[str | None, ...], str],
        own: Sequence[tuple[tuple[str, ...], int]],
        axes: Mapping[int, Axis],
        coarser: Sequence[_Coarser],
        least: int,
    ) -> Pattern:
        rest, dependent = key
        places = [at for at, text in enumerate(rest) if text is None]
        box: tuple[Within, ...] = tuple(axes[at].span for at in places)
        if sum(rows for _, rows in own) >= least:
            box = box_of([axes[at].place(determinant[at]) for at in places] for determinant, _ in own)
        else:
            for column in coarser:
                found = column.box(self, dependent, places, axes)
                if found is not None:
                    box = found
                    break
        by_place = dict(zip(places, box, strict=True))
        return tuple(by_place[at] if text is None else text for at, text in enumerate(rest))

    def _outlined(self, outlines: Outlines) -> dict[tuple[tuple[str | None, ...], str], Pattern]:
        """The box of each outline, in place of that of the rows."""
        dependent = self.columns[-1]
        found: dict[tuple[tuple[str | None, ...], str], Pattern] = {}
        for value in outlines.rings:
            text = write_cell(dependent, value)
            across = dict(zip((outlines.x, outlines.y), outlines.box(value), strict=True))
            axes = [(axis_of(self._column(name)), across[name]) for name in self.names[:-1]]
            box = [axis.scaled(*bounds) if axis is not None else None for axis, bounds in axes]
            known = not isinstance(dependent, CategoricalColumn) or value in dependent.categories
            if known and all(within is not None for within in box):
                found[(None,) * len(box), text] = tuple(box)
        return found

    def _column(self, name: str) -> Column:
        return self.columns[self.names.index(name)]

    def _notes(self) -> list[str]:
        if not self.left_out:
            return []
        return [f"{counted(self.left_out, 'train row')} with values that the schema forbids left out"]


@dataclass(frozen=True)
class _Coarser:
    """Boxes of groups of groups. group : dependent's text -> the coarser group's; rows : its points, and how many rows."""

    group: Mapping[str, str]
    rows: Mapping[str, tuple[int, Sequence[tuple[str, ...]]]]

    @classmethod
    def of(cls, name: str, seen: _Seen, train: pa.Table) -> _Coarser:
        # The dependent determines it, so one row of each group tells its own.
        dependent = seen.columns[-1]
        other = train.schema.field(name).name
        pairs = train.select([dependent.name, other]).group_by([dependent.name, other]).aggregate([])
        group: dict[str, str] = {}
        for value, its in zip(pairs[dependent.name].to_pylist(), pairs[other].to_pylist(), strict=True):
            group.setdefault(write_cell(dependent, value), str(its))
        points: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        sizes: Counter[str] = Counter()
        for (determinant, text), rows in seen.counts.items():
            points[group[text]].append(determinant)
            sizes[group[text]] += rows
        return cls(group, {key: (sizes[key], own) for key, own in points.items()})

    def box(
        self, seen: _Seen, dependent: str, places: Sequence[int], axes: Mapping[int, Axis]
    ) -> tuple[Within, ...] | None:
        """``None`` where this group has few rows too."""
        rows, points = self.rows[self.group[dependent]]
        whole = [point for point in points if all(point[at] for at in places)]
        if rows < LEAST or not whole:
            return None
        return box_of([axes[at].place(point[at]) for at in places] for point in whole)


def _different(columns: Sequence[Column], train: pa.Table) -> Iterable[tuple[tuple[str | None, ...], int]]:
    """The different rows in these columns as texts of cells (``None``: forbidden), and how often each occurs."""
    names = [column.name for column in columns]
    found = train.select(names).group_by(names, use_threads=False).aggregate([([], "count_all")])
    texts = []
    for column in columns:
        values = found[column.name].to_pylist()
        written = {value: _text(column, value) for value in dict.fromkeys(values)}
        texts.append([written[value] for value in values])
    return zip(zip(*texts, strict=True), found["count_all"].to_pylist(), strict=True)


def _text(column: Column, value: Value) -> str | None:
    text = write_cell(column, value)
    try:
        read_row([column], text)
    except ValueError:
        return None
    return text
