"""How training threads wait, on clocks of our own."""

from __future__ import annotations

import pytest

from localsynth.methods.paft.training.pace import Pace, Unsuited, idle


class Machine:
    """A clock, the processor time of our threads, and the load."""

    def __init__(self) -> None:
        self.now, self.used, self.load = 0.0, 0.0, 0.0

    def pace(self, *, spin: bool, threads: int = 4) -> Pace:
        return Pace(spin, threads, 20.0, lambda: self.now, lambda: self.used, lambda: self.load)

    def go(self, pace: Pace, steps: int, share: float, left: int = 1000) -> None:
        for _ in range(steps):
            self.now += 1.0
            self.used += share * pace.threads
            pace.step(left)


def test_threads_that_get_their_cores_go_on_spinning() -> None:
    machine = Machine()
    machine.go(machine.pace(spin=True), 100, 0.97)
    assert machine.now == 100


def test_threads_that_are_held_up_stop_spinning() -> None:
    machine = Machine()
    pace = machine.pace(spin=True)
    machine.go(pace, 10, 1.0)
    with pytest.raises(Unsuited) as caught:
        machine.go(pace, 10, 0.5)
    assert caught.value.spin is False


@pytest.mark.parametrize("spin", [True, False])
def test_the_end_is_not_put_off_by_a_change(spin: bool) -> None:
    machine = Machine()
    machine.go(machine.pace(spin=spin), 100, 0.3, left=59)  # 59 s, where loading anew takes 20
    assert machine.now == 100
    with pytest.raises(Unsuited):
        machine.go(machine.pace(spin=spin), 100, 0.3, left=61)


def test_a_single_thread_has_nobody_to_wait_for() -> None:
    machine = Machine()
    machine.go(machine.pace(spin=True, threads=1), 50, 0.3)
    assert machine.now == 50


def test_waiting_threads_spin_again_once_the_machine_is_idle() -> None:
    machine = Machine()
    pace = machine.pace(spin=False)
    machine.load = 1000.0
    machine.go(pace, 200, 0.3)
    machine.load = 1.0
    with pytest.raises(Unsuited) as caught:
        machine.go(pace, 100, 0.3)
    assert caught.value.spin is True


def test_idle_is_a_matter_of_cores() -> None:
    assert idle(1.0, 4)
    assert not idle(2.0, 4)
    assert idle(2.0, 16)
