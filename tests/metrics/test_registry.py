"""Strangers' metrics: each mistake gets a sentence, and none keeps the others from being used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from localsynth.core.errors import LocalsynthError, NotFound
from localsynth.core.judging import Case, Measure, Score
from localsynth.metrics import registry


def measure(name: str = "odd", **more: Any) -> Measure:
    return Measure(**{
        "name": name, "title": "Odd", "definition": "Odd.", "better": "none", "low": 0.0, "high": 1.0, "source": "here",
        **more,
    })  # fmt: skip


class Good:
    name = "stranger"
    family = "privacy"
    real = "half"
    needs_train = False
    needs_holdout = False
    measures = (measure(),)

    def scores(self, case: Case) -> Iterable[Score]:
        return [Score("odd", 0.5)]


class NeedsMore(Good):
    def __init__(self, more: int) -> None: ...


class Emptied(Good):
    def __init__(self) -> None:
        self.measures = None


class Moved(Good):
    def __init__(self) -> None:
        self.family = "x"


class Unreal(Good):
    def __init__(self) -> None:
        self.real = "x"


class Nameless(Good):
    def __init__(self) -> None:
        self.name = None


class Hidden(Good):
    @property
    def measures(self) -> Any:  # type: ignore[override]
        raise ZeroDivisionError

    @measures.setter
    def measures(self, value: Any) -> None: ...


class Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Mute(Good):
    def __init__(self) -> None:
        raise Wordless


class Escaping(Good):
    def __init__(self) -> None:
        raise GeneratorExit


class Unwritable(Good):
    measures = (measure(title="T\ud800"),)


class OfSpeed(Good):
    family = "speed"


class OfMost(Good):
    real = "most"


class Vague(Good):
    needs_train = "perhaps"


class Silent(Good):
    measures = ()


class Nothing(Good):
    measures = None


class Words(Good):
    measures = ("odd",)


class Best(Good):
    measures = (measure(better="best"),)


class NoIdeal(Good):
    measures = (measure(better="ideal"),)


class Unbounded(Good):
    measures = (measure(low=float("nan")),)


class Cautious(Good):
    measures = (measure("caution"),)


class Twice(Good):
    measures = (measure(), measure())


class Thief(Good):
    measures = (measure("exact_copies"),)


class Dumb(Good):
    scores = 5  # type: ignore[assignment]


BROKEN = [
    (NeedsMore, "cannot be made: TypeError"),
    (Emptied, "says measures = None, which is no tuple"),
    (Moved, "says family = 'x', which is none of"),
    (Unreal, "says real = 'x', which is none of"),
    (Nameless, "calls itself None"),
    (Hidden, "says measures = <property"),
    (Mute, "cannot be made: Wordless$"),
    (Escaping, "cannot be made: GeneratorExit$"),
    (Unwritable, r"has a measure 'odd' with title = 'T\\ud800'"),
    (OfSpeed, "says family = 'speed', which is none of: validity, fidelity, utility, privacy"),
    (OfMost, "says real = 'most', which is none of: train, holdout, half"),
    (Vague, "says needs_train = 'perhaps'"),
    (Silent, r"says measures = \(\), which is no tuple"),
    (Nothing, "says measures = None, which is no tuple"),
    (Words, "has 'odd' among its measures, which is no Measure"),
    (Best, "has a measure 'odd' with better = 'best'"),
    (NoIdeal, "has a measure 'odd' with ideal = None"),
    (Unbounded, "has a measure 'odd' with low = nan"),
    (Cautious, "has a measure called 'caution'"),
    (Twice, "gives the measure 'odd' twice"),
    (Thief, "gives 'exact_copies', which 'copies' gives already"),
    (Dumb, "says scores = 5"),
]


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Callable[[type], None]:
    """Install a class as the plug-in ``stranger``."""

    def install(cls: type) -> None:
        point = EntryPoint("stranger", f"{__name__}:{cls.__name__}", registry.METRICS.group)
        monkeypatch.setattr(registry.METRICS, "_points", lambda group: [point])

    return install


@pytest.mark.parametrize(("cls", "said"), BROKEN)
def test_a_broken_one_is_told_and_left_out(stranger: Callable[[type], None], cls: type, said: str) -> None:
    stranger(cls)
    found = registry.survey()
    assert list(found.broken) == ["stranger"]
    assert set(found.metrics) == set(registry.METRICS.built_in)
    assert [one.name for one in registry.create_all()] == list(found.metrics)
    assert [one.name for one in registry.create_all(["exact_copies"])] == ["copies"]
    assert "odd" not in registry.measures()
    with pytest.raises(
        LocalsynthError, match=rf"the metric 'stranger' \(.*:{cls.__name__}\) {said}"
    ) as caught:
        registry.create_all(["copies", "stranger"])
    assert caught.value.hint == "update or uninstall the package 'unknown'"
    with pytest.raises(NotFound) as unknown:
        registry.create_all(["nosuch"])
    assert "not usable: stranger" in unknown.value.hint


def test_a_good_one_is_used_like_ours(stranger: Callable[[type], None]) -> None:
    stranger(Good)
    assert registry.survey().broken == {}
    assert [one.name for one in registry.create_all(["odd", "validity"])] == ["validity", "stranger"]
    assert registry.measures()["odd"] == Good.measures[0]


def test_the_command_line_says_what_it_leaves_out(
    stranger: Callable[[type], None], capsys: pytest.CaptureFixture[str]
) -> None:
    from localsynth.cli.main import run

    stranger(Nothing)
    assert run(["metrics", "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert "exact_copies" in {row["metric"] for row in json.loads(shown.out)}
    assert shown.err.count("the metric 'stranger'") == 1
    assert "it is left out" in shown.err
