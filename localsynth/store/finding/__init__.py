"""What the rows of the train split tell about themselves: dependencies, keys, rules. Everything is offered, nothing applied."""

from .search import explore, find
from .strength import cardinalities, strengths

__all__ = ["cardinalities", "explore", "find", "strengths"]
