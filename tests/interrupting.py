"""A parameter in whose change Ctrl-C comes, to see that all or nothing is changed."""

from typing import Any

from scalargrad import Value


class Interrupting(Value):
    """A Value at whose change Ctrl-C is pressed, once."""

    __slots__ = ("armed",)

    def __setattr__(self, name: str, x: Any) -> None:
        if name == "_data" and getattr(self, "armed", False):
            self.armed = False
            raise KeyboardInterrupt
        super().__setattr__(name, x)
