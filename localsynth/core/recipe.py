"""Recipe: everything a run needs, in one TOML file."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .columns import check_name
from .errors import RecipeError
from .limits import Limits, parse_size
from .schema import Rule
from .targets import Budget
from .tomlfile import dump_toml, load_toml, read_text, validate
from .words import FieldError

__all__ = [
    "USUAL_DELTA",
    "DatasetSpec",
    "LimitsSpec",
    "MembersSpec",
    "MethodSpec",
    "ModelSpec",
    "ParentSpec",
    "PrivacySpec",
    "Recipe",
    "budget_fault",
]

#: Where a recipe names an epsilon and no delta.
USUAL_DELTA = 1e-6
_EPSILONS = 1e-9, 100.0
_LEAST_DELTA = 1e-30


def budget_fault(epsilon: float, delta: float) -> tuple[str, str] | None:
    """What is wrong with a privacy budget: the field and a sentence; ``None`` where nothing is."""
    least, most = _EPSILONS
    if not epsilon > 0:
        return (
            "epsilon",
            f"epsilon = {epsilon:g} is no privacy budget: it must be above 0 (1 is a usual choice)",
        )
    if epsilon < least:
        return (
            "epsilon",
            f"epsilon = {epsilon:g} leaves nothing but noise: take at least {least:g} (1 is a usual choice)",
        )
    if epsilon > most:
        return (
            "epsilon",
            (
                f"epsilon = {epsilon:g} promises nothing: what is seen could be e^{epsilon:g} times as likely with a person as"
                f" without; take at most {most:g} (1 is a usual choice), or leave out epsilon"
            ),
        )
    if not 0 < delta < 1:
        return (
            "delta",
            f"delta = {delta:g} is no probability strictly between 0 and 1 (1e-6 is a usual choice)",
        )
    if delta < _LEAST_DELTA:
        return (
            "delta",
            (
                f"delta = {delta:g} buys noise and no privacy beside {_LEAST_DELTA:g}: take one below 1 / rows (1e-6 is a usual"
                " choice)"
            ),
        )
    return None


class DatasetSpec(BaseModel):
    """Which table. ``source`` is a file or ``sample:NAME``, imported on first use; ``schema`` a schema file;
    ``statistics`` a file of published statistics, for a table without rows.

    Relative paths are relative to the recipe's folder. At least one of source and schema, or a dataset already
    imported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    source: str | None = None
    schema_file: str | None = Field(default=None, alias="schema")
    statistics: str | None = None
    target: str | None = None
    policy: Literal["schema", "statistics", "rows"] | None = None
    holdout: float | None = Field(default=None, ge=0, lt=1, strict=True)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_name(value, "dataset")


class ModelSpec(BaseModel):
    """Which model. ``name`` as in ``localsynth models list``, or ``uniform`` for the engine without a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    threads: int | None = Field(default=None, ge=1, le=1024, strict=True)


class MethodSpec(BaseModel):
    """Which method, and its parameters beside the name; the method itself checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = "text-to-tabular"

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as written."""
        return dict(self.model_extra or {})


class PrivacySpec(BaseModel):
    """epsilon, delta : the differential-privacy budget: the rows are seen through noisy statistics alone. A delta that is not
    given is 1e-6; it should lie well below 1 / (train rows). drop_copies : refuse rows equal to a train row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epsilon: float | None = Field(default=None, gt=0, strict=True)
    delta: float | None = Field(default=None, gt=0, lt=1, strict=True)
    drop_copies: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _consistent(self) -> PrivacySpec:
        if self.delta is not None and self.epsilon is None:
            raise FieldError("a delta says nothing without an epsilon", "delta")
        budget = self.budget
        if budget is not None and (fault := budget_fault(budget.epsilon, budget.delta)) is not None:
            raise FieldError(fault[1], fault[0])
        if self.epsilon is not None and self.drop_copies:
            raise FieldError(
                "drop_copies compares with real rows, which no privacy budget covers: leave out one of the two",
                "drop_copies",
            )
        return self

    @property
    def budget(self) -> Budget | None:
        """What may be spent, nothing spent yet; ``None`` without an epsilon."""
        if self.epsilon is None:
            return None
        return Budget(self.epsilon, USUAL_DELTA if self.delta is None else self.delta)


class LimitsSpec(BaseModel):
    """How long a run may take, in minutes, and how much memory, such as ``4GB``. The rows do not depend on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_minutes: float | None = Field(default=None, gt=0, strict=True, allow_inf_nan=False)
    max_memory: str | None = None

    @field_validator("max_memory")
    @classmethod
    def _size(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_size(value)
            except RecipeError as error:
                raise ValueError(f"{error.message}: {error.hint}") from None
        return value

    @property
    def limits(self) -> Limits:
        """In minutes and bytes."""
        return Limits(self.max_minutes, None if self.max_memory is None else parse_size(self.max_memory))


class _Tie(BaseModel):
    """How two tables belong together.

    key : the identifier column of the parent, and the column of that name by which its members tell whose they are.
    size : the integer column of the parent that says how many members a row has.
    rules : conditions across levels, in SQL: over a member's row beside its parent's (see :mod:`~localsynth.core.widening`),
        or, with aggregates, over all members of one parent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    size: str
    rules: tuple[Rule, ...] = ()

    @field_validator("rules", mode="before")
    @classmethod
    def _words_are_rules(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [{"check": rule} if isinstance(rule, str) else rule for rule in value]

    @field_validator("rules")
    @classmethod
    def _distinct(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        seen: set[str] = set()
        for index, rule in enumerate(rules):
            if rule.label in seen:
                raise FieldError(f"two rules are called '{rule.label}'", index)
            seen.add(rule.label)
        return rules


class MembersSpec(_Tie):
    """What belongs to the rows of this recipe, made in a run of its own when they are there (persons to households).

    dataset : of the members; its split into train and holdout follows that of the rows they belong to. method : of the
    members, where it is another, or has other parameters.
    """

    dataset: DatasetSpec
    method: MethodSpec | None = None

    @field_validator("dataset")
    @classmethod
    def _follows(cls, value: DatasetSpec) -> DatasetSpec:
        if value.holdout is not None:
            raise FieldError(
                "members are held out with what they belong to: leave out the holdout", "holdout"
            )
        if value.statistics is not None:
            raise FieldError(
                "statistics of members are counted beside what they belong to, and cannot be read from a file",
                "statistics",
            )
        return value


class ParentSpec(_Tie):
    """The run whose rows this recipe's rows are members of."""

    run: str


class Recipe(BaseModel):
    """One run, fully described.

    rows : how many to make. seed : of everything random. where : a condition that every row of the run meets, in SQL.
    limits : of time and memory, for the run and for that of its members together.
    members : what belongs to the rows, to be made after them.
    parent : what the rows belong to; it then says how many there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    rows: int = Field(default=500, ge=1, le=100_000_000, strict=True)
    seed: int = Field(default=0, ge=0, le=2**53, strict=True)
    where: str | None = Field(default=None, min_length=1)
    dataset: DatasetSpec
    model: ModelSpec = ModelSpec()
    method: MethodSpec = MethodSpec()
    privacy: PrivacySpec = PrivacySpec()
    limits: LimitsSpec | None = None
    members: MembersSpec | None = None
    parent: ParentSpec | None = None

    @model_validator(mode="after")
    def _nested(self) -> Recipe:
        if self.members is None and self.parent is None:
            return self
        if self.where is not None:
            raise FieldError(
                "a condition cannot be kept by rows that belong together: leave out where, or members",
                "where",
            )
        if self.members is not None and self.parent is not None:
            raise FieldError(
                "members of members cannot be made: leave out one of [members] and [parent]", "members"
            )
        if self.members is not None and self.members.dataset.name.lower() == self.dataset.name.lower():
            raise FieldError("members and what they belong to are two datasets", "members", "dataset", "name")
        if self.privacy.epsilon is not None:
            # One household is one row here and several there: a budget for single rows would promise too much.
            raise FieldError(
                "a privacy budget covers tables of independent rows, not rows with members: leave out epsilon, or members",
                "privacy",
                "epsilon",
            )
        if self.privacy.drop_copies:
            raise FieldError(
                "a copy cannot be dropped from among the members of a row: leave out drop_copies",
                "privacy",
                "drop_copies",
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.privacy.epsilon is not None and self.dataset.statistics is not None:
            raise FieldError(
                "published statistics are public, and no privacy budget is spent on them: leave out epsilon, or"
                " [dataset] statistics",
                "privacy",
                "epsilon",
            )
        return self

    def to_toml(self) -> str:
        """The recipe as a file; reading it back gives an equal recipe."""
        return dump_toml(self.model_dump(mode="python", by_alias=True, exclude_none=True))

    def to_json(self) -> str:
        """Canonical JSON: equal recipes give equal text."""
        return json.dumps(
            self.model_dump(mode="json", by_alias=True, exclude_none=True), sort_keys=True, ensure_ascii=False
        )

    @classmethod
    def from_toml(cls, text: str, path: Path | None = None) -> Recipe:
        """Read a recipe. Raises ``RecipeError`` with the line and the nearest known key."""
        return validate(cls, load_toml(text, path, "recipe"), text, path, "recipe")

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe from disk. Raises ``RecipeError``."""
        return cls.from_toml(read_text(path, "recipe"), path)

    def fingerprint(self, schema_json: str, model_sha256: str | None, method_version: int) -> str:
        """A hash over all that decides the rows; title, thread count, limits and what is made after them do not."""
        beside: Any = {"title": True, "model": {"threads"}, "limits": True, "members": True}
        data = self.model_dump(mode="json", by_alias=True, exclude=beside)
        if data["parent"] is None:
            del data["parent"]
        if data["where"] is None:
            del data["where"]
        # The schema as text, since the order of its categories decides which one a draw picks.
        text = json.dumps([data, schema_json, model_sha256, method_version], sort_keys=True)
        return sha256(text.encode()).hexdigest()
