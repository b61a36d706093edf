"""A spent budget in plain sentences."""

from __future__ import annotations

from localsynth.core.targets import Budget

__all__ = ["SPLIT", "describe"]

#: Between which tables the guarantee holds, and between which it does not.
SPLIT = (
    "This holds between train splits that differ by one row, the split taken as given. Train and holdout are drawn as a"
    " permutation of the imported file's rows under a recorded seed: with one row more or less in the file, many rows would"
    " change sides, and of such files nothing is promised here."
)


def describe(budget: Budget) -> list[str]:
    """What the budget promises, and what it was spent on."""
    lines = [
        (
            f"The target statistics are differentially private with epsilon = {budget.epsilon:g} and"
            f" delta = {budget.delta:g}: they would hardly look different had any one row of the train split been left out of"
            " it or put in."
        ),
        SPLIT,
        "Prompts and rows depend on the real rows through these statistics alone, so the same holds for them.",
    ]
    if not budget.spent:
        return [*lines, "Nothing was counted, so nothing was spent."]
    lines.append(
        f"Spent, as zero-concentrated differential privacy: rho = {budget.rho:.4g} in {len(budget.spent)} "
        f"{'part' if len(budget.spent) == 1 else 'parts'}."
    )
    return lines + [
        f"{part.what}: rho = {part.rho:.3g} ({part.rho / budget.rho:.0%} of what was spent)."
        for part in budget.spent
    ]
