"""Formulas of a few unknowns at work: fitted, priced, moved, measured."""
