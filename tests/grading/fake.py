"""Graders that grade nothing, for tests of what is done with many submissions: what a file says is what happens.

A submission's text is a word: a number of points, or what goes wrong. Each call is written into the journal that
GRADING_JOURNAL names, a line with the student and the process.
"""

import os
import signal
import time
from pathlib import Path

from utils.grading import results, sandbox

TESTS = {"test_double": 2.0, "test_shape": 1.0, "test_running_sum": 2.0}


def grade(submission, source, out, *, student, limits=None, protected=True):
    """Give the points that the submission asks for, or do what it says."""
    word = submission.read_text(encoding="utf-8")
    note(student)
    if word == "slow":
        time.sleep(0.4)
        word = "5"
    if word == "no sandbox":
        raise sandbox.NoSandbox("there is no sandbox here")
    if word == "no start" or (word == "no start once" and calls().count(student) == 1):
        raise sandbox.StartFailed("the kernel did not start")
    if word == "fault":
        raise RuntimeError("the disk is full")
    if word == "deadly" or (word == "deadly once" and calls().count(student) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "rejected":
        return results.Result(
            student, source.stem, results.REJECTED, dict.fromkeys(TESTS, 0.0), 0.0, 5.0, "<not> a notebook"
        )
    out.mkdir(parents=True)
    page = out / "feedback.html"
    page.write_text(f"<p>{student} has {word}</p>", encoding="utf-8")
    (out / "autograded.ipynb").write_text(f"the notebook of {student}", encoding="utf-8")
    left, points = float(5 if word.endswith("once") else word), {}
    for name, most in TESTS.items():
        points[name] = min(most, left)
        left -= points[name]
    score = sum(points.values())
    return results.Result(student, source.stem, results.GRADED, points, score, 5.0, "", 0.1, 10**8, str(page))


def note(student: str) -> None:
    """Write a line into the journal, in one step."""
    with open(os.environ["GRADING_JOURNAL"], "a", encoding="utf-8") as file:
        file.write(f"{student} {os.getpid()}\n")


def journal() -> list[tuple[str, int]]:
    """Return student and process of each call so far."""
    path = Path(os.environ["GRADING_JOURNAL"])
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1])) for line in lines]


def calls() -> list[str]:
    """Return the students whose work was graded so far, once for each call."""
    return [student for student, _ in journal()]
