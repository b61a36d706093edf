"""The parts of the Gaussian copula: columns as levels, the order of categories, margins, latent correlations."""
