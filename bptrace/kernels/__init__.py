"""How it is calculated fast: the loops over neurons, samples and steps, compiled by Numba."""
