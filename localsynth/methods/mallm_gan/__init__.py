"""MALLM-GAN: a game between a generator and a discriminator, after the released code (``faithful``) or better (``aligned``)."""

from .method import MALLMGAN
from .params import MALLMGANParams

__all__ = ["MALLMGAN", "MALLMGANParams"]
