"""Build the machine code of the node, where there is a compiler; pyproject.toml has all the rest.

Environment variables, of which "" and "0" mean not set:
    SCALARGRAD_PURE: leave the machine code out; the wheel is then py3-none-any.
    SCALARGRAD_REQUIRE_NATIVE: fail where it cannot be built, instead of leaving it out.
"""

import hashlib
import os
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

NAME = "scalargrad.core._node"
SOURCE = "scalargrad/core/_node.c"  # relative to this file, as setuptools wants it

# The numbers must be those of the Python node, bit by bit: no a * b + c is rounded once.
FLAGS = {
    "msvc": ["/O2", "/fp:precise"],
    "unix": ["-O2", "-ffp-contract=off", "-fno-strict-overflow"],  # gcc and clang
}


def is_set(variable: str) -> bool:
    """Whether an environment variable is set, to other than 0."""
    return os.environ.get(variable, "") not in ("", "0")


def why_not() -> str:
    """Why the machine code is not even tried here, or ""."""
    if is_set("SCALARGRAD_PURE"):
        return "SCALARGRAD_PURE is set"
    if sys.implementation.name != "cpython":
        return f"it is not tested with {sys.implementation.name}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "it is not tested with a Python without the global lock"
    return ""


def source_digest() -> str:
    """The digest by which the doctor tells whether a library is of the source beside it."""
    text = (Path(__file__).parent / SOURCE).read_bytes()
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()[:12]


class BuildLibrary(build_ext):
    """Build the library or, unless it is required, leave it out with a warning."""

    def run(self) -> None:
        # An older library must not pass for the one that is built now, or is left out
        Path(self.build_lib, self.get_ext_filename(NAME)).unlink(missing_ok=True)
        Path(self.get_ext_fullpath(NAME)).unlink(missing_ok=True)  # in the checkout, if --inplace
        if reason := why_not():
            self.announce(f"the machine code of the node is left out: {reason}", level=2)
            self.extensions = []
        super().run()

    def build_extension(self, ext: Extension) -> None:
        ext.extra_compile_args = FLAGS.get(self.compiler.compiler_type, FLAGS["unix"])
        super().build_extension(ext)


class Wheel(bdist_wheel):
    """A wheel for this platform with the library, and one for every platform without it."""

    def run(self) -> None:
        if not self.skip_build:
            self.run_command("build")
        library = self.get_finalized_command("build_ext").get_ext_fullpath(NAME)
        if not Path(library).exists():
            self.distribution.ext_modules = []
            self.root_is_pure = True
        super().run()


REQUIRED = is_set("SCALARGRAD_REQUIRE_NATIVE")
if REQUIRED and why_not():
    sys.exit(
        f"SCALARGRAD_REQUIRE_NATIVE is set, but the machine code is left out: {why_not()}"
        + (". Unset one of the two" if is_set("SCALARGRAD_PURE") else "")
    )

setup(
    ext_modules=[
        Extension(
            NAME,
            [SOURCE],
            define_macros=[("SCALARGRAD_SOURCE", f'"{source_digest()}"')],
            optional=not REQUIRED,
        )
    ],
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": Wheel},
)
