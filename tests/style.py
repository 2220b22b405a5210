"""The anatomy of a notebook as rules: each function yields what is wrong with one notebook, in words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from utils import COURSE_ROOT, datasets
from utils.cli import notebooks
from utils.course import CHECKS_TITLE

MACHINE_PATH = re.compile(r"(/home/|/Users/|/root/|/tmp/|/content/|site-packages|[A-Z]:\\\\?Users)")
NOISE = re.compile(r"Warning\b|\b[IWE]0000 |cuda_|oneDNN|TF-TRT")
DEPRECATED = re.compile(
    r"\btf\.keras\b|tensorflow\.keras|tensorflow import keras|fit_generator|input_shape=|\.h5\b|keras\.backend\.\w+\(|"
    r"np\.random\.(seed|rand|randn|randint|shuffle)\("
)
AMERICAN = re.compile(
    r"\b(colors?|colored|behaviors?|centers?|centered|favorite|gray|neighbors?|labeled|modeling|traveled|"
    r"\w*(normaliz|standardiz|regulariz|initializ|generaliz|optimiz|vectoriz|summariz|memoriz|recogniz|visualiz|"
    r"minimiz|maximiz|tokeniz)\w*|analyz\w+|license[sd]? under)\b",
    re.IGNORECASE,
)
CODE_SPAN = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)", re.DOTALL)


def code(notebook) -> list:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook) -> str:
    """Return all Markdown, joined."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def tags(cell) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def output_text(output) -> str:
    """Return what an output says in words; nothing for a picture."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return "\n".join(output.traceback)
    data = output.get("data", {})
    text = data.get("text/plain", "") + data.get("text/html", "")
    of_picture = any(kind.startswith("image/") for kind in data) or 'class="jp-sr-only"' in text  # see plots.show
    return "" if of_picture else text


def has_text_output(cell) -> bool:
    """Whether a reader sees words or numbers below the cell (an error is not counted: its tag is its test)."""
    return any(output.output_type != "error" and output_text(output).strip() for output in cell.outputs)


def compared_share(paths: list[Path]) -> tuple[int, int]:
    """Return how many code cells with text output nbval compares, and how many there are."""
    cells = [cell for path in paths for cell in code(notebooks.read(path)) if has_text_output(cell)]
    return sum("nbval-check-output" in tags(cell) for cell in cells), len(cells)


# ------------------------------------------------------------------------------------------------------- the rules


def opening(notebook, path: Path) -> Iterator[str]:
    """Title, hook, goals, what to know, time, lecture."""
    title = notebook.cells[0]
    if title.cell_type != "markdown" or not title.source.startswith("# "):
        yield "the first cell is not a Markdown cell with a title"
        return
    for words in ("**After this notebook you can**", "**Before you start**", "**Time**", "**Lecture**"):
        if words not in title.source:
            yield f"the opening cell lacks {words}"
    goals = re.findall(r"^- ", title.source.partition("**Before")[0], re.MULTILINE)
    if not 3 <= len(goals) <= 5:
        yield f"the opening cell has {len(goals)} goals; expected 3 to 5"
    yield from _stated_time(title.source, notebooks.results(notebook))


def _stated_time(text: str, results: dict | None) -> Iterator[str]:
    """The minutes in the opening cell are those that the stored run took."""
    found = re.search(r"\*\*Time\*\*: (?:about (\d+) minutes?|under a minute)\s+on two CPU cores", text)
    if not found:
        yield "the opening cell does not say '**Time**: about N minutes (or: under a minute) on two CPU cores'"
    elif results and results["device"] == "CPU":
        minutes = results["seconds"] / 60
        low, high = (0, 1) if found[1] is None else (0.6 * int(found[1]), 1.4 * int(found[1]))
        if not low <= minutes <= high:
            yield f"the opening cell says {found[0]!r}, but the stored run took {minutes:.1f} minutes"


def first_cells(notebook, path: Path) -> Iterator[str]:
    """The same first code cell everywhere, then imports and course.start."""
    cells = code(notebook)
    stamped = notebooks.address(cells[0].source) if cells else None
    if not stamped or cells[0].source != notebooks.first_cell(*stamped):
        yield "the first code cell is not the course's (utils/cli/first_cell.py)"
    if len(cells) < 2 or f'run = course.start("{path.stem}")' not in cells[1].source:
        yield f'the second code cell does not say run = course.start("{path.stem}")'


def sections(notebook, path: Path) -> Iterator[str]:
    """Numbered sections, predictions, a closing table, exercises with solutions, a summary, further reading."""
    text = prose(notebook)
    numbers = [int(number) for number in re.findall(r"^## (\d+) · ", text, re.MULTILINE)]
    if len(numbers) < 2 or numbers != list(range(1, len(numbers) + 1)):
        yield f"sections are numbered {numbers}; expected '## 1 · ...', '## 2 · ...' without a gap"
    for words in (
        "**Predict.**",
        "**Notice.**",
        "What we saw",
        "## Exercises",
        "<details>",
        "## Summary",
        "Further reading",
    ):
        if words not in text:
            yield f"the prose lacks {words!r}"
    last = notebook.cells[-1]
    if last.cell_type != "markdown" or "## Summary" not in last.source or "Further reading" not in last.source:
        yield "the last cell is not the summary with further reading"
    if sum("run.finish()" in cell.source for cell in code(notebook)) != 1:
        yield "run.finish() does not stand exactly once"


def exercises(notebook, path: Path) -> Iterator[str]:
    """Each exercise has a collapsed solution, and an executed cell that checks it."""
    solved = [cell for cell in code(notebook) if "solution" in tags(cell)]
    folded = prose(notebook).count("<details>")
    if len(solved) < 2 or folded < 2:
        yield f"{folded} collapsed solutions and {len(solved)} cells tagged 'solution'; expected at least 2 of each"
    if prose(notebook).count("</details>") != folded:
        yield "a <details> is not closed"
    for cell in solved:
        if "assert" not in cell.source and "run.claim" not in cell.source:
            yield f"the solution {cell.source[:40]!r} checks nothing"


def execution(notebook, path: Path) -> Iterator[str]:
    """Executed once from top to bottom, without errors but intended ones, in the full profile."""
    counts = [cell.execution_count for cell in code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield "execution counts do not run from 1 without a gap: restart the kernel and run all"
    for cell in code(notebook):
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed != ("raises-exception" in tags(cell)):
            yield f"the cell {cell.source[:40]!r} " + ("stored an error" if failed else "is tagged but raised no error")
    results = notebooks.results(notebook)
    if results is None:
        yield "no stored results: run.finish() was not reached"
        return
    if results["notebook"] != path.stem:
        yield f"the stored results are those of {results['notebook']}"
    if results["profile"] != "full" and "quick profile" not in prose(notebook):
        yield "outputs are not from the full profile, and no note in the prose says so"
    judged = notebooks.judged(results)
    failed = [name for (_, name), state in judged.items() if state == "failed"]
    if failed or not judged:
        yield f"stored claims or bounds failed: {failed}" if failed else "the notebook claims nothing"
    if not notebooks.pictures(notebook):
        yield "no picture is stored: was it run with a Matplotlib back end that draws nothing?"


def outputs(notebook, path: Path) -> Iterator[str]:
    """No machine paths, warnings, logs or widget state in what is stored."""
    for cell in code(notebook):
        for output in cell.outputs:
            text = output_text(output)
            if output.output_type == "stream" and output.name == "stderr":
                yield f"the cell {cell.source[:40]!r} stored stderr: {text[:80]!r}"
            if "raises-exception" not in tags(cell) and (found := NOISE.search(text)):
                yield f"the cell {cell.source[:40]!r} stored a warning or a log line: {found[0]!r}"
            if (found := MACHINE_PATH.search(text)) or str(COURSE_ROOT) in text:
                yield f"the cell {cell.source[:40]!r} stored a machine path: {found[0] if found else COURSE_ROOT}"
            if any("widget" in kind for kind in output.get("data", {})):
                yield f"the cell {cell.source[:40]!r} stored a widget"


def form(notebook, path: Path) -> Iterator[str]:
    """Size, cell length, unique ids, normal form."""
    size = path.stat().st_size
    if size > 1_000_000:
        yield f"the file has {size / 1e6:.1f} MB; at most 1 MB"
    for cell in code(notebook):
        lines = len(cell.source.splitlines())
        if lines > 25:
            yield f"the cell {cell.source[:40]!r} has {lines} lines; at most 25"
        if not cell.source.strip():
            yield "there is an empty code cell"
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) != len(ids):
        yield "cell ids are missing or not unique"
    if path.read_text(encoding="utf-8") != notebooks.to_text(notebooks.normalise(notebooks.read(path), path)):
        yield "not in normal form; run: python -m utils normalise"


def idiom(notebook, path: Path) -> Iterator[str]:
    """Keras 3 names, run.pick as the only switch, claims with constant and distinct texts, checks that fold."""
    claims = []
    for cell in code(notebook)[1:]:
        if ("checks" in tags(cell)) != cell.source.startswith(CHECKS_TITLE):
            yield f"the cell {cell.source[:40]!r}: the tag 'checks' and the first line {CHECKS_TITLE!r} go together"
        if found := DEPRECATED.search(cell.source):
            yield f"the cell {cell.source[:40]!r} uses {found[0]!r}"
        if "COURSE_" in cell.source or "run.profile" in cell.source:
            yield f"the cell {cell.source[:40]!r} looks at the profile; run.pick is the only switch"
        claims += [node for node in ast.walk(ast.parse(cell.source)) if _is_claim(node)]
    texts = [node.args[1].value for node in claims if len(node.args) > 1 and isinstance(node.args[1], ast.Constant)]
    if len(texts) != len(claims):
        yield "a claim's text is not a constant string, so nbval could not compare it"
    if len(set(texts)) != len(texts):
        yield "two claims have the same text"
    if any(isinstance(node.args[0], ast.Constant) for node in claims):
        yield "a claim's condition is a constant: it could not fail"


def _is_claim(node) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "claim"


def language(notebook, path: Path) -> Iterator[str]:
    """British spelling; links that lead somewhere."""
    text = prose(notebook)
    plain = re.sub(r"(?s)\*\*Further reading.*", "", CODE_SPAN.sub("", text))  # titles keep their own spelling
    for found in sorted({match[0] for match in AMERICAN.finditer(plain)}):
        yield f"American spelling: {found!r}"
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)", text):
        if not (path.parent / target).exists():
            yield f"a link leads nowhere: {target}"


def data(notebook, path: Path) -> Iterator[str]:
    """The metadata declare the data that the stored run used, by names that the map, fetch and doctor know."""
    declared = notebook.metadata.get("course", {}).get("data")
    if declared is None:
        yield 'the metadata do not say which data are needed; expected "course": {"data": [...]}'
        return
    for name in declared:
        if name not in datasets.NEEDS:
            yield f"the metadata name the data {name!r}; there are {', '.join(datasets.NEEDS)}"
    used = sorted((notebooks.results(notebook) or {"data": {}})["data"])
    if sorted({name.split("-")[0] for name in declared}) != used:
        yield f"the metadata declare the data {declared}, but the stored run used {used}"


RULES = (opening, first_cells, sections, exercises, execution, outputs, form, idiom, language, data)
