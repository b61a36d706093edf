"""Colours of SQL in an editor: tree-sitter finds the parts, the theme of the UI gives their colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.color import ColorParseError
from rich.style import Style
from textual.color import Color
from textual.widgets.text_area import TextAreaTheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Language

__all__ = ["THEME", "Grammar", "editor_theme", "load_grammar"]

#: The name of the editor's theme.
THEME = "localsynth"
#: Which colour of the UI's theme each part has, and whether it is bold.
_PARTS = {
    "keyword": ("primary", True),
    "keyword.operator": ("primary", True),
    "conditional": ("primary", True),
    "attribute": ("primary", False),
    "type.builtin": ("secondary", False),
    "function.call": ("accent", False),
    "type": ("foreground", True),
    "string": ("success", False),
    "number": ("warning", False),
    "float": ("warning", False),
    "boolean": ("warning", False),
}


@dataclass(frozen=True)
class Grammar:
    """What an editor must know of a language. query : which node of the grammar is which part."""

    language: Language
    query: str


def load_grammar() -> Grammar | None:
    """The grammar of SQL, from files alone; ``None`` where it cannot be used. Takes a tenth of a second: not for a screen."""
    try:
        import tree_sitter_sql
        from tree_sitter import Language, Query, QueryError

        language = Language(tree_sitter_sql.language())
        query = str(tree_sitter_sql.HIGHLIGHTS_QUERY)
    except (ImportError, OSError, AttributeError, ValueError):
        return None
    try:
        Query(language, query)
    except QueryError:
        return None
    return Grammar(language, query)


def editor_theme(variables: Mapping[str, str]) -> TextAreaTheme:
    """The parts in the colours of the UI's theme. variables : as ``App.theme_variables``."""
    styles = {"comment": Style(dim=True, italic=True)}
    for part, (name, bold) in _PARTS.items():
        styles[part] = Style(color=_colour(variables.get(f"text-{name}", variables.get(name, ""))), bold=bold)
    return TextAreaTheme(name=THEME, syntax_styles=styles)


def _colour(value: str) -> str | None:
    """A colour Rich knows; ``None``, the colour of text, where there is none such as with "auto 87%"."""
    try:
        colour = Color.parse(value)
        return colour.rich_color.name
    except (ValueError, ColorParseError):
        return None
