"""What is missing is a function of what is committed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.run import Reject, Status
from localsynth.runs.plan import Budget, Learn, MakeBatch, Stop, Tally, next_step, shortfall


def test_first_comes_learning() -> None:
    assert next_step(None, 10, 5, Budget()) == Learn()


def test_steps_of_learning_follow_until_it_is_over() -> None:
    tally = Tally()
    for step in (1, 2, 3):
        assert next_step(tally, 10, 5, Budget(), learnt=False) == Learn(step)
        tally = tally.learnt_on()
    assert next_step(tally, 10, 5, Budget()) == MakeBatch(4, 5)
    assert next_step(None, 10, 5, Budget(), learnt=False) == Learn(0)
    assert tally == Tally(batch_no=3)


def test_a_step_of_learning_is_no_empty_batch() -> None:
    tally = Tally().after(10, 0, [Reject("rule", "a < b")])
    later = tally.learnt_on()
    assert (later.batch_no, later.to_state()) == (2, tally.to_state())


@settings(deadline=None)  # other work may hold the processor
@given(
    wanted=st.integers(1, 5000),
    size=st.integers(1, 700),
    gives=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_a_run_always_ends_with_all_rows_or_within_its_budget(
    wanted: int, size: int, gives: list[float]
) -> None:
    budget, tally, steps = Budget(), Tally(), 0
    while True:
        step = next_step(tally, wanted, size, budget)
        assert tally == Tally.from_state(tally.batch_no, tally.rows, tally.to_state())
        if isinstance(step, Stop):
            break
        assert isinstance(step, MakeBatch)
        assert step.batch_no == tally.batch_no + 1
        assert 1 <= step.n <= min(size, wanted - tally.rows)
        rows = int(step.n * gives[steps % len(gives)])
        tally = tally.after(step.n, rows, [])
        steps += 1
    assert (step.status is Status.FINISHED) == (tally.rows == wanted)
    assert tally.asked <= budget.asked(wanted) + size
    assert step.status in {Status.FINISHED, Status.SHORT}


def test_twenty_empty_batches_are_enough() -> None:
    tally = Tally()
    for _ in range(20):
        assert isinstance(next_step(tally, 100, 10, Budget()), MakeBatch)
        tally = tally.after(10, 0, [Reject("rule", "a < b"), Reject("duplicate")])
    step = next_step(tally, 100, 10, Budget())
    assert isinstance(step, Stop)
    assert step.status is Status.SHORT


def test_the_shortfall_names_numbers_and_the_most_common_reasons() -> None:
    rejects = (
        [Reject("rule", "a < b")] * 5 + [Reject("duplicate")] * 3 + [Reject("copy")] * 2 + [Reject("parse")]
    )
    text = shortfall(Tally().after(20, 9, rejects).after(11, 0, []), 20)
    assert text == (
        "9 of 20 rows after asking for 31; the last batch gave none; refused: 5 x rule (a < b), 3 x duplicate, 2 x copy"
    )
