"""A class of 100 submissions, graded by the command as a teacher would: how many a minute, and in how much memory.

    .venv/bin/python -m tests.benchmarks.class_of_100              # all assignments in turn, two at a time
    .venv/bin/python -m tests.benchmarks.class_of_100 --students 20 --assignment 8 --kill

The submissions are made of the sources, the student versions and the cases, so that the right score of each is known:
every row of grades.csv is compared with it. With `--kill` the run is ended by kill -9 when a third is done, and the
same command goes on; it is checked that nobody was graded twice into the ledger and nobody is missing.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from tests import cases
from utils import COURSE_ROOT
from utils.cli import notebooks
from utils.cli.catalogue import ASSIGNMENTS
from utils.grading import batch, student


def make(folder: Path, sources: list[Path], students: int) -> dict[tuple[str, str], float]:
    """Write a submission for each student; return the right score of each student and assignment."""
    made, expected = {}, {}
    for path in sources:
        source = student.read(path)
        given, most = student.student_version(source, path.name), student.tests(source)
        full = sum(most.values())
        variants = [(cases.submission(source, given), full), (given, 0.0)]
        for case in cases.load(path):
            score = full - sum(most[name] for name in case.lost)
            variants.append((cases.submission(source, given, case.cells), score))
        made[path.stem] = variants
    for number in range(students):
        path, name = sources[number % len(sources)], f"student {number + 1:03}"
        notebook, score = made[path.stem][number // len(sources) % len(made[path.stem])]
        notebooks.write(notebook, folder / name / path.name)
        expected[name, path.stem] = score
    return expected


class Memory(threading.Thread):
    """Watch how much memory a process and all that it started hold together; shared pages count in each."""

    def __init__(self, process: int):
        super().__init__(daemon=True)
        self.process, self.peak = process, 0

    def run(self):
        """Look four times a second, for as long as the process lives."""
        while psutil.pid_exists(self.process):
            held = 0
            try:
                everyone = [psutil.Process(self.process)]
                everyone += everyone[0].children(recursive=True)
            except psutil.Error:
                return
            for one in everyone:
                try:
                    held += one.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, held)
            time.sleep(0.25)


def run(words: list[str], ledger: Path, kill_after: int | None = None) -> tuple[float, int]:
    """Call the command; return its seconds, and the most memory that all its processes held together."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "utils", "grade", *words], cwd=COURSE_ROOT)
    memory = Memory(process.pid)
    memory.start()
    try:
        while process.poll() is None:
            if kill_after is not None and len(entries(ledger)) >= kill_after:
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.2)
    finally:  # whoever stops the measurement stops what is measured
        process.kill()
    if process.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"the command ended with {process.returncode}")
    return time.perf_counter() - started, memory.peak


def entries(ledger: Path) -> list[dict]:
    """Return the results in the ledger; a line that is being written is left out."""
    if not ledger.exists():
        return []
    return [json.loads(line)["result"] for line in ledger.read_bytes().split(b"\n")[:-1]]


def main() -> int:
    """Make the class, grade it, and compare; return 0 if every score is the right one, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--assignment", metavar="NB", help="only this one (default: all, in turn)")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--kill", action="store_true", help="kill -9 when a third is done, and go on")
    parser.add_argument(
        "--into", type=Path, default=COURSE_ROOT / "build" / "class", help="a folder that is not there yet"
    )
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if args.into.exists():
        sys.exit(f"{args.into} is there already; give --into another folder, or remove it")
    sources = notebooks.find([args.assignment] if args.assignment else None, ASSIGNMENTS)
    expected = make(args.into / "submitted", sources, args.students)
    out = args.into / "graded"
    words = [str(args.into / "submitted"), "--out", str(out), "--jobs", args.jobs]
    ledger, seconds, peak = out / batch.LEDGER, 0.0, 0
    if args.kill:
        seconds, peak = run(words, ledger, kill_after=args.students // 3)
        print(f"killed after {len(entries(ledger))} of {args.students}; the same command again", flush=True)
    more, again = run(words, ledger)
    seconds, peak = seconds + more, max(peak, again)
    with (out / batch.GRADES).open(encoding="utf-8", newline="") as file:
        found = {(row["student"], row["assignment"]): row for row in csv.DictReader(file)}
    times = Counter((row["student"], row["assignment"]) for row in entries(ledger))
    wrong = {one: row for one, row in found.items() if float(row["score"]) != expected.get(one)}
    for (name, assignment), row in wrong.items():
        right = expected.get((name, assignment))
        print(f"{name}, {assignment}: {row['score']} instead of {right}; {row['status']} {row['message']}")
    lost, twice = expected.keys() - times.keys(), [one for one, count in times.items() if count > 1]
    print(f"{len(found)} rows, {len(wrong)} wrong scores, {len(lost)} not in the ledger, {len(twice)} twice in it")
    one = [float(row["peak_memory_mb"]) for row in found.values()]
    each = sorted(float(row["seconds"]) for row in found.values())
    pace = 60 * args.students / seconds
    print(f"{args.students} submissions in {seconds:.0f} s with {args.jobs} jobs: {pace:.1f} a minute")
    print(f"one submission: median {each[len(each) // 2]:.1f} s, longest {each[-1]:.1f} s, at most {max(one):.0f} MB")
    print(f"all processes together, pages that they share counted in each: at most {peak / 1e9:.1f} GB")
    return 1 if wrong or lost or twice or found.keys() != expected.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
