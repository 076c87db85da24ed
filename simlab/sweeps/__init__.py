"""Sweeps: a grid of runs from a TOML file, computed by many processes, that survives being killed."""
