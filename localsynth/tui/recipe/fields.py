"""What can be set in a recipe, and how each value is typed: the recipe's own keys, and a method's parameters."""

from __future__ import annotations

import math
import re
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic.fields import FieldInfo

from localsynth.core.contracts import MethodParams
from localsynth.core.tomlfile import dump_toml
from localsynth.core.words import plain

__all__ = ["Field", "Kind", "equal", "method_fields", "place_of"]

_MODE = re.compile(r"\(([a-z-]+)[^()]*\)\.?$")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")


class Kind(Enum):
    """How a value is typed. NAMES : a list of texts; TOML : anything else, as it stands in a file."""

    TEXT = auto()
    PATH = auto()
    WHOLE = auto()
    NUMBER = auto()
    SWITCH = auto()
    CHOICE = auto()
    NAMES = auto()
    TOML = auto()


@dataclass(frozen=True)
class Field:
    """One key of a recipe.

    place : the way to it. about : what it is, in sentences. default : what holds where it is not written, ``None`` for
    nothing. usual : that in words, where the value does not say it. bounds : in words. choices : of a CHOICE. mode : the
    only mode of the method that reads it. written : kept in the file even where it is the default. label : what the form
    calls it, where that is not its key.
    """

    place: tuple[str, ...]
    kind: Kind
    about: str = ""
    default: Any = None
    usual: str = ""
    bounds: str = ""
    choices: tuple[str, ...] = ()
    mode: str = ""
    written: bool = False
    label: str = ""
    suffixes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """Its name in the file."""
        return self.place[-1]

    def shown(self, value: Any) -> str:
        """A value as it is typed; empty for none."""
        if value is None:
            return ""
        if self.kind is Kind.TOML:
            return dump_toml({self.key: value})
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return plain(value)
        return dump_toml({"x": value}).removeprefix("x = ").strip()

    def parsed(self, text: str) -> Any:
        """The value of what is typed, ``None`` for nothing; what cannot be read stays the text it is, to be told of."""
        if not text.strip() and self.kind is not Kind.TEXT:
            return None
        match self.kind:
            case Kind.WHOLE | Kind.NUMBER:
                return _number(text)
            case Kind.NAMES:
                return _names(text)
            case Kind.SWITCH:
                return {"true": True, "false": False}.get(text, text)
            case Kind.PATH:
                return text.strip()
            case _:
                return text or None

    @property
    def usually(self) -> str:
        """What holds where nothing is set, in a few words."""
        if self.usual:
            return self.usual
        if self.default in (None, "", [], {}):
            return "not set"
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return self.shown(self.default)


def equal(one: Any, other: Any) -> bool:
    """Whether two values of a file are the same; 1 is not ``true``."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def place_of(path: str) -> tuple[str, ...]:
    """The place that a problem's dotted path is about, without the numbers of lists."""
    return tuple(part.split("[")[0] for part in path.split(".")) if path else ()


def _number(text: str) -> Any:
    bare = text.strip()
    if _THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    for kind in (int, float):
        try:
            value = kind(bare)
        except ValueError:
            continue
        return value if math.isfinite(value) else text
    return text


def _names(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return tomllib.loads(f"x = {text}")["x"]
        except (tomllib.TOMLDecodeError, RecursionError):
            return text
    return [one.strip() for one in text.split(",") if one.strip()]


# --- a method's parameters --------------------------------------------------------------------------------------------


def method_fields(params: type[MethodParams]) -> list[Field]:
    """The parameters of a method, in their order."""
    found = params.model_fields
    modes = _literals(found["mode"].annotation) if "mode" in found else ()
    return [_field(name, one, modes or ()) for name, one in found.items()]


def _field(name: str, info: FieldInfo, modes: Sequence[str]) -> Field:
    kind, choices = _kind(info.annotation)
    about = info.description or ""
    belongs = _MODE.search(about)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return Field(
        place=("method", name),
        kind=kind,
        about=about,
        default=_plain(default),
        usual="has to be set" if info.is_required() else "",
        bounds=_bounds(info.metadata),
        choices=choices,
        mode=belongs[1] if belongs and belongs[1] in modes else "",
    )


def _plain(value: Any) -> Any:
    """A default as it would stand in a file, so that it can be told from what is written."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    annotation = _bare(annotation)
    if choices := _literals(annotation):
        return Kind.CHOICE, choices
    simple = {bool: Kind.SWITCH, int: Kind.WHOLE, float: Kind.NUMBER, str: Kind.TEXT}
    if annotation in simple:
        return simple[annotation], ()
    inside = get_args(annotation)
    if get_origin(annotation) is list and inside and _bare(inside[0]) is str:
        return Kind.NAMES, ()
    return Kind.TOML, ()


def _bare(annotation: Any) -> Any:
    """Without ``None`` beside it, and without what is said of it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        inside = [one for one in get_args(annotation) if one is not type(None)]
        return _bare(inside[0]) if len(inside) == 1 else annotation
    return annotation


def _literals(annotation: Any) -> tuple[str, ...]:
    """The words of a choice; none where they are no words."""
    annotation = _bare(annotation)
    values = get_args(annotation) if get_origin(annotation) is Literal else ()
    return values if all(isinstance(one, str) for one in values) else ()


def _bounds(metadata: Sequence[Any]) -> str:
    said = []
    for one in metadata:
        match one:
            case Ge(ge=bound):
                said.append(f"at least {_figure(bound)}")
            case Gt(gt=bound):
                said.append(f"more than {_figure(bound)}")
            case Le(le=bound):
                said.append(f"at most {_figure(bound)}")
            case Lt(lt=bound):
                said.append(f"less than {_figure(bound)}")
            case MaxLen(max_length=length):
                said.append(f"at most {length:,} characters")
            case _:
                pass
    return ", ".join(said)


def _figure(bound: Any) -> str:
    return (
        f"{bound:,}" if isinstance(bound, int) else plain(bound) if isinstance(bound, float) else str(bound)
    )
