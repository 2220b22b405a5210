"""Python outside of this one: what a command prints in a process that knows nothing of the notebook.

What belongs here: starting such a process. Used in `05_text_vectorization`, which shows what outlives a process.
"""

import os
import subprocess
import sys

from utils import COURSE_ROOT


def in_a_new_process(source: str, folder: str | os.PathLike | None = None) -> str:
    """Return what Python prints when it runs some source in a process of its own, without the white space around it.

    The process finds `utils` and the modules in `folder`, and salts `hash` at random, as Python does unless it is told
    otherwise.

    Parameters
    ----------
    source : str
        Python statements.
    folder : path, optional
        Where it runs; here unless given.

    Raises
    ------
    TypeError
        If the source is no string.
    RuntimeError
        If the process ends with an error; the message is the last line of what it wrote about it.
    """
    if not isinstance(source, str):
        raise TypeError(f"the source is Python as a string, not {type(source).__name__}.")
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "random",
        "PYTHONPATH": str(COURSE_ROOT),
        "PYTHONIOENCODING": "utf-8",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1])
    return done.stdout.strip()
