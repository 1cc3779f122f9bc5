"""How figures look: dark lines that differ in dash and marker, and so in grey print as well."""

from __future__ import annotations

from typing import Any

__all__ = ["ACCENT", "COLOURS", "DASHES", "GREY", "HATCHES", "MARKERS", "SETTINGS", "line_style"]

INK = "#1a1a1a"
GREY = "#8a8a8a"
ACCENT = "#b3261e"  # dark red: in grey as dark as ink, so it is thicker as well
# From dark to light, and far apart in grey: the fourth is the last that is used on white
COLOURS = ("#12355b", "#b3541e", "#3f7d58", "#7a5195", "#6b6b6b", "#a89a00")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (9, 2)), "-.")
MARKERS = ("o", "s", "^", "D", "v", "P")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")

# What a figure is made and saved with; nothing global is changed
SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 10.0,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "path",
    "svg.hashsalt": "scalargrad",  # or the names inside an SVG would differ from run to run
}


def line_style(k: int) -> dict[str, Any]:
    """Colour and dash of the k-th line, from 0; they repeat after six.

    >>> line_style(0)["color"] == line_style(6)["color"]
    True
    """
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}
