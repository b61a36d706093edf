"""Random schemas of every kind, with the names and categories people really have."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from localsynth.core.columns import RESERVED
from localsynth.core.schema import Schema

ODD_NAMES = [
    "at",
    "select",
    "a b",
    'x"y',
    "a.b",
    "it's",
    "😀",
    "naïve",
    "[a]",
    "a = 1",
    "# no",
    "\\",
    "true",
    "日本",
]

NASTY = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "a,b",
            '"',
            '""',
            "'''",
            '"""',
            "a\nb",
            "\r\n",
            "\t",
            "\\",
            "\\n",
            "\x00",
            "\x7f",
            "null",
            "1",
            "x ",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
PROSE = st.one_of(st.just(""), NASTY)

NAMES = st.one_of(
    st.sampled_from(ODD_NAMES),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12),
).filter(lambda name: name.strip() == name and name.lower() not in RESERVED)

DAYS = st.dates()
MOMENTS = st.datetimes(max_value=datetime(9999, 12, 31)).map(lambda m: m.replace(second=0, microsecond=0))


@st.composite
def day_ranges(draw: st.DrawFn) -> list[date]:
    low = draw(DAYS)
    return [low, low + min(timedelta(days=draw(st.integers(0, 800))), date.max - low)]


@st.composite
def moment_ranges(draw: st.DrawFn) -> list[datetime]:
    low = draw(MOMENTS)
    room = int((datetime(9999, 12, 31) - low) / timedelta(minutes=1))
    return [low, low + timedelta(minutes=min(draw(st.integers(0, 5000)), room))]


@st.composite
def shares(draw: st.DrawFn, keys: list[str]) -> dict[str, float]:
    weights = [draw(st.integers(0, 9)) for _ in keys]
    weights[0] += 1
    return {key: weight / sum(weights) for key, weight in zip(keys, weights, strict=True)}


@st.composite
def numeric(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    column: dict[str, Any] = {"kind": kind, "unit": draw(PROSE)}
    if kind == "float":
        column["decimals"] = draw(st.integers(0, 6))
        low = draw(st.one_of(st.floats(-1e6, 1e6), st.just(1e-7), st.just(-0.0)))
    else:
        low = draw(st.integers(-(10**6), 10**6))
    high = low + draw(st.integers(1, 10**6))
    form = draw(st.sampled_from(["range", "mean", "mean and range", "quantiles"]))
    if form == "range":
        column["range"] = [low, high]
    if "mean" in form:
        column["distribution"] = {"mean": (low + high) / 2, "sd": (high - low) / 10}
    if form == "mean and range":
        column["range"] = [low, high]
    if form == "quantiles":
        column["distribution"] = {"quantiles": {"0": low, "0.25": low, "0.9": high}}
    return column


@st.composite
def columns(draw: st.DrawFn, name: str, kind: str | None = None) -> dict[str, Any]:
    kind = kind or draw(
        st.sampled_from(
            ["integer", "float", "boolean", "categorical", "date", "datetime", "text", "identifier"]
        )
    )
    column: dict[str, Any] = {"kind": kind}
    if kind in {"integer", "float"}:
        column = draw(numeric(kind))
    elif kind == "boolean" and draw(st.booleans()):
        column["distribution"] = {"shares": draw(shares(["true", "false"]))}
    elif kind == "categorical":
        words = draw(st.lists(NASTY, min_size=1, max_size=5, unique=True))
        column["categories"] = {word: draw(PROSE) for word in words} if draw(st.booleans()) else words
        if draw(st.booleans()):
            column["distribution"] = {"shares": draw(shares(words))}
    elif kind == "date":
        column["range"] = draw(day_ranges())
    elif kind == "datetime":
        column["range"] = draw(moment_ranges())
    elif kind == "text":
        column["min_length"] = draw(st.integers(1, 20))
        column["max_length"] = column["min_length"] + draw(st.integers(0, 60))
    elif kind == "identifier":
        column |= {"prefix": draw(NASTY), "digits": draw(st.integers(1, 18))}
    if kind != "identifier" and draw(st.booleans()):
        column |= {"nullable": True, "null_rate": draw(st.sampled_from([None, 0.0, 1e-7, 0.5, 1.0]))}
    return {"name": name, "description": draw(PROSE), **column}


def cells(column: Any) -> st.SearchStrategy[Any]:
    """Values a column of a checked schema may hold."""
    values: st.SearchStrategy[Any]
    match column.kind:
        case "integer":
            values = st.integers(*column.scaled_bounds)
        case "float":
            low, high = column.scaled_bounds
            values = st.integers(low, high).map(lambda i: i / 10**column.decimals)
        case "boolean":
            values = st.booleans()
        case "categorical":
            values = st.sampled_from(list(column.categories))
        case "date":
            values = st.dates(*column.range)
        case "datetime":
            first, last = column.range
            values = st.integers(0, int((last - first) / timedelta(minutes=1))).map(
                lambda minutes: first + timedelta(minutes=minutes)
            )
        case "text":
            # what the grammar of free text allows, bar what a Unicode table would have to decide
            letters = st.characters(categories=["L", "N", "P", "S"], exclude_characters='"\\\ufffc\ufffd')
            values = st.text(letters, min_size=column.min_length, max_size=column.max_length)
        case kind:
            raise AssertionError(kind)
    return st.one_of(st.none(), values) if column.nullable else values


@st.composite
def schemas(draw: st.DrawFn, *, kinds: tuple[str, ...] | None = None) -> Schema:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=lambda name: name.lower()))
    made = [draw(columns(name, draw(st.sampled_from(kinds)) if kinds else None)) for name in names]
    if all(column["kind"] == "identifier" for column in made):
        made[0] = draw(columns(names[0], "boolean"))
    data: dict[str, Any] = {"description": draw(PROSE), "population": draw(PROSE), "columns": made}
    if draw(st.booleans()):
        data["target"] = draw(st.sampled_from(names))
    if draw(st.booleans()):
        checks = draw(st.lists(NASTY.filter(bool), max_size=3, unique=True))
        data["rules"] = [{"check": check, "description": draw(PROSE)} for check in checks]
    if len(names) > 1 and draw(st.booleans()):
        data["dependencies"] = [{"determinant": names[1:], "dependent": names[0]}]
    plain = Schema.model_validate(data)
    if draw(st.booleans()):
        example = {
            column.name: draw(cells(column).filter(lambda value: value is not None))
            for column in plain.columns
            if column.kind != "identifier"
        }
        data["examples"] = [example]
    return Schema.model_validate(data)
