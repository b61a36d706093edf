"""text-to-tabular: rows from a description alone, after the paper (``faithful``) or better (``aligned``)."""

from .method import TextToTabular
from .params import TextToTabularParams

__all__ = ["TextToTabular", "TextToTabularParams"]
