"""`python -m utils assignments [NB]`: the student versions of the assignments, each one checked and run."""

import argparse
import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.utils import is_grade, is_solution

from utils import COURSE_ROOT
from utils.cli import copy, notebooks, run
from utils.cli.catalogue import ASSIGNMENTS, UsageError
from utils.course import cores
from utils.grading import student

WHERE = COURSE_ROOT / "build" / "assignments"
UNFINISHED = f"NotImplementedError: {student.STUB_MESSAGE}"
"""What the first unfinished cell of a student version raises."""
NO_NBGRADER = 'raise ImportError("a student has no nbgrader")\n'
"""Stands in nbgrader's place while a student version is run."""


@dataclass
class Made:
    """A student version: where its source is, the notebook, its text, and how far it ran."""

    source: Path
    notebook: nbformat.NotebookNode
    text: str
    stopped_at: str = ""
    seconds: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `assignments`."""
    parser.add_argument("notebooks", nargs="*", metavar="NB", help="numbers or names, such as 2 05 (default: all)")
    parser.add_argument("--into", type=Path, default=WHERE, help="default: build/assignments")
    parser.add_argument("--sources", type=Path, default=ASSIGNMENTS, help="default: notebooks/assignments")
    parser.add_argument("--force", action="store_true", help="overwrite student versions that have been changed")


def main(args: argparse.Namespace) -> int:
    """Write the student versions.

    Returns
    -------
    int
        0, or 1 if one was left as it is because it has been changed; the others are written all the same.

    Raises
    ------
    UsageError
        If there is no such assignment, the folder is the one that holds the sources, a source is not as it must be,
        or a student version does not run up to its first unfinished cell; nothing is written then.
    """
    paths = notebooks.find(args.notebooks, args.sources)
    if not paths:
        raise UsageError(f"there is no assignment in {args.sources}; expected files such as 01_topic.ipynb")
    copy.spare(args.sources, args.into, "--into")
    there = copy.held_by(args.into, paths)
    made = [make(path, args.into, there) for path in paths]
    asyncio.run(_try_all(made))
    for one in made:
        points = student.tests(one.notebook)
        print(
            f"{one.source.stem}: {sum(points.values()):g} points in {len(points)} tests; "
            f"runs up to {one.stopped_at}, {one.seconds:.0f} s"
        )
    return 1 if copy.put({one.source.name: one.text for one in made}, args.into, args.force) else 0


def make(path: Path, into: Path, there: set[str]) -> Made:
    """Return the student version of one source, with links that work in the folder `into`, which holds `there`.

    Raises
    ------
    utils.grading.student.AssignmentError
        If the source breaks a rule, or its student version would show a solution or a hidden test.
    """
    source = student.read(path)
    # Links first: nbgrader's checksums are those of the cells as they are handed out.
    source = copy.relinked(source, path.parent, into, there)
    notebook = student.student_version(source, path.name)
    return Made(path, notebook, notebooks.to_text(notebook))


async def _try_all(made: list[Made]) -> None:
    """Run every student version as a student would: without nbgrader, in quick; as many at a time as there are cores.

    Raises
    ------
    AssignmentError
        If one does not stop at its first unfinished cell.
    """
    slots = asyncio.Semaphore(cores())
    with tempfile.TemporaryDirectory() as folder:
        blocked = Path(folder, "without")
        blocked.mkdir()
        (blocked / "nbgrader.py").write_text(NO_NBGRADER, encoding="utf-8")

        async def one(item: Made) -> list[str]:
            path = Path(folder, item.source.name)
            path.write_text(item.text, encoding="utf-8")
            paths = os.pathsep.join(map(str, (blocked, COURSE_ROOT)))
            environment = {"COURSE_PROFILE": "quick", "PYTHONPATH": paths}
            async with slots:
                outcome = await run.execute(path, Path(folder, "run", path.name), environment, timeout=600)
            item.seconds = outcome.seconds
            if outcome.copy is None:
                return [f"{path.name}: {outcome.error}"]
            executed = notebooks.read(outcome.copy)
            faults, item.stopped_at = stop(executed, outcome.crash, outcome.error)
            return [f"{path.name}: the student version {fault}" for fault in faults]

        found = await asyncio.gather(*map(one, made))
    if faults := [fault for part in found for fault in part]:
        raise student.AssignmentError("; ".join(faults))


def stop(executed: nbformat.NotebookNode, crash: str, error: str) -> tuple[list[str], str]:
    """Judge where a student version stopped.

    Parameters
    ----------
    executed : NotebookNode
        The student version with the outputs of the cells that ran.
    crash, error : str
        The first line of the error that stopped it, and all of it; "" if nothing did.

    Returns
    -------
    faults : list of str
        What is wrong: it did not stop, not at a stub, or a test before that place was passed without doing anything.
    name : str
        The cell at which it stopped, in words.
    """
    failed = next((k for k, cell in enumerate(executed.cells) if _raised(cell)), None)
    if failed is None:
        return [f"stopped outside of its cells: {error}" if error else "runs through: nothing is left to be done"], ""
    name = student.called(executed.cells[failed], failed)
    if crash != UNFINISHED:
        return [f"stops at {name} with an error of its own: {crash or error}"], name
    before = executed.cells[: failed + 1]
    faults = []
    if not any(is_solution(cell) for cell in before):
        faults.append(f"stops at {name}, before its first solution cell")
    for k, cell in enumerate(before[:-1]):
        # A cell whose tests are all hidden is empty for a student, and passes.
        if is_grade(cell) and cell.source.strip() and any(is_solution(other) for other in before[:k]):
            faults.append(f"passes {student.called(cell, k)} although nothing is done yet")
    return faults, name


def _raised(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and any(output.output_type == "error" for output in cell.outputs)
