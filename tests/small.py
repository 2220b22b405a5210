"""A small assignment, as the course's are made, for tests of what becomes of one; it needs NumPy and no training."""

from pathlib import Path

import nbformat

from utils.cli import notebooks

NAME = "01_small"

TITLE = """# Assignment 1 · Doubles and sums

What is asked: two functions. It follows [00 · Start here](../00_start_here.ipynb). Allow 60 minutes. 5 points in all.

| question | points | what is looked at |
|---|---|---|
| 1 · doubles | 3 | values, then shapes |
| 2 · sums | 2 | values |
"""
DOUBLES = '''def double(x):
    """Return twice `x`, an array."""
    ### BEGIN SOLUTION
    twice = 2 * x
    return twice
    ### END SOLUTION'''
TEST_DOUBLES = """assert np.allclose(double(np.array([1.0, 2.0])), [2.0, 4.0]), "expected [2, 4] for [1, 2]"
### BEGIN HIDDEN TESTS
drawn = np.random.default_rng().normal(size=5)
assert np.allclose(double(drawn), drawn + drawn), "not twice of what was drawn"
### END HIDDEN TESTS"""
TEST_SHAPE = """shaped = double(np.ones((2, 3)))
assert shaped.shape == (2, 3), f"expected shape (2, 3), not {shaped.shape}\""""
SUMS = '''def running_sum(x):
    """Return the sums of the first 1, 2, ... entries of `x`."""
    ### BEGIN SOLUTION
    return np.cumsum(x)
    ### END SOLUTION'''
TEST_SUMS = """### BEGIN HIDDEN TESTS
steps = np.random.default_rng().integers(1, 9, size=6)
assert np.allclose(np.diff(running_sum(steps)), steps[1:]), "the sums do not grow by the entries"
### END HIDDEN TESTS"""


def given(source: str, grade_id: str, kind: str = "code"):
    """Return a read-only cell."""
    return _cell(source, grade_id, kind, locked=True)


def solution(source: str, grade_id: str):
    """Return a solution cell."""
    return _cell(source, grade_id, "code", solution=True)


def test(source: str, grade_id: str, points: float):
    """Return a test cell."""
    return _cell(source, grade_id, "code", locked=True, grade=True, points=points)


test.__test__ = False  # it is no test of ours


def _cell(source: str, grade_id: str, kind: str, **meta):
    cell = nbformat.v4.new_markdown_cell(source) if kind == "markdown" else nbformat.v4.new_code_cell(source)
    cell["id"] = grade_id
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    cell.metadata["nbgrader"] = plain | {"grade_id": grade_id} | meta
    return cell


def source() -> nbformat.NotebookNode:
    """Return the assignment, with solutions and hidden tests."""
    entrance = nbformat.v4.new_code_cell(notebooks.first_cell())
    cells = [
        given(TITLE, "title", "markdown"),
        entrance,
        given("import numpy as np", "imports"),
        nbformat.v4.new_markdown_cell("## 1 · Doubles"),
        solution(DOUBLES, "double"),
        test(TEST_DOUBLES, "test_double", 2),
        test(TEST_SHAPE, "test_shape", 1),
        nbformat.v4.new_markdown_cell("## 2 · Sums"),
        solution(SUMS, "running_sum"),
        test(TEST_SUMS, "test_running_sum", 2),
    ]
    for number, cell in enumerate(cells):
        if "nbgrader" not in cell.metadata:
            cell["id"] = f"plain-{number}"
    return notebooks.normalise(nbformat.v4.new_notebook(cells=cells))


def save(folder: Path, notebook: nbformat.NotebookNode | None = None, name: str = NAME) -> Path:
    """Write the assignment, or a changed one, into a folder; return its path."""
    path = folder / f"{name}.ipynb"
    notebooks.write(source() if notebook is None else notebook, path)
    return path


def cell(notebook: nbformat.NotebookNode, grade_id: str):
    """Return the cell of a grade id."""
    (found,) = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    return found
