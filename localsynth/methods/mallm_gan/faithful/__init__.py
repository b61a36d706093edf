"""The faithful mode: the loop of the released code, its flaws included."""

from .explaining import explained
from .play import Faithful
from .reading import read_theta

__all__ = ["Faithful", "explained", "read_theta"]
