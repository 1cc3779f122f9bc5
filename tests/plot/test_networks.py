"""Networks, free diagrams, bars and pictures."""

import random

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Circle, FancyArrowPatch

from scalargrad import nn, plot


def count(page: plot.Figure, kind: type) -> int:
    return sum(isinstance(patch, kind) for patch in page.axes[0].patches)


def texts(page: plot.Figure) -> set[str]:
    return {text.get_text() for text in page.axes[0].texts}


def test_every_unit_and_every_connection_is_drawn() -> None:
    page = plot.network([2, 3, 1])

    assert count(page, Circle) == 6
    assert count(page, FancyArrowPatch) == 9


def test_a_bias_unit_stands_in_every_layer_but_the_last() -> None:
    page = plot.network([2, 3, 1], bias=True)

    assert count(page, Circle) == 8
    assert count(page, FancyArrowPatch) == 13


def test_an_mlp_shows_its_weights() -> None:
    random.seed(1)
    model = nn.MLP(2, [3, 1])
    page = plot.network(model)
    largest = max(abs(w.data) for layer in model.layers for n in layer.neurons for w in n.w)

    assert f"widest line: {largest:.3g}; dashed: negative" in texts(page)


def test_negative_is_dashed_and_large_is_wide() -> None:
    edges = {((0, 0), (1, 0)): 1.0, ((0, 1), (1, 0)): -0.25}
    page = plot.network([2, 1], edge_values=edges)
    plus, minus = (p for p in page.axes[0].patches if isinstance(p, FancyArrowPatch))

    assert plus.get_linestyle() in ("-", "solid")
    assert minus.get_linestyle() not in ("-", "solid")
    assert plus.get_linewidth() > minus.get_linewidth()


def test_names_notes_and_labels_are_written() -> None:
    page = plot.network(
        [1, 1], names={(0, 0): "x"}, notes={(1, 0): "0.5"}, edge_labels={((0, 0), (1, 0)): "w"}
    )

    assert {"x", "0.5", "w"} <= texts(page)


def test_what_is_highlighted_is_thicker() -> None:
    page = plot.network([1, 2], highlight={((0, 0), (1, 1)), (1, 1)})
    circles = [p for p in page.axes[0].patches if isinstance(p, Circle)]

    assert len({c.get_linewidth() for c in circles}) == 2


def test_labels_of_lines_that_cross_do_not_meet() -> None:
    edges = {((0, i), (1, j)): f"{i}{j}" for i in range(2) for j in range(2)}
    page = plot.network([2, 2], edge_labels=edges)
    places = {t.get_position() for t in page.axes[0].texts if t.get_text() in edges.values()}

    assert len(places) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"names": {(5, 0): "x"}}, r"no node \(5, 0\)"),
        ({"edge_labels": {((0, 0), (2, 0)): "w"}}, r"no edge"),
        ({"highlight": {"x"}}, "no node and no edge 'x'"),
    ],
)
def test_what_is_not_there_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot.network([1, 1, 1], **given)  # type: ignore[arg-type]


def test_a_network_has_layers_and_an_edge_two_nodes() -> None:
    with pytest.raises(ValueError, match=r"got \[3\]"):
        plot.network([3])
    with pytest.raises(ValueError, match="no node"):
        plot.diagram({"x": (0, 0)}, [("x", "y")])


def test_bars_stand_side_by_side_and_differ_in_hatch() -> None:
    page = plot.bars({"real": [1, 0], "predicted": [0.5, 0.25]}, ["Mon", "Tue"], ylabel="p")
    heights = [bar.get_height() for bar in page.axes[0].patches]  # type: ignore[attr-defined]

    assert heights == [1.0, 0.0, 0.5, 0.25]
    assert len({bar.get_hatch() for bar in page.axes[0].patches}) == 2


def test_bars_need_a_number_for_each_name() -> None:
    with pytest.raises(ValueError, match="'real' must have a number for each of 2 names, got 1"):
        plot.bars({"real": [1]}, ["Mon", "Tue"], ylabel="p")


def test_pictures_share_one_scale_and_leave_empty_places_empty() -> None:
    page = plot.images([[[0.0, 0.5]], [[2.0, 1.0]], [[1.0, 1.0]]], ["a", "b", "c"], columns=2)

    assert [len(ax.images) for ax in page.axes] == [1, 1, 1, 0]
    assert {ax.images[0].get_clim() for ax in page.axes[:3]} == {(0.0, 1.0)}
    assert page.alt == "Pictures: a; b; c"


def test_signed_pictures_are_the_lighter_the_larger_and_show_their_scale() -> None:
    """In grey print too: the lightness rises from the lowest number to the highest."""
    page = plot.images([[[1.0, -2.0]]], ["w"], signed=True)
    ax, scale = page.axes
    shades = ax.images[0].cmap([0.0, 0.25, 0.5, 0.75, 1.0])
    lightness = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b, _ in shades]

    assert lightness == sorted(lightness)
    assert ax.images[0].get_clim() == (-2.0, 2.0)
    assert [text.get_text() for text in ax.texts] == ["+1.00", "-2.00"]
    assert [text.get_text() for text in scale.get_yticklabels()] == ["-2", "0", "+2"]


def test_large_signed_pictures_have_no_numbers() -> None:
    page = plot.images([[[1.0] * 9] * 9], ["w"], signed=True, width=1.2)

    assert not page.axes[0].texts
    assert page.get_figwidth() == pytest.approx(1.2 + 0.8)


def test_pictures_need_titles() -> None:
    with pytest.raises(ValueError, match="got 2 for 1"):
        plot.images([[[0]]], ["a", "b"])


def test_what_is_highlighted_among_wide_lines_has_a_shade() -> None:
    edge = ((0, 0), (1, 0))
    page = plot.network([2, 1], edge_values={edge: 0.1, ((0, 1), (1, 0)): 1.0}, highlight={edge})
    without = plot.network([2, 1], edge_values={edge: 0.1, ((0, 1), (1, 0)): 1.0})

    assert (len(page.axes[0].lines), len(without.axes[0].lines)) == (1, 0)
    assert page.alt.endswith("with values from 0.1 to 1 on the lines, with 1 edge marked")


def test_biases_of_an_mlp_are_lines_of_their_own() -> None:
    random.seed(1)
    model = nn.MLP(1, [1])
    model.layers[0].neurons[0].b.data = -3.0  # type: ignore[union-attr]
    page = plot.network(model, bias=True)

    assert "widest line: 3; dashed: negative" in texts(page)


@pytest.mark.parametrize("sizes", [[4, 4], [2, 3, 3, 2, 2], [2, 5, 1], [3, 3]])
def test_no_label_of_a_line_covers_another(sizes: list[int]) -> None:
    layers = range(len(sizes) - 1)
    labels = {
        ((k, i), (k + 1, j)): f"-{i}.{j}{k}"
        for k in layers
        for i in range(sizes[k])
        for j in range(sizes[k + 1])
    }
    page = plot.network(sizes, edge_labels=labels)
    canvas = FigureCanvasAgg(page)
    canvas.draw()
    boxes = [
        text.get_window_extent(canvas.get_renderer())
        for text in page.axes[0].texts
        if text.get_text() in labels.values()
    ]
    assert len(boxes) == len(labels)
    meeting = [
        (a, b) for k, a in enumerate(boxes) for b in boxes[:k] if a.shrunk(0.9, 0.7).overlaps(b)
    ]
    assert meeting == []


def test_nodes_of_an_edge_stand_apart() -> None:
    with pytest.raises(ValueError, match="two nodes at one position"):
        plot.diagram({"x": (0, 0), "y": (0, 0)}, [("x", "y")])
    with pytest.raises(ValueError, match="there are no nodes"):
        plot.diagram({}, [])


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(ValueError, match="the dict is empty"):
        plot.bars({}, ["Mon"], ylabel="p")
    with pytest.raises(ValueError, match=r"rows of one length, got \[1, 2\]"):
        plot.images([[[1], [1, 2]]], ["a"])
    with pytest.raises(ValueError, match="at least one column"):
        plot.images([[[1]]], ["a"], columns=0)


def test_a_network_among_others_has_its_labels_too() -> None:
    page = plot.figure(1, 2)
    labels = {((0, i), (1, j)): f"w{i}{j}" for i in range(2) for j in range(2)}
    plot.network([2, 2], edge_labels=labels, ax=page.axes[1])

    assert set(labels.values()) <= {text.get_text() for text in page.axes[1].texts}
    assert page.alt == "A network of 2 and 2 units"
