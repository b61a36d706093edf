"""Where things stand in a TOML file, checked against what the parser reads."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.tomlfile import dump_toml, locate
from localsynth.core.tomlmap import TomlMap

from .strategies import schemas
from .test_round_trips import NASTY, TREES


def places(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Every place of parsed data."""
    found = {path} if path else set()
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found |= places(inner, (*path, key))
    return found


@given(st.dictionaries(NASTY, TREES, max_size=5))
@settings(max_examples=150, deadline=None)
def test_every_place_is_found(data: dict[str, Any]) -> None:
    text = dump_toml(data)
    found = TomlMap.of(text)
    assert set(found.lines) == places(tomllib.loads(text))
    assert found.twice is None
    assert all(1 <= line <= text.count("\n") for line in found.lines.values())


@given(schemas())
@settings(max_examples=50, deadline=None)
def test_columns_are_found_on_their_lines(schema: Any) -> None:
    text = schema.to_toml()
    lines = text.split("\n")
    for index, column in enumerate(schema.columns):
        line = locate(text, ("columns", index))
        assert line is not None
        assert lines[line - 1] == "[[columns]]"
        assert locate(text, ("columns", index, "name")) == line + 1
        assert locate(text, ("columns", index, "absent", 3)) == line
        assert tomllib.loads(lines[line])["name"] == column.name


def test_every_way_to_write_it() -> None:
    text = """\
a.b."c d" = 1   # a.b
'e' = [
  1, # one
  [2, "]"],
  { f = '''
x = 1
''', g.h = 2 },
]
[i.j]
k = 1979-05-27T07:32:00
[[i.l]]
[i.l.m]
n = "\\"#"
[[i.l]]
o = \"\"\"
[p]
q = 1\\\"\"\"
\"\"\"
"""
    wanted = {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c d"): 1, ("e",): 2, ("e", 0): 3, ("e", 1): 4, ("e", 1, 0): 4, ("e", 1, 1): 4,
        ("e", 2): 5, ("e", 2, "f"): 5, ("e", 2, "g"): 7, ("e", 2, "g", "h"): 7, ("i",): 9, ("i", "j"): 9,
        ("i", "j", "k"): 10, ("i", "l"): 11, ("i", "l", 0): 11, ("i", "l", 0, "m"): 12, ("i", "l", 0, "m", "n"): 13,
        ("i", "l", 1): 14, ("i", "l", 1, "o"): 15,
    }  # fmt: skip
    assert set(wanted) == places(tomllib.loads(text))
    assert TomlMap.of(text).lines == wanted
    assert locate(text, ()) is None
    assert locate(text, ("z",)) is None
    assert locate(text, ("i", "l", 1, "z", "y")) == 14


@given(st.text(st.sampled_from("[]{}=,.\"'#\n\\ab1 -"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_damaged_files_do_not_stop_it(text: str) -> None:
    found = TomlMap.of(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(found.lines) == places(data)
    assert found.twice is None


def test_deep_lists_are_stepped_over() -> None:
    text = "a = " + "[" * 5000 + "]" * 5000 + "\nb = 1"
    assert locate(text, ("b",)) == 2
