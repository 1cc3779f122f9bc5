"""The program of `make mutants`: which changes it makes, and what it leaves alone."""

from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="cosmic-ray is not installed")
mutants = pytest.importorskip("mutants")

SOURCE = """
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    limit = 1
Number = int | float


def scaled(x: int | float, *rest: float, most: int | None = None) -> int | None:
    for y in rest:
        x += y
    print(x, *rest)
    return x if x < 2 else most
"""


def changes(source: str) -> set[tuple[str, str]]:
    found = set()
    for item in mutants.mutations(source, "a.py"):
        code = mutants.Mutant("a.py", item).code(source)
        assert code is not None
        found.add(mutants.change(source, code))
    return found


def test_code_is_changed_and_types_are_not() -> None:
    last, loop = "return x if x < 2 else most", "for y in rest:"

    assert changes(SOURCE) == {
        ("x += y", "pass"),
        ("print(x, *rest)", "pass"),
        (loop, "for y in []:"),
        (last, "return x if x <= 2 else most"),
        (last, "return x if x >= 2 else most"),
        (last, "return x if not x < 2 else most"),
        (last, "return x if x < 3 else most"),
        (last, "return x if x < 1 else most"),
    }


def test_assertions_are_left_alone() -> None:
    assert not changes("pairs = [*zip('ab', 'cd', strict=True)]")
    assert changes("pairs = [*sorted('ab', reverse=True)]")


@pytest.mark.parametrize("module", mutants.MODULES)
def test_the_modules_exist(module: str) -> None:
    assert (Path(__file__).parents[1] / "scalargrad" / module).is_file()
