"""What a person may choose."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from localsynth.core.contracts import MethodParams

from .outline import Outlines

__all__ = ["PAFTParams"]

_Name = Annotated[str, Field(min_length=1)]


class PAFTParams(MethodParams):
    """Parameters of ``paft``."""

    mode: Literal["faithful", "aligned"] = Field(
        default="aligned",
        description="'faithful' writes, trains and samples as the paper does; 'aligned' is the better mode.",
    )
    learn: Literal["auto", "finetune", "in-context"] = Field(
        default="auto",
        description="'finetune' trains a LoRA adapter (needs the extra 'finetune'); 'in-context' shows rows in the prompt "
        "instead (PAFT-ICL); 'auto' trains where it can.",
    )
    adapter: str = Field(
        default="",
        description="An adapter of the workspace to sample with, by id or name, instead of training one.",
    )
    order: list[_Name] = Field(
        default_factory=list,
        description="Columns to be written first, in this order; the others follow as their dependencies ask. Empty: found.",
    )
    orders: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Compatible orders to train on, drawn anew for each row and epoch (aligned).",
    )
    discover: bool = Field(
        default=True,
        description="Look for functional dependencies in the train rows; off, those of the schema alone count.",
    )
    lock: bool = Field(
        default=True,
        description="After a determinant only the value it determines is allowed; off, nothing is locked (aligned).",
    )
    outlines: list[Outlines] = Field(
        default_factory=list,
        description="Shapes that the points of each value of a column lie in: [[method.outlines]] with of, x and y, three"
        " columns, and rings, per value one or more lists of corners [x, y] (aligned, with lock).",
    )
    epochs: int = Field(
        default=0, ge=0, le=1000, description="Passes over the train rows at most; 0: chosen by their number."
    )
    rank: int = Field(default=16, ge=1, le=256, description="Rank of the LoRA matrices.")
    alpha: float = Field(
        default=32.0, gt=0, description="LoRA's alpha: what it learns is scaled by alpha / rank."
    )
    dropout: float = Field(
        default=0.05, ge=0, lt=1, description="Share of LoRA's inner values dropped while training."
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=0.1, description="AdamW's, falling linearly to 0.")
    train_batch: int = Field(default=16, ge=1, le=4096, description="Rows in each step of training.")
    held_out: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="Share of the train rows that training is judged by and does not learn from; 0: none (aligned).",
    )
    patience: int = Field(
        default=2,
        ge=0,
        description="Epochs without progress on the held-out rows before training stops; 0: never. The best epoch is kept.",
    )
    gap: float = Field(
        default=0.0,
        ge=0,
        description="Nats per row that train rows may become likelier than held-out rows before training stops; 0: no bound.",
    )
    open_loss: bool = Field(
        default=True,
        description="Learn only the tokens the grammar leaves open, against those it allows; off, every token against the "
        "whole vocabulary (aligned).",
    )
    temperature: float = Field(
        default=1.0, ge=0, le=5, description="Of sampling (aligned; the paper's is 0.7)."
    )
    align: bool = Field(
        default=True,
        description="Bring the rows to the train split's margins and tables; off shows the bare model (aligned).",
    )
    surplus: float = Field(
        default=3.0,
        ge=1,
        le=50,
        description="Rows drawn for each row kept, of which the best are selected (aligned).",
    )
    drop_near: bool = Field(
        default=True,
        description="Drop drawn rows that lie nearer to a train row than all but 10% of train rows lie to another (aligned).",
    )
    bins: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Quantile bins of numbers and dates for the tables; 0: chosen by the number of train rows (aligned).",
    )
    examples: int = Field(
        default=24, ge=0, le=1000, description="Train rows in the prompt at most (in-context)."
    )
    batch_rows: int = Field(
        default=0, ge=0, le=100_000, description="Rows per batch, that is, per commit; 0: 1,000."
    )
    threads: int = Field(default=0, ge=0, le=1024, description="Threads of training; 0: all cores.")
