"""Nestings of numbers in lists, dicts, arrays, dataclasses and others, as functions take them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from scalargrad.core.arguments import check_unmasked
from scalargrad.core.numbers import Traced, is_number, shown

__all__ = [
    "is_container", "is_static", "leaves", "names_in", "nested", "refilled", "refiller",
    "register_container", "skeleton", "values_in", "without_numbers",
]  # fmt: skip


_DEEPEST = 100  # levels; a list that contains itself has infinitely many
_BUILT_IN = (list, tuple, dict, str, bool, int, float, complex, bytes, set, frozenset, type(None))


class _Kind(NamedTuple):
    """How the containers of a registered class are taken apart and put together."""

    flatten: Callable[[Any], Any]
    unflatten: Callable[[Any, Any], Any]


_REGISTERED: dict[type, _Kind] = {}


def register_container(
    cls: type, flatten: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten: Callable[[Any, tuple[Any, ...]], Any],
) -> None:  # fmt: skip
    """Make a class of yours one of the containers that arguments and results may be nested in.

    Lists, tuples, named tuples, dicts, arrays, pandas Series and dataclasses need no registration.

    Args:
        cls: the class; its subclasses are registered on their own.
        flatten: a function of an instance that returns a pair: the list of its parts, each a number
            or a nesting, and whatever else `unflatten` needs.
        unflatten: a function of that second item and a tuple of new parts that returns an instance.
            It should not check the parts: they are derivatives, too, and Values.

    Returns:
        None; a second registration of a class takes the place of the first.

    Raises:
        TypeError: `cls` is not a class, or one of the other two no function.
        ValueError: `cls` is a built-in type.

    >>> class Interval:
    ...     def __init__(self, low, high):
    ...         self.low, self.high = low, high
    >>> sg.register_container(Interval, lambda i: ([i.low, i.high], None),
    ...                       lambda _, parts: Interval(*parts))
    >>> derivative = sg.grad(lambda i: i.high**2 - i.low)(Interval(1.0, 3.0))
    >>> derivative.low, derivative.high
    (-1.0, 6.0)
    """
    if not isinstance(cls, type):
        raise TypeError(f"register_container takes a class, got {shown(cls)}")
    for name, function in (("flatten", flatten), ("unflatten", unflatten)):
        if not callable(function):
            raise TypeError(f"register_container: {name} must be a function, got {shown(function)}")
    if cls in _BUILT_IN or issubclass(cls, Traced):
        raise ValueError(f"register_container: {cls.__name__} has its meaning already")
    _REGISTERED[cls] = _Kind(flatten, unflatten)


def is_static(x: Any) -> bool:
    """Whether `x` is a leaf that is no number: None, a text or a flag stay as they are."""
    return (
        x is None
        or isinstance(x, (str, bool))
        or type(x).__name__ in ("bool", "bool_")  # NumPy's, which must not be imported to ask
    )


def is_container(x: Any) -> bool:
    """Whether `x` has names for its parts, or is of a class that was registered."""
    return (
        isinstance(x, dict) or x.__class__ in _REGISTERED or hasattr(x, "_fields")
        or _is_dataclass(x)
    )  # fmt: skip


def nested(
    f: Callable[[Any], Any], tree: Any, where: str, level: int = 0, *, derivatives: bool = False,
    fixed: Callable[[Any], Any] | None = None, strict: bool = True,
    whole: Callable[[Any], bool] | None = None,
) -> Any:  # fmt: skip
    """Apply `f` to every number of a nesting; the result has the same nesting.

    Args:
        f: the function of a number.
        tree: the nesting. None, texts and bools in it stay as they are.
        where: what it is called in errors.
        level: how deep it stands in another one.
        derivatives: whether the results are derivatives. A dataclass is made by its constructor,
            except of derivatives, which need not be what the constructor accepts.
        fixed: what gives the leaf in the place of one that is no number; by default the same.
        strict: whether other objects are errors; else they stay as they are.
        whole: which objects take the place of a number, and are given to `f`.

    Raises:
        TypeError: something in it is neither; the message says where it stands.
        ValueError: the nesting contains itself.
    """
    if tree.__class__ is float or isinstance(tree, Traced) or (whole and whole(tree)):
        return f(tree)
    if level > _DEEPEST:
        raise ValueError(
            f"{where[:40]}... is nested more than {_DEEPEST} levels deep, or contains itself"
        )
    level += 1

    def part(x: Any, name: str) -> Any:
        more = f"{where}{name}"
        return nested(
            f, x, more, level, derivatives=derivatives, fixed=fixed, strict=strict, whole=whole
        )

    if tree.__class__ in _REGISTERED:
        kind = _REGISTERED[tree.__class__]
        parts, rest = _flattened(kind, tree)
        return kind.unflatten(rest, tuple([part(x, f"[{i}]") for i, x in enumerate(parts)]))
    if isinstance(tree, dict):
        return {key: part(x, f"[{key!r}]") for key, x in tree.items()}
    if isinstance(tree, (list, tuple)):
        mapped = [
            f(x)  # the frequent kinds without writing where they stand: 0.1 us instead of 0.5
            if x.__class__ is float or isinstance(x, Traced)
            else part(x, f"[{i}]")
            for i, x in enumerate(tree)
        ]
        if hasattr(tree, "_fields"):  # a named tuple
            return tree._make(mapped)  # type: ignore[union-attr]
        return mapped if isinstance(tree, list) else tuple(mapped)
    if getattr(tree, "shape", None) and (strict or _holds_objects(tree)):
        import numpy as np  # an array implies that NumPy is installed

        check_unmasked(tree, where)
        flat = [
            f(x) if x.__class__ is float else part(x, f"[{i}]")
            for i, x in enumerate(np.ravel(tree).tolist())
        ]
        return _labelled(tree, flat) if _is_pandas(tree) else _array(tree, flat)
    if _is_dataclass(tree):
        fields = _fields(tree)
        changed = {name: part(x, f".{name}") for name, x in fields.items()}
        return _remade(tree, changed, derivatives)
    if is_static(tree):
        return fixed(tree) if fixed else tree
    if not is_number(tree):
        if not strict:
            return tree
        raise TypeError(
            f"{where} must be a number, a Value, or a nesting of them (lists, tuples, dicts, "
            f"arrays, dataclasses; sg.register_container adds others), got {shown(tree)}"
        )
    return f(tree)


def _holds_objects(array: Any) -> bool:
    return getattr(getattr(array, "dtype", None), "kind", "") == "O"


def _flattened(kind: _Kind, tree: Any) -> tuple[list[Any], Any]:
    found = kind.flatten(tree)
    if not isinstance(found, (tuple, list)) or len(found) != 2 or not hasattr(found[0], "__iter__"):
        name = type(tree).__name__
        raise TypeError(
            f"the flatten function of {name} must return a pair, the list of parts and the rest, "
            f"got {shown(found)}"
        )
    return list(found[0]), found[1]


def _is_pandas(x: Any) -> bool:
    pandas = sys.modules.get("pandas")  # not imported for the question
    return pandas is not None and isinstance(x, (pandas.Series, pandas.DataFrame))


def _labelled(tree: Any, flat: list[Any]) -> Any:
    """A Series or DataFrame with the labels of `tree`."""
    dtype = float if all(x.__class__ is float for x in flat) else object
    if len(tree.shape) == 1:
        return tree.__class__(flat, index=tree.index, name=tree.name, dtype=dtype)
    width = tree.shape[1]
    rows = [flat[i : i + width] for i in range(0, len(flat), width)]
    return tree.__class__(rows, index=tree.index, columns=tree.columns, dtype=dtype)


def _array(tree: Any, flat: list[Any]) -> Any:
    """An array of the shape of `tree`, with a further axis if `flat` consists of arrays."""
    import numpy as np

    if any(map(is_static, flat)) and not all(map(is_static, flat)):
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
    else:
        array = np.array(flat)  # of float, or of objects as soon as one is a Value
    return array.reshape(tree.shape + array.shape[1:])


def _is_dataclass(x: Any) -> bool:
    return hasattr(type(x), "__dataclass_fields__") and not isinstance(x, Traced)


def _fields(tree: Any) -> dict[str, Any]:
    """The parts of a dataclass: what its constructor takes, except what is marked as static."""
    import dataclasses

    return {
        field.name: getattr(tree, field.name)
        for field in dataclasses.fields(tree)
        if field.init and not field.metadata.get("static")
    }


def _remade(tree: Any, changed: dict[str, Any], derivatives: bool) -> Any:
    """A dataclass with other parts."""
    import dataclasses

    if not derivatives:
        return dataclasses.replace(tree, **changed)
    made = object.__new__(type(tree))  # the constructor may check its arguments
    for field in dataclasses.fields(tree):
        # what the class itself derives from the other fields has no derivative of its own
        part = changed.get(field.name, getattr(tree, field.name) if field.init else None)
        object.__setattr__(made, field.name, part)
    return made


def leaves(tree: Any, where: str) -> list[Any]:
    """The numbers of a nesting, flattened.

    Raises:
        TypeError: something in it is no number, or there are only leaves that are no numbers.
        ValueError: the nesting contains itself.
    """
    found: list[Any] = []
    static: list[Any] = []
    nested(found.append, tree, where, derivatives=True, fixed=static.append)
    if static and not found:
        raise without_numbers(tree, where)
    return found


def without_numbers(tree: Any, where: str) -> TypeError:
    """The error for a nesting in which there are only leaves that are no numbers."""
    wanted = "be a number or a nesting of numbers" if is_static(tree) else "hold a number"
    return TypeError(f"{where} must {wanted}, got {shown(tree)}")


def values_in(tree: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """What is traced in a nesting that may hold anything, and a function that replaces it."""
    found: list[Any] = []

    def note(x: Any) -> Any:
        if isinstance(x, Traced):
            found.append(x)
        return x

    def replaced(new: Iterable[Any]) -> Any:
        it = iter(new)
        return nested(lambda x: next(it) if isinstance(x, Traced) else x, tree, "aux", strict=False)

    nested(note, tree, "aux", derivatives=True, strict=False)
    return found, replaced if found else lambda _: tree


def refilled(tree: Any, flat: Iterable[Any], derivatives: bool = False) -> Any:
    """The nesting of `tree` with other numbers, taken from `flat` in order; see `nested`."""
    return refiller(tree, derivatives)(iter(flat))


def refiller(tree: Any, derivatives: bool = False) -> Callable[[Iterator[Any]], Any]:
    """The function that fills the nesting of `tree` with the next numbers of an iterator."""
    kind = tree.__class__
    if kind is float:
        return next
    if kind is list or kind is tuple:  # written out, since a Jacobian fills one for each row
        if all(map(_is_plain, tree)):
            count = len(tree)
            return lambda it: kind(islice(it, count))
        parts = [refiller(x, derivatives) for x in tree]
        return lambda it: kind([part(it) for part in parts])
    if kind is dict:
        by_key = [(key, refiller(x, derivatives)) for key, x in tree.items()]
        return lambda it: {key: part(it) for key, part in by_key}
    if kind is float:
        return next
    return lambda it: nested(lambda _: next(it), tree, "argument", derivatives=derivatives)


def _is_plain(x: Any) -> bool:
    plain = x.__class__ is float or isinstance(x, Traced)
    return plain or (is_number(x) and not is_static(x))


class _Number:
    """Stands for a number in a skeleton."""

    def __repr__(self) -> str:
        return "number"


_NUMBER = _Number()


def skeleton(tree: Any, whole: Callable[[Any], bool] | None = None) -> Any:
    """The nesting without its numbers; lists, tuples and arrays compare equal."""
    if is_static(tree):
        return (type(tree).__name__, tree)
    parts = None if whole and whole(tree) else _parts(tree)
    if parts is None:
        return _NUMBER
    if isinstance(tree, dict):
        return {key: skeleton(x, whole) for key, x in tree.items()}
    inner = [skeleton(x, whole) for _, x in parts]
    is_list = isinstance(tree, (list, tuple)) or hasattr(tree, "shape")
    return inner if is_list else (type(tree).__name__, inner)


def names_in(tree: Any, where: str, whole: Callable[[Any], bool] | None = None) -> list[str]:
    """The name of every number in a nesting, like "argument 0['w'][1]"."""
    if is_static(tree):
        return []
    parts = None if whole and whole(tree) else _parts(tree)
    if parts is None:
        return [where]
    return [name for suffix, x in parts for name in names_in(x, f"{where}{suffix}", whole)]


def _parts(tree: Any) -> list[tuple[str, Any]] | None:
    """The parts of a container, each with what its name ends in; None for a number."""
    if tree.__class__ in _REGISTERED:
        inner, _ = _flattened(_REGISTERED[tree.__class__], tree)
        return [(f"[{i}]", x) for i, x in enumerate(inner)]
    if isinstance(tree, dict):
        return [(f"[{key!r}]", x) for key, x in tree.items()]
    if isinstance(tree, (list, tuple)):
        return [(f"[{i}]", x) for i, x in enumerate(tree)]
    if getattr(tree, "shape", None):
        array = tree.to_numpy() if _is_pandas(tree) else tree
        return [(f"[{i}]", x) for i, x in enumerate(array)]
    if _is_dataclass(tree):
        return [(f".{name}", x) for name, x in _fields(tree).items()]
    return None
