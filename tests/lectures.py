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


def close_to(case: dict[str, Any]) -> Callable[[Any, Any], bool]:
    """Whether numbers are the wanted ones within the tolerance of the case, alone or nested.

    Lists must be of one shape.
    """

    def close(got: Any, want: Any) -> bool:
        if isinstance(want, (list, tuple)):
            parts = list(got)
            return len(parts) == len(want) and all(map(close, parts, want))
        return bool(abs(got - want) <= case["atol"] + case["rtol"] * abs(want))

    return close
