"""What tests of progress lines write to in place of a terminal."""

import io


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True
