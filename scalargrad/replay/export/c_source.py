"""A recorded program as one file of C99, which needs the mathematical library and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product

from scalargrad.replay.export.c_body import Body, Place
from scalargrad.replay.export.c_body import number as number_of
from scalargrad.replay.export.derived import Derived
from scalargrad.replay.export.helpers_c import HELPERS
from scalargrad.replay.export.names import comment, identifier, identifiers, wrapped
from scalargrad.replay.export.recorded import Kind, Recorded
from scalargrad.replay.export.spellings import read_slots
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program, over_samples
from scalargrad.replay.schedule import Outer, schedule

__all__ = ["c_source"]

_TAKEN = frozenset(
    # the language, the names of the export itself, and functions that spellings call
    re.findall(
        r"\w+",
        """
        auto break case char const continue default do double else enum extern float for goto if
        inline int long register restrict return short signed sizeof static struct switch typedef
        union unsigned void volatile while main size_t
        theta sample samples before sums total v i j results slopes value gradient scaled
        pow exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan asin acos atan sinh cosh tanh
        asinh acosh atanh erf erfc fabs floor ceil rint atan2 hypot fmod copysign isnan isinf
        isfinite
        """,
    )
)
_LONGEST = 500  # statements of one function
_LISTED = 100  # inputs, parameters and results that the header comment lists


def c_source(recorded: Recorded, kind: Kind, derived: Sequence[Derived]) -> str:
    """The text of the file of C; arguments and errors are those of a `Writer`."""
    return _File(recorded, kind, derived).text()


class _File:
    def __init__(self, recorded: Recorded, kind: Kind, derived: Sequence[Derived]) -> None:
        self.recorded, self.kind, self.derived = recorded, kind, derived
        self.prefix = identifier(recorded.name, "f").lower()
        if self.prefix in _TAKEN or self.prefix == "lambda":
            self.prefix = "f"
        self.caps = self.prefix.upper()
        self.by_parameters = bool(recorded.params)
        self.inputs = [
            argument.name + "".join(f"[{k}]" for k in index)
            for argument in kind.arguments
            if not argument.is_static
            for index in product(*map(range, argument.shape))
        ]
        self.labels = list(recorded.labels[: recorded.params])
        names = identifiers([*self.inputs, *self.labels], "x", _TAKEN)
        self.input_names = names[: len(self.inputs)]
        self.label_names = names[len(self.inputs) :]
        self.results = len(derived[0].values.outputs) - _conditions(derived[0])
        self.differentiable = derived[0].gradient is not None

    # --- the whole ----------------------------------------------------------------------------

    def text(self) -> str:
        """The file."""
        body = [self._runs("value", [branch.values for branch in self.derived], slopes=False)]
        if self.differentiable:
            fast = [branch.gradient for branch in self.derived if branch.gradient is not None]
            body.append(self._runs("gradient", fast, slopes=not self.by_parameters))
            if any(branch.careful for branch in self.derived):
                careful = [b.careful or b.gradient for b in self.derived]
                kept = [program for program in careful if program is not None]
                body.append(
                    "/* The same once more for results that are not finite: here nothing flows on\n"
                    "   from what was not used, as the branch that a choice left aside. */\n"
                )
                body.append(self._runs("careful", kept, slopes=not self.by_parameters))
            body.append(self._scaled())
        body.append(self._face())
        code = "\n".join(body)
        return "\n".join([self._header(), *_helpers(code), code])

    def _header(self) -> str:
        caps, prefix, recorded = self.caps, self.prefix, self.recorded
        title = f"{comment(recorded.name)}: "
        title += (
            "a function of one sample, and its derivatives" if self.differentiable
            else "a function of one sample"
        )  # fmt: skip
        by = "parameters" if self.by_parameters else "inputs"
        lines = [f"/* {title}", "", "   Written by scalargrad. C99, with the mathematical library:"]
        lines += [
            "   cc -std=c99 -O2 -c FILE.c, and -lm to link. Other modes of compilers may join a"
        ]
        lines += ["   product and a sum (-ffp-contract=off keeps them apart): other last digits."]
        lines += ["", *self._listing("sample", self.inputs, "numbers of one sample")]
        lines += self._listing("theta", self.labels, "parameters")
        lines += [
            "",
            f"   {prefix}_value(theta, sample, results) computes one sample, and",
            f"   {prefix}_batch_value(theta, n, samples, results) n of them: samples[i * "
            f"{caps}_INPUTS + j]",
            f"   is number j of sample i, and results[i * {caps}_RESULTS + j] its result j.",
        ]
        if self.differentiable:
            lines += [
                f"   {prefix}_value_and_grad and {prefix}_batch_value_and_grad compute the "
                f"{recorded.reduction} of the",
                f"   results over the samples, and its derivatives by the {by}, in their order:",
                f"   {caps}_PARAMETERS numbers." if self.by_parameters
                else f"   n * {caps}_INPUTS numbers, those of a sample together.",
            ]  # fmt: skip
        lines += [
            "",
            "   All memory belongs to the caller. Nothing is allocated, and nothing is kept",
            "   between calls, so that any number of threads may call at once. Results must not",
            f"   overlap with what is read. A call needs about {self._stack()} KiB of stack. theta",
            "   may be NULL if there are no parameters.",
            "",
            f"   Each function returns {caps}_OK, or the first of these that a sample causes:",
            f"   {caps}_NOT_FINITE: an operation is not defined, or a result nan or infinite.",
            f"   {caps}_OTHER_BRANCH: the sample takes a branch that was not recorded.",
            f"   {caps}_NO_SAMPLES: n is 0.",
            "   The results of such a sample are nan, unless they are only infinite, and so are a",
            "   mean or sum and its derivatives. Other samples are computed.",
            "*/",
            "#include <math.h>",
            "#include <stddef.h>",
            "",
            "#if defined(__clang__)",
            "#pragma STDC FP_CONTRACT OFF",
            "#endif",
            "",
            f"enum {{ {caps}_INPUTS = {len(self.inputs)}, {caps}_PARAMETERS = {len(self.labels)}, "
            f"{caps}_RESULTS = {self.results} }};",
            f"enum {{ {caps}_OK, {caps}_NOT_FINITE, {caps}_OTHER_BRANCH, {caps}_NO_SAMPLES }};",
            "",
        ]
        if self.labels:
            numbers = ", ".join(map(number_of, recorded.numbers[: recorded.params]))
            lines += [
                "/* The numbers of the parameters when this was written. */",
                f"extern const double {prefix}_theta[{caps}_PARAMETERS];",
                f"const double {prefix}_theta[{caps}_PARAMETERS] = {{",
                wrapped("    " + numbers, "    "),
                "};",
                "",
            ]
        lines += [line + ";" for line in self._prototypes()]
        return "\n".join(lines) + "\n"

    def _listing(self, array: str, names: Sequence[str], what: str) -> list[str]:
        lines = [
            f"   {array}: the {len(names)} {what}" + (", in this order:" if any(names) else "")
        ]
        for i, name in enumerate(names[:_LISTED]):
            if name:
                lines.append(f"       {array}[{i}]  {comment(name)}")
        if any(names[_LISTED:]):
            lines.append("       and so on")
        return lines

    def _prototypes(self) -> list[str]:
        one = "const double *theta, const double *sample"
        many = "const double *theta, size_t n, const double *samples"
        lines = [
            f"int {self.prefix}_value({one}, double *results)",
            f"int {self.prefix}_batch_value({many}, double *results)",
        ]
        if self.differentiable:
            lines += [
                f"int {self.prefix}_value_and_grad({one}, double *value, double *gradient)",
                f"int {self.prefix}_batch_value_and_grad({many}, double *value,\n"
                "        double *gradient)",
            ]
        return lines

    def _stack(self) -> int:
        """About how many KiB the largest function needs, if every result is kept."""
        programs = [p for b in self.derived for p in (b.values, b.gradient, b.careful) if p]
        return max(len(program) for program in programs) // 64 + 1

    def _face(self) -> str:
        caps, prefix = self.caps, self.prefix
        if self.differentiable:
            value, batch, one_grad, batch_grad = self._prototypes()
        else:
            value, batch = self._prototypes()
        lines = [
            value,
            "{",
            "    return value_of_samples(theta, 1, sample, results);",
            "}",
            "",
            batch,
            "{",
            f"    return n ? value_of_samples(theta, n, samples, results) : {caps}_NO_SAMPLES;",
            "}",
        ]
        if self.differentiable:
            lines += [
                "",
                one_grad,
                "{",
                f"    return {prefix}_batch_value_and_grad(theta, 1, sample, value, gradient);",
                "}",
                "",
                batch_grad,
                "{",
                f"    int status = {caps}_NO_SAMPLES;",
                "    if (n == 0) return status;",
                "    status = scaled(gradient_of_samples(theta, n, samples, value, gradient),",
                "                    n, value, gradient);",
            ]
            if any(branch.careful for branch in self.derived):
                lines += [
                    f"    if (status != {caps}_NOT_FINITE) return status;",
                    "    status = scaled(careful_of_samples(theta, n, samples, value, gradient),",
                    "                    n, value, gradient);",
                ]
            lines += ["    return status;", "}"]
        return "\n".join(lines) + "\n"

    def _scaled(self) -> str:
        """The function that makes means of sums, and looks for what is not finite."""
        count = (
            f"(size_t){self.caps}_PARAMETERS" if self.by_parameters else f"n * {self.caps}_INPUTS"
        )
        weight = "1.0 / (double)n" if self.recorded.reduction == "mean" else "1.0"
        return f"""\
static int scaled(int status, size_t n, double *value, double *gradient)
{{
    const size_t count = {count};
    const double weight = {weight};
    size_t j;
    (void)n;
    if (status != {self.caps}_OK) {{
        *value = NAN;
        for (j = 0; j < count; j++) gradient[j] = NAN;
        return status;
    }}
    *value *= weight;
    if (!isfinite(*value)) status = {self.caps}_NOT_FINITE;
    for (j = 0; j < count; j++) {{
        gradient[j] *= weight;
        if (!isfinite(gradient[j])) status = {self.caps}_NOT_FINITE;
    }}
    return status;
}}
"""

    # --- the branches of one purpose ----------------------------------------------------------

    def _runs(self, purpose: str, programs: Sequence[Program], slopes: bool) -> str:
        """The functions of each branch, and the one that leads each sample to its branch."""
        parts = [
            _Branch(self, purpose, k, program, self.derived[k], slopes)
            for k, program in enumerate(programs)
        ]
        texts = [part.text() for part in parts]
        texts.append(
            self._value_driver(parts) if purpose == "value"
            else self._gradient_driver(purpose, parts, slopes)
        )  # fmt: skip
        return "\n".join(texts)

    def _attempts(self, parts: Sequence[_Branch], out: Callable[[_Branch], str]) -> list[str]:
        """The lines that try one branch after the other."""
        lines = []
        for k, part in enumerate(parts):
            call = f"{part.name}_sample({part.given('sample')}{out(part)})"
            counted = f"        if (status == {self.caps}_OK && !met{k}++) order[branches++] = {k};"
            if len(parts) == 1:
                counted = ""
            if k == 0:
                lines.append(f"        int status = {call};")
                lines += [counted] if part.sums is not None and counted else []
            elif part.sums is None:
                lines.append(f"        if (status == {self.caps}_OTHER_BRANCH) status = {call};")
            else:
                lines += [
                    f"        if (status == {self.caps}_OTHER_BRANCH) {{",
                    f"            status = {call};",
                    f"    {counted}",
                    "        }",
                ]
        return lines

    def _value_driver(self, parts: Sequence[_Branch]) -> str:
        caps = self.caps
        lines = [
            "static int value_of_samples(const double *theta, size_t n, const double *samples,",
            "        double *results)",
            "{",
            f"    int found = {caps}_OK;",
            "    size_t i, j;",
        ]
        for part in parts:
            lines += part.declared()
        lines += [part.call_before() for part in parts if part.before]
        lines += ["    (void)theta;", "    (void)samples;"]
        lines += ["    for (i = 0; i < n; i++) {"]
        lines += [
            f"        const double *sample = samples + i * {caps}_INPUTS;" if self.inputs
            else "        const double *sample = samples;",
            f"        double *mine = results + i * {caps}_RESULTS;",
        ]  # fmt: skip
        lines += self._attempts(parts, lambda part: ", mine")
        lines += [
            f"        for (j = 0; j < {caps}_RESULTS; j++) {{",
            f"            if (status != {caps}_OK) mine[j] = NAN;",
            f"            else if (!isfinite(mine[j])) found = found ? found : {caps}_NOT_FINITE;",
            "        }",
            "        found = found ? found : status;",
            "    }",
            "    return found;",
            "}",
            "",
        ]
        return "\n".join(lines)

    def _gradient_driver(self, purpose: str, parts: Sequence[_Branch], slopes: bool) -> str:
        caps = self.caps
        lines = [
            f"static int {purpose}_of_samples(",
            "        const double *theta, size_t n, const double *samples, double *value,",
            "        double *gradient)",
            "{",
            "    size_t i" + ("" if slopes else ", j") + ";",
        ]
        for part in parts:
            lines += part.declared()
        if len(parts) > 1:  # their sums are added in the order in which samples met them
            met = ", ".join([f"met{k} = 0" for k in range(len(parts))])
            lines.append(f"    int order[{len(parts)}], branches = 0, k;")
            lines.append(wrapped(f"    size_t {met};", "        "))
        lines += [part.call_before() for part in parts if part.before]
        lines += ["    (void)theta;", "    (void)samples;"]
        lines += ["    for (i = 0; i < n; i++) {"]
        lines += [
            f"        const double *sample = samples + i * {caps}_INPUTS;" if self.inputs
            else "        const double *sample = samples;",
        ]  # fmt: skip
        mine = f", gradient + i * {caps}_INPUTS" if slopes else ""
        lines += self._attempts(parts, lambda part: f", sums{part.number}{mine}")
        lines += [f"        if (status != {caps}_OK) return status;", "    }", "    *value = 0.0;"]
        if not slopes:
            lines.append(f"    for (j = 0; j < {caps}_PARAMETERS; j++) gradient[j] = 0.0;")
        out = "value" if slopes else "value, gradient"
        calls = [
            f"{part.name}_after({part.given('')}, sums{part.number}, {out});" for part in parts
        ]
        if len(parts) == 1:
            lines.append(f"    {calls[0]}")
        else:
            lines.append("    for (k = 0; k < branches; k++) {")
            for k, call in enumerate(calls):
                lines.append(f"        if (order[k] == {k}) {call}")
            lines.append("    }")
        lines += [f"    return {caps}_OK;", "}", ""]
        return "\n".join(lines)


def _conditions(branch: Derived) -> int:
    return len(branch.guards) + branch.watches


class _Branch:
    """One program as up to three functions: before the samples, for each, and after them."""

    def __init__(
        self, file: _File, purpose: str, number: int, program: Program, derived: Derived,
        slopes: bool,
    ) -> None:  # fmt: skip
        self.file, self.derived, self.number = file, derived, number
        self.program = program = program.copy()
        self.is_value, self.slopes = purpose == "value", slopes
        self.name = purpose if len(file.derived) == 1 else f"{purpose}{number}"
        self.count = len(program.outputs) - _conditions(derived)
        rows, phases = program.rows, program.phases
        for slot, is_read in enumerate(read_slots(program, "c")):
            if not is_read:
                rows[slot] = None
        used = [slot for slot, row in enumerate(rows) if row is not None]
        self.sums = None if self.is_value else [s for s in used if rows[s] is over_samples]
        self.in_phase = {
            phase: [s for s in used if phases[s] == phase and rows[s] is not over_samples]
            for phase in (BEFORE, SAMPLE, AFTER)
        }
        # what is computed before the samples and read later
        later = {o for s in used if phases[s] != BEFORE for o in program.operands[s]}
        later.update(program.outputs)
        self.leaves = {slot: Place(number_of(x)) for slot, x in program.constants.items()}
        for i, slot in enumerate(program.inputs):
            self.leaves[slot] = Place(file.input_names[i], "sample", i)
        for i, slot in enumerate(program.parameters):
            name = file.label_names[i] if file.labels[i] else f"theta[{i}]"
            self.leaves[slot] = Place(name, "theta", i)
        self.parts: list[str] = []  # functions that a long one calls
        self.before_text = ""
        self.before = [slot for slot in self.in_phase[BEFORE] if slot in later]
        if self.before:
            self._write_before()
        self.sum_places: dict[int, int] = {}
        self.sample_text = self._sample()
        self.after_text = "" if self.sums is None else self._after()

    def given(self, sample: str) -> str:
        """The arguments that all functions of the branch take."""
        before = [f"before{self.number}"] if self.before else []
        return ", ".join(["theta", *before, *([sample] if sample else [])])

    def declared(self) -> list[str]:
        """The arrays that the caller of the branch keeps for it."""
        lines = []
        if self.before:
            lines.append(f"    double before{self.number}[{len(self.before)}];")
        if self.sums is not None:
            size = max(1, len(self.sums))
            lines.append(f"    double sums{self.number}[{size}] = {{0.0}};")
        return lines

    def call_before(self) -> str:
        """The line that computes what does not depend on the sample."""
        return f"    {self.name}_before(theta, before{self.number});"

    def text(self) -> str:
        """The functions."""
        texts = [*self.parts, self.before_text, self.sample_text, self.after_text]
        return "\n".join([text for text in texts if text])

    # --- functions ----------------------------------------------------------------------------

    def _body(self, phase: int, places: dict[int, Place], together: bool) -> Body:
        slots, primal = self.in_phase[phase], self.derived.primal
        primal = len(self.program.rows) if self.is_value else primal
        return Body(self.program, slots, phase, places, together, primal)

    def _function(self, head: str, units: Sequence[str]) -> str:
        """A function, with its variables, and a line for each argument that it does not read."""
        bindings = self._bindings(_words(units))
        read = _words([*bindings, *units])
        lines = [head, "{", *bindings]
        counters = [name for name in ("i", "j") if name in read]
        lines += [f"    int {', '.join(counters)};"] if counters else []
        for argument in re.findall(r"\*(\w+)", head):
            if argument not in read:
                lines.append(f"    (void){argument};")
        return "\n".join([*lines, *units, "}", ""])

    def _bindings(self, read: set[str]) -> list[str]:
        """The lines that give the inputs and labelled parameters their names that are read."""
        program, file = self.program, self.file
        lines = []
        for array, slots, labels in (
            ("sample", program.inputs, file.inputs),
            ("theta", program.parameters, file.labels),
        ):
            for i, (slot, label) in enumerate(zip(slots, labels, strict=True)):
                name, note = self.leaves[slot].text, comment(label)
                if name in read:
                    said = "" if note == name else f" /* {note} */"
                    lines.append(f"    const double {name} = {array}[{i}];{said}")
        return lines

    def _divided(
        self, what: str, arguments: Sequence[str], units: Sequence[str], size: int
    ) -> list[str]:
        """Calls of functions that hold these statements, some hundreds each.

        The time of a compiler grows faster than the length of a function.
        """
        calls = []
        given = [*arguments, *(["double *v"] if size else [])]
        for first in range(0, len(units), _LONGEST):
            name = f"{self.name}_{what}{first // _LONGEST}"
            head = wrapped(f"static void {name}({', '.join(given)})", "        ")
            self.parts.append(self._function(head, units[first : first + _LONGEST]))
            names = [re.findall(r"\w+", argument)[-1] for argument in given]
            calls.append(f"    {name}({', '.join(names)});")
        return calls

    def _before_argument(self) -> list[str]:
        return ["const double *before"] if self.before else []

    def _write_before(self) -> None:
        places = dict(self.leaves)
        body = self._body(BEFORE, places, together=False)
        together = len(body.units) > _LONGEST
        if together:
            places = dict(self.leaves)
            body = self._body(BEFORE, places, together)
        self.before.sort(key=lambda slot: (places[slot].array, places[slot].offset))
        kept = body.assigned("before", self.before, "=")
        arguments = ["const double *theta", "double *before"]
        head = f"static void {self.name}_before({', '.join(arguments)})"
        if together:
            units = [f"    double v[{body.size}];"]
            units += self._divided("before", arguments, [*body.units, *kept], body.size)
        else:
            units = [*body.declared, *body.units, *kept]
        self.before_text = "/* once, before the samples */\n" + self._function(head, units)

    def _known(self) -> dict[int, Place]:
        kept = {s: Place(f"before[{k}]", "before", k) for k, s in enumerate(self.before)}
        return {**self.leaves, **kept}

    def _sample(self) -> str:
        caps, program = self.file.caps, self.program
        outers = [group for group in schedule(program)[SAMPLE] if isinstance(group, Outer)]
        for together in (False, True):
            places = self._known()
            self.sum_places.clear()
            body = self._body(SAMPLE, places, together)
            outputs = program.outputs[: self.count]
            if self.sums is None:
                last = body.assigned("results", outputs, "=")
            else:
                last = body.sums(outers, self.sum_places)
                if self.slopes:
                    last += body.assigned("slopes", outputs[1:], "=")
            if len(body.units) + len(last) <= _LONGEST:
                break
        checks = []
        conditions = program.outputs[self.count :]
        for (expected, where), slot in zip(self.derived.guards, conditions, strict=False):
            sign = "!=" if expected else "=="
            checks.append(
                f"    if (!({places[slot].text} {sign} 0.0)) return {caps}_OTHER_BRANCH; "
                f"/* {comment(_place(where))} */"
            )
        if self.derived.watches:
            watch = places[conditions[-1]].text
            checks.append(
                f"    if (!isfinite({watch})) return {caps}_NOT_FINITE; /* not defined here */"
            )
        out = "double *results" if self.sums is None else "double *sums"
        arguments = ["const double *theta", *self._before_argument(), "const double *sample"]
        written = [out, "double *slopes"] if self.slopes and self.sums is not None else [out]
        if together:
            units = [f"    double v[{max(1, body.size)}];"]
            units += self._divided("values", arguments, body.units, max(1, body.size))
            units += checks
            units += self._divided("results", [*arguments, *written], last, max(1, body.size))
        else:
            units = [*body.declared, *body.units, *checks, *last]
        units.append(f"    return {caps}_OK;")
        head = f"static int {self.name}_sample({', '.join([*arguments, *written])})"
        return "/* for each sample */\n" + self._function(wrapped(head, "        "), units)

    def _after(self) -> str:
        program, labels = self.program, self.file.labels
        sums = {s: Place(f"sums[{k}]", "sums", k) for s, k in self.sum_places.items()}
        value, *gradient = program.outputs[: self.count]
        for together in (False, True):
            places = {**self._known(), **sums}
            body = self._body(AFTER, places, together)
            last = [f"    *value += {places[value].text};"]
            if not self.slopes:
                last += body.assigned("gradient", gradient, "+=", [*map(comment, labels)])
            if len(body.units) + len(last) <= _LONGEST:
                break
        arguments = ["const double *theta", *self._before_argument(), "const double *sums"]
        written = ["double *value"] if self.slopes else ["double *value", "double *gradient"]
        if together:
            units = [f"    double v[{body.size}];"] if body.size else []
            given = [*arguments, *written]
            units += self._divided("after", given, [*body.units, *last], body.size)
        else:
            units = [*body.declared, *body.units, *last]
        head = f"static void {self.name}_after({', '.join([*arguments, *written])})"
        return "/* once, after the samples */\n" + self._function(wrapped(head, "        "), units)


def _words(lines: Sequence[str]) -> set[str]:
    """The names in code, comments aside."""
    return {*re.findall(r"\w+", re.sub(r"/\*.*?\*/", "", "\n".join(lines)))}


def _place(where: str) -> str:
    """The place of a guard without the folder of the file."""
    return re.split(r"[/\\]", where)[-1]


def _helpers(code: str) -> list[str]:
    """The helper functions that the code needs, each before those that use it."""
    needed: set[str] = set()
    stack = [code]
    while stack:
        for name in {*re.findall(r"\bsg_\w+", stack.pop())} - needed:
            needed.add(name)
            stack.append(HELPERS[name])
    return [text for name, text in HELPERS.items() if name in needed]
