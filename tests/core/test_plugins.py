"""Plug-ins: ours and strangers' come the same way, and a stranger's mistake is told."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from localsynth.core.errors import LocalsynthError, NotFound
from localsynth.core.plugins import Plugins

GROUP = "shop.tools"
OURS = {"hammer": "json:JSONEncoder", "saw": "json:JSONDecoder"}


def plugins(
    *points: tuple[str, str], built_in: Mapping[str, str] = OURS, members: tuple[str, ...] = ()
) -> Plugins:
    def found(group: str) -> list[EntryPoint]:
        assert group == GROUP
        return [EntryPoint(name, value, GROUP) for name, value in points]

    return Plugins(GROUP, "tool", built_in, members, points=found)


def test_names_are_sorted_and_nothing_is_loaded_to_tell_them() -> None:
    tools = plugins(("axe", "no_such_module:Axe"))
    assert tools.names() == ("axe", "hammer", "saw")
    assert [tool.built_in for tool in tools.find().values()] == [False, True, True]


def test_a_stranger_loads_like_ours() -> None:
    tools = plugins(("mine", "json:JSONEncoder"), members=("encode",))
    assert tools.get("mine") is tools.get("hammer")
    assert tools.find()["mine"].package == "unknown"


def test_ours_declared_twice_is_one() -> None:
    tools = plugins(("hammer", "json:JSONEncoder"))
    assert tools.names() == ("hammer", "saw")
    assert tools.find()["hammer"].rivals == ()


def test_a_class_may_lie_inside_another() -> None:
    assert plugins(built_in={"inner": f"{__name__}:Outer.Inner"}).get("inner") is Outer.Inner


def test_an_unknown_name_comes_with_the_nearest_and_with_all() -> None:
    with pytest.raises(NotFound, match=r"there is no tool 'hamer'.*'hammer'") as caught:
        plugins().get("hamer")
    assert caught.value.hint == "tools: hammer, saw"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:Thing", r"the tool 'bad' \(no_such_module:Thing\) cannot be loaded: ModuleNotFound"),
        ("json:Nope", "cannot be loaded: AttributeError"),
        ("json:JSONDecoder", "lacks encode"),
        (f"{__name__}:Explosive.part", "cannot be loaded: ZeroDivisionError"),
    ],
)
def test_a_strangers_failure_is_told(value: str, said: str) -> None:
    tools = plugins(("bad", value), built_in={"hammer": "json:JSONEncoder"}, members=("encode",))
    assert tools.names() == ("bad", "hammer")
    with pytest.raises(LocalsynthError, match=said) as caught:
        tools.get("bad")
    assert caught.value.hint == "update or uninstall the package 'unknown'"
    assert tools.get("hammer")


def test_two_claims_on_one_name_are_told() -> None:
    tools = plugins(("saw", "elsewhere:Saw"))
    with pytest.raises(LocalsynthError, match=r"two plug-ins both call themselves 'saw'.*elsewhere:Saw"):
        tools.get("saw")


def test_installed_entry_points_are_read() -> None:
    scripts = Plugins("console_scripts", "script", {}, ())
    assert "pytest" in scripts.names()
    assert scripts.find()["pytest"].package == "pytest"


class Outer:
    class Inner:
        """Named ``Outer.Inner`` in an entry point."""


class _Fuse(type):
    @property
    def part(cls) -> Any:
        raise ZeroDivisionError("boom")


class Explosive(metaclass=_Fuse):
    """Fails when looked into."""
