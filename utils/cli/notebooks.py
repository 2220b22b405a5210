"""Notebooks as files: find them, read them, normalise them, write them without ever leaving half a file."""

import os
import re
import tempfile
from pathlib import Path

import nbformat

from utils import COURSE_ROOT
from utils.course import RESULTS_MIME

NOTEBOOKS = COURSE_ROOT / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
URL_LINE = re.compile(
    r'^url, branch = os\.environ\.get\("COURSE_URL", "(?P<url>[^"]*)"\), "(?P<branch>[^"]*)"', re.MULTILINE
)


def find(words: list[str] | None = None, folder: Path | None = None) -> list[Path]:
    """Return the course's notebooks in order; with `words` (numbers such as "02", or names) only those.

    Raises ValueError, naming what there is, if a word fits no notebook.
    """
    folder = folder or NOTEBOOKS
    every = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not words:
        return every
    chosen = set()
    for word in words:
        stem = Path(word).name.removesuffix(".ipynb")
        fits = [path for path in every if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if not fits:
            raise ValueError(f"no notebook is called {word!r}; there are: {', '.join(path.stem for path in every)}")
        chosen.update(fits)
    return sorted(chosen)


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook. Raises ValueError, naming the file, if it is not one."""
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat passes on what the JSON parser and its validator raise
        raise ValueError(f"{path.name} is not a readable notebook: {error}") from error


def to_text(notebook: nbformat.NotebookNode) -> str:
    """Return the notebook as the text that is committed."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write(notebook: nbformat.NotebookNode, path: Path) -> bool:
    """Write the notebook in one step (a temporary file, then a rename); return whether the file changed."""
    text = to_text(notebook)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Strip, in place, what differs from machine to machine and says nothing: kernel details, timings, widget state.

    Sources, ids, tags, execution counts and the content of outputs are left as they are, but for two things:
    neighbouring pieces of the same output stream are joined, since where they break depends on timing; and a stored
    traceback keeps the frames of the notebook and the message, not those of files elsewhere on the machine.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": sorted(tags)} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list) -> list:
    joined = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = _without_overwritten(output.text)
        elif output.output_type == "error":
            output.traceback = [part for part in output.traceback if not ANSI.sub("", part).startswith("File ")]
    return joined


def _without_overwritten(text: str) -> str:
    r"""Drop what a terminal would have overwritten: all of a line before its last carriage return."""
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))


def results(notebook: nbformat.NotebookNode) -> dict | None:
    """Return what `run.finish()` stored in the notebook's outputs, or None if it was not reached.

    Claims and reports made after it, stored where they stand, are added; the same text or label replaces the first.
    """
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    finished = [output.data[RESULTS_MIME] for output in outputs if RESULTS_MIME in output.get("data", {})]
    if not finished:
        return None
    merged = finished[-1]
    for output in outputs:
        late = output.get("metadata", {}).get(RESULTS_MIME, {})
        for kind, key in (("claims", "text"), ("reports", "label")):
            rows = {row[key]: row for row in [*merged[kind], *late.get(kind, [])]}
            merged[kind] = list(rows.values())
    return merged


def first_cell(url: str = "", branch: str = "main") -> str:
    """Return the source of the first code cell, with the address and the branch that a hosted runtime clones."""
    text = (Path(__file__).parent / "first_cell.py").read_text(encoding="utf-8").rstrip("\n")
    return URL_LINE.sub(f'url, branch = os.environ.get("COURSE_URL", "{url}"), "{branch}"', text)


def first_code_cell(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return the first code cell, or None in a notebook without code."""
    return next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
