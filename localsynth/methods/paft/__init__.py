"""PAFT: a model fitted to a small table, in the order its dependencies ask for (Xu et al. 2024, arXiv 2406.14541)."""

from .method import PAFT

__all__ = ["PAFT"]
