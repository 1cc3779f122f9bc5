"""The concordance: each page's rows, evaluated, give the numbers that stand beside them."""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PAGES = sorted((Path(__file__).parents[1] / "docs" / "concordance").glob("*.md"))
HEADER = ["equation", "what it says", "code", "number"]
# The numbered equations of a lecture, by page; each must have a row.
EQUATIONS = {"stone": range(1, 57), "goebels": range(1, 10), "brilliant": range(1, 6)}


class Block(NamedTuple):
    """A fenced block of Python."""

    line: int
    code: str


class Row(NamedTuple):
    """A row of a table: the cells in the order of `HEADER`."""

    line: int
    cells: list[str]


def parts_of(text: str) -> Iterator[Block | Row]:
    """The blocks and rows of a page, in their order.

    Raises:
        AssertionError: a table has another header, or a row another number of cells.
    """
    lines = iter(enumerate(text.splitlines(), 1))
    in_table = False
    for number, line in lines:
        if line.startswith("```"):
            code: list[str] = []
            for _, inner in lines:
                if inner.startswith("```"):
                    break
                code.append(inner)
            if line == "```python":
                yield Block(number, "\n".join(code))
        if not line.startswith("|"):
            in_table = False
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == len(HEADER), f"line {number}: {len(cells)} cells"
        if in_table:
            yield Row(number, cells)
        else:
            assert cells == HEADER, f"line {number}: the header is {cells}"
            next(lines)  # the dashes
            in_table = True


def numbers_of(cell: str) -> list[Decimal]:
    """The numbers of a cell, which are separated by commas; "−" is a minus too."""
    return [Decimal(part.strip().replace("−", "-")) for part in cell.split(",")]


def agrees(result: Any, shown: list[Decimal]) -> bool:
    """Whether a number, or a sequence of numbers, is what is shown, to the digits shown."""
    results = list(result) if hasattr(result, "__iter__") else [result]
    if len(results) != len(shown):
        return False
    halves = [Decimal((0, (5,), int(number.as_tuple().exponent) - 1)) for number in shown]
    # a millionth more: the shortest decimal of 0.1 + 0.025 is not half a unit from it to the bit
    return all(map(math.isfinite, results)) and all(
        abs(Decimal(float(got)) - number) <= half * Decimal("1.000001")
        for got, number, half in zip(results, shown, halves, strict=True)
    )


def faults_of(text: str) -> list[str]:
    """What is wrong on a page, a line for each row that does not give its number."""
    names: dict[str, Any] = {}
    faults = []
    for part in parts_of(text):
        if isinstance(part, Block):
            exec(compile(part.code, f"the block at line {part.line}", "exec"), names)
            continue
        equation, _, code, shown = part.cells
        match = re.fullmatch(r"`([^`]+)`", code)
        assert match, f"line {part.line}: the code stands in backticks, got {code}"
        result = eval(match[1].replace(r"\|", "|"), names)
        if not agrees(result, numbers_of(shown)):
            faults.append(f"line {part.line}, equation {equation}: {result}, the page: {shown}")
    return faults


def rows_of(page: Path) -> list[Row]:
    return [part for part in parts_of(page.read_text("utf-8")) if isinstance(part, Row)]


def equations_of(cell: str) -> set[int]:
    """The numbers of "3", "4–6" or "31, 34"; none of what is no number."""
    found = set[int]()
    for first, last in re.findall(r"(?<![\d.])(\d+)(?:[–-](\d+))?(?![\d.])", cell):
        found |= set(range(int(first), int(last or first) + 1))
    return found


# --- the pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_gives_its_number(page: Path) -> None:
    assert faults_of(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_numbered_equation_has_a_row(page: Path) -> None:
    rows = rows_of(page)
    there = set[int]().union(*(equations_of(row.cells[0]) for row in rows))

    assert rows
    assert set(EQUATIONS.get(page.stem, ())) <= there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_slip_is_told_with_what_is_printed_and_what_to_read(page: Path) -> None:
    for row in rows_of(page):
        if "⚠" in row.cells[1]:
            assert re.match(r"⚠ printed .+; read:? .+", row.cells[1]), f"line {row.line}"


def test_every_page_of_numbered_equations_is_there() -> None:
    assert set(EQUATIONS) <= {page.stem for page in PAGES}


# --- the check itself -----------------------------------------------------------------------

PAGE = """# A page

```python
x = 0.5
```

| equation | what it says | code | number |
|---|---|---|---|
| 1 | a half | `x` | 0.5 |
| 2, 3 | two numbers | `[x, -x / 3]` | 0.500, −0.167 |

```python
x = 1000.0
```

| equation | what it says | code | number |
|---|---|---|---|
| 4–6 | ⚠ printed 2; read 1000 | `max(x, 3 \\| 4)` | 1.00e3 |
"""


def test_a_page_is_run_in_its_order() -> None:
    assert faults_of(PAGE) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("| 0.5 |", "| 0.6 |"), ("−0.167", "−0.166"), ("0.500, −0.167", "0.500"),
     ("1.00e3", "1.01e3"), ("x = 0.5", "x = 0.51")],
)  # fmt: skip
def test_a_wrong_number_is_found(right: str, wrong: str) -> None:
    assert faults_of(PAGE.replace(right, wrong)) != []


def test_a_table_has_this_header() -> None:
    with pytest.raises(AssertionError, match="the header is"):
        faults_of(PAGE.replace("what it says", "meaning"))


def test_the_digits_shown_say_how_exact_a_number_is() -> None:
    assert agrees(0.125, numbers_of("0.13"))  # half a unit of the last digit
    assert agrees(0.125, numbers_of("0.12"))
    assert not agrees(0.1249, numbers_of("0.13"))
    assert not agrees(0.1249, numbers_of("0.1250"))
    assert agrees(239, numbers_of("239"))
    assert not agrees(240, numbers_of("239"))
    assert not agrees(float("nan"), numbers_of("1.0"))


@pytest.mark.parametrize(
    ("cell", "equations"),
    [("3", {3}), ("4–6", {4, 5, 6}), ("31, 34", {31, 34}), ("55-56", {55, 56}), ("S1.6", set())],
)
def test_the_equations_of_a_cell(cell: str, equations: set[int]) -> None:
    assert equations_of(cell) == equations
