"""A tiny assignment for tests of grading: two answers, three tests, no TensorFlow. Submissions are made from it."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NAME = "99_tiny"
SOLUTIONS = {
    "double": "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * np.asarray(x)\n    ### END SOLUTION",
    "norm": "def norm(x):\n    ### BEGIN SOLUTION\n    return float(np.sqrt(np.dot(x, x)))\n    ### END SOLUTION",
}
TESTS = {
    "test_double": (
        "assert list(double([1, 2])) == [2, 4], 'double([1, 2]) should be [2, 4]'\n"
        "### BEGIN HIDDEN TESTS\n"
        "numbers = np.random.default_rng().normal(size=5)\n"
        "np.testing.assert_allclose(double(numbers), numbers + numbers, err_msg='double of five numbers')\n"
        "### END HIDDEN TESTS",
        3,
    ),
    "test_norm": (
        "assert norm([3, 4]) == 5, 'norm([3, 4]) should be 5'\n"
        "### BEGIN HIDDEN TESTS\n"
        "numbers = np.random.default_rng().normal(size=9)\n"
        "assert abs(norm(numbers) - np.linalg.norm(numbers)) < 1e-9, 'norm of nine numbers'\n"
        "### END HIDDEN TESTS",
        2,
    ),
    "test_norm_of_nothing": ("### BEGIN HIDDEN TESTS\nassert norm([]) == 0\n### END HIDDEN TESTS", 1),
}
STUBS = {name: f"def {name}(x):\n    raise NotImplementedError('write {name}')" for name in SOLUTIONS}
RIGHT = {
    "double": "def double(x):\n    return np.asarray(x) + np.asarray(x)",
    "norm": "norm = lambda x: np.dot(x, x) ** 0.5",
}


def _code(name: str, source: str, **metadata) -> nbformat.NotebookNode:
    cell = new_code_cell(source, id=name.replace("_", "-"))
    known = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, "grade_id": name}
    cell.metadata["nbgrader"] = known | metadata
    return cell


def notebook(answers: dict[str, str], tests: dict[str, str]) -> nbformat.NotebookNode:
    """Return a notebook of the assignment with some texts in its answer and test cells."""
    cells = [new_markdown_cell("# Tiny\n\nTwice a number, and the length of a vector.", id="title")]
    cells.append(new_code_cell("import numpy as np", id="imports"))
    cells.append(_code("double", answers["double"], solution=True))
    cells.append(_code("test_double", tests["test_double"], grade=True, locked=True, points=TESTS["test_double"][1]))
    cells.append(_code("norm", answers["norm"], solution=True))
    for name in ("test_norm", "test_norm_of_nothing"):
        cells.append(_code(name, tests[name], grade=True, locked=True, points=TESTS[name][1]))
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def source(folder: Path) -> Path:
    """Write the source, and return its path."""
    path = folder / "sources" / f"{NAME}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook(SOLUTIONS, {name: text for name, (text, _) in TESTS.items()}), path)
    return path


def submission(folder: Path, student: str = "ada", extra: dict | None = None, **answers: str) -> Path:
    """Write a submission with right answers but those given, as a student would hand it in; return its path.

    `extra` puts cells of the student's own, as text, before the answers that it names.
    """
    shown = {name: text.split("### BEGIN")[0].rstrip() for name, (text, _) in TESTS.items()}
    made = notebook(RIGHT | answers, shown)
    for before, text in (extra or {}).items():
        place = next(place for place, cell in enumerate(made.cells) if cell.id == before)
        made.cells.insert(place, new_code_cell(text))
    path = folder / "submitted" / student / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path
