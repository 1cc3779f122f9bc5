"""Figures of numbers on matplotlib, readable in grey print, each with a description in words."""

try:
    import matplotlib  # noqa: F401  # imported here, so that the error says what to install
except ModuleNotFoundError:
    raise ImportError(
        "scalargrad.plot needs matplotlib. In the checkout type: pip install -e '.[plot]'"
    ) from None

from scalargrad.plot.bars_and_images import bars, images
from scalargrad.plot.boundary import decision_boundary
from scalargrad.plot.figures import Figure, figure
from scalargrad.plot.line_charts import activation, curves, lines, loss_curve
from scalargrad.plot.networks import diagram, network
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
