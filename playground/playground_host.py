"""The playground's side of Python: runs a program, and answers about the graph that it computed."""

from __future__ import annotations

import ast
import builtins
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from types import CodeType, TracebackType
from typing import Any, NamedTuple

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import label_of

FILE = "program"  # the name of the user's program in tracebacks
SEED = 1  # of every run: a program draws the same numbers whenever it runs


class Shown(NamedTuple):
    """The value that a program wants to be drawn, and the model that names its parameters."""

    value: Value
    model: Any = None


class Place(NamedTuple):
    """Where an error is: the line from 1, and columns from 0, the last one excluded, if known."""

    line: int | None = None
    column: int | None = None
    endColumn: int | None = None  # noqa: N815  # a name of the page's


def run(source: str) -> dict[str, Any]:
    """Run a program.

    Returns:
        ``error``: None, or a message and the `Place` of an error; ``shown``: the value to draw, a
        `Shown`, or None.
    """
    # The generator of all programs is drawn from while modules are imported, too
    random.seed(SEED)
    try:
        code, last = _compiled(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        return {"error": _syntax_error(fault, source), "shown": None}
    asked: list[Shown] = []

    def show(value: Any, model: Any = None) -> None:
        """Draw the graph of this value; `model` names the parameters, as in `sg.draw`."""
        if not isinstance(value, Value):
            raise TypeError(f"show draws a Value, not {type(value).__name__}")
        asked.append(Shown(value, model))

    namespace: dict[str, Any] = {
        "__name__": "__main__", "__builtins__": {**vars(builtins), "input": _no_input}, "show": show,
    }  # fmt: skip
    error = None
    try:
        # In a context of its own: a program that ends within `no_grad` must not leave it to the next
        copy_context().run(exec, code, namespace)
    except SystemExit:
        pass
    except BaseException as fault:  # whatever a program raises is shown at its line
        error = _runtime_error(fault, source)
    named = dict(_named(namespace))
    for value, name in named.items():
        if not label_of(value):
            value.label = name
    shown = asked[-1] if asked else _last(last, namespace)
    if shown and shown.model is None:
        shown = shown._replace(model=_model(namespace))
    return {"error": error, "shown": shown}


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
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
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


def _named(namespace: Mapping[str, Any]) -> Iterator[tuple[Value, str]]:
    """The values that variables hold, in lists and dicts too, with names for those without one."""
    for name, thing in namespace.items():
        if not name.startswith(("_", "<")):
            yield from _named_in(thing, name, 3)


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


def _syntax_error(fault: Exception, source: str) -> dict[str, Any]:
    line = getattr(fault, "lineno", None)
    if not isinstance(fault, SyntaxError) or line is None:
        return {"message": f"{type(fault).__name__}: {fault}", **Place()._asdict()}
    start, end = fault.offset, fault.end_offset
    column = start - 1 if start and start > 0 else None
    ends_there = fault.end_lineno in (None, line) and end is not None and end > (start or 0)
    place = Place(line, column, end - 1 if ends_there and column is not None else None)
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
                return None if offset is None else len(text.encode()[:offset].decode(errors="ignore"))

            yield Place(traceback.tb_lineno, column(start), column(end) if last == line else None)
        traceback = traceback.tb_next
