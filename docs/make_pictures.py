"""Draw the pictures of the README with the built-in layout."""

import random
from pathlib import Path

import scalargrad as sg
from scalargrad import losses, nn
from scalargrad.examples.lecture2 import seven_node


def seven_nodes() -> sg.Drawing:
    net = seven_node.build()
    net.E.backward()
    return sg.draw(net.E, engine="builtin")


def backward_pass() -> sg.Film:
    """The film of the network's output alone, so that it can be read in the width of a page."""
    return sg.steps(seven_node.build().z[7], engine="builtin")


def large_network() -> sg.Drawing:
    random.seed(7)
    model = nn.MLP(3, [32, 32, 1], activation="tanh")
    X = [[random.uniform(-1.0, 1.0) for _ in range(3)] for _ in range(400)]
    loss = losses.squared_error([model(x) for x in X], [sum(x) for x in X], "mean")
    loss.label = "loss"
    loss.backward()
    return sg.draw(loss, model, engine="builtin")


def diagnosed() -> sg.Drawing:
    random.seed(0)
    model = nn.MLP(2, [4, 4, 1], activation="relu")
    for parameter in model.layers[0].neurons[1].parameters():
        parameter.data = -5.0
    loss = sg.mean([(model([random.random(), random.random()]) - 1.0) ** 2 for _ in range(5)])
    loss.label = "loss"
    return sg.diagnose(loss, model).draw(max_nodes=40, engine="builtin")


if __name__ == "__main__":
    folder = Path(__file__).with_name("pictures")
    seven_nodes().save(folder / "seven_node.svg")
    backward_pass().save(folder / "backward_pass.svg")
    large_network().save(folder / "large_network.svg")
    diagnosed().save(folder / "diagnosed.svg")
