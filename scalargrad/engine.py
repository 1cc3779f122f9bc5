"""Value under the name that programs written for micrograd import it by."""

from scalargrad.core.value import Value

__all__ = ["Value"]
