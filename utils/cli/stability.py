"""`python -m utils stability`: run notebooks in full with further seeds, and say claim by claim what moved."""

import argparse
import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from utils.cli import notebooks, records, run
from utils.cli.catalogue import UsageError
from utils.course import FAILED, HELD, NOT_JUDGED, ON_STANDIN, cores, format_number

MARKS = {HELD: "✓", NOT_JUDGED: "·", ON_STANDIN: "·", FAILED: "✗", records.MISSING: "·"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `stability`."""
    parser.add_argument("notebooks", nargs="*", metavar="NB", help="numbers or names, such as 2 14")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seeds", type=int, metavar="N", help="run with the seeds 1 to N")
    seeds.add_argument("--seed", type=int, action="append", metavar="K", help="run with this seed; may be repeated")
    parser.add_argument("--cores", type=int, metavar="C", help="let the notebook use only C cores (Linux)")
    parser.add_argument("--show", action="store_true", help="run nothing; compare the runs that are kept in results/")
    parser.add_argument("--timeout", type=float, default=7200, help="seconds for one run (default: 7200)")
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, default=records.RESULTS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Run what `args` asks for, one notebook at a time, and compare every run with the stored one.

    With neither --seeds nor --seed: seeds 1 and 2 on all cores, and seed 3 on one (with --cores, all three on those).

    Returns
    -------
    int
        0 if no claim or bound failed in any of the runs, and none broke off; else 1.

    Raises
    ------
    UsageError
        If a word or an option means nothing, or this system cannot restrict a process to some cores.
    """
    if not args.show and not args.notebooks:
        raise UsageError("name the notebooks to run, such as 20 21; or --show, to compare the runs kept in results/")
    paths = notebooks.find(args.notebooks, args.folder)
    failed = False
    if not args.show:
        plan = planned(args, cores(), hasattr(os, "sched_setaffinity"))
        for path in paths:
            for seed, number in plan:
                failed |= not _one(path, seed, number, args)
    for path in paths:
        failed |= _compare(path, args.results)
    return 1 if failed else 0


def planned(args: argparse.Namespace, available: int, can_restrict: bool) -> list[tuple[int, int]]:
    """Return the runs that the options ask for, as pairs of seed and number of cores.

    Raises
    ------
    UsageError
        For a number of seeds or cores that cannot be had, or cores on a system that cannot restrict them.
    """
    if args.seeds is not None and args.seeds < 1:
        raise UsageError(f"--seeds is {args.seeds}; expected 1 or more")
    if args.seed and min(args.seed) < 0:
        raise UsageError(f"--seed is {min(args.seed)}; expected a whole number from 0")
    if args.cores is not None and not 1 <= args.cores <= available:
        raise UsageError(f"--cores is {args.cores}; expected 1 to {available}, the cores that this process may use")
    if args.cores is not None and args.cores < available and not can_restrict:
        raise UsageError("--cores needs Linux: this system cannot restrict a process to some cores; leave it out")
    seeds = list(dict.fromkeys(args.seed or range(1, (args.seeds or 3) + 1)))
    runs = [(seed, args.cores or available) for seed in seeds]
    if args.seeds is None and args.seed is None and args.cores is None and can_restrict:
        runs[-1] = (seeds[-1], 1)  # another number of cores adds in another order
    return runs


@contextlib.contextmanager
def restricted(number: int) -> Iterator[None]:
    """Let this process, and those it starts, use only so many of its cores, until the block ends."""
    if number >= cores():
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _one(path: Path, seed: int, number: int, args: argparse.Namespace) -> bool:
    """Run one notebook once, keep its record, print a line; return whether it came to its end without a failure."""
    folder = Path(tempfile.mkdtemp(prefix="stability-"))
    environment = {"COURSE_PROFILE": "full", "COURSE_SEED": str(seed)}
    try:
        with restricted(number):
            outcome = asyncio.run(run.execute(path, folder / path.name, environment, args.timeout))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    name = f"{path.stem}, seed {seed}, {number} core{'s' * (number != 1)}"
    results = outcome.results
    if results is None and outcome.crash and not outcome.crash.startswith("DataUnavailable"):
        results = _broken_off(path.stem, seed, outcome)
    if results is None:
        why = outcome.error.splitlines()[-1] if outcome.error else "the notebook has no run.finish()"
        print(f"{name}: no record kept: {why}", flush=True)
        return False
    if results["seed"] != seed:
        raise UsageError(f"{path.name} ran with seed {results['seed']} though COURSE_SEED is {seed}: it sets its own")
    results["cores"] = number
    if outcome.crash:
        results["error"] = outcome.crash
    records.save(results, records.path_of(path.stem, seed, number, args.results))
    broken = f"; broken off: {outcome.crash}" if outcome.crash else ""
    counts = f"{outcome.count(FAILED)} of {len(outcome.verdicts)} claims and bounds failed"
    print(f"{name}: {counts}, {outcome.seconds:.0f} s{broken}", flush=True)
    return outcome.passed


def _broken_off(name: str, seed: int, outcome: run.Outcome) -> dict:
    """Return the results of a run that an error ended before its closing table: the claims that it printed."""
    claims = [{"text": text, "state": state} for text, state in dict(outcome.verdicts).items() if text]
    seconds = round(outcome.seconds, 1)
    return {"notebook": name, "profile": "full", "seed": seed, "seconds": seconds, "claims": claims, "reports": []}


def _compare(path: Path, folder: Path) -> bool:
    """Print what moved between the runs of one notebook; return whether something failed in one of them."""
    against = notebooks.results(notebooks.read(path))
    found = records.load(path.stem, folder)
    if against is None:
        print(f"\n{path.stem}: stores no results to compare with; run: python -m utils run {path.stem[:2]} --write")
        return records.any_failed(found)
    print(f"\n{path.stem}")
    for record in found:
        if why := records.stale(record, against):
            print(f"  stale, left out: {record.label}: {why}")
        elif gone := records.withdrawn(record, against):
            print(f"  withdrawn since {record.label}: {'; '.join(gone)}")
    kept = records.comparable(path.stem, against, folder)
    for record in kept:
        if record.error:
            print(f"  broken off: {record.label}: {record.error}")
    for (kind, name), row in records.states(kept).items():
        if len(set(row)) > 1:
            print(f"  {_worst(row)} {kind} {name!r}: {_by_state(row, kept)}")
    for label, line in _figures(kept):
        print(f"  {label}: {line}")
    held, number = records.held_in_all(kept)
    runs = f"all {len(kept)} runs" if len(kept) > 1 else "the stored run, the only one"
    print(f"  {held} of {number} claims and bounds held in {runs}")
    return records.any_failed(kept)


def _worst(row: list[str]) -> str:
    return MARKS[FAILED] if FAILED in row else MARKS[records.MISSING]


def _by_state(row: list[str], runs: list[records.Record]) -> str:
    """Return which runs gave which state: `held in seed 42; failed in seed 1, 2 cores`."""
    parts = []
    for state in dict.fromkeys(row):
        where = " and ".join(record.label for record, found in zip(runs, row) if found == state)
        parts.append(f"{state} in {where}" if state != records.MISSING else f"missing from {where}")
    return "; ".join(parts)


def _figures(runs: list[records.Record]) -> Iterator[tuple[str, str]]:
    """Yield label and range of every figure that was not the same in all runs."""
    for label, measured in records.values(runs).items():
        if len(set(map(str, measured))) == 1:
            continue
        ends = records.span(measured)
        if ends is None:
            yield label, " / ".join(dict.fromkeys(map(format_number, measured)))
        else:
            yield label, f"{format_number(ends[0])} to {format_number(ends[1])} (stored: {format_number(measured[0])})"
