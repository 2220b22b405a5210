"""`python -m utils handout NB`: copies for a class, without solutions and outputs, that still run."""

import argparse
import copy as copying
import re
import symtable
from collections.abc import Iterator
from pathlib import Path

import nbformat

from utils import COURSE_ROOT
from utils.cli import copy, notebooks
from utils.cli.catalogue import UsageError

EMPTY = "# your code here"
"""What the cell holds in which a reader solves an exercise; it is tagged `exercise`."""
SOLUTION = re.compile(r"<summary>\s*Solution", re.IGNORECASE)
"""What folded prose says on top if it is a solution."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `handout`."""
    parser.add_argument("notebooks", nargs="+", metavar="NB", help="numbers or names, such as 2 14")
    parser.add_argument("--into", type=Path, default=COURSE_ROOT / "build" / "handouts", help="default: build/handouts")
    parser.add_argument("--force", action="store_true", help="overwrite hand-outs that have been changed")
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Write the hand-outs.

    Returns
    -------
    int
        0, or 1 if one was left as it is because it has been changed; the others are written all the same.

    Raises
    ------
    UsageError
        If there is no such notebook, the folder is the one that holds the originals, or a notebook cannot be parted
        from its solutions; nothing is written then.
    """
    paths = notebooks.find(args.notebooks, args.folder)
    copy.spare(args.folder, args.into, "--into")
    there, texts = copy.held_by(args.into, paths), {}
    for path in paths:
        stripped = handout(notebooks.read(path), path.name)
        texts[path.name] = notebooks.to_text(copy.relinked(stripped, path.parent, args.into, there))
    return 1 if copy.put(texts, args.into, args.force) else 0


def handout(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return a copy without the cells tagged `solution`, without outputs, every cell tagged `exercise` empty.

    Parameters
    ----------
    notebook : NotebookNode
        Left as it is.
    name : str
        Its file name, for the error.

    Raises
    ------
    UsageError
        If the copy would show a solution or could not run: the message says which cell or name is in the way.
    """
    if reasons := list(obstacles(notebook)):
        raise UsageError(f"{name} cannot be handed out: " + "; ".join(reasons))
    stripped = copying.deepcopy(notebook)
    stripped.cells = [cell for cell in stripped.cells if not _tagged(cell, "solution")]
    for cell in stripped.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if _tagged(cell, "exercise"):
                cell.source = EMPTY
    return notebooks.normalise(stripped)


def obstacles(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Yield, in words, why a notebook cannot do without its solutions.

    Notes
    -----
    A name is in the way if a cell that stays reads it, itself or in a function, and the cell further up that bound it
    last is a solution. Within one cell a name counts as bound before it is read.
    """
    if not any(_tagged(cell, "solution") for cell in notebook.cells):
        yield "no cell is tagged 'solution'"
    by_solution = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            if SOLUTION.search(cell.source) and not _tagged(cell, "solution"):
                yield f"a solution stands in the untagged cell {cell.source[:40]!r}; give it one of its own"
            continue
        bound, read = names(cell.source)
        solution = _tagged(cell, "solution")
        if not solution:
            for name in sorted((read - bound) & {name for name, late in by_solution.items() if late}):
                yield f"the cell {cell.source[:40]!r} reads {name!r}, which a solution above it has bound"
        by_solution |= dict.fromkeys(bound, solution)


def names(source: str) -> tuple[set[str], set[str]]:
    """Return the global names that a cell binds, and those that it reads, in functions and comprehensions too.

    Raises
    ------
    UsageError
        If the source is not Python.
    """
    try:
        table = symtable.symtable(source, "cell", "exec")
    except SyntaxError as error:
        raise UsageError(f"the cell {source[:40]!r} is not Python: {error}") from error
    bound, read, tables = set(), set(), [table]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table.get_type() == "module" or symbol.is_global():
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    bound.add(symbol.get_name())
                if symbol.is_referenced():
                    read.add(symbol.get_name())
    return bound, read


def _tagged(cell: nbformat.NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])
