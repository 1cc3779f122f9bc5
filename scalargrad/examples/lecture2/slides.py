"""The lecture's lines on the seven nodes, numbers substituted, and the slides that show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from scalargrad import Value

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Line",
    "Network",
    "backward_lines",
    "factor",
    "forward_lines",
    "pass_page",
    "shown",
    "work_sheet",
]

Key = int | tuple[int, int] | str  # a node, an edge, or a parameter on several edges
_LOWER = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_BLANK = "______"


class Network(Protocol):
    """What a slide shows: a `seven_node.SevenNode`, after its backward pass."""

    @property
    def w(self) -> Mapping[str, Value]:
        """The weights by "13" ... "67"."""

    @property
    def z(self) -> Mapping[int, Value]:
        """The sums by node."""

    @property
    def a(self) -> Mapping[int, Value]:
        """The inputs and outputs by node."""

    @property
    def t(self) -> float:
        """The target."""

    def delta(self, node: int) -> float:
        """δ of a node."""

    def slope(self, node: int) -> float:
        """g'(z) of a node."""


@dataclass(frozen=True)
class Line:
    """A line of the lecture: `name = formula`, the same with numbers, and what it gives."""

    name: str
    formula: str
    numbers: str
    result: float

    @property
    def parts(self) -> list[str]:
        """The sides of the equation, the result last; of an input its name and its number."""
        return list(filter(None, [self.name, self.formula, self.numbers, shown(self.result)]))

    def text(self, width: int = 84, blank: bool = False) -> str:
        """The line, broken before its numbers if it is longer than `width`.

        Args:
            width: the most letters on a line.
            blank: leave the numbers out, for a student to fill in.

        >>> Line("δ₆", "δ₇ w₆₇", "(−1) · (−0.5)", 0.5).text()
        'δ₆ = δ₇ w₆₇ = (−1) · (−0.5) = 0.5'
        """
        if blank:
            return f"{self.name} = {self.formula} = {_BLANK}"
        whole = " = ".join(self.parts)
        if len(whole) <= width:
            return whole
        first, rest = f"{self.name} = {self.formula}", " = ".join(self.parts[2:])
        return f"{first}\n      = {rest}"


def shown(x: float) -> str:
    """A number as the slides have it: three decimals, fewer if it is short, and a proper minus.

    >>> shown(-0.5586), shown(-1.0), shown(-0.0), shown(0.1 + 0.2)
    ('−0.559', '−1', '0', '0.3')
    """
    short = abs(x - round(x, 1)) < 1e-12
    return (f"{round(x, 1) + 0.0:g}" if short else f"{x:.3f}").replace("-", "−")


def factor(text: str) -> str:
    """A factor or a term as it stands among others: in brackets if it begins with a minus."""
    return f"({text})" if text.startswith("−") else text


def _lowered(name: str) -> str:
    return name.translate(_LOWER)


# --- the lines ------------------------------------------------------------------------------


def forward_lines(net: Network, names: Mapping[str, str] = {}) -> dict[Key, list[Line]]:
    """The lines of the forward pass, by node: z and a of each; of an input its number.

    Args:
        net: the network.
        names: for each weight, by "13" ... "67", the parameter that stands on its edge.

    >>> from scalargrad.examples.lecture2 import seven_node
    >>> forward_lines(seven_node.build())[3][0].text()
    'z₃ = x₁ w₁₃ + x₂ w₂₃ = 0.5 · 0.6 + (−1) · (−0.4) = 0.7'
    """
    lines: dict[Key, list[Line]] = {
        node: [Line(f"x{_lowered(str(node))}", "", "", net.a[node].data)] for node in (1, 2)
    }
    for node in range(3, 8):
        into = [(i, f"{i}{node}") for i in range(1, node) if f"{i}{node}" in net.w]
        formula = " + ".join(f"{_output(i)} {_weight(name, names)}" for i, name in into)
        numbers = " + ".join(
            f"{factor(shown(net.a[i].data))} · {factor(shown(net.w[name].data))}"
            for i, name in into
        )
        index = _lowered(str(node))
        lines[node] = [Line(f"z{index}", formula, numbers, net.z[node].data)]
        if node != 7:
            z = shown(net.z[node].data)
            lines[node].append(Line(f"a{index}", f"g(z{index})", f"g({z})", net.a[node].data))
    return lines


def backward_lines(
    net: Network, of: str = "E", names: Mapping[str, str] = {}
) -> dict[Key, list[Line]]:
    r"""The lines of the backward pass: δ by node, ∂E/∂w by edge, in the lecture's order.

    δj = Σ δk g'(zk) wjk and ∂E/∂wjk = δk g'(zk) aj; node 7 is linear and has no g'.

    Args:
        net: the network after `E.backward()`, or `z[7].backward()`.
        of: what was differentiated, "E" or "z7".
        names: for each weight, by "13" ... "67", the parameter that stands on its edge.

    >>> from scalargrad.examples.lecture2 import seven_node
    >>> lines = backward_lines(seven_node.run())
    >>> print(lines[6][0].text(), lines[6, 7][0].text(), sep="\n")
    δ₆ = δ₇ w₆₇ = (−1) · (−0.5) = 0.5
    ∂E/∂w₆₇ = δ₇ a₆ = (−1) · 0.262 = −0.262
    """
    whole = "E" if of == "E" else "z₇"
    delta7 = net.delta(7)
    if of == "E":
        wrong = "1" if delta7 else "0"
        first = Line("δ₇", "I(−z₇ t > 0) · (−t)", f"{wrong} · {factor(shown(-net.t))}", delta7)
    else:
        first = Line("δ₇", "∂z₇/∂z₇", "", delta7)
    lines: dict[Key, list[Line]] = {7: [first]}

    def scaled(k: int) -> tuple[str, str]:
        """δk g'(zk), in letters and in numbers."""
        index, delta = _lowered(str(k)), factor(shown(net.delta(k)))
        if k == 7:
            return f"δ{index}", delta
        return f"δ{index} g′(z{index})", f"{delta} · {factor(shown(net.slope(k)))}"

    def add_weight(i: int, j: int) -> None:
        letters, numbers = scaled(j)
        a = factor(shown(net.a[i].data))
        name = f"∂{whole}/∂w{_lowered(f'{i}{j}')}"
        result = net.w[f"{i}{j}"].grad
        lines[i, j] = [Line(name, f"{letters} {_output(i)}", f"{numbers} · {a}", result)]

    def add_node(j: int) -> None:
        after = [k for k in range(j + 1, 8) if f"{j}{k}" in net.w]
        formula = " + ".join(f"{scaled(k)[0]} {_weight(f'{j}{k}', names)}" for k in after)
        numbers = " + ".join(
            f"{scaled(k)[1]} · {factor(shown(net.w[f'{j}{k}'].data))}" for k in after
        )
        lines[j] = [Line(f"δ{_lowered(str(j))}", formula, numbers, net.delta(j))]

    for k in range(7, 2, -1):
        if k < 7:
            add_node(k)
        for i in range(k - 1, 0, -1):
            if f"{i}{k}" in net.w:
                add_weight(i, k)
    return lines


def _output(node: int) -> str:
    return f"{'x' if node < 3 else 'a'}{_lowered(str(node))}"


def _weight(name: str, names: Mapping[str, str]) -> str:
    return names.get(name, f"w{_lowered(name)}")


# --- the slides -----------------------------------------------------------------------------

# Wide apart, since each edge has two labels
_PLACES = {
    1: (0.0, 3.0), 2: (0.0, 0.0), 3: (4.3, 3.0), 4: (4.3, 0.0), 5: (8.6, 3.0), 6: (8.6, 0.0),
    7: (12.0, 1.5),
}  # fmt: skip
# Where the labels of an edge stand: clear of all lines. Of a level edge one above, one below; of
# the others both beside the middle. (x, y, how it is aligned, whether both are on that side)
_BESIDE: dict[tuple[int, int], tuple[float, float, str]] = {
    (2, 3): (2.5, 1.15, "left"), (3, 6): (6.8, 1.85, "left"),
    (5, 7): (10.5, 2.72, "left"), (6, 7): (10.5, 0.28, "left"),
}  # fmt: skip


def _drawn(
    ax: Any, net: Network, weights: Mapping[tuple[int, int], str],
    below: Mapping[tuple[int, int], str], notes: Mapping[int, str], new: Collection[Any],
    backward: Collection[tuple[int, int]] = (), wide: Collection[tuple[int, int]] = (),
) -> None:  # fmt: skip
    """One slide: circles and arrows, and texts that no arrow crosses.

    Args:
        ax: the axes.
        net: the network.
        weights: the text above each edge.
        below: the text below some edges; that of `new` edges is bold.
        notes: the text at some nodes.
        new: the nodes and edges that this slide is about.
        backward: edges along which a δ comes back; their arrows point backward.
        wide: edges to draw thick though nothing is new about them.
    """
    from scalargrad import plot
    from scalargrad.plot.style import ACCENT, INK

    edges = [(int(name[0]), int(name[1])) for name in net.w]
    turned = [(j, i) if (i, j) in backward else (i, j) for i, j in edges]
    marked = {*new, *wide, *((j, i) for i, j in backward)} & {*_PLACES, *turned}
    plot.diagram(_PLACES, turned, names={n: str(n) for n in _PLACES}, highlight=marked, ax=ax)
    for edge in edges:
        (x0, y0), x1 = _PLACES[edge[0]], _PLACES[edge[1]][0]
        if edge in _BESIDE:
            x, y, align = _BESIDE[edge]
            spots = [(x, y + 0.27, align), (x, y - 0.27, align)]
        else:
            middle = (x0 + x1) / 2
            off = {(1, 3): -0.2, (3, 5): 0.25}.get(edge, 0.0)  # away from the sloping arrows
            spots = [(middle, y0 + 0.3, "center"), (middle + off, y0 - 0.32, "center")]
        for spot, texts, bold in zip(spots, (weights, below), (False, edge in new), strict=True):
            if edge in texts:
                ax.text(
                    spot[0], spot[1], texts[edge], ha=spot[2], va="center", fontsize=10,
                    color=ACCENT if bold else INK, weight="bold" if bold else "normal",
                )  # fmt: skip
    for node, note in notes.items():
        x, y = _PLACES[node]
        at: tuple[float, float, str, str]
        if node == 7:
            at = (x + 0.55, y, "left", "center")
        elif y > 1:
            at = (x, y + 0.55, "center", "bottom")
        else:
            at = (x, y - 0.58, "center", "top")
        bold = node in new
        ax.text(
            at[0], at[1], note, ha=at[2], va=at[3], fontsize=10,
            color=ACCENT if bold else INK, weight="bold" if bold else "normal",
        )  # fmt: skip
    ax.set_xlim(-0.9, 14.6)
    ax.set_ylim(-1.3, 4.2)


def labelled(
    net: Network, title: str, alt: str, *, names: Mapping[str, str] = {},
    wide: Collection[tuple[int, int]] = (),
) -> Picture:  # fmt: skip
    """The network with the name of each weight beside its edge.

    Args:
        net: the network.
        title: above the picture.
        alt: what it shows.
        names: for each weight, by "13" ... "67", the parameter that stands on its edge.
        wide: edges to draw thick.
    """
    from scalargrad import plot

    page = plot.figure(width=8.4, height=3.6, alt=alt)
    ax = page.axes[0]
    weights = {(int(name[0]), int(name[1])): _weight(name, names) for name in net.w}
    _drawn(ax, net, weights, {}, {1: "x₁", 2: "x₂", 7: "z₇"}, (), wide=wide)
    ax.set_xlim(-0.9, 13.0)
    ax.set_title(title, fontsize=13)
    for text in ax.texts:
        text.set_fontsize(13)
    return page


def pass_page(
    net: Network, stages: Sequence[Sequence[Key]], lines: Mapping[Key, Sequence[Line]],
    backward: bool, alt: str, names: Mapping[str, str] = {},
    shared: Mapping[str, Sequence[tuple[int, int]]] = {},
) -> Picture:  # fmt: skip
    """A page of slides, each with the lines that it adds, and what is known so far.

    Args:
        net: the network.
        stages: for each slide what it adds: nodes, edges, or parameters in `shared`.
        lines: the lines of each.
        backward: show δ and derivatives; else values.
        alt: what the page shows.
        names: for each weight, by "13" ... "67", the parameter that stands on its edge.
        shared: for each parameter its edges.
    """
    from scalargrad import plot

    rows = -(-len(stages) // 2)
    most = max(sum(line.text().count("\n") + 1 for k in s for line in lines[k]) for s in stages)
    page = plot.figure(
        rows, 2, width=14.0, height=rows * (2.75 + 0.21 * most), alt=alt,
    )  # fmt: skip
    weights = {
        (int(name[0]), int(name[1])): f"{_weight(name, names)} = {shown(w.data)}"
        for name, w in net.w.items()
    }
    notes, below = dict[int, str](), dict[tuple[int, int], str]()
    if backward:
        notes = {1: f"x₁ = {shown(net.a[1].data)}", 2: f"x₂ = {shown(net.a[2].data)}"}
    for number, (ax, stage) in enumerate(zip(page.axes, stages, strict=False), 1):
        formulas, wide, back = [], set[tuple[int, int]](), set[tuple[int, int]]()
        for key in stage:
            formulas += [line.text() for line in lines[key]]
            last = lines[key][-1]
            if isinstance(key, int):
                notes[key] = f"{last.name} = {shown(last.result)}"
                if backward:
                    back |= {(key, k) for k in range(8) if f"{key}{k}" in net.w}
                else:
                    wide |= {(i, key) for i in range(8) if f"{i}{key}" in net.w}
            elif isinstance(key, tuple):
                below[key] = f"{last.name} = {shown(last.result)}"
            else:
                wide |= set(shared[key])
        _drawn(ax, net, weights, below, notes, stage, back, wide)
        first, *others = "\n".join(formulas).split("\n")
        text = "\n".join([f"{number}.  {first}", *(f"     {other}" for other in others)])
        ax.set_title(text, loc="left", fontsize=11, linespacing=1.35)
    for ax in page.axes[len(stages) :]:
        ax.set_axis_off()
    return page


def work_sheet(
    net: Network, lines: Mapping[Key, Sequence[Line]], blank: bool, title: str, alt: str,
    names: Mapping[str, str] = {},
) -> Picture:  # fmt: skip
    """An exercise on one page: the network after the forward pass, and the lines to compute.

    Args:
        net: the network.
        lines: those to compute, in order.
        blank: leave the results out; else it is the key.
        title: above the network.
        alt: what the page shows.
        names: for each weight, by "13" ... "67", the parameter that stands on its edge.
    """
    from scalargrad import plot

    formulas = [line for some in lines.values() for line in some]
    page = plot.figure(2, 1, width=9.0, height=4.0 + 0.36 * len(formulas), alt=alt)
    top, bottom = page.axes
    grid: Any = top.get_gridspec()
    grid.set_height_ratios((3.4, 0.36 * len(formulas)))
    weights = {
        (int(name[0]), int(name[1])): f"{_weight(name, names)} = {shown(w.data)}"
        for name, w in net.w.items()
    }
    notes = {n: f"x{_lowered(str(n))} = {shown(net.a[n].data)}" for n in (1, 2)}
    notes |= {
        n: f"a{_lowered(str(n))} = {shown(net.a[n].data)}\n"
        f"g′(z{_lowered(str(n))}) = {shown(net.slope(n))}"
        for n in (3, 4, 5, 6)
    }
    _drawn(top, net, weights, {}, notes | {7: f"z₇ = {shown(net.z[7].data)}"}, ())
    top.set_ylim(-1.6, 4.8)
    top.set_title(title, fontsize=13, weight="bold")
    bottom.set_axis_off()
    for k, line in enumerate(formulas):
        written = bottom.text(
            0.02, 1.0 - (k + 0.5) / len(formulas), line.text(200, blank), fontsize=11, va="center",
            transform=bottom.transAxes,
        )  # fmt: skip
        written.set_in_layout(False)  # a long line would make the network small
    return page
