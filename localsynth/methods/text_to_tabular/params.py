"""What a person may choose."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from localsynth.core.contracts import MethodParams

__all__ = ["TextToTabularParams"]

_Temperature = Annotated[float, Field(ge=0, le=5)]


class TextToTabularParams(MethodParams):
    """Parameters of ``text-to-tabular``; each says which mode reads it."""

    mode: Literal["faithful", "aligned"] = Field(
        default="aligned",
        description="'faithful' prompts as the paper does; 'aligned' meets declared distributions and every rule.",
    )
    batch_rows: int = Field(
        default=100, ge=1, le=10_000, description="Rows per batch, that is, per commit (both modes)."
    )
    temperature: float = Field(
        default=1.0,
        ge=0,
        le=5,
        description="Sampling temperature of rows; 0 always takes the likeliest token (both modes).",
    )
    text_temperature: float = Field(
        default=0.9,
        ge=0,
        le=5,
        description="Sampling temperature of texts, dates and other open columns (aligned).",
    )
    temperatures: dict[str, _Temperature] = Field(
        default_factory=dict,
        description="Temperatures of single columns instead of the above, as { note = 0.7 } (both modes).",
    )
    top_p: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Sample only from the likeliest tokens of this total share (both modes).",
    )
    drop_duplicates: bool = Field(
        default=False, description="Reject a row equal to an earlier one in all but identifiers (both modes)."
    )
    examples: int = Field(
        default=3,
        ge=0,
        le=12,
        description="Fictitious example rows in the prompt, rotated per batch (aligned).",
    )
    fresh_texts: bool = Field(
        default=True,
        description="Ask again for texts that repeat an example row's word for word (aligned).",
    )
    shorten_texts: bool = Field(
        default=False,
        description="Let texts stay shorter than max_length where a row would else not fit the model's context "
        "(both modes).",
    )
    elicit: bool = Field(
        default=True,
        description="Ask the model for distributions that are not declared; off, it writes those freely (aligned).",
    )
    elicit_rounds: int = Field(
        default=3,
        ge=1,
        le=25,
        description="How often each distribution is asked for, pooled by median (aligned).",
    )
    repair_rounds: int = Field(
        default=4, ge=0, le=50, description="How often a row that breaks a rule is asked again (aligned)."
    )
    rows_per_request: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Rows asked for in one prompt; at most what the context holds (faithful).",
    )
    grammar: bool = Field(
        default=True,
        description="Constrain the answer to valid JSON; off is the paper's plain sampling (faithful).",
    )
    max_retries: int = Field(
        default=3,
        ge=0,
        le=100,
        description="How often a batch asks again for rows lost to bad output (faithful).",
    )
    enforce_rules: bool = Field(
        default=True,
        description="Reject rows that break a rule or dependency; aligned always does (faithful).",
    )
