"""Student versions: what is handed out of an assignment's source, and what must be true of that source.

What belongs here: the rules that a source keeps, and nbgrader's steps from a source to what a student gets. Nothing is
executed here; `python -m utils assignments` runs what it writes.
"""

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from jsonschema import ValidationError
from nbgrader import utils as nbgrader_utils
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.nbgraderformat.common import SchemaMismatchError
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from traitlets.config import Config

from utils.cli import notebooks
from utils.cli.catalogue import UsageError

STUB_MESSAGE = "your solution goes here, instead of this line"
STUB = f'raise NotImplementedError("{STUB_MESSAGE}")'
"""The line that stands in a student version for every marked region of a solution."""
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")
HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
"""The lines, indented as the code around them, between which nbgrader clears."""
MARK = re.compile(r"\b(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)\b")
TEST_PREFIX = "test_"
"""How the grade id of a test cell begins."""
STATED = re.compile(r"\*\*Points\*\*: *(\d+(?:\.\d+)?)|\b(\d+(?:\.\d+)?) points\b")
ROW = re.compile(r"^\|(.*)\|\s*$", re.MULTILINE)


class AssignmentError(UsageError):
    """A source of an assignment is not as it must be; the message names the file, the cells, and what is wrong."""


class Regions(NamedTuple):
    """A cell's source, parted: the lines outside of the marks, and those of each region between two marks."""

    outside: list[str]
    inside: list[list[str]]


def read(path: Path) -> nbformat.NotebookNode:
    """Read a source and hold it to every rule.

    Raises
    ------
    AssignmentError
        If it is no notebook, or breaks a rule of `faults`.
    """
    try:
        notebook = notebooks.read(path)
    except UsageError as error:
        raise AssignmentError(str(error)) from error
    if found := list(faults(notebook)):
        raise AssignmentError(f"{path.name} is no assignment yet: " + "; ".join(found))
    return notebook


def tests(notebook: nbformat.NotebookNode) -> dict[str, float]:
    """Return the grade id of every test cell and the points that it carries, in order."""
    return {
        cell.metadata.nbgrader["grade_id"]: float(cell.metadata.nbgrader["points"])
        for cell in notebook.cells
        if nbgrader_utils.is_grade(cell)
    }


def solutions(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Return the grade id of every solution cell and its source, in order."""
    return {
        cell.metadata.nbgrader["grade_id"]: cell.source for cell in notebook.cells if nbgrader_utils.is_solution(cell)
    }


def regions(source: str, marks: tuple[str, str]) -> Regions:
    """Part a cell's source at its marks.

    Parameters
    ----------
    source : str
        The cell.
    marks : pair of str
        The line that begins a region, and the one that ends it, as they stand without indentation.

    Raises
    ------
    ValueError
        If a region begins in another one, ends without a beginning, or does not end.
    """
    begin, end = marks
    parted, region = Regions([], []), None
    for line in source.split("\n"):
        if line.strip() == begin:
            if region is not None:
                raise ValueError(f"{begin!r} stands in a region that has not ended")
            region = []
            parted.inside.append(region)
        elif line.strip() == end:
            if region is None:
                raise ValueError(f"{end!r} has no beginning")
            region = None
        else:
            (parted.outside if region is None else region).append(line)
    if region is not None:
        raise ValueError(f"{begin!r} has no end")
    return parted


# --------------------------------------------------------------------------------------------------- rules of a source


def faults(notebook: nbformat.NotebookNode) -> list[str]:
    """Return, in words that name the cell, what keeps a notebook from being the source of an assignment.

    Notes
    -----
    The grading metadata are valid (nbgrader's schema, version 3), with each grade id once; solutions and hidden tests
    stand between their marks, in cells of their kind; every test cell is code and carries points, which sum to what
    the title cell says and to its table; some tests are hidden; the entrance is the course's, nothing imports
    nbgrader, and nothing is stored below a cell.
    """
    found = [fault for k, cell in enumerate(notebook.cells) for fault in _of_cell(cell, called(cell, k))]
    if found:  # the rules below read what these have found wrong
        return found
    return [fault for rule in (_opening, _ids, _points, _something_to_do) for fault in rule(notebook)]


def called(cell: nbformat.NotebookNode, index: int) -> str:
    """Return how a message names a cell: by its grade id, else by its place and its first words."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    start = cell.source.strip().split("\n")[0][:40]
    return f"cell {name!r}" if name else f"cell {index + 1} ({start!r})"


def _of_cell(cell: nbformat.NotebookNode, name: str) -> Iterator[str]:
    try:
        MetadataValidator().validate_cell(cell)
    except (ValidationError, SchemaMismatchError, KeyError) as error:
        reason = error.message if isinstance(error, ValidationError) else str(error)
        yield f"{name}: its nbgrader metadata are not those of schema version 3: {reason.strip()}"
        return
    graded, solved = nbgrader_utils.is_grade(cell), nbgrader_utils.is_solution(cell)
    if nbgrader_utils.is_task(cell) or (graded and solved):
        yield f"{name}: it would have to be marked by hand; a cell is a solution or a test, not both, and no task"
    for marks, allowed, kind in ((SOLUTION, solved, "solution"), (HIDDEN, graded, "test")):
        try:
            parted = regions(cell.source, marks)
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        if parted.inside and not allowed:
            yield f"{name}: {marks[0]!r} stands in a cell that is no {kind} cell"
        if any(not any(map(str.strip, region)) for region in parted.inside):
            yield f"{name}: nothing stands between {marks[0]!r} and {marks[1]!r}"
    known = {*SOLUTION, *HIDDEN}
    for line in cell.source.split("\n"):
        if MARK.search(line) and line.strip() not in known:
            yield f"{name}: {line.strip()!r} is almost a mark; expected one of {', '.join(sorted(known))}, alone"
    if solved and cell.cell_type == "code" and not any(line.strip() == SOLUTION[0] for line in cell.source.split("\n")):
        yield f"{name}: a solution cell without {SOLUTION[0]!r}"
    if graded:
        yield from _of_test(cell, name)
    if cell.cell_type == "code":
        if cell.outputs or cell.execution_count:
            yield f"{name}: an output is stored; a source holds none"
        if re.search(r"^\s*(?:import|from)\s+nbgrader\b", cell.source, re.MULTILINE):
            yield f"{name}: it imports nbgrader, which a student does not have"


def _of_test(cell: nbformat.NotebookNode, name: str) -> Iterator[str]:
    meta = cell.metadata.nbgrader
    if not meta["grade_id"].startswith(TEST_PREFIX):
        yield f"{name}: the grade id of a test cell begins with {TEST_PREFIX!r}"
    if cell.cell_type != "code" or not meta["locked"]:
        yield f"{name}: a test cell is code, and locked"
    if not meta["points"] > 0:
        yield f"{name}: a test cell carries points, more than {meta['points']}"


def _opening(notebook: nbformat.NotebookNode) -> Iterator[str]:
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is not a Markdown cell with a title"
    entrance = notebooks.first_code_cell(notebook)
    stamped = notebooks.address(entrance.source) if entrance else None
    if not stamped or entrance.source != notebooks.first_cell(*stamped):
        yield "the first code cell is not the course's (utils/cli/first_cell.py)"


def _ids(notebook: nbformat.NotebookNode) -> Iterator[str]:
    seen = set()
    for k, cell in enumerate(notebook.cells):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name is not None and name in seen:
            yield f"{called(cell, k)}: there is another cell of this grade id"
        seen.add(name)


def _points(notebook: nbformat.NotebookNode) -> Iterator[str]:
    if not tests(notebook):
        yield "no cell is a test"
        return
    title, total = notebook.cells[0].source, sum(tests(notebook).values())
    stated = [float(first or second) for first, second in STATED.findall(ROW.sub("", title))]
    if not stated:
        yield "the title cell does not say how many points there are ('**Points**: 20')"
    elif total != max(stated):
        yield f"the title cell says {max(stated):g} points, but the test cells carry {total:g}"
    try:
        rubric = rubric_points(title)
    except ValueError as error:
        yield f"the title cell: {error}"
        return
    if sum(rubric) != total:
        yield f"the title cell's table sums to {sum(rubric):g} points, but the test cells carry {total:g}"


def rubric_points(title: str) -> list[float]:
    """Return the points of each row of the title cell's table: question, points, what is looked at.

    A row that begins with "total", "sum" or "in all" is left out.

    Raises
    ------
    ValueError
        If there is no table with a column of points, or a row's points are no number.
    """
    rows = [[part.strip(" *") for part in row.split("|")] for row in ROW.findall(title)]
    column = next((k for k, part in enumerate(rows[0]) if "point" in part.lower()), None) if rows else None
    if column is None:
        raise ValueError("it has no table with a column 'points'")
    found = []
    for row in rows[2:]:
        if row[0].lower().startswith(("total", "sum", "in all", "all")):
            continue
        try:
            found.append(sum(float(part) for part in row[column].split("+")))  # "1 + 2": two tests of one question
        except (IndexError, ValueError) as error:
            raise ValueError(f"the row {row[0]!r} of its table has no number of points") from error
    return found


def _something_to_do(notebook: nbformat.NotebookNode) -> Iterator[str]:
    if not solutions(notebook):
        yield "no cell is a solution"
    if not any(HIDDEN[0] in cell.source for cell in notebook.cells):
        yield "no test is hidden"


# --------------------------------------------------------------------------------------------------- student versions


def student_version(source: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return what a student gets: the source without solutions and hidden tests, test cells and given cells locked.

    Parameters
    ----------
    source : NotebookNode
        An assignment that has no `faults`; left as it is.
    name : str
        Its file name, for the error.

    Raises
    ------
    AssignmentError
        If nbgrader refuses it, or the student version shows what it should not, or holds what is not of the source.

    Notes
    -----
    The steps are those of nbgrader's `generate_assignment` without its database.
    """
    stubs = Config(ClearSolutions={"code_stub": {"python": STUB}})
    student, resources = copy.deepcopy(source), {}
    steps = (
        LockCells,
        ClearSolutions,
        ClearOutput,
        CheckCellMetadata,
        ComputeChecksums,
        ClearHiddenTests,
        ClearMarkScheme,
        ComputeChecksums,
        CheckCellMetadata,
    )
    for step in steps:
        try:
            student, resources = step(config=stubs).preprocess(student, resources)
        except Exception as error:  # nbgrader raises RuntimeError, and what its validators raise
            raise AssignmentError(f"{name}: nbgrader's {step.__name__} refuses it: {error}") from error
    if found := [*outside_solution(source, student), *leaks(source, student)]:
        raise AssignmentError(f"{name} cannot be handed out: " + "; ".join(found))
    return student


def outside_solution(source: nbformat.NotebookNode, student: nbformat.NotebookNode) -> Iterator[str]:
    """Yield each line of a student's solution cell that is no line of the solution, and each cell that is another.

    A student's cell is its solution without the marked lines, with a stub in place of each region. Whoever solves the
    assignment can therefore arrive at the solution by writing at the stubs only.
    """
    if [cell.get("id") for cell in source.cells] != [cell.get("id") for cell in student.cells]:
        yield "the student version has other cells than its source"
        return
    for k, (full, given) in enumerate(zip(source.cells, student.cells)):
        parted = regions(full.source, SOLUTION)
        left = [line for line in given.source.split("\n") if line.strip() != STUB]
        if nbgrader_utils.is_solution(full):
            if left != parted.outside:
                strange = [line for line in left if line not in parted.outside]
                yield f"{called(full, k)}: the student's lines are not those of the solution: {strange or left}"
            if len(given.source.split("\n")) - len(left) != len(parted.inside):
                yield f"{called(full, k)}: expected {len(parted.inside)} stubs"
            if full.cell_type == "code":
                yield from _parses(given.source, f"{called(full, k)}, as the student gets it")
                yield from _parses(full.source, called(full, k))
        elif given.source != "\n".join(regions(full.source, HIDDEN).outside):
            yield f"{called(full, k)}: it is not as in the source"


def _parses(source: str, name: str) -> Iterator[str]:
    try:
        ast.parse(source)
    except SyntaxError as error:
        yield f"{name}: line {error.lineno} is not Python: {error.msg}"


def leaks(source: nbformat.NotebookNode, student: nbformat.NotebookNode) -> Iterator[str]:
    """Yield where a student version shows a solution or a hidden test: marks, stored outputs, or all lines of a region.

    A region counts as shown if every line of it that says something stands somewhere in the student version, so that
    a solution which is repeated in a visible test or in the text is noticed too.
    """
    for k, cell in enumerate(student.cells):
        if MARK.search(cell.source):
            yield f"{called(cell, k)}: a mark is left in it"
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count):
            yield f"{called(cell, k)}: an output is left below it"
    shown = {line.strip() for cell in student.cells for line in cell.source.split("\n")}
    for k, cell in enumerate(source.cells):
        for marks, kind in ((SOLUTION, "solution"), (HIDDEN, "hidden tests")):
            for region in regions(cell.source, marks).inside:
                telling = {line.strip() for line in region if line.strip() and not line.strip().startswith("#")}
                if telling and telling <= shown:
                    yield f"{called(cell, k)}: its {kind} can be read elsewhere: {sorted(telling)[0]!r}"
