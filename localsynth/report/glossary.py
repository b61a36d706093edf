"""Words of the report, for people who never studied statistics."""

from __future__ import annotations

from localsynth.core.run import Exposure

__all__ = ["EXPOSURE", "GLOSSARY"]

#: What a model, or a method without one, was given of the real table.
EXPOSURE = {
    Exposure.SCHEMA: (
        "schema: a description only (columns, ranges, categories, rules); no real row and no statistic of one"
    ),
    Exposure.STATISTICS: (
        "statistics: figures computed from the train split (means, shares, relations between columns); no"
        " single real row"
    ),
    Exposure.ROWS: (
        "rows: real rows of the train split themselves; what was learned from them can show through in what"
        " is written"
    ),
}

GLOSSARY = {
    "95% confidence interval": (
        "The range [low, high] in which the true figure would lie in 19 of 20 repetitions. A wide "
        "interval means that there were too few rows to say more."
    ),
    "Accuracy": "The share of rows for which a prediction is right.",
    "Attribute inference": (
        "An attack: whoever knows some facts about a person looks up the most similar synthetic row and "
        "reads an unknown fact from it. The risk is how much more often that works for people in the "
        "train split than for held-out people."
    ),
    "AUC": (
        "How well a score puts cases in order: take one case of each of two kinds at random; the AUC is "
        "the chance that the right one is ranked higher. 0.5 is guessing, 1 is perfect."
    ),
    "bootstrap": (
        "A reference method that only copies real rows. It is what a leak looks like: the best likeness, "
        "no privacy. Whatever finds nothing wrong with it cannot judge privacy."
    ),
    "C2ST": (
        "Classifier two-sample test: a classifier is trained to tell synthetic rows from real ones. An "
        "AUC near 0.5 means that it cannot; near 1, that every row gives itself away."
    ),
    "Column shape": (
        "How alike one column's values are distributed in two tables, from 0 (nothing in common) to 1 "
        "(the same). It says nothing about relations between columns."
    ),
    "DCR": (
        "Distance to the closest record: how far a synthetic row is from the nearest real one. The DCR "
        "share is the part of synthetic rows that lie nearer to the train split than to equally many "
        "held-out rows: one half if nothing was copied, near 1 for copies. It is a smoke test: failing it"
        " is bad, passing it proves little."
    ),
    "Dependency": (
        "Columns that decide another one: rows alike in the first must be alike in the second, as a "
        "postcode and its town."
    ),
    "Differential privacy, epsilon": (
        "A mathematical promise about a method: whether or not one person is in the data changes the "
        "chance of any outcome by a factor of at most e to the power of epsilon. Smaller is safer; "
        "without an epsilon there is no such promise."
    ),
    "Exposure": "How much of the real table a method may see: schema (a description), statistics, or rows.",
    "gaussian-copula": (
        "A reference method: it keeps each column's distribution and, of the relations between columns, "
        "those that a correlation describes. No model is involved."
    ),
    "Holdout": (
        "Real rows set aside before anything is made. No method ever sees them, so they show what is "
        "normal for rows that were not copied."
    ),
    "independent": (
        "A reference method: each column drawn anew on its own. Every column looks right and every "
        "relation between columns is gone, so what scores no better than this has learned nothing about "
        "structure."
    ),
    "Mean ± spread": "The average over runs that differ only in their seed, and the standard deviation between them.",
    "Membership attack": (
        "Somebody who has a real person's row tries to find out whether it was among the train rows. AUC "
        "0.5: no better than tossing a coin."
    ),
    "Near copy": (
        "A synthetic row so close to a real train row that it may stand for that person. Some arise by "
        "chance; the rate for held-out rows shows how many."
    ),
    "NNDR": (
        "Nearest-neighbour distance ratio: the distance to the closest real row divided by that to the "
        "second closest. Near 0 means that a row sits right on top of one particular real row."
    ),
    "Pair trend": (
        "How alike two columns go together in two tables, from 0 to 1: their correlation for numbers, "
        "their joint shares for categories."
    ),
    "REAL": (
        "Real rows taken in place of synthetic ones, mostly the holdout held against the train split. It "
        "is the best that can be expected: even real rows are not perfectly alike."
    ),
    "Reference methods": (
        "Simple methods without a model that every result stands beside: independent, gaussian-copula, "
        "bootstrap."
    ),
    "Rule": "A condition every row must meet, such as 'discharge is not before admission'.",
    "Seed": (
        "The number that all random choices follow from. The same recipe with the same seed makes the "
        "same rows; other seeds show how much is chance."
    ),
    "sha256": "A fingerprint of a file. Two files with the same sha256 are the same file.",
    "Singling out": (
        "An attack: from the synthetic rows somebody guesses a description that fits exactly one real "
        "person. The risk is how much more often that works than guessing without them."
    ),
    "Synthetic rows": "Rows that a method made up. No row stands for a person, unless the method copied one.",
    "Train split": "The real rows a method may learn from, as far as its exposure allows.",
    "TSTR": (
        "Train on synthetic, test on real: a prediction is learned from synthetic rows and tried on held-"
        "out real ones. For REAL it is learned from the real train rows."
    ),
}
