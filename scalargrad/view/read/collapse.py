"""Group values into boxes when there are too many: by module, by structure, or by depth.

A value is its index in topological order here. Each way to group gives every value a *label*, and
values of one label share a box. The ways are tried from the finest to the coarsest until the
picture is within its budgets:

1. Values of a module (of a neuron, then of a layer) share a box. The rest is grouped by structure:
   operations are equal if their operands have equal labels, all the way down to the leaves. A chain
   of one operation, such as a sum term by term, is one group. If that gives too many boxes, only
   two steps down are compared, then only one. A recurrence over a thousand steps then has a few
   labels in a loop, and a loop shares a box.
2. If no structure fits, values of similar depth share a box.

Loops of groups are merged, so groups never form a cycle and the picture always has a direction.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from scalargrad.view.read.components import merge_loops

__all__ = ["Grouping", "Plan", "group"]

# The most labels by structure. Many labels may still give few boxes, since loops are merged.
_LABELS = 2_000
_MOST_BANDS = 24  # 24 bands have at most 276 edges between them


@dataclass(frozen=True, slots=True)
class Plan:
    """What to group: by value its operands, a name for equal operations, and its module.

    `modules` holds the path of the module around a value, from the outermost in; () outside of all
    modules. `constants` are the plain numbers, each of which joins its user if it has only one.
    `opened` are the values that keep a box of their own.
    """

    parents: Sequence[Sequence[int]]
    kinds: Sequence[Hashable]
    modules: Sequence[tuple[str, ...]]
    constants: frozenset[int]
    opened: frozenset[int]
    max_nodes: int
    max_edges: int


@dataclass(frozen=True, slots=True)
class Grouping:
    """The box of every value, numbered in topological order, and `how` the values were grouped.

    `links` are the pairs of a box and another one that depends on it.
    """

    box_of: list[int]
    links: set[tuple[int, int]]
    how: str


def group(plan: Plan, bands: bool = True) -> Grouping | None:
    """Return the finest grouping of `plan` within its budgets; None where nothing fits.

    Args:
        plan: the values and the budgets.
        bands: whether to fall back on bands of equal depth.

    >>> chain = [[], *([i] for i in range(99))]
    >>> plan = Plan(chain, ["leaf"] + ["tanh"] * 99, [()] * 100, frozenset(), frozenset({99}), 5, 9)
    >>> group(plan).box_of[95:]
    [1, 1, 1, 1, 2]
    """
    stage = _stages(plan)
    for how, labels in _ways(plan, stage, bands):
        links = _links(labels, plan.parents)
        merged = merge_loops(set(labels), links)
        links = {(merged[a], merged[b]) for a, b in links if merged[a] != merged[b]}
        boxes = set(merged.values())
        if len(boxes) <= plan.max_nodes and len(links) <= plan.max_edges:
            position = _in_order(labels, merged, links)
            links = {(position[a], position[b]) for a, b in links}
            return Grouping([position[label] for label in labels], links, how)
    return None


def _ways(plan: Plan, stage: Sequence[int], bands: bool) -> Iterator[tuple[str, list[int]]]:
    longer = _chains(plan, stage)
    named = set(plan.modules) - {()}
    for depth in range(max(map(len, named), default=0), -1, -1):
        if depth and not _modules_fit(plan, depth):
            continue
        how = "module and structure" if depth else "structure"
        for steps in (None, 2, 1):
            labels = _by_structure(plan, stage, longer, depth, steps)
            if labels is not None:
                yield how, labels
    for number in range(min(_MOST_BANDS, plan.max_nodes), 0, -1) if bands else ():
        yield "depth", _by_depth(plan, stage, number)


def _modules_fit(plan: Plan, depth: int) -> bool:
    """Whether the modules alone are within the budgets: a quick check."""
    known: dict[tuple[str, ...], int] = {}
    label = {module: known.setdefault(module[:depth], len(known)) for module in set(plan.modules)}
    links = _links([label[module] for module in plan.modules], plan.parents)
    outside = label.get((), -1)
    between = sum(outside not in link for link in links)
    return len(known) - 1 <= plan.max_nodes and between <= plan.max_edges


def _chains(plan: Plan, stage: Sequence[int]) -> list[int]:
    """By value, the operand whose chain it continues, such as a sum term by term; -1 for none.

    That operand has no other user, so paths leave a chain only at its end.
    """
    uses = [0] * len(stage)
    for parents in plan.parents:
        for parent in parents:
            uses[parent] += 1
    kinds = plan.kinds
    longer = [-1] * len(stage)
    for value, parents in enumerate(plan.parents):
        for parent in parents:
            if (
                kinds[parent] == kinds[value]
                and uses[parent] == 1
                and stage[parent] == stage[value]
                and parent not in plan.opened
            ):
                longer[value] = parent
                break
    return longer


def _by_structure(
    plan: Plan, stage: Sequence[int], longer: Sequence[int], depth: int, steps: int | None
) -> list[int] | None:
    """Label values by module down to `depth`, and by structure `steps` steps down (None: all).

    Returns None if there are too many labels.
    """
    known: dict[Hashable, int] = {}
    fixed = [False] * len(stage)
    own: list[int] = []
    for value, (module, kind, level) in enumerate(
        zip(plan.modules, plan.kinds, stage, strict=True)
    ):
        key: Hashable = (kind, level)
        if value in plan.opened:
            fixed[value], key = True, ("opened", value)
        elif module and depth:
            fixed[value], key = True, (module[:depth], level)
        own.append(known.setdefault(key, len(known)))
    most = _LABELS + len(plan.opened)
    labels = own
    for _ in range(1 if steps is None else steps):
        # Without a bound on the steps, operands already have their labels of this round.
        before, labels = labels, []
        seen = labels if steps is None else before
        for value, parents in enumerate(plan.parents):
            if fixed[value] or not parents:
                labels.append(own[value])
            elif (goes_on := longer[value]) >= 0 and not fixed[goes_on]:
                labels.append(labels[goes_on])
            else:
                below = (own[value], *dict.fromkeys([seen[parent] for parent in parents]))
                labels.append(known.setdefault(below, len(known)))
                if len(known) > most:
                    return None
    _tell_leaves_apart(plan, labels, fixed, known)
    return labels


def _tell_leaves_apart(
    plan: Plan, labels: list[int], fixed: Sequence[bool], known: dict[Hashable, int]
) -> None:
    """Group leaves by their first users, and give plain numbers to their only users."""
    first: dict[int, int] = {}
    shared: set[int] = set()
    for value, parents in enumerate(plan.parents):
        for parent in parents:
            if (
                not plan.parents[parent]
                and not fixed[parent]
                and first.setdefault(parent, labels[value]) != labels[value]
            ):
                shared.add(parent)
    opened = {labels[value] for value in plan.opened}
    for leaf, user in first.items():
        if leaf in plan.constants and leaf not in shared and user not in opened:
            labels[leaf] = user
        else:
            key = ("leaf", labels[leaf], user)
            labels[leaf] = known.setdefault(key, len(known))


def _by_depth(plan: Plan, stage: Sequence[int], bands: int) -> list[int]:
    depth: list[int] = []
    for parents in plan.parents:
        depth.append(1 + max([depth[parent] for parent in parents], default=-1))
    for value in range(len(depth) - 1, -1, -1):  # a leaf stands just before its first user
        for parent in plan.parents[value]:
            if not plan.parents[parent]:
                reached = depth[value] - 1
                depth[parent] = min(depth[parent] or reached, reached)
    span = max(depth) + 1
    known: dict[Hashable, int] = {}
    labels = []
    for value, reached in enumerate(depth):
        key: Hashable = (reached * bands // span, stage[value])
        if value in plan.opened and bands > 1:
            key = ("opened", value)
        labels.append(known.setdefault(key, len(known)))
    return labels


def _stages(plan: Plan) -> list[int]:
    """How many opened values come before each value: no group may reach around an opened one.

    The stage never falls along an edge, and it rises on both sides of an opened value. So groups
    within one stage cannot form a cycle with an opened value in it.
    """
    opened = plan.opened
    if opened <= {len(plan.parents) - 1}:  # nothing depends on the result
        return [0] * len(plan.parents)
    stage: list[int] = []
    for value, parents in enumerate(plan.parents):
        inside = value in opened
        stage.append(
            max([stage[p] + (1 if inside or p in opened else 0) for p in parents], default=0)
        )
    first: dict[int, int] = {}
    for value, parents in enumerate(plan.parents):
        reached = stage[value] - (value in opened)
        for parent in parents:
            if not plan.parents[parent] and parent not in opened:
                first[parent] = min(first.get(parent, reached), reached)
    for leaf, reached in first.items():  # a leaf takes the stage of its first use
        stage[leaf] = reached
    return stage


def _links(labels: Sequence[int], parents: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    links = set()
    for label, operands in zip(labels, parents, strict=True):
        for operand in operands:
            below = labels[operand]
            if below != label:
                links.add((below, label))
    return links


def _in_order(
    labels: Sequence[int], merged: dict[int, int], links: set[tuple[int, int]]
) -> dict[int, int]:
    """A position for each label: after those it depends on, and else by first appearance."""
    first = {merged[label]: i for i, label in enumerate(dict.fromkeys(labels))}
    missing = dict.fromkeys(first, 0)
    users: dict[int, list[int]] = {group: [] for group in first}
    for group, user in links:
        users[group].append(user)
        missing[user] += 1
    ready = [(first[group], group) for group in first if not missing[group]]
    heapify(ready)
    position: dict[int, int] = {}
    while ready:
        _, group = heappop(ready)
        position[group] = len(position)
        for user in users[group]:
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, (first[user], user))
    return {label: position[group] for label, group in merged.items()}
