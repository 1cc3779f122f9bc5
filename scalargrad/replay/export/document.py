"""The durable form of a recorded program: JSON that later versions go on reading.

A document is data: operations of the table by their names, slots by their numbers. It says what the
function computes; derivatives follow from the table of the version that reads it.
`docs/guide/export.md` describes the format. Everything is checked, since a document may come from a
stranger: every name, index, count and length, before anything is built of it.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from itertools import product
from ntpath import basename
from typing import Any, NoReturn

from scalargrad.core.numbers import shown
from scalargrad.core.primitives import dot, take
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.replay.export.recorded import Argument, Branch, Kind, Recorded
from scalargrad.replay.program import BEFORE, Guard, Program
from scalargrad.replay.reference import FAULTS
from scalargrad.support.strict_json import encoded, parsed, unreadable

__all__ = ["read", "written"]

_KIND, _VERSION = "scalargrad program", 1
_FAULTS = {kind.__name__: kind for kind in FAULTS}
# Bounds of what is read: far beyond what a program of scalars can be of use for, and small enough
# for a machine of 8 GB. Shapes alone ask for more than the text has: hence a bound of their own.
_LONGEST = 1 << 29  # characters of a document
_MOST_SLOTS = 10_000_000  # of all recordings together
_MOST_INPUTS = 1_000_000  # likewise
_MOST_RECORDINGS = 10_000
_DEEPEST = 64  # levels of a nesting; also dimensions of an array


def written(recorded: Recorded) -> str:
    """The document of a compiled function.

    Raises:
        TypeError: It uses an operation that is not in the table, a static argument that is no
            plain value, or a result with keys that are no texts.
        ValueError: It exceeds a bound of `read`.
    """
    content = {
        "format": f"{_KIND} {_VERSION}",
        "name": recorded.name,
        "reduction": recorded.reduction,
        "allow_nonfinite": recorded.allow_nonfinite,
        "params": recorded.params,
        "labels": list(recorded.labels),
        "numbers": [encoded(x) for x in recorded.numbers],
        "kinds": [_kind(kind) for kind in recorded.kinds],
    }
    branches = [branch for kind in recorded.kinds for branch in kind.branches]
    slots = sum([len(branch.literal.rows) for branch in branches])
    inputs = sum([len(branch.literal.inputs) for branch in branches])
    for count, most, what in (
        (len(branches), _MOST_RECORDINGS, "recordings"),
        (slots, _MOST_SLOTS, "slots"),
        (inputs, _MOST_INPUTS, "numbers in the arguments"),
    ):
        if count > most:
            raise ValueError(f"to_json writes up to {most} {what} in all, got {count}")
    content["checksum"] = _checksum(content)
    return json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n"


def _checksum(content: dict[str, Any]) -> str:
    """The checksum of everything else that a document says, whatever its layout."""
    rest = {name: part for name, part in content.items() if name != "checksum"}
    text = json.dumps(rest, separators=(",", ":"), sort_keys=True)
    return f"crc32 {zlib.crc32(text.encode()):08x}"


def _kind(kind: Kind) -> dict[str, Any]:
    arguments: list[dict[str, Any]] = []
    for argument in kind.arguments:
        if not argument.is_static:
            arguments.append({"name": argument.name, "shape": list(argument.shape)})
            continue
        static = argument.static
        if static.__class__ not in (bool, int, float, str, type(None)):
            raise TypeError(
                f"to_json cannot write the static argument {argument.name!r}, {shown(static)}: "
                "it writes None, bools, numbers and texts"
            )
        number = {"number": encoded(static)} if static.__class__ is float else static
        arguments.append({"name": argument.name, "static": number})
    return {"arguments": arguments, "recordings": [_recording(b) for b in kind.branches]}


def _recording(branch: Branch) -> dict[str, Any]:
    program = branch.literal
    leaves = len(program.inputs) + len(program.parameters)
    code: list[Any] = []
    for slot in range(leaves, len(program.rows)):
        row = program.rows[slot]
        if row is None:
            code.append(encoded(program.constants[slot]))
        else:
            code.append([_name(row), *program.operands[slot]])
    return {
        "values": list(branch.values),
        "code": code,
        "outputs": program.outputs,
        "out": _nesting(branch.out),
        # of the place only the name of the file: its folder concerns nobody
        "guards": [[g.slot, g.expected, basename(g.where)] for g in program.guards],
        "checked": program.checked,
        "derived": sorted(program.derived),
        "raised": [[slot, kind.__name__] for slot, kind in sorted(program.raised.items())],
        "failure": branch.failure,
        "hopeless": sorted(branch.hopeless),
    }


def _name(row: Primitive) -> str:
    if TABLE.get(row.name) is not row:
        raise TypeError(
            f"to_json cannot write {row.name!r}, an operation of your own: its Python code is no "
            "part of a document. Write it with the functions of scalargrad instead of sg.primitive"
        )
    return row.name


def _nesting(out: Any) -> Any:
    if isinstance(out, dict):
        for key in out:
            if key.__class__ is not str:
                raise TypeError(
                    f"to_json writes results in dicts with texts as keys, got {shown(key)}"
                )
        return {"dict": [[key, _nesting(x)] for key, x in out.items()]}
    if isinstance(out, list):
        return [_nesting(x) for x in out]
    if isinstance(out, tuple):
        return {"tuple": [_nesting(x) for x in out]}
    if getattr(out, "shape", None):
        return {"array": list(out.shape)}
    return 0


# --- reading ----------------------------------------------------------------------------------


def read(text: str) -> Recorded:
    """What a document says, after checking all of it.

    Raises:
        ValueError: It is none that `written` could have made; the message says why.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"from_json reads up to {_LONGEST} characters, got {len(text)}")
    try:
        return _Reader().recorded(parsed(text, "to_json"))
    except unreadable as error:
        fault = str(error)[:200] or type(error).__name__
        raise ValueError(
            f"this is no program that to_json has written, {shown(text[:40])}: {fault}"
        ) from None


class _Reader:
    """Reads one document. Every method raises a ValueError for what `written` does not write."""

    def __init__(self) -> None:
        self.slots = self.inputs = self.recordings = 0

    def recorded(self, content: Any) -> Recorded:
        self._check_format(content)
        self._names(
            content, "format name reduction allow_nonfinite params labels numbers kinds checksum"
        )
        if content["checksum"] != _checksum(content):
            raise ValueError(
                "its checksum is of other contents: it is damaged, or was changed by hand"
            )
        if content["reduction"] not in ("mean", "sum"):
            self._fail("reduction", content["reduction"])
        labels = tuple([self._text(x, "a label") for x in self._list(content["labels"], "labels")])
        numbers = tuple([_number(x) for x in self._list(content["numbers"], "numbers")])
        if len(labels) != len(numbers):
            raise ValueError(f"it has {len(labels)} labels for {len(numbers)} numbers")
        params = self._count(content["params"], "params", len(numbers))
        kinds = self._list(content["kinds"], "kinds")
        return Recorded(
            self._text(content["name"], "name"),
            content["reduction"],
            self._flag(content["allow_nonfinite"], "allow_nonfinite"),
            labels, numbers, params,
            tuple([self._kind(kind, labels, params) for kind in kinds]),
        )  # fmt: skip

    def _check_format(self, content: Any) -> None:
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
        form = content.get("format")
        kind, _, version = form.rpartition(" ") if isinstance(form, str) else ("", "", "")
        if kind != _KIND or not (version.isascii() and version.isdigit() and version[0] != "0"):
            raise ValueError(f'its "format" is not {_KIND + " " + str(_VERSION)!r}')
        if len(version) > 9 or int(version) > _VERSION:
            raise ValueError(
                f"it has version {version:.9} of the format, and this version of scalargrad reads "
                f"versions up to {_VERSION}: install a newer scalargrad"
            )

    def _kind(self, content: Any, labels: Sequence[str], params: int) -> Kind:
        self._names(content, "arguments recordings")
        arguments = self._list(content["arguments"], "arguments")
        read = [self._argument(x) for x in arguments]
        recordings = self._list(content["recordings"], "recordings")
        if not recordings:
            raise ValueError("a kind of arguments has no recordings")
        count = sum([math.prod(argument.shape) for argument in read if not argument.is_static])
        self.inputs += count * len(recordings)
        if self.inputs > _MOST_INPUTS:
            raise ValueError(f"its arguments have more than {_MOST_INPUTS} numbers")
        names = _input_names(read)
        branches = [self._branch(x, names, labels, params) for x in recordings]
        return Kind(tuple(read), tuple(branches))

    def _argument(self, content: Any) -> Argument:
        if isinstance(content, dict) and "static" in content:
            self._names(content, "name static")
            static = content["static"]
            if isinstance(static, dict):
                self._names(static, "number")
                static = _number(static["number"])
            elif static.__class__ not in (bool, int, str, type(None)):
                self._fail("static", static)
            return Argument(self._text(content["name"], "name"), is_static=True, static=static)
        self._names(content, "name shape")
        shape = self._shape(content["shape"])
        return Argument(self._text(content["name"], "name"), shape)

    def _shape(self, content: Any) -> tuple[int, ...]:
        sizes = self._list(content, "shape")
        if len(sizes) > _DEEPEST:
            raise ValueError(f"an array has {len(sizes)} dimensions, of {_DEEPEST} at most")
        shape: tuple[int, ...] = tuple([self._count(size, "shape", _MOST_INPUTS) for size in sizes])
        if math.prod(size or 1 for size in shape) > _MOST_INPUTS:
            raise ValueError(f"an array has more than {_MOST_INPUTS} numbers")
        return shape

    def _branch(
        self, content: Any, inputs: Sequence[str], labels: Sequence[str], params: int
    ) -> Branch:
        self._names(
            content,
            "values code outputs out guards checked derived raised failure hopeless",
        )
        values = self._list(content["values"], "values")
        for i, value in enumerate(values):
            self._count(value, "values", len(labels) - 1)
            if i < params and value != i:
                raise ValueError("the first values of a recording must be the parameters")
        if len(values) < params or len({*values}) < len(values):
            raise ValueError("the values of a recording must be the parameters, and others once")
        code = self._list(content["code"], "code")
        self.recordings += 1
        self.slots += len(inputs) + len(values) + len(code)
        for count, most, what in (
            (self.recordings, _MOST_RECORDINGS, "recordings"),
            (self.slots, _MOST_SLOTS, "slots"),
        ):
            if count > most:
                raise ValueError(f"it has more than {most} {what}")
        program = Program(literal=True)
        for name in inputs:
            program.input(name)
        for i, value in enumerate(values):
            program.parameter(labels[value] or f"p{i}")
        raised: dict[int, type[Exception]] = {}
        for pair in self._list(content["raised"], "raised"):
            slot, kind = self._list(pair, "raised", 2)
            self._count(slot, "raised", len(inputs) + len(values) + len(code) - 1)
            if kind.__class__ is not str or kind not in _FAULTS or slot in raised:
                self._fail("raised", pair)
            raised[slot] = _FAULTS[kind]
        self._read_code(program, code, raised)
        last = len(program.rows) - 1
        program.raised = raised
        program.outputs = self._slots(content["outputs"], "outputs", last)
        program.checked = self._slots(content["checked"], "checked", last)
        program.derived = {*self._slots(content["derived"], "derived", last)}
        for slot in raised:
            if program.rows[slot] is None:
                raise ValueError(f"slot {slot} is no operation, and cannot raise an error")
        for guard in self._list(content["guards"], "guards"):
            slot, expected, where = self._list(guard, "guards", 3)
            program.guards.append(
                Guard(
                    self._count(slot, "guards", last),
                    self._flag(expected, "guards"),
                    self._text(where, "guards"),
                )
            )
        self.numbers = 0
        out = self._nested(content["out"], len(program.outputs))
        if self.numbers != len(program.outputs):
            raise ValueError(f"{len(program.outputs)} outputs do not fit in the nesting of `out`")
        positions = len(program.checked) - 1
        failure = content["failure"]
        if failure is not None:
            self._count(failure, "failure", positions)
        hopeless = frozenset(self._slots(content["hopeless"], "hopeless", positions))
        return Branch(program, tuple(values), out, failure, hopeless)

    def _read_code(
        self, program: Program, code: Sequence[Any], raised: dict[int, type[Exception]]
    ) -> None:
        phases = program.phases
        for item in code:
            slot = len(program.rows)
            if item.__class__ is not list:
                if program.constant(_number(item)) != slot:
                    raise ValueError(f"the constant {item!r} of slot {slot} exists already")
                continue
            row = TABLE.get(item[0]) if item and item[0].__class__ is str else None
            if row is None:
                name = repr(item[0])[:60] if item else "nothing"
                raise ValueError(
                    f"slot {slot} has the operation {name}, which this version does not know"
                )
            operands = tuple(item[1:])
            for operand in operands:
                if operand.__class__ is not int or not 0 <= operand < slot:
                    raise ValueError(f"slot {slot} has the operand {operand!r:.60}")
            least = 2 if row is dot or row is take else 1
            if (len(operands) != row.arity) if row.arity is not None else len(operands) < least:
                raise ValueError(f"slot {slot}: {row.name} of {len(operands)} operands")
            for operand in operands:
                if operand in raised:
                    raise ValueError(f"slot {slot} uses slot {operand}, which raised an error")
            phase = max([phases[operand] for operand in operands], default=BEFORE)
            program.append(row, operands, phase)
            if slot not in raised:
                program._made.setdefault((row, operands), slot)

    def _nested(self, content: Any, most: int, level: int = 0) -> Any:
        """The nesting of a result, of up to `most` numbers."""
        if level > _DEEPEST or self.numbers > most:
            raise ValueError("`out` is nested too deep, or holds more numbers than there are")
        if content.__class__ is list:
            return [self._nested(x, most, level + 1) for x in content]
        if content.__class__ is not dict:
            if content.__class__ is not int or content != 0:
                self._fail("out", content)
            self.numbers += 1
            return 0.0
        if "tuple" in content:
            self._names(content, "tuple")
            parts = self._list(content["tuple"], "tuple")
            return tuple([self._nested(x, most, level + 1) for x in parts])
        if "dict" in content:
            self._names(content, "dict")
            filled: dict[str, Any] = {}
            for pair in self._list(content["dict"], "dict"):
                key, x = self._list(pair, "dict", 2)
                if self._text(key, "dict") in filled:
                    raise ValueError(f"the key {key!r:.60} of a result stands in it twice")
                filled[key] = self._nested(x, most, level + 1)
            return filled
        self._names(content, "array")
        shape = self._shape(content["array"])
        self.numbers += math.prod(shape)
        if not shape or self.numbers > most:
            self._fail("array", list(shape))
        import numpy as np  # an array can be had with NumPy only

        return np.zeros(shape)

    # --- one thing each -----------------------------------------------------------------------

    def _names(self, content: Any, names: str) -> None:
        wanted = names.split()
        if content.__class__ is not dict or {*content} != {*wanted}:
            got = sorted(map(str, content))[:12] if content.__class__ is dict else shown(content)
            raise ValueError(f"an object must have the names {', '.join(wanted)}, got {got}")

    def _list(self, content: Any, name: str, length: int | None = None) -> list[Any]:
        if content.__class__ is not list or (length is not None and len(content) != length):
            self._fail(name, content)
        return content

    def _slots(self, content: Any, name: str, last: int) -> list[int]:
        return [self._count(x, name, last) for x in self._list(content, name)]

    def _count(self, x: Any, name: str, most: int) -> int:
        if x.__class__ is not int or not 0 <= x <= most:
            raise ValueError(f"{name!r} has {x!r:.60}, not a whole number from 0 to {most}")
        return x

    def _flag(self, x: Any, name: str) -> bool:
        if x.__class__ is not bool:
            self._fail(name, x)
        return x

    def _text(self, x: Any, name: str) -> str:
        if x.__class__ is not str:
            self._fail(name, x)
        return x

    def _fail(self, name: str, x: Any) -> NoReturn:
        raise ValueError(f"{name!r} is {x!r:.60}")


def _input_names(arguments: Sequence[Argument]) -> list[str]:
    """A name for each number of a sample, like x[0][1]."""
    return [
        argument.name + "".join(f"[{k}]" for k in index)
        for argument in arguments
        if not argument.is_static and 0 not in argument.shape
        for index in product(*map(range, argument.shape))
    ]


def _number(x: Any) -> float:
    if x.__class__ is not float and x.__class__ is not int and x not in ("nan", "inf", "-inf"):
        raise ValueError(f"{x!r:.60} is no number")
    try:
        return float(x)
    except OverflowError:
        raise ValueError(f"the number {x!r:.40} is beyond the range of floats") from None
