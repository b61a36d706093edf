from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors

from localsynth.core.judging import Case
from localsynth.core.seeds import derive
from localsynth.metrics.membership import Membership, _Round
from localsynth.metrics.space import space

from .privacy_cases import again, leaking_case
from .support import MIXED, assert_kept, case_of, cases, find, mixed_rows, numbers_schema, value

NUMBER = numbers_schema("x")


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=30),
)
def test_auc_as_sklearn_counts_it(members: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    (ranks, weights), (other_ranks, other_weights) = (np.array(side).T for side in (members, others))
    weights[0] = other_weights[0] = 1  # somebody counts
    auc, _ = _Round(ranks, other_ranks).measured(weights, other_weights)
    known = roc_auc_score(
        [1] * len(ranks) + [0] * len(other_ranks),
        np.concatenate([ranks, other_ranks]),
        sample_weight=np.concatenate([weights, other_weights]),
    )
    assert auc == pytest.approx(known)


@pytest.mark.parametrize(("others", "allowed"), [(30, 0), (99, 0), (198, 0), (199, 1), (1_000, 9)])
def test_true_positives_at_few_false_ones(others: int, allowed: int) -> None:
    rng = np.random.default_rng(others)
    high, low = rng.integers(0, 300, 80), rng.integers(-100, 250, others)
    _, ranks = np.unique(np.concatenate([high, low]), return_inverse=True)
    part = _Round(ranks[:80], ranks[80:])
    _, found = part.measured(np.ones(80), np.ones(others))
    limit = np.sort(low)[::-1][allowed]
    assert found == pytest.approx((high > limit).mean())
    assert part.false == (allowed + 1) / (others + 1)
    false, true, _ = roc_curve([1] * 80 + [0] * others, np.concatenate([high, low]), drop_intermediate=False)
    assert found == pytest.approx(
        max(t for f, t in zip(false, true, strict=True) if f <= allowed / others + 1e-12)
    )


def test_the_whole_attack_computed_otherwise() -> None:
    case = case_of(MIXED, mixed_rows(120, 1), mixed_rows(100, 2), mixed_rows(81, 3), seed=5)
    points = space(case)
    assert points is not None
    synthetic, train, holdout = (points.matrix[part].astype(float) for part in ("rows", "train", "holdout"))
    order = np.random.default_rng(derive(5, "membership", "halves")).permutation(81)
    aucs = []
    for reference, others in ((order[:40], order[40:]), (order[40:], order[:40])):
        asked = np.vstack([train, holdout[others]])
        real, made = (
            NearestNeighbors(n_neighbors=1).fit(x).kneighbors(asked)[0][:, 0]
            for x in (holdout[reference], synthetic)
        )
        aucs.append(roc_auc_score([1] * 100 + [0] * len(others), real / made))
    score = find(Membership().scores(case), "membership_auc")
    assert score.value == pytest.approx(np.mean(aucs))
    assert score.note == "100 members against 41 and 40 others in two rounds"


def test_copies_are_found_out() -> None:
    scores = assert_kept(Membership(), leaking_case("copies", 200, 200, 200))
    # 1 - 1/e of the train rows are among as many draws with replacement, the rest is told by chance.
    assert value(scores, "membership_auc") == pytest.approx(0.63 + 0.37 / 2, abs=0.06)
    assert value(scores, "membership_tpr") == pytest.approx(0.63, abs=0.08)
    low = find(scores, "membership_auc").low
    assert low is not None
    assert low > 0.7


@pytest.mark.parametrize(("n", "holdout"), [(200, 200), (40, 300), (600, 60)])
def test_new_people_tell_nothing_whatever_the_sizes(n: int, holdout: int) -> None:
    found = [
        find(Membership().scores(leaking_case("fresh", n, 150, holdout, seed)), "membership_auc")
        for seed in range(6)
    ]
    assert np.mean([score.value for score in found]) == pytest.approx(0.5, abs=0.06)
    assert sum(score.low <= 0.5 <= score.high for score in found if score.low and score.high) >= 5


def test_a_few_copies_show_at_few_false_alarms() -> None:
    known = mixed_rows(150, 1)
    case = case_of(MIXED, [*known[:30], *mixed_rows(120, 2)], known, mixed_rows(300, 3))
    scores = list(Membership().scores(case))
    assert value(scores, "membership_auc") < 0.68
    assert value(scores, "membership_tpr") == pytest.approx(0.2, abs=0.03)
    assert find(scores, "membership_tpr").note.startswith("at 0.7% false alarms;")


def test_few_others_show_a_higher_rate_or_none() -> None:
    scores = list(Membership().scores(leaking_case("copies", 60, 60, 60)))
    assert find(scores, "membership_tpr").note.startswith(
        "at 3.2% false alarms, the lowest that so few can show;"
    )
    scores = list(Membership().scores(leaking_case("copies", 60, 60, 30)))
    assert find(scores, "membership_tpr").note.endswith(
        "only 15 non-members to tell the rate of false alarms by"
    )
    assert value(scores, "membership_auc") > 0.6


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((0, 9, 9), "no rows to judge"), ((4, 9, 20), "4 synthetic rows"), ((9, 4, 20), "4 real train rows"),
     ((9, 9, 9), "9 held-out rows"), ((9, 0, 9), "no real train rows"), ((9, 9, 0), "held out")],
)  # fmt: skip
def test_too_few_rows(sizes: tuple[int, int, int], said: str) -> None:
    case = case_of(NUMBER, *([[float(i)] for i in range(size)] for size in sizes))
    scores = assert_kept(Membership(), case)
    assert all(score.value is None and said in score.note for score in scores)


def test_rows_all_alike_tell_nothing() -> None:
    case = case_of(NUMBER, [[1.0]] * 20, [[1.0]] * 30, [[1.0]] * 60)
    scores = assert_kept(Membership(), case)
    assert value(scores, "membership_auc") == 0.5
    assert value(scores, "membership_tpr") == 0


@settings(max_examples=25)
@given(cases(24))
def test_the_contract(case: Case) -> None:
    assert assert_kept(Membership(), case) == again(Membership(), case)
