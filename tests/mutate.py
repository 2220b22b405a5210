"""How many wrong versions of `utils` do the tests notice? One change at a time, in a copy of the tree.

    python tests/mutate.py timeseries decoding --sample 20 --seed 0
    python tests/mutate.py cli/run --tests tests/test_cli.py --sample 10

For each module it draws a sample of small changes (an operator, a constant, a condition, a dropped keyword, a removed
statement ...), runs the module's test files on each, and prints noticed / tried, with a diff of every change that no
test noticed. Such a change is a test to be written, or it changes nothing (an equivalent form, a matter of speed).

Why neither mutmut nor cosmic-ray: mutmut 3 runs the whole suite in the process that it then forks, which TensorFlow
does not survive, leaves module-level code alone and draws no sample; cosmic-ray writes its changes into the working
tree and wants a configuration for each module. Neither removes a statement, and silent faults are mostly such.
"""

import argparse
import ast
import difflib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPARE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
COMPARE |= {"is": "is not", "is not": "is"}
SWAP = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
SWAP |= {ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
SYMBOL = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in"}
SYMBOL |= {ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not"}


def walk(node):
    """Yield the nodes that may be changed: no annotations, decorators, messages of errors or formatted text."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or isinstance(node, ast.JoinedStr | ast.Raise):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from walk(child)


def variants(node):
    """Yield the wrong versions of one node, as text that stands in its place."""
    text = ast.unparse
    match node:
        case ast.Compare(left=left, ops=ops, comparators=right):
            for at in range(len(ops)):
                symbols = [SYMBOL[type(op)] for op in ops]
                symbols[at] = COMPARE[symbols[at]]
                yield "(" + text(left) + "".join(f" {s} {text(r)}" for s, r in zip(symbols, right)) + ")"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SWAP:
            yield f"({text(ast.BinOp(left, SWAP[type(op)](), right))})"
        case ast.AugAssign(target=target, op=op, value=value):
            yield "pass"
            if type(op) in SWAP:
                yield text(ast.AugAssign(target, SWAP[type(op)](), value))
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value)):
            yield from (f"({value + 1})", f"({value - 1})")
        case ast.Constant(value=float(value)):
            yield f"({value * 2 or 1.0})"
        case ast.BoolOp(op=op, values=values):
            yield f"({text(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))})"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield f"({text(operand)})"
        case ast.Return(value=ast.expr()):
            yield "return None"
        case ast.Raise():
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(value)):  # x = f(x): left as it was
                yield "pass"
        case ast.Call(func=func, args=args, keywords=keywords):
            for dropped in keywords:
                yield text(ast.Call(func, args, [k for k in keywords if k is not dropped]))
    if isinstance(node, ast.IfExp):
        yield f"({text(ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse))})"


def mutants(source):
    """Return every wrong version of a module, each the whole text; those that are no Python are left out."""
    raw = source.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in walk(ast.parse(source)):
        for text in variants(node):
            first = starts[node.lineno - 1] + node.col_offset
            last = starts[node.end_lineno - 1] + node.end_col_offset
            changed = (raw[:first] + text.encode() + raw[last:]).decode()
            try:
                if ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source)):
                    found.append(changed)
            except SyntaxError:
                pass
    return found


class QuickestFirst:
    """A pytest plugin: note how long each test takes, and from then on begin with the quickest."""

    def __init__(self):
        self.notes = Path("mutate.json")
        self.seconds = json.loads(self.notes.read_text()) if self.notes.exists() else {}

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: self.seconds.get(item.nodeid, 0))

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration

    def pytest_sessionfinish(self, exitstatus):
        if exitstatus == 0:
            self.notes.write_text(json.dumps(self.seconds))


def run(tests, limit):
    """Run pytest in a forked child, which has the heavy imports already; return its exit code, -1 after the limit."""
    child = os.fork()
    if child == 0:
        os.setsid()  # a group of its own, so that what the tests start is ended with it
        out = os.open("mutate.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        import pytest

        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[QuickestFirst()])))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def examine(module, tests, sample, seed):
    """Try a sample of wrong versions of one module; return (noticed, tried)."""
    file = Path("utils", f"{module}.py")
    source = file.read_text(encoding="utf-8")
    begin = time.monotonic()
    if run(tests, 600) != 0:
        print(
            f"{module}: left out, its tests fail without any change:", Path("mutate.log").read_text()[-2000:], sep="\n"
        )
        return 0, 0
    limit = 30 + 4 * (time.monotonic() - begin)
    every = mutants(source)
    drawn = random.Random(f"{seed} {module}").sample(every, min(sample, len(every)))
    noticed = endless = 0
    for changed in drawn:
        file.write_text(changed, encoding="utf-8")
        if code := run(tests, limit):
            noticed += 1
            endless += code == -1
        else:
            diff = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm=""))[2:]
            print(f"  not noticed, utils/{module}.py", *diff, sep="\n    ", flush=True)
    file.write_text(source, encoding="utf-8")
    print(
        f"{module}: {noticed} / {len(drawn)} noticed ({endless} by the time limit), of {len(every)} changes; ", end=""
    )
    print(f"{time.monotonic() - begin:.0f} s, seed {seed}", flush=True)
    return noticed, len(drawn)


def main():
    """Read the call, copy the tree, try each module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="+", help="modules of utils, for example timeseries or cli/run")
    parser.add_argument("--tests", nargs="+", help="test files (default: tests/test_MODULE*.py)")
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--seed", default="0")
    call = parser.parse_args()
    for heavy in ("keras", "matplotlib.pyplot", "nbformat", "nbval.plugin", "pandas", "pytest", "babel.dates"):
        importlib.import_module(heavy)  # once, before all forks; TensorFlow computes nothing here, so no thread is lost

    total = [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache"))
        os.chdir(tree)
        sys.path[0] = str(tree)  # and not the folder of this script, nor the tree that it was called in
        os.environ["PYTHONPATH"] = str(tree)
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True  # two changes in one second have equal times, and old bytecode would be used
        for module in call.modules:
            name = module.rsplit("/", 1)[-1]
            tests = call.tests or sorted(str(path) for path in Path("tests").glob(f"test_{name}*.py"))
            if not tests:
                print(f"{module}: left out, no tests/test_{name}*.py; name its test files with --tests")
                continue
            total = [a + b for a, b in zip(total, examine(module, tests, call.sample, call.seed))]
        os.chdir(ROOT)
    print(f"all: {total[0]} / {total[1]} noticed")


if __name__ == "__main__":
    main()
