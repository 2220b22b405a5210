"""What can be known of the course's notebooks as files without any package: which there are, titles, data they need.

What belongs here: what `doctor` and `fetch` use outside the course's environment. Only the standard library is
imported; whatever needs nbformat is in `utils.cli.notebooks`.
"""

import json
import os
import re
import tempfile
from pathlib import Path

from utils import COURSE_ROOT

NOTEBOOKS = COURSE_ROOT / "notebooks"
ASSIGNMENTS = NOTEBOOKS / "assignments"
"""The sources of the assignments, with solutions and hidden tests."""
MAP = "00_start_here.ipynb"
"""The notebook that holds the course map."""


class UsageError(ValueError):
    """What the reader asked for cannot be done. The message is for them: what was wrong, what was expected, what to do.

    The command line prints it as one line. Any other error of ours is a fault in the course and keeps its traceback.
    """


def find(words: list[str] | None = None, folder: Path | None = None) -> list[Path]:
    """Return the course's notebooks in order.

    Parameters
    ----------
    words : list of str, optional
        Numbers (`5` is `05`), names or paths; without them every notebook.
    folder : Path, optional
        Where to look instead of the course's `notebooks`.

    Raises
    ------
    UsageError
        If a word fits no notebook; the message names what there is.
    """
    every = sorted((folder or NOTEBOOKS).glob("[0-9][0-9]_*.ipynb"))
    if not words:
        return every
    chosen = set()
    for word in words:
        stem = Path(word).name.removesuffix(".ipynb")
        stem = stem.zfill(2) if stem.isdecimal() else stem
        fits = [path for path in every if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if not fits:
            raise UsageError(f"no notebook is called {word!r}; there are: {', '.join(path.stem for path in every)}")
        chosen.update(fits)
    return sorted(chosen)


def load(path: Path) -> dict:
    """Return a notebook as plain JSON.

    Raises
    ------
    UsageError
        If the file cannot be read or does not hold a notebook's cells.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(notebook["cells"], list) or not isinstance(notebook["metadata"], dict):
            raise TypeError("its cells or its metadata are not where a notebook has them")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name} is not a readable notebook: {error!r}") from error
    return notebook


def title(path: Path) -> str:
    """Return a notebook's number and short title, `04 · LSTM and GRU`.

    The title is that of the course map beside it; without one the notebook's first heading, or its file's name.
    """
    number, _, name = path.stem.partition("_")
    start = path.parent / MAP
    if start.is_file():
        row = re.search(rf"^\| *\[?{number} · ([^\]|]+?) *(?:\]|\|)", _markdown(start), re.MULTILINE)
        if row:
            return f"{number} · {row[1]}"
    heading = re.search(r"^# +(?:\d+ · )?(.+?)\s*$", _markdown(path), re.MULTILINE)
    return f"{number} · {heading[1] if heading else name.replace('_', ' ').capitalize()}"


def _markdown(path: Path) -> str:
    """Return all Markdown of a notebook, joined."""
    cells = [cell for cell in load(path)["cells"] if cell.get("cell_type") == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def needs(path: Path) -> list[str]:
    """Return which data a notebook needs: names of `utils.datasets.NEEDS`, from the notebook's metadata.

    Raises
    ------
    UsageError
        If the notebook does not say it, or not as a list of names.
    """
    declared = load(path)["metadata"].get("course", {}).get("data")
    if not isinstance(declared, list) or not all(isinstance(name, str) for name in declared):
        raise UsageError(
            f"{path.name} does not say which data it needs; its metadata should hold "
            '"course": {"data": [...]}, with names of utils.datasets.NEEDS'
        )
    return declared


def write_text(path: Path, text: str) -> bool:
    """Write a text as `write_bytes` does, in UTF-8 with line feeds; return whether the file changed."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> bool:
    """Write a file in one step (a temporary file, then a rename) and return whether it changed.

    Whatever happens, the file holds the old content or the new one, never a part. An existing file keeps its
    permissions.
    """
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True
