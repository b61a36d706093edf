"""The verdict's three sentences on fixed cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localsynth.core.evaluation import Evaluation, Judged
from localsynth.core.judging import Score
from localsynth.core.run import Exposure
from localsynth.report.cautions import cautions
from localsynth.report.lookup import Lookup
from localsynth.report.verdict import Level, Verdict, verdicts
from tests.report.support import FAMILIES, MEASURES, Wanted, make, tiny


def of(evaluation: Evaluation) -> Verdict:
    (verdict,) = verdicts(Lookup(evaluation, MEASURES, FAMILIES))
    return verdict


def levels(verdict: Verdict) -> tuple[Level, ...]:
    return tuple(sentence.level for sentence in verdict.sentences)


YARDSTICKS = {
    "REAL": {"c2st_rf_auc": 0.53, "tstr_rf_auc": 0.91, "rule_violations": 0.0, "exact_copies": 0.0},
    "independent": {"c2st_rf_auc": 0.93, "tstr_rf_auc": 0.51, "rule_violations": 0.2},
    "bootstrap": {
        "membership_auc": 0.98,
        "dcr_share": 0.97,
        "exact_copies": 1.0,
        "singling_out_risk_univariate": 0.6,
        "singling_out_risk_multivariate": 0.9,
        "attribute_inference_risk": 0.7,
    },
}
SAFE = {
    "membership_auc": (0.51, 0.46, 0.56),
    "dcr_share": (0.5, 0.45, 0.55),
    "singling_out_risk_multivariate": (0.0, 0.0, 0.03),
    "attribute_inference_risk": (0.0, 0.0, 0.03),
}


def judged(**run: float | tuple[float, float, float] | None) -> Evaluation:
    usual = {"invalid_rows": 0.0, "rule_violations": 0.0, "exact_copies": 0.0}
    return tiny({**YARDSTICKS, "run": {**usual, **run}})


def test_a_good_run() -> None:
    found = of(
        judged(
            c2st_rf_auc=0.55,
            tstr_rf_auc=0.90,
            **SAFE,
        )
    )
    assert levels(found) == (Level.GOOD, Level.GOOD, Level.GOOD)
    assert found.overall.headline == "No reason found here against use, no proof of safety"
    validity, likeness, privacy = (sentence.text for sentence in found.sentences)
    assert validity == "Every cell of every row is one its column allows and no row breaks a rule."
    assert likeness == (
        "In likeness and in use the rows are close to real rows: a classifier tells them from real rows with AUC 0.550 "
        "(REAL 0.530, independent 0.930); a model trained on them predicts 'diagnosis' in real rows with AUC 0.900 "
        "(REAL 0.910, independent 0.510)."
    )
    assert privacy.startswith(
        "No attack tried does clearly better than chance, which is no proof of safety: 0% of the rows are exact copies of "
        "train rows (held-out rows 0%, bootstrap 100%); a membership attack tells train rows from held-out ones with AUC "
        "0.510 [0.460, 0.560] (0.5 is guessing, bootstrap 0.980)."
    )
    assert privacy.endswith("Not measured: near copies, singling out by one column.")
    assert any("no epsilon was spent" in sentence for sentence in found.not_shown)
    assert any("reaches AUC 0.560" in sentence for sentence in found.not_shown)


def test_a_copying_run_is_found_out() -> None:
    found = of(
        judged(
            c2st_rf_auc=0.53,
            tstr_rf_auc=0.91,
            membership_auc=(0.96, 0.94, 0.98),
            dcr_share=(0.94, 0.9, 0.97),
            exact_copies=0.93,
        )
    )
    assert levels(found) == (Level.GOOD, Level.GOOD, Level.BAD)
    assert found.privacy.headline == "Found out: copies of real rows"
    assert found.overall.headline == "Do not release"
    assert found.overall.text == "copies of real rows."
    assert "Handle these rows like the real table" in found.privacy.text
    assert "AUC 0.960 [0.940, 0.980]" in found.privacy.text
    # Copies always look best: the second sentence must not be read without the third.
    assert "Copies of real rows do as well, and these rows were found out" in found.likeness.text
    assert sum("found out" in sentence for sentence in found.shown) == 3


def test_people_singled_out_by_several_columns_are_found_out_without_talk_of_copies() -> None:
    found = of(judged(**SAFE | {"singling_out_risk_multivariate": (0.6, 0.5, 0.7)}))
    assert (found.privacy.level, found.privacy.headline) == (Level.BAD, "Found out: real rows show through")
    assert "do as well" not in found.likeness.text


def test_rare_single_values_are_no_copies() -> None:
    found = of(
        judged(c2st_rf_auc=0.55, tstr_rf_auc=0.9, **SAFE, singling_out_risk_univariate=(0.5, 0.4, 0.6))
    )
    assert (found.privacy.level, found.privacy.headline) == (Level.MIXED, "Rare values of real people appear")
    assert "does not say that rows were copied (one sign alone can be chance)" in found.privacy.text
    assert "do as well" not in found.likeness.text
    assert found.overall.headline == "Release only after a person has weighed"
    assert found.overall.text == "privacy (rare values of real people appear)."


def test_a_green_headline_needs_every_kind_of_attack() -> None:
    for metric in ("membership_auc", "singling_out_risk_multivariate", "attribute_inference_risk"):
        found = of(judged(**{**SAFE, metric: None}))
        assert (found.privacy.level, found.privacy.headline) == (Level.UNKNOWN, "Only partly measured")
        assert "Not measured: " in found.privacy.text
    assert of(judged(**SAFE, exact_copies=None)).privacy.headline == "Only partly measured"


def test_attacks_that_do_not_catch_copies_are_no_evidence() -> None:
    whole = judged(**SAFE)
    weak = tuple(
        replace(
            j, score=replace(j.score, value=0.5 if j.score.metric in {"membership_auc", "dcr_share"} else 0.0)
        )
        if j.subject == "bootstrap" and j.score.metric != "exact_copies"
        else j
        for j in whole.scores
    )
    found = of(replace(whole, scores=weak))
    assert (found.privacy.level, found.privacy.headline) == (Level.UNKNOWN, "Cannot be judged")
    assert "there are too few real rows for these attacks" in found.privacy.text
    assert any("even copies are not clearly caught" in sentence for sentence in found.not_shown)


@pytest.mark.parametrize("real", [None, 0.0, 1.0])
def test_copies_of_everybody_are_always_condemned(real: float | None) -> None:
    scores = {
        "REAL": {"exact_copies": real},
        "bootstrap": {},
        "run": {"invalid_rows": 0.0, "exact_copies": 1.0},
    }
    found = of(tiny(scores, holdout_rows=0 if real is None else 100))
    assert (found.privacy.level, found.privacy.headline) == (Level.BAD, "Found out: copies of real rows")
    assert "Not measured: membership" in found.privacy.text


def test_no_sentence_on_privacy_is_long() -> None:
    for kind in ("good", "copying"):
        for holdout in (0, 167):
            for seeds in ((1,), (1, 2, 3)):
                text = of(make(Wanted(kind, seeds), holdout_rows=holdout)).privacy.text
                assert len(text.split()) <= 62, text
                assert all(part.count(":") <= 1 for part in text.split(". "))


def test_shuffled_columns_never_keep_a_part_of_the_structure() -> None:
    scores = {
        "REAL": {"c2st_rf_auc": (0.48, 0.44, 0.52), "tstr_rf_auc": (0.9, 0.89, 0.91)},
        "independent": {"c2st_rf_auc": (0.866, 0.83, 0.9), "tstr_rf_auc": (0.351, 0.34, 0.36)},
        "run": {
            "invalid_rows": 0.0,
            "c2st_rf_auc": (0.812, 0.77, 0.853),
            "tstr_rf_auc": (0.448, 0.434, 0.461),
        },
    }
    found = of(tiny(scores))
    assert (found.likeness.level, found.likeness.headline) == (Level.BAD, "No better than guessing")


def test_accuracy_is_no_verdict() -> None:
    found = of(
        tiny(
            {
                "REAL": {"tstr_lr_accuracy": 0.9},
                "independent": {"tstr_lr_accuracy": 0.5},
                "run": {"tstr_lr_accuracy": 0.89},
            }
        )
    )
    assert "In likeness and in use the rows were not measured" in found.likeness.text


def test_measured_without_real_is_said_so() -> None:
    found = of(tiny({"independent": {"pair_trends": 0.857}, "run": {"pair_trends": 0.915}}, holdout_rows=0))
    assert found.likeness.text == (
        "In likeness the rows were measured, but there is no REAL to hold that against: pair trends 0.915 (independent "
        "0.857). In use they were not measured: no real rows were held out."
    )


def test_told_apart_more_easily_than_shuffled_columns() -> None:
    found = of(judged(c2st_rf_auc=(0.99, 0.98, 1.0), tstr_rf_auc=0.7))
    assert (found.likeness.level, found.likeness.headline) == (
        Level.BAD,
        "Told apart more easily than shuffled columns",
    )
    assert "told apart even more easily than shuffled columns" in found.likeness.text


def test_a_caution_and_a_run_that_ended_early_are_weighed() -> None:
    good = judged(c2st_rf_auc=0.55, tstr_rf_auc=0.9, **SAFE)
    warned = replace(good, scores=(*good.scores, Judged("run", Score("caution", None, note="beware"))))
    short = replace(good, runs=tuple(replace(run, rows_done=100) for run in good.runs))
    for evaluation in (warned, short):
        found = of(evaluation)
        assert levels(found) == (Level.GOOD, Level.GOOD, Level.GOOD)
        assert found.overall.text == "the caution above."
    assert cautions(Lookup(warned, MEASURES, FAMILIES)) == ("Beware.",)
    assert cautions(Lookup(short, MEASURES, FAMILIES)) == (
        "This run ended after 100 of 500 rows asked for, and all figures are of those few rows.",
    )


def test_a_run_like_independent_columns() -> None:
    found = of(
        judged(
            c2st_rf_auc=0.92, tstr_rf_auc=0.52, membership_auc=(0.5, 0.45, 0.55), dcr_share=(0.5, 0.45, 0.55)
        )
    )
    assert found.likeness.level is Level.BAD
    assert found.likeness.headline == "No better than independent columns"


def test_a_run_between_tells_how_far_it_came() -> None:
    found = of(judged(c2st_rf_auc=0.73, tstr_rf_auc=0.71))
    assert found.likeness.level is Level.MIXED
    assert found.likeness.text.count("50% of the way from independent to REAL") == 2


def test_good_for_one_thing_only() -> None:
    found = of(judged(c2st_rf_auc=0.54, tstr_rf_auc=0.52))
    assert (found.likeness.level, found.likeness.headline) == (Level.MIXED, "Good in one way only")
    assert "In use they are no better than independent" in found.likeness.text


def test_a_target_nobody_can_predict_says_nothing_of_use() -> None:
    evaluation = tiny(
        {
            "REAL": {"c2st_rf_auc": 0.53, "tstr_rf_auc": (0.52, 0.45, 0.59)},
            "independent": {"c2st_rf_auc": 0.93, "tstr_rf_auc": (0.5, 0.43, 0.57)},
            "run": {"invalid_rows": 0.0, "c2st_rf_auc": 0.55, "tstr_rf_auc": (0.51, 0.44, 0.58)},
        }
    )
    found = of(evaluation)
    assert found.likeness.level is Level.UNKNOWN
    assert "real rows do no better than independent columns here" in found.likeness.text


def test_a_small_sign_is_no_finding_and_one_alone_may_be_chance() -> None:
    found = of(judged(membership_auc=(0.56, 0.51, 0.61), dcr_share=(0.5, 0.45, 0.55)))
    assert found.privacy.level is Level.MIXED
    assert "(one sign alone can be chance)" in found.privacy.text
    both = of(judged(membership_auc=(0.56, 0.51, 0.61), dcr_share=(0.58, 0.53, 0.63)))
    # Exact copies found nothing, so that there are two signs of three.
    assert "one sign alone" not in both.privacy.text


def test_an_attack_no_better_than_blind_guesses_shows_nothing() -> None:
    found = of(
        judged(
            membership_auc=(0.5, 0.45, 0.55),
            singling_out_risk_univariate=(0.0, 0.0, 0.03),
            singling_out_rate_univariate=0.1,
            singling_out_baseline_univariate=0.12,
        )
    )
    assert any(
        sentence.startswith("Singling out by one fact: the attack did no better than blind guesses")
        for sentence in found.not_shown
    )
    assert not any("Singling out" in sentence for sentence in found.shown)


def test_a_missing_holdout_leaves_privacy_open() -> None:
    found = of(make(Wanted(), holdout_rows=0))
    assert found.privacy.level is Level.UNKNOWN
    assert found.privacy.headline == "Cannot be judged"
    assert "no real rows were held out" in found.privacy.text
    assert any("no real rows were held out" in sentence for sentence in found.not_shown)


def test_a_missing_holdout_does_not_hide_copies() -> None:
    scores = {
        "REAL": {"exact_copies": (0.0, 0.0, 0.02)},
        "bootstrap": {"exact_copies": (1.0, 0.98, 1.0)},
        "run": {"invalid_rows": 0.0, "exact_copies": (0.9, 0.88, 0.92)},
    }
    assert of(tiny(scores, holdout_rows=0)).privacy.level is Level.BAD


def test_no_real_rows_at_all() -> None:
    found = of(make(Wanted(exposure=Exposure.SCHEMA), train_rows=0, holdout_rows=0))
    assert levels(found)[1:] == (Level.UNKNOWN, Level.UNKNOWN)
    assert "the dataset has no real rows" in found.likeness.text
    assert "nothing was shown" in found.privacy.text
    assert found.shown == ("The method was given a description only, and there were no real rows.",)
    real = of(make(Wanted(exposure=Exposure.SCHEMA)))
    assert any("the train rows' smallest and largest values" in sentence for sentence in real.shown)


@pytest.mark.parametrize(
    ("measured", "level", "words"),
    [
        ({"invalid_rows": 0.02}, Level.BAD, "2.0% of the rows hold a cell"),
        (
            {"rule_violations": 0.1},
            Level.MIXED,
            "10.0% of the rows break a rule (REAL 0%, independent 20.0%)",
        ),
        ({"dependency_violations": 0.3}, Level.MIXED, "30.0% of the rows contradict a dependency"),
        ({"rule_violations": None}, Level.GOOD, "Every cell of every row"),
        ({"invalid_rows": None}, Level.UNKNOWN, "was not measured (not applicable, because"),
    ],
)
def test_validity(measured: dict[str, float | None], level: Level, words: str) -> None:
    found = of(judged(**measured)).validity
    assert found.level is level
    assert words in found.text


def test_rules_real_rows_break_as_often_are_no_reproach() -> None:
    scores = {"REAL": {"rule_violations": 0.05}, "run": {"invalid_rows": 0.0, "rule_violations": 0.06}}
    found = of(tiny(scores)).validity
    assert (found.level, found.headline) == (Level.GOOD, "Valid")


def test_seeds_are_judged_by_their_mean_and_their_hull() -> None:
    runs = {f"run {n}": {"invalid_rows": 0.0, "c2st_rf_auc": 0.7 + n / 100} for n in (1, 2, 3)}
    runs["run 2"]["membership_auc"] = 0.5
    found = of(tiny({**YARDSTICKS, **runs}, runs=3))
    assert "AUC 0.720 ± 0.010" in found.likeness.text


def test_a_declared_epsilon_is_told_and_not_vouched_for() -> None:
    found = of(make(Wanted(epsilon=3.0)))
    assert "no epsilon" not in found.privacy.text
    assert any(
        "epsilon 3" in sentence and "as far as the method kept it" in sentence for sentence in found.shown
    )


def test_a_run_nobody_measured_is_told_so_everywhere() -> None:
    found = of(tiny({"REAL": {}, "run": {}}))
    assert levels(found) == (Level.UNKNOWN, Level.UNKNOWN, Level.UNKNOWN)
    assert "not measured" in found.validity.text
    assert "not measured" in found.likeness.text
    assert all(sentence.text.endswith(".") for sentence in found.sentences)


@pytest.mark.parametrize("kind", ["good", "real", "independent", "copying"])
def test_whole_evaluations(kind: str) -> None:
    found = of(make(Wanted(kind)))
    expected = {
        "good": (Level.GOOD, Level.MIXED, Level.GOOD),
        "real": (Level.GOOD, Level.GOOD, Level.GOOD),
        "independent": (Level.GOOD, Level.BAD, Level.GOOD),
        "copying": (Level.GOOD, Level.GOOD, Level.BAD),
    }
    assert levels(found) == expected[kind]


def test_one_leaking_seed_is_enough() -> None:
    runs = {f"run {n}": {"invalid_rows": 0.0, "membership_auc": (0.5, 0.45, 0.55)} for n in (1, 2, 3)}
    runs["run 2"]["membership_auc"] = (0.95, 0.9, 1.0)
    found = of(tiny({**YARDSTICKS, **runs}, runs=3))
    assert found.privacy.level is Level.BAD
    assert "AUC 0.950 [0.900, 1.000]" in found.privacy.text
    assert "in 1 of 3 seeds, in run run 2" in found.privacy.text


def beside(
    independent: float | tuple[float, float, float], **run: float | tuple[float, float, float]
) -> Evaluation:
    yardsticks = {**YARDSTICKS, "independent": {**YARDSTICKS["independent"], "membership_auc": independent}}
    usual = {"invalid_rows": 0.0, "rule_violations": 0.0, "exact_copies": 0.0}
    return tiny({**yardsticks, "run": {**usual, **SAFE, **run}})


def test_what_independent_columns_show_as_well_is_no_sign() -> None:
    found = of(beside((0.541, 0.510, 0.572), membership_auc=(0.540, 0.509, 0.571)))
    assert found.privacy.headline == "No leak found by the attacks tried"
    assert "better than chance, or than on independent columns" in found.privacy.text
    words = "AUC 0.540 [0.509, 0.571] (0.5 is guessing, bootstrap 0.980)"
    words += ", no more than independent columns show (0.541 [0.510, 0.572])"
    assert words in found.privacy.text
    assert any(words in sentence and sentence.endswith(": nothing found.") for sentence in found.shown)


def test_a_sign_above_independent_columns_stays_one() -> None:
    for independent in (0.541, (0.541, 0.510, 0.572), (0.47, 0.44, 0.5)):
        found = of(beside(independent, membership_auc=(0.60, 0.57, 0.63)))
        assert found.privacy.headline == "Signs of memory"
        assert "no more than independent" not in found.privacy.text
    alone = of(beside((0.47, 0.44, 0.5), membership_auc=(0.54, 0.509, 0.571)))
    assert alone.privacy.headline == "Signs of memory"  # below chance `independent` lowers no bar


def test_copies_are_found_out_whatever_independent_columns_show() -> None:
    found = of(beside(0.97, membership_auc=(0.96, 0.94, 0.98)))
    assert found.privacy.level is Level.BAD
    assert found.privacy.headline == "Found out: copies of real rows"


def test_an_attack_that_finds_independent_columns_as_well_as_copies_is_too_weak() -> None:
    yardsticks = {
        **YARDSTICKS,
        "independent": {"membership_auc": (0.60, 0.5, 0.7)},
        "bootstrap": {**YARDSTICKS["bootstrap"], "membership_auc": (0.66, 0.58, 0.74)},
    }
    found = of(
        tiny({**yardsticks, "run": {"exact_copies": 0.0, **SAFE, "membership_auc": (0.55, 0.51, 0.59)}})
    )
    assert "Too weak here: membership" in found.privacy.text
    assert any("copies are not clearly above that" in sentence for sentence in found.not_shown)
