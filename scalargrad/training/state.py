"""The state of a model and its loss, Values aside: found, compared, and put back after a trial run.

Found are attributes, lists, dicts, sets, arrays and random generators that the functions reach by
their attributes, closures, default arguments and the global names in their code. What is written
elsewhere, such as a file, is not seen. The numbers in Values belong to training and to all threads.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)  # fmt: skip
from typing import Any

from scalargrad.core.numbers import Traced
from scalargrad.replay.compiled import Compiled
from scalargrad.replay.draws import is_generator, no_draws
from scalargrad.replay.recorder import RecordingError

__all__ = ["unchanged"]

_NUMBERS = frozenset([int, float, complex, str, bytes, bool])
_ATOMS = _NUMBERS | {
    type(None), range, slice, CodeType, BuiltinFunctionType, MemberDescriptorType,
    GetSetDescriptorType,
}  # fmt: skip
_LIBRARIES = (sys.stdlib_module_names | {"numpy", "numba", "jax", "jaxlib", "scalargrad"}) - {
    "__main__"
}
# What threads and processes share: another thread may change it at any time, and waits for it.
_SHARED = ("_thread", "threading", "queue", "_queue", "concurrent", "asyncio", "multiprocessing",
           "logging")  # fmt: skip
_NOTHING: Any = object()  # a name or cell without a value

Part = tuple[str, Callable[[], Any], Any, Callable[[Any], Any]]  # what, read, as it was, put


@contextmanager
def unchanged(*roots: Any, data: Iterable[Any] = ()) -> Iterator[None]:
    """Put back what a block changes in the state of functions, and refuse it if it does.

    Args:
        *roots: the functions and objects whose state it is.
        data: objects that are not looked into.

    Raises:
        RecordingError: the block changes the state, or draws random numbers.
    """
    state = _State(roots, data)
    changed: list[str] = []
    with no_draws("the model or the loss", state.generators):
        try:
            yield
        finally:
            changed += state.restored()
    if changed:
        raise RecordingError(
            f"the model or the loss changes {changed[0]} when it is called, which a replay does not"
        )


class _State:
    """Everything that functions reach, as it was."""

    def __init__(self, roots: Sequence[Any], data: Iterable[Any]) -> None:
        self.parts: list[Part] = []
        self.generators: list[Any] = []
        self.slots: dict[type, list[str]] = {}
        self.globals: set[tuple[int, str]] = set()
        self.kept = [*data]  # ids are of objects that live
        self.seen = set(map(id, self.kept))
        self.rest = list(roots)
        while self.rest:
            x = self.rest.pop()
            kind = type(x)
            if kind in _ATOMS or id(x) in self.seen or isinstance(x, Traced):
                continue
            if _library(kind) in _SHARED:
                continue
            self.seen.add(id(x))
            self.kept.append(x)
            self._visit(x)

    def restored(self) -> list[str]:
        """Put back what has changed, and return its descriptions."""
        changed = []
        for what, read, before, put in self.parts:
            if not _same(read(), before):
                put(before)
                changed.append(what)
        return changed

    def _part(self, what: str, read: Callable[[], Any], put: Callable[[Any], Any]) -> Any:
        before = read()
        self.parts.append((what, read, before, put))
        return before

    def _visit(self, x: Any) -> None:
        if type(x) in (list, dict, tuple):
            self._object(x)
        elif isinstance(x, FunctionType):
            self._function(x)
        elif isinstance(x, MethodType):
            self.rest += [x.__self__, x.__func__]
        elif isinstance(x, BuiltinFunctionType):
            self.rest.append(x.__self__)
        elif isinstance(x, partial):
            self.rest += [x.func, *x.args, *x.keywords.values()]
        elif isinstance(x, property):
            self.rest += [x.fget]
        elif isinstance(x, (staticmethod, classmethod)):
            self.rest.append(x.__func__)
        elif isinstance(x, Compiled):
            self.rest.append(x.f)
        elif isinstance(x, ModuleType):
            return
        elif isinstance(x, type):
            self._class(x)
        elif is_generator(x):
            self.generators.append(x)
        elif isinstance(x, Iterator):
            raise RecordingError(
                f"the model or the loss holds a {type(x).__name__}, which a trial run would advance"
            )
        else:
            self._object(x)

    def _object(self, x: Any) -> None:
        if isinstance(x, (list, deque, bytearray)):
            self._elements(x, partial(list, x), partial(_refill, x))
        elif isinstance(x, dict):
            self._elements(x, partial(_flat, x), partial(_redict, x))
        elif isinstance(x, set):
            self._elements(x, partial(list, x), partial(_reset, x))
        elif isinstance(x, (tuple, frozenset)):
            self.rest += [v for v in x if type(v) not in _ATOMS]
        elif hasattr(x, "__array_interface__") and hasattr(x, "__setitem__"):  # no NumPy scalar
            self._part("an array", x.copy, partial(x.__setitem__, ...))
        if type(x) in (list, dict, tuple):
            return
        attributes = getattr(x, "__dict__", None)
        if isinstance(attributes, dict):
            self._names(attributes, f"an attribute of a {type(x).__name__}")
        self.rest.append(type(x))
        for name in self._slots(type(x)):
            read, put = partial(getattr, x, name, _NOTHING), partial(_set_attribute, x, name)
            self.rest.append(self._part(f"{type(x).__name__}.{name}", read, put))

    def _slots(self, kind: type) -> list[str]:
        if kind not in self.slots:
            self.slots[kind] = [
                name
                for base in kind.__mro__
                if _is_theirs(base)
                for name, member in vars(base).items()
                if isinstance(member, MemberDescriptorType)
            ]
        return self.slots[kind]

    def _elements(
        self, x: Any, read: Callable[[], list[Any]], put: Callable[[list[Any]], Any],
        what: str = "",
    ) -> None:  # fmt: skip
        before = self._part(what or f"a {type(x).__name__}", read, put)
        self.rest += [v for v in before if type(v) not in _ATOMS]

    def _names(self, names: dict[str, Any], owner: str) -> None:
        self._elements(names, partial(_flat, names), partial(_redict, names), owner)

    def _name(self, names: dict[str, Any], name: str, value: Any) -> None:
        def put(value: Any) -> None:
            if value is _NOTHING:
                names.pop(name, None)
            else:
                names[name] = value

        self.parts.append((name, lambda: names.get(name, _NOTHING), value, put))
        if type(value) not in _ATOMS:
            self.rest.append(value)

    def _function(self, f: FunctionType) -> None:
        if not _is_theirs(f):
            return
        if f.__dict__:
            self._names(f.__dict__, f"an attribute of {f.__name__}")
        self.rest += [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            if id(cell) not in self.seen:
                self.seen.add(id(cell))
                self.kept.append(cell)
                put = partial(_set_cell, cell)
                self.rest.append(self._part(name, partial(_cell_contents, cell), put))
        self._globals(f.__globals__, _names_in(f.__code__))

    def _globals(self, names: dict[str, Any], used: set[str]) -> None:
        for name in used:
            key = (id(names), name)
            if name in names and key not in self.globals:
                self.globals.add(key)
                value = names[name]
                # Installed modules are tools: their functions are followed where they are used.
                if (
                    isinstance(value, ModuleType)
                    and _is_theirs(value)
                    and "site-packages" not in str(getattr(value, "__file__", ""))
                ):
                    self._globals(vars(value), used)
                self._name(names, name, value)

    def _class(self, kind: type) -> None:
        for base in kind.__mro__:
            if not _is_theirs(base) or (base is not kind and id(base) in self.seen):
                continue
            self.seen.add(id(base))
            for name, value in list(vars(base).items()):
                if name in ("__dict__", "__weakref__", "__doc__") or type(value) in (
                    MemberDescriptorType, GetSetDescriptorType,
                ):  # fmt: skip
                    continue
                self._part(
                    f"{base.__name__}.{name}", partial(vars(base).get, name, _NOTHING),
                    partial(_set_attribute, base, name),
                )  # fmt: skip
                self.rest.append(value)


def _is_theirs(x: Any) -> bool:
    """Whether a class, function or module is the user's, and so may keep a state."""
    return _library(x) not in _LIBRARIES


def _library(x: Any) -> str:
    """The package that a class or function is from, or that a module belongs to."""
    name = x.__name__ if isinstance(x, ModuleType) else x.__module__
    return str(name).partition(".")[0]


def _names_in(code: CodeType) -> set[str]:
    """The names that a function and the functions inside it use."""
    inside = [_names_in(c) for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*inside)


def _cell_contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _NOTHING


def _set_cell(cell: CellType, value: Any) -> None:
    if value is _NOTHING:
        del cell.cell_contents
    else:
        cell.cell_contents = value


def _set_attribute(x: Any, name: str, value: Any) -> None:
    if value is _NOTHING:
        delattr(x, name)
    else:
        setattr(x, name, value)


def _refill(x: Any, elements: list[Any]) -> None:
    if isinstance(x, deque):
        x.clear()
        x.extend(elements)
    else:
        x[:] = elements


def _flat(x: dict[Any, Any]) -> list[Any]:
    return [v for pair in x.items() for v in pair]


def _redict(x: dict[Any, Any], flat: list[Any]) -> None:
    x.clear()
    x.update(zip(flat[::2], flat[1::2], strict=True))


def _reset(x: set[Any], elements: list[Any]) -> None:
    x.clear()
    x.update(elements)


def _same(now: Any, before: Any) -> bool:
    """Whether something is still the same object, or an equal number or text."""
    if now is before:
        return True
    if type(now) is not type(before):
        return False
    if type(now) is list:
        return len(now) == len(before) and all(map(_same, now, before))
    if hasattr(now, "tobytes"):
        return bool(now.shape == before.shape) and bool(now.tobytes() == before.tobytes())
    return type(now) in _NUMBERS and bool(now == before or (now != now and before != before))
