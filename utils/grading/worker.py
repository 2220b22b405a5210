"""What a worker does, here or on a cluster: grade one unit of work after the other.

What belongs here: what such a process needs before it grades, and nothing that is slow to import.
"""

import dataclasses
import functools
import hashlib
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path

from utils import COURSE_ROOT
from utils.grading.results import Result
from utils.grading.sandbox import StartFailed

FEEDBACK, AUTOGRADED = "feedback", "autograded"
"""What comes back with a result: a page for the student, and for the teacher the notebook as it ran."""
STARTS = 2
"""How often a kernel may fail to start, which is this machine's fault, before a submission is left to the next run."""


class OtherCourse(RuntimeError):
    """A worker has another version of the course than the one that sent it work."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """One submission as it is sent to a worker: everything in it, so that nothing has to be shared but the course."""

    student: str
    assignment: str
    name: str
    submission: bytes
    source: bytes
    protected: bool
    course: str


@functools.cache
def fingerprint() -> str:
    """Return a hash of the course's code, equal on two machines that grade alike."""
    digest = hashlib.sha256()
    for path in sorted((COURSE_ROOT / "utils").rglob("*.py")):
        digest.update(path.relative_to(COURSE_ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def work(one: Unit, grader: Callable[..., Result]) -> tuple[Result, dict[str, bytes]]:
    """Grade one submission, in whatever process this is.

    Parameters
    ----------
    one : Unit
        The submission and its source.
    grader : callable
        `utils.grading.unit.grade_one`, or what has its parameters.

    Returns
    -------
    result : Result
        Its `feedback` is None: the file is gone with this function's folder.
    files : dict
        What the grader wrote: `feedback` and `autograded`, as far as they are there.

    Raises
    ------
    OtherCourse
        If this process has other code than the one that made the unit.
    utils.grading.sandbox.NoSandbox, utils.grading.unit.BadSource
        As `grade_one`.
    """
    if one.course != fingerprint():
        raise OtherCourse(
            f"this worker's course in {COURSE_ROOT} is not the version that sends the submissions; "
            "bring both to the same commit, and start the workers again"
        )
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        handed_in, source = Path(folder, "submission", one.name), Path(folder, "source", f"{one.assignment}.ipynb")
        for path, content in ((handed_in, one.submission), (source, one.source)):
            path.parent.mkdir()
            path.write_bytes(content)
        for start in range(STARTS):
            out = Path(folder, f"out-{start}")
            try:
                result = grader(handed_in, source, out, student=one.student, protected=one.protected)
                break
            except StartFailed:
                if start == STARTS - 1:
                    raise
        files = {}
        if result.feedback:
            files[FEEDBACK] = Path(result.feedback).read_bytes()
        if (out / f"{AUTOGRADED}.ipynb").is_file():
            files[AUTOGRADED] = (out / f"{AUTOGRADED}.ipynb").read_bytes()
    return dataclasses.replace(result, feedback=None), files


def serve(pipe, grader) -> None:
    """Grade what comes through the pipe; a worker's main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the run ends us, in its order
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            one = pipe.recv()
        except EOFError:
            return
        try:
            outcome = work(one, grader)
        except Exception as error:
            outcome = error
        try:
            pipe.send(outcome)
        except OSError:
            return
        except Exception as error:  # an error that cannot be pickled
            pipe.send(RuntimeError(f"{type(outcome).__name__}: {outcome} ({error})"))


def _end_with_parent() -> None:
    """Leave when the run that started this worker is gone, even by kill -9: nobody would take the result."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
