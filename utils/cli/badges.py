"""`python -m utils badges OWNER/REPO`: tell every notebook, and README, where the course is published."""

import argparse
import re
from pathlib import Path
from urllib.parse import quote

from utils import COURSE_ROOT
from utils.cli import notebooks
from utils.cli.catalogue import ASSIGNMENTS, MAP, UsageError, write_text

README = COURSE_ROOT / "README.md"
PLACEHOLDER = "<this repository's address>"
"""What README's `git clone` line says in an unstamped course."""
REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")
HOSTS = {
    "Colab": ("https://colab.research.google.com/assets/colab-badge.svg", "https://colab.research.google.com/"),
    "Kaggle": ("https://kaggle.com/static/images/open-in-kaggle.svg", "https://kaggle.com/kernels/"),
    "Binder": ("https://mybinder.org/badge_logo.svg", "https://mybinder.org/"),
}
"""For each host the picture of its badge, and how the addresses begin to which the badges lead."""
ROW = re.compile(
    r"(?m)^\[!\[Open in Colab\]\(https://colab\.research\.google\.com/[^)]*\)\]\([^)\n]*\)"
    r"(?: \[!\[Open in \w+\]\([^)\n]*\)\]\([^)\n]*\))*\n\n"
)
CLONE = re.compile(r"git clone (?:--branch \S+ )?(?:<[^>\n]*>|https://github\.com/\S+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `badges`."""
    parser.add_argument("repository", nargs="?", metavar="OWNER/REPO", help="where the course is on GitHub")
    parser.add_argument("--branch", default="main", help="default: main")
    parser.add_argument("--remove", action="store_true", help="take badges and clone addresses out again")
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--readme", type=Path, default=README, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Stamp or clean every notebook and README.

    Raises
    ------
    UsageError
        If the address or the branch cannot be one, or a notebook or README is not as expected; nothing is written
        then.
    """
    if args.remove == bool(args.repository):
        raise UsageError("give either OWNER/REPO, to stamp the notebooks, or --remove, to clean them")
    if args.repository and not REPOSITORY.fullmatch(args.repository):
        raise UsageError(f"{args.repository!r} is not of the form OWNER/REPO, as in https://github.com/OWNER/REPO")
    if not BRANCH.fullmatch(args.branch) or ".." in args.branch:
        raise UsageError(f"--branch is {args.branch!r}; expected the name of a branch or tag, such as main")
    repository, branch = (args.repository, args.branch) if args.repository else ("", "main")
    paths = notebooks.find(folder=args.folder)
    sources = notebooks.find(folder=args.folder / ASSIGNMENTS.name)
    texts = {path: notebooks.to_text(stamp(notebooks.read(path), path.name, repository, branch)) for path in paths}
    for path in sources:  # no badges: they would open the solutions
        texts[path] = notebooks.to_text(address(notebooks.read(path), path.name, repository, branch))
    old = args.readme.read_text(encoding="utf-8")
    texts[args.readme] = stamp_readme(old, repository, branch)
    changed = [path for path, text in texts.items() if write_text(path, text)]
    count = len(changed) - (args.readme in changed)
    told = _said(old, args.readme in changed)
    print(f"{count} of {len(paths) + len(sources)} notebooks changed; {args.readme.name} {told}")
    return 0


def _said(readme: str, changed: bool) -> str:
    """Say what happened to README, and which of its two places are not there."""
    missing = [f"<!-- {name}:start -->" for name in ("badges", "clone") if f"<!-- {name}:start -->" not in readme]
    text = "changed" if changed else "not changed"
    return text + (f" (it has no {' and no '.join(missing)})" if missing else "")


def row(repository: str, branch: str, name: str) -> str:
    """Return the line of badges for one notebook: Colab, Kaggle, Binder."""
    page = f"{repository}/blob/{quote(branch)}/notebooks/{name}"
    targets = {
        "Colab": f"{HOSTS['Colab'][1]}github/{page}",
        "Kaggle": f"{HOSTS['Kaggle'][1]}welcome?src=https://github.com/{page}",
        "Binder": f"{HOSTS['Binder'][1]}v2/gh/{repository}/{quote(branch, safe='')}?labpath=notebooks/{name}",
    }
    return " ".join(f"[![Open in {host}]({HOSTS[host][0]})]({target})" for host, target in targets.items())


def stamp(notebook, name: str, repository: str, branch: str):
    """Put the badges below the title and address and branch into the first code cell, or take both out; in place.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place, and returned.
    name : str
        Its file name.
    repository, branch : str
        `OWNER/REPO` and the branch; "" takes everything out again.

    Raises
    ------
    UsageError
        If the notebook does not begin with a title cell, or its first code cell is not the course's.
    """
    title = notebook.cells[0] if notebook.cells else None
    if title is None or title.cell_type != "markdown":
        raise UsageError(f"{name}: expected a title cell and the course's first code cell; nothing was written")
    address(notebook, name, repository, branch)
    text = ROW.sub("", title.source)
    if repository:
        head, _, rest = text.partition("\n\n")
        text = f"{head}\n\n{row(repository, branch, name)}\n\n{rest}"
    title.source = text
    return notebook


def address(notebook, name: str, repository: str, branch: str):
    """Put address and branch into the first code cell, or take them out; the parameters are those of `stamp`.

    Raises
    ------
    UsageError
        If the first code cell is not the course's.
    """
    code = notebooks.first_code_cell(notebook)
    if code is None or not notebooks.address(code.source):
        raise UsageError(f"{name}: expected a title cell and the course's first code cell; nothing was written")
    url = f"https://github.com/{repository}.git" if repository else ""
    code.source = notebooks.first_cell(url, branch)
    return notebook


def stamp_readme(text: str, repository: str, branch: str) -> str:
    """Return README with the badges, and the address in its `git clone` line, between their marks if they are there.

    Raises
    ------
    UsageError
        If a start mark has no end mark after it.
    """
    badges = f"\n{row(repository, branch, MAP)}\n" if repository else "\n"
    text = _between(text, "badges", lambda _: badges)
    option = f"--branch {branch} " if repository and branch != "main" else ""
    line = f"git clone {option}" + (f"https://github.com/{repository}.git" if repository else PLACEHOLDER)
    return _between(text, "clone", lambda block: CLONE.sub(lambda _: line, block))


def _between(text: str, name: str, change) -> str:
    """Return `text` with what stands between the marks of a block changed; as it is where there is no such block."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    if start not in text and end not in text:
        return text
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise UsageError(f"README.md needs one {start} and, after it, one {end}; nothing was written")
    head, rest = text.split(start)
    block, tail = rest.split(end)
    return head + start + change(block) + end + tail
