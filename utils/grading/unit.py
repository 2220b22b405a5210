"""One submission, graded: the unit of work that a pool of processes or a cluster repeats."""

from dataclasses import dataclass, field
from pathlib import Path

GRADED, REJECTED = "graded", "rejected"


@dataclass(frozen=True)
class Limits:
    """What one submission may use; every number is per submission unless it says otherwise.

    Attributes
    ----------
    cell_seconds : float
        Wall time of one cell. A cell that runs longer is interrupted and has failed; the cells after it still run.
    seconds : float
        Wall time of all cells together; what has not run by then has failed.
    start_seconds : float
        Wall time until the kernel answers for the first time.
    memory : int
        Bytes of memory of all processes in the sandbox together.
    processes : int
        Processes and threads in the sandbox at one time.
    output : int
        Bytes of output that are kept of one cell; what comes after is cut.
    disk : int
        Bytes that may be written, in a folder in memory which is gone afterwards.
    notebook : int
        Bytes of the notebook file that is handed in.
    """

    cell_seconds: float = 60.0
    seconds: float = 180.0
    start_seconds: float = 60.0
    memory: int = 3 * 2**30
    processes: int = 128
    output: int = 100_000
    disk: int = 64 * 2**20
    notebook: int = 20 * 2**20


@dataclass(frozen=True)
class Result:
    """What became of one submission; `dataclasses.asdict` makes it JSON-able.

    Attributes
    ----------
    student, assignment : str
        Whose it is, and the stem of the source's file name.
    status : str
        `graded`, or `rejected`: then nothing was judged and all points are 0.
    points : dict
        The grade id of every test cell, and the points it earned.
    score, max_score : float
        The sum of `points`, and the most that can be had.
    message : str
        In plain words, for the teacher: why it was rejected, or what was mended or cut; empty if there is nothing.
    seconds : float
        Wall time of the grading.
    peak_memory : int
        The most memory, in bytes, that the sandbox's processes held together.
    feedback : str or None
        The path of the HTML feedback for the student.
    """

    student: str
    assignment: str
    status: str
    points: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    max_score: float = 0.0
    message: str = ""
    seconds: float = 0.0
    peak_memory: int = 0
    feedback: str | None = None


def grade_one(
    submission: Path, source: Path, out: Path, *, student: str, limits: Limits = Limits(), protected: bool = True
) -> Result:
    """Grade one submission in a sandbox.

    Parameters
    ----------
    submission : Path
        The notebook that was handed in, or a folder that holds it.
    source : Path
        The assignment's source, with solutions and hidden tests.
    out : Path
        The folder of this one submission; it is made if needed, and nothing is written outside of it.
    student : str
        A name for the result and the feedback.
    limits : Limits
        What the submission may use.
    protected : bool
        False runs the submission without the sandbox, with this user's rights.

    Returns
    -------
    Result
        Whatever the submission holds or does: it is graded, or rejected with a reason.

    Raises
    ------
    utils.grading.sandbox.NoSandbox
        If `protected` and bubblewrap is missing or cannot be used here.
    utils.grading.unit.BadSource
        If the source is no assignment.
    """
    raise NotImplementedError
