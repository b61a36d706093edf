"""LLMSynthor: rows from target statistics and plans a model writes, after the paper (``faithful``) or better (``aligned``)."""

from .method import LLMSynthor
from .params import LLMSynthorParams

__all__ = ["LLMSynthor", "LLMSynthorParams"]
