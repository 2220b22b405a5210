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
    spare(args.folder, args.to, "--to")
    texts = {}
    for path in paths:
        notebook = relinked(catalogue.load(path), path.parent, args.to, held_by(args.to, paths))
        texts[path.name] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    return 1 if put(texts, args.to, args.force) else 0


def spare(originals: Path, folder: Path, option: str) -> None:
    """Refuse to write copies over their originals.

    Raises
    ------
    UsageError
        If `folder`, which was given as `option`, is the one that holds the originals.
    """
    if folder.resolve() == originals.resolve():
        raise UsageError(f"{folder} holds the originals; give {option} another folder")


def put(texts: dict[str, str], folder: Path, force: bool) -> list[str]:
    """Write texts as files of a folder, but over none that has been changed there, unless forced to; say what was done.

    Parameters
    ----------
    texts : dict
        Notebooks as text, by file name.
    folder : Path
        Where they go. It keeps a ledger of what was written, so that a file nobody has touched is renewed.
    force : bool
        Whether to overwrite files that have been changed.

    Returns
    -------
    list of str
        The names of the files that were left as they are.
    """
    ledger, changed = _read_ledger(folder), []
    for name, text in texts.items():
        current = (folder / name).read_text(encoding="utf-8") if (folder / name).exists() else None
        if current not in (None, text) and ledger.get(name) != _digest(current) and not force:
            changed.append(name)
            continue
        write_text(folder / name, text)
        ledger[name] = _digest(text)
    write_text(folder / LEDGER, json.dumps(ledger, indent=1, sort_keys=True) + "\n")
    print(f"{len(texts) - len(changed)} of {len(texts)} notebooks are in {os.path.relpath(folder)}")
    if changed:
        print(f"left as they are, since you have changed them: {', '.join(changed)} (--force overwrites them)")
    return changed


def held_by(folder: Path, paths: list[Path]) -> set[str]:
    """Return the names of the notebooks that a folder holds once `paths` are copied into it."""
    return {path.name for path in folder.glob("*.ipynb")} | {path.name for path in paths}


def relinked(notebook: dict, base: Path, folder: Path, there: set[str]) -> dict:
    """Make a notebook's relative links, which count from `base`, work from `folder`, which holds the files `there`.

    Changed in place, and returned.
    """

    def moved(match: re.Match) -> str:
        target = base / unquote(match["target"])
        if match["target"] in there or not target.exists():
            return match[0]
        new = Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()
        return f"]({new}{match['part'] or ''})"

    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = cell["source"]
            lines = source if isinstance(source, list) else [source]
            lines = [LINK.sub(moved, line) for line in lines]
            cell["source"] = lines if isinstance(source, list) else lines[0]
    return notebook


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_ledger(folder: Path) -> dict[str, str]:
    try:
        ledger = json.loads((folder / LEDGER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # then every copy that differs counts as changed
    return ledger if isinstance(ledger, dict) else {}
