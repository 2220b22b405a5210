"""What every notebook starts and ends with: device, seeds, profile, claims and reports.

What belongs here: things each notebook needs before its first idea and after its last. Only the standard
library is imported at the top, so that the first cell works before anything is installed.

>>> run = course.start("14_jena_forecasting")
>>> epochs = run.pick(full=20, quick=1)
>>> run.claim(gru_error < naive_error, "the GRU beats the naive forecast")
>>> run.report("GRU, test error", gru_error, lecture=2.35, unit="degC")
>>> run.finish()
"""

import contextlib
import html
import importlib
import importlib.metadata
import importlib.util
import inspect
import math
import numbers
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from utils import COURSE_ROOT, settings

RESULTS_MIME = "application/vnd.course.results+json"
"""The MIME type under which `Run.finish` stores its table for machines (`python -m utils results` reads it)."""

HELD, NOT_JUDGED, FAILED = "held", "not judged", "failed"
MARKS = {HELD: "✓ held", NOT_JUDGED: "· not judged in quick", FAILED: "✗ FAILED"}


class ClaimError(AssertionError):
    """A claim of the notebook did not come true. Raised by `Run.finish`, after the table is shown."""


# ------------------------------------------------------------------------------------------- before the first import


def in_colab() -> bool:
    """Return True inside Google Colab."""
    try:
        importlib.import_module("google.colab")
    except ImportError:
        return False
    return True


def requirements(only_notebooks: bool = False) -> list[str]:
    """Return the requirement lines of requirements.txt, all or those of its `[notebooks]` part."""
    text = (COURSE_ROOT / "requirements.txt").read_text(encoding="utf-8")
    if only_notebooks:
        text = text.split("# [notebooks]", 1)[1].split("# [tools]", 1)[0].split("\n", 1)[1]
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def install_missing() -> list[str]:
    """Install what the notebooks import and this Python lacks; return the requirements that were installed.

    TensorFlow, Keras and NumPy are never installed again: where they are present (Colab has them built for its own
    drivers) a constraint holds each installed package at its version, so a dependency cannot replace it either.
    Raises RuntimeError with pip's last lines if the installation fails.
    """
    missing, present = [], []
    for requirement in requirements(only_notebooks=True):
        name = requirement.split(">", 1)[0].split("=", 1)[0].strip()
        try:
            present.append(f"{name}=={importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(requirement)
    if not missing:
        return []
    with tempfile.TemporaryDirectory() as folder:
        constraints = os.path.join(folder, "constraints.txt")
        with open(constraints, "w", encoding="utf-8") as file:
            file.write("\n".join(present))
        command = [sys.executable, "-m", "pip", "install", "-q", "-c", constraints, *missing]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise RuntimeError(f"pip could not install {', '.join(missing)}. Its last lines:\n{tail}")
    importlib.invalidate_caches()
    return missing


@contextlib.contextmanager
def _quiet_stderr():
    """Hold back what native code writes to file descriptor 2; show it after all if the body raises.

    TensorFlow reports oneDNN and absent CUDA drivers before any of its log settings are read, and a Jupyter kernel
    copies descriptor 2 into the notebook. On a CPU there is nothing to act on in those lines.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        keep = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(keep, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(keep, 2)
            os.close(keep)


def prepare() -> None:
    """Make this Python ready for the notebook's imports: in Colab install what is missing; load Keras without noise.

    The first cell of every notebook calls it. Raises ModuleNotFoundError with the command to run if TensorFlow or
    Keras is not installed, and ValueError for a COURSE_PROFILE that is neither `full` nor `quick`.
    """
    settings.profile()  # a misspelt profile should be known now, not after a download
    if in_colab():
        installed = install_missing()
        if installed:
            print("installed:", ", ".join(installed))
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for module in (os.environ["KERAS_BACKEND"], "keras"):
        if importlib.util.find_spec(module) is None:
            raise ModuleNotFoundError(
                f"{module!r} is not installed in this Python ({platform.python_version()}). In the course folder run "
                "'make lab', or install the list yourself: pip install -r requirements.txt"
            )
    with _quiet_stderr():
        import keras  # noqa: F401

        _wake_device()


def _wake_device() -> None:
    """Start TensorFlow's devices once, so that what they say of themselves is said while stderr is held back."""
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        return
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        # Several notebooks run side by side: none may take the whole card.
        with contextlib.suppress(RuntimeError):  # already running, which is fine
            tf.config.experimental.set_memory_growth(gpu, True)
    on_cpu = not tf.config.list_physical_devices("GPU")
    tf.function(tf.reduce_sum, jit_compile=on_cpu)(tf.ones((2, 2)))  # XLA introduces itself at its first compilation


# ---------------------------------------------------------------------------------------------------------- the run


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_device() -> tuple[str, str]:
    """Return the kind of device that will compute, `GPU` or `CPU`, and a text that names it."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    gpus = []
    if backend == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") and tf.config.list_physical_devices("GPU")
        gpus = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in found]
    elif backend == "jax":
        import jax

        gpus = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    elif backend == "torch":
        import torch

        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ("GPU", ", ".join(gpus)) if gpus else ("CPU", f"{cores()} cores")


def format_number(value) -> str:
    """Write a measured value for a reader: four significant digits, thousands separated."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, numbers.Number):
        return str(value)
    if isinstance(value, numbers.Integral) or (math.isfinite(value) and value == int(value) and abs(value) >= 1000):
        return f"{int(value):,}"
    return f"{value:,.0f}" if math.isfinite(value) and abs(value) >= 10_000 else f"{value:.4g}"


def _plain(value, label: str):
    """Turn a NumPy or Keras scalar into a Python one. Raises TypeError for anything that is not one value."""
    if value is None or isinstance(value, str | bool | int):
        return value
    try:
        scalar = value.item() if hasattr(value, "item") else float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"run.report({label!r}, ...) takes one number or a text, not {type(value).__name__}; "
            "report one value a row, for example a mean and a spread."
        ) from error
    return scalar if not isinstance(scalar, float) or math.isfinite(scalar) else str(scalar)


@dataclass
class Run:
    """One execution of a notebook: its profile and device, and the claims and figures it collects.

    Made by `start`. Attributes for notebooks: `profile` ("full" or "quick"), `seed`, `device` ("CPU" or "GPU"), and
    `jit`, for `model.compile(jit_compile=run.jit)`: XLA on a CPU, where it makes recurrent layers several times
    faster; off on a GPU, where it would close the path to cuDNN.
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

    @property
    def jit(self) -> bool:
        """Whether to compile with XLA: True on a CPU, False on a GPU."""
        return self.device == "CPU"

    def pick(self, *, full, quick):
        """Return `full` in the full profile and `quick` in the quick one: the only switch a notebook uses."""
        return full if self.profile == "full" else quick

    def claim(self, condition, text: str, *, always: bool = False) -> None:
        """State that something the notebook says is true, and print whether it is.

        condition : one truth value (bool, or a NumPy or Keras scalar).
        text : the statement, as a reader would say it. Running the same claim again replaces it.
        always : True for a statement that holds whatever the data and the budget (a shape, an identity, exact
            arithmetic): it is judged in both profiles. Without it the quick profile, with its small data and short
            training, prints "not judged".

        A claim that fails is printed at once, and `finish` raises `ClaimError`, so that the rest of the notebook is
        still seen. Raises TypeError if `condition` is not a single truth value, ValueError if `text` is empty.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError("run.claim(condition, text) needs a text that says what is claimed.")
        if getattr(condition, "ndim", 0) or isinstance(condition, str | list | tuple | dict) or condition is None:
            raise TypeError(
                f"the claim {text!r} got {type(condition).__name__} instead of one truth value; "
                "compare first, and use np.all(...) or np.any(...) for an array."
            )
        judged = always or self.profile == "full"
        state = NOT_JUDGED if not judged else HELD if bool(condition) else FAILED
        self.claims[text] = state
        print(f"{MARKS[state]}: {text}")

    def report(self, label: str, measured, lecture=None, unit: str = "") -> None:
        """Add a row to the closing table: what was measured, beside the lecture's figure.

        measured, lecture : a number or a short text; `lecture=None` where the lecture gives none.
        unit : for example "degC" or "s". Reporting the same label again replaces the row.
        """
        if not isinstance(label, str) or not label.strip():
            raise ValueError("run.report(label, measured) needs a label.")
        self.reports[label] = {
            "label": label,
            "measured": _plain(measured, label),
            "lecture": _plain(lecture, label),
            "unit": unit,
        }

    def results(self) -> dict:
        """Return everything collected so far as plain data, ready for JSON."""
        loaders = sys.modules.get("utils.datasets.loaders")  # not there: this notebook loaded no data
        return {
            "notebook": self.name,
            "profile": self.profile,
            "seed": self.seed,
            "device": self.device,
            "device_name": self.device_name,
            "versions": self.versions,
            "data": loaders.used() if loaders else {},
            "seconds": round(time.perf_counter() - self.started, 1),
            "claims": [{"text": text, "state": state} for text, state in self.claims.items()],
            "reports": list(self.reports.values()),
        }

    def finish(self) -> None:
        """Show the closing table, for readers and (as `RESULTS_MIME`) for machines. Raises ClaimError if any failed."""
        results = self.results()
        text, page = _closing_text(results), _closing_html(results)
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is None:
            print(text)
        else:
            from IPython.display import display

            display({"text/plain": text, "text/html": page, RESULTS_MIME: results}, raw=True)
        failed = [claim for claim, state in self.claims.items() if state == FAILED]
        if failed:
            raise ClaimError(
                f"{len(failed)} of {len(self.claims)} claims of {self.name} did not hold:\n"
                + "\n".join(f"  ✗ {claim}" for claim in failed)
            )


def start(name: str, seed: int = 42) -> Run:
    """Seed every random generator, look at the device, print two lines about this run, and return it.

    name : the notebook's file name without its ending.
    seed : for Python, NumPy and Keras (`keras.utils.set_random_seed`).

    Raises ValueError for an empty name or a wrong COURSE_PROFILE.
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError("course.start(name) needs the notebook's name, for example '14_jena_forecasting'.")
    prepare()
    import keras

    from utils import plots

    plots.use_course_style()
    keras.utils.clear_session(free_memory=False)  # older releases keep their random generator across a new seed
    keras.utils.set_random_seed(seed)
    profile = settings.profile()
    device, device_name = find_device()
    backend = keras.backend.backend()
    versions = {
        "Python": platform.python_version(),
        {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[backend]: importlib.metadata.version(backend),
        "Keras": keras.__version__,
        "NumPy": importlib.metadata.version("numpy"),
    }
    run = Run(name, seed, profile, device, device_name, versions)
    print(name, *(f"{package} {version}" for package, version in versions.items()), sep=" · ")
    print(
        f"{device} ({device_name}), XLA {'on' if run.jit else 'off'}", _profile_text(profile), f"seed {seed}", sep=" · "
    )
    return run


def _profile_text(profile: str) -> str:
    """Say in a few words what the profile means for data and claims."""
    if profile == "quick":
        return "quick profile: real data if on disk, else generated stand-ins; claims about quality are not judged"
    permitted = sorted(settings.permitted_standins())
    return "full profile: real data" + (f"; stand-in permitted for {', '.join(permitted)}" if permitted else "")


def _summary(results: dict) -> str:
    states = [claim["state"] for claim in results["claims"]]
    counts = ", ".join(f"{states.count(state)} {state}" for state in (HELD, NOT_JUDGED, FAILED))
    data = "; ".join(f"{name}: {source}" for name, source in sorted(results["data"].items()))
    profile = (
        f"{results['profile']} profile, {results['seconds']:.0f} s on {results['device']} ({results['device_name']})"
    )
    return f"claims: {counts} · {profile}" + (f" · data {data}" if data else "")


def _rows(results: dict) -> list[tuple[str, str, str, str]]:
    return [
        (r["label"], format_number(r["lecture"]), format_number(r["measured"]), r["unit"]) for r in results["reports"]
    ]


def _closing_text(results: dict) -> str:
    rows = [("", "lecture", "measured", "unit"), *_rows(results)]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in rows]
    table = [*lines[:1], "-" * max(len(line) for line in lines), *lines[1:]] if len(rows) > 1 else []
    claims = [f"{MARKS[claim['state']]}: {claim['text']}" for claim in results["claims"]]
    return "\n".join([*table, *([""] if table and claims else []), *claims, "", _summary(results)]).strip("\n")


def _closing_html(results: dict) -> str:
    escape = html.escape
    head = "".join(f"<th style='text-align:{side}'>{title}</th>" for title, side in _COLUMNS)
    rows = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:{side}'>{escape(cell)}</td>" for cell, (_, side) in zip(row, _COLUMNS))
        + "</tr>"
        for row in _rows(results)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    claims = "".join(f"<li>{MARKS[claim['state']]}: {escape(claim['text'])}</li>" for claim in results["claims"])
    listing = f"<details><summary>{escape(_summary(results))}</summary><ul>{claims}</ul></details>"
    return table + listing


_COLUMNS = (("", "left"), ("lecture", "right"), ("measured", "right"), ("unit", "left"))


# -------------------------------------------------------------------------------------------- code that moved to utils


def show_source(*objects) -> None:
    """Show the source of functions or classes of the course, for code that a notebook taught and `utils` now keeps.

    Raises TypeError for an object that has no Python source, such as a number or a built-in function.
    """
    try:
        source = "\n\n".join(inspect.getsource(item).rstrip() for item in objects)
    except (TypeError, OSError) as error:
        raise TypeError(f"show_source takes functions or classes written in Python: {error}") from error
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        print(source)
    else:
        from IPython.display import display

        display({"text/plain": source, "text/markdown": f"```python\n{source}\n```"}, raw=True)
