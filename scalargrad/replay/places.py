"""Where a function finds the Values that it uses: to notice when another Value is put there.

A recording follows the numbers in the Values that it met. If an attribute, an entry of a list or a
variable holds another Value later, the recording would go on with the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import getitem as _read_item
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from scalargrad.core.numbers import Traced

__all__ = ["Place", "all_hold", "places_of"]

_MOST = 20_000  # objects to look at


class Place:
    """A place that held a Value, or what holds it: a key, an index, an attribute or a cell.

    Args:
        read: reads the place anew, from `holder` and `key`.
        holder: a dict, a list, an object or a cell.
        key: a key, an index or a name.
        held: what it held.
        outer: the place that held the holder.
    """

    __slots__ = ("held", "holder", "key", "outer", "read")

    def __init__(
        self, read: Callable[[Any, Any], Any], holder: Any, key: Any, held: Any, outer: Place | None
    ) -> None:
        self.read, self.holder, self.key, self.held, self.outer = read, holder, key, held, outer


def all_hold(places: Iterable[Place]) -> bool:
    """Whether all places still hold what they held; each call asks it, so it is short."""
    try:
        for place in places:
            if place.read(place.holder, place.key) is not place.held:
                return False
    except (LookupError, AttributeError, ValueError):
        return False
    return True


def places_of(f: Callable[..., Any], values: Iterable[Any]) -> list[Place]:
    """The places that hold `values`, and those of what holds them, as far as `f` reaches them."""
    wanted = {id(value) for value in values}
    found: dict[int, Place] = {}
    seen: set[int] = set()
    stack: list[tuple[Any, Place | None]] = [(f, None)]
    while stack and len(seen) < _MOST:
        holder, place = stack.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        for read, container, key, content in _contents(holder):
            if isinstance(content, Traced):
                if id(content) in wanted:
                    inner: Place | None = Place(read, container, key, content, place)
                    while inner is not None and id(inner) not in found:
                        found[id(inner)] = inner
                        inner = inner.outer
            elif content is not None and not isinstance(content, (float, int, str, bytes)):
                stack.append((content, Place(read, container, key, content, place)))
    return list(found.values())


_Content = tuple[Callable[[Any, Any], Any], Any, Any, Any]


def _contents(x: Any) -> Iterator[_Content]:
    """What an object holds: how to read it again, from what, under which key, and the content."""
    if isinstance(x, FunctionType):
        if _is_own(x.__module__):
            return
        for cell in x.__closure__ or ():
            yield _read_cell, cell, None, _try(_read_cell, cell, None)
        names = _names(x.__code__)
        yield from _entries(x.__globals__, names)
        for name in names & x.__globals__.keys():
            module = x.__globals__[name]
            if isinstance(module, ModuleType) and not _is_own(module.__name__):
                yield from _entries(vars(module), names)
        yield from _parts(x.__defaults__, x.__kwdefaults__, vars(x))
    elif isinstance(x, MethodType):
        yield from _parts(x.__func__, x.__self__)
    elif isinstance(x, partial):
        yield from _parts(x.func, x.args, x.keywords)
    elif isinstance(x, dict):
        yield from _entries(x, x.keys())
    elif isinstance(x, (list, tuple)):
        for i, content in enumerate(x):
            yield _read_item, x, i, content
    elif isinstance(x, type):
        if x.__module__ != "builtins":
            for name, content in list(vars(x).items()):
                if name not in ("__dict__", "__weakref__", "__doc__"):
                    yield _read_static, x, name, content
    elif not isinstance(x, (ModuleType, CodeType)):
        if isinstance(own := getattr(x, "__dict__", None), dict):
            yield from _entries(own, own.keys())
        kind = type(x)
        for base in kind.__mro__:
            for name in _slots(base):
                yield _read_attribute, x, name, _try(_read_attribute, x, name)
            if not _is_own(base.__module__):
                yield from _parts(base)
        if isinstance(x, property):
            yield from _parts(x.fget)
        elif isinstance(x, (staticmethod, classmethod)):
            yield from _parts(x.__func__)


def _parts(*contents: Any) -> Iterator[_Content]:
    """Contents that cannot be replaced, or of which that is not worth watching."""
    for content in contents:
        yield _read_item, (content,), 0, content


def _entries(mapping: dict[Any, Any], keys: Iterable[Any]) -> Iterator[_Content]:
    for key in list(keys):
        content = mapping.get(key)
        if content is not None:
            yield _read_item, mapping, key, content


def _read_attribute(holder: Any, key: Any) -> Any:
    return getattr(holder, key)


def _read_static(holder: Any, key: Any) -> Any:
    return vars(holder)[key]


def _read_cell(holder: CellType, _: Any) -> Any:
    return holder.cell_contents


def _try(read: Callable[[Any, Any], Any], holder: Any, key: Any) -> Any:
    try:
        return read(holder, key)
    except (AttributeError, ValueError):  # not set yet
        return None


def _slots(base: type) -> tuple[str, ...]:
    slots = base.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple([name for name in names if name not in ("__dict__", "__weakref__")])


def _names(code: CodeType) -> set[str]:
    """The names of globals and attributes in a function, and in the functions inside it."""
    names = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= _names(inner)
    return names


def _is_own(module: str | None) -> bool:
    """Whether a module is part of this package, of Python or of NumPy: it holds no Values."""
    root = (module or "").partition(".")[0]
    return root in ("builtins", "numpy", "scalargrad") and not (module or "").startswith(
        "scalargrad.examples"
    )
