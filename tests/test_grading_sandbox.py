"""What grading decides before anything of a submission runs, and the parts of the sandbox that need no sandbox."""

import dataclasses
import errno
import json
import os
import platform
import socket
import struct

import nbformat
import pytest
import tiny_assignment as tiny

from utils.grading import canaries, sandbox, submission
from utils.grading.submission import BadSource, Rejected
from utils.grading.unit import Limits, Result, grade_one, redacted

MOST = 2**20


@pytest.fixture
def assignment(tmp_path):
    return submission.load(tiny.source(tmp_path))


@pytest.fixture
def write(tmp_path):
    """Write a file of the given content, and return its path."""

    def written(content, name="99_tiny.ipynb"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


# ------------------------------------------------------------------------------------------------------ the assignment


def test_an_assignment_knows_its_cells(assignment):
    assert assignment.name == "99_tiny"
    assert assignment.answers == ["double", "norm"]
    assert assignment.tests == {"test_double": 3, "test_norm": 2, "test_norm_of_nothing": 1}
    assert assignment.visible["test_norm"] == "assert norm([3, 4]) == 5, 'norm([3, 4]) should be 5'"
    assert assignment.visible["test_norm_of_nothing"] == ""


def test_a_source_that_is_none(write, tmp_path):
    with pytest.raises(BadSource, match="is not a notebook"):
        submission.load(write("nothing"))
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    with pytest.raises(BadSource, match="0 solution cells and 0 test cells"):
        submission.load(write(nbformat.writes(empty)))
    twice = nbformat.read(tiny.source(tmp_path), as_version=4)
    twice.cells += [twice.cells[2]]
    with pytest.raises(BadSource, match=r"twice or missing: \['double'\]"):
        submission.load(write(json.dumps(twice)))


# ------------------------------------------------------------------------------------------------------ reading a file


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON"),
        (b"\x00\xff\xfe corrupt", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"%PDF-1.7", "no JSON"),
        (b"[1, 2]", "not a notebook"),
        (b'{"cells": []}', "not a notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": 5}]}', "no text"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "virus", "source": ""}]}', "virus"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}}', "not a notebook"),
        (b'{"nbformat": 99, "nbformat_minor": 5, "metadata": {}, "cells": []}', "not a notebook"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_rejected(write, content, words):
    with pytest.raises(Rejected, match=words):
        submission.read(write(content), MOST)


def test_a_file_that_is_too_large_is_not_read(write):
    with pytest.raises(Rejected, match="larger than the 1 MiB"):
        submission.read(write(b" " * (MOST + 1)), MOST)


def test_too_many_cells(write):
    many = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id=f"c{k}") for k in range(2001)])
    with pytest.raises(Rejected, match="2001 cells"):
        submission.read(write(nbformat.writes(many)), MOST)


def test_no_link_and_no_pipe_is_followed(write, tmp_path):
    other = write(nbformat.writes(nbformat.v4.new_notebook()), "other.ipynb")
    link = tmp_path / "link.ipynb"
    link.symlink_to(other)
    with pytest.raises(Rejected, match="cannot be read"):
        submission.read(link, MOST)
    pipe = tmp_path / "pipe.ipynb"
    os.mkfifo(pipe)
    with pytest.raises(Rejected, match="not a plain file"):
        submission.read(pipe, MOST)
    with pytest.raises(Rejected, match="cannot be read"):
        submission.read(tmp_path / "missing.ipynb", MOST)


def test_what_a_cell_brings_along_is_left_behind(write):
    cell = {
        "cell_type": "code",
        "source": ["a = ", "'\\ud800'"],
        "outputs": [{"output_type": "error"}],
        "execution_count": 1,
    }
    cell["metadata"] = {"tags": ["skip-execution"], "nbgrader": {"grade_id": "double", "points": 99}}
    read = submission.read(
        write(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})), MOST
    )
    assert read.cells[0].source == "a = '\\ud800'" and read.cells[0].outputs == []
    assert read.cells[0].metadata == {"names": ["double"]}


def test_notebooks_of_version_3_are_read(write):
    cells = [
        {"cell_type": "code", "input": "x = 1", "outputs": [], "language": "python", "metadata": {}, "collapsed": False}
    ]
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    assert submission.read(write(json.dumps(old)), MOST).cells[0].source == "x = 1"


def test_a_folder_gives_the_notebook_with_the_assignments_cells(tmp_path, assignment):
    path = tiny.submission(tmp_path)
    assert submission.find(path, assignment, MOST)[1] == []
    assert submission.find(path.parent, assignment, MOST)[1] == []
    path = path.rename(path.with_name("homework.ipynb"))
    (path.parent / "broken.ipynb").write_text("?")
    nbformat.write(nbformat.v4.new_notebook(), path.parent / "other.ipynb")
    found, notes = submission.find(path.parent, assignment, MOST)
    assert "norm" in str(found.cells) and notes == ["the file is called 'homework.ipynb'"]
    (path.parent / "homework copy.ipynb").write_bytes(path.read_bytes())
    with pytest.raises(Rejected, match=r"several notebooks could be meant: homework copy.ipynb, homework.ipynb"):
        submission.find(path.parent, assignment, MOST)


def test_a_folder_without_one(tmp_path, assignment):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Rejected, match="no notebook with the cells of 99_tiny"):
        submission.find(empty, assignment, MOST)


# -------------------------------------------------------------------------------------------------------- mending


def handed_in(folder, change=None, **answers):
    path = tiny.submission(folder, **answers)
    notebook = nbformat.read(path, as_version=4)
    if change:
        change(notebook)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return submission.read(path, MOST)


def names(notebook):
    return [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]


def test_an_untouched_submission_needs_no_mending(tmp_path, assignment):
    mended, notes = submission.mend(handed_in(tmp_path), assignment)
    assert notes == [] and names(mended) == list(assignment.cells)
    by_name = {cell.metadata.nbgrader.grade_id: cell for cell in mended.cells if "nbgrader" in cell.metadata}
    assert by_name["double"].source == tiny.RIGHT["double"]
    assert by_name["test_double"].source == tiny.TESTS["test_double"][0]
    assert by_name["test_double"].metadata == assignment.cells["test_double"].metadata


def test_deleted_tests_come_back_behind_what_precedes_them(tmp_path, assignment):
    def change(notebook):
        notebook.cells = [cell for cell in notebook.cells if "test" not in cell.id]

    mended, notes = submission.mend(handed_in(tmp_path, change), assignment)
    assert names(mended) == list(assignment.cells)
    assert notes == ["cells that had been deleted were put back: test_double, test_norm, test_norm_of_nothing"]


def test_an_answer_of_another_cell_type_is_code_again(tmp_path, assignment):
    def change(notebook):
        notebook.cells[2].cell_type = "markdown"
        del notebook.cells[2]["outputs"], notebook.cells[2]["execution_count"]

    mended, _ = submission.mend(handed_in(tmp_path, change), assignment)
    assert mended.cells[2].cell_type == "code" and mended.cells[2].source == tiny.RIGHT["double"]


def test_of_cells_with_one_name_the_last_counts(tmp_path, assignment):
    def change(notebook):
        notebook.cells += [nbformat.from_dict(notebook.cells[2]), nbformat.from_dict(notebook.cells[3])]
        notebook.cells[-2].source = "last = 1"

    mended, notes = submission.mend(handed_in(tmp_path, change), assignment)
    assert sorted(names(mended)) == sorted(assignment.cells)
    assert mended.cells[2].source == tiny.RIGHT["double"] and "nbgrader" not in mended.cells[2].metadata
    assert mended.cells[-2].source == "last = 1" and mended.cells[-1].source == tiny.TESTS["test_double"][0]
    assert notes == ["of cells that stand there more than once the last counts: double, test_double"]


def test_without_nbgraders_metadata_the_cells_ids_tell(tmp_path, assignment):
    """Some editors drop what they do not know."""

    def change(notebook):
        for cell in notebook.cells:
            known = cell.metadata.pop("nbgrader", None)
            cell.metadata["id"] = known["grade_id"] if known else "other"

    mended, notes = submission.mend(handed_in(tmp_path, change), assignment)
    assert notes == [] and names(mended) == list(assignment.cells)


def test_a_lost_answer_is_told_and_another_notebook_rejected(tmp_path, assignment):
    def change(notebook):
        del notebook.cells[2]

    assert submission.mend(handed_in(tmp_path, change), assignment)[1] == ["answers that were deleted: double"]

    def empty(notebook):
        notebook.cells = notebook.cells[:2]

    with pytest.raises(Rejected, match="none of the answer cells of 99_tiny"):
        submission.mend(handed_in(tmp_path, empty), assignment)


def test_a_student_sees_no_hidden_test(assignment):
    notebook = nbformat.from_dict(assignment.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            trace = ["----> 3 np.testing.assert_allclose(double(numbers), ..."]
            cell.outputs = [nbformat.v4.new_output("error", ename="AssertionError", evalue="five", traceback=trace)]
    shown = redacted(notebook, assignment)
    assert not [cell for cell in shown.cells[3:] if "test" in cell.id and "---->" in str(cell.outputs)]
    shown = nbformat.writes(shown)
    assert "default_rng" not in shown
    assert "AssertionError: five" in shown and "norm([3, 4]) should be 5" in shown
    assert "default_rng" in nbformat.writes(notebook)


def test_of_a_long_message_a_student_sees_the_question_and_the_difference(assignment):
    notebook = nbformat.from_dict(assignment.notebook)
    told = "the answer to " + "many words " * 200 + "got 3, expected 4"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("error", ename="AssertionError", evalue=told, traceback=["a trace"])]
    shown = redacted(notebook, assignment)
    hidden = [cell for cell in shown.cells if "tests that are not shown" in cell.source]
    (trace,) = {str(cell.outputs[0].traceback) for cell in hidden}
    assert "the answer to many" in trace and "got 3, expected 4" in trace and len(trace) < 450


# ------------------------------------------------------------------------------------------------------- canaries


@pytest.mark.parametrize("form", canaries.all_forms("pytest unittest assert_array_less math"))
def test_every_form_fails_and_says_its_word(form):
    canary = canaries.failing(form)
    with pytest.raises(AssertionError, match=canary.word):
        exec(canary.source, {})


def test_checks_on_equal_numbers_pass():
    exec(canaries.passing(), {})


def test_no_two_canaries_are_alike():
    assert len({canaries.failing().source for _ in range(20)}) == 20


def test_twins_fail_before_or_after_what_they_copy():
    test = "import math\nran.append(1)\nassert math.pi > 3"
    for late in (False, True):
        ran, canary = [], canaries.twin(test, late)
        with pytest.raises(AssertionError, match=canary.word):
            exec(canary.source, {"ran": ran})
        assert ran == [1] * late
    assert canaries.twin("%time 1", late=True) is None
    assert canaries.twin("import math; ran.append(1)", late=False) is None


def test_code_that_peeps_is_worth_a_look():
    assert canaries.worth_a_look(["x = sys._getframe(1).f_locals", "%time y = 1"]) == ["_getframe", "f_locals"]
    assert canaries.worth_a_look(list(tiny.RIGHT.values())) == []


def test_modules_that_are_looked_after():
    found = canaries.modules(
        ["import keras, sys\nfrom utils import gradients", "%magic", "def f():\n    import pandas"]
    )
    assert {"builtins", "numpy.testing", "keras.ops", "utils.gradients"} <= set(found) and not {"pandas", "sys"} & set(
        found
    )


def test_a_fingerprint_changes_when_a_function_does(capsys, monkeypatch):
    def look():
        source, word = canaries.fingerprint(["numpy.testing", "math"], load=True)
        exec(source, {})
        return json.loads(capsys.readouterr().out.removeprefix(word))

    class Shell:  # in a test there is no IPython that runs
        run_cell = run_code = showtraceback = run_cell_async = staticmethod(print)
        custom_exceptions = ()

    monkeypatch.setattr("IPython.get_ipython", lambda: Shell)
    before = look()
    assert len(before) > 60 and canaries.changed(before, look()) == []
    monkeypatch.setattr("math.isclose", lambda *args: True)
    assert canaries.changed(before, look()) == ["math.isclose"]
    monkeypatch.setattr("math.a_new_one", len, raising=False)
    assert canaries.changed(before, look()) == ["math.isclose"]


# --------------------------------------------------------------------------------------------------- system calls

PROGRAM = {machine: sandbox.system_call_filter(machine) for machine in ("x86_64", "aarch64")}
ALLOW, KILL = 0x7FFF0000, 0x80000000


def decide(program: bytes, number: int, architecture: int, argument: int = 0) -> int:
    """Run a classic BPF program on one system call, as the kernel does."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, argument, *[0] * 5)
    steps, at, held = list(struct.iter_unpack("<HBBI", program)), 0, 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x20:
            held = struct.unpack_from("<I", data, k)[0]
        elif code == 0x06:
            return k
        else:
            holds = {0x15: held == k, 0x35: held >= k, 0x45: bool(held & k)}[code]
            at += yes if holds else no


X86, ARM = 0xC000003E, 0xC00000B7
REFUSED = 0x00050000 | errno.EPERM


@pytest.mark.parametrize(
    ("machine", "architecture", "number", "argument", "answer"),
    [
        ("x86_64", X86, 0, 0, ALLOW),  # read
        ("x86_64", X86, 59, 0, ALLOW),  # execve
        ("x86_64", X86, 319, 0, REFUSED),  # memfd_create
        ("x86_64", X86, 101, 0, REFUSED),  # ptrace
        ("x86_64", X86, 165, 0, REFUSED),  # mount
        ("x86_64", X86, 272, 0x10000000, REFUSED),  # unshare
        ("x86_64", X86, 425, 0, REFUSED),  # io_uring_setup
        ("x86_64", X86, 435, 0, 0x00050000 | errno.ENOSYS),  # clone3
        ("x86_64", X86, 56, 0x11, ALLOW),  # clone, as fork calls it
        ("x86_64", X86, 56, 0x10000011, REFUSED),  # clone, with a user namespace
        ("x86_64", X86, 41, socket.AF_UNIX, ALLOW),
        ("x86_64", X86, 41, socket.AF_INET6, ALLOW),
        ("x86_64", X86, 41, 40, 0x00050000 | errno.EAFNOSUPPORT),  # vsock, which no network namespace holds
        ("x86_64", X86, 0x40000000, 0, 0x00050000 | errno.ENOSYS),  # the x32 numbers
        ("x86_64", 0x40000003, 0, 0, KILL),  # the 32-bit numbers
        ("aarch64", ARM, 63, 0, ALLOW),  # read
        ("aarch64", ARM, 279, 0, REFUSED),  # memfd_create
        ("aarch64", ARM, 220, 0x10000000, REFUSED),
        ("aarch64", ARM, 198, 40, 0x00050000 | errno.EAFNOSUPPORT),
        ("aarch64", ARM, 198, socket.AF_INET, ALLOW),
        ("aarch64", X86, 63, 0, KILL),
    ],
)
def test_the_filter_of_system_calls(machine, architecture, number, argument, answer):
    assert decide(PROGRAM[machine], number, architecture, argument) == answer


def test_a_machine_whose_numbers_are_not_known_has_no_filter():
    assert sandbox.system_call_filter("riscv64") == b""


# --------------------------------------------------------------------------------------------------- the sandbox


def test_the_sandbox_shows_the_library_without_its_secrets():
    shown = {path.relative_to(sandbox.COURSE_ROOT).as_posix() for path in sandbox._course_files()}
    assert {"utils/cells.py", "utils/datasets", "utils/entrance.py", "utils/cli/first_cell.py"} <= shown
    assert not [path for path in shown if path.startswith(("utils/grading", "notebooks", "tests"))]
    assert {path for path in shown if path.startswith("data/")} == {f"data/{name}" for name in sandbox.DATA_FILES}


def test_the_environment_holds_nothing_of_the_teachers(monkeypatch):
    monkeypatch.setenv("TEACHERS_TOKEN", "secret")
    found = sandbox._environment()
    assert "secret" not in found.values() and found["HOME"] == "/tmp/home" and found["COURSE_PROFILE"] == "quick"


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere it is missing for another reason")
def test_without_bubblewrap_grading_says_what_to_do(tmp_path, monkeypatch):
    sandbox._mode.cache_clear()
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    try:
        assert "bubblewrap (the program bwrap) is not installed" in sandbox.available()
        with pytest.raises(sandbox.NoSandbox, match=r"(?s)Install bubblewrap.*--unprotected.*read the hidden tests"):
            grade_one(tiny.submission(tmp_path), tiny.source(tmp_path), tmp_path / "out", student="ada")
        assert not (tmp_path / "out").exists()
    finally:
        sandbox._mode.cache_clear()


def test_a_result_is_json_and_back():
    result = Result("ada", "99_tiny", "graded", {"test_double": 3.0}, 3.0, 6.0, "", 1.5, 2**28, "out/feedback.html")
    assert Result(**json.loads(json.dumps(dataclasses.asdict(result)))) == result
    assert Limits() == Limits(**dataclasses.asdict(Limits()))


@pytest.mark.skipif(sandbox.available() is not None, reason=f"{sandbox.available()}")
@pytest.mark.parametrize("content", [b"", b"corrupt", b"{}"])
def test_a_file_that_is_no_notebook_ends_as_rejected(tmp_path, write, content):
    result = grade_one(write(content), tiny.source(tmp_path), tmp_path / "out", student="ada")
    assert (result.status, result.score, result.max_score) == ("rejected", 0.0, 6.0)
    assert "not a notebook" in result.message and result.points == dict.fromkeys(result.points, 0.0)
