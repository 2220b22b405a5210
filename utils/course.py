"""What every notebook starts and ends with: seeds, profile, claims and reports.

What belongs here: what each notebook needs before its first idea and after its last. The entrance (`utils.entrance`)
has made Keras ready before.

>>> run = course.start("14_jena_forecasting")
>>> epochs = run.pick(full=20, quick=1)
>>> run.claim(gru_error < naive_error, "the GRU beats the naive forecast")
>>> run.report("GRU, test error", gru_error, lecture=2.35, unit="degC", spread=0.02, at_most=2.45)
>>> run.finish()
"""

import ast
import html
import importlib.metadata
import inspect
import math
import numbers
import os
import platform
import sys
import textwrap
import time
from dataclasses import dataclass, field

from utils import entrance, settings

RESULTS_MIME = "application/vnd.course.results+json"
"""The MIME type under which `Run.finish` stores its table for machines (`python -m utils results` reads it).

Claims made after `finish` are stored under the same name, in the metadata of what they print.
"""

HELD, NOT_JUDGED, FAILED = "held", "not judged", "failed"
ON_STANDIN = "not judged: stand-in data"
"""The state, in full, of a statement about a data set (``data="jena"``) in whose place a stand-in was generated."""
MARKS = {
    HELD: "✓ held",
    NOT_JUDGED: "· not judged in quick",
    ON_STANDIN: "· not judged on stand-in data",
    FAILED: "✗ FAILED",
}

CHECKS_TITLE = "# @title Checks"
"""How a cell begins whose claims fold into one line; such a cell carries the tag `checks`, and its source is folded."""


class ClaimError(AssertionError):
    """A claim or a bound of the notebook did not come true; raised once the reader has seen everything else."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: which claims failed. The lines of this module that raised it help no reader."""
        return [f"{type(self).__name__}: {self}"]


# ------------------------------------------------------------------------------------------------------ this machine


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_device() -> tuple[str, str]:
    """Return the kind of device that will compute, `GPU` or `CPU`, and a text that names it."""
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") and tf.config.list_physical_devices("GPU")
    gpus = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in found]
    return ("GPU", ", ".join(gpus)) if gpus else ("CPU", f"{cores()} core{'s' * (cores() != 1)}")


def _check_drawing() -> None:
    """Raise NotReady in a notebook whose Matplotlib draws nothing into it: the run would pass without a picture."""
    import matplotlib as mpl

    backend = mpl.get_backend()
    in_notebook = hasattr(entrance.shell(), "kernel")
    if in_notebook and not any(word in backend.lower() for word in ("inline", "ipympl", "nbagg", "widget")):
        raise entrance.NotReady(
            f"Matplotlib's back end is {backend!r}, which draws no pictures into a notebook.\n"
            "Unset MPLBACKEND (or set it to inline), restart the kernel, and run again from the top."
        )


# --------------------------------------------------------------------------------------------------- words and values


def format_number(value) -> str:
    """Write a measured value for a reader: four significant digits, thousands separated; other things as they are."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, numbers.Number):
        return str(value)
    if isinstance(value, numbers.Integral) or (math.isfinite(value) and value == int(value) and abs(value) >= 1000):
        return f"{int(value):,}"
    return f"{value:,.0f}" if math.isfinite(value) and abs(value) >= 10_000 else f"{value:.4g}"


def format_measured(report: dict) -> str:
    """Write the measured value of a report and, where there is one, its spread: `2.256 ± 0.0017`.

    One that was measured on a stand-in says so.
    """
    spread = report.get("spread")
    text = format_number(report["measured"]) + (f" ± {format_number(spread)}" if spread is not None else "")
    return f"{text} (stand-in)" if report.get("standin") else text


def format_bound(report: dict) -> str:
    """Write the bound that a report is held to: `at least 3`, `at most 5`, `3 to 5`, or nothing."""
    low, high = report.get("at_least"), report.get("at_most")
    if low is not None and high is not None:
        return f"{format_number(low)} to {format_number(high)}"
    if low is None and high is None:
        return ""
    return f"at least {format_number(low)}" if high is None else f"at most {format_number(high)}"


def _plain(value, label: str):
    """Turn a NumPy or Keras scalar into a Python one. Raises TypeError for anything that is not one value."""
    if value is None or isinstance(value, str | bool | int):
        return value
    try:
        scalar = value.item() if hasattr(value, "item") else float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"run.report({label!r}, ...) takes one number or a text, not {type(value).__name__}; "
            "report one value a row, for example a mean, and its spread as spread=..."
        ) from error
    return scalar if not isinstance(scalar, float) or math.isfinite(scalar) else str(scalar)


def _number(value, what: str, label: str) -> float | int | None:
    """Return a bound or a spread as a finite Python number, or None. Raises TypeError or ValueError, naming it."""
    if value is None:
        return None
    number = _plain(value, label)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"run.report({label!r}, {what}={value!r}): expected a finite number.")
    return number


def _used_data() -> dict[str, str]:
    """Return which data sets were loaded, and whether each was real: {"jena": "stand-in"}."""
    datasets = sys.modules.get("utils.datasets")  # not there: this notebook loaded no data
    return datasets.used() if datasets else {}


def _is_standin(data: str | None, always: bool, text: str) -> bool:
    """Return whether a statement is about a data set in whose place a stand-in was generated.

    Raises ValueError for a name under which nothing was loaded, and beside ``always=True``.
    """
    if data is None:
        return False
    if always:
        raise ValueError(f"{text!r}: always=True says that it holds whatever the data, data={data!r} that it does not.")
    used = _used_data()
    if data not in used:
        raise ValueError(f"{text!r}: data={data!r} was not loaded; there is {', '.join(sorted(used)) or 'nothing'}.")
    return used[data] != "real"


def _truth(condition, text: str) -> bool:
    """Return a condition as a bool. Raises TypeError unless it is one boolean.

    Anything else has a truth value too, and nearly always the wrong one: 0.5, NaN, a lambda, a generator and `np.all`
    without its call are all true.
    """
    import numpy as np

    value = np.asarray(condition)
    if value.dtype != bool or value.shape != ():
        found = f"{type(condition).__name__}" + (f" of shape {value.shape}" if value.shape else "")
        raise TypeError(
            f"the claim {text!r} got {found}, not one boolean; compare first (a < b), and use np.all(...) or "
            "np.any(...) for an array."
        )
    return bool(value)


# ------------------------------------------------------------------------------------------------------------ the run


@dataclass
class Run:
    """One execution of a notebook: its profile and device, and the claims and figures it collects. Made by `start`.

    Attributes
    ----------
    name : str
        The notebook's file name without its ending.
    seed : int
        What every random generator was seeded with; COURSE_SEED, or 42.
    profile : {"full", "quick"}
        What `pick` goes by.
    device : {"CPU", "GPU"}
        What computes; `device_name` names it.
    jit : bool
        For `model.compile(jit_compile=run.jit)`.
    """

    name: str
    seed: int
    profile: str
    device: str
    device_name: str
    versions: dict[str, str]
    started: float = field(default_factory=time.perf_counter)
    claims: dict[str, str] = field(default_factory=dict)
    reports: dict[str, dict] = field(default_factory=dict)
    finished: bool = False
    _folded: list[tuple[str, str, dict]] | None = None

    @property
    def jit(self) -> bool:
        """Whether to compile with XLA: True on a CPU, where it makes recurrent layers several times faster.

        False on a GPU, where it would close the path to cuDNN.
        """
        return self.device == "CPU"

    def pick(self, *, full, quick):
        """Return `full` in the full profile and `quick` in the quick one: the only switch a notebook uses."""
        return full if self.profile == "full" else quick

    def seeds(self, n: int) -> list[int]:
        """Return n different seeds that follow from the run's, for training the same thing n times.

        They are 1000 times the run's seed, and counted on from there: two runs share none, and a longer list begins
        with the shorter one.

        Raises
        ------
        TypeError
            If n is not a whole number.
        ValueError
            If it is not from 1 to 1000.
        """
        from utils.arguments import whole_number  # here, as it needs NumPy

        return [1000 * self.seed + k for k in range(whole_number("n", n, least=1, most=1000))]

    def progress(self, items, label: str):
        """Return the items for a `for` loop that takes long, with one line that is gone when the loop ends.

        >>> for seed in run.progress(run.seeds(5), "five LSTMs"):

        Nothing is shown in the first two seconds, or where COURSE_PROGRESS is 0.
        """
        from utils import training  # here, as it needs Keras

        return training.progress(items, label)

    def epochs(self, label: str):
        """Return a callback for one long `model.fit(..., verbose=0)`: one line, gone when the training ends."""
        from utils import training

        return training.Epochs(label)

    def claim(self, condition, text: str, *, always: bool = False, data: str | None = None) -> None:
        """State that something the notebook says is true, and print whether it is.

        Parameters
        ----------
        condition : bool
            One boolean, also of NumPy or Keras; nothing else that merely has a truth value.
        text : str
            The statement, as a reader would say it. Claiming the same text again replaces the first.
        always : bool
            For a statement that holds whatever the data and the budget (a shape, an identity): it is judged in both
            profiles. Without it the quick profile, with its small data and short training, prints "not judged".
        data : str, optional
            The data set that the statement is about, by the name in `datasets.used()`: "jena". Where a stand-in was
            generated in its place the statement is not judged, and says so; with the real file it is.

        Raises
        ------
        TypeError
            If `condition` is anything but one boolean.
        ValueError
            If `text` is empty; if `data` was not loaded, or is given together with `always`.
        ClaimError
            If the claim fails after `finish`. One that fails before is printed at once, and `finish` raises, so that
            the rest of the notebook is still seen.

        Notes
        -----
        In a cell that begins with `CHECKS_TITLE` nothing is printed until its end: then one line, or, if a claim
        failed or the cell stopped, all of them.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError("run.claim(condition, text) needs a text that says what is claimed.")
        state = self._judge(_truth(condition, text), always, _is_standin(data, always, text))
        self.claims[text] = state
        self._say(state, text, {"claims": [{"text": text, "state": state}]})

    def report(
        self,
        label: str,
        measured,
        lecture=None,
        unit: str = "",
        *,
        spread=None,
        at_least=None,
        at_most=None,
        always: bool = False,
        data: str | None = None,
    ) -> None:
        """Add a row to the closing table: what was measured, the lecture's figure, and the bound that the run enforces.

        Parameters
        ----------
        label : str
            What was measured. Reporting the same label again replaces the row.
        measured, lecture : number or str
            One value each; `lecture=None` where the lecture gives none.
        unit : str
            For example "degC" or "s"; of `measured`, `lecture`, `spread` and the bounds.
        spread : number, optional
            The scatter of `measured`: say in the label over what (seeds, days).
        at_least, at_most : number, optional
            The bound. It is judged like a claim: a figure beyond it, or one that is not a finite number, fails.
        always : bool
            As for `claim`.
        data : str, optional
            As for `claim`. Measured on a stand-in, the value is marked as such, its bound is not judged, and the
            lecture's figure is left out: the two are not to be compared.

        Raises
        ------
        TypeError
            If a value is not a single one, or a bound stands beside a text.
        ValueError
            If `label` is empty, `spread` is negative, or `at_least` is above `at_most`; for `data` as `claim`.
        ClaimError
            If the figure is out of bounds after `finish`.
        """
        if not isinstance(label, str) or not label.strip():
            raise ValueError("run.report(label, measured) needs a label.")
        standin = _is_standin(data, always, label)
        row = {
            "label": label,
            "measured": _plain(measured, label),
            "lecture": None if standin else _plain(lecture, label),
            "unit": unit,
            "spread": _number(spread, "spread", label),
            "at_least": _number(at_least, "at_least", label),
            "at_most": _number(at_most, "at_most", label),
            "state": None,
        } | ({"standin": True} if standin else {})
        if row["spread"] is not None and row["spread"] < 0:
            raise ValueError(f"run.report({label!r}, spread={spread!r}): a spread is not negative.")
        low, high = row["at_least"], row["at_most"]
        if low is not None and high is not None and low > high:
            raise ValueError(f"run.report({label!r}): at_least={low} is above at_most={high}.")
        if low is not None or high is not None:
            row["state"] = self._judge(_inside(row), always, standin)
        self.reports[label] = row
        if row["state"] == FAILED:
            text = f"{label} is {format_number(row['measured'])}, expected {format_bound(row)} {unit}".rstrip()
            self._say(FAILED, text, {"reports": [row]})
        elif self.finished:
            self._say("", f"{label}: {format_measured(row)} {unit}".rstrip(), {"reports": [row]})

    def _judge(self, true: bool, always: bool, standin: bool) -> str:
        if self.profile != "full" and not always:
            return NOT_JUDGED
        if standin:
            return ON_STANDIN
        return HELD if true else FAILED

    def _say(self, state: str, text: str, rows: dict[str, list[dict]]) -> None:
        """Print a line, or keep it for the end of a folded cell; after `finish`, store `rows` with it and raise."""
        line = f"{MARKS[state]}: {text}" if state else text
        if self._folded is not None:
            self._folded.append((state, line, rows))
        else:
            self._print(line, [rows])
        if self.finished and state == FAILED:
            raise ClaimError(f"after run.finish() of {self.name}:\n  ✗ {text}")

    def _print(self, text: str, several: list[dict[str, list[dict]]]) -> None:
        """Print; after `finish` in such a way that the rows are stored where they stand, and none goes uncounted."""
        if not self.finished:
            print(text)
            return
        late = {"notebook": self.name, "after_finish": True}
        late |= {key: [row for rows in several for row in rows.get(key, [])] for key in ("claims", "reports")}
        _show(text, metadata={RESULTS_MIME: late})

    def _begin_cell(self, info) -> None:
        """Note, before a cell runs, whether its claims fold."""
        self._folded = [] if (info.raw_cell or "").lstrip().startswith(CHECKS_TITLE) else None

    def _end_cell(self, result) -> None:
        """Print, after a cell of checks has run, one line, or all of its claims if one failed or the cell stopped."""
        folded, self._folded = self._folded, None
        if not folded:
            return
        states = [state for state, _, _ in folded]
        lines = [line for state, line, _ in folded if not state]
        if FAILED in states or not result.success:
            lines = [line for _, line, _ in folded]
        else:
            held = states.count(HELD)
            lines += [f"✓ {held} check{'s hold' if held != 1 else ' holds'}"] * (held > 0)
            for state in (NOT_JUDGED, ON_STANDIN):
                waiting = states.count(state)
                lines += [f"· {waiting} check{'s' * (waiting != 1)} {MARKS[state][2:]}"] * (waiting > 0)
        self._print("\n".join(lines), [rows for _, _, rows in folded])

    def results(self) -> dict:
        """Return everything collected so far as plain data, ready for JSON."""
        return {
            "notebook": self.name,
            "profile": self.profile,
            "seed": self.seed,
            "device": self.device,
            "device_name": self.device_name,
            "cores": cores(),
            "versions": self.versions,
            "data": _used_data(),
            "seconds": round(time.perf_counter() - self.started, 1),
            "claims": [{"text": text, "state": state} for text, state in self.claims.items()],
            "reports": list(self.reports.values()),
        }

    def finish(self) -> None:
        """Show the closing table, for readers and (as `RESULTS_MIME`) for machines; end the core of the notebook.

        Raises
        ------
        ClaimError
            If a claim or a bound failed, after the table is shown. From here on `claim` and `report` raise themselves.
        """
        results = self.results()
        _show(_closing_text(results), html=_closing_html(results), results=results)
        self.finished = True
        failed = _failures(results)
        if failed:
            raise ClaimError(
                f"{len(failed)} of {len(_states(results))} claims and bounds of {self.name} did not hold:\n"
                + "\n".join(f"  ✗ {text}" for text in failed)
            )


def _inside(row: dict) -> bool:
    """Return whether a report's measured value lies within its bounds. Raises TypeError for a text with a bound."""
    value = row["measured"]
    if value in ("nan", "inf", "-inf"):
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"run.report({row['label']!r}) has a bound but measured {value!r}, which is not a number.")
    low, high = row["at_least"], row["at_most"]
    return (low is None or value >= low) and (high is None or value <= high)


def _show(text: str, html: str | None = None, results: dict | None = None, metadata: dict | None = None) -> None:
    """Display a text in a notebook, with what a browser and a machine see beside it; print it elsewhere."""
    if entrance.shell() is None:
        print(text)
        return
    from IPython.display import display

    page, data = {"text/html": html} if html else {}, {RESULTS_MIME: results} if results else {}
    display({"text/plain": text, **page, **data}, metadata=metadata or {}, raw=True)


_CURRENT: list[Run] = []
"""The run whose cells are watched: one a kernel, as a second `start` takes the place of the first."""


def start(name: str) -> Run:
    """Seed every random generator, look at the device, print two lines about this run, and return it.

    The seed, for Python, NumPy and Keras, is COURSE_SEED, or 42 without it.

    Parameters
    ----------
    name : str
        The notebook's file name without its ending.

    Raises
    ------
    ValueError
        For an empty name, or a COURSE_PROFILE or COURSE_SEED that means nothing.
    entrance.NotReady
        If this Python cannot run the course, or its Matplotlib draws nothing into a notebook.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError("course.start(name) needs the notebook's name, for example '14_jena_forecasting'.")
    entrance.prepare()
    _check_drawing()
    import keras

    from utils import plots

    plots.use_course_style()
    seed, profile = settings.seed(), settings.profile()
    keras.utils.clear_session(free_memory=False)  # older releases keep their random generator across a new seed
    keras.utils.set_random_seed(seed)
    device, device_name = find_device()
    versions = {
        "Python": platform.python_version(),
        "TensorFlow": entrance.installed("tensorflow"),
        "Keras": keras.__version__,
        "NumPy": importlib.metadata.version("numpy"),
    }
    run = Run(name, seed, profile, device, device_name, versions)
    _watch(run)
    print(name, *(f"{package} {version}" for package, version in versions.items()), sep=" · ")
    words = "real data" if profile == "full" else "real data if on disk, else generated stand-ins"
    print(
        f"{device} ({device_name}), XLA {'on' if run.jit else 'off'}", f"{profile} profile: {words}", f"seed {seed}",
        sep=" · ",
    )  # fmt: skip
    if profile == "quick":
        _show(_QUICK_TEXT, html=_QUICK_BOX)
    return run


_QUICK_WORDS = (
    "Quick profile: small or generated data, a few seconds of training. The numbers below mean nothing, and titles and "
    "text do not fit them; the stored ones do. To measure, set COURSE_PROFILE=full and run all again."
)
_QUICK_TEXT = f"{'=' * 100}\n{_QUICK_WORDS}\n{'=' * 100}"
_QUICK_BOX = f"<div style='border: 3px solid #D55E00; padding: 0.6em 1em; font-weight: bold'>{_QUICK_WORDS}</div>"


def _watch(run: Run) -> None:
    """Let IPython tell the run where its cells begin and end, in place of the run before."""
    shell = entrance.shell()
    if shell is None:
        return
    for event, method in (("pre_run_cell", "_begin_cell"), ("post_run_cell", "_end_cell")):
        for earlier in _CURRENT:
            shell.events.unregister(event, getattr(earlier, method))
        shell.events.register(event, getattr(run, method))
    _CURRENT[:] = [run]


# ---------------------------------------------------------------------------------------------------- closing tables


def _states(results: dict) -> list[str]:
    """Return the states of all claims and bounds."""
    rows = [*results["claims"], *results["reports"]]
    return [row["state"] for row in rows if row.get("state")]


def _failures(results: dict) -> list[str]:
    """Return the claims and bounds that failed, in words."""
    failed = [claim["text"] for claim in results["claims"] if claim["state"] == FAILED]
    for row in results["reports"]:
        if row.get("state") == FAILED:
            measured = f"{format_number(row['measured'])} {row['unit']}".strip()
            failed.append(f"{row['label']} is {measured}, expected {format_bound(row)}")
    return failed


def _summary(results: dict) -> str:
    states = _states(results)
    counted = [HELD, NOT_JUDGED, *[ON_STANDIN] * (ON_STANDIN in states), FAILED]
    counts = ", ".join(f"{states.count(state)} {state}" for state in counted)
    data = "; ".join(f"{name}: {source}" for name, source in sorted(results["data"].items()))
    profile = (
        f"{results['profile']} profile, {results['seconds']:.0f} s on {results['device']} ({results['device_name']})"
    )
    return f"claims and bounds: {counts} · {profile}" + (f" · data {data}" if data else "")


_COLUMNS = (
    ("", "left", lambda row: row["label"]),
    ("lecture", "right", lambda row: format_number(row["lecture"])),
    ("measured", "right", format_measured),
    ("bound", "left", lambda row: " ".join(filter(None, [_MARK[row.get("state")], format_bound(row)]))),
    ("unit", "left", lambda row: row["unit"]),
)
_MARK = {None: "", HELD: "✓", NOT_JUDGED: "·", ON_STANDIN: "·", FAILED: "✗"}


def _table(results: dict) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return the columns (title, side) that are not empty, and the rows of the closing table."""
    rows = [[write(row) for _, _, write in _COLUMNS] for row in results["reports"]]
    filled = [k for k in range(len(_COLUMNS)) if k < 3 or any(row[k] for row in rows)]
    return [_COLUMNS[k][:2] for k in filled], [[row[k] for k in filled] for row in rows]


def _closing_text(results: dict) -> str:
    columns, rows = _table(results)
    lines = []
    if rows:
        table = [[title for title, _ in columns], *rows]
        widths = [max(len(row[k]) for row in table) for k in range(len(columns))]
        signs = ["<" if side == "left" else ">" for _, side in columns]
        lines = ["  ".join(f"{cell:{sign}{width}}" for cell, sign, width in zip(row, signs, widths)) for row in table]
        lines = [line.rstrip() for line in lines]
        lines = [lines[0], "-" * max(map(len, lines)), *lines[1:]]
    claims = [f"{MARKS[claim['state']]}: {claim['text']}" for claim in results["claims"]]
    return "\n".join([*lines, *([""] if lines and claims else []), *claims, "", _summary(results)]).strip("\n")


def _closing_html(results: dict) -> str:
    columns, rows = _table(results)
    escape = html.escape
    head = "".join(f"<th style='text-align:{side}'>{title}</th>" for title, side in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:{side}'>{escape(cell)}</td>" for cell, (_, side) in zip(row, columns))
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    claims = "".join(f"<li>{MARKS[claim['state']]}: {escape(claim['text'])}</li>" for claim in results["claims"])
    listing = f"<details><summary>{escape(_summary(results))}</summary><ul>{claims}</ul></details>"
    return table + listing


# -------------------------------------------------------------------------------------------- code that moved to utils


def show_source(*objects) -> None:
    """Show the source of functions or classes of the course, for code that a notebook taught and `utils` now keeps.

    Of each docstring the first paragraph is shown: the rest is for whoever looks it up (`help(name)`).

    Raises
    ------
    TypeError
        For an object that has no Python source, such as a number or a built-in function.
    """
    try:
        source = "\n\n".join(_shortened(inspect.getsource(item)) for item in objects)
    except (TypeError, OSError) as error:
        raise TypeError(f"show_source takes functions or classes written in Python: {error}") from error
    if entrance.shell() is None:
        print(source)
        return
    from IPython.display import display

    display({"text/plain": source, "text/markdown": f"```python\n{source}\n```"}, raw=True)


def _shortened(source: str) -> str:
    """Return Python source in which every docstring ends after its first paragraph."""
    lines = textwrap.dedent(source).rstrip().split("\n")
    nodes = ast.walk(ast.parse("\n".join(lines)))
    found = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node)]
    for node in sorted(found, key=lambda node: -node.lineno):  # from the end, so that line numbers stay right
        first, last = node.body[0].lineno - 1, node.body[0].end_lineno
        blank = next((at for at in range(first, last) if not lines[at].strip()), None)
        if blank is not None:
            lines[first:last] = [*lines[first : blank - 1], lines[blank - 1] + '"""']
    return "\n".join(lines)
