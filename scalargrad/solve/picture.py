"""The figure of a fit: the response with the fitted model, and the residuals below."""

from __future__ import annotations

from typing import Any

import numpy as np

from scalargrad.core.numbers import shown
from scalargrad.plot.figures import Figure, figure, label_axes, styled
from scalargrad.plot.style import ACCENT, GREY, INK
from scalargrad.solve.response import Response

__all__ = ["fit_figure"]

_SMOOTH = 400  # points of the curve
_DOTS: dict[str, Any] = {"color": INK, "markersize": 4.0, "markerfacecolor": "white"}


@styled
def fit_figure(residuals: Any, response: Response | None, title: str) -> Figure:
    """Draw a fit; see `Fit.plot`.

    Args:
        residuals: The residuals, divided by sigma.
        response: What the model explains, or None for the residuals alone.
        title: The title of the figure.
    """
    if not isinstance(title, str):
        raise TypeError(f"plot: title must be a string, got {shown(title)}")
    if response is None:
        page = figure(1, 1)
        below, across, xs = page.axes[0], "residual", np.arange(len(residuals))
        text = ""
    else:
        page = figure(2, 1, height=5.6)
        above, below = page.axes
        across, xs = _draw_response(above, response)
        text = f"{response.name} over {across} at {len(xs)} samples, with the fitted model; "
    below.plot(xs, residuals, "o", **_DOTS)
    below.axhline(0.0, color=GREY, linewidth=1.0)
    label_axes(below, across, "residual")
    if title:
        page.suptitle(title)
    spread = float(np.sqrt(np.mean(np.square(residuals))))
    page.alt = (
        f"{text}{len(residuals)} residuals from {min(residuals):.3g} to {max(residuals):.3g}, "
        f"root mean square {spread:.3g}"
    )
    return page


def _draw_response(ax: Any, response: Response) -> tuple[str, Any]:
    """Draw the response and the model; return the name and the numbers of the axis across."""
    if response.regressor is None:  # several columns: over what the model gives
        xs, across = response.fitted, f"fitted {response.name}"
        ends = [min(xs), max(xs)]
        ax.plot(xs, response.observed, "o", label="observed", **_DOTS)
        ax.plot(ends, ends, color=ACCENT, label="fitted")
    else:
        across, xs = response.regressor
        ax.plot(xs, response.observed, "o", label="observed", **_DOTS)
        smooth = np.linspace(min(xs), max(xs), _SMOOTH)
        ax.plot(smooth, response.model(smooth), color=ACCENT, label="fitted")
    label_axes(ax, across, response.name)
    return across, xs
