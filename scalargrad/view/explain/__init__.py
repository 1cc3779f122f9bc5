"""A derivative explained, factor by factor and path by path."""
