"""Members and what they belong to."""

from __future__ import annotations

from dataclasses import replace

from localsynth.core.judging import Belonging
from localsynth.metrics.belonging import Members
from tests.metrics.support import mixed_case


def test_shares_of_parents_and_of_members() -> None:
    ties = Belonging(20, 60, 1, 3, {"older": 6, "head first": 0}, 6, {"two adults": 2}, 2)
    found = {
        (s.metric, s.item): (s.value, s.note) for s in Members().scores(replace(mixed_case(), belonging=ties))
    }
    assert found == {
        ("wrong_member_counts", None): (0.05, "1 of 20 rows with members"),
        ("stray_members", None): (0.05, "3 of 60 members"),
        ("member_rule_violations", None): (0.1, "6 of 60 members"),
        ("member_rule_violations", "older"): (0.1, "6 of 60 members"),
        ("member_rule_violations", "head first"): (0.0, "0 of 60 members"),
        ("group_rule_violations", None): (0.1, "2 of 20 rows with members"),
        ("group_rule_violations", "two adults"): (0.1, "2 of 20 rows with members"),
    }


def test_rows_that_belong_to_nobody_and_recipes_without_rules() -> None:
    alone = list(Members().scores(replace(mixed_case(), belonging=None)))
    assert {score.value for score in alone} == {None}
    assert len(alone) == len(Members.measures)
    bare = replace(mixed_case(), belonging=Belonging(20, 60, 0, 0, {}, 0, {}, 0))
    values = {score.metric: score.value for score in Members().scores(bare)}
    assert values == {
        "wrong_member_counts": 0.0,
        "stray_members": 0.0,
        "member_rule_violations": None,
        "group_rule_violations": None,
    }
