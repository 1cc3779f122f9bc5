"""Copies and pickles of graphs of any depth."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from scalargrad.core.node import nary, order
from scalargrad.core.operators import Operators

if TYPE_CHECKING:
    from collections.abc import Iterator

    State = tuple[Any, float, tuple[Any, ...], tuple[float, ...], str, float]

__all__ = ["Copies"]


class Copies(Operators):
    """copy, deepcopy and pickle for nodes."""

    __slots__ = ()

    def _state(self) -> State:
        # `data` and `grad`, not the slots: recording refuses to have them read
        return self._row, self.data, self.parents, self.partials, self.label, self.grad

    def __copy__(self) -> Any:
        return nary(*self._state())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # The memo also holds the set of nodes copied already, so that no graph is walked twice; its
        # key is the id of a class, which deepcopy never puts there.
        for node in order((self,), memo.setdefault(id(Copies), set())):
            row, data, parents, *rest = node._state()
            copies = tuple([memo[id(parent)] for parent in parents])
            memo[id(node)] = nary(row, data, copies, *rest)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # pickle saves operands by recursion, too deep for a deep graph. So the first node sends its
        # whole graph ahead, in topological order, and each node then finds its operands saved.
        # The pickler keeps what it saved alive, and with it the record of what was sent.
        sent = _sent.get(get_ident())
        if not self.parents or (sent and self in sent.awaited):
            if sent:
                sent.awaited.discard(self)
            return _restored, (type(self), *self._state())
        if not sent or self in sent.nodes:  # sent, but asked for again: this is another pickler
            sent = _sent[get_ident()] = _Sent()
        return _last, (_Ahead(self, sent),)

    if TYPE_CHECKING:  # the slots of `Node`
        _row: Any
        data: float
        grad: float
        label: str

        @property
        def parents(self) -> tuple[Any, ...]: ...  # noqa: D102  (documented in `Node`)
        @property
        def partials(self) -> tuple[float, ...]: ...  # noqa: D102


def _restored(
    _: type[Any], row: Any, data: float, parents: tuple[Any, ...], partials: tuple[float, ...],
    label: str, grad: float,
) -> Any:  # fmt: skip
    """The node of a pickle, which names the class Value first."""
    return nary(row, data, parents, partials, label, grad)


class _Sent:
    """The nodes sent to a pickler of this thread, and those it will save next."""

    def __init__(self) -> None:
        self.nodes: set[Copies] = set()
        self.awaited: set[Copies] = set()


_sent: WeakValueDictionary[int, _Sent] = WeakValueDictionary()  # by thread


class _Ahead(list[Copies]):
    """The part of a graph not sent to the pickler yet, every operand before its results."""

    def __init__(self, root: Copies, sent: _Sent) -> None:
        super().__init__(order((root,), sent.nodes))
        self.sent = sent  # the pickler keeps it alive, through this list

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return list, (), None, self._nodes()

    def _nodes(self) -> Iterator[Copies]:
        for node in self:
            self.sent.awaited.add(node)
            yield node


def _last(nodes: list[Copies]) -> Copies:
    return nodes[-1]
