"""The Python side of "Watch it learn": a network that the library trains, and what is drawn."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from math import cos, isfinite, pi, sin
from time import perf_counter
from typing import Any

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.core.labels import format_number
from scalargrad.examples.lecture2 import network_at_work
from scalargrad.view.live.conversation import Conversation
from scalargrad.view.live.live import Live

REACH = 2.0  # the plane goes from -REACH to REACH in both directions
GRID = 15  # numbers of a heat map in each direction
MOST_POINTS, MOST_LAYERS, MOST_UNITS = 200, 6, 12
MOST_BOXES = 150  # of the graph of one sample

LOSSES: dict[str, Callable[[list[Any], list[float]], Any]] = {
    "perceptron": losses.perceptron,
    "hinge": losses.hinge,
    "squared error": lambda z, t: losses.squared_error(z, t, reduction="half_mean"),
    # its targets are probabilities
    "cross-entropy": lambda z, t: losses.binary_cross_entropy(z, [(tk + 1.0) / 2.0 for tk in t]),
}
ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky_relu", "gelu", "sin", "linear")
OPTIMISERS = ("SGD", "momentum", "Adam")

Point = list[float]  # x1, x2 and the class, -1 or 1


@dataclass(frozen=True)
class Settings:
    """What a network is, and how it learns.

    Attributes:
        hidden: the number of units in each hidden layer.
        activation: that of the hidden units.
        loss: a name in `LOSSES`.
        optimiser: one of `OPTIMISERS`.
        rate: the learning rate.
        scale: a factor on the weights at the beginning.
        seed: which weights are drawn.
        alone: whether each step learns from one point, one after the other, instead of from all.
        lecture: whether the weights are those of the lecture's network at work.
    """

    hidden: tuple[int, ...] = (8,)
    activation: str = "tanh"
    loss: str = "hinge"
    optimiser: str = "SGD"
    rate: float = 0.2
    scale: float = 1.0
    seed: int = 1
    alone: bool = False
    lecture: bool = False

    def checked(self) -> Settings:
        """These settings; a ValueError says what is wrong with them."""
        sizes = tuple(int(size) for size in self.hidden)
        if len(sizes) > MOST_LAYERS or not all(1 <= size <= MOST_UNITS for size in sizes):
            raise ValueError(
                f"a network has up to {MOST_LAYERS} hidden layers of 1 to {MOST_UNITS} units"
            )
        for name, known in (
            ("activation", ACTIVATIONS), ("loss", (*LOSSES,)), ("optimiser", OPTIMISERS),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise ValueError(f"the {name} must be one of {', '.join(known)}")
        for name in ("rate", "scale"):
            if not 0.0 <= getattr(self, name) <= 1e6:
                raise ValueError(f"the {name} must be a number from 0 to 1,000,000")
        return replace(self, hidden=sizes)


# --- data -----------------------------------------------------------------------------------


def _rounded(points: Sequence[tuple[float, float, int]]) -> list[Point]:
    return [[round(x, 3), round(y, 3), float(t)] for x, y, t in points]


def _corners() -> list[Point]:
    """The eight points of the lecture's network at work."""
    return _rounded(
        [(x, y, t) for (x, y), t in zip(network_at_work.X, network_at_work.T, strict=True)]
    )


def _cloud() -> list[Point]:
    """Twenty points around the same corners."""
    xs, ts = network_at_work.cloud(20, seed=2, spread=0.3)
    return _rounded([(x, y, t) for (x, y), t in zip(xs, ts, strict=True)])


def _ring() -> list[Point]:
    """A disc within a ring."""
    draw = random.Random(3)
    angles = [2.0 * pi * k / 10.0 + draw.uniform(-0.2, 0.2) for k in range(20)]
    sizes = [draw.uniform(0.1, 0.6) if k < 10 else draw.uniform(1.3, 1.7) for k in range(20)]
    return _rounded([
        (r * cos(a), r * sin(a), 1 if k < 10 else -1)
        for k, (r, a) in enumerate(zip(sizes, angles, strict=True))
    ])  # fmt: skip


def _spirals() -> list[Point]:
    """Two spirals, one within the other."""
    points = []
    for k in range(12):
        r, a = 0.25 + 0.13 * k, 0.45 * k
        points += [(r * cos(a), r * sin(a), 1), (-r * cos(a), -r * sin(a), -1)]
    return _rounded(points)


def _line() -> list[Point]:
    """Two classes that a line separates."""
    draw = random.Random(5)
    points = []
    for k in range(20):
        t = 1 if k % 2 else -1
        points.append((0.8 * t + draw.gauss(0.0, 0.35), 0.5 * t + draw.gauss(0.0, 0.45), t))
    return _rounded(points)


DATA: dict[str, Callable[[], list[Point]]] = {
    "corners": _corners, "cloud": _cloud, "ring": _ring, "spirals": _spirals, "line": _line,
}  # fmt: skip


# --- what one begins with -------------------------------------------------------------------


@dataclass(frozen=True)
class Preset:
    """A beginning: its title, what to look for, its settings and its data."""

    title: str
    about: str
    settings: Settings
    data: str


PRESETS = {
    "work": Preset(
        "The network at work, from the lecture",
        "A 2-5-1 network with the perceptron loss: at step 11 all eight points are on their "
        "sides. Then the loss and its gradient are exactly 0, and nothing moves any more.",
        Settings((5,), "tanh", "perceptron", "SGD", 0.2, lecture=True), "corners",
    ),
    "margin": Preset(
        "The same with a margin and momentum",
        "The hinge pushes on until z·t reaches 1, so the boundary keeps a distance to the points.",
        Settings((5,), "tanh", "hinge", "momentum", 0.2, lecture=True), "corners",
    ),
    "cloud": Preset(
        "Twenty points, eight units",
        "Each unit bends the plane once; watch its picture, and how the output adds them up.",
        Settings((8,), "tanh", "hinge", "SGD", 0.3), "cloud",
    ),
    "ring": Preset(
        "A disc in a ring, relu units",
        "Each relu unit is a half-plane. Take away units until it fails: three are enough.",
        Settings((6,), "relu", "cross-entropy", "Adam", 0.05), "ring",
    ),
    "spirals": Preset(
        "Two spirals, two hidden layers",
        "The second layer learns shapes from the lines of the first one.",
        Settings((10, 8), "tanh", "cross-entropy", "Adam", 0.03, seed=3), "spirals",
    ),
    "vanish": Preset(
        "Gradients that vanish",
        "Six layers of sigmoid units. A sigmoid's slope is at most 1/4, so each layer costs the "
        "gradient a factor: the bars fall by powers of ten, and the first layers learn nothing. "
        "Choose tanh instead, and the network learns.",
        Settings((4, 4, 4, 4, 4, 4), "sigmoid", "cross-entropy", "SGD", 0.3), "cloud",
    ),
    "explode": Preset(
        "Gradients that explode",
        "Five layers of relu units with weights four times as large: each layer makes what it "
        "passes on larger, forward and backward. The gradients are in the millions, and one step "
        "takes the loss from 10⁷ to 10³⁴. Set the factor of the weights to 1, and it learns.",
        Settings((6, 6, 6, 6, 6), "relu", "squared error", "SGD", 0.1, scale=4.0), "cloud",
    ),
    "dead": Preset(
        "Units that die",
        "The rate is too high for relu: large steps push units to where they are 0 for every "
        "point. Their pictures turn blank, and no gradient ever reaches them again.",
        Settings((8,), "relu", "squared error", "momentum", 0.7, seed=3), "cloud",
    ),
}  # fmt: skip


# --- the network while it learns ------------------------------------------------------------


class Training:
    """A network, its points, and the forward and backward pass at its weights of now."""

    def __init__(self, settings: Settings, points: Sequence[Point]) -> None:
        self.settings = settings = settings.checked()
        random.seed(settings.seed)
        activation = None if settings.activation == "linear" else settings.activation
        self.model = nn.MLP(2, [*settings.hidden, 1], activation)
        parameters = self.model.parameters()
        if settings.lecture and settings.hidden == (5,):
            self.model.load_state_dict(network_at_work.build().state_dict())
        for parameter in parameters:
            parameter.data *= settings.scale
        rate = settings.rate
        self.optimiser: optim.Optimizer = (
            optim.Adam(parameters, rate) if settings.optimiser == "Adam"
            else optim.SGD(parameters, rate, 0.9 if settings.optimiser == "momentum" else 0.0)
        )  # fmt: skip
        self.step = 0
        self.fault = ""
        self.points: list[Point] = []
        self.outputs: list[list[list[Value]]] = []
        self.loss: float | None = None
        self._maps = sg.compile(
            self._every_output, params=parameters, backend="python", allow_nonfinite=True
        )
        self.place(points)

    def _every_output(self, x: Sequence[Any]) -> list[Any]:
        """The outputs of all units, layer by layer."""
        found: list[Any] = []
        for layer in self.model.layers:
            x = layer(x)
            found += x
        return found

    def place(self, points: Sequence[Point]) -> None:
        """Take these points in the place of those before; the weights stay."""
        if not 1 <= len(points) <= MOST_POINTS:
            raise ValueError(f"it learns from 1 to {MOST_POINTS} points, got {len(points)}")
        self.points = [[float(x), float(y), 1.0 if t > 0 else -1.0] for x, y, t in points]
        self.fault = ""
        self._look()

    def _chosen(self) -> list[int]:
        """The points that the next step learns from."""
        return [self.step % len(self.points)] if self.settings.alone else [*range(len(self.points))]

    def _look(self) -> None:
        """The forward and the backward pass."""
        try:
            self.outputs = []
            for x1, x2, _ in self.points:
                x: Any = [x1, x2]
                layers = []
                for layer in self.model.layers:
                    x = layer(x)
                    layers.append(x)
                self.outputs.append(layers)
            chosen = self._chosen()
            z = [self.outputs[k][-1][0] for k in chosen]
            loss = LOSSES[self.settings.loss](z, [self.points[k][2] for k in chosen])
            self.optimiser.zero_grad()
            loss.backward()
            self.loss = loss.data
            if not isfinite(loss.data):
                raise OverflowError(f"the loss is {format_number(loss.data)}")
            if not all(isfinite(p.grad) for p in self.optimiser.parameters):
                raise OverflowError("a gradient is no finite number")
        except (ArithmeticError, ValueError) as error:
            self.fault = (
                f"Step {self.step}: {error}. The numbers have exploded; a lower rate, smaller "
                "weights at the beginning or fewer layers keep them finite."
            )

    def advance(self) -> None:
        """One step: the optimiser changes the weights, and a pass shows what they do now."""
        if not self.fault:
            self.optimiser.step()
            self.step += 1
            self._look()

    def right(self) -> int:
        """How many points are on their side."""
        pairs = zip(self.outputs, self.points, strict=True)
        return sum(layers[-1][0].data * point[2] > 0.0 for layers, point in pairs)

    def maps(self) -> list[list[float]]:
        """The output of each unit over the plane, row by row from the top left."""
        ends = [REACH * (2.0 * k / (GRID - 1) - 1.0) for k in range(GRID)]
        plane = [[x1, x2] for x2 in reversed(ends) for x1 in ends]
        try:
            found = self._maps(plane)
        except (ArithmeticError, ValueError):  # the weights have exploded
            return []
        return [[float(f"{y:.4g}") if isfinite(y) else 0.0 for y in column] for column in found]


def _plain(x: float) -> float | None:
    """A number for JSON, which has no nan and no infinity."""
    return float(f"{x:.6g}") if isfinite(x) else None


class Answers:
    """Answers the questions of the page: each method without an underscore is one."""

    def __init__(self) -> None:
        self._training = Training(PRESETS["work"].settings, DATA["corners"]())
        self._talk: Conversation | None = None

    def begin(self) -> dict[str, Any]:
        """What there is to choose from."""
        return {
            "presets": {
                name: {
                    "title": p.title, "about": p.about, "data": p.data,
                    "settings": {f.name: getattr(p.settings, f.name) for f in fields(Settings)},
                }
                for name, p in PRESETS.items()
            },
            "data": {name: make() for name, make in DATA.items()},
            "losses": [*LOSSES], "activations": ACTIVATIONS, "optimisers": OPTIMISERS,
            "reach": REACH, "grid": GRID, "layers": MOST_LAYERS, "units": MOST_UNITS,
            "points": MOST_POINTS,
        }  # fmt: skip

    def setup(
        self, settings: dict[str, Any], points: Sequence[Point], chosen: int = 0
    ) -> dict[str, Any]:
        """A new network with other settings; see `frame`."""
        given = {**settings, "hidden": tuple(settings["hidden"])}
        self._training = Training(Settings(**given), points)
        return self.frame(chosen)

    def place(self, points: Sequence[Point], chosen: int = 0) -> dict[str, Any]:
        """Other points for the same network; see `frame`."""
        self._training.place(points)
        return self.frame(chosen)

    def rate(self, rate: float, chosen: int = 0) -> dict[str, Any]:
        """Another learning rate for the steps to come; see `frame`."""
        training = self._training
        training.settings = replace(training.settings, rate=float(rate)).checked()
        training.optimiser.lr = float(rate)
        return self.frame(chosen)

    def run(self, most: int = 1, milliseconds: float = 0.0, chosen: int = 0) -> dict[str, Any]:
        """Up to `most` steps, as many as fit into the time but at least one; see `frame`.

        ``losses`` are those after each of the steps.
        """
        training, losses_of = self._training, []
        end = perf_counter() + milliseconds / 1000.0
        for k in range(most):
            if training.fault or (k and perf_counter() >= end):
                break
            training.advance()
            losses_of.append(_plain(training.loss or 0.0))
        return {**self.frame(chosen), "losses": losses_of}

    def frame(self, chosen: int = 0) -> dict[str, Any]:
        """What the page draws: weights, gradients, the chosen point, the plane.

        Returns:
            ``step``, ``loss``, ``fault``, ``right``; ``layers``: for each the weights ``w`` by
            unit, the biases ``b``, their gradients ``gw`` and ``gb``, and ``norm``, the root mean
            square of these gradients; ``chosen``: the index of a point, and for it by layer ``a``,
            the outputs, ``z``, before the activation, and ``delta``, the derivative of the loss by
            z; ``outputs``: that of the network for each point; ``maps``: the output of each unit
            over the plane.
        """
        training = self._training
        chosen = chosen if 0 <= chosen < len(training.points) else 0
        layers = []
        for layer in training.model.layers:
            w = [[_plain(x.data) for x in neuron.w] for neuron in layer.neurons]
            gw = [[_plain(x.grad) for x in neuron.w] for neuron in layer.neurons]
            b = [_plain(neuron.b.data) for neuron in layer.neurons]
            gb = [_plain(neuron.b.grad) for neuron in layer.neurons]
            grads = [p.grad for p in layer.parameters()]
            norm = _plain((sum(g * g for g in grads) / len(grads)) ** 0.5)
            layers.append({"w": w, "b": b, "gw": gw, "gb": gb, "norm": norm})
        shown = training.outputs[chosen] if chosen < len(training.outputs) else []
        before = [[_before(a) for a in layer] for layer in shown]
        return {
            "step": training.step, "loss": _plain(training.loss or 0.0), "fault": training.fault,
            "right": training.right() if not training.fault else 0, "layers": layers,
            "sizes": [2, *training.settings.hidden, 1],
            "chosen": {
                "index": chosen, "point": training.points[chosen],
                "learns": chosen in training._chosen(),
                "a": [[_plain(a.data) for a in layer] for layer in shown],
                "z": [[_plain(z.data) for z in layer] for layer in before],
                "delta": [[_plain(z.grad) for z in layer] for layer in before],
            },
            "outputs": [_plain(layers[-1][0].data) for layers in training.outputs],
            "maps": training.maps(),
        }  # fmt: skip

    def unit(self, layer: int, unit: int, chosen: int = 0) -> dict[str, Any]:
        """How a unit computes its output for a point, and its δ, in numbers."""
        training = self._training
        neuron = training.model.layers[layer].neurons[unit]
        point = training.points[chosen]
        if training.fault:
            return {"lines": [training.fault]}
        given = point[:2] if not layer else [a.data for a in training.outputs[chosen][layer - 1]]
        a = training.outputs[chosen][layer][unit]
        z = _before(a)
        names = [f"x{i + 1}" if not layer else f"a{i + 1}" for i in range(len(given))]
        number = format_number
        terms = [
            f"{_bracketed(number(w.data))}·{_bracketed(number(x))}"
            for w, x in zip(neuron.w, given, strict=True)
        ]
        lines = [
            "z = " + " + ".join(f"w{i + 1}·{name}" for i, name in enumerate(names)) + " + b",
            f"  = {' + '.join(terms)} + {_bracketed(number(neuron.b.data))} = {number(z.data)}",
        ]
        if a is not z:
            lines.append(f"a = {a.op}(z) = {number(a.data)}")
        lines.append(f"δ = ∂E/∂z = {number(z.grad)}")
        if a is not z:
            lines.append(f"  = ∂E/∂a · {a.op}'(z) = {number(a.grad)} · {number(a.partials[0])}")
        lines += [
            f"∂E/∂w{i + 1} = {number(w.grad)}   w{i + 1} = {number(w.data)}"
            for i, w in enumerate(neuron.w)
        ]
        lines.append(f"∂E/∂b = {number(neuron.b.grad)}   b = {number(neuron.b.data)}")
        return {"lines": lines}

    def graph(self, chosen: int = 0) -> dict[str, Any]:
        """The live graph of the loss of one point, whose messages `talk` answers."""
        training = self._training
        x1, x2, t = training.points[chosen]
        z = training.model([Value(x1, "x1"), Value(x2, "x2")])
        z.label = "z"
        loss = LOSSES[training.settings.loss]([z], [t])
        loss.label = "E"
        live = Live(loss, training.model, MOST_BOXES, engine="builtin")
        self._talk = Conversation(live)
        return self._talk.answer({"type": "show"})

    def talk(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a message of that graph."""
        return self._talk and self._talk.answer(message)


def _before(a: Value) -> Value:
    """The number before the activation: of a linear unit the output itself."""
    before: Value = a.parents[0] if len(a.parents) == 1 else a
    return before


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def answer(request: str) -> str:
    """The answer to a request of the page, both as JSON."""
    asked = json.loads(request)
    try:
        method: Callable[..., Any] = getattr(_answers, asked["method"])
        return json.dumps(method(**asked["params"]), allow_nan=False)
    except (TypeError, ValueError) as error:
        return json.dumps({"error": str(error)})


def warm_up() -> None:
    """Import what the first answers need, which are faster then."""
    answers = Answers()
    answers.run()
    answers.unit(0, 0)
    answers.graph()


_answers = Answers()
