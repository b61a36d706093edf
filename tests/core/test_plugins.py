"""Plug-ins: ours and strangers' come the same way, and a stranger's mistake is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import SimpleNamespace
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


class Picky:
    name = "picky"

    def __init__(self, needed: int) -> None:
        if needed < 0:
            raise NotFound("nothing so small")


class Misnamed:
    name = "another"


def leave() -> None:
    raise SystemExit(3)


class _Exit(type):
    @property
    def part(cls) -> Any:
        leave()


class Leaving(metaclass=_Exit):
    """Ends the program when looked into."""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "picky",
            f"{__name__}:Picky",
            r"the tool 'picky' \(.*:Picky\) cannot be made: TypeError: .*'needed'",
        ),
        ("picky", f"{__name__}:leave", "is no class"),
        ("mine", f"{__name__}:Misnamed", "calls itself 'another'"),
        ("mine", f"{__name__}:Leaving.part", "cannot be loaded: SystemExit: 3"),
    ],
)
def test_what_cannot_be_made_is_told(name: str, value: str, said: str) -> None:
    tools = plugins((name, value))
    with pytest.raises(LocalsynthError, match=said) as caught:
        tools.make(name)
    assert caught.value.hint == "update or uninstall the package 'unknown'"
    usable, broken = tools.usable(tools.make)
    assert sorted(usable) == ["hammer", "saw"]
    assert [(key, error.message) for key, error in broken.items()] == [(name, caught.value.message)]


def test_an_error_for_people_is_passed_on() -> None:
    with pytest.raises(NotFound, match="nothing so small"):
        plugins(("picky", f"{__name__}:Picky")).make("picky", -1)


def test_a_check_says_what_else_is_wrong() -> None:
    tools = Plugins(
        GROUP, "tool", {"hammer": "json:JSONEncoder"}, (), points=lambda _: [], check=lambda _: "is blunt"
    )
    with pytest.raises(LocalsynthError, match=r"the tool 'hammer' \(json:JSONEncoder\) is blunt"):
        tools.get("hammer")


@dataclass(frozen=True)
class Brought:
    """An entry point as an installed package brings it."""

    name: str
    value: str
    package: str

    @property
    def dist(self) -> SimpleNamespace:
        return SimpleNamespace(name=self.package)


@pytest.mark.parametrize(
    ("points", "hint"),
    [
        ([Brought("saw", "elsewhere:Saw", "woods")], "'woods'"),
        (
            [Brought("saw", "json:JSONDecoder", "localsynth"), Brought("saw", "elsewhere:Saw", "woods")],
            "'woods'",
        ),
        ([Brought("axe", "a:Axe", "woods"), Brought("axe", "b:Axe", "metals")], "'woods' or 'metals'"),
        ([Brought("saw", "old:Saw", "localsynth")], "'localsynth'"),
    ],
)
def test_of_two_claims_the_strangers_package_is_named(points: list[Any], hint: str) -> None:
    tools = Plugins(GROUP, "tool", OURS, (), points=lambda _: points)
    with pytest.raises(LocalsynthError, match="two plug-ins both call themselves") as caught:
        tools.get(points[0].name)
    assert caught.value.hint == f"update or uninstall the package {hint}"


def test_an_object_is_checked_too() -> None:
    tools = Plugins(
        GROUP, "tool", {"mine": f"{__name__}:Changing"}, ("edge",), points=lambda _: [],
        check=lambda one: "" if one.edge == "sharp" else "is blunt",
    )  # fmt: skip
    assert tools.get("mine") is Changing
    assert tools.make("mine").edge == "sharp"
    with pytest.raises(LocalsynthError, match=r"the tool 'mine' \(.*:Changing\) is blunt"):
        tools.make("mine", "dull")
    with pytest.raises(KeyboardInterrupt):
        tools.make("mine", KeyboardInterrupt())
    with pytest.raises(LocalsynthError, match="cannot be made: GeneratorExit"):
        tools.make("mine", GeneratorExit())


class Changing:
    edge = "sharp"

    def __init__(self, edge: Any = "sharp") -> None:
        if isinstance(edge, BaseException):
            raise edge
        self.edge = edge


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
