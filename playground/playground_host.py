"""The playground's side of Python: runs a program, and answers about the graph that it computed."""

from __future__ import annotations

import ast
import builtins
import inspect
import json
import keyword
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, NamedTuple

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import label_of
from scalargrad.core.tape import Tape
from scalargrad.view.live.conversation import Conversation
from scalargrad.view.live.live import Live
from scalargrad.view.paint.svg import write

HERE = Path(__file__).parent
FILE = "program"  # the name of the user's program in tracebacks
_LARGEST = 1.2  # pixels for a point, beyond which a picture needs not be larger
SEED = 1  # of every run: a program draws the same numbers whenever it runs


class Answers:
    """Answers the questions of the page: each method without an underscore is one."""

    def __init__(self) -> None:
        self._talk: Conversation | None = None
        self._number: int | None = None

    def run(
        self, source: str, number: int = 0, room: tuple[float, float] = (560.0, 790.0),
        rankdir: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Run a program, and show its graph.

        Args:
            source: the program.
            number: of this run; `talk` answers only about the graph of the last run.
            room: the width and the height that the page has for the picture, in pixels.
            rankdir: the direction of the picture, "LR" or "TB"; by default the one that leaves it
                larger in this room.

        Returns:
            ``error``: None, or a message with its place; ``graph``: the first message of the live
            graph, or None; ``note``: why there is no graph, or "".
        """
        self._number = number
        error, shown = run(source)
        graph, note = None, ""
        if shown is None:
            self._talk = None
            note = "" if error else "No graph: the program assigns no Value."
        else:
            try:
                self._talk = Conversation(_live(shown, room, rankdir))
                graph = self._talk.answer({"type": "show"})
            except (TypeError, ValueError) as fault:  # such as a model that `show` was given
                self._talk, note = None, str(fault)
        return {"error": error, "graph": graph, "note": note}

    def talk(self, message: dict[str, Any], number: int = 0) -> dict[str, Any] | None:
        """The answer to a message of the live graph; None if that graph is gone."""
        if self._talk is None or number != self._number:
            return None
        return self._talk.answer(message)

    def svg(self) -> str | None:
        """The picture as it is, for a file; without styles, which the page must not parse."""
        return None if self._talk is None else write(self._talk.live.drawing.scene, in_page=True)

    def recorded(self) -> dict[str, str] | None:
        """The graph as a recorded program, without and with its gradient; None without a number."""
        value = None if self._talk is None else self._talk.live.value
        return None if value is None else recorded(value)


def answer(request: str) -> str:
    """The answer to a request of the page, both as JSON."""
    asked = json.loads(request)
    method: Callable[..., Any] = getattr(_answers, asked["method"])
    return json.dumps(method(**asked["params"]), allow_nan=False)


def warm_up() -> None:
    """Import what the first answers need, which are faster then."""
    answers = Answers()
    answers.run("from scalargrad import Value, losses, nn, optim\nx = Value(0.5)\ny = x.tanh() * x")
    for kind in ("explain", "film", "derivative"):
        answers.talk({"type": kind, "box": 0, "leaf": 0})
    answers.talk({"type": "back"})
    answers.svg()
    answers.recorded()


def _live(shown: Shown, room: tuple[float, float], rankdir: str) -> Live:
    """The live graph, in the direction that is asked for or else in the better one."""

    def scale(live: Live) -> float:
        scene = live.drawing.scene
        return min(room[0] / scene.width, room[1] / scene.height, _LARGEST)

    best = Live(shown.value, shown.model, rankdir=rankdir or "LR", engine="builtin")
    if not rankdir and scale(best) < _LARGEST:
        other = Live(shown.value, shown.model, rankdir="TB", engine="builtin")
        return max(best, other, key=scale)
    return best


def recorded(value: Value) -> dict[str, str]:
    """The graph of a value as programs, whose arguments are its leaves."""
    tape = Tape.of([value])
    numbers: dict[int, Any] = {i: tape.nodes[i].data for i in tape.leaves(0)}
    inputs = [i for i in numbers if not tape.nodes[i].is_constant and tape.nodes[i]._row is None]
    given = [numbers[i] for i in inputs]

    def graph(*arguments: Any) -> Any:
        nodes = {**numbers, **dict(zip(inputs, arguments, strict=True))}
        for i, row in enumerate(tape.rows):
            if i not in nodes:
                nodes[i] = row(*(nodes[tape.operands[e]] for e in tape.edges(i)))
        return nodes[len(tape) - 1]

    parameter, kind = inspect.Parameter, inspect.Parameter.POSITIONAL_ONLY
    graph.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter(name, kind) for name in _identifiers([label_of(tape.nodes[i]) for i in inputs])]
    )
    compiled = sg.compile(graph, backend="python")
    compiled.record(*given)
    return {"value": str(compiled.program), "gradient": str(compiled.gradient_program)}


def _identifiers(labels: list[str]) -> list[str]:
    """Names of arguments like these labels, all different: ``w_0`` for ``w[0]``."""
    names: list[str] = []
    for i, label in enumerate(labels):
        name = re.sub(r"\W+", "_", label).strip("_") or f"v{i + 1}"
        while not name.isidentifier() or keyword.iskeyword(name) or name in names:
            name = f"v_{name}"
        names.append(name)
    return names


class Shown(NamedTuple):
    """The value that a program wants to be drawn, and the model that names its parameters."""

    value: Value
    model: Any = None


class Place(NamedTuple):
    """Where an error is: the line from 1, and columns from 0, the last one excluded, if known."""

    line: int | None = None
    column: int | None = None
    endColumn: int | None = None  # a name of the page's


def run(source: str) -> tuple[dict[str, Any] | None, Shown | None]:
    """Run a program.

    Returns:
        None, or the message and the `Place` of an error; and what to draw, or None.
    """
    # The generator of all programs is drawn from while modules are imported, too
    random.seed(SEED)
    try:
        code, last = _compiled(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        return _syntax_error(fault), None
    asked: list[Shown] = []

    def show(value: Any, model: Any = None) -> None:
        """Draw the graph of this value; `model` names the parameters, as in `sg.draw`."""
        if not isinstance(value, Value):
            raise TypeError(f"show draws a Value, not {type(value).__name__}")
        asked.append(Shown(value, model))

    namespace: dict[str, Any] = {
        "__name__": "__main__",
        "__builtins__": {**vars(builtins), "input": _no_input},
        "show": show,
    }
    error = None
    try:
        # In a context of its own: a program that ends within `no_grad` leaves no mode behind
        copy_context().run(exec, code, namespace)
    except SystemExit:
        pass
    except BaseException as fault:  # whatever a program raises is shown at its line
        error = _runtime_error(fault, source)
    shown = asked[-1] if asked else _last(last, namespace)
    if shown and shown.model is None:
        shown = shown._replace(model=_model(namespace))
    _name(last, namespace)
    return error, shown


def _compiled(source: str) -> tuple[CodeType, list[str]]:
    """The code of a program, and the names that it assigns, in the order of its text.

    An expression on the last line is assigned as well, to a name that no program can write.
    """
    tree = ast.parse(source, FILE)
    names = [name for statement in tree.body for name in _assigned(statement)]
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        line = tree.body[-1]
        target = ast.copy_location(ast.Name("<last line>", ast.Store()), line)
        tree.body[-1] = ast.copy_location(ast.Assign([target], line.value), line)
        names.append(target.id)
    return compile(tree, FILE, "exec"), names


def _assigned(node: ast.AST) -> Iterator[str]:
    """The names that a statement assigns with ``=``, but not those within functions and classes.

    The variable of a loop is no result, and so is left out.
    """
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _assigned(child)
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
        targets = [node.target]
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                yield part.id


def _last(names: list[str], namespace: Mapping[str, Any]) -> Shown | None:
    """The last of these names that is a Value."""
    for name in reversed(names):
        if isinstance(namespace.get(name), Value):
            return Shown(namespace[name])
    return None


def _model(namespace: Mapping[str, Any]) -> Any:
    """The model of a program that has one, which names the parameters."""
    models = [x for x in namespace.values() if isinstance(x, sg.nn.Module) and x.parameters()]
    return models[0] if len({*map(id, models)}) == 1 else None


def _name(names: list[str], namespace: Mapping[str, Any]) -> None:
    """Give values without a label the names of the variables that hold them.

    So in lists and dicts, as ``w[0]``. The parameters of a model have names in the model.
    """
    in_models = {
        parameter
        for thing in namespace.values() if isinstance(thing, sg.nn.Module)
        for parameter in thing.parameters()
    }  # fmt: skip
    for name in dict.fromkeys(names):
        if not name.startswith(("_", "<")):
            for value, own in _named_in(namespace.get(name), name, 3):
                if value not in in_models and not label_of(value):
                    value.label = own


def _named_in(thing: Any, name: str, depth: int) -> Iterator[tuple[Value, str]]:
    if isinstance(thing, Value):
        yield thing, name
    elif depth and isinstance(thing, (list, tuple)):
        for i, element in enumerate(thing[:100]):
            yield from _named_in(element, f"{name}[{i}]", depth - 1)
    elif depth and isinstance(thing, dict):
        for key, element in [*thing.items()][:100]:
            yield from _named_in(element, f"{name}[{key!r}]", depth - 1)


def _no_input(prompt: object = "") -> str:
    raise RuntimeError("input() cannot ask here: write the number into the program instead")


# Errors


def _syntax_error(fault: Exception) -> dict[str, Any]:
    line = getattr(fault, "lineno", None)
    if not isinstance(fault, SyntaxError) or line is None:
        return {"message": f"{type(fault).__name__}: {fault}", **Place()._asdict()}
    start, end = fault.offset, fault.end_offset
    column = start - 1 if start and start > 0 else None
    ends_there = fault.end_lineno in (None, line) and end is not None and end > (start or 0)
    place = Place(line, column, end - 1 if end and ends_there and column is not None else None)
    return {"message": f"{type(fault).__name__}: {fault.msg}", **place._asdict()}


def _runtime_error(fault: BaseException, source: str) -> dict[str, Any]:
    places = [*_places(fault.__traceback__, source)]
    message = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
    if isinstance(fault, ModuleNotFoundError) and fault.name:
        message += ". Here are Python's own modules and scalargrad; NumPy and others are not"
    if len(places) > 1:
        callers = sorted({place.line for place in places[:-1] if place.line})
        if callers[:-1]:
            message += f" (called from lines {', '.join(map(str, callers[:5]))})"
        elif callers:
            message += f" (called from line {callers[0]})"
    return {"message": message, **(places[-1] if places else Place())._asdict()}


def _places(traceback: TracebackType | None, source: str) -> Iterator[Place]:
    """The lines of the program that ran, from the outermost call in."""
    lines = source.splitlines()
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILE:
            spans = [*code.co_positions()]
            line, last, start, end = spans[traceback.tb_lasti // 2]
            text = lines[line - 1] if line and line <= len(lines) else ""

            def column(offset: int | None, text: str = text) -> int | None:
                return (
                    None if offset is None else len(text.encode()[:offset].decode(errors="ignore"))
                )

            yield Place(traceback.tb_lineno, column(start), column(end) if last == line else None)
        traceback = traceback.tb_next


_answers = Answers()
