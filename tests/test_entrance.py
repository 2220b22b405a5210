"""The entrance finds the right clone, fetches it where there is none, and says what a Python lacks for the course."""

import ast
import importlib.metadata
import json
import shutil
import subprocess
import types
from pathlib import Path

import pytest
from kernels import SHOWS_HOME, call, nbval, small_notebook

from utils import COURSE_ROOT, entrance
from utils.cli import notebooks

HERE = f"course at {COURSE_ROOT}"
OUTSIDE = """import os, sys
sys.path = [p for p in sys.path if p and not os.path.isfile(p + "/utils/entrance.py")]"""
"""Code after which nothing on sys.path leads to a course, as with a Python installed elsewhere."""


def run_cell(tmp_path, cwd, before="", after=SHOWS_HOME, **environment):
    """Execute the first cell as a plain script in `cwd`, then say where `utils` came from."""
    script = tmp_path / "cell.py"
    script.write_text(f"{before}\n{notebooks.first_cell()}\n{after}\n", encoding="utf-8")
    return call(script, cwd=cwd, **environment)


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def clone(tmp_path):
    """A second clone of the course, as small as an entrance needs, whose own entrance only says that it is there."""
    folder = tmp_path / "clone"
    (folder / "notebooks").mkdir(parents=True)
    shutil.copytree(COURSE_ROOT / "utils", folder / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data").mkdir()
    shutil.copy(COURSE_ROOT / "data" / "registry.toml", folder / "data")
    shutil.copy(COURSE_ROOT / "requirements.txt", folder)
    path = folder / "utils" / "entrance.py"
    text = path.read_text(encoding="utf-8")
    assert text.count("    settings.profile()  #") == 1
    path.write_text(text.replace("    settings.profile()  #", "    return  #"), encoding="utf-8")  # Keras is not asked
    return folder


# --------------------------------------------------------------------------------------------------- the cell itself


def test_the_first_cell_is_at_most_ten_lines_of_88_columns():
    source = notebooks.first_cell()
    ast.parse(source)
    assert source.startswith("# @title ")
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
    assert max(map(len, source.splitlines())) <= 88


@pytest.mark.parametrize("owner", ["ada", "an-owner-with-a-name-of-forty-characters"])
def test_a_stamped_first_cell_is_as_ruff_wants_it(owner, tmp_path):
    """Whatever address is stamped, `make lint` of that clone still passes."""
    url = f"https://github.com/{owner}/a-recurrent-network-course.git"
    notebook = notebooks.read(small_notebook(tmp_path / "01_small.ipynb"))
    notebook.cells[0].source = notebooks.first_cell(url, "feature/a-branch-with-a-name")
    notebooks.write(notebook, tmp_path / "01_small.ipynb")
    for words in (["check", "--select=E,F,I", "--ignore=E402"], ["format", "--check"]):
        options = ["--isolated", "--no-cache", "--line-length=88", "--target-version=py311"]
        done = call("-m", "ruff", *words, *options, tmp_path / "01_small.ipynb", cwd=tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", [".", "notebooks", "build/handouts"])
def test_found_from_the_course_its_notebooks_and_its_handouts(folder, tmp_path, clone):
    (clone / folder).mkdir(parents=True, exist_ok=True)
    done = run_cell(tmp_path, clone / folder, before=OUTSIDE)
    assert f"course at {clone}" in done.stdout, done.stderr
    assert done.stderr == ""


def test_found_from_any_folder_by_the_editable_install(tmp_path, empty):
    done = run_cell(tmp_path, empty)
    assert HERE in done.stdout, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("stray", ["utils.py", "utils/__init__.py"])
def test_a_stray_utils_in_the_way_loses(stray, tmp_path, clone, empty):
    (empty / stray).parent.mkdir(exist_ok=True)
    (empty / stray).write_text("raise RuntimeError('the stray one')\n", encoding="utf-8")
    done = run_cell(tmp_path, empty, before=f"{OUTSIDE}\nsys.path[:0] = [{str(empty)!r}, {str(clone)!r}]")
    assert f"course at {clone}" in done.stdout, done.stderr


def test_running_the_cell_again_keeps_live_objects(tmp_path, clone):
    """Functions and classes of before still are those of after: isinstance and pickles go on working."""
    again = (
        f"import utils.course as before\n{notebooks.first_cell()}\nfrom utils import course\nprint(before is course)"
    )
    done = run_cell(tmp_path, clone, after=again)
    assert done.stdout.strip() == "True", done.stderr


# -------------------------------------------------------------------------------------------------- a bare runtime


@pytest.fixture
def published(clone):
    """The clone as a repository with a branch `main` and another, `v2`, as a hosted runtime would fetch it."""
    git = ["git", "-C", str(clone), "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "course"], ["branch", "v2"]):
        subprocess.run([*git, *words], check=True)
    return f"file://{clone}"


def test_a_bare_runtime_fetches_the_course_once(published, tmp_path, empty):
    for _ in range(2):  # the second time it is there
        done = run_cell(tmp_path, empty, before=OUTSIDE, COURSE_URL=published)
        assert f"course at {empty / 'course'}" in done.stdout, done.stderr
        assert done.stderr == ""


def test_the_stamped_branch_is_fetched(published, tmp_path, empty):
    cell = notebooks.first_cell(branch="v2")
    script = tmp_path / "cell.py"
    script.write_text(f"{OUTSIDE}\n{cell}", encoding="utf-8")
    call(script, cwd=empty, COURSE_URL=published)
    head = subprocess.run(["git", "-C", empty / "course", "branch", "--show-current"], capture_output=True, text=True)
    assert head.stdout.strip() == "v2"


def test_without_an_address_two_lines_say_so(tmp_path, empty):
    done = run_cell(tmp_path, empty, before=OUTSIDE)
    assert done.returncode == 1
    git, first, second = done.stderr.splitlines()
    assert notebooks.NO_ADDRESS in git and notebooks.NO_ADDRESS in first and "COURSE_URL" in second
    assert list(empty.iterdir()) == []


def test_a_wrong_address_is_named(tmp_path, empty):
    done = run_cell(tmp_path, empty, before=OUTSIDE, COURSE_URL=f"file://{tmp_path}/nothing")
    assert done.returncode == 1
    *git, first, second = done.stderr.splitlines()
    assert f"file://{tmp_path}/nothing" in first and "COURSE_URL" in second
    assert "Traceback" not in "".join(git)


def test_where_the_course_is_nothing_is_fetched(published, clone, tmp_path, empty):
    done = run_cell(tmp_path, empty, before=f"{OUTSIDE}\nsys.path.append({str(clone)!r})", COURSE_URL=published)
    assert f"course at {clone}" in done.stdout, done.stderr
    assert not (empty / "course").exists()


# -------------------------------------------------------------------------------- tools, and which clone they mean


@pytest.fixture
def notebook(clone):
    """A notebook in another clone than the one whose environment runs it."""
    return small_notebook(clone / "notebooks" / "01_small.ipynb", SHOWS_HOME)


def test_papermill_from_any_folder_runs_the_notebooks_own_clone(notebook, clone, empty):
    (empty / "utils.py").write_text("raise RuntimeError('the stray one')\n", encoding="utf-8")
    out = empty / "out.ipynb"
    done = call("-m", "papermill", notebook, out, "-k", "python3", cwd=empty, JUPYTER_PREFER_ENV_PATH="1")
    assert done.returncode == 0, done.stderr
    assert f"course at {clone}" in out.read_text(encoding="utf-8")


def test_nbconvert_from_any_folder_runs_the_notebooks_own_clone(notebook, clone, empty):
    words = ("-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", empty, "--output", "out", notebook)
    done = call(*words, cwd=empty)
    assert done.returncode == 0, done.stderr
    assert f"course at {clone}" in (empty / "out.ipynb").read_text(encoding="utf-8")


def test_nbval_from_any_folder(notebook, empty):
    done = nbval(notebook, cwd=empty)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("front_end", ["JupyterLab", "VS Code"])
def test_the_front_end_says_which_clone(front_end, notebook, clone, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if front_end == "JupyterLab":
        monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    else:
        shell = types.SimpleNamespace(user_ns={"__vsc_ipynb_file__": str(notebook)})
        monkeypatch.setattr(entrance, "shell", lambda: shell)
    assert entrance.own_course() == clone


def test_a_notebook_outside_any_course_belongs_to_none(tmp_path, monkeypatch):
    path = tmp_path / "mine.ipynb"
    path.touch()
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert entrance.own_course() is None


# ----------------------------------------------------------------------------------------- what this Python must have


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("3.8.0", ">=3.8,<4", True),
        ("3.15.1", ">=3.8,<4", True),
        ("3.7.9", ">=3.8,<4", False),
        ("2.15.0", ">=3.8,<4", False),
        ("4.0", ">=3.8,<4", False),
        ("3.10.0rc1", ">=3.8,<4", True),
        ("2.0.0", ">=2.0,<3", True),
        ("1.26.4", ">=2.0,<3", False),
        ("9", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version, bounds, fits):
    assert entrance.within(version, bounds) is fits


def test_requirements_are_read_in_their_two_parts():
    names = [entrance.split_requirement(line)[0] for line in entrance.requirements("notebooks")]
    assert {"tensorflow", "keras", "numpy"} <= set(names)
    assert "pytest" not in names
    assert entrance.requirements() == entrance.requirements("notebooks") + entrance.requirements("tools")


def pretend(monkeypatch, **versions):
    """Let these distributions be installed in these versions, None for one that is missing; others as they are."""
    really = importlib.metadata.version

    def version(name):
        if name.replace("-", "_") in versions:
            if versions[name.replace("-", "_")] is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions[name.replace("-", "_")]
        return really(name)

    monkeypatch.setattr(entrance.importlib.metadata, "version", version)


def test_tensorflow_cpu_counts_as_tensorflow(monkeypatch):
    pretend(monkeypatch, tensorflow=None, tensorflow_cpu="2.19.0")
    assert entrance.installed("tensorflow") == "2.19.0"
    entrance._check_versions()


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ({"keras": "2.15.0"}, r"keras is 2\.15\.0; the course needs keras>=.*\nIn the course's folder run 'make lab'"),
        ({"tensorflow": "2.12.0"}, r"tensorflow is 2\.12\.0"),
        ({"numpy": "1.26.4"}, r"numpy is 1\.26\.4"),
        ({"keras": None}, "keras is not installed"),
    ],
)
def test_what_is_too_old_or_missing_is_named_with_what_to_do(versions, message, monkeypatch):
    pretend(monkeypatch, **versions)
    with pytest.raises(entrance.NotReady, match=message):
        entrance.prepare()


def test_another_backend_is_refused_before_keras_is_loaded(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(entrance.NotReady, match=r"KERAS_BACKEND is 'jax'.*\nUnset KERAS_BACKEND"):
        entrance.prepare()


def test_a_float16_keras_is_refused(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "float16"}), encoding="utf-8")
    code = "from utils import entrance; entrance.prepare()"
    done = call("-c", code, cwd=COURSE_ROOT, KERAS_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "float16" in done.stderr and "float32" in done.stderr


def test_a_misspelt_variable_is_named_before_anything_is_loaded(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'full' or 'quick'"):
        entrance.prepare()


def test_in_a_notebook_the_error_is_its_message():
    assert entrance.NotReady("too old.\nDo this.")._render_traceback_() == ["NotReady: too old.\nDo this."]


MODELS = """
import logging, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, keras
{before}
said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger("tensorflow").addHandler(handler)
for width in range(1, 7):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(width)])
    model.predict_on_batch(np.zeros((1, 2), "float32"))
logging.getLogger("tensorflow").warning("anything else")
print(sum("retracing" in line for line in said), said[-1])
"""


@pytest.mark.parametrize("before, silent", [("", False), ("from utils import entrance; entrance.prepare()", True)])
def test_six_models_are_no_retracing_and_other_warnings_stay(before, silent, tmp_path):
    script = tmp_path / "models.py"
    script.write_text(MODELS.format(before=before), encoding="utf-8")
    count, last = call(script, cwd=COURSE_ROOT).stdout.strip().splitlines()[-1].split(" ", 1)
    assert (int(count) == 0) == silent  # without the entrance TensorFlow does warn, or the filter is no longer needed
    assert last == "anything else"


def test_what_native_code_says_is_shown_after_all_when_the_body_fails():
    code = """
import os
from utils import entrance
with entrance.quiet_stderr():
    os.write(2, b"cannot open shared object")
    raise ImportError("no TensorFlow")
"""
    done = call("-c", code, cwd=COURSE_ROOT)
    assert done.returncode == 1
    assert "cannot open shared object" in done.stderr


# ------------------------------------------------------------------------------------------ what a host is given


def pip(monkeypatch, returncode=0, says=""):
    """Take the place of pip; return the list of (words, what was held) that fills up as it is called."""
    calls = []

    def run(command, **_):
        calls.append((command, Path(command[command.index("--constraint") + 1]).read_text(encoding="utf-8").split()))
        return subprocess.CompletedProcess(command, returncode, "", says)

    monkeypatch.setattr(entrance.subprocess, "run", run)
    return calls


def test_only_missing_packages_are_installed_and_present_ones_are_held(monkeypatch):
    pretend(monkeypatch, pooch=None, tensorflow=None, tensorflow_cpu="2.18.0", keras="3.8.0", numpy="2.0.0")
    calls = pip(monkeypatch)
    assert [entrance.split_requirement(line)[0] for line in entrance.install_missing()] == ["pooch"]
    [(command, held)] = calls
    asked = [word for word in command if ">=" in word]
    assert [entrance.split_requirement(word)[0] for word in asked] == ["pooch"]
    assert {"tensorflow==2.18.0", "keras==3.8.0", "numpy==2.0.0"} <= set(held)


def test_tensorflow_keras_and_numpy_are_never_installed(monkeypatch):
    pretend(monkeypatch, **{name.replace("-", "_"): None for name in entrance.TENSORFLOWS}, keras=None, numpy=None)
    monkeypatch.setattr(entrance.subprocess, "run", lambda *a, **k: pytest.fail("pip was called"))
    assert entrance.install_missing() == []


def test_a_failed_installation_shows_what_pip_said(monkeypatch):
    pretend(monkeypatch, pooch=None)
    pip(monkeypatch, 1, "ERROR: no matching distribution")
    with pytest.raises(entrance.NotReady, match=r"(?s)pooch.*no matching distribution"):
        entrance.install_missing()


@pytest.mark.parametrize(
    ("variable", "asked"), [("COLAB_RELEASE_TAG", True), ("KAGGLE_KERNEL_RUN_TYPE", True), ("OTHER", False)]
)
def test_only_a_host_is_installed_into(variable, asked, monkeypatch, capsys):
    """On a reader's own machine nothing is installed unasked."""
    for name in entrance.HOSTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "x")
    monkeypatch.setattr(entrance, "install_missing", lambda: ["pooch>=1.8"])
    monkeypatch.setattr(entrance, "_check_versions", lambda: (_ for _ in ()).throw(entrance.NotReady("stop here")))
    with pytest.raises(entrance.NotReady, match="stop here"):
        entrance.prepare()
    assert ("installed: pooch" in capsys.readouterr().out) is asked
