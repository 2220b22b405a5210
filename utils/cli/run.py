"""`python -m utils run`: execute notebooks side by side, show how far each one is, and end with a table."""

import argparse
import asyncio
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from utils import COURSE_ROOT, settings
from utils.cli import clock, notebooks, speed
from utils.cli.catalogue import UsageError
from utils.cli.records import RESULTS
from utils.course import FAILED, HELD, NOT_JUDGED, ON_STANDIN, cores


@dataclass
class Outcome:
    """What became of one notebook.

    `error` is what a reader is told when it did not run through; `crash` the first line of an error that a cell
    raised, claims aside; `verdicts` the name and state of every claim and bound; `copy` the executed notebook.
    """

    path: Path
    seconds: float = 0.0
    error: str = ""
    crash: str = ""
    results: dict | None = None
    copy: Path | None = None
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    unwritable: str = ""

    @property
    def passed(self) -> bool:
        """Whether every cell ran and no claim or bound failed."""
        return not self.error and self.count(FAILED) == 0

    def count(self, state: str) -> int:
        """Return how many claims and bounds have this state."""
        return sum(found == state for _, found in self.verdicts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `run`."""
    parser.add_argument("notebooks", nargs="*", help="numbers or names, such as 2 14 (default: all)")
    parser.add_argument("--profile", choices=settings.PROFILES, help="default: COURSE_PROFILE, or full")
    parser.add_argument("--jobs", type=int, help="notebooks at a time (default: one a core; with --write one)")
    parser.add_argument("--threads", type=int, help="threads of each notebook (default: its share of the cores)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one notebook (default: 3600)")
    parser.add_argument(
        "--write", action="store_true", help="store the outputs in the notebooks that passed, normalised"
    )
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Run the notebooks that `args` names; return 0 if all passed, else 1.

    Raises
    ------
    UsageError
        If there is no such notebook, or an option or COURSE_PROFILE means nothing.
    """
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs is {args.jobs}; expected 1 or more")
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads is {args.threads}; expected 1 or more")
    paths = notebooks.find(args.notebooks, args.folder)
    if not paths:
        raise UsageError(f"there is no notebook in {args.folder}")
    profile = args.profile or shell_profile()
    jobs = min(len(paths), args.jobs or (1 if args.write else cores()))
    console = Console()
    started = time.perf_counter()
    console.print(
        f"{len(paths)} notebook{'s' * (len(paths) > 1)}, {profile} profile, {jobs} at a time", highlight=False
    )
    environment = {"COURSE_PROFILE": profile} | share(jobs, args.threads)
    outcomes = asyncio.run(_run_all(paths, environment, jobs, args.timeout, console))
    if args.write:
        for outcome in outcomes:
            _store(outcome)
    _show(outcomes, console)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    seconds = time.perf_counter() - started
    console.print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed in {seconds:.0f} s", highlight=False)
    return 1 if failed else 0


def shell_profile() -> str:
    """Return the profile that COURSE_PROFILE asks for. Raises UsageError if there is none of that name."""
    try:
        return settings.profile()
    except ValueError as error:
        raise UsageError(str(error)) from error


def longest_first(paths: list[Path], records: Path = RESULTS / speed.FOLDER) -> list[Path]:
    """Return notebooks by the seconds of a full run, the longest first; those of which nothing is known in front.

    Where several run side by side, a long one that begins last would keep the others' cores waiting. The clock's record
    counts what is under "Going deeper" too; without it, it is the seconds of the stored run.
    """
    clocked = clock.seconds(records)

    def stored(path: Path) -> float:
        try:
            kept = notebooks.results(notebooks.read(path)) or {}
        except UsageError:  # not a notebook: told when it is executed
            return math.inf
        return kept.get("seconds", math.inf) if kept.get("profile") == "full" else math.inf

    return sorted(paths, key=lambda path: clocked.get(path.stem) or stored(path), reverse=True)


def share(jobs: int, number: int | None = None) -> dict[str, str]:
    """Return the variables for kernels of which so many run side by side: `number` threads each, or their share.

    Kernels that are alone decide for themselves, and so do all where the shell has decided already. On two cores the
    whole course took 3.8 minutes two at a time with a thread each, and 7.1 one at a time with two (RESULTS.md).
    """
    if number is not None:
        return threads(number)
    chosen = threads(max(1, cores() // jobs))
    return {} if jobs == 1 or any(name in os.environ for name in chosen) else chosen


def threads(number: int) -> dict[str, str]:
    """Return the variables that let a kernel compute on so many threads: TensorFlow, OpenMP, and the BLAS of NumPy.

    XLA computes on TensorFlow's threads, and scikit-learn on those of OpenMP and BLAS. Not held are the threads on
    which XLA compiles and tf.data reads: only fewer cores hold those (`stability --cores`).
    """
    names = (
        "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "LOKY_MAX_CPU_COUNT",
    )  # fmt: skip
    return dict.fromkeys(names, str(number))


async def _run_all(paths: list[Path], environment: dict, jobs: int, timeout: float, console: Console) -> list[Outcome]:
    slots = asyncio.Semaphore(jobs)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        async def one(path: Path) -> Outcome:
            task = progress.add_task(path.stem, start=False, total=None)
            async with slots:
                progress.start_task(task)
                outcome = await execute(
                    path,
                    COURSE_ROOT / "build" / "run" / environment["COURSE_PROFILE"] / path.name,
                    environment,
                    timeout,
                    lambda done, total: progress.update(task, completed=done, total=total),
                )
            if not console.is_terminal:
                word = "passed" if outcome.passed else "FAILED"
                console.print(f"  {path.stem}: {word}, {outcome.seconds:.0f} s", highlight=False)
            return outcome

        ordered = longest_first(paths) if jobs > 1 and environment["COURSE_PROFILE"] == "full" else paths
        outcomes = dict(zip(ordered, await asyncio.gather(*(one(path) for path in ordered))))
        return [outcomes[path] for path in paths]


async def execute(
    path: Path,
    copy: Path,
    environment: dict[str, str],
    timeout: float,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Execute one notebook in a kernel of its own, and keep the executed copy; the notebook itself is only read.

    Parameters
    ----------
    path, copy : Path
        The notebook, and where its executed copy goes, with a log of the kernel beside it.
    environment : dict
        Variables for the kernel, which win over this process's. COURSE_PROFILE has to be among them.
    timeout : float
        Seconds for the whole notebook.
    report : callable
        Called with the numbers of cells done and of all code cells, after every cell.

    Returns
    -------
    Outcome
        Nothing is raised: an unreadable file, a dead kernel or a full disk is an outcome too, so that the other
        notebooks go on. A claim that fails does not stop the notebook; what a cell raises besides does.
    """
    outcome = Outcome(path)
    started = time.perf_counter()
    try:
        notebook = notebooks.read(path)
        stored = notebooks.pictures(notebook)
        await _execute(notebook, outcome, copy, environment, timeout, report)
        outcome.results = notebooks.results(notebook)
        outcome.verdicts = notebooks.verdicts(notebook)
        if stored and not notebooks.pictures(notebook) and not outcome.error:
            outcome.unwritable = (
                f"no cell drew a picture, and the stored notebook has {stored}: is MPLBACKEND set? Unset it."
            )
            outcome.error = outcome.unwritable if environment["COURSE_PROFILE"] == "full" else ""
        notebooks.write(notebook, copy)
        outcome.copy = copy
    except UsageError as error:  # not a notebook
        outcome.error = str(error)
    except Exception as error:
        outcome.error = outcome.error or f"{type(error).__name__}: {error}"
    outcome.seconds = time.perf_counter() - started
    return outcome


async def _execute(notebook, outcome: Outcome, copy: Path, environment: dict, timeout: float, report: Callable) -> None:
    """Execute the cells of `notebook` in place, and say in `outcome` what went wrong."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:  # stored outputs of cells that are not reached must not pass for new ones
        cell.outputs, cell.execution_count = [], None
    done, total = 0, len(code)

    def cell_executed(**_):
        nonlocal done
        done += 1
        report(done, total)

    report(0, total)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this Python's kernel, not one of the same name elsewhere
    client = NotebookClient(
        notebook,
        timeout=None,
        startup_timeout=180,
        kernel_name="python3",
        resources={"metadata": {"path": str(outcome.path.parent)}},
        on_cell_executed=cell_executed,
        allow_error_names=["ClaimError"],  # the rest of the notebook is still seen; it is counted below
        shutdown_kernel="immediate",  # all is said and read; a TensorFlow that takes itself apart needs two seconds
    )
    copy.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    errors = []
    try:
        with copy.with_suffix(".log").open("wb") as log:  # what the kernel process itself says
            run = client.async_execute(stderr=log, env=os.environ | {"COURSE_PROGRESS": "0"} | environment)
            await asyncio.wait_for(run, timeout)
    except CellExecutionError as error:
        errors.append(notebooks.ANSI.sub("", str(error)).strip())
        outcome.crash = f"{error.ename}: {error.evalue}".splitlines()[0]
    except Exception as error:  # a dead kernel: whatever it is, the other notebooks go on
        late = time.perf_counter() - started >= timeout  # the interrupted kernel may report its own end first
        text = f"not finished after {timeout:.0f} s; give --timeout more, or look for an endless loop"
        errors.append(text if late else f"{type(error).__name__}: {error}")
    claims = [
        f"{output.ename}: {output.evalue}"
        for cell in code
        for output in cell.outputs
        if output.output_type == "error" and output.ename == "ClaimError"
        if "raises-exception" not in cell.metadata.get("tags", [])
    ]
    outcome.error = "\n".join(claims + errors)


def _store(outcome: Outcome) -> None:
    """Write the executed copy over the notebook, if it passed; a failure to do so becomes the notebook's error."""
    if not outcome.passed or outcome.unwritable:
        return
    try:
        notebooks.write(notebooks.normalise(notebooks.read(outcome.copy), outcome.path), outcome.path)
    except (OSError, ValueError) as error:
        outcome.error = f"it passed, but could not be written: {error}"


def _show(outcomes: list[Outcome], console: Console) -> None:
    for outcome in outcomes:
        _explain(outcome, console)
    table = Table("notebook", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("seconds", "held", "not judged", "failed"):
        table.add_column(title, justify="right")
    table.add_column("result")
    for outcome in outcomes:
        held, in_quick, on_standin, failed = map(outcome.count, (HELD, NOT_JUDGED, ON_STANDIN, FAILED))
        counts = map(str, (held, in_quick + on_standin, failed))
        table.add_row(outcome.path.stem, f"{outcome.seconds:.1f}", *counts, "passed" if outcome.passed else "FAILED")
    console.print()
    console.print(table)


def _explain(outcome: Outcome, console: Console) -> None:
    """Say why a notebook failed, and where its outputs are; and of one that passed, why it is not written."""
    plain = {"markup": False, "highlight": False, "soft_wrap": True}
    if outcome.passed:
        if outcome.unwritable:
            console.print(f"{outcome.path.stem}: {outcome.unwritable}", **plain)
        return
    console.rule(f"{outcome.path.stem} failed")
    failed = [f"  ✗ {name}" for name, state in outcome.verdicts if state == FAILED]
    unsaid = [line for line in failed if line.strip() not in outcome.error]
    console.print("\n".join([*unsaid, *outcome.error.splitlines()[-25:]]), **plain)
    if outcome.copy is not None:
        console.print(f"as far as it came: {os.path.relpath(outcome.copy, COURSE_ROOT)}", **plain)
