"""Tests of collapsing: groups within the budgets, never in a circle, as fine as they can be."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.view.read.collapse import Plan, group
from scalargrad.view.read.components import merge_loops


def _plan(
    parents: Sequence[Sequence[int]], kinds: str, modules: Sequence[str] = (), **rest: int
) -> Plan:
    """A plan in which the letters of `kinds` are operations, c a constant, and the last is open."""
    paths = [tuple(path.split("/")) if path else () for path in modules] or [()] * len(parents)
    constants = frozenset(i for i, kind in enumerate(kinds) if kind == "c")
    budgets = {"max_nodes": 150, "max_edges": 400, **rest}
    return Plan(parents, kinds, paths, constants, frozenset({len(parents) - 1}), **budgets)


def _groups(plan: Plan) -> list[int]:
    grouping = group(plan)
    assert grouping is not None
    return grouping.box_of


def test_equal_operations_on_equal_operands_share_a_box() -> None:
    # four leaves, two sums of two, a product of the sums
    parents: list[list[int]] = [[], [], [], [], [0, 1], [2, 3], [4, 5]]

    assert _groups(_plan(parents, "xxxx++*")) == [0, 0, 0, 0, 1, 1, 2]


def test_unequal_operands_part_them() -> None:
    parents: list[list[int]] = [[], [], [0], [1], [2, 3]]

    assert _groups(_plan(parents, "xwtt*")) == [0, 1, 2, 3, 4]


def test_a_chain_of_one_operation_is_one_group() -> None:
    # ((a + b) + b) + b, and what follows it
    parents = [[], [], [0, 1], [2, 1], [3, 1], [4]]

    boxes = _groups(_plan(parents, "ab+++t"))
    assert boxes[2] == boxes[3] == boxes[4]
    assert len(set(boxes)) == 4


def test_a_chain_is_cut_where_others_use_it() -> None:
    parents = [[], [0], [1], [1, 2]]  # the first t has two users

    assert len(set(_groups(_plan(parents, "attm")))) == 4


def test_plain_numbers_join_their_users() -> None:
    parents: list[list[int]] = [[], [], [0, 1], [], [2, 3]]

    assert _groups(_plan(parents, "xc*c+")) == [0, 1, 1, 2, 3]


def test_modules_share_a_box_from_the_innermost_out() -> None:
    parents: list[list[int]] = [[], [], [], [0, 2], [1, 2], [3, 4]]
    modules = ["net/a", "net/b", "", "net/a", "net/b", ""]

    assert _groups(_plan(parents, "ppx**+", modules)) == [1, 2, 0, 1, 2, 3]
    assert _groups(_plan(parents, "ppx**+", modules, max_nodes=3)) == [1, 1, 0, 1, 1, 2]


def test_modules_in_a_circle_are_merged() -> None:
    # m is used before and after the tanh between
    parents: list[list[int]] = [[], [], [0, 1], [2], [0, 3], [4]]
    modules = ["m", "", "m", "", "m", ""]

    boxes = _groups(_plan(parents, "px*t*r", modules))
    assert boxes == [1, 0, 1, 1, 1, 2]


def test_an_opened_value_is_never_swallowed() -> None:
    parents: list[list[int]] = [[], [], [0, 1], [2], [0, 3], [4]]
    plan = _plan(parents, "px*t*r", ["m", "", "m", "", "m", ""])
    boxes = _groups(replace(plan, opened=frozenset({3, 5})))

    assert boxes.count(boxes[3]) == 1
    assert boxes[2] != boxes[4]


def test_bands_only_if_wanted() -> None:
    parents: list[list[int]] = [[], []]
    for i in range(2, 40):
        parents.append([i - 1, i - 2])
    kinds = "".join("abcdefgh"[(i * i + i // 3) % 8] for i in range(40))
    plan = _plan(parents, kinds.replace("c", "z"), max_nodes=4, max_edges=4)
    grouping = group(plan)

    assert grouping is not None
    assert len(set(grouping.box_of)) <= 4
    tight = replace(plan, max_nodes=1, max_edges=0)
    assert group(tight, bands=False) is None


@st.composite
def _plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 40))
    parents = [draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [] for i in range(count)]
    kinds = "".join(draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count)))
    modules = draw(
        st.lists(st.sampled_from(["", "m", "m/x", "m/y", "n"]), min_size=count, max_size=count)
    )
    opened = draw(st.sets(st.integers(0, count - 1), max_size=6))
    plan = _plan(
        parents,
        kinds,
        modules,
        max_nodes=draw(st.integers(1, 30)),
        max_edges=draw(st.integers(0, 40)),
    )
    return replace(plan, opened=plan.opened | opened)


@given(_plans())
def test_groups_are_within_the_budgets_and_in_order(plan: Plan) -> None:
    grouping = group(plan)
    if grouping is None:
        return
    box_of = grouping.box_of
    links = {(box_of[p], box_of[v]) for v, below in enumerate(plan.parents) for p in below}
    links = {(a, b) for a, b in links if a != b}

    assert sorted(set(box_of)) == list(range(len(set(box_of))))
    assert len(set(box_of)) <= plan.max_nodes
    assert len(links) <= plan.max_edges
    assert all(tail < head for tail, head in links)  # so there is no circle
    if len(set(box_of)) > 1 and grouping.how != "depth":
        assert all(box_of.count(box_of[value]) == 1 for value in plan.opened)


@pytest.mark.parametrize(
    ("links", "together"),
    [
        ([(0, 1), (1, 2)], []),
        ([(0, 1), (1, 0)], [{0, 1}]),
        ([(0, 1), (1, 2), (2, 0), (2, 3)], [{0, 1, 2}]),
        ([(0, 1), (1, 0), (2, 3), (3, 2), (1, 2)], [{0, 1}, {2, 3}]),
    ],
)
def test_circles_are_merged(links: list[tuple[int, int]], together: list[set[int]]) -> None:
    merged = merge_loops(range(4), links)

    for one in range(4):
        for other in range(4):
            joined = one == other or any({one, other} <= circle for circle in together)
            assert (merged[one] == merged[other]) == joined


def test_a_circle_of_a_hundred_thousand() -> None:
    links = [(i, (i + 1) % 100_000) for i in range(100_000)]

    assert len(set(merge_loops(range(100_000), links).values())) == 1
