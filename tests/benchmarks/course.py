"""How long the whole course takes, where the time goes, and which arrangement of two cores is the quickest.

    make clock                                                   # every notebook in quick, two arrangements
    .venv/bin/python -m tests.benchmarks.course 02 14 --rounds 3  # some notebooks, to look; writes nothing
    .venv/bin/python -m tests.benchmarks.course --profile full
    .venv/bin/python -m tests.benchmarks.course --arrangements 1x2 2x1 2x2

An arrangement JxT runs J notebooks at a time and gives each T threads (`utils.cli.run.threads`). They take turns, and
which begins changes from round to round. Notebooks are executed as `python -m utils run` does it, with
`tests/benchmarks/inside.py` in the kernel. When every notebook passed in every turn, what was measured goes into
`results/bench/`, and from there into RESULTS.md by `python -m utils results`. The machine should do nothing else.
"""

import argparse
import asyncio
import datetime
import json
import os
import pkgutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import utils
from tests.benchmarks.recipes import FOLDER, processor, versions
from utils import COURSE_ROOT, settings
from utils.cli import clock, notebooks, run
from utils.cli.catalogue import UsageError
from utils.course import cores

INSIDE = Path(__file__).with_name("inside.py")
STARTS = "course.start("
"""What the last cell of a notebook's start-up holds."""


# ------------------------------------------------------------------------------------------------------- the notebooks


def parted(cells: list, counted: list[dict], begun: float, ended: float) -> dict[str, float]:
    """Return the seconds of each part of a notebook; together they are those between `begun` and `ended`.

    Parameters
    ----------
    cells : list of NotebookNode
        The code cells that were executed, with nbclient's timing in their metadata.
    counted : list of dict
        What `inside.py` had counted after each of them.
    begun, ended : float
        When the notebook was begun and was done with, in seconds of the system's clock.
    """
    first, last = _moment(cells[0], "iopub.status.busy"), _moment(cells[-1], "shell.execute_reply")
    at = next((k for k, cell in enumerate(cells) if STARTS in cell.source), 0)
    started = _moment(cells[at], "shell.execute_reply")
    early, total = counted[at], counted[-1]
    found = {
        "kernel": first - begun,
        "start": started - first - early["data"] - early["first"],
        "data": total["data"],
        "first": total["first"],
        "rest": last - started - (total["data"] - early["data"]) - (total["first"] - early["first"]),
        "end": ended - last,
    }
    return {part: max(0.0, seconds) for part, seconds in found.items()}


def _moment(cell, name: str) -> float:
    """Return when something happened to a cell, in seconds of the system's clock."""
    return datetime.datetime.fromisoformat(cell.metadata.execution[name].replace("Z", "+00:00")).timestamp()


async def one(path: Path, folder: Path, environment: dict[str, str], timeout: float) -> dict[str, float]:
    """Execute one notebook and return the seconds of its parts.

    Raises
    ------
    UsageError
        If it did not pass; the message says why.
    """
    into, copy = folder / f"{path.stem}.jsonl", folder / path.name
    into.unlink(missing_ok=True)
    begun = time.time()
    environment = environment | {"PYTHONSTARTUP": str(INSIDE), "CLOCK_INTO": str(into)}
    outcome = await run.execute(path, copy, environment, timeout)
    if not outcome.passed or outcome.copy is None:
        raise UsageError(f"{path.name} did not pass: {outcome.error or outcome.verdicts}")
    cells = [
        cell
        for cell in notebooks.read(copy).cells
        if cell.cell_type == "code" and "shell.execute_reply" in cell.metadata.get("execution", {})
    ]
    counted = [json.loads(line) for line in into.read_text(encoding="utf-8").splitlines()] if into.exists() else []
    if not cells or len(counted) < len(cells):
        raise UsageError(f"{path.name}: {len(cells)} cells ran, and {INSIDE.name} counted {len(counted)}")
    return parted(cells, counted, begun, begun + outcome.seconds)


async def turn(paths: list[Path], arrangement: str, profile: str, timeout: float) -> dict:
    """Run all notebooks in one arrangement, and return a turn as a record keeps it.

    Raises
    ------
    UsageError
        If one did not pass; those that still ran are ended.
    """
    jobs, threads = map(int, arrangement.split("x"))
    environment = {"COURSE_PROFILE": profile} | run.threads(threads)
    slots, begun = asyncio.Semaphore(jobs), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="clock-") as folder:

        async def waits(path: Path) -> dict[str, float]:
            async with slots:
                return await one(path, Path(folder), environment, timeout)

        try:
            async with asyncio.TaskGroup() as group:  # the first that fails ends the others
                tasks = [group.create_task(waits(path)) for path in paths]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    seconds = time.perf_counter() - begun
    found = {path.stem: task.result() for path, task in zip(paths, tasks)}
    return {"arrangement": arrangement, "seconds": seconds, "notebooks": found}


# --------------------------------------------------------------------------------------------------------- the imports


def calls() -> dict[str, list[str]]:
    """Return what is timed in a Python of its own: the words after `python`, by what the table calls them."""
    modules = sorted(
        module.name
        for module in pkgutil.iter_modules(utils.__path__)
        if module.name not in ("__main__", "cli", "grading")
    )
    names = ["utils", *(f"utils.{name}" for name in modules)]
    return {f"import {name}": ["-c", f"import {name}"] for name in names} | {
        "python -m utils --help": ["-m", "utils", "--help"]
    }


def imports(times: int) -> list[dict]:
    """Time every call in a fresh Python, and return the medians as a record keeps them."""
    found = []
    for what, words in calls().items():
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *words], cwd=COURSE_ROOT, capture_output=True, check=True)
            taken.append(time.perf_counter() - begun)
        found.append({"what": what, "seconds": statistics.median(taken), "tensorflow": _brings(words)})
    return found


def _brings(words: list[str]) -> bool:
    """Return whether a call imports TensorFlow."""
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", *words], cwd=COURSE_ROOT, capture_output=True, text=True, check=True
    )
    return any(line.rsplit("|", 1)[-1].strip() == "tensorflow" for line in traced.stderr.splitlines())


# --------------------------------------------------------------------------------------------------------- the command


def arrangements(words: list[str] | None) -> list[str]:
    """Return the arrangements that are asked for; without words one notebook at a time, and one a core.

    Raises
    ------
    UsageError
        If a word is not of the form JxT.
    """
    for word in words or []:
        jobs, cross, threads = word.partition("x")
        if not (cross and jobs.isdecimal() and threads.isdecimal() and int(jobs) and int(threads)):
            raise UsageError(f"{word!r} is no arrangement; expected notebooks x threads, such as 1x2")
    return list(dict.fromkeys(words or [f"1x{cores()}", f"{cores()}x1"]))


def main(words: list[str] | None = None) -> int:
    """Measure what is asked for; return 0, 1 if a notebook did not pass, 2 if the call means nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NB", help="numbers or names (default: all)")
    parser.add_argument("--profile", choices=settings.PROFILES, default="quick")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each arrangement (default: 1)")
    parser.add_argument("--arrangements", nargs="+", metavar="JxT", help="such as 1x2 2x1 (default: these, on 2 cores)")
    parser.add_argument("--times", type=int, default=5, help="runs of each import; 0 times none (default: 5)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one notebook (default: 3600)")
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    args = parser.parse_args(words)
    if args.rounds < 1 or args.times < 0:
        parser.error("--rounds must be 1 or more, --times 0 or more")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        paths, plan = notebooks.find(args.notebooks, args.folder), arrangements(args.arrangements)
    except UsageError as error:
        parser.error(str(error))
    rows = imports(args.times) if args.times else []
    for row in rows:
        print(f"{row['what']:32s} {row['seconds']:6.2f} s{'   with TensorFlow' * row['tensorflow']}", flush=True)
    turns = []
    for number in range(args.rounds):
        for arrangement in plan if number % 2 == 0 else plan[::-1]:
            try:
                turns.append(asyncio.run(turn(paths, arrangement, args.profile, args.timeout)))
            except UsageError as error:
                print(error, file=sys.stderr)
                return 1
            print(f"round {number + 1}, {clock.said(arrangement)}: {turns[-1]['seconds']:.0f} s", flush=True)
    record = {
        "profile": args.profile, "turns": turns, "imports": rows, "machine": processor(), "cores": cores(),
        "versions": versions(), "date": datetime.date.today().isoformat(),
    }  # fmt: skip
    print(clock.table([record]))
    whole = len(paths) == len(notebooks.find(folder=args.folder)) and rows
    if not whole:
        print("not written: only all notebooks, with the imports, make a record")
        return 0
    print(f"written: {clock.save(record, args.into).name}; python -m utils results brings RESULTS.md up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
