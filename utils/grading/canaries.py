"""Canaries: cells among the tests whose outcome is known, so that a submission which bends the tests betrays itself.

What belongs here: making them, and the fingerprint of what tests rely on. They are made anew for every submission, from
numbers and words drawn at random, in forms that tests use.
"""

import ast
import secrets
from dataclasses import dataclass

FORMS = (
    "assert {left} == {right}, '{word}'",
    "assert {right} < {left}, '{word}'",
    "if {left} != {right}:\n    raise AssertionError('{word}')",
    "import numpy as _n\nassert _n.allclose([{left}], [{right}]), '{word}'",
    "import numpy as _n\nassert _n.array_equal([{left}], [{right}]), '{word}'",
    "import numpy as _n\nassert _n.isclose({left}, {right}), '{word}'",
    "import numpy as _n\nassert (_n.array([{left}]) == _n.array([{right}])).all(), '{word}'",
    "import numpy as _n\n_n.testing.assert_allclose([{left}], [{right}], rtol=1e-5, err_msg='{word}')",
    "import numpy as _n\n_n.testing.assert_array_equal([{left}], [{right}], err_msg='{word}')",
    "import numpy as _n\n_n.testing.assert_equal({left}, {right}, err_msg='{word}')",
    "import numpy as _n\n_n.testing.assert_almost_equal({left}, {right}, err_msg='{word}')",
)
"""Checks that fail with `word` where `left` < `right`."""
OTHER_FORMS = {
    "pytest": "import pytest as _p\nassert {left} == _p.approx({right}), '{word}'",
    "unittest": "import unittest as _u\n_u.TestCase().assertEqual({left}, {right}, '{word}')",
    "assert_array_less": "import numpy as _n\n_n.testing.assert_array_less([{right}], [{left}], err_msg='{word}')",
    "math": "import math as _m\nassert _m.isclose({left}, {right}), '{word}'",
}
"""More of them, for tests that mention the word."""


RELIED_ON = ("builtins", "math", "random", "secrets", "time", "re", "functools", "itertools", "collections", "copy")
RELIED_ON += ("unittest", "pytest", "numpy", "scipy", "sklearn", "keras", "utils", "ipykernel")
"""Packages whose functions nobody replaces in passing, as libraries do with `sys.excepthook` or parts of pyplot."""


@dataclass(frozen=True)
class Canary:
    """A cell that has to fail, with `word` in what it says."""

    source: str
    word: str


def failing(form: str | None = None) -> Canary:
    """Return a check that must fail, in one form or in one drawn at random."""
    left = secrets.randbelow(900) + 1
    right = left + secrets.randbelow(90) + 1
    dot = secrets.choice(("", ".0", ".5", ".25"))
    word = secrets.token_hex(6)
    form = form or secrets.choice(FORMS)
    return Canary(form.format(left=f"{left}{dot}", right=f"{right}{dot}", word=word), word)


def all_forms(tests: str) -> list[str]:
    """Return the forms that a set of tests, as one text, calls for."""
    return [*FORMS, *(form for word, form in OTHER_FORMS.items() if word in tests)]


def passing() -> str:
    """Return a cell that must pass: the same checks on equal numbers."""
    number = f"{secrets.randbelow(900) + 1}.5"
    checks = [form for form in FORMS if "<" not in form]
    return "\n".join(form.format(left=number, right=number, word=secrets.token_hex(6)) for form in checks)


def twin(test: str, late: bool) -> Canary | None:
    """Return a test cell with a check in it that must fail, or None for a test that is not plain Python.

    Parameters
    ----------
    test : str
        The test cell.
    late : bool
        False puts the check after the imports, so that nothing of the student's runs in the twin; True puts it at the
        end, where all of it has run.
    """
    try:
        statements = ast.parse(test).body
    except (SyntaxError, ValueError):
        return None
    canary, lines = failing(), test.split("\n")
    imports = 0
    while imports < len(statements) and isinstance(statements[imports], ast.Import | ast.ImportFrom):
        imports += 1
    if late or imports == len(statements):
        return Canary(f"{test}\n{canary.source}", canary.word)
    line = (
        min([statements[imports].lineno, *(each.lineno for each in getattr(statements[imports], "decorator_list", []))])
        - 1
    )
    if lines[line][: statements[imports].col_offset].strip():  # `import a; b = 1`
        return None
    return Canary("\n".join([*lines[:line], canary.source, *lines[line:]]), canary.word)


def modules(sources: list[str]) -> list[str]:
    """Return the names of the modules that cells import at their top level, and of those that tests rely on."""
    found = ["builtins", "math", "random", "secrets", "numpy", "numpy.random", "numpy.linalg", "numpy.testing"]
    found += [
        "numpy.testing._private.utils",
        "IPython.core.interactiveshell",
        "ipykernel.ipkernel",
        "ipykernel.zmqshell",
    ]
    for source in sources:
        try:
            statements = ast.parse(source).body
        except (SyntaxError, ValueError):
            continue
        for statement in statements:
            if isinstance(statement, ast.Import):
                found += [alias.name for alias in statement.names]
            elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                found += [statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)]
    if "keras" in found:
        found += ["keras.ops", "keras.layers"]
    return [name for name in dict.fromkeys(found) if name.startswith("IPython.") or name.split(".")[0] in RELIED_ON]


PEEPHOLES = (
    *("_getframe", "_current_frames", "currentframe", "f_back", "f_locals", "f_globals", "tb_frame", "inspect.stack"),
    *("settrace", "setprofile", "addaudithook", "gc.get_", "ctypes", "/proc/", "get_ipython", "user_ns", "__code__"),
    *("linecache", "sys.modules", "os.environ", "threading", "_kept"),
)
"""Words of code that looks where no answer has to look."""


def worth_a_look(sources: list[str]) -> list[str]:
    """Return the words of `PEEPHOLES` that cells hold; a magic such as `%time` is none."""
    return [word for word in PEEPHOLES if any(word in source for source in sources)]


_FINGERPRINT = """
def _fingerprint(names, load):
    import importlib, json, sys, types
    import IPython
    found = {}

    def mark(name, value, depth):
        code = getattr(value, "__code__", None)
        if isinstance(code, types.CodeType):
            given = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
            given = [each if isinstance(each, (int, float, str, type(None))) else id(each) for each in given]
            found[name] = f"{id(value)} {id(code)} {given!r:.200}"
        elif isinstance(value, type):
            found[name] = f"{id(value)}"
            for key, part in list(vars(value).items()) if depth else ():
                if isinstance(part, (types.FunctionType, classmethod, staticmethod)):
                    mark(f"{name}.{key}", part, 0)
        elif callable(value):
            found[name] = f"{id(value)}"

    for name in names:
        if load:
            try:
                importlib.import_module(name)
            except Exception:
                pass
        module = sys.modules.get(name)
        for key, value in list(vars(module).items()) if module else ():
            if not (name == "builtins" and key in ("_", "get_ipython", "display", "input")):  # IPython's own
                mark(f"{name}.{key}", value, not name.startswith(("keras", "tensorflow")))
    shell = IPython.get_ipython()
    for name in ("run_cell", "run_code", "showtraceback", "run_cell_async", "custom_exceptions"):
        value = getattr(shell, name)
        found[f"shell.{name}"] = f"{id(getattr(value, '__func__', value)) if callable(value) else value!r}"
    return json.dumps(found)
"""


def fingerprint(names: list[str], load: bool) -> tuple[str, str]:
    """Return a cell that prints the identity of every function and class in some modules, and the word before it.

    Parameters
    ----------
    names : list of str
        The modules.
    load : bool
        Whether to import those that are not loaded, which is done before the submission's first cell.
    """
    word = secrets.token_hex(8)
    text = f"{_FINGERPRINT}\nprint('{word}' + _fingerprint({names!r}, {load}))"
    # in names of its own: a student who has called a list `list` has tampered with nothing
    return f"import builtins as _own\n_own.exec({text!r}, {{}})\ndel _own", word


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return what has been replaced: the names in both fingerprints whose values differ. A new name is no change."""
    return sorted(name for name, value in before.items() if name in after and after[name] != value)
