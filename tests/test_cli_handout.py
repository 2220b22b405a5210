"""python -m utils handout: copies without solutions, which still run, and which nobody's work is lost to."""

import asyncio

import nbformat
import pattern
import pytest
import style
import tiny

from utils import COURSE_ROOT
from utils.__main__ import main
from utils.cli import handout, notebooks, run
from utils.course import FAILED


@pytest.fixture
def originals(tmp_path):
    """The small notebook and a start page, as a course holds them."""
    folder = tmp_path / "course" / "notebooks"
    folder.mkdir(parents=True)
    pattern.save(folder)
    return folder


def hand_out(originals, *words):
    """Call the command on the small notebook; return its exit code and the hand-out's path."""
    into = originals.parent / "build" / "handouts"
    code = main(["handout", pattern.NAME, f"--folder={originals}", f"--into={into}", *words])
    return code, into / f"{pattern.NAME}.ipynb"


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def test_a_handout_has_everything_but_solutions_and_outputs(originals):
    code, path = hand_out(originals)
    assert code == 0
    before, after = pattern.notebook(), notebooks.read(path)
    kept = [cell for cell in before.cells if "solution" not in cell.metadata.get("tags", [])]
    assert len(kept) == len(before.cells) - 7
    assert [cell.id for cell in after.cells] == [cell.id for cell in kept]
    assert [cell.source for cell in after.cells[1:-1]] == [cell.source for cell in kept[1:-1]]
    assert after.cells[0].source.startswith("# How long does an average remember?")
    assert not any(cell.outputs or cell.execution_count for cell in style.code(after))
    assert [cell.source for cell in tagged(after, "exercise")] == [handout.EMPTY] * 3
    assert "Solution" not in path.read_text(encoding="utf-8") and "0.9**44" not in path.read_text(encoding="utf-8")


def test_the_original_stays_as_it_is(originals):
    before = tiny.contents(originals)
    hand_out(originals)
    assert tiny.contents(originals) == before


def test_an_attempt_of_the_authors_is_not_handed_out(originals):
    notebook = pattern.notebook()
    tagged(notebook, "exercise")[0].source = "left = 0.9**44"
    notebooks.write(notebook, originals / f"{pattern.NAME}.ipynb")
    _, path = hand_out(originals)
    assert [cell.source for cell in tagged(notebooks.read(path), "exercise")] == [handout.EMPTY] * 3


def test_a_handout_is_in_normal_form_and_its_links_lead_to_the_originals(originals):
    _, path = hand_out(originals)
    notebook = notebooks.read(path)
    assert notebooks.to_text(notebooks.normalise(notebooks.read(path))) == path.read_text(encoding="utf-8")
    assert "[00 · Start here](../../notebooks/00_start_here.ipynb)" in notebook.cells[0].source
    assert list(style.language(notebook, path)) == []


def test_what_a_student_wrote_is_never_overwritten_unasked(originals, capsys):
    _, path = hand_out(originals)
    given = path.read_bytes()
    notebook = notebooks.read(path)
    tagged(notebook, "exercise")[0].source = "0.9**44"
    notebooks.write(notebook, path)
    written = path.read_bytes()
    code, _ = hand_out(originals)
    assert code == 1
    assert f"left as they are, since you have changed them: {pattern.NAME}.ipynb" in capsys.readouterr().out
    assert path.read_bytes() == written
    assert hand_out(originals, "--force")[0] == 0
    assert path.read_bytes() == given


def test_a_handout_that_nobody_touched_follows_its_notebook(originals):
    hand_out(originals)
    notebook = pattern.notebook()
    notebook.cells[3].source += "\n\nA new edition."
    notebooks.write(notebook, originals / f"{pattern.NAME}.ipynb")
    code, path = hand_out(originals)
    assert code == 0
    assert "A new edition." in path.read_text(encoding="utf-8")


def test_the_originals_are_never_the_target(originals, capsys):
    assert main(["handout", pattern.NAME, f"--folder={originals}", f"--into={originals}"]) == 2
    assert "holds the originals" in capsys.readouterr().err


def test_a_handout_names_its_notebooks(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["handout"])
    assert stop.value.code == 2
    assert "NB" in capsys.readouterr().err


# ------------------------------------------------------------------------------- what cannot do without its solutions


def mixed_cell(notebook):
    """The old shape: question and solution in one cell."""
    question, prose = (notebook.cells[k] for k in (at(notebook, "Exercise 1"), at(notebook, "Solution 1")))
    question.source += "\n\n" + prose.source
    notebook.cells.remove(prose)


def at(notebook, text):
    return next(k for k, cell in enumerate(notebook.cells) if text in cell.source)


def read_later(notebook):
    """A name that only a solution binds is read below."""
    notebook.cells[at(notebook, "slow = 0.01")].source += "\nprint(left)"


def read_later_in_a_function(notebook):
    notebook.cells[at(notebook, "slow = 0.01")].source += "\ndef show():\n    return [left for _ in h]"


def rebound(notebook):
    """A solution binds anew what a cell below reads: with the solution and without, the cell reads different things."""
    notebook.cells[at(notebook, "left = 0.9**44")].source += "\nh = h / 2"


def no_solutions(notebook):
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (mixed_cell, "a solution stands in the untagged cell '**Exercise 1.**"),
        (read_later, "reads 'left', which a solution above it has bound"),
        (read_later_in_a_function, "reads 'left', which a solution above it has bound"),
        (rebound, "reads 'h', which a solution above it has bound"),
        (no_solutions, "no cell is tagged 'solution'"),
    ],
)
def test_a_notebook_that_needs_its_solutions_is_refused_and_nothing_is_written(spoil, message, originals, capsys):
    notebook = pattern.notebook()
    spoil(notebook)
    notebooks.write(notebook, originals / f"{pattern.NAME}.ipynb")
    code, path = hand_out(originals)
    assert code == 2
    error = capsys.readouterr().err
    assert f"{pattern.NAME}.ipynb cannot be handed out: " in error and message in error
    assert not path.exists()


def test_what_is_bound_again_before_it_is_read_is_no_obstacle():
    cells = [tiny.code("k = 1", tags=["solution"]), tiny.code("k = 2"), tiny.code("print(k)")]
    assert list(handout.obstacles(nbformat.v4.new_notebook(cells=cells))) == []


def test_a_solution_may_read_what_another_solution_bound():
    cells = [tiny.code("k = 1", tags=["solution"]), tiny.code("print(k)", tags=["solution"])]
    assert list(handout.obstacles(nbformat.v4.new_notebook(cells=cells))) == []


@pytest.mark.parametrize(
    ("source", "bound", "read"),
    [
        ("import a.b\nimport c.d as e\nfrom f import g", {"a", "e", "g"}, set()),
        ("x: int = y", {"x"}, {"int", "y"}),
        ("for i, (j, k) in rows:\n    pass", {"i", "j", "k"}, {"rows"}),
        ("with open(p) as file:\n    pass", {"file"}, {"open", "p"}),
        ("squares = [q * w for q in data if q]", {"squares"}, {"w", "data"}),
        ("if (n := count()) > 1: pass", {"n"}, {"count"}),
        ("def f(a, b=c):\n    d = a + e\n    return [d for _ in g]", {"f"}, {"c", "e", "g"}),
        ("def f():\n    global state\n    state = 1", {"f", "state"}, set()),
        ("class C(base):\n    x = y\n    def m(self):\n        return z", {"C"}, {"base", "y", "z"}),
        ("f = lambda a: a + b", {"f"}, {"b"}),
        ("def f():\n    inner = 1\n    def g():\n        return inner", {"f"}, set()),
    ],
)
def test_names_bound_and_read_are_those_of_python(source, bound, read):
    assert handout.names(source) == (bound, read)


def test_a_cell_that_is_not_python_is_named():
    with pytest.raises(handout.UsageError, match=r"the cell '%timeit x' is not Python"):
        handout.names("%timeit x")


# ------------------------------------------------------------------------------------------------- a hand-out runs


def executed(path, tmp_path):
    """Run a notebook in the quick profile; return what became of it, and the executed copy."""
    environment = {"COURSE_PROFILE": "quick", "PYTHONPATH": str(COURSE_ROOT)}
    outcome = asyncio.run(run.execute(path, tmp_path / "run" / path.name, environment, timeout=300))
    assert outcome.error == ""
    return outcome, notebooks.read(outcome.copy)


def test_the_small_notebook_runs_with_and_without_its_solutions(originals, tmp_path):
    """Executed for real: what is claimed `always` holds, and the solution's error is the intended one."""
    outcome, notebook = executed(originals / f"{pattern.NAME}.ipynb", tmp_path)
    assert outcome.passed and outcome.count(FAILED) == 0
    assert [len(cell.outputs) > 0 for cell in tagged(notebook, "raises-exception")] == [True]
    _, path = hand_out(originals)
    without, notebook = executed(path, tmp_path)
    assert without.passed
    solved = "no single state reaches one"
    assert {name for name, _ in outcome.verdicts} - {name for name, _ in without.verdicts} == {solved}
    assert [cell.outputs for cell in tagged(notebook, "exercise")] == [[]] * 3


def test_the_quickest_notebook_runs_without_its_solutions(tmp_path):
    stored = {path: notebooks.results(notebooks.read(path)) for path in notebooks.find()}
    path = min(filter(stored.get, stored), key=lambda path: stored[path]["seconds"])
    into = tmp_path / "handouts"
    assert main(["handout", path.stem, f"--into={into}"]) == 0
    outcome, _ = executed(into / path.name, tmp_path)
    assert outcome.passed
