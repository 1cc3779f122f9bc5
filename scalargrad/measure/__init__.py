"""Measured numbers: uncertainties propagated to a result, and its sensitivities."""
