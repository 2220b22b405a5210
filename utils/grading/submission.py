"""What was handed in, as a file: find it, read it, and bring it into the form in which it can be run and judged.

What belongs here: everything that is decided before a line of the submission runs. Nothing of the file but the text and
the kind of its cells is taken over, and which of the assignment's cells each one is: points, locks, tags, outputs and
kernel are the source's. A cell tagged to be skipped, for example, would otherwise be a test that nobody runs.
"""

import copy
import json
import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

MOST_CELLS = 2000
"""A notebook of more cells is no answer to an assignment."""


class Rejected(Exception):
    """The submission cannot be judged; the message says why, in words for a teacher.

    Attributes
    ----------
    memory : int
        The most bytes that it held, if it ran.
    """

    memory = 0


class BadSource(ValueError):
    """A source is no assignment that can be graded; the message says what is wrong with it."""


@dataclass(frozen=True)
class Assignment:
    """An assignment's source.

    Attributes
    ----------
    name : str
        The stem of its file.
    notebook : NotebookNode
        With solutions and hidden tests.
    """

    name: str
    notebook: nbformat.NotebookNode = field(repr=False)

    @cached_property
    def cells(self) -> dict[str, nbformat.NotebookNode]:
        """The cells that nbgrader knows, by grade id, in order."""
        return {cell.metadata.nbgrader.grade_id: cell for cell in self.notebook.cells if "nbgrader" in cell.metadata}

    @cached_property
    def tests(self) -> dict[str, float]:
        """The grade id of every test cell, and its points."""
        return {
            name: float(cell.metadata.nbgrader.points)
            for name, cell in self.cells.items()
            if cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.solution
        }

    @cached_property
    def answers(self) -> list[str]:
        """The grade ids of the solution cells."""
        return [name for name, cell in self.cells.items() if cell.metadata.nbgrader.solution]

    @cached_property
    def visible(self) -> dict[str, str]:
        """The text of every test cell as students have it: without its hidden part."""
        from nbgrader.preprocessors import ClearHiddenTests

        shown, _ = ClearHiddenTests().preprocess(copy.deepcopy(self.notebook), {})
        return {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in shown.cells
            if "nbgrader" in cell.metadata and cell.metadata.nbgrader.grade_id in self.tests
        }


def load(source: Path) -> Assignment:
    """Read an assignment's source.

    Raises
    ------
    BadSource
        If it is no notebook, a grade id stands twice, or there is no solution or no test.
    """
    source = Path(source)
    return parse(source.stem, source.read_bytes())


def parse(source: str, content: bytes) -> Assignment:
    """Read an assignment from the name (without its suffix) and the content of its source; otherwise as `load`."""
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
    except Exception as error:  # nbformat raises whatever its parts raise
        raise BadSource(f"{source} is not a notebook: {error}. Expected an assignment's source.") from error
    found = [cell.metadata.nbgrader.get("grade_id") for cell in notebook.cells if "nbgrader" in cell.metadata]
    twice = sorted({str(name) for name in found if found.count(name) > 1})
    assignment = Assignment(source, notebook)
    if None in found or twice:
        raise BadSource(
            f"{source}: every nbgrader cell needs a grade_id of its own; twice or missing: {twice or None}."
        )
    if not assignment.answers or not assignment.tests:
        found = f"{len(assignment.answers)} solution cells and {len(assignment.tests)} test cells"
        raise BadSource(f"{source} has {found}; expected at least one of each.")
    return assignment


# --------------------------------------------------------------------------------------------------- find and read it


def find(submission: Path, assignment: Assignment, most: int) -> tuple[nbformat.NotebookNode, list[str]]:
    """Return the notebook that was handed in, and what a teacher should know about the choice.

    Parameters
    ----------
    submission : Path
        A notebook, or a folder that holds it. In a folder the file with the assignment's name is taken, under whatever
        name the one that holds its cells. Links are not followed: they could lead to another's work.
    assignment : Assignment
        What it answers.
    most : int
        Bytes of the largest file that is read.

    Raises
    ------
    Rejected
        If there is none, none can be read, or several could be meant.
    """
    submission = Path(submission)
    if submission.is_symlink() or not submission.is_dir():
        notes = [] if submission.stem == assignment.name else [f"the file is called {submission.name!r}"]
        return read(submission, most), notes
    files = sorted(path for path in submission.rglob("*") if path.suffix.lower() == ".ipynb")
    files = [path for path in files if not path.is_symlink() and ".ipynb_checkpoints" not in path.parts]
    named = [path for path in files if path.stem == assignment.name]
    if len(named) == 1:
        return read(named[0], most), []
    notebooks, reasons = {}, []
    for path in files[:50]:
        try:
            notebooks[path] = read(path, most)
        except Rejected as error:
            reasons.append(f"{path.name}: {error}")
    held = {path: len(_answers(notebook, assignment)) for path, notebook in notebooks.items()}
    best = [path for path, count in held.items() if count and count == max(held.values())]
    if len(best) == 1:
        return notebooks[best[0]], [f"the file is called {best[0].name!r}"]
    if best:
        raise Rejected(
            f"several notebooks could be meant: {', '.join(path.name for path in best)}; leave one in the folder"
        )
    raise Rejected("; ".join(reasons) or f"the folder holds no notebook with the cells of {assignment.name}")


def read(path: Path, most: int) -> nbformat.NotebookNode:
    """Return a notebook file as untrusted text: cells of three kinds with a source, names, and nothing else.

    Raises
    ------
    Rejected
        If it is missing, no plain file, larger than `most` bytes, or no notebook.
    """
    try:
        with open(
            os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb"
        ) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Rejected("it is not a plain file")
            content = file.read(most + 1)
    except OSError as error:
        raise Rejected(f"the file cannot be read ({error.strerror})") from error
    if len(content) > most:
        raise Rejected(f"the file is larger than the {most / 2**20:.3g} MiB that are read; clear its outputs")
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"the file is not a notebook: it is no JSON ({_short(error)})") from error
    try:
        if not isinstance(raw, dict) or "nbformat" not in raw:
            raise ValueError("no 'nbformat' in it")
        notebook = nbformat.from_dict(raw)
        if raw["nbformat"] != 4:  # older ones are brought up to date
            notebook = nbformat.convert(notebook, 4)
        cells = [_cell(cell) for cell in notebook.cells]
    except Exception as error:  # a crafted file can raise anything in a library that expects a notebook
        raise Rejected(f"the file is not a notebook ({_short(error)})") from error
    if len(cells) > MOST_CELLS:
        raise Rejected(f"the notebook has {len(cells)} cells; at most {MOST_CELLS} are run")
    kernel = raw.get("metadata")
    kernel = kernel.get("kernelspec") if isinstance(kernel, dict) else None
    kernel = kernel.get("name") if isinstance(kernel, dict) else None
    return new_notebook(cells=cells, metadata={"kernel": kernel if isinstance(kernel, str) else ""})


def _cell(cell: dict) -> nbformat.NotebookNode:
    source = cell["source"]
    source = "".join(source) if isinstance(source, list) else source
    if not isinstance(source, str):
        raise ValueError("a cell whose source is no text")
    source = source.encode(errors="replace").decode()  # halves of characters cannot be sent or saved
    kinds = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
    made = kinds[cell["cell_type"]](source)
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    known = metadata.get("nbgrader")
    # Colab keeps a cell's id in its metadata; an id is the same word as the grade id where that is lawful
    names = [known.get("grade_id") if isinstance(known, dict) else None, cell.get("id"), metadata.get("id")]
    made.metadata = nbformat.from_dict({"names": [name for name in names if isinstance(name, str)]})
    return made


def _answers(notebook: nbformat.NotebookNode, assignment: Assignment) -> set[str]:
    return {_name(cell, assignment) for cell in notebook.cells} & set(assignment.answers)


def _name(cell: nbformat.NotebookNode, assignment: Assignment) -> str | None:
    return next((name for name in cell.metadata.names if name in assignment.cells), None)


def _short(error: Exception) -> str:
    text = f"{error}".replace("\n", " ")
    return text[:120] or type(error).__name__


# ----------------------------------------------------------------------------------------------------------- mend it


def mend(handed_in: nbformat.NotebookNode, assignment: Assignment) -> tuple[nbformat.NotebookNode, list[str]]:
    """Return the notebook that is run: the student's answers and own cells, everything else from the source.

    Parameters
    ----------
    handed_in : NotebookNode
        As `read` gives it.
    assignment : Assignment
        What it answers.

    Returns
    -------
    NotebookNode
        Test cells and given cells are the source's, those that were deleted too: each stands after the cell that
        precedes it in the source. Of cells that bear one name the last has its role; earlier copies of an answer run as
        ordinary cells, earlier copies of a test are left out.
    list of str
        What was mended, in words for the teacher.

    Raises
    ------
    Rejected
        If it holds none of the assignment's answers.
    """
    if not _answers(handed_in, assignment):
        raise Rejected(f"the notebook holds none of the answer cells of {assignment.name}; is it another one's?")
    names = [_name(cell, assignment) for cell in handed_in.cells]
    last = {name: place for place, name in enumerate(names)}
    cells, notes, edited, doubled = [], [], [], []
    for place, (cell, name) in enumerate(zip(handed_in.cells, names)):
        if name is None:
            cells.append(_plain(cell))
            continue
        given = assignment.cells[name]
        if last[name] != place:
            doubled += [name] if name not in doubled else []
            if name in assignment.answers:
                cells.append(_plain(cell))
            continue
        kept = copy.deepcopy(given)
        if name in assignment.answers:
            kept.source = cell.source
        elif name in assignment.tests and _words(cell.source) not in (
            _words(assignment.visible[name]),
            _words(given.source),
        ):
            edited.append(name)
        cells.append(kept)
    needed = [
        name for name, cell in assignment.cells.items() if cell.cell_type == "code" and name not in assignment.answers
    ]
    deleted = [name for name in needed if name not in last]
    order = list(assignment.cells)
    for name in deleted:
        here = {
            cell.metadata.nbgrader.grade_id: place for place, cell in enumerate(cells) if "nbgrader" in cell.metadata
        }
        before = [here[other] for other in order[: order.index(name)] if other in here]
        cells.insert(before[-1] + 1 if before else 0, copy.deepcopy(assignment.cells[name]))
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if edited:
        notes.append(f"test cells that had been changed were restored: {', '.join(edited)}")
    if deleted:
        notes.append(f"cells that had been deleted were put back: {', '.join(deleted)}")
    if doubled:
        notes.append(f"of cells that stand there more than once the last counts: {', '.join(doubled)}")
    lost = [name for name in assignment.answers if name not in last]
    if lost:
        notes.append(f"answers that were deleted: {', '.join(lost)}")
    spec = assignment.notebook.metadata.get("kernelspec", {})
    kernel = handed_in.metadata.kernel
    if kernel and kernel not in ("python3", spec.get("name")):
        notes.append(f"the kernel {kernel[:40]!r} was replaced by the course's")
    notebook = new_notebook(cells=cells)
    if spec:
        notebook.metadata["kernelspec"] = copy.deepcopy(spec)
    return notebook, notes


def _plain(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    kept = copy.deepcopy(cell)
    kept.metadata = nbformat.from_dict({})
    return kept


def _words(source: str) -> list[str]:
    return source.split()
