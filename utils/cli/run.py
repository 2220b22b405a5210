"""`python -m utils run`: execute notebooks side by side, show how far each one is, and end with a table."""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from utils import COURSE_ROOT, settings
from utils.cli import notebooks
from utils.course import FAILED, HELD, NOT_JUDGED, cores


@dataclass
class Outcome:
    """What became of one notebook."""

    path: Path
    seconds: float = 0.0
    error: str = ""
    results: dict | None = None
    copy: Path | None = None
    states: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every cell ran and no claim failed."""
        return not self.error and FAILED not in self.states


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `run`."""
    parser.add_argument("notebooks", nargs="*", help="numbers or names, such as 02 14 (default: all)")
    parser.add_argument("--profile", choices=settings.PROFILES, help="default: COURSE_PROFILE, or full")
    parser.add_argument("--jobs", type=int, help="notebooks at a time (default: one a core; with --write one)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one notebook (default: 3600)")
    parser.add_argument(
        "--write", action="store_true", help="store the outputs in the notebooks that passed, normalised"
    )
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Run the notebooks that `args` names; return 0 if all passed, else 1."""
    if args.jobs is not None and args.jobs < 1:
        raise ValueError(f"--jobs is {args.jobs}; expected 1 or more")
    paths = notebooks.find(args.notebooks, args.folder)
    if not paths:
        raise ValueError(f"there is no notebook in {args.folder}")
    if args.profile:
        os.environ["COURSE_PROFILE"] = args.profile
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this Python's kernel, not one of the same name elsewhere
    jobs = min(len(paths), args.jobs or (1 if args.write else cores()))
    console = Console()
    started = time.perf_counter()
    console.print(
        f"{len(paths)} notebook{'s' * (len(paths) > 1)}, {settings.profile()} profile, {jobs} at a time",
        highlight=False,
    )
    outcomes = asyncio.run(_run_all(paths, jobs, args.timeout, console))
    if args.write:
        for outcome in outcomes:
            if outcome.passed:
                notebooks.write(notebooks.normalise(notebooks.read(outcome.copy)), outcome.path)
    _show(outcomes, console)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    seconds = time.perf_counter() - started
    console.print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed in {seconds:.0f} s", highlight=False)
    return 1 if failed else 0


async def _run_all(paths: list[Path], jobs: int, timeout: float, console: Console) -> list[Outcome]:
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
                outcome = await _execute(
                    path, timeout, lambda done, total: progress.update(task, completed=done, total=total)
                )
            if not console.is_terminal:
                word = "passed" if outcome.passed else "FAILED"
                console.print(f"  {path.stem}: {word}, {outcome.seconds:.0f} s", highlight=False)
            return outcome

        return await asyncio.gather(*(one(path) for path in paths))


async def _execute(path: Path, timeout: float, report) -> Outcome:
    """Execute one notebook in a kernel of its own, and keep the executed copy in build/run/<profile>."""
    outcome = Outcome(path)
    notebook = notebooks.read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:  # stored outputs of cells that are not reached must not pass for new ones
        cell.outputs, cell.execution_count = [], None
    done, total = 0, len(code)

    def cell_executed(**_):
        nonlocal done
        done += 1
        report(done, total)

    report(0, total)
    started = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=None,
        startup_timeout=180,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=cell_executed,
    )
    outcome.copy = COURSE_ROOT / "build" / "run" / settings.profile() / path.name
    outcome.copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        with outcome.copy.with_suffix(".log").open("wb") as log:  # what the kernel process itself says
            await asyncio.wait_for(client.async_execute(stderr=log), timeout)
    except CellExecutionError as error:
        outcome.error = notebooks.ANSI.sub("", str(error)).strip()
    except Exception as error:  # a dead kernel, a full disk: whatever it is, the other notebooks go on
        outcome.error = f"{type(error).__name__}: {error}"
        if time.perf_counter() - started >= timeout:  # the interrupted kernel may report its own end first
            outcome.error = f"not finished after {timeout:.0f} s; give --timeout more, or look for an endless loop"
    outcome.seconds = time.perf_counter() - started
    outcome.results = notebooks.results(notebook)
    outcome.states = _claim_states(notebook, outcome.results)
    notebooks.write(notebook, outcome.copy)
    return outcome


def _claim_states(notebook, results: dict | None) -> list[str]:
    """Return the state of every claim; from the printed lines if the notebook stopped before its closing table."""
    if results:
        return [claim["state"] for claim in results["claims"]]
    text = "\n".join(
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
    )
    marks = {"✓ held: ": HELD, "· not judged in quick: ": NOT_JUDGED, "✗ FAILED: ": FAILED}
    return [state for line in text.splitlines() for mark, state in marks.items() if line.startswith(mark)]


def _show(outcomes: list[Outcome], console: Console) -> None:
    for outcome in outcomes:
        if outcome.error:
            tail = "\n".join(outcome.error.splitlines()[-25:])
            console.rule(f"{outcome.path.stem} failed")
            console.print(tail, markup=False, highlight=False, soft_wrap=True)
            console.print(f"as far as it came: {outcome.copy.relative_to(COURSE_ROOT)}", markup=False, highlight=False)
    table = Table("notebook", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("seconds", "held", "not judged", "failed"):
        table.add_column(title, justify="right")
    table.add_column("result")
    for outcome in outcomes:
        counts = [str(outcome.states.count(state)) for state in (HELD, NOT_JUDGED, FAILED)]
        table.add_row(outcome.path.stem, f"{outcome.seconds:.1f}", *counts, "passed" if outcome.passed else "FAILED")
    console.print()
    console.print(table)
