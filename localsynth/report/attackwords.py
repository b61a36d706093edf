"""What each attack on privacy is called, and the words for what it found."""

from __future__ import annotations

from .standing import Leak

__all__ = ["MULTIVARIATE", "NAMES", "OUTCOMES", "PHRASES", "UNIVARIATE"]

UNIVARIATE = "singling_out_risk_univariate"
MULTIVARIATE = "singling_out_risk_multivariate"
NAMES = {
    "membership_auc": "membership",
    "dcr_share": "nearness to train rows",
    "exact_copies": "exact copies",
    "near_copies": "near copies",
    UNIVARIATE: "singling out by one column",
    MULTIVARIATE: "singling out by several columns",
    "attribute_inference_risk": "attribute inference",
}
PHRASES = {
    "membership_auc": "a membership attack tells train rows from held-out ones with AUC {run} ({chance} is guessing{copies})",
    "dcr_share": "{run} of the rows lie nearer to a train row than to a held-out one ({chance} by chance{copies})",
    "exact_copies": "{run} of the rows are exact copies of train rows ({chance}{copies})",
    "near_copies": "{run} are nearly copies ({chance} by chance{copies})",
    UNIVARIATE: "guesses from single values of one column single real people out, risk {run} ({chance} if none do)",
}
OUTCOMES = {
    Leak.FOUND: "found out, nearer to copies than to chance",
    Leak.SIGNS: "signs of memory, above chance",
    Leak.RARE: "rare single values of real people appear, which does not say that rows were copied",
    Leak.NONE: "nothing found",
}
