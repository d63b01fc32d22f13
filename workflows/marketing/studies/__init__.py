"""Experiments and models as memories: what was tested or fitted, what it said, on which data, and what was decided by it."""
