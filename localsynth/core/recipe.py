"""Recipe: everything a run needs, in one TOML file."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .columns import check_name
from .tomlfile import dump_toml, load_toml, read_text, validate

__all__ = ["DatasetSpec", "MethodSpec", "ModelSpec", "PrivacySpec", "Recipe"]


class DatasetSpec(BaseModel):
    """Which table. ``source`` is a file or ``sample:NAME``, imported on first use; ``schema`` a schema file.

    Relative paths are relative to the recipe's folder. At least one of source and schema, or a dataset already
    imported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    source: str | None = None
    schema_file: str | None = Field(default=None, alias="schema")
    target: str | None = None
    policy: Literal["schema", "statistics", "rows"] | None = None
    holdout: float | None = Field(default=None, ge=0, lt=1)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_name(value, "dataset")


class ModelSpec(BaseModel):
    """Which model. ``name`` as in ``localsynth models list``, or ``uniform`` for the engine without a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    threads: int | None = Field(default=None, ge=1, le=1024)


class MethodSpec(BaseModel):
    """Which method, and its parameters beside the name; the method itself checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = "text-to-tabular"

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as written."""
        return dict(self.model_extra or {})


class PrivacySpec(BaseModel):
    """epsilon, delta : the differential-privacy budget. drop_copies : refuse rows equal to a train row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epsilon: float | None = Field(default=None, gt=0)
    delta: float | None = Field(default=None, gt=0, lt=1)
    drop_copies: bool = False


class Recipe(BaseModel):
    """One run, fully described.

    rows : how many to make. seed : of everything random.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    rows: int = Field(default=500, ge=1, le=100_000_000)
    seed: int = Field(default=0, ge=0, le=2**53)
    dataset: DatasetSpec
    model: ModelSpec = ModelSpec()
    method: MethodSpec = MethodSpec()
    privacy: PrivacySpec = PrivacySpec()

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
        """A hash over all that decides the rows; title and thread count do not."""
        data = self.model_dump(mode="json", by_alias=True, exclude={"title": True, "model": {"threads"}})
        # The schema as text, since the order of its categories decides which one a draw picks.
        text = json.dumps([data, schema_json, model_sha256, method_version], sort_keys=True)
        return sha256(text.encode()).hexdigest()
