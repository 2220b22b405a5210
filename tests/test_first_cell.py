"""The first cell finds the course: from any folder, before any stray `utils`, and in Colab by cloning it."""

import shutil
import subprocess

import pytest
from kernels import SHOWS_HOME, call, nbval, small_notebook

from utils import COURSE_ROOT
from utils.cli import notebooks

HERE = f"course at {COURSE_ROOT}"
PATH_OUTSIDE = f"import sys; sys.path = [p for p in sys.path if not p.startswith({str(COURSE_ROOT)!r})]"
"""Code after which nothing on sys.path lies in the course, as with a Python installed elsewhere."""


def run_cell(tmp_path, cwd, before="", **environment):
    """Execute the first cell as a plain script in `cwd`, then say where `utils` came from."""
    script = tmp_path / "cell.py"
    script.write_text(f"{before}\n{notebooks.first_cell()}\n{SHOWS_HOME}\n", encoding="utf-8")
    return call(script, cwd=cwd, **environment)


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


# ------------------------------------------------------------------------------------------------- from any folder


@pytest.mark.parametrize("cwd", [COURSE_ROOT, COURSE_ROOT / "notebooks", COURSE_ROOT / "utils" / "cli"])
def test_found_from_the_course_and_any_folder_in_it(cwd, tmp_path):
    done = run_cell(tmp_path, cwd)
    assert HERE in done.stdout, done.stderr
    assert done.stderr == ""


def test_found_by_course_root(tmp_path, empty):
    done = run_cell(tmp_path, empty, COURSE_ROOT=str(COURSE_ROOT))
    assert HERE in done.stdout, done.stderr


def test_found_by_the_path_jupyter_gives(tmp_path, empty):
    done = run_cell(tmp_path, empty, JPY_SESSION_NAME=str(COURSE_ROOT / "notebooks" / "02_vanishing_gradients.ipynb"))
    assert HERE in done.stdout, done.stderr


def test_not_found_is_one_clear_error(tmp_path, empty):
    elsewhere = f"import sys, types; sys.path = [p for p in sys.path if not p.startswith({str(COURSE_ROOT)!r})]"
    done = run_cell(tmp_path, empty, before=elsewhere)
    assert done.returncode == 1
    assert "No course folder found" in done.stderr
    assert "COURSE_ROOT" in done.stderr


# ---------------------------------------------------------------------------------------------- before a stray utils


def stray_package(folder):
    (folder / "utils").mkdir()
    (folder / "utils" / "__init__.py").write_text("raise RuntimeError('the stray package')\n")


def stray_module(folder):
    (folder / "utils.py").write_text("raise RuntimeError('the stray module')\n")


@pytest.mark.parametrize("stray", [stray_package, stray_module])
def test_a_stray_utils_ahead_on_the_path_loses(stray, tmp_path, empty):
    stray(empty)
    done = run_cell(tmp_path, empty, PYTHONPATH=str(empty), COURSE_ROOT=str(COURSE_ROOT))
    assert HERE in done.stdout, done.stderr


def test_a_stray_utils_that_was_imported_before_is_replaced(tmp_path, empty):
    (empty / "utils.py").write_text("mine = 1\n")
    before = "import utils; assert utils.mine"
    done = run_cell(tmp_path, empty, before=before, PYTHONPATH=str(empty), COURSE_ROOT=str(COURSE_ROOT))
    assert HERE in done.stdout, done.stderr


# ------------------------------------------------------------------------------------------------- in a real kernel


@pytest.fixture
def notebook(request):
    """A notebook somewhere inside the course, for tools that take a path to it; removed afterwards."""
    path = COURSE_ROOT / "build" / "tests" / f"{request.node.name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    yield small_notebook(path, SHOWS_HOME)
    path.unlink(missing_ok=True)


def papermill(notebook, folder):
    """Execute `notebook` with papermill in `folder`; return what it wrote."""
    out = folder / "out.ipynb"
    done = call("-m", "papermill", notebook, out, "-k", "python3", cwd=folder, JUPYTER_PREFER_ENV_PATH="1")
    assert done.returncode == 0, done.stderr
    return out.read_text(encoding="utf-8")


def test_nbconvert_from_any_folder(notebook, empty):
    words = ("-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", empty, "--output", "out", notebook)
    done = call(*words, cwd=empty)
    assert done.returncode == 0, done.stderr
    assert HERE in (empty / "out.ipynb").read_text(encoding="utf-8")


def test_papermill_from_any_folder_with_a_stray_utils_there(notebook, empty):
    stray_module(empty)
    assert HERE in papermill(notebook, empty)


def test_papermill_with_a_python_installed_elsewhere(notebook, empty):
    """The command line that started the kernel is then all there is to go by."""
    changed = notebooks.read(notebook)
    first = notebooks.first_cell().replace("course.prepare()", "COURSE_ROOT")  # Keras cannot be imported there
    changed.cells[0].source = f"{PATH_OUTSIDE}\n{first}"
    changed.cells[1].source = "import utils; print('course at', utils.COURSE_ROOT)"
    notebooks.write(changed, notebook)
    assert HERE in papermill(notebook, empty)


def test_nbval_from_any_folder(notebook, empty):
    done = nbval(notebook, cwd=empty)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


# ---------------------------------------------------------------------------------------------------------- in Colab


@pytest.fixture
def published(tmp_path):
    """A repository with the course as it stands in the working tree, as Colab would clone it."""
    source = tmp_path / "published"
    source.mkdir()
    for name in ("utils", "data", "requirements.txt"):
        path = COURSE_ROOT / name
        shutil.copytree(path, source / name) if path.is_dir() else shutil.copy(path, source / name)
    git = ["git", "-C", str(source), "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "course"], check=True)
    return f"file://{source}"


@pytest.fixture
def colab(tmp_path):
    """A folder that, on PYTHONPATH, makes `import google.colab` work."""
    folder = tmp_path / "colab"
    (folder / "google" / "colab").mkdir(parents=True)
    (folder / "google" / "colab" / "__init__.py").touch()
    return folder


def test_colab_clones_the_course_once_and_uses_it(published, colab, tmp_path, empty):
    for _ in range(2):  # the second time it is there already
        done = run_cell(tmp_path, empty, PYTHONPATH=str(colab), COURSE_URL=published)
        assert f"course at {empty / 'course'}" in done.stdout, done.stderr
    assert "installed:" not in done.stdout  # nothing is missing in the test environment


def test_colab_without_an_address_says_which_variable(colab, tmp_path, empty):
    done = run_cell(tmp_path, empty, PYTHONPATH=str(colab))
    assert done.returncode == 1
    assert "COURSE_URL" in done.stderr
    assert not (empty / "course").exists()


def test_elsewhere_nothing_is_cloned(published, tmp_path, empty):
    done = run_cell(tmp_path, empty, COURSE_URL=published, COURSE_ROOT=str(COURSE_ROOT))
    assert HERE in done.stdout, done.stderr
    assert not (empty / "course").exists()
