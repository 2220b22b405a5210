"""`python -m utils normalise`: bring notebooks into the form in which they are committed."""

import argparse
from pathlib import Path

from utils.cli import notebooks
from utils.cli.catalogue import ASSIGNMENTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `normalise`."""
    parser.add_argument("files", nargs="*", type=Path, help="notebook files (default: all of the course)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")


def main(args: argparse.Namespace) -> int:
    """Normalise the files, or check that they are; return 0, or 1 if `--check` found one that is not.

    Raises
    ------
    UsageError
        If a file is not a notebook.
    """
    changed = []
    for path in args.files or [*notebooks.find(), *notebooks.find(folder=ASSIGNMENTS)]:
        alone = path.resolve().parent == ASSIGNMENTS.resolve()  # an assignment is handed out without its neighbours
        notebook = notebooks.normalise(notebooks.read(path), None if alone else path)
        if args.check:
            differs = path.read_text(encoding="utf-8") != notebooks.to_text(notebook)
        else:
            differs = notebooks.write(notebook, path)
        if differs:
            changed.append(path.name)
    if changed:
        print(("not normalised: " if args.check else "normalised: ") + ", ".join(changed))
    if changed and args.check:
        print("run: python -m utils normalise")
    return 1 if changed and args.check else 0
