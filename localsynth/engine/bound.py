"""How many tokens a text under a grammar may need."""

from __future__ import annotations

from ..core.grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf, Sequence, Warmed, max_length

__all__ = ["token_bound"]


def token_bound(grammar: Grammar) -> int:
    """Tokens certainly enough to begin writing: text that is fixed counts by bytes, free text by its shortest length.

    A necessary bound is wanted here, not a sufficient one: a row is refused before the run only where it can never fit.
    """
    match grammar:
        case Fixed(text):
            return -(
                -len(text.encode()) // 16
            )  # no vocabulary packs more than about 16 bytes into a usual token
        case OneOf(options):
            return min(map(token_bound, options), default=0)
        case Number(decimals=decimals):
            return 1 if decimals == 0 else 2
        case FreeText(shortest, _):
            return -(-shortest // 16)
        case Day() | Moment():
            return -(-max_length(grammar) // 8)
        case Sequence(parts):
            return sum(map(token_bound, parts))
        case Warmed(part):
            return token_bound(part)
