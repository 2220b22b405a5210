"""What one submission may use, and what became of it: plain data, quick to import, which processes pass on."""

from dataclasses import dataclass, field

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
    restarts : int
        How often the sandbox is started again after a cell has ended it; the cell is left out then.
    memory : int
        Bytes of memory of all processes in the sandbox together.
    processes, threads : int
        Processes in the sandbox at one time, and processes and threads together.
    output : int
        Bytes of output that are kept of one cell; what comes after is cut.
    disk : int
        Bytes that may be written, in a folder in memory which is gone afterwards.
    notebook : int
        Bytes of the notebook file that is handed in.
    """

    cell_seconds: float = 60.0
    seconds: float = 240.0
    start_seconds: float = 120.0
    restarts: int = 3
    memory: int = 3 * 2**30
    processes: int = 64
    threads: int = 512
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


STANDARD = Limits()
"""What a submission may use unless somebody says otherwise."""
