"""Figures for write-ups, one a file; what is here is found, never listed."""
