"""Target statistics under differential privacy: noise by OpenDP, everything after it postprocessing.

Two tables are neighbours where one has one row more (add or remove one). The tables are train splits, which are taken as
given: the file with one row more would be split elsewhere. Privacy loss is counted as zero-concentrated
differential privacy (rho; Bun & Steinke 2016), which adds up over measurements, and told as (epsilon, delta).
Noise comes from the operating system's random source, not from the run's seed: who knew the seed could take it away.
"""

from .accounting import epsilon_of, rho_of
from .curator import Count
from .describe import describe
from .noisy import NoiseAlone, noisy_margins, noisy_tables

__all__ = ["Count", "NoiseAlone", "describe", "epsilon_of", "noisy_margins", "noisy_tables", "rho_of"]
