"""scalargrad: a scalar reverse-mode automatic-differentiation engine that shows its work."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from scalargrad.core.choice import where
from scalargrad.core.modes import no_grad
from scalargrad.core.primitives import (
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    beta,
    betaln,
    cbrt,
    ceil,
    clip,
    copysign,
    cos,
    cosh,
    degrees,
    digamma,
    elu,
    erf,
    erfc,
    erfinv,
    exp,
    exp2,
    expm1,
    floor,
    gamma,
    gelu,
    hypot,
    leaky_relu,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    log_ndtr,
    logaddexp,
    logit,
    maximum,
    minimum,
    ndtr,
    ndtri,
    polygamma,
    pow,
    radians,
    relu,
    rint,
    sigmoid,
    sign,
    silu,
    sin,
    sinc,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
    xlogy,
)
from scalargrad.core.reductions import (
    dot,
    log_softmax,
    logsumexp,
    mean,
    norm,
    prod,
    softmax,
    sum,
    take,
)
from scalargrad.core.rows import TABLE as _TABLE
from scalargrad.core.value import Value, stop_gradient, topological_order

if TYPE_CHECKING:  # what _LAZY loads, for type checkers and editors
    from scalargrad import classifiers, data, losses, metrics, nn, optim
    from scalargrad import plot as plot  # not in __all__, since matplotlib may be missing
    from scalargrad import solve as solve  # likewise SciPy
    from scalargrad.core.custom import primitive
    from scalargrad.core.lines import traced_lines
    from scalargrad.core.native import NATIVE
    from scalargrad.core.paths import count_paths, largest_paths, paths
    from scalargrad.measure.propagate import Propagation, Propagations, propagate
    from scalargrad.measure.sensitivities import SensitivityTable, sensitivities
    from scalargrad.replay import Compiled, RecordingError, compile, from_json
    from scalargrad.replay.backends.jax.processes import distributed
    from scalargrad.saving import load, save
    from scalargrad.training.fit import EarlyStopping, History, fit
    from scalargrad.transforms.check import GradientCheckError, check_grads, numerical_grad
    from scalargrad.transforms.functional import (
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        value_and_grad,
        vjp,
    )
    from scalargrad.transforms.sparse import (
        SparsityPattern,
        sparse_hessian,
        sparse_jacobian,
        sparsity,
    )
    from scalargrad.transforms.taylor import taylor
    from scalargrad.transforms.tree import register_container
    from scalargrad.view.diagnose.diagnose import Diagnosis, diagnose
    from scalargrad.view.draw import draw
    from scalargrad.view.drawing import Drawing
    from scalargrad.view.explain.explain import Explanation, explain
    from scalargrad.view.film.film import Film
    from scalargrad.view.live.widget import live as live  # likewise anywidget
    from scalargrad.view.steps import steps

__version__ = "0.1.0"

# The module that each of these names is loaded from on first use. Values and the functions of the
# table are here at once; all the rest takes three times as long to load as these, and most programs
# use little of it.
_LAZY = {
    name: f"scalargrad.{module}"
    for module, names in {
        "core.custom": "primitive",
        "core.lines": "traced_lines",
        "core.native": "NATIVE",
        "core.paths": "count_paths largest_paths paths",
        "measure.propagate": "Propagation Propagations propagate",
        "measure.sensitivities": "SensitivityTable sensitivities",
        "replay": "Compiled RecordingError compile from_json",
        "replay.backends.jax.processes": "distributed",
        "saving": "load save",
        "training.fit": "EarlyStopping History fit",
        "transforms.check": "GradientCheckError check_grads numerical_grad",
        "transforms.functional": "grad hessian hvp jacobian jvp value_and_grad vjp",
        "transforms.sparse": "SparsityPattern sparse_hessian sparse_jacobian sparsity",
        "transforms.taylor": "taylor",
        "transforms.tree": "register_container",
        "view.diagnose.diagnose": "Diagnosis diagnose",
        "view.draw": "draw",
        "view.drawing": "Drawing",
        "view.explain.explain": "Explanation explain",
        "view.film.film": "Film",
        "view.live.widget": "live",
        "view.steps": "steps",
    }.items()
    for name in names.split()
}
_MODULES = {"classifiers", "data", "losses", "metrics", "nn", "optim", "plot", "solve"}

if not TYPE_CHECKING:  # a type checker would take it to mean that every name exists

    def __getattr__(name: str) -> _Any:
        if name in _MODULES:
            return _import_module(f"scalargrad.{name}")  # which sets the attribute, too
        if name not in _LAZY:
            raise AttributeError(f"module 'scalargrad' has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_LAZY[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_MODULES})


# A new row is public at once; named above, it is also known to type checkers and completion.
for _name, _row in _TABLE.items():
    if _row.public:
        globals().setdefault(_name, _row)

__all__ = [
    "NATIVE",
    "Compiled",
    "Diagnosis",
    "Drawing",
    "EarlyStopping",
    "Explanation",
    "Film",
    "GradientCheckError",
    "History",
    "Propagation",
    "Propagations",
    "RecordingError",
    "SensitivityTable",
    "SparsityPattern",
    "Value",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "beta",
    "betaln",
    "cbrt",
    "ceil",
    "check_grads",
    "classifiers",
    "clip",
    "compile",
    "copysign",
    "cos",
    "cosh",
    "count_paths",
    "data",
    "degrees",
    "diagnose",
    "digamma",
    "distributed",
    "dot",
    "draw",
    "elu",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "fit",
    "floor",
    "from_json",
    "gamma",
    "gelu",
    "grad",
    "hessian",
    "hvp",
    "hypot",
    "jacobian",
    "jvp",
    "largest_paths",
    "leaky_relu",
    "lgamma",
    "load",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_ndtr",
    "log_softmax",
    "logaddexp",
    "logit",
    "logsumexp",
    "losses",
    "maximum",
    "mean",
    "metrics",
    "minimum",
    "ndtr",
    "ndtri",
    "nn",
    "no_grad",
    "norm",
    "numerical_grad",
    "optim",
    "paths",
    "polygamma",
    "pow",
    "primitive",
    "prod",
    "propagate",
    "radians",
    "register_container",
    "relu",
    "rint",
    "save",
    "sensitivities",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softplus",
    "sparse_hessian",
    "sparse_jacobian",
    "sparsity",
    "sqrt",
    "steps",
    "stop_gradient",
    "sum",
    "take",
    "tan",
    "tanh",
    "taylor",
    "topological_order",
    "traced_lines",
    "value_and_grad",
    "vjp",
    "where",
    "xlogy",
]
