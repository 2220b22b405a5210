"""Notebooks of a few cells, for tests of the command line: what they hold is written by the test that uses them."""

from pathlib import Path

import nbformat

from utils.cli import notebooks
from utils.course import RESULTS_MIME

PICTURE = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
ENTRANCE = notebooks.first_cell()


def code(source: str, *outputs, tags=(), **metadata):
    """Return an executed code cell."""
    cell = nbformat.v4.new_code_cell(source, execution_count=1, outputs=list(outputs), metadata=metadata)
    if tags:
        cell.metadata.tags = list(tags)
    return cell


def text(source: str, **metadata):
    """Return a Markdown cell."""
    return nbformat.v4.new_markdown_cell(source, metadata=metadata)


def save(path: Path, *cells, data=None) -> Path:
    """Write a notebook; plain strings are code. `data` are the needs that its metadata declare."""
    cells = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    metadata = {} if data is None else {"course": {"data": data}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def results(name: str, claims=(), reports=(), **changes) -> dict:
    """Return results as a run stores them. Claims are pairs of text and state, reports dicts with a label at least."""
    empty = {"measured": 1, "lecture": None, "unit": "", "spread": None, "at_least": None, "at_most": None}
    return {
        "notebook": name,
        "profile": "full",
        "seed": 42,
        "cores": 2,
        "device": "CPU",
        "device_name": "2 cores",
        "versions": {},
        "data": {},
        "seconds": 12.3,
        "claims": [{"text": claim, "state": state} for claim, state in claims],
        "reports": [empty | {"state": None} | report for report in reports],
    } | changes


def stored(*parts: dict) -> list:
    """Return outputs that store these results, in this order."""
    return [nbformat.v4.new_output("display_data", {"text/plain": "", RESULTS_MIME: part}) for part in parts]


def late(claims=(), reports=()):
    """Return the output of claims and reports that were made after the closing table."""
    part = {key: results("", claims, reports)[key] for key in ("claims", "reports")}
    metadata = {RESULTS_MIME: {"notebook": "", "after_finish": True} | part}
    return nbformat.v4.new_output("display_data", {"text/plain": ""}, metadata=metadata)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every notebook of a folder, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.ipynb"))}


def source_of(path: Path, index: int) -> str:
    """Return the source of one cell."""
    return notebooks.read(path).cells[index].source


def results_command(folder: Path) -> tuple[list[str], Path]:
    """Return the words of `python -m utils results` for a course without notebooks, and its RESULTS.md."""
    (folder / "notebooks").mkdir()
    (folder / "README.md").write_text("x", encoding="utf-8")
    tables = folder / "RESULTS.md"
    tables.write_text("<!-- results:start -->\n<!-- results:end -->\n", encoding="utf-8")
    places = {"folder": "notebooks", "readme": "README.md", "tables": "RESULTS.md", "results": "results"}
    return ["results", *(f"--{name}={folder / place}" for name, place in places.items())], tables
