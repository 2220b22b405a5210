"""`python -m utils badges OWNER/REPO`: tell every notebook where the course is published."""

import argparse
import re
from pathlib import Path

from utils.cli import notebooks

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
BADGE = re.compile(r"\[!\[Open in Colab\]\(https://colab\.research\.google\.com/[^)]*\)\]\([^)]*\)\n\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `badges`."""
    parser.add_argument("repository", nargs="?", metavar="OWNER/REPO", help="where the course is on GitHub")
    parser.add_argument("--branch", default="main", help="default: main")
    parser.add_argument("--remove", action="store_true", help="take badges and clone addresses out again")
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Stamp or clean every notebook; return 0. Raises ValueError before anything is written if the input is wrong."""
    if args.remove == bool(args.repository):
        raise ValueError("give either OWNER/REPO, to stamp the notebooks, or --remove, to clean them")
    if args.repository and not REPOSITORY.fullmatch(args.repository):
        raise ValueError(f"{args.repository!r} is not of the form OWNER/REPO, as in https://github.com/OWNER/REPO")
    stamped = [(path, stamp(notebooks.read(path), path.name, args)) for path in notebooks.find(folder=args.folder)]
    changed = sum(notebooks.write(notebook, path) for path, notebook in stamped)
    print(f"{changed} of {len(stamped)} notebooks changed")
    return 0


def stamp(notebook, name: str, args: argparse.Namespace):
    """Put the badge below the title and the clone address into the first code cell, or take both out; in place."""
    title, code = notebook.cells[0], notebooks.first_code_cell(notebook)
    if title.cell_type != "markdown" or code is None or not notebooks.URL_LINE.search(code.source):
        raise ValueError(f"{name}: expected a title cell and the course's first code cell; nothing was written")
    url = f"https://github.com/{args.repository}.git" if args.repository else ""
    code.source = notebooks.URL_LINE.sub(f'CLONE_URL = os.environ.get("COURSE_URL", "{url}")', code.source)
    text = BADGE.sub("", title.source)
    if args.repository:
        colab = "https://colab.research.google.com"
        page = f"{colab}/github/{args.repository}/blob/{args.branch}/notebooks/{name}"
        head, _, rest = text.partition("\n\n")
        text = f"{head}\n\n[![Open in Colab]({colab}/assets/colab-badge.svg)]({page})\n\n{rest}"
    title.source = text
    return notebook
