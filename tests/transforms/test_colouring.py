"""Colours: no two columns of one colour share a row; full rows stand apart."""

from hypothesis import given
from hypothesis import strategies as st

from scalargrad.transforms.colouring import coloured, hubs

columns = st.lists(st.lists(st.integers(0, 9), unique=True), max_size=12)


@given(columns)
def test_columns_of_one_colour_share_no_row(columns: list[list[int]]) -> None:
    colours = coloured(columns, 10)

    for i, (rows, colour) in enumerate(zip(columns, colours, strict=True)):
        assert (colour >= 0) == bool(rows)
        for other, its in zip(columns[:i], colours[:i], strict=True):
            assert colour != its or not {*rows} & {*other}


@given(st.lists(st.integers(0, 50)))
def test_rows_apart_make_the_fewest_sweeps(counts: list[int]) -> None:
    apart = hubs(counts)
    rest = [c for i, c in enumerate(counts) if i not in apart]

    cost = len(apart) + max(rest, default=0)
    for k in range(len(counts) + 1):
        assert cost <= k + max(sorted(counts, reverse=True)[k:], default=0)
