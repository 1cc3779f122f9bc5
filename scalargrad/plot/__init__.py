"""Figures of numbers on matplotlib, readable in black and white, with a text for who cannot see."""

try:
    import matplotlib  # noqa: F401  # asked for here, so that the error says what to type
except ModuleNotFoundError:
    raise ImportError(
        "scalargrad.plot needs matplotlib. In the checkout type: pip install -e '.[plot]'"
    ) from None

from scalargrad.plot.boundary import decision_boundary
from scalargrad.plot.figure import Figure, figure
from scalargrad.plot.lines import activation, curves, lines, loss_curve
from scalargrad.plot.networks import diagram, network
from scalargrad.plot.panels import bars, images
from scalargrad.plot.surfaces import error_curve, error_surface

__all__ = [
    "Figure",
    "activation",
    "bars",
    "curves",
    "decision_boundary",
    "diagram",
    "error_curve",
    "error_surface",
    "figure",
    "images",
    "lines",
    "loss_curve",
    "network",
]
