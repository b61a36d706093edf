"""What was found in the rows of a table: dependencies, keys and rules with their evidence. Offered, never applied by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

from .run import Exposure
from .schema import Dependency, Rule
from .smallcells import FEWEST, tells
from .words import counted

__all__ = ["Explored", "Found", "FoundDependency", "FoundKey", "FoundRule", "Limits", "percent"]


@dataclass(frozen=True)
class Limits:
    """How far to look, and what is enough evidence.

    left : most columns on the left of a dependency. g3 : largest share of rows that may break it. support : least mean rows
        per group; float_support : the same for one column of decimal numbers alone.
    repeated : least share of rows in groups of two or more. chance : a dependency may be broken by at most this share of the
        rows that chance would break it in.
    broken : rows that chance must break for a dependency to mean anything; rule_broken, rule_share : the same for a rule, and
        as a share of rows.
    near_key : a column with more different values than this share of its rows is as good as a key.
    groupings : combinations of columns looked at. sample : rows that candidates are sought in, where a table has more than
        twice as many.
    """

    left: int = 3
    g3: float = 0.01
    support: float = 2.0
    float_support: float = 5.0
    repeated: float = 0.5
    chance: float = 0.1
    broken: int = 20
    rule_broken: int = 15
    rule_share: float = 0.005
    near_key: float = 0.95
    groupings: int = 6000
    sample: int = 100_000


@dataclass(frozen=True)
class FoundDependency:
    """Rows alike in ``determinant`` are alike in ``dependent``, but for a share ``g3`` of the rows.

    g3 : 1 - (largest count of the dependent in each group, summed) / rows (Kivinen and Mannila 1995). groups : different
    values of the determinant. support : mean rows per group. rows : with a value in every column of the determinant; a
    missing dependent is a value like any other. chance : the g3 of a dependent dealt out anew at random, among rows that are
    alike in all but one column of the determinant where that has several; the least of those.
    """

    determinant: tuple[str, ...]
    dependent: str
    g3: float
    groups: int
    support: float
    rows: int
    chance: float

    @property
    def name(self) -> str:
        """``state -> bird``, by which it can be chosen."""
        return f"{', '.join(self.determinant)} -> {self.dependent}"

    @property
    def exact(self) -> bool:
        """No row breaks it."""
        return self.g3 == 0

    @property
    def evidence(self) -> str:
        """One sentence with counts."""
        broken = round(self.g3 * self.rows)
        said = f"fewer than {FEWEST}" if tells(broken) else f"{broken:,}"
        holds = f"holds in all {self.rows:,} rows" if self.exact else f"{said} of {self.rows:,} rows break it"
        return (
            f"{holds}, {self.groups:,} groups of {self.support:.3g} rows on average;"
            f" by chance {percent(self.chance)} would break it"
        )

    def declared(self) -> Dependency:
        """As a schema declares it."""
        return Dependency(determinant=self.determinant, dependent=self.dependent)


@dataclass(frozen=True)
class FoundKey:
    """No two rows are alike in all of ``columns``. Told for information: a schema declares no keys."""

    columns: tuple[str, ...]
    distinct: int
    rows: int

    @property
    def name(self) -> str:
        """The columns."""
        return ", ".join(self.columns)

    @property
    def evidence(self) -> str:
        """One sentence with counts."""
        return f"{self.distinct:,} different values in {counted(self.rows, 'row')}"


@dataclass(frozen=True)
class FoundRule:
    """A predicate that every row keeps.

    check : SQL, names quoted. kind : ``equal``, ``inequality``, ``sum``, ``product`` or ``missing``. evidence : in words, with
    counts. rows : that speak for it: those where it could have been broken.
    """

    check: str
    name: str
    kind: str
    evidence: str
    rows: int

    def declared(self) -> Rule:
        """As a schema declares it."""
        return Rule(check=self.check, name=self.name)


@dataclass(frozen=True)
class Found:
    """All that was found. left_out : what was not looked at or not counted, in sentences.

    It tells of the rows as statistics do: see ``exposure``.
    """

    exposure: ClassVar[Exposure] = Exposure.STATISTICS

    dependencies: tuple[FoundDependency, ...] = ()
    keys: tuple[FoundKey, ...] = ()
    rules: tuple[FoundRule, ...] = ()
    left_out: tuple[str, ...] = ()

    def to_json(self) -> str:
        """JSON in one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Found:
        """What :meth:`to_json` wrote. Raises ``ValueError`` where the text is something else."""
        try:
            data = json.loads(text)
            return cls(
                tuple(
                    FoundDependency(**{**one, "determinant": tuple(one["determinant"])})
                    for one in data["dependencies"]
                ),
                tuple(FoundKey(**{**one, "columns": tuple(one["columns"])}) for one in data["keys"]),
                tuple(FoundRule(**one) for one in data["rules"]),
                tuple(data["left_out"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no record of what was found: {error}") from None


@dataclass(frozen=True)
class Explored:
    """What putting columns in order needs. strengths : normalised mutual information of pairs, 0 to 1. cardinalities :
    different values of each column.
    """

    found: Found = Found()
    strengths: Mapping[frozenset[str], float] = field(default_factory=dict)
    cardinalities: Mapping[str, int] = field(default_factory=dict)


def percent(share: float) -> str:
    """``41%``, ``0.3%``; never 0% or 100% of what is not."""
    for digits in (0, 1, 2):
        text = f"{share:.{digits}%}"
        if (float(text[:-1]) > 0 or share == 0) and (float(text[:-1]) < 100 or share == 1):
            return text
    return "less than 0.01%" if share < 0.5 else "more than 99.99%"
