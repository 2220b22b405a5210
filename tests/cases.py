"""The cases of an assignment: wrong submissions, written down with the tests that each of them must lose."""

import copy
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat

from utils import COURSE_ROOT
from utils.grading import student

FOLDER = COURSE_ROOT / "tests" / "assignments"
HARD_CODED = "hard-coded"


@dataclass(frozen=True)
class Case:
    """A wrong submission: what stands in which solution cells, and the tests that it loses, exactly."""

    name: str
    cells: dict[str, str]
    lost: frozenset[str]
    kind: str = ""


def load(source: Path, folder: Path = FOLDER) -> list[Case]:
    """Read the cases of the assignment at `source`.

    Raises
    ------
    ValueError
        If the file is missing or no TOML, or a case names a cell or a test that there is not, or says nothing.
    """
    path = folder / f"{source.stem}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    notebook = student.notebooks.read(source)
    tests, solutions = student.tests(notebook), student.solutions(notebook)
    found = []
    for row in table.pop("case", []):
        name = row.get("name", "")
        if unknown := row.keys() - {"name", "kind", "lost", "cells"}:
            raise ValueError(f"{path.name}, {name!r}: unknown keys {sorted(unknown)}")
        case = Case(name, dict(row.get("cells", {})), frozenset(row.get("lost", [])), row.get("kind", ""))
        if not case.name or not case.cells or not case.lost or case.name in {other.name for other in found}:
            raise ValueError(f"{path.name}, {name!r}: a case has a name of its own, cells, and tests that it loses")
        if case.kind not in ("", HARD_CODED):
            raise ValueError(f"{path.name}, {name!r}: kind is {case.kind!r}; expected {HARD_CODED!r} or nothing")
        for what, words, known in (("solution cell", case.cells, solutions), ("test", case.lost, tests)):
            if unknown := set(words) - set(known):
                raise ValueError(f"{path.name}, {name!r}: no {what} {sorted(unknown)}; there are {sorted(known)}")
        found.append(case)
    if table:
        raise ValueError(f"{path.name}: unknown keys {sorted(table)}")
    return found


def packs(cases: list[Case]) -> list[list[Case]]:
    """Put cases together that one submission can hold: they change different cells and lose different tests.

    An answer that is wrong costs its own points only, so that together they lose what each one loses; a pack that does
    not is graded case by case. It saves starting TensorFlow some forty times.
    """
    packed: list[list[Case]] = []
    for case in cases:
        for pack in packed:
            if not any(case.cells.keys() & other.cells.keys() or case.lost & other.lost for other in pack):
                pack.append(case)
                break
        else:
            packed.append([case])
    return packed


def submission(source: nbformat.NotebookNode, given: nbformat.NotebookNode, cells: dict[str, str] | None = None):
    """Return what a student hands in: the student version, with the solutions written in, some of them replaced.

    Parameters
    ----------
    source : NotebookNode
        The assignment.
    given : NotebookNode
        Its student version; left as it is.
    cells : dict, optional
        By grade id the code that stands in place of a solution.
    """
    written = student.solutions(source) | (cells or {})
    notebook = copy.deepcopy(given)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in written:
            lines = written[name].strip("\n").split("\n")
            cell.source = "\n".join(line for line in lines if line.strip() not in student.SOLUTION)
    return notebook
