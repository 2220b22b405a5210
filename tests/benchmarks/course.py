"""How long the whole course takes, where the time goes, and which arrangement of two cores is the quickest.

    make clock                                                   # every notebook in quick, two arrangements
    .venv/bin/python -m tests.benchmarks.course 02 14 --rounds 3  # some notebooks, to look; writes nothing
    .venv/bin/python -m tests.benchmarks.course --profile full --core  # without Going deeper
    .venv/bin/python -m tests.benchmarks.course --arrangements 1x2 2x1 2x2

An arrangement JxT runs J notebooks at a time and gives each T threads (`utils.cli.run.threads`). They take turns, and
which begins changes from round to round. Notebooks are executed as `python -m utils run` does it, with
`tests/benchmarks/inside.py` in the kernel. When every notebook ran to its end in every turn, what was measured goes
into `results/bench/`, and from there into RESULTS.md by `python -m utils results`. The machine should do nothing else.
"""

import argparse
import asyncio
import datetime
import functools
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
from utils.course import FAILED, cores

INSIDE = Path(__file__).with_name("inside.py")
STARTS = "course.start("
"""What the last cell of a notebook's start-up holds."""


# ------------------------------------------------------------------------------------------------------- the notebooks


def parted(cells: list, counted: list[dict], begun: float, ended: float, core: int | None = None) -> dict[str, float]:
    """Return the seconds of each part of a notebook; together they are those between `begun` and `ended`.

    Parameters
    ----------
    cells : list of NotebookNode
        The code cells that were executed, with nbclient's timing in their metadata.
    counted : list of dict
        What `inside.py` had counted after each of them.
    begun, ended : float
        When the notebook was begun and was done with, in seconds of the system's clock.
    core : int, optional
        How many of the cells come before "Going deeper", the first cell of `course.start` among them; all unless given.
    """
    core = len(cells) if core is None else core
    first, last = _moment(cells[0], "iopub.status.busy"), _moment(cells[-1], "shell.execute_reply")
    at = next((k for k, cell in enumerate(cells) if STARTS in cell.source), 0)
    started = _moment(cells[at], "shell.execute_reply")
    early, total = counted[at], counted[core - 1]
    done = _moment(cells[core - 1], "shell.execute_reply")
    found = {
        "kernel": first - begun,
        "start": started - first - early["data"] - early["first"],
        "data": total["data"],
        "first": total["first"],
        "rest": done - started - (total["data"] - early["data"]) - (total["first"] - early["first"]),
        "deeper": last - done,
        "end": ended - last,
    }
    return {part: max(0.0, seconds) for part, seconds in found.items()}


def _moment(cell, name: str) -> float:
    """Return when something happened to a cell, in seconds of the system's clock."""
    return datetime.datetime.fromisoformat(cell.metadata.execution[name].replace("Z", "+00:00")).timestamp()


def without_deeper(path: Path, folder: Path) -> Path:
    """Write a copy of a notebook that ends before "Going deeper" into a folder, and return it."""
    notebook = notebooks.read(path)
    beyond = [part == notebooks.DEEPER for part in notebooks.parts(notebook)]
    notebook.cells = notebook.cells[: beyond.index(True) if any(beyond) else None]
    copy = folder / path.name
    notebooks.write(notebook, copy)
    return copy


async def one(
    path: Path, folder: Path, environment: dict[str, str], timeout: float, say=lambda text: None
) -> dict[str, float]:
    """Execute one notebook and return the seconds of its parts.

    Raises
    ------
    UsageError
        If it did not run to its end; the message says why. That a claim fails takes no other time than that it holds:
        `say` is told, and the seconds count.
    """
    into, copy = folder / f"{path.stem}.jsonl", folder / path.name
    into.unlink(missing_ok=True)
    begun = time.time()
    environment = environment | {"PYTHONSTARTUP": str(INSIDE), "CLOCK_INTO": str(into)}
    outcome = await run.execute(path, copy, environment, timeout)
    if outcome.copy is None:
        raise UsageError(f"{path.name} did not run: {outcome.error}")
    executed = notebooks.read(copy)
    cells, inside = [], []
    for cell, part in zip(executed.cells, notebooks.parts(executed)):
        if cell.cell_type == "code" and "shell.execute_reply" in cell.metadata.get("execution", {}):
            cells.append(cell)
            inside.append(part != notebooks.DEEPER)
    lacking = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in executed.cells) - len(cells)
    if lacking or outcome.crash:
        raise UsageError(f"{path.name} did not run to its end: {outcome.error}")
    if not outcome.passed:
        wrong = [name for name, state in outcome.verdicts if state == FAILED]
        say(f"  {path.stem}: not all held: {'; '.join(wrong) or outcome.error}")
    counted = [json.loads(line) for line in into.read_text(encoding="utf-8").splitlines()] if into.exists() else []
    if not cells or len(counted) < len(cells):
        raise UsageError(f"{path.name}: {len(cells)} cells ran, and {INSIDE.name} counted {len(counted)}")
    return parted(cells, counted, begun, begun + outcome.seconds, (*inside, False).index(False))


async def turn(
    paths: list[Path], arrangement: str, profile: str, timeout: float, core: bool = False, say=lambda text: None
) -> dict:
    """Run all notebooks in one arrangement, and return a turn as a record keeps it.

    Parameters
    ----------
    paths : list of Path
        The notebooks. In the full profile the longest begins, so that no core waits for it at the end.
    arrangement, profile : str
        Such as "2x1"; "quick" or "full".
    timeout : float
        Seconds for one notebook.
    core : bool
        Whether to leave out what is under "Going deeper".
    say : callable
        Is told what became of each notebook, as soon as it is done.

    Raises
    ------
    UsageError
        If some did not run to their end; the message says why. The others are run all the same: a turn may take hours.
    """
    jobs, threads = map(int, arrangement.split("x"))
    environment = {"COURSE_PROFILE": profile} | run.threads(threads)
    slots, begun = asyncio.Semaphore(jobs), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="clock-") as folder:
        cut = Path(folder, "core")
        cut.mkdir()

        async def waits(path: Path) -> dict[str, float] | UsageError:
            async with slots:
                try:
                    cut_or_whole = without_deeper(path, cut) if core else path
                    found = await one(cut_or_whole, Path(folder), environment, timeout, say)
                except UsageError as error:
                    say(f"  {path.stem} did not run to its end")
                    return error
            said = ", ".join(f"{part} {value:.1f}" for part, value in found.items())
            say(f"  {path.stem}: {sum(found.values()):.1f} s ({said})")
            return found

        ordered = run.longest_first(paths) if profile == "full" else paths
        results = dict(zip(ordered, await asyncio.gather(*map(waits, ordered))))
    seconds = time.perf_counter() - begun
    if failed := [str(found) for found in results.values() if isinstance(found, UsageError)]:
        raise UsageError("\n".join(failed))
    return {"arrangement": arrangement, "seconds": seconds, "notebooks": {path.stem: results[path] for path in paths}}


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
    """Measure what is asked for; return 0, 1 if a notebook did not run to its end, 2 if the call means nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NB", help="numbers or names (default: all)")
    parser.add_argument("--profile", choices=settings.PROFILES, default="quick")
    parser.add_argument("--core", action="store_true", help="leave out what is under Going deeper")
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
    turns, say = [], functools.partial(print, flush=True)
    for number in range(args.rounds):
        for arrangement in plan if number % 2 == 0 else plan[::-1]:
            try:
                turns.append(asyncio.run(turn(paths, arrangement, args.profile, args.timeout, args.core, say)))
            except UsageError as error:
                print(error, file=sys.stderr)
                return 1
            print(f"round {number + 1}, {clock.said(arrangement)}: {turns[-1]['seconds']:.0f} s", flush=True)
    record = {
        "profile": args.profile, "core": args.core, "turns": turns, "imports": rows, "machine": processor(),
        "cores": cores(), "versions": versions(), "date": datetime.date.today().isoformat(),
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
