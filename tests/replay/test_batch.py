"""The columns of batches, and their memory."""

import numpy as np

from scalargrad.replay.batch import Memory


def test_the_memory_of_columns_is_used_again_unless_somebody_holds_it() -> None:
    memory = Memory()
    first = memory.take((2, 3))
    memory.give(first)
    view = first[0]
    del first
    other = memory.take((2, 3))
    assert not np.shares_memory(other, view)

    address = other.ctypes.data
    memory.give(other)
    del other
    assert memory.take((2, 3)).ctypes.data == address
