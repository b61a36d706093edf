"""Bars of characters: nothing lost when they are joined, never wider than there is room, readable without colour."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from localsynth.store.distribution import ColumnCounts
from localsynth.tui.widgets.distribution import Bars, DistributionPlot, bars_of, distance

counts = st.lists(st.integers(0, 1000), min_size=1, max_size=40).map(tuple)


def drawn(plot: DistributionPlot, width: int = 60) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as told:
        console.print(plot)
    return told.get().splitlines()


def bins(of: tuple[int, ...], **more: int) -> Bars:
    return Bars(tuple(str(at) for at in range(len(of) + 1)), of, **more)


@given(counts, st.integers(0, 50), st.integers(1, 50), st.booleans())
def test_joining_loses_no_row(of: tuple[int, ...], missing: int, most: int, binned: bool) -> None:
    bars = bins(of, missing=missing) if binned else Bars(tuple(map(str, range(len(of)))), of, missing)
    joined = bars.joined(most)
    assert joined.rows == bars.rows
    assert len(joined.counts) <= most
    assert joined.binned == binned
    if binned:
        assert (joined.marks[0], joined.marks[-1]) == (bars.marks[0], bars.marks[-1])


@given(counts, st.data())
def test_distance_is_one_between_0_and_1(of: tuple[int, ...], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 1000), min_size=len(of), max_size=len(of)).map(tuple))
    left, right = bins(of), bins(other)
    assert distance(left, right) == pytest.approx(distance(right, left))
    assert -1e-9 <= distance(left, right) <= 1 + 1e-9
    assert distance(left, left) == 0


@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=12, unique=True),
    st.integers(8, 120),
    st.integers(1, 30),
    st.text(max_size=50),
    st.data(),
)
def test_it_is_never_wider_or_higher_than_it_may(
    marks: list[str], width: int, lines: int, title: str, data: st.DataObject
) -> None:
    some = st.lists(st.integers(0, 99), min_size=len(marks), max_size=len(marks)).map(tuple)
    left = data.draw(st.none() | some.map(lambda of: Bars(tuple(marks), of, missing=3)))
    others = data.draw(st.sampled_from((0, 2)))
    right = data.draw(some.map(lambda of: Bars(tuple(reversed(marks)), of, others=others)))
    found = drawn(DistributionPlot(left, right, title, lines=lines), width)
    assert all(cell_len(line) <= width for line in found)
    assert len(found) <= max(
        lines, 6
    )  # a heading, one bar, others, missing, and a legend in two lines there always are
    assert not any(ord(char) < 32 for line in found for char in line)


def test_what_tells_them_apart_is_seen_without_colour() -> None:
    plot = DistributionPlot(Bars(("yes", "no"), (30, 10)), Bars(("no", "yes"), (20, 20)), "ill")
    assert drawn(plot, 62) == [
        "ill                                            real  synthetic",
        f"yes {'█' * 25}{'▀' * 13}   75.0 %     50.0 %",
        f"no  {'█' * 13}{'▄' * 12}{' ' * 16}25.0 %     50.0 %",
        "█ both  ▀ only real  ▄ only synthetic",
        "distance 0.250  40 and 40 rows",
    ]


def test_one_side_alone_and_none() -> None:
    found = drawn(DistributionPlot(None, Bars(("a",), (1,), missing=1), "x"))
    assert found[1].startswith("a       ███")
    assert found[2].startswith("missing ███")
    assert found[-1] == "█ synthetic  2 rows"
    assert drawn(DistributionPlot(None, None)) == ["nothing to show yet"]
    assert "▀" not in "".join(drawn(DistributionPlot(Bars((), (), missing=0), None, "empty")))


def test_bins_that_differ_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same ends"):
        DistributionPlot(bins((1, 2)), bins((1, 2, 3)))
    with pytest.raises(ValueError, match="3 marks for 1 counts"):
        Bars(("a", "b", "c"), (1,))


def test_edges_are_values_of_the_column() -> None:
    def of(edges: tuple[float, ...], unit: str = "") -> tuple[str, ...]:
        return bars_of(ColumnCounts("x", 2, 0, 2, True, (1, 1), 0, edges, unit=unit)).marks

    assert of((0.0, 0.5, 1.0)) == ("0", "0.5", "1")
    assert of((1990.0, 2000.0, 20000.0)) == ("1990", "2000", "20,000")
    assert of((0.0, 1.0, 366.0), "days") == (str(date(1970, 1, 1)), "1970-01-02", "1971-01-02")
    assert of((0.0, 60.0, 120.0), "seconds")[1] == f"{datetime(1970, 1, 1, 0, 1):%Y-%m-%d %H:%M}"
    values = ColumnCounts("x", 4, 1, 2, True, (2, 1), 0, values=(True, "[b]"))
    assert bars_of(values) == Bars(("true", "[b]"), (2, 1), missing=1)
