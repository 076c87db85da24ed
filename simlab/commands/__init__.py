"""Questions that the `simlab` command answers, one a file; what is here is found, never listed."""
