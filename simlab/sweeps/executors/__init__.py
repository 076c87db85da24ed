"""Where the chunks of a sweep are computed, one executor a file; what is here is found, never listed.

An executor defines `start(folder, workers, address)`, a context manager that gives a simlab.sweeps.workers.Crew:
folder is that of the sweep, workers how many it should have (None: as many as there are), address where they are.
"""
