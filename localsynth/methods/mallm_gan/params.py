"""What a person may choose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localsynth.core.contracts import MethodParams

__all__ = ["MALLMGANParams"]


class MALLMGANParams(MethodParams):
    """Parameters of ``mallm-gan``."""

    mode: Literal["faithful", "aligned"] = Field(
        default="aligned",
        description="'faithful' plays the game as the released code does; 'aligned' is the better mode.",
    )
    examples: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Train rows in a prompt; 0: 20, or as many as the context holds (faithful: 5, as many as are asked for).",
    )
    temperature: float = Field(
        default=0.0, ge=0, le=5, description="Of the generator; 0: 1.0 (faithful: 0.5)."
    )
    optimiser_temperature: float = Field(
        default=1.0, ge=0, le=5, description="Of the model where it proposes what to change."
    )
    rounds: int = Field(
        default=5,
        ge=0,
        le=100,
        description="Rounds of the game at most; it ends before where two in a row change nothing (aligned).",
    )
    game_rows: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="Rows that each candidate is judged by; 0: as many as half the train rows, 50 to 200 (aligned).",
    )
    proposals: int = Field(
        default=2, ge=0, le=16, description="Candidates that the model proposes in each round (aligned)."
    )
    searched: int = Field(
        default=4, ge=0, le=32, description="Candidates that a search proposes in each round (aligned)."
    )
    novelty: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description="Weight of near copies, beyond those that real rows show, against being told apart (aligned).",
    )
    sure: float = Field(
        default=0.9,
        ge=0.5,
        lt=1,
        description="How sure a candidate must be better than what there is, by a paired bootstrap, to be kept (aligned).",
    )
    shuffled: bool = Field(
        default=False,
        description="A control: the discriminator is given shuffled labels, so that the game can learn nothing (aligned).",
    )
    align: bool = Field(
        default=True,
        description="Bring rows to the tables that the game found worth it; off shows the bare model (aligned).",
    )
    surplus: float = Field(
        default=1.5,
        ge=1,
        le=50,
        description="Rows drawn for each row kept, of which the best are selected (aligned).",
    )
    drop_near: bool = Field(
        default=True,
        description="Drop rows that lie nearer to a train row than all but 10% of train rows lie to another (aligned).",
    )
    batch: int = Field(
        default=50, ge=1, le=10_000, description="Real rows in each step of the game (faithful)."
    )
    epochs: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Passes over the train rows while the discriminator learns; 0: 5, 4, 3, 2 for 100, 200, 400, 800 rows "
        "(faithful).",
    )
    grammar: bool = Field(
        default=True,
        description="Keep answers to rows the schema allows; off, the model writes freely, as published (faithful).",
    )
    max_calls: int = Field(
        default=0,
        ge=0,
        description="Requests of the game at most; 0: no bound. No round begins that might take more (faithful: it ends after "
        "the step that reached it).",
    )
    max_tokens: int = Field(
        default=0, ge=0, description="Tokens of the game at most, read and written; 0: no bound."
    )
    max_minutes: float = Field(
        default=0.0,
        ge=0,
        description="Minutes of the game at most; 0: no bound. With one, rows depend on the machine's speed.",
    )
    batch_rows: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Rows per batch, that is, per commit; 0: 1,000 (faithful: 200).",
    )
