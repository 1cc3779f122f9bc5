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

__all__ = ["BUILDING_HELPS", "INTERFACE", "NATIVE", "REASON", "machine_code"]

INTERFACE = 5  # counts the changes of what `_node.c` and this package expect of each other

_LIBRARY = "scalargrad.core._node"


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


def _without_global_lock() -> bool:
    """Whether this is a build of Python without the global lock; 3.13 was the first."""
    if sys.version_info < (3, 13):
        return False
    import sysconfig  # 1 ms, which the versions before need not spend

    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def _choose() -> tuple[ModuleType | None, str, bool]:
    """The library or None, why, and whether building it would help."""
    if _is_set("SCALARGRAD_PURE"):
        return None, "SCALARGRAD_PURE is set", False
    if _without_global_lock():
        reason = "Python runs without the global lock, for which the machine code is not tested"
        return None, reason, False
    try:
        library = import_module(_LIBRARY)
    except Exception as error:  # one for another machine, cut off, or from older sources
        if isinstance(error, ModuleNotFoundError) and error.name == _LIBRARY:
            return None, "the library was not built", True
        return None, f"the library cannot be loaded: {error}", True
    if getattr(library, "INTERFACE", None) != INTERFACE:
        return None, "the library fits another version of the sources: build it again", True
    return library, "machine code", False


machine_code, REASON, BUILDING_HELPS = _choose()
NATIVE: bool = machine_code is not None

if not NATIVE and _is_set("SCALARGRAD_REQUIRE_NATIVE"):
    if BUILDING_HELPS:
        _advice = (
            ". In the checkout type `pip install -e .`, which needs a C compiler and the headers "
            "of Python (`apt install gcc python3-dev`)"
        )
    else:
        _advice = ". Unset one of the two" if _is_set("SCALARGRAD_PURE") else ""
    raise ImportError(f"SCALARGRAD_REQUIRE_NATIVE is set, but {REASON}{_advice}")
