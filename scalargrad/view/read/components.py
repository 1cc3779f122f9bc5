"""Merge groups that depend on each other in a cycle (strongly connected components)."""

from collections.abc import Iterable

__all__ = ["merge_loops"]


def merge_loops(groups: Iterable[int], links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return, for each group, the group that represents all those in a cycle with it.

    `links` are pairs of a group and one that depends on it.

    >>> merge_loops([0, 1, 2], [(0, 1), (1, 0), (0, 2)])
    {0: 0, 1: 0, 2: 2}
    """
    users: dict[int, list[int]] = {group: [] for group in sorted(groups)}
    for group, user in sorted(links):
        users[group].append(user)
    components = _components(users)
    return {group: components[group] for group in users}


def _components(users: dict[int, list[int]]) -> dict[int, int]:
    """The representative of the component of each group, found without recursion.

    R. Tarjan, Depth-first search and linear graph algorithms, SIAM Journal on Computing 1, 1972.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    representative: dict[int, int] = {}
    path: list[int] = []
    for root in users:
        if root in index:
            continue
        walk = [(root, iter(users[root]))]
        index[root] = low[root] = len(index)
        path.append(root)
        while walk:
            group, rest = walk[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    path.append(other)
                    walk.append((other, iter(users[other])))
                    break
                if other not in representative:  # still on the path: a way back
                    low[group] = min(low[group], index[other])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[group])
                if low[group] == index[group]:
                    member = None
                    while member != group:
                        member = path.pop()
                        representative[member] = group
    return representative
