"""Findings about the derivatives of a graph: kinks, dead units, gradients that vanish, nan."""
