"""A recorded program as a module of NumPy, to be read: matrix products where dots share numbers."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from scalargrad.core.primitives import dot, dot_operands
from scalargrad.replay.export.derived import Derived
from scalargrad.replay.export.helpers_numpy import HELPERS
from scalargrad.replay.export.names import comment, identifiers, wrapped
from scalargrad.replay.export.recorded import Kind, Recorded
from scalargrad.replay.export.spellings import product as product_of
from scalargrad.replay.export.spellings import read_slots, spelled, total
from scalargrad.replay.lowering import lowered, matrix
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program, broadcast
from scalargrad.replay.schedule import Group, Outer, schedule

__all__ = ["numpy_source"]

_TAKEN = {
    *keyword.kwlist, *keyword.softkwlist, *dir(builtins), "np", "math", "n", "theta", "columns",
    "samples", "value", "gradient", "results", "value_and_grad", "total", "self",
}  # fmt: skip
_ARRAY = 4  # equal operations from which on they become one operation on an array
_RUNS = 3  # pieces from which an operand of such an operation may be put together


def numpy_source(recorded: Recorded, kind: Kind, derived: Sequence[Derived]) -> str:
    """The text of the module of NumPy; arguments and errors are those of a `Writer`."""
    return _Module(recorded, kind, derived).text()


def _number(x: float) -> str:
    if math.isnan(x):
        return "np.nan"
    text = "np.inf" if math.isinf(x) else repr(abs(x))
    return f"(-{text})" if math.copysign(1.0, x) < 0.0 else text


def _line(text: str) -> str:
    """A statement `name = expression`, in brackets on several lines if it is long."""
    line = "    " + text
    if len(line) <= 100:
        return line
    name, _, expression = text.partition(" = ")
    return wrapped(f"    {name} = ( {expression}", "        ").replace("= ( ", "= (", 1) + ")"


class _Module:
    def __init__(self, recorded: Recorded, kind: Kind, derived: Sequence[Derived]) -> None:
        self.recorded, self.kind, self.derived = recorded, kind, derived
        self.by_parameters = bool(recorded.params)
        self.arguments = [a for a in kind.arguments if not a.is_static]
        self.labels = list(recorded.labels[: recorded.params])
        texts = [argument.name for argument in self.arguments]
        names = identifiers([*texts, *self.labels], "x", _TAKEN | {*HELPERS})
        self.argument_names = names[: len(texts)]
        self.label_names = names[len(texts) :]
        self.differentiable = derived[0].gradient is not None
        self.results = len(derived[0].values.outputs) - _conditions(derived[0])
        self.divided = len(derived) > 1 or bool(derived[0].guards)

    def text(self) -> str:
        """The module."""
        parts = []
        for k, branch in enumerate(self.derived):
            parts.append(_Function(self, branch, branch.values, "value", k).text())
            if branch.gradient is not None:
                parts.append(_Function(self, branch, branch.gradient, "gradient", k).text())
            if branch.careful is not None:
                parts.append(_Function(self, branch, branch.careful, "careful", k).text())
        parts.append(self._face())
        code = "\n\n".join(parts)
        helpers = _helpers(code)
        everything = "\n\n".join([*helpers, code])
        imports = ["import math"] if "math." in everything else []
        return "\n".join([self._docstring(), *imports, "import numpy as np", "", everything])

    def _docstring(self) -> str:
        name = comment(self.recorded.name)
        lines = [f'"""{name}: a recorded function of many samples, as NumPy.', ""]
        lines += [
            "Written by scalargrad; it needs NumPy 1.25 or later, and nothing else. Arguments"
        ]
        lines += ["are arrays whose first axis counts the n samples, of these shapes:", ""]
        for argument, mine in zip(self.arguments, self.argument_names, strict=True):
            shape = ", ".join(["n", *map(str, argument.shape)])
            said = "" if mine == argument.name else f"  {comment(argument.name)}"
            lines.append(f"    {mine}: ({shape}{'' if argument.shape else ','}){said}")
        if self.by_parameters:
            lines += ["", "theta holds the parameters; THETA is what they were."]
        lines += ['"""', ""]
        return "\n".join(lines)

    def _face(self) -> str:
        texts = []
        recorded, names = self.recorded, self.argument_names
        given = ", ".join(names)
        theta = ", theta=THETA" if self.by_parameters else ""
        listed = f"[{given}]"
        if self.by_parameters:
            numbers = ", ".join(
                [_number(x).strip("()") for x in recorded.numbers[: recorded.params]]
            )
            text = f"THETA = np.array([{numbers}])"
            texts.append(wrapped(text, "    ") + "\n")
        shapes = ", ".join([repr(argument.shape) for argument in self.arguments])
        texts.append(f"""\
def _columns(arguments):
    \"\"\"The numbers of the samples, one row for each, and how many samples there are.\"\"\"
    rows, n = [], None
    for x, shape in zip(arguments, [{shapes}], strict=True):
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 0 or x.shape[1:] != shape or n not in (None, len(x)) or len(x) == 0:
            raise ValueError(f"expected an array of n samples of shape {{shape}}, got {{x.shape}}")
        n = len(x)
        rows.append(x.reshape(n, -1).T)
    return np.concatenate(rows) if rows else np.empty((0, 1)), n or 1
""")
        self.theta = "theta" if self.by_parameters else "np.empty(0)"
        if self.by_parameters:
            texts.append(f"""\
def _checked(theta):
    \"\"\"The parameters as an array.\"\"\"
    theta = np.asarray(theta, dtype=np.float64)
    if theta.shape != ({recorded.params},):
        raise ValueError(f"theta must have shape ({recorded.params},), got {{theta.shape}}")
    return theta
""")
        if self.divided:
            texts.append("""\
def _divided(branches, theta, columns):
    \"\"\"For each branch the samples that take it; an error if one takes none of them.\"\"\"
    rest = np.arange(columns.shape[1])
    for value, *others in branches:
        if len(rest):
            _, fits, _ = value(theta, columns[:, rest])
            if np.any(fits):
                yield rest[fits], (value, *others)
            rest = rest[~fits]
    if len(rest):
        raise ValueError(f"sample {rest[0]} takes a branch that was not recorded")
""")
        texts.append(self._value(given, theta, listed))
        if self.differentiable:
            texts.append(self._value_and_grad(given, theta, listed))
        return "\n\n".join(texts)

    def _check(self, indent: str, condition: str, what: str) -> str:
        if self.recorded.allow_nonfinite:
            return ""
        return (
            f"{indent}if not {condition}:\n"
            f"{indent}    raise FloatingPointError(\n"
            f'{indent}        "{what}"\n'
            f"{indent}    )\n"
        )

    def _value(self, given: str, theta: str, listed: str) -> str:
        one = self.results == 1
        result = "the result of each sample, of shape (n,)" if one else (
            f"the {self.results} results of each sample, of shape ({self.results}, n)"
        )  # fmt: skip
        checked = "    theta = _checked(theta)\n" if self.by_parameters else ""
        mine = self.theta
        if self.divided:
            branches = ", ".join([f"(_value_{k},)" for k in range(len(self.derived))])
            run = f"""\
        results = np.empty(({self.results}, n))
        for samples, (run,) in _divided([{branches}], {mine}, columns):
            found, _, defined = run({mine}, columns[:, samples])
            results[:, samples] = np.where(defined, found, np.nan)
"""
        else:
            run = f"""\
        found, _, defined = _value_0({mine}, columns)
        results = np.where(defined, found, np.nan)
"""
        check = self._check(
            "    ", "np.all(np.isfinite(results))",
            "a result is nan or infinite, or an operation is not defined",
        )  # fmt: skip
        return f"""\
def value({given}{theta if given else theta[2:]}):
    \"\"\"{result[0].upper()}{result[1:]}.\"\"\"
{checked}    columns, n = _columns({listed})
    with np.errstate(all="ignore"):
{run}{check}    return results{"[0]" if one else ""}
"""

    def _value_and_grad(self, given: str, theta: str, listed: str) -> str:
        reduction = self.recorded.reduction
        by = "the parameters" if self.by_parameters else "the arguments"
        checked = "    theta = _checked(theta)\n" if self.by_parameters else ""
        mine = self.theta
        triples = []
        for k, branch in enumerate(self.derived):
            careful = f"_careful_{k}" if branch.careful is not None else "None"
            triples.append(f"(_value_{k}, _gradient_{k}, {careful})")
        zeros = f"np.zeros({self.recorded.params})" if self.by_parameters else (
            "np.zeros(columns.shape)"
        )  # fmt: skip
        place = "" if self.by_parameters else "[:, samples]"
        mean = reduction == "mean"
        weight = "    weight = 1.0 / n\n" if mean else ""
        by_weight = " * weight" if mean else ""
        if self.by_parameters:
            back = f"gradient{by_weight}"
        else:
            split, position = [], 0
            for argument in self.arguments:
                size = math.prod(argument.shape)
                shape = ", ".join(["n", *map(str, argument.shape)])
                piece = f"gradient[{position}:{position + size}]" if argument.shape else (
                    f"gradient[{position}]"
                )  # fmt: skip
                split.append(f"{piece}.T.reshape({shape})" if argument.shape else piece)
                position += size
            back = "gradient" if not split else split[0] if len(split) == 1 else (
                f"({', '.join(split)})"
            )  # fmt: skip
            if mean:
                weight += "    gradient = gradient * weight\n"
        if self.divided:
            run = f"""\
    total, gradient = 0.0, {zeros}
    with np.errstate(all="ignore"):
        branches = [{", ".join(triples)}]
        for samples, (_, run, careful) in _divided(branches, {mine}, columns):
            chosen = columns[:, samples]
            part, slopes, defined = run({mine}, chosen)
            if careful and not (np.isfinite(part) and np.all(np.isfinite(slopes))):
                part, slopes, defined = careful({mine}, chosen)
            total += part if np.all(defined) else np.nan
            gradient{place} += slopes if np.all(defined) else np.nan
"""
        else:
            again = f"""\
        if not (np.isfinite(total) and np.all(np.isfinite(gradient))):
            total, gradient, defined = _careful_0({mine}, columns)
"""
            run = f"""\
    with np.errstate(all="ignore"):
        total, gradient, defined = _gradient_0({mine}, columns)
{again if self.derived[0].careful is not None else ""}\
        if not np.all(defined):
            total, gradient = np.nan, np.nan * gradient
"""
        check = self._check(
            "    ", "(np.isfinite(total) and np.all(np.isfinite(gradient)))",
            "a result or a derivative is nan or infinite, or an operation is not defined",
        )  # fmt: skip
        return f"""\
def value_and_grad({given}{theta if given else theta[2:]}):
    \"\"\"The {reduction} of the results over the samples, and its derivatives by {by}.\"\"\"
{checked}    columns, n = _columns({listed})
{run}{weight}{check}    return float(total{by_weight}), {back}
"""


def _conditions(branch: Derived) -> int:
    return len(branch.guards) + branch.watches


@dataclass(frozen=True)
class _Place:
    """Where a slot is: `name[index]` of an array, or a name by itself."""

    text: str
    array: str = ""
    index: int = 0
    size: int = 0  # of the array, all axes but that of the samples


class _Function:
    """One program as a function of the parameters and the columns."""

    def __init__(
        self, module: _Module, derived: Derived, program: Program, purpose: str, number: int
    ) -> None:
        self.module, self.derived, self.purpose, self.number = module, derived, purpose, number
        self.count = len(program.outputs) - _conditions(derived)
        self.program = lowered(program, {})
        self.lines: list[str] = []
        self.made = 0
        self.places: dict[int, _Place] = {}
        self.matrices: list[tuple[str, Outer]] = []
        self.arrays: dict[str, int] = {}  # by name, the phase
        self.used: set[str] = set()  # bindings

    def text(self) -> str:
        """The function."""
        self._leaves()
        read = read_slots(self.program, "python")
        before, each, after = schedule(self.program)
        for groups, title in (
            (before, "once, before the samples"),
            (each, "for each sample"),
            (after, "once, after the samples"),
        ):
            if groups:
                self.lines.append(f"    # {title}")
            for group in groups:
                if isinstance(group, Outer):
                    self._outer(group)
                    continue
                for slot in group.members:
                    if not read[slot]:
                        self.places[slot] = _Place("")
                group.members = [slot for slot in group.members if read[slot]]
                if not group.members:
                    continue
                if group.row is matrix:
                    self._matrix(group)
                else:
                    self._group(group)
        body = [*self.lines, *self._result()]
        code = "\n".join(body)
        summary = {
            "value": "The results, the samples that it is for, and those where it is defined.",
            "gradient": "The sum over the samples, its derivatives, and where it is defined.",
            "careful": "The same where nothing flows on from what was not used.",
        }[self.purpose]
        lines = [f"def _{self.purpose}_{self.number}(theta, columns):", f'    """{summary}"""']
        names = {*re.findall(r"\w+", code)}
        if "n" in names:
            lines.append("    n = columns.shape[1]")
        for name, binding in self.bindings:
            if name in names:
                lines.append(f"    {binding}")
        return "\n".join([*lines, *body, ""])

    def _leaves(self) -> None:
        module, program = self.module, self.program
        self.bindings: list[tuple[str, str]] = []
        position = 0
        slots = iter(program.inputs)
        for argument, name in zip(module.arguments, module.argument_names, strict=True):
            size = math.prod(argument.shape)
            if not argument.shape:
                self.bindings.append((name, f"{name} = columns[{position}]"))
                self.places[next(slots)] = _Place(name, "columns", position, len(program.inputs))
            else:
                said = f"  # {', '.join(map(str, argument.shape))}: one row for each number"
                said = said if len(argument.shape) > 1 else ""
                self.bindings.append(
                    (name, f"{name} = columns[{position}:{position + size}]{said}")
                )
                self.arrays[name] = SAMPLE
                for k, _ in enumerate(product(*map(range, argument.shape))):
                    self.places[next(slots)] = _Place(f"{name}[{k}]", name, k, size)
            position += size
        self.arrays["columns"], self.arrays["theta"] = SAMPLE, BEFORE
        for i, slot in enumerate(program.parameters):
            text = f"theta[{i}]"
            if module.labels[i]:
                text = module.label_names[i]
                said = comment(module.labels[i])
                said = "" if said == text else f"  # {said}"
                self.bindings.append((text, f"{text} = theta[{i}]{said}"))
            self.places[slot] = _Place(text, "theta", i, len(program.parameters))
        for slot, number in program.constants.items():
            self.places[slot] = _Place(_number(number))

    def _name(self) -> str:
        self.made += 1
        return f"v{self.made}"

    def _ref(self, slot: int) -> str:
        return self.places[slot].text

    # --- operations ---------------------------------------------------------------------------

    def _group(self, group: Group) -> None:
        program = self.program
        assert group.row is not None
        members = self._ordered(group.members)
        operands = [program.operands[slot] for slot in members]
        if len(members) >= _ARRAY and len({*map(len, operands)}) == 1 and len(operands[0]) <= 4:
            phase = program.phases[members[0]]
            columns = [*zip(*operands, strict=True)]
            if all(self._runs(column) <= _RUNS for column in columns) and any(
                len({*column}) > 1 for column in columns
            ):
                texts = [self._rows(column, phase) for column in columns]
                if phase == SAMPLE and not any(
                    program.phases[slot] == SAMPLE for column in columns for slot in column
                ):
                    texts = []
                if texts:
                    self._array(members, spelled(group.row, "python", texts), phase)
                    return
        for slot, mine in zip(members, operands, strict=True):
            texts = [self._ref(o) for o in mine]
            if all(o in program.constants for o in mine) and group.row is not broadcast:
                texts[0] = f"np.float64({texts[0]})"  # which divides by zero without an error
            is_dot = group.row is dot
            self._alone(slot, self._dot(mine) if is_dot else spelled(group.row, "python", texts))

    def _alone(self, slot: int, expression: str) -> None:
        """A statement that computes one slot."""
        name = self._name()
        self.lines.append(_line(f"{name} = {expression}"))
        self.places[slot] = _Place(name)

    def _dot(self, operands: tuple[int, ...]) -> str:
        """A sum of products; neighbours in arrays as a product of the arrays."""
        ws, xs, bias = dot_operands(operands)
        terms = [self._ref(slot) for slot in bias]
        pairs = list(zip(ws, xs, strict=True))
        while pairs:
            count = self._along(pairs)
            if count < _ARRAY:
                count = 1
                terms.append(product_of(*map(self._ref, pairs[0])))
            else:
                sides = [[pair[side] for pair in pairs[:count]] for side in (0, 1)]
                phases = [self.program.phases[side[0]] for side in sides]
                w, x = [self._rows(side, BEFORE) for side in sides]
                if phases[0] == SAMPLE and phases[1] != SAMPLE:
                    w, x = x, w
                both = phases == [SAMPLE, SAMPLE]
                terms.append(f"np.sum({w} * {x}, axis=0)" if both else f"{w} @ {x}")
            pairs = pairs[count:]
        return total(terms)

    def _along(self, pairs: Sequence[tuple[int, int]]) -> int:
        """How many of the first pairs lie beside each other, in one array on either side."""
        count = 1
        for (w, x), (v, y) in pairwise(pairs):
            sides = [(self.places[w], self.places[v]), (self.places[x], self.places[y])]
            if any(not a.array or a.array != b.array or b.index != a.index + 1 for a, b in sides):
                break
            count += 1
        return count

    def _ordered(self, members: Sequence[int]) -> list[int]:
        """The members of a group in the order in which their operands lie in arrays."""
        operands = self.program.operands
        counts = {len(operands[slot]) for slot in members}
        best = list(members)
        if len(members) < _ARRAY or len(counts) > 1:
            return best
        fewest = sum(
            [self._runs(column) for column in zip(*map(operands.__getitem__, best), strict=True)]
        )
        for position in range(min(max(counts), 4)):
            order = sorted(members, key=lambda slot: self._where(operands[slot][position]))
            columns = zip(*map(operands.__getitem__, order), strict=True)
            runs = sum([self._runs(column) for column in columns])
            if runs < fewest:
                best, fewest = order, runs
        return best

    def _where(self, slot: int) -> tuple[bool, str, int]:
        """A key that sorts slots by their place; those outside of arrays come last."""
        place = self.places[slot]
        return not place.array, place.array, place.index

    def _array(self, members: Sequence[int], expression: str, phase: int) -> str:
        """A statement that computes one array for all members."""
        name = self._name()
        self.lines.append(_line(f"{name} = {expression}") + f"  # {len(members)} rows")
        self.arrays[name] = phase
        for k, slot in enumerate(members):
            self.places[slot] = _Place(f"{name}[{k}]", name, k, len(members))
        return name

    def _matrix(self, group: Group) -> None:
        """Dots that share their numbers of the sample: a matrix product."""
        program = self.program
        taken = {slot: dot_operands(program.operands[slot]) for slot in group.members}
        first = taken[group.members[0]][1]
        order = sorted(range(len(first)), key=lambda t: self._where(first[t]))
        xs = [first[t] for t in order]
        members = sorted(group.members, key=lambda slot: self._where(taken[slot][0][order[0]]))
        biases = [taken[slot][2] for slot in members]
        alike = all(biases) or not any(biases)
        if len(members) < 2 or len(members) * len(xs) < _ARRAY or len(xs) < 2 or not alike:
            for slot in group.members:
                self._alone(slot, self._dot(program.operands[slot]))
            return
        grid = self._grid([[taken[slot][0][t] for t in order] for slot in members])
        expression = f"{grid} @ {self._rows(xs, SAMPLE)}"
        if all(biases):
            expression += f" + {self._rows([bias[0] for bias in biases], SAMPLE)}"
        self._array(members, expression, SAMPLE)

    def _outer(self, outer: Outer) -> None:
        """Sums over the samples of every left with every right."""
        outer = self._sorted(outer)
        m, n, terms = len(outer.lefts), len(outer.rights), len(outer.lefts[0])
        if m * n < _ARRAY:
            for i, left in enumerate(outer.lefts):
                for j, right in enumerate(outer.rights):
                    parts = [self._sum(a, b) for a, b in zip(left, right, strict=True)]
                    self._alone(outer.slots[i][j], " + ".join(parts))
            return
        name = self._name()
        parts = [
            f"{self._rows([left[t] for left in outer.lefts], SAMPLE, stack=True)} @ "
            f"{self._rows([right[t] for right in outer.rights], SAMPLE, stack=True)}.T"
            for t in range(terms)
        ]
        self.lines.append(_line(f"{name} = {' + '.join(parts)}") + f"  # {m} x {n} sums")
        self.matrices.append((name, outer))
        self.arrays[name] = AFTER
        for i in range(m):
            for j in range(n):
                self.places[outer.slots[i][j]] = _Place(f"{name}[{i}, {j}]")

    def _sorted(self, outer: Outer) -> Outer:
        """The same product with its rows and columns in the order in which they lie in arrays."""
        lefts = sorted(range(len(outer.lefts)), key=lambda i: self._where(outer.lefts[i][0]))
        rights = sorted(range(len(outer.rights)), key=lambda j: self._where(outer.rights[j][0]))
        return Outer(
            [outer.lefts[i] for i in lefts],
            [outer.rights[j] for j in rights],
            [[outer.slots[i][j] for j in rights] for i in lefts],
        )

    def _sum(self, a: int, b: int) -> str:
        """The sum over the samples of a product."""
        rows, operands, constants = self.program.rows, self.program.operands, self.program.constants
        for x, y in ((a, b), (b, a)):
            if rows[y] is broadcast and constants.get(operands[y][0]) == 1.0:
                return "n" if x == y else f"np.sum({self._ref(x)})"
        return f"np.dot({self._ref(a)}, {self._ref(b)})"

    # --- arrays of slots ----------------------------------------------------------------------

    def _pieces(self, slots: Sequence[int]) -> list[list[int]]:
        """The slots in runs: neighbours in one array, or one slot alone."""
        pieces: list[list[int]] = []
        before: _Place | None = None
        for slot in slots:
            place = self.places[slot]
            if (
                before is not None
                and place.array
                and place.array == before.array
                and place.index == before.index + 1
            ):
                pieces[-1].append(slot)
            else:
                pieces.append([slot])
            before = place
        return pieces

    def _runs(self, slots: Sequence[int]) -> int:
        return 1 if len({*slots}) == 1 or self._stride(slots) else len(self._pieces(slots))

    def _stride(self, slots: Sequence[int]) -> int:
        """The distance in their array of slots that lie in it at equal distances above 1, or 0."""
        places = [self.places[slot] for slot in slots]
        step = places[-1].index - places[-2].index if len(places) > 2 else 0
        regular = step > 1 and all(
            after.array and after.array == before.array and after.index - before.index == step
            for before, after in pairwise(places)
        )
        return step if regular else 0

    def _rows(self, slots: Sequence[int], phase: int, stack: bool = False) -> str:
        """The slots as one array; of a phase with samples, with a last axis that fits to them.

        If all are the same slot, it stands for itself, unless `stack`.
        """
        phases = self.program.phases
        if len({*slots}) == 1 and not stack:
            return self._ref(slots[0])
        sampled = any(phases[slot] == SAMPLE for slot in slots)
        if step := self._stride(slots):
            first, last = self.places[slots[0]], self.places[slots[-1]]
            text = f"{first.array}[{first.index}:{last.index + 1}:{step}]"
            return f"{text}[:, None]" if phase == SAMPLE and not sampled else text
        texts = []
        for piece in self._pieces(slots):
            first = self.places[piece[0]]
            if len(piece) == 1:
                texts.append(first.text)
            elif len(piece) == first.size:
                texts.append(first.array)
            else:
                texts.append(f"{first.array}[{first.index}:{first.index + len(piece)}]")
        if len(texts) == 1 and len(slots) > 1:
            text = texts[0]
        elif sampled:
            full = [
                text if phases[piece[0]] == SAMPLE else f"np.full(n, {text})"
                for text, piece in zip(texts, self._pieces(slots), strict=True)
            ]
            return f"np.vstack([{', '.join(full)}])"
        elif all(len(piece) == 1 for piece in self._pieces(slots)):
            text = f"np.array([{', '.join(texts)}])"
        else:
            text = f"np.hstack([{', '.join(texts)}])"
        return f"{text}[:, None]" if phase == SAMPLE and not sampled else text

    def _grid(self, rows: Sequence[Sequence[int]]) -> str:
        """A matrix of slots that all samples share."""
        flat = [slot for line in rows for slot in line]
        places = [self.places[slot] for slot in flat]
        m, k = len(rows), len(rows[0])
        if all(place.array and place.array == places[0].array for place in places):
            indices = [place.index for place in places]
            if m > 1 and k > 1:
                pattern = _affine(indices, m, k)
                if pattern is not None:
                    return _view(places[0].array, places[0].size, *pattern, m, k)
                turned = [indices[i * k + j] for j in range(k) for i in range(m)]
                pattern = _affine(turned, k, m)
                if pattern is not None:
                    return _view(places[0].array, places[0].size, *pattern, k, m) + ".T"
            array = places[0].array
            if m == 1 and self._runs(flat) == 1:
                return f"{self._rows(flat, BEFORE)}[None]"
            listed = ", ".join([str(indices[i * k : (i + 1) * k]) for i in range(m)])
            return f"{array}[np.array([{listed}])]"
        lines = [f"[{', '.join(map(self._ref, line))}]" for line in rows]
        return f"np.array([{', '.join(lines)}])"

    # --- results ------------------------------------------------------------------------------

    def _result(self) -> list[str]:
        program = self.program
        outputs = program.outputs[: self.count]
        conditions = program.outputs[self.count :]
        guards = [
            f"({self._ref(slot)} {'!=' if expected else '=='} 0.0)"
            for (expected, _), slot in zip(self.derived.guards, conditions, strict=False)
        ]
        lines = []
        for expected, where in self.derived.guards:
            place = re.split(r"[/\\]", where)[-1]
            lines.append(f"    # takes samples for which {comment(place)} is {expected}")
        fits = " & ".join(guards) or "True"
        defined = f"np.isfinite({self._ref(conditions[-1])})" if self.derived.watches else "True"
        if self.purpose == "value":
            rows = [
                self._ref(slot)
                if program.phases[slot] == SAMPLE
                else f"np.full(n, {self._ref(slot)})"
                for slot in outputs
            ]
            if len(outputs) > 1 and len(pieces := self._pieces(outputs)) == 1:
                result = self._rows(pieces[0], SAMPLE)
            else:
                result = f"np.stack([{', '.join(rows)}])" if rows else "np.empty((0, n))"
            lines.append(_line(f"results = {result}"))
            if self.module.divided:
                fits = f"np.broadcast_to({fits}, n)"
            return [*lines, f"    return results, {fits}, {defined}"]
        loss, *slopes = outputs
        if self.module.by_parameters:
            lines += self._gradient(slopes)
        else:
            lines += self._slopes(slopes)
        return [*lines, f"    return {self._ref(loss)}, gradient, {defined}"]

    def _slopes(self, slots: Sequence[int]) -> list[str]:
        """The derivatives by the inputs: one row for each."""
        if not slots:
            return ["    gradient = np.empty((0, n))"]
        phases = self.program.phases
        if len(slots) > 1 and len(self._pieces(slots)) == 1 and phases[slots[0]] == SAMPLE:
            return [_line(f"gradient = {self._rows(slots, SAMPLE)}")]
        rows = [
            self._ref(s) if phases[s] == SAMPLE else f"np.full(n, {self._ref(s)})" for s in slots
        ]
        return [_line(f"gradient = np.stack([{', '.join(rows)}])")]

    def _gradient(self, slots: Sequence[int]) -> list[str]:
        """The derivatives by the parameters: one array of them, filled by matrices."""
        where: dict[int, list[int]] = {}
        for i, slot in enumerate(slots):
            where.setdefault(slot, []).append(i)
        lines = []
        done: set[int] = set()
        for name, outer in self.matrices:
            m, n = len(outer.lefts), len(outer.rights)
            flat = [slot for line in outer.slots for slot in line]
            if any(len(where.get(slot, ())) != 1 for slot in flat):
                continue
            indices = [where[slot][0] for slot in flat]
            for turned in ("", ".T"):
                if turned:
                    indices = [indices[i * n + j] for j in range(n) for i in range(m)]
                    m, n = n, m
                pattern = _affine(indices, m, n)
                if pattern is not None:
                    view = _view("gradient", len(slots), *pattern, m, n)
                    whole = "[...]" if view.endswith(")") or "[" not in view else ""
                    lines.append(f"    {view}{whole} = {name}{turned}")
                    done.update(indices)
                    break
        rest = [i for i in range(len(slots)) if i not in done]
        if not lines:
            listed = ", ".join([self._ref(slot) for slot in slots])
            return [_line(f"gradient = np.array([{listed}])")]
        for i in rest:
            label = self.module.labels[i]
            said = f"  # {comment(label)}" if label else ""
            lines.append(f"    gradient[{i}] = {self._ref(slots[i])}{said}")
        return [f"    gradient = np.empty({len(slots)})", *lines]


def _affine(indices: Sequence[int], m: int, k: int) -> tuple[int, int] | None:
    """(start, stride) if indices[i * k + j] = start + i * stride + j, without overlaps."""
    start = indices[0]
    stride = indices[k] - start if m > 1 else k
    if stride < k:
        return None
    for i in range(m):
        for j in range(k):
            if indices[i * k + j] != start + i * stride + j:
                return None
    return start, stride


def _view(array: str, size: int, start: int, stride: int, m: int, k: int) -> str:
    """A matrix inside of an array, as an expression that can be assigned to."""
    end = start + m * stride
    if end <= size:
        whole = array if (start, end) == (0, size) else f"{array}[{start}:{end}]"
        view = f"{whole}.reshape({m}, {stride})"
        return view if stride == k else f"{view}[:, :{k}]"
    if start >= (offset := end - size):  # the same rows, with the columns before them
        start -= offset
        whole = array if start == 0 else f"{array}[{start}:]"
        return f"{whole}.reshape({m}, {stride})[:, {offset}:{offset + k}]"
    rows = f"{start} + {stride} * np.arange({m})[:, None] + np.arange({k})"
    return f"{array}[{rows}]"


def _helpers(code: str) -> list[str]:
    """The helper functions that the code needs, each before those that use it."""
    needed: set[str] = set()
    stack = [code]
    while stack:
        for name in {*re.findall(r"\b_[a-z]\w*(?=\(|, otypes)", stack.pop())} & {*HELPERS} - needed:
            needed.add(name)
            stack.append(HELPERS[name])
    return [text for name, text in HELPERS.items() if name in needed]
