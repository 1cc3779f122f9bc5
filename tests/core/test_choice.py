"""`where` between numbers and between functions."""

from typing import Any

import pytest

import scalargrad as sg


@pytest.mark.parametrize("condition", ["yes", None, ["1"], {1}, 1j])
def test_a_condition_that_is_no_number_is_refused(condition: Any) -> None:
    for a in (1.0, lambda: 1.0):
        with pytest.raises(TypeError, match="where takes a real number"):
            sg.where(condition, a, 2.0)
