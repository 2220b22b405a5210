"""Notebooks as files: read them, normalise them, write them without ever leaving half a file, tell what they stored."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

import nbformat

from utils import course
from utils.cli.catalogue import MAP, NOTEBOOKS, UsageError, find, title, write_text
from utils.course import RESULTS_MIME

__all__ = [
    "NOTEBOOKS",
    "address",
    "find",
    "first_cell",
    "first_code_cell",
    "normalise",
    "parts",
    "pictures",
    "read",
    "results",
    "write",
]

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.11.7",
}
"""What a Python kernel says of itself. JupyterLab 4.6 compares it, version included, with what the file holds, and
marks the notebook as modified if they differ; a constant, so that it does not change with whoever ran it last."""

KEPT = ("cellView", "nbgrader")
"""Cell metadata that say how a cell is shown or graded. Of `jupyter`, two keys are kept besides: KEPT_JUPYTER."""
KEPT_JUPYTER = ("outputs_hidden", "source_hidden")
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}
COLLAPSED = {"heading_collapsed": True, "jp-MarkdownHeadingCollapsed": True}
"""On the cell of a heading: closed until it is opened. The second key is JupyterLab's, the first older front ends'."""

DEEPER = "Going deeper"
"""The `## ` heading of what lies beyond the core."""
DEEPER_SECTION = re.compile(r"### Deeper (\d+) · \S")
"""How the cell of a section below that heading begins."""

ANSI = re.compile(r"\x1b\[[0-9;]*m")
WIPED = re.compile(r".*(?:\x1b\[2K|\r\x1b\[0?[JK])\r?|\x1b\[[0-2]?[JK]")
"""What a progress line wipes with the codes for "all of the line" and, from its start, "the rest"; and such codes."""
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
NO_ADDRESS = "none-stamped"
ADDRESSES = (
    re.compile(
        r"""^fetch = f"git clone -qb (?P<branch>\S+) --depth=1 \{os\.getenv\('COURSE_URL', '(?P<url>[^']*)'\)\}\"""",
        re.MULTILINE,
    ),
    re.compile(r'^url, branch = os\.environ\.get\("COURSE_URL", "(?P<url>[^"]*)"\), "(?P<branch>[^"]*)"', re.MULTILINE),
)
"""The line of the entrance that says what a hosted runtime clones, as it is and as it was: an old one is renewed."""
LINKS = re.compile(
    r"\n*^(?:\[← [^\n]*\]\([^)\n]*\)|\[map\]\([^)\n]*\)|\[[^\n]* →\]\([^)\n]*\))(?: · \[.*)?\Z", re.MULTILINE
)
"""The line "previous · map · next" at the end of a cell."""

PRINTED = {
    re.compile(r"✓ held: (?P<text>.*)"): course.HELD,
    re.compile(r"· not judged in quick: (?P<text>.*)"): course.NOT_JUDGED,
    re.compile(r"· not judged on stand-in data: (?P<text>.*)"): course.ON_STANDIN,
    re.compile(r"✗ FAILED: (?P<text>.*)"): course.FAILED,
    re.compile(r"✓ (?P<number>\d+) checks? holds?\b.*"): course.HELD,
    re.compile(r"· (?P<number>\d+) checks?,? not judged\b(?! on stand-in).*"): course.NOT_JUDGED,
    re.compile(r"· (?P<number>\d+) checks? not judged on stand-in data"): course.ON_STANDIN,
}
"""The lines that `Run.claim` and a folded cell of checks print, and the state that each means."""


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises
    ------
    UsageError
        If the file is not a notebook; the message names it.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat passes on what the JSON parser and its validator raise
        raise UsageError(f"{path.name} is not a readable notebook: {error}") from error


def to_text(notebook: nbformat.NotebookNode) -> str:
    """Return the notebook as the text that is committed."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write(notebook: nbformat.NotebookNode, path: Path) -> bool:
    """Write the notebook in one step (a temporary file, then a rename); return whether the file changed."""
    return write_text(path, to_text(notebook))


# -------------------------------------------------------------------------------------------------------- normal form


def normalise(notebook: nbformat.NotebookNode, path: Path | None = None) -> nbformat.NotebookNode:
    """Strip, in place, what differs from machine to machine and says nothing: kernel details, timings, widget state.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    path : Path, optional
        Where the notebook lies, or will lie. With it the last Markdown cell ends in a line of links to the notebook
        before, the map and the notebook after, as far as they exist in that folder.

    Returns
    -------
    NotebookNode
        The same notebook.

    Notes
    -----
    The entrance and every code cell tagged `checks` or `solution` are folded, and of headings those of the sections
    under `DEEPER` are collapsed, no others; a solution in Markdown folds itself (`<details>`). Ids, tags, other
    folding, execution counts, the declared data (`course`) and the content of outputs are left as they are, but for
    three things: neighbouring pieces of the same output stream are joined, since where they break depends on timing;
    what a progress line wiped goes, and with it a stream of which nothing is left; and a stored traceback keeps the
    frames of the notebook and the message, not those of files elsewhere. Sources stay, but for the line of links and
    the entrance, which becomes today's, with the address that is stamped into it.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    kept = {"course": notebook.metadata["course"]} if "course" in notebook.metadata else {}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE} | kept)
    entrance = first_code_cell(notebook)
    for cell, part in zip(notebook.cells, parts(notebook)):
        stamped = address(cell.source) if cell is entrance else None
        if stamped:
            cell.source = first_cell(*stamped)
        cell.metadata = nbformat.from_dict(_cell_metadata(cell, part, stamped is not None))
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    last = next((cell for cell in reversed(notebook.cells) if cell.cell_type == "markdown"), None)
    if path is not None and last is not None and (line := _links(path)):
        last.source = LINKS.sub("", last.source).rstrip() + f"\n\n{line}"
    return notebook


def _cell_metadata(cell: nbformat.NotebookNode, part: str, is_entrance: bool) -> dict:
    """Return what is kept of a cell's metadata, folding added where the course folds."""
    metadata, tags = cell.metadata, sorted(cell.metadata.get("tags", []))
    jupyter = {key: metadata["jupyter"][key] for key in KEPT_JUPYTER if key in metadata.get("jupyter", {})}
    kept = {key: metadata[key] for key in KEPT if key in metadata}
    if is_entrance or "checks" in tags:
        kept, jupyter = kept | {"cellView": FOLDED["cellView"]}, jupyter | FOLDED["jupyter"]
    if "solution" in tags:  # source and output: a reader should open the answer, not stumble upon it
        jupyter = {"outputs_hidden": True, "source_hidden": True} if cell.cell_type == "code" else {}
    if cell.cell_type == "markdown" and part == DEEPER and DEEPER_SECTION.match(cell.source):
        kept |= COLLAPSED
    return kept | ({"tags": tags} if tags else {}) | ({"jupyter": jupyter} if jupyter else {})


def _links(path: Path) -> str:
    """Return the line of links "previous · map · next" for the notebook at `path`; "" if it stands alone."""
    if not re.match(r"\d\d_", path.name):
        return ""
    others = [other for other in find(folder=path.parent) if other.name != path.name]
    before = [other for other in others if other.name < path.name]
    after = [other for other in others if other.name > path.name]
    links = [f"[← {title(before[-1])}]({before[-1].name})"] if before else []
    if path.name != MAP and any(other.name == MAP for other in others):
        links.append(f"[map]({MAP})")
    links += [f"[{title(after[0])} →]({after[0].name})"] if after else []
    return " · ".join(links)


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
    return [output for output in joined if output.output_type != "stream" or output.text]


def _without_overwritten(text: str) -> str:
    r"""Drop what a terminal would have overwritten: all of a line before its last carriage return.

    Blanks that are left of such a line had wiped it, and go too.
    """
    lines = []
    for line in WIPED.sub("", text).split("\n"):
        kept = line.rstrip("\r").rsplit("\r", 1)[-1]
        lines.append(kept if kept.strip() or "\r" not in line else "")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------- what a notebook has stored


def _outputs(notebook: nbformat.NotebookNode, fits: Callable = lambda output: True) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if fits(output)]


def results(notebook: nbformat.NotebookNode) -> dict | None:
    """Return what `run.finish()` stored in the notebook's outputs, with the claims that were made after it.

    Returns
    -------
    dict or None
        A copy of the stored results: `notebook`, `profile`, `seed`, `seconds`, `data`, `claims` (rows of `text` and
        `state`), `reports` (rows of `label`, `measured`, `lecture`, `unit` and, where the run has them, `spread`,
        `at_least`, `at_most` and `state`). A claim or report made after the closing table is added as a row, or
        replaces the row of the same name. None if the closing table was not reached.
    """
    merged, late = None, []
    for output in _outputs(notebook):
        if RESULTS_MIME in output.get("data", {}):
            merged, late = copy.deepcopy(output.data[RESULTS_MIME]), []
        elif RESULTS_MIME in output.get("metadata", {}):  # a claim made after the closing table, where it stands
            late.append(copy.deepcopy(output.metadata[RESULTS_MIME]))
    if merged is None:
        return None
    for rows, name in (("claims", "text"), ("reports", "label")):
        by_name = {row[name]: row for part in (merged, *late) for row in part.get(rows, [])}
        merged[rows] = list(by_name.values())
    return merged


def judged(results: dict) -> dict[tuple[str, str], str]:
    """Return the state of every claim and bound: {("claim", text): state, ("bound", label): state}."""
    claims = {("claim", row["text"]): row["state"] for row in results["claims"]}
    return claims | {("bound", row["label"]): row["state"] for row in results["reports"] if row.get("state")}


def printed(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return (text, state) of every claim that the outputs print; "" for those that a folded cell only counts."""
    found = []
    for output in _outputs(notebook, lambda output: output.output_type == "stream" and output.name == "stdout"):
        for line in output.text.splitlines():
            for pattern, state in PRINTED.items():
                if match := pattern.fullmatch(line):
                    groups = match.groupdict()
                    found += [(groups.get("text", ""), state)] * int(groups.get("number", 1))
    return found


def verdicts(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return (name, state) of every claim and bound of an executed notebook.

    Read from the stored results; from the printed lines if the notebook stopped before its closing table. A failure
    that is printed but not in the results (a claim made after the closing table) counts as well.
    """
    stored, lines = results(notebook), printed(notebook)
    if stored is None:
        return lines
    states = [(name, state) for (_, name), state in judged(stored).items()]
    known = tuple(name for name, state in states if state == course.FAILED)
    return states + [
        (text, state)
        for text, state in dict(lines).items()
        if state == course.FAILED and not (known and text.startswith(known))
    ]


def pictures(notebook: nbformat.NotebookNode) -> int:
    """Return how many pictures the outputs hold."""
    return len(_outputs(notebook, lambda output: any(kind.startswith("image/") for kind in output.get("data", {}))))


def parts(notebook: nbformat.NotebookNode) -> list[str]:
    """Return for each cell the text of the last `## ` heading up to it, its own included; "" before the first."""
    found, part = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^## +(.*?)[ #]*$", FENCED.sub("", cell.source), re.MULTILINE)
            part = headings[-1] if headings else part
        found.append(part)
    return found


# ------------------------------------------------------------------------------------------------------- the entrance


def first_cell(url: str = "", branch: str = "main") -> str:
    """Return the source of the first code cell, with the address and the branch that a hosted runtime clones."""
    text = (Path(__file__).parent / "first_cell.py").read_text(encoding="utf-8").rstrip("\n")
    line = f"""fetch = f"git clone -qb {branch} --depth=1 {{os.getenv('COURSE_URL', '{url or NO_ADDRESS}')}}\""""
    return ADDRESSES[0].sub(lambda _: line, text)


def address(source: str) -> tuple[str, str] | None:
    """Return address and branch that are stamped into an entrance, ("", "main") for none; None for any other cell."""
    found = next(filter(None, (pattern.search(source) for pattern in ADDRESSES)), None)
    return found and (found["url"].replace(NO_ADDRESS, ""), found["branch"])


def first_code_cell(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return the first code cell, or None in a notebook without code."""
    return next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
