"""The special functions of `core/special.py` as C and as plain Python, translated from its source.

They are arithmetic, branches and loops on floats. Their names get the prefix of helpers in place of
an underscore; numbers and coefficients with names are written out.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from scalargrad.core import special

__all__ = ["c_helpers", "numpy_helpers"]

_FUNCTIONS = {name for name, x in vars(special).items() if isinstance(x, FunctionType)}
_MATH = {"gamma": "tgamma"}  # the names of C that differ
_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: " && ", ast.Or: " || ",
}  # fmt: skip


@cache
def _sources() -> dict[str, ast.FunctionDef]:
    tree = ast.parse(Path(special.__file__).read_text("utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _bare(name: str) -> str:
    return name.removeprefix("_")


def _statements(node: ast.FunctionDef) -> list[ast.stmt]:
    """The body without the docstring."""
    return node.body[1:] if ast.get_docstring(node) else node.body


# --- Python --------------------------------------------------------------------------------------


class _Plain(ast.NodeTransformer):
    """Names of functions get one underscore, names of numbers become these."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in _FUNCTIONS:
            return ast.Name(f"_{_bare(node.id)}")
        x = vars(special).get(node.id)
        if isinstance(x, float) and x - x == 0.0:
            return ast.Constant(x)
        if isinstance(x, (float, tuple)):
            return ast.parse(f"math.{node.id}" if isinstance(x, float) else repr(x)).body[0].value  # type: ignore[attr-defined, no-any-return]
        return node


def numpy_helpers() -> dict[str, str]:
    """By name, the text of each function in Python."""
    found = {}
    for name, node in _sources().items():
        arguments = ", ".join([x.arg for x in node.args.args])
        body = [_Plain().visit(ast.parse(ast.unparse(x)).body[0]) for x in _statements(node)]
        lines = "\n".join([ast.unparse(ast.fix_missing_locations(x)) for x in body]).splitlines()
        text = [f"def _{_bare(name)}({arguments}):", f'    """{_about(node)}"""']
        found[f"_{_bare(name)}"] = "\n".join([*text, *[f"    {x}" for x in lines]]) + "\n"
    return found


def _about(node: ast.FunctionDef) -> str:
    return (ast.get_docstring(node) or f"See `{node.name}` in scalargrad.").splitlines()[0]


# --- C -------------------------------------------------------------------------------------------


def c_helpers() -> dict[str, str]:
    """By name, the text of each function in C."""
    return {f"sg_{_bare(name)}": _C(node).text() for name, node in _sources().items()}


class _C:
    """One function in C."""

    def __init__(self, node: ast.FunctionDef) -> None:
        self.node = node
        self.lines: list[str] = []

    def text(self) -> str:
        node = self.node
        names = [x.arg for x in node.args.args]
        if node.name == "_polynomial":
            return (
                "static double sg_polynomial(int n, const double *coefficients, double x)\n{\n"
                "    double total = 0.0;\n    int k;\n"
                "    for (k = 0; k < n; k++) total = total * x + coefficients[k];\n"
                "    return total;\n}\n"
            )
        stored = {
            x.id: None
            for x in ast.walk(node)
            if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
        }
        counters = {x.target.id for x in ast.walk(node) if isinstance(x, ast.For)}  # type: ignore[attr-defined]
        for kind, of_kind in (
            ("double", [x for x in stored if x not in counters and x not in names]),
            ("int", sorted(counters)),
        ):
            if of_kind:
                self.lines.append(f"    {kind} {', '.join(of_kind)};")
        self._block(_statements(node), "    ")
        unused = {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}
        silent = [f"    (void){x};" for x in names if x not in unused]
        at = sum(line.startswith(("    double ", "    int ")) for line in self.lines[:2])
        self.lines[at:at] = silent
        head = f"static double sg_{_bare(node.name)}({', '.join(f'double {x}' for x in names)})"
        return "\n".join([f"{head} /* {_about(node)} */", "{", *self.lines, "}"]) + "\n"

    def _block(self, body: list[ast.stmt], indent: str) -> None:
        for x in body:
            self._statement(x, indent)

    def _statement(self, x: ast.stmt, indent: str) -> None:
        add = self.lines.append
        match x:
            case ast.Return(value):
                add(f"{indent}return {self._number(value)};")  # type: ignore[arg-type]
            case ast.Assign([ast.Name(name)], value):
                add(f"{indent}{name} = {self._number(value)};")
            case ast.Assign([ast.Tuple(names)], ast.Tuple(values)):
                for k, value in enumerate(values):  # all are computed before one is assigned
                    add(f"{indent}{'{ const double ' if not k else '  const double '}"
                        f"new_{k} = {self._number(value)};")  # fmt: skip
                pairs = [f"{name.id} = new_{k};" for k, name in enumerate(names)]  # type: ignore[attr-defined]
                add(f"{indent}  {' '.join(pairs)} }}")
            case ast.AugAssign(ast.Name(name), op, value):
                add(f"{indent}{name} {_OPERATORS[type(op)]}= {self._number(value)};")
            case ast.If(test, body, orelse):
                add(f"{indent}if ({self._truth(test)}) {{")
                self._block(body, indent + "    ")
                if orelse:
                    add(f"{indent}}} else {{")
                    self._block(orelse, indent + "    ")
                add(f"{indent}}}")
            case ast.While(test, body):
                add(f"{indent}while ({self._truth(test)}) {{")
                self._block(body, indent + "    ")
                add(f"{indent}}}")
            case ast.For(ast.Name(k), ast.Call(_, bounds), body):
                texts = [*map(ast.unparse, bounds)]
                first, stop, step = texts if len(texts) == 3 else ("0", texts[0], "1")
                how = f"{k} < {stop}; {k}++" if step == "1" else f"{k} > {stop}; {k}--"
                add(f"{indent}for ({k} = {first}; {how}) {{")
                self._block(body, indent + "    ")
                add(f"{indent}}}")
            case _:
                raise TypeError(f"special.py: {ast.unparse(x)!r} has no translation to C")

    def _truth(self, x: ast.expr) -> str:
        match x:
            case ast.Compare(left, ops, comparators):
                sides = [self._number(side) for side in (left, *comparators)]
                pairs = [
                    f"{a} {_OPERATORS[type(op)]} {b}"
                    for a, op, b in zip(sides[:-1], ops, sides[1:], strict=True)
                ]
                return f"({' && '.join(pairs)})"
            case ast.BoolOp(op, values):
                return f"({_OPERATORS[type(op)].join(map(self._truth, values))})"
            case ast.UnaryOp(ast.Not(), operand):
                return f"!{self._truth(operand)}"
            case ast.IfExp(test, body, orelse):
                return f"({self._truth(test)} ? {self._truth(body)} : {self._truth(orelse)})"
        return f"({self._number(x)} != 0.0)"

    def _number(self, x: ast.expr) -> str:
        match x:
            case ast.Constant(int() | float() as value):
                return repr(float(value))
            case ast.Name(name):
                return _named(name)
            case ast.UnaryOp(ast.USub(), operand):
                return f"(-{self._number(operand)})"
            case ast.BinOp(left, ast.Mod(), right):
                return f"fmod({self._number(left)}, {self._number(right)})"
            case ast.BinOp(left, op, right):
                return f"({self._number(left)} {_OPERATORS[type(op)]} {self._number(right)})"
            case ast.IfExp(test, body, orelse):
                return f"({self._truth(test)} ? {self._number(body)} : {self._number(orelse)})"
            case ast.Subscript(ast.Name(name), index):
                return f"({_listed(name)})[{ast.unparse(index)}]"
            case ast.Call(ast.Attribute(ast.Name("math"), name), args):
                return f"{_MATH.get(name, name)}({', '.join(map(self._number, args))})"
            case ast.Call(ast.Name("_polynomial"), [ast.Name(name), at]):
                count = len(vars(special)[name])
                return f"sg_polynomial({count}, {_listed(name)}, {self._number(at)})"
            case ast.Call(ast.Name(name), args) if name in _FUNCTIONS:
                return f"sg_{_bare(name)}({', '.join(map(self._number, args))})"
        raise TypeError(f"special.py: {ast.unparse(x)!r} has no translation to C")


def _named(name: str) -> str:
    x: Any = vars(special).get(name)
    if not isinstance(x, float):
        return name
    return {"inf": "INFINITY", "nan": "NAN"}.get(name, repr(x))


def _listed(name: str) -> str:
    return f"(const double[]){{{', '.join(map(repr, vars(special)[name]))}}}"
