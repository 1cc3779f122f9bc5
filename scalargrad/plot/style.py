"""The look of figures: dark lines that differ in dash and marker, and so in grey print too."""

from __future__ import annotations

from typing import Any

from matplotlib import rcParamsDefault

__all__ = [
    "ACCENT", "COLOURS", "DASHES", "GREY", "HATCHES", "INK", "LEGEND", "MARKERS", "SETTINGS",
    "line_style",
]  # fmt: skip

INK = "#1a1a1a"
GREY = "#8a8a8a"
ACCENT = "#b3261e"  # dark red; as dark as ink in grey print, so draw it thicker
# Dark and lighter in turn, so that neighbours differ in grey print too
COLOURS = ("#12355b", "#c05a1c", "#1d6b45", "#8a5fb5", "#4d4d4d", "#a08a00")
DASHES: tuple[Any, ...] = (
    "-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (13, 3)), (0, (4, 1.5, 1, 1.5, 1, 1.5)),
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
LEGEND: Any = {"frameon": True, "framealpha": 0.85, "edgecolor": "none"}

# Reset these groups of settings, because a user's style could make figures unreadable
_KINDS = """
    axes axes3d contour figure font grid hatch image legend lines markers mathtext patch path
    savefig scatter svg text xaxis xtick yaxis ytick
""".split()  # noqa: SIM905

# The settings to draw and save with; nothing global changes
SETTINGS: Any = {key: x for key, x in rcParamsDefault.items() if key.split(".")[0] in _KINDS} | {
    "font.family": "DejaVu Sans",  # part of matplotlib: the same letters everywhere
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
    "svg.hashsalt": "scalargrad",  # or the ids in an SVG differ from run to run
}


def line_style(k: int) -> dict[str, Any]:
    """Return colour and dash of line k, from 0; after six, colours repeat with other dashes.

    >>> line_style(6) == {"color": COLOURS[0], "linestyle": DASHES[1]}
    True
    """
    turn = k // len(COLOURS)
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[(k + turn) % len(DASHES)]}
