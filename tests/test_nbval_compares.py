"""nbval compares what it should: a changed output fails the run, a sanitised difference does not."""

import nbformat
import pytest
from kernels import nbval

from utils import COURSE_ROOT
from utils.cli import notebooks

CELLS = {
    "value": "1 + 1",
    "claims": 'print("✓ held: one is one")',
    "data": 'print("Data: Jena weather, generated stand-in (not measurements), 420,551 rows")',
}


@pytest.fixture
def executed(tmp_path):
    """A notebook of three tagged cells, with the outputs that Python gives."""
    outputs = {
        "value": nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1),
        "claims": nbformat.v4.new_output("stream", name="stdout", text="✓ held: one is one\n"),
        "data": nbformat.v4.new_output("stream", name="stdout", text="Data: Jena weather, real, 420,551 rows\n"),
    }
    cells = []
    for count, (name, source) in enumerate(CELLS.items(), start=1):
        cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=[outputs[name]])
        cell.metadata.tags = ["nbval-check-output"]
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells), tmp_path / "small.ipynb"


def verdict(notebook, path):
    notebooks.write(notebook, path)
    done = nbval(path, cwd=path.parent)
    return done.returncode, done.stdout


def test_equal_outputs_pass_and_where_data_came_from_is_not_compared(executed):
    code, text = verdict(*executed)
    assert code == 0, text
    assert "3 passed" in text


def test_a_corrupted_value_fails(executed):
    notebook, path = executed
    notebook.cells[0].outputs[0].data["text/plain"] = "3"
    code, text = verdict(notebook, path)
    assert code == 1
    assert "1 failed" in text


@pytest.mark.parametrize("why", ["in quick", "on stand-in data"])
def test_a_claim_that_is_not_judged_passes(why, executed):
    notebook, path = executed
    notebook.cells[1].source = f"print('· not judged {why}: one is one')"
    assert verdict(notebook, path)[0] == 0


def test_folded_checks_pass_whatever_was_judged(executed):
    notebook, path = executed
    notebook.cells[1].outputs[0].text = "✓ 3 checks hold\n· 2 checks not judged on stand-in data\n"
    notebook.cells[1].source = "print('✓ 1 check holds\\n· 4 checks not judged in quick')"
    assert verdict(notebook, path)[0] == 0


@pytest.mark.parametrize("printed", ["✗ FAILED: one is one", "✓ held: one is two"])
def test_a_failed_or_reworded_claim_fails(printed, executed):
    notebook, path = executed
    notebook.cells[1].source = f"print({printed!r})"
    assert verdict(notebook, path)[0] == 1


def test_an_untagged_output_is_not_compared(executed):
    notebook, path = executed
    notebook.cells[0].outputs[0].data["text/plain"] = "3"
    notebook.cells[0].metadata.tags = []
    assert verdict(notebook, path)[0] == 0


def test_the_bytes_of_a_film_are_not_compared_but_its_words_are(executed):
    notebook, path = executed
    film = 'HTML(\'<img alt="a ball" src="data:image/gif;base64,R0lGO+/a==">\')'
    notebook.cells[0].source = f"from IPython.display import HTML\n{film}"
    stored = '<img alt="a ball" src="data:image/gif;base64,AAAA">'
    notebook.cells[0].outputs[0].data = {"text/html": stored, "text/plain": "<IPython.core.display.HTML object>"}
    assert verdict(notebook, path)[0] == 0
    notebook.cells[0].outputs[0].data["text/html"] = stored.replace("a ball", "a cube")
    assert verdict(notebook, path)[0] == 1


def test_corrupting_a_stored_notebook_of_the_course_fails_its_run():
    """A tagged output of 00_start_here, changed by one character."""
    source = notebooks.NOTEBOOKS / "00_start_here.ipynb"
    notebook = notebooks.read(source)
    cell = next(cell for cell in notebook.cells if "W_xh" in str(cell.get("outputs", "")) and cell.metadata.get("tags"))
    cell.outputs[0].text = cell.outputs[0].text.replace("W_xh (5, 4)", "W_xh (4, 4)")
    path = COURSE_ROOT / "build" / "tests" / "corrupted.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        code, text = verdict(notebook, path)
    finally:
        path.unlink(missing_ok=True)
    assert code == 1
    assert "1 failed" in text
    assert "W_xh (4, 4)" in text
