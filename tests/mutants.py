"""Mutation tests: change the code in one place at a time, and see whether some test fails.

cosmic-ray (https://cosmic-ray.readthedocs.io) makes the changes and keeps the results. The tests
run here, in a process forked for each mutant after the libraries were imported, and only those that
reach the changed lines, the fastest first; everything happens in a copy of the sources.

    python tests/mutants.py [MODULE ...] [--sample PART] [--seconds N] [--survivors] [--report]

docs/reference/mutants.md explains the figures and every survivor.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import gc
import hashlib
import importlib
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
import parso
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import (
    MutationSpec,
    TestOutcome,
    WorkerOutcome,
    WorkItem,
    WorkResult,
)

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "mutants"
TREE = FOLDER / "tree"
PAGE = ROOT / "docs" / "reference" / "mutants.md"
COPIED = ["conftest.py", "pyproject.toml", "README.md", "scalargrad", "tests", "docs"]

MODULES = [
    str(path.relative_to(ROOT / "scalargrad"))
    for pattern in ("core/*.py", "transforms/*.py", "replay/*.py", "training/*.py", "saving.py")
    for path in sorted((ROOT / "scalargrad").glob(pattern))
    if path.stem != "__init__"
]
# The machine code would stand in for what is changed there.
PURE = re.compile(r"core/(?!native)")

ROOMS = ["core", "transforms", "replay", "training"]
BESIDE = ["classifiers", "data", "losses", "nn", "optim", "saving"]
TESTS = [
    *[f"tests/{name}" for name in [*ROOMS, "view/formula"]],
    *[f"tests/test_{name}.py" for name in [*BESIDE, "bad_input", "init", "micrograd"]],
    *[f"scalargrad/{name}" for name in ROOMS],
    *[f"scalargrad/{name}.py" for name in BESIDE],
]
LEFT_OUT = "tests/core/test_native_safety.py"  # of the C code, in processes of their own
LONGEST = 0.5  # seconds, measured; what only slower tests notice counts as a survivor
CASES = 2  # of one test in another file than the module's own: the fastest that reach the lines
MEMORY = 3 * 2**30  # bytes of addresses; a mutant that loops must not fill the machine
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line", "--no-header"]
OPTIONS += ["-m", "not unmeasured", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
# Imported once, before processes are forked.
LIBRARIES = ["numpy", "numba", "hypothesis", "mpmath", "tqdm", "graphviz", "micrograd"]

# One change for each operator, or two where both a neighbour and the opposite are likely mistakes.
_CHANGES = re.compile(
    "core/("
    "ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Mul_Add|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul|"
    "BitOr_BitAnd|BitAnd_BitOr|BitXor_BitAnd|LShift_RShift|RShift_LShift)|"
    "ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt|Gt_GtE|Gt_LtE|"
    "GtE_Gt|GtE_Lt|Is_IsNot|IsNot_Is)|"
    "ReplaceUnaryOperator_(USub_UAdd|UAdd_USub|Delete_Not|Delete_Invert)|"
    "AddNot|ReplaceTrueWithFalse|ReplaceFalseWithTrue|ReplaceAndWithOr|ReplaceOrWithAnd|"
    "ReplaceBreakWithContinue|ReplaceContinueWithBreak|ExceptionReplacer|NumberReplacer|"
    "RemoveDecorator|ZeroIterationForLoop)"
)
OPERATORS = [
    *filter(_CHANGES.fullmatch, cosmic_ray.plugins.operator_names()),
    "own/RemoveStatement",
]


class RemoveStatement(Operator):
    """Replaces a statement that is there for its effect by `pass`: calls, raise, a.b = c, a += b.

    Other assignments are left: nearly every one would be a NameError.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """The place of the statement, if `node` is one of these."""
        if node.type != "simple_stmt" or node.search_ancestor("funcdef") is None:
            return
        statement = node.children[0]
        target = statement.children[0] if statement.type == "expr_stmt" else None
        augmented = (
            target is not None
            and statement.children[1].type == "operator"
            and (statement.children[1].value != "=")
        )
        if statement.get_code().strip() == "raise NotImplementedError":  # abstract
            return
        if (
            (statement.type == "atom_expr" and statement.children[-1].children[0].value == "(")
            or statement.type in ("raise_stmt", "del_stmt")
            or (target is not None and (augmented or target.type == "atom_expr"))
        ):
            yield statement.start_pos, statement.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The statement `pass` in its place."""
        first = node.get_first_leaf()
        node.children[0] = parso.python.tree.Name("pass", first.start_pos, first.prefix)
        return node

    @classmethod
    def examples(cls) -> Iterable[Example]:
        """What it does, by example."""
        return [Example("def f():\n    g()", "def f():\n    pass")]


def operator_of(name: str) -> Operator:
    """The operator of a name in OPERATORS."""
    made = RemoveStatement if name.startswith("own/") else cosmic_ray.plugins.get_operator(name)
    return made()  # type: ignore[no-any-return]


# --- the mutants of a module ----------------------------------------------------------------


# The assertion `zip(strict=True)`, and the points of a row at which the tests look.
_NO_BEHAVIOUR = {"strict", "at", "kinks", "outside"}


def _is_no_behaviour(node: Any) -> bool:
    """Whether a place is in an annotation or in one of those arguments."""
    while (parent := node.parent) is not None:
        if node.type == "if_stmt" and node.children[1].get_code().strip() == "TYPE_CHECKING":
            return True
        if parent.type == "argument" and parent.children[0].get_code().strip() in _NO_BEHAVIOUR:
            return True
        if parent.type == "annassign" and node is parent.children[1]:
            return True
        if parent.type == "tfpdef" and node is not parent.children[0]:
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


_BINARY = {"arith_expr", "term", "power", "expr", "and_expr", "xor_expr", "shift_expr"}


def mutations(source: str, module: str) -> Iterator[WorkItem]:
    """All mutants of a module."""
    nodes = list(ast_nodes(get_ast(source)))
    for name in OPERATORS:
        operator = operator_of(name)
        places = ((node, place) for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (node, (start, end)) in enumerate(places):
            if _is_no_behaviour(node):
                continue
            if "Binary" in name:
                if node.parent.type not in _BINARY:  # the star of *args, the slash of f(x, /)
                    continue
                if node.value == "|" and node.search_ancestor("funcdef", "lambdef") is None:
                    continue  # an alias of a type
            key = hashlib.sha256(f"{module} {name} {occurrence}".encode()).hexdigest()
            yield WorkItem.single(
                key, MutationSpec(f"scalargrad/{module}", name, occurrence, start, end)
            )


@dataclass(frozen=True)
class Mutant:
    """A change of one module."""

    module: str
    item: WorkItem

    @property
    def spec(self) -> MutationSpec:
        """The change as cosmic-ray describes it."""
        return self.item.mutations[0]

    def code(self, source: str) -> str | None:
        """The source of the module with the change, or None if that is no Python."""
        operator = operator_of(self.spec.operator_name)
        code = MutationVisitor.mutate_code(source, operator, self.spec.occurrence)
        try:
            if code is None or ast.dump(ast.parse(code)) == ast.dump(ast.parse(source)):
                return None
        except SyntaxError:
            return None
        return str(code)


def change(source: str, code: str) -> tuple[str, str]:
    """The changed lines before and after, each as one line of text."""
    lines = list(unified_diff(source.split("\n"), code.split("\n"), n=0))[3:]
    texts = [" ".join(x[1:].strip() for x in lines if x[0] == sign) for sign in "-+"]
    return texts[0], texts[1]


# --- the session of a module ----------------------------------------------------------------


def session(module: str) -> Path:
    """The database of a module's mutants, which cosmic-ray's own programs read too."""
    return FOLDER / "sessions" / f"{module.removesuffix('.py').replace('/', '.')}.sqlite"


def refresh(module: str) -> str:
    """The source of a module; the session of another source is begun anew."""
    source = (ROOT / "scalargrad" / module).read_text("utf-8")
    beside = session(module).with_suffix(".py")
    if not beside.exists() or beside.read_text("utf-8") != source:
        session(module).parent.mkdir(parents=True, exist_ok=True)
        with use_db(session(module), WorkDB.Mode.create) as db:
            db.clear()
            db.add_work_items(mutations(source, module))
        beside.write_text(source, "utf-8")
    return source


def copy_sources() -> None:
    """Copy what the tests need; files that did not change keep their compiled code."""
    for name in COPIED:
        source, target = ROOT / name, TREE / name
        files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
        names = {p.relative_to(ROOT) for p in files if "__pycache__" not in p.parts}
        for path in names:
            new, old = ROOT / path, TREE / path
            if not old.exists() or old.read_bytes() != new.read_bytes():
                old.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(new, old)
        if target.is_dir():
            for old in target.rglob("*"):
                ours = old.relative_to(TREE) in names or "__pycache__" in old.parts
                if old.is_file() and not ours:
                    old.unlink()


# --- tests in a forked process --------------------------------------------------------------


class Chosen:
    """Runs the tests that are chosen, in their order, and those that nobody has measured."""

    def __init__(self, order: Sequence[str], known: Iterable[str]) -> None:
        self.order = {name: k for k, name in enumerate(order)}
        self.known = set(known)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        kept = [x for x in items if x.nodeid in self.order or x.nodeid not in self.known]
        items[:] = sorted(kept, key=lambda x: self.order.get(x.nodeid, -1))


class Measure:
    """Notes for every test which lines it reaches, and how long it takes."""

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        """Count what runs from here on for this test."""
        self.coverage.switch_context(item.nodeid)
        begin = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - begin
            self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what fails, to leave it out."""
        if report.failed or report.skipped:
            self.failed.append(report.nodeid)


def forked(run: Any, limit: float, pure: bool) -> int | None:
    """The exit code of `run` in a process of its own, which has `limit` seconds of CPU time."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 70
        try:
            os.setsid()  # what it starts ends with it
            out = os.open(FOLDER / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(out, stream)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit)))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.chdir(TREE)
            nodes = ("1", "") if pure else ("", "1")
            os.environ["SCALARGRAD_PURE"], os.environ["SCALARGRAD_REQUIRE_NATIVE"] = nodes
            os.environ["PYTHONPATH"] = str(TREE)
            sys.path[0] = str(TREE)
            code = int(run())
        except BaseException:  # to a file: nothing may leave this process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + 3 * limit  # a deadlock needs no processor
    pause, status = 0.005, None
    try:
        while status is None and time.monotonic() < end:
            pid, ended = os.waitpid(child, os.WNOHANG)
            status = ended if pid else None
            time.sleep(pause if status is None else 0.0)
            pause = min(0.05, pause * 1.2)
    finally:  # also after Ctrl-C
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # with all that it started
        if status is None:
            os.waitpid(child, 0)
    return None if status is None else os.waitstatus_to_exitcode(status)


class Map:
    """Which tests reach which lines of the package, on one of the nodes."""

    def __init__(self, pure: bool) -> None:
        self.pure = pure
        self.path = FOLDER / f"lines-{'pure' if pure else 'native'}.json"
        self.tests: dict[str, float] = {}
        self.lines: dict[str, dict[str, list[str]]] = {}

    def load(self, stamp: str) -> None:
        """Read the map, or measure anew when sources or tests have changed."""
        if self.path.exists():
            found = json.loads(self.path.read_text())
            if found["stamp"] == stamp:
                self.tests, self.lines = found["tests"], found["lines"]
                return
        print(f"measuring which tests reach which lines ({self.path.stem}) ...", flush=True)
        code = forked(lambda: self._measure(stamp), 3600, self.pure)
        if not self.path.exists() or code not in (0, 1):
            raise SystemExit(f"the tests do not run: see {FOLDER / 'output.txt'}")
        self.load(stamp)

    def _measure(self, stamp: str) -> int:
        import coverage

        self.path.unlink(missing_ok=True)
        cover = coverage.Coverage(
            data_file=None, source=["scalargrad"], config_file=False, omit=["*/view/*"]
        )
        cover.start()
        measure = Measure(cover)
        options = [option for option in OPTIONS if option != "-x"]
        code = pytest.main([*options, *TESTS], plugins=[measure])
        cover.stop()
        data = cover.get_data()
        lines = {
            str(Path(path).relative_to(TREE / "scalargrad")): {
                str(line): names for line, names in data.contexts_by_lineno(path).items()
            }
            for path in data.measured_files()
        }
        tests = {x: s for x, s in measure.seconds.items() if x not in measure.failed}
        print("left out:", measure.failed)
        self.path.write_text(json.dumps({"stamp": stamp, "tests": tests, "lines": lines}))
        return int(code)

    def reaches(self, module: str, first: int, last: int) -> bool:
        """Whether some test reaches one of the lines."""
        lines = self.lines.get(module, {})
        return any({*lines.get(str(k), ())} - {""} for k in range(first, last + 1))

    def order(self, module: str, first: int, last: int, thorough: bool) -> list[str]:
        """The tests that reach the lines: those of the module's own file first, then the fastest.

        Lines that run when the package is imported concern every test. Tests of Ctrl-C trace lines
        themselves, which coverage then does not see: they come along where they enter the module.
        """
        lines = self.lines.get(module, {})
        found = {x for k in range(first, last + 1) for x in lines.get(str(k), ())}
        entered = {x for names in lines.values() for x in names}
        found = found | {x for x in entered if "ctrl_c" in x} if found - {""} else entered
        own = (f"test_{Path(module).stem}.py", f"scalargrad/{module}")
        longest = 10 * LONGEST if thorough else LONGEST
        quick = [x for x in found if self.tests.get(x, longest) < longest and LEFT_OUT not in x]
        quick.sort(key=lambda x: (not any(y in x for y in own), self.tests[x]))
        cases: Counter[str] = Counter()
        order = []
        for x in quick:
            name = x.partition("[")[0]
            cases[name] += 1
            if thorough or cases[name] <= CASES or any(y in x for y in own):
                order.append(x)
        return order


def survives(order: Sequence[str], known: dict[str, float], pure: bool) -> tuple[bool, str]:
    """Whether all these tests pass, and how it ended. Small groups first, which collect faster."""
    done = 0
    for size in (40, 400, len(order)):
        part = order[done : done + size]
        done += len(part)
        if not part:
            continue
        files = dict.fromkeys(name.partition("::")[0] for name in part)
        limit = 5 + 5 * sum(known.get(name, 0.1) for name in part)
        code = forked(
            lambda part=part, files=files: pytest.main(
                [*OPTIONS, *files], plugins=[Chosen(part, known)]
            ),
            limit, pure,
        )  # fmt: skip
        if code not in (0, 5):  # 5: no tests
            output = (FOLDER / "output.txt").read_text("utf-8", "replace")
            failed = re.findall(r"^(?:FAILED|ERROR) (.*)", output, re.M)
            return False, failed[0][:200] if failed else f"exit code {code}"
    return True, f"{len(order)} tests pass"


# --- the run --------------------------------------------------------------------------------


def stamp_of_tree() -> str:
    """A digest of sources and tests."""
    digest = hashlib.sha256()
    for path in sorted([*TREE.glob("scalargrad/**/*.py"), *TREE.glob("tests/**/*.py")]):
        if path.stem in ("mutants", "test_mutants"):
            continue
        digest.update(f"{path.relative_to(TREE)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def run_one(
    mutant: Mutant, source: str, maps: dict[bool, Map], tests: list[str], thorough: bool
) -> WorkResult:
    """Run the tests on one mutant."""
    code = mutant.code(source)
    if code is None:  # no Python, or the same: no mutant
        return WorkResult(WorkerOutcome.NO_TEST)
    place = mutant.module, mutant.spec.start_pos[0], mutant.spec.end_pos[0]
    pure = bool(PURE.match(mutant.module))
    if maps[not pure].reaches(*place) and not maps[pure].reaches(*place):
        pure = not pure  # a line for the other node alone
    map_ = maps[pure]
    order = map_.order(*place, thorough)
    known = map_.tests
    if tests:
        order, known = tests, {}
    path = TREE / "scalargrad" / mutant.module
    for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        cached.unlink()
    path.write_text(code, "utf-8")
    try:
        alive, how = survives(order, known, pure)
    finally:
        path.write_text(source, "utf-8")
    return WorkResult(
        WorkerOutcome.NORMAL,
        how,
        TestOutcome.SURVIVED if alive else TestOutcome.KILLED,
        "\n".join(unified_diff(source.split("\n"), code.split("\n"), lineterm="")),
    )


def chosen(module: str, part: float, least: int) -> list[tuple[Mutant, WorkResult | None]]:
    """The mutants of a sample with their results; their digests are as good as random numbers."""
    with use_db(session(module), WorkDB.Mode.open) as db:
        results = dict(db.results)
        items = sorted(db.work_items, key=lambda item: item.job_id)
    count = max(round(part * len(items)), least)
    return [(Mutant(module, item), results.get(item.job_id)) for item in items[:count]]


def run(options: argparse.Namespace) -> None:
    """Run the mutants that have no result."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = open(FOLDER / "lock", "w")  # noqa: SIM115, held to the end
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"another run works in {FOLDER}") from None
    copy_sources()
    sources = {module: refresh(module) for module in options.modules}
    for name in LIBRARIES:
        importlib.import_module(name)
    sys.dont_write_bytecode = False
    maps = {pure: Map(pure) for pure in (False, True)}
    for map_ in maps.values():
        map_.load(stamp_of_tree())
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    waiting = []
    for module in options.modules:
        found = chosen(module, options.sample, options.least)
        for k, (mutant, result) in enumerate(found):
            again = options.survivors and result and result.test_outcome == TestOutcome.SURVIVED
            if (result is None and not options.survivors) or again:
                waiting.append((k / max(len(found), 200), mutant))  # small modules are ahead
    waiting.sort(key=lambda pair: pair[0])  # every module advances alike
    print(f"{len(waiting)} mutants to run", flush=True)
    gc.freeze()  # else the collector of each child copies the maps
    end = time.monotonic() + options.seconds
    for k, (_, mutant) in enumerate(waiting):
        if time.monotonic() > end:
            break
        begin = time.monotonic()
        result = run_one(mutant, sources[mutant.module], maps, options.tests, options.survivors)
        with use_db(session(mutant.module), WorkDB.Mode.open) as db:
            db.set_result(mutant.item.job_id, result)
        word = result.test_outcome.value if result.test_outcome else "no mutant"
        print(
            f"{k + 1}/{len(waiting)} {mutant.module}:{mutant.spec.start_pos[0]} "
            f"{mutant.spec.operator_name.partition('/')[2]} {word} "
            f"({time.monotonic() - begin:.1f} s; {result.output})",
            flush=True,
        )  # fmt: skip


# --- the report -----------------------------------------------------------------------------


def report(options: argparse.Namespace) -> None:
    """Print the table of docs/reference/mutants.md, and the survivors that it does not explain."""
    explained = PAGE.read_text("utf-8")
    totals = [0] * 5
    print("| module | mutants | run | killed | survived |\n|---|---:|---:|---:|---:|")
    open_: list[str] = []
    for module in options.modules:
        source = refresh(module)
        found = chosen(module, 1.0, 0)
        none = [r for _, r in found if r and r.worker_outcome == WorkerOutcome.NO_TEST]
        alive = [m for m, r in found if r and r.test_outcome == TestOutcome.SURVIVED]
        dead = [m for m, r in found if r and r.test_outcome == TestOutcome.KILLED]
        row = [len(found) - len(none), len(alive) + len(dead), len(dead), len(alive)]
        print(f"| `{module}` | {' | '.join(map(str, row))} |")
        totals = [a + b for a, b in zip(totals, row, strict=False)]
        for mutant in alive:
            before, after = change(source, mutant.code(source) or "")
            if f"`{before}` → `{after}`" not in explained:
                line = mutant.spec.start_pos[0]
                open_.append(f"{module}:{line}\n    `{before}` → `{after}`")
    print(f"| all | {' | '.join(map(str, totals))} |")
    killed = 100 * totals[2] / max(1, totals[1])
    print(f"\n{killed:.1f} % killed; survivors that {PAGE.name} does not explain: {len(open_)}")
    print("\n".join(open_))


def main() -> None:
    """Read the options and do what they say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="such as core/tape.py; all by default")
    parser.add_argument("--sample", type=float, default=1.0, help="the part of all mutants to run")
    parser.add_argument("--least", type=int, default=20, help="mutants of each module, at least")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after that time")
    parser.add_argument("--survivors", action="store_true", help="run those again that survived")
    parser.add_argument("--tests", nargs="+", default=[], help="run these tests instead")
    parser.add_argument("--report", action="store_true", help="print the results")
    options = parser.parse_args()
    options.modules = options.modules or MODULES
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"unknown modules {sorted(unknown)}; known are {MODULES}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report(options) if options.report else run(options)


if __name__ == "__main__":
    main()
