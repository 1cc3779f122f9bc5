"""The reference numbers of the lectures: every case with its inputs and what they must give."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CASES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "reference" / "lectures.json").read_text("utf-8")
)["cases"]


def lecture(name: str) -> dict[str, Any]:
    """The case of that name, like "S4.seven_tanh"."""
    return _CASES[name]


def close_to(case: dict[str, Any]) -> Callable[[float, float], bool]:
    """Whether a number is the wanted one, within the tolerance of the case."""
    return lambda got, want: abs(got - want) <= case["atol"] + case["rtol"] * abs(want)
