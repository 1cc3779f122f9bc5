"""Copies and pickles of computation graphs, whatever their depth."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from scalargrad.core.operators import Operators
from scalargrad.core.rows import Primitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    State = tuple[Primitive | None, float, float, str, tuple[Any, ...], tuple[float, ...]]

__all__ = ["Copies", "restored"]


class Copies(Operators):
    """copy, deepcopy and pickle for a node that can tell and take up its parents."""

    __slots__ = ()

    def _state(self) -> State:
        return self._row, self.data, self.grad, self.label, self.parents, self.partials

    def _copied_class(self) -> type[Any]:
        """The class of a copy: a value that another thread is recording is a plain one again."""
        return type(self).__mro__[1] if self.is_recorded else type(self)

    def __copy__(self) -> Any:
        return restored(self._copied_class(), *self._state())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # The memo also holds the set of what is copied, so that no graph is walked twice; its key
        # is the id of a class, which deepcopy never puts there.
        for node in self._order(memo.setdefault(id(Copies), set())):
            memo[id(node)] = twin = node.__copy__()
            twin._link(tuple([memo[id(parent)] for parent in node.parents]), node.partials)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # pickle saves operands by recursion, which a deep graph does not survive. So the node
        # asked for first sends its whole graph ahead, in topological order, and each node then
        # finds its operands saved. pickle keeps what it saved, and so the note of what was sent.
        sent = _sent.get(get_ident())
        if not self.parents or (sent and self in sent.awaited):
            if sent:
                sent.awaited.discard(self)
            return restored, (self._copied_class(), *self._state())
        if not sent or self in sent.nodes:  # sent, but asked for again: this is another pickler
            sent = _sent[get_ident()] = _Sent()
        return _last, (_Ahead(self, sent),)

    if TYPE_CHECKING:  # what the node itself has
        _row: Primitive | None
        is_recorded: bool
        data: float
        grad: float
        label: str
        _order: Callable[[set[Any]], list[Any]]
        _link: Callable[[tuple[Any, ...], tuple[float, ...]], None]

        @property
        def parents(self) -> tuple[Any, ...]: ...
        @property
        def partials(self) -> tuple[float, ...]: ...


def restored(
    cls: type[Any], primitive: Primitive | None, data: float, grad: float, label: str,
    parents: tuple[Any, ...], partials: tuple[float, ...],
) -> Any:  # fmt: skip
    """The node of class `cls` with these contents, made without running its `__init__`."""
    node = object.__new__(cls)
    node.data, node.grad, node.label, node._row = data, grad, label, primitive
    node._link(parents, partials)
    return node


class _Sent:
    """The nodes that a pickler of this thread has been sent, and those it is about to ask for."""

    def __init__(self) -> None:
        self.nodes: set[Copies] = set()
        self.awaited: set[Copies] = set()


_sent: WeakValueDictionary[int, _Sent] = WeakValueDictionary()  # by thread


class _Ahead(list[Copies]):
    """The part of a graph that pickle has not had yet, every parent before its children."""

    def __init__(self, root: Copies, sent: _Sent) -> None:
        super().__init__(root._order(sent.nodes))
        self.sent = sent  # kept alive by the pickler, through this list

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return list, (), None, self._announced()

    def _announced(self) -> Iterator[Copies]:
        for node in self:
            self.sent.awaited.add(node)
            yield node


def _last(nodes: list[Copies]) -> Copies:
    return nodes[-1]
