"""Words of the report, for people who never studied statistics."""

from __future__ import annotations

from localsynth.core.run import Exposure

__all__ = ["EXPOSURE", "GLOSSARY", "INFERRED", "REAL_BELOW", "WORDS"]

#: What a schema may hold of a real table.
INFERRED = (
    "a description only; where that description was inferred from the table at import it holds the train rows' smallest and "
    "largest values, categories and shares of missing values"
)
#: Why REAL is not always the best figure of a row.
REAL_BELOW = (
    "REAL's figures are of the holdout, which has fewer rows than the train split: chance alone can put them below those of a "
    "reference method with more rows. REAL's invalid rows are held-out rows outside ranges or categories that were learned "
    "from the train rows."
)

#: What a model, or a method without one, was given of the real table.
EXPOSURE = {
    Exposure.SCHEMA: f"schema: {INFERRED}",
    Exposure.STATISTICS: (
        "statistics: figures computed from the train split, or published ones (means, shares, relations between columns); no"
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
        "no privacy. An attack that does not catch it is too weak to show that anything else is safe."
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
    "Exposure": (
        "How much of the real table a method may see: schema (a description, which holds extremes, categories and shares of "
        "missing values where it was inferred from the table), statistics, or rows."
    ),
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
    "Mean ± standard deviation over seeds": (
        "The average over runs that differ only in their seed, and how far they typically lie from it. It is not a 95% "
        "confidence interval, which stands in brackets beside the figure of a single run."
    ),
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
    "Privacy budget": (
        "How much a release may tell of single rows, as an epsilon and a delta (see differential privacy). Each noisy figure "
        "taken from the real rows spends a part of it. Over several releases of one table the budgets add up."
    ),
    "REAL": (
        "Real rows taken in place of synthetic ones: the holdout, held against the train split; for predictions the train "
        f"split itself, for some attacks one half of the holdout. It shows what rows give that nobody made up. {REAL_BELOW}"
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
        "person. The risk is how much more often that works than for people who were never seen. By one column it finds rare "
        "single values of real people, which is no proof that rows were copied."
    ),
    "Synthetic rows": "Rows that a method made up. No row stands for a person, unless the method copied one.",
    "Target statistics": (
        "What rows were made to add up to: the distribution of each column (a margin) and of some columns together (a joint "
        "table), each as the share of rows in every cell."
    ),
    "Total variation distance": (
        "How far two distributions over the same cells are apart: the share of rows that would have to move to another cell "
        "to make one the other. 0: the same, 1: nothing in common."
    ),
    "Train split": "The real rows a method may learn from, as far as its exposure allows.",
    "TSTR": (
        "Train on synthetic, test on real: a prediction is learned from synthetic rows and tried on held-"
        "out real ones. For REAL it is learned from the real train rows."
    ),
}

#: The few words without which the terminal's report cannot be read.
WORDS = (
    ("AUC", "chance that a score ranks the right one of two cases higher; 0.5 is guessing"),
    ("REAL", "held-out real rows in place of synthetic ones; fewer rows, so more chance"),
    ("independent", "each column shuffled on its own: all structure gone"),
    ("bootstrap", "copies of real rows: what a leak looks like"),
    ("Nearer to train (DCR)", "rows nearer to train than to held-out rows; a smoke test only"),
    ("[low, high]", "95% interval; ± is the standard deviation over seeds"),
    ("Singling out, inference", "attacks that find one person, or read off one unknown fact"),
)
