"""Learning experiments, one a file: what is here is found, never listed."""
