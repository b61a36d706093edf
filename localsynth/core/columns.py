"""Columns: one class per kind, told apart by ``kind``."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from .distribution import Distribution
from .words import FieldError, plain, shown

__all__ = [
    "KINDS",
    "RESERVED",
    "BooleanColumn",
    "CategoricalColumn",
    "Column",
    "DateColumn",
    "DatetimeColumn",
    "FloatColumn",
    "IdentifierColumn",
    "IntegerColumn",
    "TextColumn",
    "check_name",
]

RESERVED = frozenset({"row_id", "run_id", "batch_no", "row_no"})
KINDS = ("integer", "float", "boolean", "categorical", "date", "datetime", "text", "identifier")
_LARGEST = 2**63 - 1


def check_name(name: str, what: str = "column") -> str:
    """A name a person can use; anything printable goes. Raises ``ValueError`` otherwise."""
    if not name.strip():
        raise ValueError(f"a {what} needs a name that is not blank")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name):
        raise ValueError(f"the {what} name {name!r} holds a control character")
    if name != name.strip():
        raise ValueError(f"the {what} name '{name}' begins or ends with a space")
    if len(name.encode()) > 200:
        raise ValueError(f"the {what} name '{name[:40]}...' is longer than 200 bytes")
    return name


class _Column(BaseModel):
    """What all kinds share.

    nullable : the column may be empty. null_rate : the share of empty cells wanted, 0 to 1; unset leaves it to the
        model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)
    allows: ClassVar[frozenset[str]] = frozenset()  # which parts of a distribution make sense

    name: str
    kind: str
    description: str = ""
    nullable: bool = False
    null_rate: float | None = Field(default=None, ge=0, le=1)
    distribution: Distribution | None = None

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        check_name(name)
        if name.lower() in RESERVED:
            raise ValueError(f"the column name '{name}' is taken by the workspace itself; rename the column")
        return name

    @model_validator(mode="before")
    @classmethod
    def _null_rate_means_nullable(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("null_rate") and "nullable" not in data:
            return {**data, "nullable": True}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> _Column:
        if self.null_rate and not self.nullable:
            raise FieldError(f"null_rate = {plain(self.null_rate)}, but nullable = false", "null_rate")
        if self.distribution is not None:
            wrong = sorted(self.distribution.parts - self.allows)
            if wrong:
                allowed = ", ".join(sorted(self.allows)) or "none"
                raise FieldError(
                    f"a distribution given by {', '.join(wrong)} does not fit this kind (it takes: {allowed})",
                    "distribution",
                )
        return self


class _Numeric(_Column):
    allows: ClassVar[frozenset[str]] = frozenset({"mean", "quantiles"})
    unit: str = ""

    @property
    def scaled_bounds(self) -> tuple[int, int]:
        """Lowest and highest value as integers scaled by ``10**decimals``."""
        raise TypeError  # overridden by both kinds

    def _bounds(self, given: tuple[float, float] | None, decimals: int) -> tuple[int, int]:
        scale = 10**decimals
        if given is not None:
            low, high = given
            # A tolerance of a millionth of a step: 0.1 * 10 is not exactly 1 in binary.
            return math.ceil(low * scale - 1e-6), math.floor(high * scale + 1e-6)
        if self.distribution is None:
            raise ValueError(
                f"a column of kind {self.kind} needs a range, or a distribution to take one from"
            )
        low, high = self.distribution.span()
        return math.floor(low * scale), math.ceil(high * scale)

    def _check_bounds(self, given: tuple[float, float] | None) -> None:
        if given is not None and given[0] > given[1]:
            raise FieldError(
                f"the range is upside down: {plain(given[0])} is above {plain(given[1])}", "range"
            )
        try:
            low, high = self.scaled_bounds
        except OverflowError:
            low, high = -_LARGEST - 1, _LARGEST
        if low > high:
            raise FieldError("no value with these decimals lies inside the range", "range")
        if max(abs(low), abs(high)) > _LARGEST:
            raise FieldError("the range goes beyond what 64 bits hold", "range")
        if self.distribution is not None and given is not None:
            self.distribution.check_within(given[0], given[1])


class IntegerColumn(_Numeric):
    """Whole numbers. range : lowest and highest, both allowed."""

    kind: Literal["integer"] = "integer"
    range: tuple[int, int] | None = None

    @property
    def scaled_bounds(self) -> tuple[int, int]:
        return self.range if self.range is not None else self._bounds(None, 0)

    @model_validator(mode="after")
    def _range_holds(self) -> IntegerColumn:
        self._check_bounds(self.range)
        return self


class FloatColumn(_Numeric):
    """Decimal numbers with a fixed number of digits after the point."""

    kind: Literal["float"] = "float"
    range: tuple[float, float] | None = None
    decimals: int = Field(default=2, ge=0, le=12)

    @property
    def scaled_bounds(self) -> tuple[int, int]:
        return self._bounds(self.range, self.decimals)

    @model_validator(mode="after")
    def _range_holds(self) -> FloatColumn:
        self._check_bounds(self.range)
        return self


class BooleanColumn(_Column):
    """True or false; shares are keyed ``true`` and ``false``."""

    allows: ClassVar[frozenset[str]] = frozenset({"shares"})
    kind: Literal["boolean"] = "boolean"

    @model_validator(mode="after")
    def _shares_fit(self) -> BooleanColumn:
        if self.distribution is not None:
            self.distribution.check_shares(("true", "false"))
        return self


class CategoricalColumn(_Column):
    """One of a list of values, each with an optional meaning (``categories = {M = "male"}`` or a plain list)."""

    allows: ClassVar[frozenset[str]] = frozenset({"shares"})
    kind: Literal["categorical"] = "categorical"
    categories: dict[str, str] = Field(min_length=1)

    @field_validator("categories", mode="before")
    @classmethod
    def _list_or_table(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            odd = [item for item in value if not isinstance(item, str | int | float | date)]
            if odd:
                raise ValueError(f"a category is text, a number or a date, not {shown(odd[0])}")
            words = [str(item).lower() if isinstance(item, bool) else str(item) for item in value]
            twice = [word for word, count in Counter(words).items() if count > 1]
            if twice:
                raise ValueError(f"the category '{twice[0]}' is listed twice")
            return dict.fromkeys(words, "")
        return value

    @field_serializer("categories")
    def _plain(self, value: dict[str, str]) -> list[str] | dict[str, str]:
        return value if any(value.values()) else list(value)

    @model_validator(mode="after")
    def _shares_fit(self) -> CategoricalColumn:
        if self.distribution is not None:
            self.distribution.check_shares(tuple(self.categories))
        return self


def _written_out(value: Any, example: str) -> Any:
    """Refuse numbers as days and moments: pydantic would read them as seconds since 1970."""
    if isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, int | float):
                raise ValueError(f"the range of this kind is written {example}, not {shown(item)}")
    return value


class DateColumn(_Column):
    """Calendar days. range : first and last, both allowed."""

    kind: Literal["date"] = "date"
    range: tuple[date, date]

    @field_validator("range", mode="before")
    @classmethod
    def _days(cls, value: Any) -> Any:
        return _written_out(value, "[2024-01-01, 2024-12-31]")

    @field_validator("range")
    @classmethod
    def _upright(cls, value: tuple[date, date]) -> tuple[date, date]:
        if value[0] > value[1]:
            raise ValueError(f"the range is upside down: {value[0]} is after {value[1]}")
        return value


class DatetimeColumn(_Column):
    """Moments in whole minutes, without a time zone. range : first and last, both allowed."""

    kind: Literal["datetime"] = "datetime"
    range: tuple[datetime, datetime]

    @field_validator("range", mode="before")
    @classmethod
    def _moments(cls, value: Any) -> Any:
        return _written_out(value, "[2024-01-01T08:00:00, 2024-12-31T18:30:00]")

    @field_validator("range")
    @classmethod
    def _upright(cls, value: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
        if any(moment.tzinfo for moment in value):
            raise ValueError("a range of moments must not have a time zone")
        if value[0] > value[1]:
            raise ValueError(f"the range is upside down: {value[0]} is after {value[1]}")
        if any(moment.second or moment.microsecond for moment in value):
            raise ValueError("a range of moments is given in whole minutes")
        return value


class TextColumn(_Column):
    """Free text on one line. Lengths in characters."""

    kind: Literal["text"] = "text"
    min_length: int = Field(default=1, ge=1)
    max_length: int = Field(default=120, ge=1)

    @model_validator(mode="after")
    def _upright(self) -> TextColumn:
        if self.min_length > self.max_length:
            raise FieldError(
                f"min_length = {self.min_length} is above max_length = {self.max_length}", "min_length"
            )
        return self


class IdentifierColumn(_Column):
    """A name for each row, made by code: ``prefix`` and the row's number, filled with zeros to ``digits``."""

    kind: Literal["identifier"] = "identifier"
    prefix: str = ""
    digits: int = Field(default=6, ge=1, le=18)

    @model_validator(mode="after")
    def _never_empty(self) -> IdentifierColumn:
        if self.nullable:
            raise ValueError("an identifier cannot be empty: remove nullable and null_rate")
        return self

    def render(self, row_no: int) -> str:
        """The identifier of row ``row_no`` (from 1)."""
        return f"{self.prefix}{row_no:0{self.digits}d}"


Column: TypeAlias = Annotated[
    IntegerColumn
    | FloatColumn
    | BooleanColumn
    | CategoricalColumn
    | DateColumn
    | DatetimeColumn
    | TextColumn
    | IdentifierColumn,
    Field(discriminator="kind"),
]
