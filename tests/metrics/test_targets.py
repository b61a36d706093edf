"""How a column is read as a target."""

from __future__ import annotations

import numpy as np

from localsynth.metrics.encode import views
from localsynth.metrics.targets import Target, target_of
from localsynth.metrics.utility import Utility
from tests.metrics.support import case_of, numbers_schema, value, words_schema


def target(made: list[float], train: list[float], holdout: list[float]) -> Target:
    case = case_of(numbers_schema("x"), *([[x] for x in side] for side in (made, train, holdout)))
    found = target_of(views(case)[0])
    assert found is not None
    return found


def test_train_rows_tell_whether_a_number_is_read_as_classes() -> None:
    many, few = [float(i) for i in range(30)], [1.0, 2.0] * 20
    assert target(few, many, few).classes == 0
    found = target(
        few, few, many
    )  # held-out values train does not know are classes too, the rarest read as one
    assert found.classes == 21
    assert found.answers["rows"].tolist() == found.answers["train"].tolist()
    assert set(found.answers["train"]) == {0, 1}
    assert len(np.unique(found.answers["holdout"])) == 21


def test_without_train_rows_the_held_out_ones_tell() -> None:
    many, few = [float(i) for i in range(30)], [1.0, 2.0] * 20
    assert target(many, [], few).classes > 0
    assert target(few, [], many).classes == 0


def words(train: list[str], holdout: list[str], made: list[str]) -> Target:
    case = case_of(
        words_schema("x", categories="abcdef"), *([[x] for x in side] for side in (made, train, holdout))
    )
    found = target_of(views(case)[0])
    assert found is not None
    return found


def test_equally_frequent_classes_stand_by_value_whatever_is_held_out() -> None:
    train = ["d", "b", "a", "b", "a", "d", "c", "c", "c"]
    for held in ([], ["a"] * 9, ["d"] * 9, ["b", "f", "e", "d", "d"]):
        found = words(train, held, [*train, "e"])
        assert found.answers["train"].tolist() == [3, 2, 1, 2, 1, 3, 0, 0, 0]
        assert found.answers["rows"].tolist() == [3, 2, 1, 2, 1, 3, 0, 0, 0, 4]
    assert found.answers["holdout"].tolist() == [2, 5, 4, 3, 3]


def test_the_held_out_rows_do_not_say_which_of_two_equal_chances_is_told() -> None:
    # Train holds both classes equally often with either feature: every model must guess, and guess the same.
    schema = words_schema("y", "x", target="y")
    train = [["a", "a"], ["b", "a"], ["a", "b"], ["b", "b"]] * 10
    one, other = (
        value(Utility().scores(case_of(schema, train, train, held)), "tstr_lr_accuracy")
        for held in (
            [["a", "a"], ["a", "b"]] * 8 + [["b", "b"]] * 4,
            [["b", "a"], ["b", "b"]] * 8 + [["a", "b"]] * 4,
        )
    )
    assert one + other == 1
