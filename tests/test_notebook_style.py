"""Every notebook has the anatomy of the course, and the rules notice when one has not."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
import style

from utils import COURSE_ROOT
from utils.cli import notebooks
from utils.course import RESULTS_MIME


@pytest.mark.parametrize("rule", style.RULES, ids=lambda rule: rule.__name__)
def test_anatomy(rule, notebook_path):
    assert list(rule(notebooks.read(notebook_path), notebook_path)) == []


def test_there_are_notebooks(pytestconfig):
    assert notebooks.find(folder=pytestconfig.getoption("--notebooks"))


def test_nbval_compares_most_text_outputs(pytestconfig):
    compared, total = style.compared_share(notebooks.find(folder=pytestconfig.getoption("--notebooks")))
    assert compared / total >= 0.6, f"{compared} of {total} code cells with text output carry nbval-check-output"


def test_the_map_lists_every_notebook():
    text = style.prose(notebooks.read(notebooks.NOTEBOOKS / "00_start_here.ipynb"))
    linked = set(re.findall(r"\((\d\d_\w+\.ipynb)\)", text))
    assert linked >= {path.name for path in notebooks.find()}


# --------------------------------------------------------------------------- the rules themselves can fail


def spoil_counts(notebook):
    for cell in style.code(notebook):
        cell.execution_count = None


def spoil_first_cell(notebook):
    style.code(notebook)[0].source += "\nprint('mine')"


def spoil_error(notebook):
    output = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    style.code(notebook)[1].outputs.append(output)


def spoil_path(notebook):
    style.code(notebook)[1].outputs.append(nbformat.v4.new_output("stream", name="stdout", text="saved in /home/ada/x"))


def spoil_warning(notebook):
    style.code(notebook)[1].outputs.append(nbformat.v4.new_output("stream", name="stdout", text="UserWarning: mind"))


def spoil_length(notebook):
    style.code(notebook)[1].source += "\n# more" * 25


def spoil_summary(notebook):
    notebook.cells.pop()


def spoil_claim(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell('run.claim(x < 1, f"x is {x}")'))


def spoil_goals(notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace("\n- ", "\n")


def spoil_time(notebook):
    title = notebook.cells[0]
    title.source = re.sub(r"about \d+ minutes", "about 19 minutes", title.source)


def spoil_profile(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell('epochs = 9 if run.profile == "full" else 1'))


def spoil_results(notebook):
    for cell in style.code(notebook):
        cell.outputs = [output for output in cell.outputs if output.output_type != "display_data"]


def spoil_pictures(notebook):
    for cell in style.code(notebook):
        cell.outputs = [output for output in cell.outputs if "image/png" not in output.get("data", {})]


def spoil_bound(notebook):
    results = next(
        output.data[RESULTS_MIME]
        for cell in style.code(notebook)
        for output in cell.outputs
        if RESULTS_MIME in output.get("data", {})
    )
    results["reports"][0]["state"] = "failed"


def spoil_checks(notebook):
    style.code(notebook)[2].metadata.tags = ["checks"]


def spoil_keras(notebook):
    style.code(notebook)[1].source += "\nmodel = tf.keras.Sequential()"


def spoil_spelling(notebook):
    notebook.cells[-1].source = "We normalize colors.\n\n" + notebook.cells[-1].source


def spoil_metadata(notebook):
    notebook.metadata["widgets"] = {"state": {}}


def spoil_data(notebook):
    notebook.metadata["course"]["data"] = ["imdb"]


def spoil_needs(notebook):
    notebook.metadata["course"]["data"] = ["imbd"]


def spoil_declaration(notebook):
    del notebook.metadata["course"]


def spoil_links(notebook):
    last = next(cell for cell in reversed(notebook.cells) if cell.cell_type == "markdown")
    last.source = last.source.rpartition("\n\n")[0]


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (spoil_counts, style.execution),
        (spoil_first_cell, style.first_cells),
        (spoil_error, style.execution),
        (spoil_path, style.outputs),
        (spoil_warning, style.outputs),
        (spoil_length, style.form),
        (spoil_summary, style.sections),
        (spoil_claim, style.idiom),
        (spoil_goals, style.opening),
        (spoil_time, style.opening),
        (spoil_profile, style.idiom),
        (spoil_results, style.execution),
        (spoil_pictures, style.execution),
        (spoil_bound, style.execution),
        (spoil_checks, style.idiom),
        (spoil_keras, style.idiom),
        (spoil_spelling, style.language),
        (spoil_metadata, style.form),
        (spoil_links, style.form),
        (spoil_data, style.data),
        (spoil_needs, style.data),
        (spoil_declaration, style.data),
    ],
)
def test_a_spoilt_notebook_is_noticed(spoil, rule, tmp_path):
    path = tmp_path / "02_vanishing_gradients.ipynb"
    notebook = notebooks.read(notebooks.NOTEBOOKS / path.name)
    for sibling in notebooks.find():
        shutil.copy(sibling, tmp_path)  # so that links still lead somewhere
    assert list(rule(notebook, notebooks.NOTEBOOKS / path.name)) == []
    spoil(notebook)
    nbformat.write(notebook, path)
    assert list(rule(notebooks.read(path), path)) != []


def test_the_style_tests_fail_as_a_whole_without_execution_counts(tmp_path):
    """Through pytest itself: the run passes on a notebook as it is, and fails on a stripped copy."""
    shutil.copy(notebooks.NOTEBOOKS / "02_vanishing_gradients.ipynb", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "test_anatomy and execution"]
    command += ["tests/test_notebook_style.py", f"--notebooks={tmp_path}"]

    def run():
        return subprocess.run(command, cwd=COURSE_ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert run().returncode == 0
    notebook = notebooks.read(tmp_path / "02_vanishing_gradients.ipynb")
    spoil_counts(notebook)
    notebooks.write(notebook, tmp_path / "02_vanishing_gradients.ipynb")
    done = run()
    assert done.returncode == 1
    assert "restart the kernel and run all" in done.stdout
