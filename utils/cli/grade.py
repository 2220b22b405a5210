"""`python -m utils grade SUBMISSIONS`: grade a folder of submissions; grades.csv, and feedback for each student."""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from utils.cli import notebooks
from utils.cli.catalogue import ASSIGNMENTS, UsageError
from utils.course import cores
from utils.grading import batch, sandbox, submissions, unit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `grade`."""
    parser.add_argument("submissions", type=Path, metavar="FOLDER", help="one folder, or one notebook, a student")
    parser.add_argument("--out", type=Path, help="where grades.csv and feedback go (default: FOLDER-graded, beside it)")
    parser.add_argument("--assignment", metavar="NB", help="the only one to grade, such as 2 (default: all handed in)")
    parser.add_argument("--jobs", type=int, help="submissions at a time (default: one a core)")
    parser.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler that does the work: tcp://host:8786")
    parser.add_argument("--sources", type=Path, default=ASSIGNMENTS, help="default: notebooks/assignments")
    parser.add_argument(
        "--unprotected", action="store_true", help="without the sandbox: submissions run with your own rights"
    )


def main(args: argparse.Namespace) -> int:
    """Grade the submissions of a folder. What an earlier run has graded into the same place is not graded again.

    Returns
    -------
    int
        0 if every submission was graded or rejected, 1 if some could not be, and are to be tried again.

    Raises
    ------
    UsageError
        If the folder holds no submissions, the place to write lies in it, there is no such assignment, another run
        writes to the same place, or there is no sandbox.
    """
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs is {args.jobs}; expected 1 or more")
    paths = notebooks.find([args.assignment] if args.assignment else None, args.sources)
    if not paths or (args.assignment and len(paths) > 1):
        raise UsageError(f"expected one assignment {args.assignment or ''} in {args.sources}; found {len(paths)}")
    sources = {path.stem: path for path in notebooks.find(folder=args.sources)}
    only = paths[0].stem if args.assignment else None
    folder = args.submissions.resolve()
    out = (args.out or folder.parent / f"{folder.name}-graded").resolve()
    if out == folder or folder in out.parents:
        raise UsageError(f"{out} lies in the folder of submissions; give --out another one")
    found, left = submissions.collect(folder, sources, only)
    if not args.unprotected and args.dask is None:
        _require_sandbox()
    return _run(found, left, sources, out, args)


def _require_sandbox() -> None:
    """Raise UsageError, with what to do, where submissions cannot be run safely; before any of them is."""
    try:
        sandbox.require()
    except sandbox.NoSandbox as error:
        raise UsageError(str(error)) from error


def _run(found: list, left: list[str], sources: dict[str, Path], out: Path, args: argparse.Namespace) -> int:
    console, plain = Console(), {"highlight": False, "markup": False, "soft_wrap": True}
    if left:
        console.print(f"left alone, as nobody's: {', '.join(left)}", **plain)
    if args.unprotected:
        console.print("without the sandbox: what is handed in can read, change and send all that you can", **plain)
    columns = (
        TextColumn("grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    started, fresh = time.perf_counter(), 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(found))

        def report(done: int, total: int, row: batch.Row | None) -> None:
            nonlocal fresh
            progress.update(task, completed=done)
            if row is None or not row.fresh:
                return
            fresh += 1
            if not console.is_terminal:
                rest = (time.perf_counter() - started) / fresh * (total - done)
                console.print(f"  {done} of {total}: {told(row)}; {batch.time_text(rest)} left", **plain)

        options = {"jobs": args.jobs or cores(), "dask": args.dask, "protected": not args.unprotected}
        try:
            rows = batch.grade(found, sources, out, **options, report=report)
        except (sandbox.NoSandbox, unit.BadSource, batch.OtherCourse) as error:
            raise UsageError(str(error)) from error
    for row in rows:
        if row.result.status == unit.REJECTED:
            console.print(f"  {told(row)}", **plain)
    console.print(batch.summary(rows, time.perf_counter() - started), **plain)
    console.print(f"{out / batch.GRADES}; feedback in {out / batch.FEEDBACK}", **plain)
    failed = sum(row.failed for row in rows)
    if failed:
        print(f"{failed} could not be graded; the same command tries them again", file=sys.stderr)
    return 1 if failed else 0


def told(row: batch.Row) -> str:
    """Return what became of one submission, in a line."""
    result = row.result
    name = f"{result.student}, {result.assignment or 'no assignment'}"
    if result.status == unit.REJECTED:
        return f"{name}: rejected, {result.message}"
    return f"{name}: {result.score:g} of {result.max_score:g}" + (f" ({result.message})" if result.message else "")
