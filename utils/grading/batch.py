"""Many submissions: graded side by side, each once, whatever happens to the run; and what is written of them.

What belongs here: the unit of work, the worker processes or the Dask cluster that do it, the ledger from which a
killed run goes on, grades.csv and the feedback. How one submission is graded is in `utils.grading.unit`.
"""

import contextlib
import csv
import dataclasses
import hashlib
import html
import io
import json
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import filelock

from utils.cli.catalogue import UsageError, write_bytes, write_text
from utils.grading import unit
from utils.grading.results import GRADED, REJECTED, STANDARD, Result
from utils.grading.sandbox import NoSandbox
from utils.grading.submissions import Submission
from utils.grading.worker import AUTOGRADED, FEEDBACK, OtherCourse, Unit, fingerprint, serve, work

LEDGER, GRADES, LOCK = "ledger.jsonl", "grades.csv", ".lock"
"""What a run writes into its folder. The ledger is a line of JSON for each submission that was graded or rejected;
`feedback` is for students, `autograded` for teachers: the notebooks as they ran, hidden tests included."""
ATTEMPTS = 3
"""How many worker processes may die over one submission before it is given up."""
COLUMNS = ("student", "assignment", "status", "score", "max_score", "message", "seconds", "peak_memory_mb")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


class WorkerDied(RuntimeError):
    """The process that graded a submission died, and so did those that tried again."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A submission, and what became of it.

    Attributes
    ----------
    submission, result
        What was handed in, and how it was judged.
    fresh : bool
        Whether this run did the work; not if the ledger had it, or there was nothing to grade.
    failed : bool
        Whether the fault is ours: it is not in the ledger, and the next run tries again.
    """

    submission: Submission
    result: Result
    fresh: bool = False
    failed: bool = False


# -------------------------------------------------------------------------------------------------------- the ledger


class Ledger:
    """What was graded or refused, a line each, on disk before it counts; of one student's assignment the last counts.

    A line that a killed run left unfinished is dropped.

    Parameters
    ----------
    path : Path
        The file; it is made if needed.

    Raises
    ------
    UsageError
        If a line other than the last is not one of a ledger.
    """

    def __init__(self, path: Path):
        self._latest: dict[tuple[str, str], tuple[str, Result]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        self._file.seek(0)
        lines, whole = self._file.read().split(b"\n"), 0
        for number, line in enumerate(lines[:-1], start=1):
            try:
                entry = json.loads(line)
                self._keep(entry["key"], Result(**entry["result"]))
            except (ValueError, KeyError, TypeError) as error:
                self._file.close()
                raise UsageError(f"line {number} of {path} is not as this course writes it; set it aside") from error
            whole += len(line) + 1
        if lines[-1]:
            self._file.truncate(whole)
        _sync(self._file)

    def _keep(self, key: str, result: Result) -> None:
        self._latest[result.student, result.assignment] = key, result

    def result(self, submission: Submission, key: str) -> Result | None:
        """Return the last result of this student and assignment, if it has this key: then its files are those there."""
        there, result = self._latest.get((submission.student, submission.assignment), (None, None))
        return result if there == key else None

    def add(self, key: str, result: Result, **more: str) -> None:
        """Append a result under its key, and return when it is on disk."""
        entry = {"key": key, **more, "result": dataclasses.asdict(result)}
        self._file.write(json.dumps(entry).encode() + b"\n")  # a name of any bytes has a form in ASCII
        _sync(self._file)
        self._keep(key, result)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _sync(file: io.BufferedRandom) -> None:
    file.flush()
    os.fsync(file.fileno())


def key(submission: Submission, hashes: tuple[str, str], protected: bool) -> str:
    """Return under what a result is kept: who, what for, the hashes of what was handed in and of the source."""
    words = (submission.student, submission.assignment, *hashes, "protected" if protected else "unprotected")
    return hashlib.sha256("\0".join((*words, submission.refused)).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ------------------------------------------------------------------------------------------------------ one whole run


def grade(
    submissions: list[Submission],
    sources: dict[str, Path],
    out: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
    protected: bool = True,
    grader: Callable[..., Result] = unit.grade_one,
    report: Callable[[int, int, Row | None], None] = lambda done, total, row: None,
) -> list[Row]:
    """Grade submissions side by side, and write grades.csv and a page of feedback for each.

    Parameters
    ----------
    submissions : list of Submission
        As `utils.grading.submissions.collect` finds them.
    sources : dict
        The assignments: stems of file names, and paths.
    out : Path
        Where everything is written. What is in its ledger is not graded again.
    jobs : int
        Worker processes.
    dask : str, optional
        Address of a scheduler that does the work instead, such as `tcp://host:8786`. Its workers need this course and
        its packages, no files of ours.
    protected : bool
        Whether submissions run in the sandbox.
    grader : callable
        What grades one submission.
    report : callable
        Called with the numbers of those done and of all, and with the row that was done last: at first None.

    Returns
    -------
    list of Row
        One for each submission, in their order.

    Raises
    ------
    UsageError
        If another run is writing to `out`, its ledger is damaged, or the cluster cannot be reached or is lost.
    utils.grading.sandbox.NoSandbox, utils.grading.unit.BadSource, OtherCourse
        As `work`; whatever was graded until then is in the ledger.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        lock = filelock.FileLock(out / LOCK).acquire(timeout=0)
    except filelock.Timeout as error:
        raise UsageError(f"another run is grading into {out}; wait for its end, or give another --out") from error
    with lock, contextlib.closing(Ledger(out / LEDGER)) as ledger:
        rows = _grade(submissions, sources, out, ledger, jobs, dask, protected, grader, report)
        write_text(out / GRADES, table(rows))
    return rows


def _grade(submissions, sources, out, ledger, jobs, dask, protected, grader, report) -> list[Row]:
    rows: dict[int, Row] = {}
    submissions, keys, hashes, waiting = list(submissions), {}, {}, []
    source_hashes = {stem: file_hash(path) for stem, path in sources.items()}

    def enter(index: int, result: Result, **state: bool) -> None:
        rows[index] = Row(submissions[index], result, **state)
        report(len(rows), len(submissions), rows[index])

    def rejected(index: int, why: str) -> Result:
        submission = submissions[index]
        result = Result(submission.student, submission.assignment, REJECTED, message=why)
        return _with_maximum(result, sources)

    report(0, len(submissions), None)
    for index, submission in enumerate(submissions):
        hashes[index] = "", ""
        if not submission.refused:
            try:
                hashes[index] = file_hash(submission.path), source_hashes[submission.assignment]
            except OSError as error:
                why = f"{submission.path.name} cannot be read: {error.strerror}"
                submission = submissions[index] = dataclasses.replace(submission, path=None, refused=why)
        keys[index] = key(submission, hashes[index], protected)
        if known := ledger.result(submission, keys[index]):
            enter(index, known)
        elif submission.refused:
            result = _with_files(out, submission, rejected(index, submission.refused), {})
            ledger.add(keys[index], result)
            enter(index, result)
        else:
            waiting.append(index)

    def unit_of(index: int) -> Unit:
        submission = submissions[index]
        limit = STANDARD.notebook
        with submission.path.open("rb") as file:  # what is larger is rejected for its size; its end is not needed
            content = file.read(limit + 1)
        if len(content) <= limit and hashlib.sha256(content).hexdigest() != hashes[index][0]:
            raise OSError(f"{submission.path.name} has changed since the run began")
        source = sources[submission.assignment].read_bytes()
        words = (submission.student, submission.assignment, submission.path.name)
        return Unit(*words, content, source, protected, fingerprint())

    if not waiting:
        return [rows[index] for index in range(len(submissions))]
    results = _on_cluster(waiting, unit_of, grader, dask) if dask else _here(waiting, unit_of, grader, jobs)
    with contextlib.closing(results):
        for index, outcome in results:
            if isinstance(outcome, (NoSandbox, unit.BadSource, OtherCourse)):
                raise outcome
            if isinstance(outcome, Exception):  # not the student's fault: told, and tried again by the next run
                why = f"could not be graded ({type(outcome).__name__}: {outcome})"
                enter(index, rejected(index, why), fresh=True, failed=True)
                continue
            result = _with_files(out, submissions[index], *outcome)
            submitted, source = hashes[index]
            ledger.add(keys[index], result, submission_sha256=submitted, source_sha256=source)
            enter(index, result, fresh=True)
    return [rows[index] for index in range(len(submissions))]


def _with_files(out: Path, submission: Submission, result: Result, files: dict[str, bytes]) -> Result:
    """Write the page for the student and the notebook for the teacher; return the result with the page's path.

    A rejected submission that has no page gets one that says why.
    """
    if result.status == REJECTED:
        files = {FEEDBACK: page(result).encode()} | files
    name = submission.assignment or "unknown"
    for folder, suffix in ((FEEDBACK, ".html"), (AUTOGRADED, ".ipynb")):
        path = out / folder / submission.folder / f"{name}{suffix}"
        if folder in files:
            write_bytes(path, files[folder])
        else:  # of an earlier submission that was graded
            path.unlink(missing_ok=True)
    if FEEDBACK not in files:
        return result
    return dataclasses.replace(result, feedback=f"{FEEDBACK}/{submission.folder}/{name}.html")


def _with_maximum(result: Result, sources: dict[str, Path]) -> Result:
    """Return a rejected result with a 0 for every test of its assignment."""
    from utils.grading import student

    if result.assignment not in sources:
        return result
    points = student.tests(student.notebooks.read(sources[result.assignment]))
    return dataclasses.replace(result, points=dict.fromkeys(points, 0.0), max_score=sum(points.values()))


# ------------------------------------------------------------------------------------------------ processes of our own


def _here(waiting: list[int], unit_of, grader, jobs: int) -> Iterator[tuple[int, tuple | Exception]]:
    """Yield what became of each unit, in the order in which they are done: a thread each keeps a process at work."""
    todo, ready, stopping = queue.SimpleQueue(), queue.SimpleQueue(), threading.Event()
    for index in waiting:
        todo.put(index)
    workers = [_Worker(grader) for _ in range(min(jobs, len(waiting)))]

    def keep_busy(worker: _Worker) -> None:
        while not stopping.is_set():
            try:
                index = todo.get_nowait()
            except queue.Empty:
                return
            try:
                outcome = worker.do(unit_of(index))
            except Exception as error:
                outcome = error
            ready.put((index, outcome))

    threads = [threading.Thread(target=keep_busy, args=(worker,), daemon=True) for worker in workers]
    try:
        for thread in threads:
            thread.start()
        for _ in waiting:
            yield ready.get()
    finally:
        stopping.set()
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(timeout=10)


class _Worker:
    """A process that grades one unit after the other; when it dies, another one takes its place."""

    def __init__(self, grader):
        self._grader, self._stopped = grader, False
        self._process = self._pipe = None

    def do(self, one: Unit) -> tuple[Result, dict[str, bytes]]:
        """Return what `work` returned there, or raise what it raised; WorkerDied after ATTEMPTS deaths."""
        for _ in range(ATTEMPTS):
            if self._stopped:
                break
            if self._process is None or not self._process.is_alive():
                self._start()
            try:
                self._pipe.send(one)
                outcome = self._pipe.recv()
            except (EOFError, OSError):
                self._end()
                continue
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        raise WorkerDied(f"the process that graded it died {ATTEMPTS} times; was there too little memory?")

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks, and what they hold
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._grader), daemon=True)
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()

    def stop(self) -> None:
        """End the process, whatever it is at."""
        self._stopped = True
        process = self._process
        if process is not None and process.is_alive():
            process.kill()


# ---------------------------------------------------------------------------------------------------------- a cluster


def _on_cluster(waiting: list[int], unit_of, grader, address: str) -> Iterator[tuple[int, tuple | Exception]]:
    """Yield what became of each unit, done by the workers of a Dask cluster; those of a dead worker are done again."""
    import distributed

    try:
        client = distributed.Client(address, timeout="30s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"no Dask scheduler answers at {address} ({error}); does it run?") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=60)
        except TimeoutError as error:
            raise UsageError(f"the scheduler at {address} has no worker; start one: dask worker {address}") from error
        todo, running = iter(waiting), {}
        # Few are under way at a time: the others stay here, so that neither scheduler nor client holds them all.
        window = 2 * max(1, sum(client.nthreads().values()))
        done = distributed.as_completed(loop=client.loop)
        while True:
            while len(running) < window and (index := next(todo, None)) is not None:
                try:
                    one = unit_of(index)
                except OSError as error:
                    yield index, error
                    continue
                future = client.submit(work, one, grader, pure=False)
                running[future] = index
                done.add(future)
            if not running:
                return
            future = next(done)
            yield running.pop(future), _outcome(future, address)


def _outcome(future, address: str) -> tuple | Exception:
    import distributed

    try:
        return future.result()
    except distributed.KilledWorker:
        return WorkerDied("the workers that graded it died, one after the other; was there too little memory?")
    except distributed.CancelledError as error:
        raise UsageError(
            f"the Dask cluster at {address} is lost; what was graded is kept, and the same command goes on from there"
        ) from error
    except Exception as error:
        return error


# ---------------------------------------------------------------------------------------------------- what is written


def table(rows: Iterable[Row]) -> str:
    """Return grades.csv: a row a student and assignment, a column for each test; empty where a test is another's.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    rows = list(rows)
    tests = list(dict.fromkeys(name for row in rows for name in row.result.points))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, *tests], restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        plain = dataclasses.asdict(row.result) | {"message": " ".join(row.result.message.split())}
        plain |= {name: f"{plain[name]:g}" for name in ("score", "max_score")} | {"seconds": f"{plain['seconds']:.1f}"}
        plain["peak_memory_mb"] = round(row.result.peak_memory / 1e6)
        written = {name: _plain(plain[name]) for name in COLUMNS}
        writer.writerow(written | {name: f"{points:g}" for name, points in row.result.points.items()})
    return text.getvalue()


def _plain(value):
    text = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if text else value


def page(result: Result) -> str:
    """Return the feedback for a submission that was rejected: that it was, and why."""
    name = html.escape(result.assignment or "Your submission")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title></head>\n'
        f"<body><h1>{name}: not graded</h1>\n<p>{html.escape(result.message)}</p>\n"
        "<p>Please correct this and hand it in again.</p></body></html>\n"
    )


def summary(rows: list[Row], seconds: float) -> str:
    """Return in a line how many were graded, how fast, and in how much memory.

    Parameters
    ----------
    rows : list of Row
        All rows of a run.
    seconds : float
        Wall time of the whole run.
    """
    states = [row.result.status for row in rows]
    peak = max((row.result.peak_memory for row in rows), default=0)
    fresh = sum(row.fresh for row in rows)
    pace = f", {60 * fresh / seconds:.1f} a minute" if fresh and seconds > 0 else ""
    return (
        f"{states.count(GRADED)} graded, {states.count(REJECTED)} rejected; {fresh} of them now, in "
        f"{time_text(seconds)}{pace}; at most {peak / 1e9:.1f} GB for one"
    )


def time_text(seconds: float) -> str:
    """Return a duration as people say it: `40 s`, `12 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
