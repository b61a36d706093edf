"""The verdict's three sentences on fixed cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localsynth.core.evaluation import Evaluation, Judged
from localsynth.core.judging import Score
from localsynth.core.run import Exposure
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
    "bootstrap": {"membership_auc": 0.98, "dcr_share": 0.97, "exact_copies": 1.0},
}


def judged(**run: float | tuple[float, float, float] | None) -> Evaluation:
    usual = {"invalid_rows": 0.0, "rule_violations": 0.0, "exact_copies": 0.0}
    return tiny({**YARDSTICKS, "run": {**usual, **run}})


def test_a_good_run() -> None:
    found = of(
        judged(
            c2st_rf_auc=0.55,
            tstr_rf_auc=0.90,
            membership_auc=(0.51, 0.46, 0.56),
            dcr_share=(0.5, 0.45, 0.55),
        )
    )
    assert levels(found) == (Level.GOOD, Level.GOOD, Level.GOOD)
    validity, likeness, privacy = (sentence.text for sentence in found.sentences)
    assert validity == "Every cell of every row is one its column allows and no row breaks a rule."
    assert likeness == (
        "In likeness and in use the rows are close to real rows: a classifier tells them from real rows with AUC 0.550 "
        "(REAL 0.530, independent 0.930); a model trained on them predicts 'diagnosis' in real rows with AUC 0.900 "
        "(REAL 0.910, independent 0.510)."
    )
    assert privacy.startswith(
        "No attack tried does clearly better than chance: a membership attack tells train rows from held-out ones with AUC "
        "0.510 [0.460, 0.560] (0.5 is guessing, bootstrap 0.980)"
    )
    assert "not shown: safety from weaker leaks" in privacy
    assert "(no epsilon was spent)" in privacy
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
    assert "must be handled like the real table" in found.privacy.text
    assert "AUC 0.960 [0.940, 0.980]" in found.privacy.text
    # Copies always look best: the second sentence must not be read without the third.
    assert "copies of real rows do as well, and these rows were found out" in found.likeness.text
    assert sum("found out" in sentence for sentence in found.shown) == 3


def test_values_that_stand_out_are_found_out_without_talk_of_copies() -> None:
    whole = judged(membership_auc=(0.5, 0.45, 0.55), singling_out_risk_univariate=(0.4, 0.3, 0.5))
    copied = Judged("bootstrap", Score("singling_out_risk_univariate", 0.6))
    found = of(replace(whole, scores=(*whole.scores, copied)))
    assert (found.privacy.level, found.privacy.headline) == (Level.BAD, "Found out: real rows show through")


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
    assert (
        "In likeness the rows are close to real rows, in use no better than independent"
        in found.likeness.text
    )


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
    assert found.shown == ("The method was given a description only: no real row and no statistic of one.",)


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
    assert "in 1 of 3 seeds" in found.privacy.text
