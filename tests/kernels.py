"""Small notebooks and processes of their own, for tests of what happens outside this Python."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from utils import COURSE_ROOT
from utils.cli import notebooks

SHOWS_HOME = "import utils\n\nprint('course at', utils.COURSE_ROOT)"


def small_notebook(path: Path, *sources: str) -> Path:
    """Write a notebook with the course's first cell and the given code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in (notebooks.first_cell(), *sources)]
    nbformat.write(notebooks.normalise(nbformat.v4.new_notebook(cells=cells)), path)
    return path


def clean_environment(**changes: str) -> dict[str, str]:
    """Return this environment without the course's and pytest's variables, and with `changes`."""
    dropped = ("COURSE_", "PYTEST", "PYTHONPATH", "TF_", "KERAS_", "COLAB_", "JPY_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | changes


def call(*words, cwd, timeout=180, **environment: str) -> subprocess.CompletedProcess:
    """Run this Python with `words` as its arguments, in `cwd`."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def nbval(path: Path, *options: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run nbval over one notebook the way `make test` does."""
    cfg = COURSE_ROOT / "tests" / "nbval_sanitize.cfg"
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={path.parent}"]
    words += ["--nbval-lax", "--nbval-current-env", f"--nbval-sanitize-with={cfg}", *options, path]
    return call(*words, cwd=cwd, **({"COURSE_PROFILE": "quick"} | environment))
