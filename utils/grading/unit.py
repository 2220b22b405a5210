"""One submission, graded: the unit of work that a pool of processes or a cluster repeats."""

import contextlib
import copy
import functools
import os
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import nbformat
import nbgrader
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat.v4 import new_output
from nbgrader import api
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ComputeChecksums,
    DeduplicateIds,
    GetGrades,
    LimitOutput,
    LockCells,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
    SaveCells,
)
from sqlalchemy.exc import SAWarning

from utils.grading import canaries, running, sandbox
from utils.grading.results import GRADED, REJECTED, STANDARD, Limits, Result
from utils.grading.submission import Assignment, BadSource, Rejected, find, mend, parse

warnings.filterwarnings(
    "ignore", category=SAWarning, module="nbgrader"
)  # of its own sessions; nothing a reader can mend

TOLD = 400
"""Characters of a hidden test's message that a student is told."""


def grade_one(
    submission: Path, source: Path, out: Path, *, student: str, limits: Limits = STANDARD, protected: bool = True
) -> Result:
    """Grade one submission in a sandbox.

    Parameters
    ----------
    submission : Path
        The notebook that was handed in, or a folder that holds it.
    source : Path
        The assignment's source, with solutions and hidden tests.
    out : Path
        The folder of this one submission, made if needed. `autograded.ipynb` (for the teacher: it holds the hidden
        tests) and `feedback.html` (for the student: it does not) are written there, and nothing anywhere else, but for
        a temporary folder that is gone at the end.
    student : str
        A name for the result and the feedback.
    limits : Limits
        What the submission may use.
    protected : bool
        False runs the submission without bubblewrap, with this user's rights; see `utils.grading.sandbox`.

    Returns
    -------
    Result
        Whatever the submission holds or does: it is graded, or rejected with a reason.

    Raises
    ------
    utils.grading.sandbox.NoSandbox
        If `protected` and bubblewrap is missing or cannot be used here.
    utils.grading.sandbox.StartFailed
        If the kernel did not start before anything of the submission ran; a second try may succeed.
    utils.grading.submission.BadSource
        If the source is no assignment.
    """
    begun = time.monotonic()
    if protected:
        sandbox.require()
    source, out = Path(source), Path(out)
    assignment, empty_gradebook = _prepared(source.stem, source.read_bytes())
    tests = assignment.tests
    result = Result(student, assignment.name, REJECTED, dict.fromkeys(tests, 0.0), max_score=sum(tests.values()))
    out.mkdir(parents=True, exist_ok=True)
    for name in ("autograded.ipynb", "feedback.html"):  # of an earlier run, which may have ended otherwise
        (out / name).unlink(missing_ok=True)
    try:
        handed_in, notes = find(Path(submission), assignment, limits.notebook)
        notebook, mended = mend(handed_in, assignment)
        with tempfile.TemporaryDirectory(prefix="grading-") as folder:
            gradebook = Gradebook(folder, empty_gradebook, assignment, student)
            notebook = gradebook.sanitised(notebook)
            own = [cell.source for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("locked")]
            given = canaries.worth_a_look([cell.source for cell in assignment.notebook.cells])
            if looks := [word for word in canaries.worth_a_look(own) if word not in given]:
                mended.append(f"worth a look: it uses {', '.join(looks)}")
            judged = running.judge(notebook, assignment, limits, protected)
            _show(notebook, assignment, judged)
            points = gradebook.points(notebook)
            _write(out / "autograded.ipynb", nbformat.writes(notebook), 0o600)
            feedback = gradebook.feedback(redacted(notebook, assignment))
        _write(out / "feedback.html", feedback)
    except Rejected as reason:
        return replace(result, message=str(reason), seconds=time.monotonic() - begun, peak_memory=reason.memory)
    return replace(
        result,
        status=GRADED,
        points=points,
        score=sum(points.values()),
        message="; ".join([*notes, *mended, *judged.notes]),
        seconds=time.monotonic() - begun,
        peak_memory=judged.memory,
        feedback=str(out / "feedback.html"),
    )


def _show(notebook: nbformat.NotebookNode, assignment: Assignment, judged: running.Judged) -> None:
    """Put the outputs into the notebook, in the form in which nbgrader finds the verdict in a test's.

    nbgrader takes anything on standard error for a failure, and a number that a cell shows for its points; a warning of
    a library is neither, and a test's verdict is the kernel's.
    """
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name not in assignment.tests:
            cell.outputs = judged.cells[place].outputs if place in judged.cells else []
            continue
        answer = judged.tests[name]
        kept = [each for each in answer.outputs if each.output_type == "stream" and each.name == "stdout"]
        errors = [each for each in answer.outputs if each.output_type == "error"]
        if not answer.passed and not errors:
            kind, _, words = answer.error.partition(": ")
            errors = [new_output("error", ename=kind, evalue=words, traceback=[answer.error])]
        cell.outputs = kept if answer.passed else [*kept, *errors[:1]]


def redacted(notebook: nbformat.NotebookNode, assignment: Assignment) -> nbformat.NotebookNode:
    """Return what a student may see of a graded notebook: no hidden test, and no line of one in an error.

    What is printed while a hidden test runs is left out, and of its error no more is told than `TOLD` characters: an
    answer could print or raise the test that called it.
    """
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name not in assignment.tests or assignment.visible[name] == cell.source:
            continue
        cell.source = f"{assignment.visible[name].rstrip()}\n\n# ... and tests that are not shown".lstrip()
        cell.outputs = [output for output in cell.outputs if output.output_type == "error"]
        for output in cell.outputs:
            if len(output.evalue) > TOLD:  # what was asked stands first, what differs last
                half = (TOLD - 5) // 2
                output.evalue = f"{output.evalue[:half]} ... {output.evalue[-half:]}"
            output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is there as a whole or not at all."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
    os.chmod(file.name, mode)
    os.replace(file.name, path)


# ---------------------------------------------------------------------------------------------------- through nbgrader


@functools.lru_cache(maxsize=16)
def _prepared(name: str, content: bytes) -> tuple[Assignment, bytes]:
    """Return an assignment, and nbgrader's database with it and without students; made once in a process."""
    assignment = parse(name, content)
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        url = f"sqlite:///{folder}/gradebook.db"
        with _programs_of_this_python(), api.Gradebook(url) as gradebook:
            gradebook.update_or_create_assignment(assignment.name)
        notebook, resources = copy.deepcopy(assignment.notebook), _resources(url, assignment.name, "")
        for step in (LockCells, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells):
            try:
                notebook, resources = step().preprocess(notebook, resources)
            except Exception as error:  # nbgrader's own, and KeyError for metadata that lack something
                raise BadSource(f"{name} is no nbgrader assignment ({type(error).__name__}: {error})") from error
        return assignment, Path(folder, "gradebook.db").read_bytes()


@contextlib.contextmanager
def _programs_of_this_python():
    """Let nbgrader find the program `alembic`, which it starts by its name, where no environment is activated."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _resources(url: str, assignment: str, student: str) -> dict:
    names = {"notebook": assignment, "assignment": assignment, "student": student, "db_url": url}
    return {"nbgrader": names, "unique_key": assignment, "output_files_dir": "files"}


class Gradebook:
    """nbgrader's gradebook for one submission, and the steps of its autograding around the execution.

    Parameters
    ----------
    folder : str
        Where its database is put.
    content : bytes
        A database that knows the assignment.
    assignment : Assignment
        The assignment.
    student : str
        Whose submission it is.
    """

    def __init__(self, folder: str, content: bytes, assignment: Assignment, student: str):
        self.assignment, self.student = assignment, student
        Path(folder, "gradebook.db").write_bytes(content)
        self.url = f"sqlite:///{folder}/gradebook.db"
        with api.Gradebook(self.url) as gradebook:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(assignment.name, student)

    def _through(self, notebook: nbformat.NotebookNode, *steps) -> tuple[nbformat.NotebookNode, dict]:
        resources = _resources(self.url, self.assignment.name, self.student)
        for step in steps:
            notebook, resources = step().preprocess(notebook, resources)
        return notebook, resources

    def sanitised(self, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
        """Return a submission after nbgrader's own sanitising: test cells as in the database, names only once."""
        steps = (ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata)
        return self._through(notebook, *steps)[0]

    def points(self, notebook: nbformat.NotebookNode) -> dict[str, float]:
        """Return the points of every test cell of an executed notebook, as nbgrader counts them."""
        self._through(notebook, LimitOutput, SaveAutoGrades)
        with api.Gradebook(self.url) as gradebook:
            book = gradebook.find_submission_notebook(self.assignment.name, self.assignment.name, self.student)
            found = {grade.name: float(grade.auto_score or 0.0) for grade in book.grades}
        return {name: found.get(name, 0.0) for name in self.assignment.tests}

    def feedback(self, notebook: nbformat.NotebookNode) -> str:
        """Return nbgrader's page for the student; nothing in it is run or loaded that a submission wrote."""
        notebook, resources = self._through(notebook, GetGrades)
        templates = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
        exporter = HTMLExporter(
            template_name="feedback",
            extra_template_basedirs=[str(templates / "templates")],
            extra_template_paths=[str(templates / "static" / "node_modules" / "bootstrap" / "dist" / "css")],
            sanitize_html=True,
            preprocessors=[CSSHTMLHeaderPreprocessor],
        )
        return exporter.from_notebook_node(notebook, resources=resources)[0]
