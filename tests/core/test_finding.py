"""What was found, as it is kept and told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.finding import Found, FoundDependency, FoundKey, FoundRule, percent
from localsynth.core.run import Exposure

share = st.floats(0, 1, allow_nan=False)
found = st.builds(
    Found,
    st.lists(
        st.builds(
            FoundDependency,
            st.lists(st.text(), min_size=1, max_size=3).map(tuple),
            st.text(),
            share,
            st.integers(1),
            st.floats(1, 1e9),
            st.integers(1),
            share,
        ),
        max_size=3,
    ).map(tuple),
    st.lists(
        st.builds(FoundKey, st.lists(st.text(), max_size=3).map(tuple), st.integers(), st.integers()),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(FoundRule, *[st.text()] * 4, st.integers()), max_size=2).map(tuple),
    st.lists(st.text(), max_size=2).map(tuple),
)


@given(found)
def test_json_there_and_back(one: Found) -> None:
    assert Found.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"dependencies": [{}], "keys": [], "rules": [], "left_out": []}']
)
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Found.from_json(text)


def test_evidence_in_words() -> None:
    exact = FoundDependency(("a", "b"), "c", 0.0, 400, 3.3325, 1333, 0.4142)
    assert exact.name == "a, b -> c"
    assert exact.evidence == (
        "holds in all 1,333 rows, 400 groups of 3.33 rows on average; by chance 41% would break it"
    )
    nearly = FoundDependency(("a",), "c", 10 / 2000, 10, 200.0, 2000, 0.5)
    assert nearly.evidence.startswith("10 of 2,000 rows break it")
    few = FoundDependency(("a",), "c", 2 / 2000, 10, 200.0, 2000, 0.5)
    assert few.evidence.startswith("fewer than 5 of 2,000 rows break it")
    assert Found().exposure is Exposure.STATISTICS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.41, "41%"),
        (0.003, "0.3%"),
        (0.999, "99.9%"),
        (1e-9, "less than 0.01%"),
        (1 - 1e-9, "more than 99.99%"),
    ],
)
def test_percent_never_rounds_to_none_or_all(value: float, text: str) -> None:
    assert percent(value) == text
