"""Recorded programs for elsewhere: as NumPy, as C, and as JSON that later versions can read."""
