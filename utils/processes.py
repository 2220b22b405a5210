"""Python outside of this one: processes that know nothing of the notebook.

What belongs here: starting such a process, and seeing that it ends. Used in `05_text_vectorization`, which shows what
outlives a process, in `26_going_further`, which needs a TensorFlow that has not started yet, and in `utils.tuning`.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def start_script(
    script: str | os.PathLike,
    log: str | os.PathLike,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    errors: str | os.PathLike | None = None,
) -> multiprocessing.process.BaseProcess:
    """Start a Python file in a process of its own in which Keras and KerasTuner are loaded, and TensorFlow is idle.

    On Linux the processes are copies of one server that has imported them (`multiprocessing`'s fork server), so that
    only the first has to wait some seconds for the import; elsewhere each imports for itself. The script still decides
    on TensorFlow's devices and threads: nothing has used them yet.

    Parameters
    ----------
    script : path
        Runs as `__main__`; it finds `utils`.
    log : path
        Where what it prints is added.
    arguments : sequence of str
        What the script finds in `sys.argv[1:]`.
    environment : mapping of str to str, optional
        Environment variables to be set or changed.
    errors : path, optional
        Where what it writes to stderr is added; to the log unless given.

    Returns
    -------
    multiprocessing.process.BaseProcess
        Started: `pid`, `exitcode` (None while it runs, negative after a signal), `join(timeout)`, `kill()`. It ends
        with this process at the latest, however this one ends.

    Raises
    ------
    FileNotFoundError
        If there is no such script.
    """
    from utils.entrance import quiet_stderr  # here, as the entrance needs nothing of this module

    if not Path(script).is_file():
        raise FileNotFoundError(f"there is no script {os.fspath(script)!r} to run.")
    way = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        way.set_forkserver_preload(["keras_tuner"])
    logs = (os.fspath(log), os.fspath(log if errors is None else errors))
    how = (os.fspath(script), logs, tuple(arguments), dict(environment or {}))
    process = way.Process(target=_run_script, args=how, daemon=True)
    with quiet_stderr():  # the server keeps this stderr, so what TensorFlow says of itself does not reach the notebook
        process.start()
    return process


def _run_script(script: str, logs: tuple[str, str], arguments: tuple, environment: Mapping[str, str]) -> None:
    """Be the process: end with the parent, print to the logs, run the script."""
    os.environ.update(environment)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    for number, log in zip((1, 2), logs):
        with open(log, "ab", buffering=0) as file:
            os.dup2(file.fileno(), number)
    for stream in (sys.stdout, sys.stderr):  # a line at a time: it may be killed
        stream.reconfigure(encoding="utf-8", line_buffering=True)
    sys.argv = [script, *arguments]
    if str(COURSE_ROOT) not in sys.path:
        sys.path.insert(0, str(COURSE_ROOT))
    runpy.run_path(script, run_name="__main__")


def output_of_script(source: str, timeout: float = 300, arguments: Sequence[str] = ()) -> str:
    """Return what some source prints when it runs as a script (`start_script`), without the white space around it.

    Parameters
    ----------
    source : str
        Python statements.
    timeout : float
        Seconds, after which it is ended.
    arguments : sequence of str
        What it finds in `sys.argv[1:]`.

    Raises
    ------
    TypeError
        If the source is no string.
    TimeoutError
        If it is not done in time.
    RuntimeError
        If it ends with an error; the message is the last line of what it wrote about it.
    """
    if not isinstance(source, str):
        raise TypeError(f"the source is Python as a string, not {type(source).__name__}.")
    with tempfile.TemporaryDirectory() as folder:
        script, log, errors = (Path(folder, name) for name in ("script.py", "log.txt", "errors.txt"))
        script.write_text(source, encoding="utf-8")
        process = start_script(script, log, arguments, {"TF_CPP_MIN_LOG_LEVEL": "3"}, errors)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"the script was not done after {timeout:g} seconds, and was ended; give it more time.")
        printed, wrong = (_text(path) for path in (log, errors))
        if process.exitcode:
            raise RuntimeError((wrong or f"exit status {process.exitcode}").splitlines()[-1])
    return printed


def _text(path: Path) -> str:
    """Return what a process has written, without the white space around it; nothing if it did not come so far."""
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
