"""`python -m utils copy`: copy notebooks into a folder of the reader's own; the stored ones stay as they are."""

import argparse
import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

from utils import COURSE_ROOT
from utils.cli import catalogue
from utils.cli.catalogue import UsageError, write_text

LINK = re.compile(r"\]\((?![a-z]+:|[#/])(?P<target>[^)\s#]+)(?P<part>#[^)\s]*)?\)")
"""A Markdown link to a file beside the notebook: not an address, not a heading of the same page."""
LEDGER = ".copied.json"
"""In the folder of copies: what each file held when it was copied, as SHA-256."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `copy`."""
    parser.add_argument("notebooks", nargs="*", metavar="NB", help="numbers or names, such as 2 14 (default: all)")
    parser.add_argument("--to", type=Path, default=COURSE_ROOT / "my", help="default: the course's folder my")
    parser.add_argument("--force", action="store_true", help="overwrite copies that you have changed")
    parser.add_argument("--folder", type=Path, default=catalogue.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Copy the notebooks, outputs included.

    Returns
    -------
    int
        0, or 1 if a copy was left as it is because it has been changed; the others are made all the same.

    Raises
    ------
    UsageError
        If there is no such notebook, or the folder is the one that holds the originals.

    Notes
    -----
    A copy that nobody has touched follows the original. Links to notebooks that are not in the folder lead to the
    originals.
    """
    paths = catalogue.find(args.notebooks, args.folder)
    if args.to.resolve() == args.folder.resolve():
        raise UsageError(f"{args.to} holds the originals; give --to another folder")
    ledger = _read_ledger(args.to)
    there = {path.name for path in args.to.glob("*.ipynb")} | {path.name for path in paths}
    changed = []
    for path in paths:
        target = args.to / path.name
        text = relinked(path, args.to, there)
        current = target.read_text(encoding="utf-8") if target.exists() else None
        if current not in (None, text) and ledger.get(path.name) != _digest(current) and not args.force:
            changed.append(path.name)
            continue
        write_text(target, text)
        ledger[path.name] = _digest(text)
    write_text(args.to / LEDGER, json.dumps(ledger, indent=1, sort_keys=True) + "\n")
    print(f"{len(paths) - len(changed)} of {len(paths)} notebooks are in {os.path.relpath(args.to)}")
    if changed:
        print(f"left as they are, since you have changed them: {', '.join(changed)} (--force overwrites them)")
    return 1 if changed else 0


def relinked(path: Path, folder: Path, there: set[str]) -> str:
    """Return the notebook's text with its relative links made to work from `folder`, which holds the files `there`."""
    notebook = catalogue.load(path)

    def moved(match: re.Match) -> str:
        target = path.parent / unquote(match["target"])
        if match["target"] in there or not target.exists():
            return match[0]
        new = Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()
        return f"]({new}{match['part'] or ''})"

    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            lines = cell["source"] if isinstance(cell["source"], list) else cell["source"].splitlines(keepends=True)
            cell["source"] = [LINK.sub(moved, line) for line in lines]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_ledger(folder: Path) -> dict[str, str]:
    try:
        ledger = json.loads((folder / LEDGER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # then every copy that differs counts as changed
    return ledger if isinstance(ledger, dict) else {}
