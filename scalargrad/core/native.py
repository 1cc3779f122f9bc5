"""Which node runs, that of machine code or the one of Python, and why.

The library is built from `_node.c` when the package is installed, where there is a C compiler.
Where it is missing, `node.py` does the same in Python, and gives the same numbers. Environment
variables, of which "" and "0" mean not set, choose at import:

    SCALARGRAD_PURE: take the node of Python, for example to step through it in a debugger.
    SCALARGRAD_REQUIRE_NATIVE: raise ImportError where there is no machine code.
"""

import os
import sys
from importlib import import_module
from types import ModuleType

__all__ = ["INTERFACE", "MACHINE_CODE", "NATIVE", "REASON", "machine_code"]

INTERFACE = 2  # counts the changes of what `_node.c` and this package expect of each other
MACHINE_CODE = "machine code"

_LIBRARY = "scalargrad.core._node"


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


def _without_global_lock() -> bool:
    """Whether this is a build of Python without the global lock, of which 3.13 is the first."""
    if sys.version_info < (3, 13):
        return False
    import sysconfig  # takes 1 ms, where earlier versions need none

    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def _choose() -> tuple[ModuleType | None, str]:
    """The library, or None, and why."""
    if _is_set("SCALARGRAD_PURE"):
        return None, "SCALARGRAD_PURE is set"
    if _without_global_lock():
        return None, (
            "Python runs without the global lock, for which the machine code is not tested"
        )
    try:
        library = import_module(_LIBRARY)
    except ModuleNotFoundError as error:
        if error.name == _LIBRARY:
            return None, "the library was not built"
        return None, f"the library cannot be loaded: {error}"
    except ImportError as error:  # built for another machine, or half copied
        return None, f"the library cannot be loaded: {error}"
    if getattr(library, "INTERFACE", None) != INTERFACE:
        return None, "the library fits another version of the sources: build it again"
    return library, MACHINE_CODE


machine_code, REASON = _choose()
NATIVE: bool = machine_code is not None

if not NATIVE and _is_set("SCALARGRAD_REQUIRE_NATIVE"):
    raise ImportError(
        f"SCALARGRAD_REQUIRE_NATIVE is set, but the machine code does not run: {REASON}. "
        + (
            "Unset one or the other"
            if _is_set("SCALARGRAD_PURE")
            else "With a C compiler and the headers of Python (`apt install gcc python3-dev`), "
            "type `pip install -e .` in the checkout"
        )
    )
