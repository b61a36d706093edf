"""What PAFT tells of a run, from states written by hand."""

from __future__ import annotations

from typing import Any

from localsynth.core.explaining import Curve, Explanation, Facts, Graph, Steps
from localsynth.methods.paft.explaining import explained
from localsynth.methods.paft.learning import Learnt
from localsynth.methods.paft.method import PAFT

STRUCTURE = {
    "dependencies": [[["zip"], "town"]],
    "orders": [["sex", "zip", "town", "a", "b"], ["zip", "town", "a", "b", "sex"]],
    "placed": {
        "sex": "the target",
        "zip": "determines others",
        "town": "zip determines it",
        "a": "in a circle with b",
        "b": "in a circle with a",
    },
    "edges": [
        ["zip", "town", "zip determines town"],
        ["a", "b", "a determines b"],
        ["b", "a", "b determines a"],
    ],
}
CURVE = [
    {"epoch": 1, "held": 9.0, "seen": 8.5},
    {"epoch": 2, "held": 7.0, "seen": 6.0},
    {"epoch": 3, "held": 7.5, "seen": 5.0},
]
SETTINGS = {
    "rank": 16, "alpha": 32.0, "rows": 1800, "held_out": 200, "epochs": 3, "best_epoch": 2, "ended": "all epochs are done",
    "seconds": 61.7,
}  # fmt: skip
TRAINED = {"adapter": "towns-1", "examples": [], "curve": CURVE, "settings": SETTINGS}
IN_CONTEXT = {"adapter": "", "examples": [4, 8, 15], "curve": [], "settings": {}}
TALLY = {"drawn": 396, "near": 11, "unreadable": 4, "changed": 0.125, "selected_gap": 0.08, "gap": 0.0203}


def told(learnt: dict[str, Any] = TRAINED, maker: dict[str, Any] | None = None) -> Explanation:
    return explained({"structure": STRUCTURE, "learnt": learnt, "maker": maker})


def facts(explanation: Explanation, title: str) -> dict[str, str]:
    (part,) = (one for one in explanation.parts if one.title == title)
    assert isinstance(part, Facts)
    return dict(part.facts)


def curves(explanation: Explanation) -> list[Curve]:
    return [part for part in explanation.parts if isinstance(part, Curve)]


def test_it_is_what_the_class_tells() -> None:
    assert PAFT.explain({"structure": STRUCTURE, "learnt": TRAINED, "maker": None}) == told()


def test_the_order_has_a_reason_for_each_column() -> None:
    (order,) = (part for part in told().parts if isinstance(part, Steps))
    assert [(step.name, step.why) for step in order.steps][:3] == [
        ("sex", "the target"), ("zip", "determines others"), ("town", "zip determines it"),
    ]  # fmt: skip
    assert "1 more order" in order.caption


def test_dependencies_are_a_graph_with_its_circles() -> None:
    (graph,) = (part for part in told().parts if isinstance(part, Graph))
    assert [(one.source, one.target, one.why) for one in graph.links] == [
        tuple(edge) for edge in STRUCTURE["edges"]
    ]
    assert graph.components == (("a", "b"),)
    assert graph.alone == ("sex",)
    assert "1 dependency holds without exception" in graph.caption


def test_the_curve_is_of_held_out_and_train_rows_with_the_kept_epoch() -> None:
    (curve,) = curves(told())
    assert [(one.name, one.points) for one in curve.series] == [
        ("held-out rows", ((1, 9.0), (2, 7.0), (3, 7.5))), ("train rows", ((1, 8.5), (2, 6.0), (3, 5.0))),
    ]  # fmt: skip
    assert (curve.marked, curve.mark) == (2, "kept")


def test_without_held_out_rows_no_curve_claims_to_be_theirs() -> None:
    """Training writes its own loss in their place."""
    (curve,) = curves(told({**TRAINED, "settings": {**SETTINGS, "held_out": 0}}))
    assert [one.name for one in curve.series] == ["train rows"]
    assert "held-out" not in curve.caption


def test_what_was_learnt_is_told_in_numbers() -> None:
    assert facts(told(), "What was learnt") == {
        "Adapter": "towns-1",
        "LoRA": "rank 16, alpha 32",
        "Train rows": "1,800 learnt from, 200 held out to judge by",
        "Training": "3 epochs in 62 s",
        "Ended": "all epochs are done",
        "Kept": "what it was after epoch 2",
    }
    assert facts(told({**TRAINED, "settings": {}}), "What was learnt") == {"Adapter": "towns-1"}
    assert facts(told(IN_CONTEXT), "What was learnt")["In its prompt"] == "3 train rows"
    assert not curves(told(IN_CONTEXT))


def test_what_another_version_kept_may_tell_less() -> None:
    for settings in ({"rank": 8}, {"rows": 90}, {"epochs": 1}, dict.fromkeys(SETTINGS), {}):
        assert facts(told({**TRAINED, "settings": settings}), "What was learnt")["Adapter"] == "towns-1"
    less = {**TRAINED, "settings": {"rank": 8, "rows": 90, "epochs": 1}}
    assert facts(told(less), "What was learnt") == {
        "Adapter": "towns-1", "LoRA": "rank 8", "Train rows": "90 learnt from", "Training": "1 epoch",
    }  # fmt: skip
    held = [{"epoch": 1, "held": 9.0}, {"epoch": 2, "held": None, "seen": None}, {"held": 7.0, "seen": 6.0}]
    (curve,) = curves(told({**TRAINED, "curve": held}))
    assert [(one.name, one.points) for one in curve.series] == [("held-out rows", ((1, 9.0),))]
    assert not curves(told({**TRAINED, "curve": [{"epoch": 1}]}))


def test_what_became_of_drawn_rows() -> None:
    aligned = facts(
        told(maker={"done": [[1, 2]], "known": None, "tally": TALLY}), "What became of drawn rows"
    )
    assert aligned == {
        "Rows drawn": "400",
        "Unreadable": "4 (1%)",
        "Too near": "11 (3%) left out, too near to a real row",
        "Cells changed": "12%, by alignment",
        "Distance": "0.0800 of the rows as selected, 0.0203 once aligned (mean total variation)",
    }
    bare = told(maker={"done": None, "known": None, "tally": TALLY})
    assert list(facts(bare, "What became of drawn rows")) == ["Rows drawn", "Unreadable", "Too near"]
    assert "nothing was aligned" in bare.parts[-1].caption
    for nothing in (None, {}):  # no batch yet; the faithful mode
        assert all(part.title != "What became of drawn rows" for part in told(maker=nothing).parts)


def test_settings_are_kept_with_the_run_and_older_states_are_read() -> None:
    assert Learnt.load(TRAINED).dump() == TRAINED
    assert Learnt.load({"adapter": "", "examples": [1], "curve": []}) == Learnt(examples=(1,))


def test_what_there_is_to_beat_is_told_where_it_is_known() -> None:
    assert "To beat" not in facts(told(), "What was learnt")
    learnt = {**TRAINED, "settings": {**SETTINGS, "independent": 9.44}}
    assert facts(told(learnt), "What was learnt")["To beat"].startswith("9.4 nats a held-out row")


def test_columns_drawn_anew_are_named() -> None:
    maker = {"tally": TALLY, "done": [[1]], "known": None, "dealt": ["weight", "height"]}
    assert facts(told(maker=maker), "What became of drawn rows")["Drawn anew"].startswith("weight, height:")
