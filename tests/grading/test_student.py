"""Student versions: what a source must be, and that what is handed out shows no solution and no hidden test."""

import json
import re

import nbformat
import pytest
import small
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum

from utils.__main__ import main
from utils.cli import assignments, notebooks
from utils.grading import student


@pytest.fixture
def sources(tmp_path):
    """A course of one small assignment."""
    folder = tmp_path / "course" / "notebooks" / "assignments"
    folder.mkdir(parents=True)
    (folder.parent / "00_start_here.ipynb").write_text(json.dumps({"cells": [], "metadata": {}}))
    small.save(folder)
    return folder


def call(sources, *words):
    """Call the command on a folder of sources; return its exit code and the folder of student versions."""
    into = sources.parents[1] / "build" / "assignments"
    return main(["assignments", *words, f"--sources={sources}", f"--into={into}"]), into


# --------------------------------------------------------------------------------------------- what is handed out


def test_a_student_gets_the_source_without_solutions_and_hidden_tests():
    given = student.student_version(small.source(), small.NAME)
    assert small.cell(given, "double").source == (
        'def double(x):\n    """Return twice `x`, an array."""\n'
        '    raise NotImplementedError("your solution goes here, instead of this line")'
    )
    assert small.cell(given, "test_double").source == small.TEST_DOUBLES.split("\n")[0]
    assert small.cell(given, "test_shape").source == small.TEST_SHAPE
    assert small.cell(given, "test_running_sum").source == ""
    text = notebooks.to_text(given)
    for told in ("twice = ", "cumsum", "default_rng", "BEGIN", "END "):
        assert told not in text
    same = [cell.id for cell in small.source().cells]
    assert [cell.id for cell in given.cells] == same


def test_tests_and_given_cells_are_locked_and_checksummed_and_solutions_can_be_written():
    given = student.student_version(small.source(), small.NAME)
    MetadataValidator().validate_nb(given)
    for name in ("test_double", "title", "imports"):
        cell = small.cell(given, name)
        assert (cell.metadata["editable"], cell.metadata["deletable"]) == (False, False)
        assert cell.metadata.nbgrader["checksum"] == compute_checksum(cell)
    cell = small.cell(given, "double")
    assert "editable" not in cell.metadata and cell.metadata["deletable"] is False


def test_the_source_stays_as_it_is():
    source = small.source()
    student.student_version(source, small.NAME)
    assert source == small.source()


def test_points_and_solutions_are_read_from_the_metadata():
    assert student.tests(small.source()) == {"test_double": 2.0, "test_shape": 1.0, "test_running_sum": 2.0}
    assert student.solutions(small.source()) == {"double": small.DOUBLES, "running_sum": small.SUMS}


# ------------------------------------------------------------------------------------------- what a source must be


def set_source(grade_id, change):
    def spoil(notebook):
        cell = small.cell(notebook, grade_id)
        cell.source = change(cell.source)

    return spoil


def set_meta(name, **changes):
    def spoil(notebook):
        small.cell(notebook, name).metadata.nbgrader.update(changes)

    return spoil


def drop_points(notebook):
    del small.cell(notebook, "test_shape").metadata.nbgrader["points"]


def store_an_output(notebook):
    small.cell(notebook, "imports").outputs = [nbformat.v4.new_output("stream", name="stdout", text="2")]


def drop(*grade_ids):
    def spoil(notebook):
        for name in grade_ids:
            notebook.cells.remove(small.cell(notebook, name))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (set_meta("test_shape", grade_id="test_double"), "cell 'test_double': there is another cell of this grade id"),
        (set_meta("test_shape", grade_id="no spaces"), "cell 'no spaces': its nbgrader metadata are not those of sch"),
        (set_meta("test_shape", schema_version=2), "cell 'test_shape': its nbgrader metadata are not those of schema"),
        (set_meta("test_shape", schema_version=4), "cell 'test_shape': its nbgrader metadata are not those of schema"),
        (set_meta("test_shape", grade_id=""), "grade_id is empty"),
        (
            drop_points,
            "cell 'test_shape': its nbgrader metadata are not those of schema version 3: nbgrader cell",
        ),
        (set_meta("test_shape", points=0), "cell 'test_shape': a test cell carries points, more than 0"),
        (set_meta("test_shape", points=2), "the title cell says 5 points, but the test cells carry 6"),
        (set_meta("test_shape", grade_id="shape"), "cell 'shape': the grade id of a test cell begins with 'test_'"),
        (set_meta("test_shape", solution=True, locked=False), "cell 'test_shape': it would have to be marked by hand"),
        (set_meta("test_shape", locked=False), "cell 'test_shape': a test cell is code, and locked"),
        (set_source("title", lambda text: text.replace("5 points", "many")), "does not say how many points"),
        (set_source("title", lambda text: text.replace("| 2 |", "| 1 |")), "the title cell's table sums to 4 points"),
        (
            set_source("title", lambda text: text.replace("| 2 |", "| a few |")),
            "the row '2 · sums' of its table has",
        ),
        (set_source("title", lambda text: text.split("| question")[0]), "it has no table with a column 'points'"),
        (set_source("title", lambda text: text[2:]), "the first cell is not a Markdown cell with a title"),
        (set_source("double", lambda text: text.replace("### END SOLUTION", "")), "'### BEGIN SOLUTION' has no end"),
        (
            set_source("double", lambda text: text.replace("### BEGIN", "### END")),
            "'### END SOLUTION' has no begin",
        ),
        (
            set_source("double", lambda text: text.replace("twice = 2 * x", "### BEGIN SOLUTION")),
            "'### BEGIN SOLUTION' stands in a region that has not ended",
        ),
        (
            set_source("double", lambda text: "double = 2"),
            "cell 'double': a solution cell without '### BEGIN SOL",
        ),
        (set_source("double", lambda text: text.replace("### BEGIN SOL", "# BEGIN SOL")), "is almost a mark; expected"),
        (
            set_source("imports", lambda text: small.DOUBLES),
            "'### BEGIN SOLUTION' stands in a cell that is no solu",
        ),
        (
            set_source("imports", lambda text: small.TEST_SUMS),
            "'### BEGIN HIDDEN TESTS' stands in a cell that is no",
        ),
        (
            set_source("running_sum", lambda text: text.replace("    return np.cumsum(x)\n", "\n")),
            "cell 'running_sum': nothing stands between '### BEGIN SOLUTION' and '### END SOLUTION'",
        ),
        (set_source("imports", lambda text: "from nbgrader import utils"), "cell 'imports': it imports nbgrader"),
        (store_an_output, "cell 'imports': an output is stored"),
        (drop("double", "running_sum"), "no cell is a solution"),
        (drop("test_double", "test_shape", "test_running_sum"), "no cell is a test"),
        (set_source("test_running_sum", lambda text: "running_sum([1])"), None),
        (lambda notebook: notebook.cells.pop(1), "the first code cell is not the course's"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused_with_its_cell(spoil, message, tmp_path):
    notebook = small.source()
    spoil(notebook)
    found = student.faults(notebook)
    if message is None:
        assert found == [], "one hidden test is left"
        return
    assert any(message in fault for fault in found), found
    path = tmp_path / "01_small.ipynb"
    path.write_text(nbformat.writes(notebook))
    with pytest.raises(student.AssignmentError, match=r"^01_small\.ipynb "):
        student.read(path)


def test_a_source_without_any_hidden_test_is_refused():
    notebook = small.source()
    for name in ("test_double", "test_running_sum"):
        cell = small.cell(notebook, name)
        cell.source = "\n".join(student.regions(cell.source, student.HIDDEN).outside)
    assert student.faults(notebook) == ["no test is hidden"]


def test_every_fault_is_told_at_once(tmp_path):
    notebook = small.source()
    for name in ("test_double", "test_shape"):
        small.cell(notebook, name).metadata.nbgrader["points"] = 0
    with pytest.raises(student.AssignmentError) as error:
        student.read(small.save(tmp_path, notebook))
    assert "cell 'test_double'" in str(error.value) and "cell 'test_shape'" in str(error.value)


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    path = tmp_path / "01_small.ipynb"
    path.write_text("not a notebook")
    with pytest.raises(student.AssignmentError, match=r"01_small\.ipynb is not a readable notebook"):
        student.read(path)


# ------------------------------------------------------------------------------- stubs lie in solutions; nothing leaks


def made():
    source = small.source()
    return source, student.student_version(source, small.NAME)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda given: set_source("double", lambda text: text + "\nhint = 1")(given), "['hint = 1']"),
        (lambda given: set_source("double", lambda text: text.replace("twice", "two times"))(given), "two times"),
        (lambda given: set_source("double", lambda text: text.split("\n    raise")[0])(given), "expected 1 stubs"),
        (lambda given: set_source("imports", lambda text: text + " # x")(given), "cell 'imports': it is not as in"),
        (lambda given: given.cells.pop(4), "has other cells than its source"),
    ],
)
def test_every_line_of_a_stub_lies_in_its_solution(spoil, message):
    source, given = made()
    assert list(student.outside_solution(source, given)) == []
    spoil(given)
    assert any(message in fault for fault in student.outside_solution(source, given))


def test_a_solution_that_leaves_no_valid_python_behind_is_refused():
    source = small.source()
    text = "def f():\n### BEGIN SOLUTION\n    return 1\n### END SOLUTION"
    small.cell(source, "double").source = text
    with pytest.raises(student.AssignmentError, match="cell 'double', as the student gets it: line 2 is not Python"):
        student.student_version(source, small.NAME)


@pytest.mark.parametrize(
    ("grade_id", "told"),
    [
        ("test_double", "twice = 2 * x\n    return twice"),
        ("imports", "import numpy as np\n# return np.cumsum(x)\nreturn np.cumsum(x)"),
        ("title", small.TITLE + "\n```\n" + small.TEST_SUMS.split("\n", 1)[1].rsplit("\n", 1)[0] + "\n```"),
    ],
)
def test_a_solution_or_a_hidden_test_that_can_be_read_elsewhere_is_a_leak(grade_id, told):
    source = small.source()
    small.cell(source, grade_id).source = told
    with pytest.raises(student.AssignmentError, match="can be read elsewhere"):
        student.student_version(source, small.NAME)


def test_a_mark_or_an_output_left_in_a_student_version_is_a_leak():
    source, given = made()
    assert list(student.leaks(source, given)) == []
    small.cell(given, "imports").source += "\n### END SOLUTION"
    small.cell(given, "double").execution_count = 3
    found = list(student.leaks(source, given))
    assert found == ["cell 'imports': a mark is left in it", "cell 'double': an output is left below it"]


def test_several_regions_in_one_cell_leave_a_stub_each():
    source = small.source()
    cell = small.cell(source, "double")
    cell.source = "\n".join([small.DOUBLES, "", "", small.DOUBLES.replace("double", "double_too")])
    given = student.student_version(source, small.NAME)
    assert small.cell(given, "double").source.count(student.STUB) == 2


# ------------------------------------------------------------------------------------------ the command, run for real


def test_the_command_writes_what_runs_up_to_the_first_unfinished_cell(sources, capsys):
    code, into = call(sources)
    assert code == 0
    said = capsys.readouterr().out
    assert re.search(r"01_small: 5 points in 3 tests; runs up to cell 'test_double', \d+ s", said)
    written = notebooks.read(into / "01_small.ipynb")
    assert "[00 · Start here](../../notebooks/00_start_here.ipynb)" in written.cells[0].source
    assert notebooks.to_text(written) == (into / "01_small.ipynb").read_text(encoding="utf-8")
    title = small.cell(written, "title")
    assert title.metadata.nbgrader["checksum"] == compute_checksum(title)


@pytest.mark.grading
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            set_source("imports", lambda text: "import numpy as np\n1 / 0"),
            "01_small.ipynb: the student version stops at cell 'imports' with an error of its own: ZeroDivisionError",
        ),
        (
            set_source("test_double", lambda text: "1 + 1\n" + text.split("\n", 1)[1]),
            "01_small.ipynb: the student version passes cell 'test_double' although nothing is done yet",
        ),
        (
            set_source("imports", lambda text: "import importlib\nimportlib.import_module('nbgrader')"),
            "with an error of its own: ImportError: a student has no nbgrader",
        ),
    ],
)
def test_a_student_version_that_does_not_run_as_it_should_is_not_written(spoil, message, sources, capsys):
    notebook = small.source()
    spoil(notebook)
    small.save(sources, notebook)
    code, into = call(sources)
    assert code == 2
    assert message in capsys.readouterr().err
    assert not into.exists()


def executed(notebook, failing, crash):
    if failing:
        output = nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])
        small.cell(notebook, failing).outputs = [output]
    return assignments.stop(notebook, crash, crash)


def test_a_student_version_without_anything_to_do_is_noticed():
    faults, _ = executed(student.student_version(small.source(), small.NAME), None, "")
    assert faults == ["runs through: nothing is left to be done"]


def test_a_stub_outside_of_the_solutions_is_noticed():
    faults, name = executed(student.student_version(small.source(), small.NAME), "imports", assignments.UNFINISHED)
    assert (faults, name) == (["stops at cell 'imports', before its first solution cell"], "cell 'imports'")


def test_a_spoilt_source_writes_nothing_and_names_file_and_cell(sources, capsys):
    notebook = small.source()
    small.cell(notebook, "test_shape").metadata.nbgrader["points"] = 7
    small.save(sources, notebook, "02_spoilt")
    code, into = call(sources)
    assert code == 2
    assert "02_spoilt.ipynb is no assignment yet: the title cell says 5 points" in capsys.readouterr().err
    assert not into.exists()


def test_the_sources_are_never_the_target(sources, capsys):
    assert main(["assignments", f"--sources={sources}", f"--into={sources}"]) == 2
    assert "holds the originals" in capsys.readouterr().err


def test_no_assignment_of_that_name_names_those_there_are(sources, capsys):
    assert call(sources, "7")[0] == 2
    assert "01_small" in capsys.readouterr().err


def test_a_folder_without_assignments_is_told(tmp_path, capsys):
    assert main(["assignments", f"--sources={tmp_path}", f"--into={tmp_path / 'x'}"]) == 2
    assert "there is no assignment in" in capsys.readouterr().err
