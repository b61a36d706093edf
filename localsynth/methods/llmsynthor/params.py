"""What a person may choose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from localsynth.core.contracts import MethodParams
from localsynth.core.words import FieldError

__all__ = ["LLMSynthorParams"]


#: Parameters that only one mode reads.
_ONLY = {
    "aligned": frozenset({
        "context_weight", "pairs", "triples", "shrink", "groups", "group_samples", "plans", "shuffle_plans", "start",
        "plan_share", "rounds", "proposals", "plan_columns", "batch_rows",
    }),
    "faithful": frozenset({"iterations", "per_iteration", "reason_length", "enforce_rules"}),
}  # fmt: skip


class LLMSynthorParams(MethodParams):
    """Parameters of ``llmsynthor``; each says which mode reads it."""

    mode: Literal["aligned", "faithful"] = Field(
        default="aligned",
        description="'aligned' meets the target statistics, the model's plans being its draft; 'faithful' works as the "
        "paper does.",
    )
    context: str = Field(
        default="",
        max_length=2000,
        description="What the statistics do not know ('there will be a concert near the stadium'); told to the model "
        "when it plans (both modes). Where rows are aligned it changes only what the targets leave open, unless "
        "context_weight lets it move them.",
    )
    context_weight: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="The most by which the context may move the distribution of a column, as total variation distance; "
        "how strongly columns go together stays as it is (aligned).",
    )
    bins: int | None = Field(
        default=None,
        ge=2,
        le=100,
        description="Quantile bins of a number or date; by default 10, and 6 in the faithful mode. A file of published "
        "statistics has its own.",
    )
    pairs: int | None = Field(
        default=None,
        ge=0,
        description="How many of the strongest pair tables are aimed at, beside those with the target column; by default "
        "as many as the rows support (aligned).",
    )
    triples: int = Field(
        default=20,
        ge=0,
        description="How many tables of three columns are aimed at, at most, where three columns hold more than their pairs "
        "explain; only with exact statistics of rows (aligned).",
    )
    shrink: bool = Field(
        default=True,
        description="Draw pair tables of few rows towards independence by the part of their dependence that chance gives; off "
        "meets every table as it was counted, and leaves rows nearer to the real ones (aligned).",
    )
    groups: Literal["model+strongest", "model", "strongest"] = Field(
        default="model+strongest",
        description="Which joint tables are aimed at: those the model names, the strongest pairs, or both (aligned).",
    )
    most_groups: int = Field(
        default=3,
        ge=1,
        le=20,
        description="Groups of dependent columns that the model may name (both modes).",
    )
    group_samples: int = Field(
        default=16,
        ge=1,
        le=200,
        description="How often the model is asked for groups; those named most often count (aligned).",
    )
    plans: Literal["model", "random", "none"] = Field(
        default="model",
        description="Who writes plans: the model, chance under the same grammar, or nobody; for comparison (aligned).",
    )
    shuffle_plans: bool = Field(
        default=False,
        description="Exchange the values of plans with each other, column by column; for comparison (aligned).",
    )
    start: Literal["tree", "independent"] = Field(
        default="tree",
        description="How what the plans leave open is filled before it is aligned: along a tree of the strongest pairs, "
        "or each column by itself (aligned).",
    )
    plan_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The part of the rows that plans may draft, at most. Small models know little of what goes together, and "
        "alignment changes only what the targets tell; more helps where few joint tables are known (aligned).",
    )
    rounds: int = Field(
        default=3,
        ge=1,
        le=100,
        description="How often the model is shown what is missing and asked for plans, at most (aligned).",
    )
    proposals: int = Field(default=48, ge=1, le=5000, description="Plans asked for in each round (aligned).")
    plan_columns: int = Field(
        default=8,
        ge=2,
        le=1500,
        description="Columns that a plan fixes, at most; those with most to do with others first. What it leaves open is "
        "filled in by code (aligned).",
    )
    iterations: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="How often the model is asked for proposals; each adds about that part of the rows (faithful).",
    )
    per_iteration: int = Field(default=5, ge=1, le=20, description="Proposals in each iteration (faithful).")
    reason_length: int = Field(
        default=120, ge=20, le=1000, description="Characters of a proposal's reason, at most (faithful)."
    )
    enforce_rules: bool = Field(
        default=False,
        description="Reject rows that break a rule of the schema; the paper keeps them, and aligned mends them (faithful).",
    )
    temperature: float = Field(
        default=0.7,
        ge=0,
        le=5,
        description="Sampling temperature of groups and plans; 0 always takes the likeliest token (both modes).",
    )
    top_k: int = Field(
        default=20, ge=0, description="Sample only from so many likeliest tokens; 0 from all (both modes)."
    )
    top_p: float = Field(
        default=0.98,
        gt=0,
        le=1,
        description="Sample only from the likeliest tokens of this total share (both modes).",
    )
    text_temperature: float = Field(
        default=0.9,
        ge=0,
        le=5,
        description="Sampling temperature of free-text columns, written when the rest of a row is settled (both modes).",
    )
    batch_rows: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Rows per batch, that is, per commit; by default 250,000, and 100 with free-text columns (aligned).",
    )

    @model_validator(mode="after")
    def _read_by_the_mode(self) -> LLMSynthorParams:
        """What a person chose must do something; a default that is written out, as `methods show` prints it, may stand."""
        other = "faithful" if self.mode == "aligned" else "aligned"
        for name, field in type(self).model_fields.items():
            if name in _ONLY[other] and getattr(self, name) != field.default:
                raise FieldError(
                    f"{name} changes nothing in the mode '{self.mode}', only in '{other}': leave it out, or choose"
                    f' mode = "{other}"',
                    name,
                )
        if self.context_weight > 0 and not self.context.strip():
            raise FieldError(
                "context_weight says how far the context may move the columns, and there is no context: write one, or"
                " leave out context_weight",
                "context_weight",
            )
        return self
