"""The anatomy of a notebook as rules: each function yields what is wrong with one notebook, in words.

RULES say what a notebook is made of, PATTERN how it tells its story; both hold for every notebook.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from utils import COURSE_ROOT, datasets
from utils.cli import notebooks, records
from utils.cli.handout import EMPTY, obstacles
from utils.cli.results import on_standin
from utils.course import CHECKS_TITLE, ON_STANDIN, RESULTS_MIME

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
OTHER_RUNS = re.compile(r"(further|other|four|earlier)\s+(course\s+|test\s+)?(runs?|seeds?)\b")
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
    marks = 'class="jp-sr-only"', 'src="data:image/'  # see plots.show and plots.film
    of_picture = any(kind.startswith("image/") for kind in data) or any(mark in text for mark in marks)
    return "" if of_picture else text


def has_text_output(cell) -> bool:
    """Whether a reader sees words or numbers below the cell (an error is not counted: its tag is its test)."""
    return any(output.output_type != "error" and output_text(output).strip() for output in cell.outputs)


def compared_share(paths: list[Path]) -> tuple[int, int]:
    """Return how many code cells with text output nbval compares, and how many there are.

    The cell that starts the run is left out: in quick it shows a notice besides, so no notebook can compare it.
    """
    cells = [cell for path in paths for cell in code(notebooks.read(path)) if has_text_output(cell)]
    cells = [cell for cell in cells if "course.start(" not in cell.source]
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
    yield from _stated_time(title.source, notebooks.results(notebook), path.stem)


def _stated_time(text: str, results: dict | None, name: str) -> Iterator[str]:
    """The minutes in the opening cell are those of the quickest full run that is kept.

    The stored run may have shared its machine with another; and what one core did, two can do.
    """
    found = re.search(r"\*\*Time\*\*: (?:about (\d+) minutes?|under a minute)\s+on two CPU cores", text)
    if not found:
        yield "the opening cell does not say '**Time**: about N minutes (or: under a minute) on two CPU cores'"
    elif results and results["device"] == "CPU":
        further = [run.results for run in records.load(name) if not run.error]
        minutes = min(run["seconds"] for run in (results, *further)) / 60
        low, high = (0, 1) if found[1] is None else (0.6 * int(found[1]), 1.4 * int(found[1]))
        if not low <= minutes <= high:
            yield f"the opening cell says {found[0]!r}, but the quickest run took {minutes:.1f} minutes"


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
        if "as-printed" not in tags(cell) and (found := DEPRECATED.search(cell.source)):
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
    used = set((notebooks.results(notebook) or {"data": {}})["data"])
    families = {name.split("-")[0] for name in declared}
    sources = [cell.source for cell in code(notebook)]
    finished = next((k for k, source in enumerate(sources) if "run.finish(" in source), len(sources))
    deeper_code = "\n".join(sources[finished + 1 :])  # what is loaded there is not in the results yet
    later = {name for name in families if re.search(rf"\bload_\w*{name}\w*\(", deeper_code)}
    if not used <= families <= used | later:
        yield f"the metadata declare the data {declared}, but the stored run used {sorted(used)}"


RULES = (opening, first_cells, sections, exercises, execution, outputs, form, idiom, language, data)


# ----------------------------------------------------------------------------------------- the rules of the pattern

ALT_LENGTH = 20
"""What a text alternative has at least, in characters: less says nothing to a reader who cannot see the picture."""
BIDI_ESCAPE = re.compile(r"\\u(?:200[c-f]|202[a-e]|206[6-9])")
"""A mark of direction or joining as Python escapes it, which no reader of Persian can read."""
CLOCK_NAMES = {"seconds", "secs", "elapsed", "duration", "milliseconds", "millis", "ms", "speed", "perf_counter"}
CLOCK_WORDS = re.compile(
    r"\bseconds\b|\bper second\b|\b\d[\d.,]* ?m?s\b|\bmilliseconds?\b|\bas fast as\b|\btak(?:e|es|ing)\b.*\bas long\b"
)
PACE_WORDS = re.compile(
    r"\b(?:is|are|runs?|trains?|fits?|learns?|computes?|decodes?|searches|takes?) (?:\w+ )?(?:faster|slower|quicker)\b"
)
"""What may be said of seconds or of updates: the statement has to say which (PACE_OF). A gradient may fade faster."""
PACE_OF = re.compile(r"\b(?:updates?|steps?|epochs?|lags?)\b")
DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")
FIGURES_OF_ITS_OWN = 4
"""Decimals that a notebook's text may have worked out itself. It was set at the most that any notebook had."""
NOT_PROSE = re.compile(r"\$[^$]*\$|\[[^\]]*\]\([^)]*\)|`[^`]*`")
"""Formulas, links and code."""
NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e-?\d+)?")
CLOCK_UNIT = re.compile(r"\b(?:s|ms|µs|seconds)\b")
TODAY = re.compile(r"\b(?:datetime|date|pd\.Timestamp|Timestamp)\.(?:now|today|utcnow)\(|\btime\.(?:time|ctime)\(")


class Counts(NamedTuple):
    """How long a notebook is.

    Attributes
    ----------
    cells : int
        Cells of the core.
    words : int
        What white space parts in the Markdown of the core, formulas, tables and code included: a reader reads them too.
    claims : int
        Calls of `run.claim`, and of `run.report` with a bound, in the whole source.
    """

    cells: int
    words: int
    claims: int


def core(notebook) -> list:
    """Return the cells of the core, what a class of 90 minutes reads and runs: all up to and with `run.finish()`.

    Exercises, Going deeper and the summary come after it.
    """
    return notebook.cells[: _finish(notebook) + 1]


def counts(notebook) -> Counts:
    """Count cells and words of the core, and claims: the one place where these are defined."""
    cells = core(notebook)
    words = [word for cell in cells if cell.cell_type == "markdown" for word in cell.source.split()]
    return Counts(len(cells), len(words), len(_statements(notebook)))


def _statements(notebook) -> list:
    """Return (cell, call) of every claim, and of every report with a bound."""
    calls = [(cell, node) for cell in code(notebook) for node in _calls(cell)]
    return [(cell, node) for cell, node in calls if _is_claim(node) or _bounds(node)]


def _calls(cell) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]


def _called(node: ast.Call) -> str:
    """Return the last name of what is called: `fit` of `model.fit(...)`."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _keyword(node: ast.Call, name: str):
    return next((word.value for word in node.keywords if word.arg == name), None)


def _bounds(node: ast.Call) -> bool:
    return _called(node) == "report" and any(_keyword(node, name) for name in ("at_least", "at_most"))


def _finish(notebook) -> int:
    """Return the index of the cell that ends the core; the number of cells if there is none."""
    indices = [k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code" and "run.finish()" in cell.source]
    return indices[0] if indices else len(notebook.cells)


def _start(cell) -> str:
    """Return how a message names a cell."""
    return f"the cell {cell.source[:40]!r}"


def size(notebook, path: Path) -> Iterator[str]:
    """A core for one class of 90 minutes."""
    found = counts(notebook)
    if found.cells > 50:
        yield f"the core has {found.cells} cells; at most 50"
    if found.words > 2500:
        yield f"the core has {found.words:,} words; at most 2,500"


def order(notebook, path: Path) -> Iterator[str]:
    """What we saw with run.finish(), Exercises, Going deeper (if any), Summary: in this order, each once."""
    headings = list(dict.fromkeys(notebooks.parts(notebook)))
    found = [re.sub(r"^\d+ · ", "", heading) for heading in headings]
    last = [heading for heading in found if heading in ("What we saw", "Exercises", notebooks.DEEPER, "Summary")]
    expected = ["What we saw", "Exercises", *[notebooks.DEEPER] * (notebooks.DEEPER in found), "Summary"]
    if last != expected:
        yield f"the last parts are {last}; expected {expected}"
    parts, at = notebooks.parts(notebook), _finish(notebook)
    if at < len(parts) and not parts[at].endswith("What we saw"):
        yield "run.finish() is not in the section 'What we saw'"
    later = zip(notebook.cells[at + 1 :], parts[at + 1 :])
    if any(cell.cell_type == "code" and part.endswith("What we saw") for cell, part in later):
        yield "run.finish() is not in the last code cell of the core"


def header(notebook, path: Path) -> Iterator[str]:
    """Reading time, and links to what the notebook builds on."""
    title = notebook.cells[0].source
    if not re.search(r"\*\*Reading\*\*: about \d+ minutes\b", title):
        yield "the opening cell does not say '**Reading**: about N minutes'"
    if path.name != notebooks.MAP and not re.search(r"\]\(\d\d_\w+\.ipynb\)", title):
        yield "the opening cell links to no notebook that this one builds on"


def first_picture(notebook, path: Path) -> Iterator[str]:
    """A drawing or a plot within the first ten cells."""
    for cell in notebook.cells[:10]:
        if cell.cell_type == "code" and ("drawings." in cell.source or any(map(_image, cell.outputs))):
            return
    yield "there is no picture within the first ten cells"


def _image(output) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def claims(notebook, path: Path) -> Iterator[str]:
    """About thirty claims and bounds; those before run.finish() in the one folded cell that ends a section."""
    number, least = counts(notebook).claims, 5 if path.name == notebooks.MAP else 10
    if not least <= number <= 40:
        yield f"there are {number} claims and bounds; expected {least} to 40"
    states = notebooks.judged(notebooks.results(notebook) or {"claims": [], "reports": []}).values()
    judged = sum(state != ON_STANDIN for state in states)
    if ON_STANDIN in states and judged < least:
        yield f"the stored run judged {judged} claims and bounds, the others were about a stand-in; expected {least}"
    before = [cell for cell in notebook.cells[: _finish(notebook)] if cell.cell_type == "code"]
    for cell in before:
        if "checks" not in tags(cell) and any(map(_is_claim, _calls(cell))):
            yield f"{_start(cell)} claims something before run.finish() and is not tagged 'checks'"
    for cell, node in _statements(notebook):
        if _is_claim(node) and node.args and (why := _cannot_fail(node.args[0])):
            yield f"{_start(cell)} claims {ast.unparse(node.args[0])[:60]!r}, {why}: an assert, or nothing"
    sections = {}
    for cell, part in zip(notebook.cells[: _finish(notebook)], notebooks.parts(notebook)):
        if cell.cell_type == "code":
            sections.setdefault(part, []).append("checks" in tags(cell))
    for part, folded in sections.items():
        if sum(folded) > 1:
            yield f"the section {part!r} has {sum(folded)} cells of checks; expected one"
        if True in folded[:-1]:
            yield f"in the section {part!r} code follows the cell of checks, which should end it"


def _cannot_fail(condition) -> str:
    """Return why a claim says nothing about data, training or Keras; "" if it may."""
    read = {node.id for node in ast.walk(condition) if isinstance(node, ast.Name)}
    if not read - {"np", "math", "abs", "all", "any", "bool", "float", "int", "len", "max", "min", "round", "sum"}:
        return "which is arithmetic"
    sides = [condition.left, *condition.comparators] if isinstance(condition, ast.Compare) else []
    if any(getattr(side, "attr", "") in ("shape", "output_shape") for side in sides):
        return "which is a shape"
    return ""


def closing_table(notebook, path: Path) -> Iterator[str]:
    """At most twelve rows, the lecture's figures first."""
    tables = [output.data[RESULTS_MIME] for cell in code(notebook) for output in cell.outputs if _stores(output)]
    if not tables:
        yield "no closing table is stored: run it in full (make execute)"
    for table in tables:
        rows = [row["lecture"] is not None for row in table["reports"]]
        if len(rows) > 12:
            yield f"the closing table has {len(rows)} rows; at most 12"
        if rows != sorted(rows, reverse=True):
            yield "in the closing table figures of the lecture follow others; they come first"


def _stores(output) -> bool:
    return RESULTS_MIME in output.get("data", {})


def standins(notebook, path: Path) -> Iterator[str]:
    """No figure measured on a stand-in stands beside the lecture's."""
    stored = notebooks.results(notebook) or {"data": {}, "reports": []}
    if all(source == "real" for source in stored["data"].values()):
        return
    for row in stored["reports"]:
        if row["lecture"] is not None and on_standin(row["label"], stored["data"]):
            yield f"{row['label']!r} was measured on a stand-in, or does not say on what, and stands beside the lecture"


def seeds(notebook, path: Path) -> Iterator[str]:
    """Every seed follows from the run's."""
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            found = [value for value in _seeds(node) if _written_out(value)]
            if found:
                yield f"{_start(cell)} writes out a seed ({ast.unparse(found[0])}); take run.seed or run.seeds(n)"


def _seeds(node) -> Iterator[ast.expr]:
    """Yield what a node takes for a seed."""
    if isinstance(node, ast.Call):
        yield from (word.value for word in node.keywords if word.arg in ("seed", "seeds", "random_state"))
        if _called(node) in ("set_random_seed", "default_rng", "RandomState", "SeedGenerator", "set_seed"):
            yield from node.args[:1]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.For | ast.comprehension):
        targets, value = [node.target], node.iter
    elif targets:
        value = node.value
    if any(isinstance(target, ast.Name) and target.id in ("seed", "seeds") for target in targets):
        yield value


def _written_out(value: ast.expr) -> bool:
    """Whether an expression is a whole number, a sequence of such, or a range between such."""
    if isinstance(value, ast.Call) and _called(value) == "range":
        return all(map(_written_out, value.args))
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return bool(value.elts) and all(map(_written_out, value.elts))
    return isinstance(value, ast.Constant) and isinstance(value.value, int)


def questions(notebook, path: Path) -> Iterator[str]:
    """Four to eight predictions, each answered before the next, and at least two one-minute tries."""
    text = "\n\n".join(cell.source for cell in core(notebook) if cell.cell_type == "markdown")
    _, *asked = text.split("**Predict.**")
    if not 4 <= len(asked) <= 8:
        yield f"the core asks for {len(asked)} predictions; expected 4 to 8"
    for question in asked:
        if "**Notice.**" not in question:
            yield f"no **Notice.** answers the prediction {question.strip()[:40]!r} before the next is asked"
    if text.count("**Try it.**") < 2:
        yield f"the core has {text.count('**Try it.**')} **Try it.**; expected at least 2"


def tasks(notebook, path: Path) -> Iterator[str]:
    """Three or four exercises: the question, an empty cell, the solution in prose, the solution in code."""
    cells = [cell for cell, part in zip(notebook.cells, notebooks.parts(notebook)) if part == "Exercises"]
    elsewhere = [cell for cell in notebook.cells if not any(cell is other for other in cells)]
    for cell in elsewhere:
        if {"exercise", "solution"} & set(tags(cell)):
            yield f"{_start(cell)} is tagged as part of an exercise, and is not under '## Exercises'"
    groups = []
    for cell in cells:
        text = re.sub(r"\A## Exercises\s*", "", cell.source)
        if cell.cell_type == "markdown" and re.match(r"\*\*Exercise \d+\b", text):
            groups.append([])
        if groups:
            groups[-1].append(cell)
        elif cell.cell_type == "code":
            yield f"{_start(cell)} comes before the first exercise"
    if not 3 <= len(groups) <= 4:
        yield f"there are {len(groups)} exercises ('**Exercise 1.** ...'); expected 3 or 4"
    for number, group in enumerate(groups, start=1):
        yield from (f"exercise {number}: {fault}" for fault in _task(number, group))


def _task(number: int, group: list) -> Iterator[str]:
    """Say what is wrong with the cells of one exercise."""
    kinds = [(cell.cell_type, *(tag for tag in tags(cell) if tag in ("exercise", "solution"))) for cell in group]
    expected = [("markdown",), ("code", "exercise"), ("markdown", "solution"), ("code", "solution")]
    if kinds[:4] != expected or any(kind != expected[3] for kind in kinds[4:]):
        yield f"its cells are {kinds}; expected {expected}, more of the last kind at the end"
        return
    question, empty, prose_, *solved = group
    if not re.search(rf"\*\*Exercise {number}\b", question.source):
        yield f"it is called {question.source[:40]!r}"
    if empty.source != EMPTY:
        yield f"the cell to be filled in holds {empty.source[:40]!r}; expected {EMPTY!r}"
    if not re.fullmatch(rf"<details><summary>Solution {number}</summary>\n\n.+\n\n?</details>\s*", prose_.source, re.S):
        yield f"its prose is not <details><summary>Solution {number}</summary>, a blank line, the solution, </details>"
    if not any("assert" in cell.source or "run.claim" in cell.source for cell in solved):
        yield "the solution in code checks nothing"


def solutions_apart(notebook, path: Path) -> Iterator[str]:
    """The notebook runs without its solutions: `python -m utils handout` leaves them out."""
    yield from obstacles(notebook)


def keras_in_the_open(notebook, path: Path) -> Iterator[str]:
    """Where layers of Keras are used, one plain cell builds, compiles and fits a model."""
    sources = [cell.source for cell in code(notebook)]
    if not any(re.search(r"keras\.layers|keras import layers|layers\.\w+\(", source) for source in sources):
        return
    for cell in core(notebook):
        if cell.cell_type == "code":
            called = set(map(_called, _calls(cell)))
            fitted = "fit" in _outside_functions(ast.parse(cell.source))
            if fitted and "compile" in called and called & {"Model", "Sequential"}:
                return
    yield "no cell of the core builds (keras.Model or Sequential), compiles and, outside any function, fits a model"


def _outside_functions(node) -> Iterator[str]:
    """Yield the names that are called, but not inside a function or a class that is defined here."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            if isinstance(child, ast.Call):
                yield _called(child)
            yield from _outside_functions(child)


def alternatives(notebook, path: Path) -> Iterator[str]:
    """Every picture says in words what it shows, and none is hard to read by construction."""
    for cell in code(notebook):
        for output in filter(_image, cell.outputs):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            if len(alt.strip()) < ALT_LENGTH:
                yield f"{_start(cell)} stored a picture without a text alternative; plots.show('...') gives it one"
        calls = _calls(cell)
        if any(ast.unparse(node.func) == "plt.show" for node in calls):
            yield f"{_start(cell)} calls plt.show(); plots.show('...') takes a text alternative"
        for node in calls:
            if ast.unparse(node.func) == "plots.show" and not _text_alternative(node):
                yield f"{_start(cell)}: plots.show takes one constant text of {ALT_LENGTH} characters or more"
            if ast.unparse(node.func) == "plots.film" and not _is_sentence(_keyword(node, "alt")):
                yield f"{_start(cell)}: plots.film takes alt=, one constant text of {ALT_LENGTH} characters or more"
            colour = _keyword(node, "color") or _keyword(node, "c")
            if _called(node) in ("text", "annotate", "set_title", "title") and colour and "COLOURS" in ast.dump(colour):
                yield f"{_start(cell)} writes in a colour of plots.COLOURS; plots.INK is dark enough for text"
        drawn = {_called(node) for node in calls}
        if drawn & {"bar", "barh"} and re.search(r"scale\(\s*[\"']log|log=True", cell.source):
            yield f"{_start(cell)} draws bars on a logarithmic axis, where their length means nothing"


def _text_alternative(node: ast.Call) -> bool:
    return _is_sentence(node.args[0] if len(node.args) == 1 else _keyword(node, "alt"))


def _is_sentence(given) -> bool:
    text = given.value if isinstance(given, ast.Constant) else None
    return isinstance(text, str) and len(text.strip()) >= ALT_LENGTH


def clock(notebook, path: Path) -> Iterator[str]:
    """Times are reported, never claimed; nothing depends on today's date."""
    for cell, node in _statements(notebook):
        if _is_claim(node):
            read = {word for part in node.args[:1] for name in _words_read(part) for word in name.split("_")}
            text = " ".join(part.value for part in node.args[1:2] if isinstance(part, ast.Constant))
            paced = PACE_WORDS.search(text) and not PACE_OF.search(text)
            if read & CLOCK_NAMES or CLOCK_WORDS.search(text) or paced:
                yield f"{_start(cell)} claims a time ({text!r}): report it, or say what there is less of (steps)"
        elif (unit := _keyword(node, "unit")) is not None and CLOCK_UNIT.search(ast.unparse(unit).strip("'\"")):
            yield f"{_start(cell)} sets a bound on a time; a time is reported without one"
    for cell in code(notebook):
        if found := TODAY.search(cell.source):
            yield f"{_start(cell)} reads the clock ({found[0]}...)"


def _words_read(node) -> Iterator[str]:
    """Yield the names, attributes and text keys that an expression reads."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute):
            yield getattr(part, "id", getattr(part, "attr", ""))
        elif isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            yield str(part.slice.value)


def deeper(notebook, path: Path) -> Iterator[str]:
    """What goes deeper is listed in one cell, and stands in sections of its own that are collapsed."""
    cells = [cell for cell, part in zip(notebook.cells, notebooks.parts(notebook)) if part == notebooks.DEEPER]
    if not cells:
        return
    first, *rest = cells
    if not first.source.startswith(f"## {notebooks.DEEPER}\n\n"):
        yield f"'## {notebooks.DEEPER}' does not begin a cell that says what is below it"
    if not rest or not notebooks.DEEPER_SECTION.match(rest[0].source):
        yield f"no heading '### Deeper 1 · ...' follows '## {notebooks.DEEPER}'"
    numbers = []
    for cell in rest:
        if cell.cell_type == "markdown" and re.search(r"^### ", cell.source, re.MULTILINE):
            found = notebooks.DEEPER_SECTION.match(cell.source)
            if found is None:
                yield f"{_start(cell)} does not begin '### Deeper N · ...', so that it cannot be collapsed"
                continue
            numbers.append(int(found[1]))
            if any(cell.metadata.get(key) is not True for key in notebooks.COLLAPSED):
                yield f"the section {cell.source[:40]!r} is not collapsed; run: python -m utils normalise"
            if len(cell.source.strip().split("\n\n")) > 2:
                yield f"the cell of {cell.source[:40]!r} has more than its heading and a paragraph"
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the deeper sections are numbered {numbers}"


def further_reading(notebook, path: Path) -> Iterator[str]:
    """Each item can be found: it has a DOI or an address."""
    items = notebook.cells[-1].source.partition("**Further reading**")[2]
    listed = re.split(r"^[-*] |^\d+\. ", items.split("\n\n[")[0], flags=re.MULTILINE)[1:]
    if not listed:
        yield "nothing is listed under **Further reading**"
    for item in listed:
        if not re.search(r"https?://\S+|\b10\.\d{4,9}/\S+", item):
            yield f"further reading without a DOI or an address: {item.strip()[:60]!r}"


def scripts(notebook, path: Path) -> Iterator[str]:
    """No stored output shows marks of direction as escapes."""
    for cell in code(notebook):
        for output in cell.outputs:
            if found := BIDI_ESCAPE.search(output_text(output)):
                yield f"{_start(cell)} stored {found[0]}, an escape: print the text, not its repr"


def figures(notebook, path: Path) -> Iterator[str]:
    """What a Notice says in decimals stands in the notebook's outputs or code, but for a few differences and ratios.

    A paragraph that speaks of other runs or seeds may have the figures of the further runs, too.
    A text that tells of an earlier run than the stored one has many that do not: notebook 22 once had a dozen.
    """
    said = "\n".join(cell.source + "".join(_whole_text(output) for output in cell.outputs) for cell in code(notebook))
    known = {float(number.replace(",", "")) for number in NUMBER.findall(said)}
    reports = [report for run in records.load(path.stem) for report in run.results["reports"]]
    kept = [report.get(key) for report in reports for key in ("measured", "spread")]
    further = {float(number) for number in kept if isinstance(number, int | float)}
    strange = []
    for cell in notebook.cells:
        paragraphs = cell.source.split("\n\n") if cell.cell_type == "markdown" and "**Notice.**" in cell.source else []
        for paragraph in paragraphs:
            told = known | further if OTHER_RUNS.search(paragraph) else known
            for number in DECIMAL.findall(NOT_PROSE.sub(" ", paragraph)):
                half = 0.5001 * 10.0 ** -len(number.partition(".")[2])  # as far as rounding goes
                if not any(abs(k - float(number)) <= half or abs(100 * k - float(number)) <= half for k in told):
                    strange.append(f"{number} in {_start(cell)}")
    if len(strange) > FIGURES_OF_ITS_OWN:
        yield f"figures in the text that no output has, as if of another run: {'; '.join(strange)}"


def _whole_text(output) -> str:
    """Return all that an output says, the words beside a picture included."""
    return output.get("text", "") + "".join(str(t) for k, t in output.get("data", {}).items() if k.startswith("text/"))


PATTERN = (
    figures,
    size,
    order,
    header,
    first_picture,
    claims,
    closing_table,
    standins,
    seeds,
    questions,
    tasks,
    solutions_apart,
    keras_in_the_open,
    alternatives,
    clock,
    deeper,
    further_reading,
    scripts,
)


def broken(path: Path) -> list[str]:
    """Return what is wrong with one notebook by all rules."""
    notebook = notebooks.read(path)
    return [f"{rule.__name__}: {fault}" for rule in (*RULES, *PATTERN) for fault in rule(notebook, path)]


if __name__ == "__main__":  # python -m tests.style 02: its size, and every rule that it breaks
    for chosen in notebooks.find(sys.argv[1:]):
        print(chosen.stem, *(f"{name} {number:,}" for name, number in counts(notebooks.read(chosen))._asdict().items()))
        print("".join(f"  {fault}\n" for fault in broken(chosen)), end="")
