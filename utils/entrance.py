"""The entrance: what happens between a notebook's first cell and its first import.

What belongs here: finding the notebook's own clone of the course, installing what a hosted runtime lacks, and judging
whether this Python can run the course. Only the standard library is imported at the top, since the packages of
`requirements.txt` may not be there yet.
"""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from utils import COURSE_ROOT, settings

HOSTS = {"COLAB_RELEASE_TAG": "Colab", "KAGGLE_KERNEL_RUN_TYPE": "Kaggle", "BINDER_SERVICE_HOST": "Binder"}
"""Environment variables that only a hosted runtime sets, and the runtime's name."""

NEVER_INSTALLED = ("tensorflow", "keras", "numpy")
"""A hosted runtime has these built for its own drivers; the course takes them as they are, or says what is wrong."""

TENSORFLOWS = ("tensorflow", "tensorflow-cpu", "tensorflow-rocm", "tensorflow-macos", "tf-nightly")
"""Distributions that bring the package `tensorflow`."""


class NotReady(RuntimeError):
    """The Python at hand cannot run the course: the message says what is wrong and, in a second line, what to do."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the message. Where it was raised in `utils` helps no reader."""
        return [f"{type(self).__name__}: {self}"]


def enter() -> None:
    """Put the notebook's own clone of the course first, and make this Python ready; the first cell calls it.

    Calling it again changes nothing: modules that are loaded stay loaded.

    Raises
    ------
    NotReady
        As `prepare`.
    """
    own = own_course()
    if own is None or own == COURSE_ROOT:
        prepare()
        return
    # The notebook of one clone was opened with the environment of another: its own utils belong to it.
    sys.path.insert(0, str(own))
    for name in [name for name in sys.modules if name.split(".")[0] == "utils"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    importlib.import_module("utils.entrance").prepare()


# ------------------------------------------------------------------------------------------------ which clone it is


def own_course() -> Path | None:
    """Return the course folder in which the running notebook lies, or None where nothing tells its path.

    The front end says where the notebook is (JupyterLab, VS Code), or the program that started the kernel has the
    path on its command line (papermill). The folder in which the kernel runs says nothing: papermill leaves it where
    it was called.
    """
    for path in _notebook_paths():
        for folder in path.absolute().parents:
            if (folder / "utils" / "entrance.py").is_file() and (folder / "data" / "registry.toml").is_file():
                return folder.resolve()
    return None


def _notebook_paths() -> Iterator[Path]:
    """Yield what may be the path of the running notebook, the likeliest first; only files that exist."""
    running = shell()
    words = [getattr(running, "user_ns", {}).get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")]
    if running is not None:
        with contextlib.suppress(Exception):  # psutil comes with ipykernel; what it may read differs by system
            caller = importlib.import_module("psutil").Process().parent()
            words += [os.path.join(caller.cwd(), word) for word in caller.cmdline()[1:]]
    for word in words:
        if word and str(word).endswith(".ipynb") and os.path.isfile(word):
            yield Path(word)


def shell():
    """Return the running IPython shell, or None in a plain script."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


# --------------------------------------------------------------------------------------------- what has to be there


def host() -> str | None:
    """Return the name of the hosted runtime this is (`Colab`, `Kaggle` or `Binder`), or None on a reader's machine."""
    return next((name for variable, name in HOSTS.items() if os.environ.get(variable)), None)


def requirements(part: str | None = None) -> list[str]:
    """Return the requirement lines of requirements.txt, of all parts or of one: `notebooks` or `tools`."""
    text = (COURSE_ROOT / "requirements.txt").read_text(encoding="utf-8")
    if part is not None:
        text = text.split(f"# [{part}]", 1)[1].split("\n", 1)[1].split("\n# [", 1)[0]
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def split_requirement(line: str) -> tuple[str, str]:
    """Return name and version range of a requirement line: `keras>=3.8,<4` gives `("keras", ">=3.8,<4")`."""
    name = re.match(r"[A-Za-z0-9._-]+", line)[0]
    return name, line[len(name) :].strip()


def installed(name: str) -> str | None:
    """Return the version of an installed distribution, or None. `tensorflow` is any build that brings TensorFlow."""
    for candidate in TENSORFLOWS if name == "tensorflow" else (name,):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(candidate)
    return None


def within(version: str, bounds: str) -> bool:
    """Return whether a version lies in a range such as `>=3.8,<4`; only `>=` and `<` are known.

    The standard library cannot compare versions, and `packaging` may be what is missing. Only the leading numbers
    count, so that a release candidate passes as its release.
    """

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(map(int, re.match(r"\d+(?:\.\d+)*", text)[0].split(".")))

    for bound in filter(None, bounds.split(",")):
        sign, limit = re.fullmatch(r"(>=|<)(.+)", bound.strip()).groups()
        if (numbers(version) >= numbers(limit)) != (sign == ">="):
            return False
    return True


def install_missing() -> list[str]:
    """Install what the notebooks import and this Python lacks; return the requirements that were installed.

    TensorFlow, Keras and NumPy are never installed, and a constraint holds every package that is there at its version,
    so that no dependency replaces one either.

    Raises
    ------
    NotReady
        If the installation fails, with pip's last lines.
    """
    missing, present = [], []
    for line in requirements("notebooks"):
        name, _ = split_requirement(line)
        version = installed(name)
        if version is not None:
            present.append(f"{name}=={version}")
        elif name not in NEVER_INSTALLED:
            missing.append(line)
    if not missing:
        return []
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "held.txt")
        held.write_text("\n".join(present), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(held), *missing]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise NotReady(f"pip could not install {', '.join(missing)}. Is the network on? Its last lines:\n{tail}")
    importlib.invalidate_caches()
    return missing


def prepare() -> None:
    """Make this Python ready for a notebook's imports: install what a hosted runtime lacks, load Keras without noise.

    Raises
    ------
    NotReady
        If TensorFlow or Keras is missing or too old, the backend is not TensorFlow, or Keras does not compute in
        float32; with what to do.
    ValueError
        For a COURSE_PROFILE or COURSE_SEED that means nothing.
    """
    settings.profile()  # a misspelt variable should be known now, not after a download
    settings.seed()
    if host() is not None and (new := install_missing()):
        print("installed:", ", ".join(new))
    _check_versions()
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise NotReady(
            f"KERAS_BACKEND is {backend!r}; the notebooks run on TensorFlow only.\n"
            "Unset KERAS_BACKEND (or set it to tensorflow), restart the kernel, and run this cell again."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").addFilter(_is_no_retracing_advice)
    with quiet_stderr():
        import keras

        _wake_device()
    if keras.backend.backend() != "tensorflow" or keras.config.floatx() != "float32":
        raise NotReady(
            f"Keras runs on {keras.backend.backend()} in {keras.config.floatx()}; the course's tolerances are those of "
            "tensorflow in float32.\nCorrect ~/.keras/keras.json or what set it before this cell, and restart the "
            "kernel."
        )


def _is_no_retracing_advice(record: logging.LogRecord) -> bool:
    """Tell TensorFlow's advice on retracing from other log lines.

    Its detector takes the predict functions of all Keras models for one function, so that the fifth small model of a
    notebook already "triggers retracing" although each was traced once.
    """
    return "triggered tf.function retracing" not in record.getMessage()


def _check_versions() -> None:
    """Raise NotReady unless Python, TensorFlow, Keras and NumPy are in the ranges of requirements.txt."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise NotReady(f"this is Python {platform.python_version()}; the course needs 3.11, 3.12 or 3.13.\n{_ADVICE}")
    ranges = dict(map(split_requirement, requirements("notebooks")))
    for name in NEVER_INSTALLED:
        version = installed(name)
        if version is None or importlib.util.find_spec(name) is None:
            raise NotReady(f"{name} is not installed in this Python ({platform.python_version()}).\n{_ADVICE}")
        if not within(version, ranges[name]):
            raise NotReady(f"{name} is {version}; the course needs {name}{ranges[name]}.\n{_ADVICE}")


_ADVICE = "In the course's folder run 'make lab'; elsewhere: pip install -r requirements.txt, then restart the kernel."


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
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


def _wake_device() -> None:
    """Start TensorFlow's devices once, so that what they say of themselves is said while stderr is held back."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        # Several notebooks run side by side: none may take the whole card.
        with contextlib.suppress(RuntimeError):  # already running, which is fine
            tf.config.experimental.set_memory_growth(gpu, True)
    on_cpu = not tf.config.list_physical_devices("GPU")
    tf.function(tf.reduce_sum, jit_compile=on_cpu)(tf.ones((2, 2)))  # XLA introduces itself at its first compilation
