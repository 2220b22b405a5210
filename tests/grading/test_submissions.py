"""A folder of submissions is read as it comes: by hand, from nbgrader, from Moodle; nobody is left out."""

import json
import os

import pytest
import small

from utils.cli.catalogue import UsageError
from utils.grading import student, submissions

ONE, TWO = "01_small", "02_other"


@pytest.fixture
def sources(tmp_path):
    """Two assignments of different grade ids."""
    folder = tmp_path / "sources"
    folder.mkdir()
    other = small.source()
    for cell in other.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["grade_id"] += "_2"
    return {ONE: small.save(folder), TWO: small.save(folder, other, TWO)}


@pytest.fixture
def folder(tmp_path):
    """Where submissions come in."""
    path = tmp_path / "in"
    path.mkdir()
    return path


def put(folder, *names, text="{}"):
    """Write files of any content."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found(folder, sources, only=None):
    """Return (student, assignment, file or None) of each."""
    those, _ = submissions.collect(folder, sources, only)
    return [(one.student, one.assignment, one.path and one.path.name) for one in those]


def refused(folder, sources, only=None):
    those, _ = submissions.collect(folder, sources, only)
    return {one.student: one.refused for one in those if one.refused}


def test_a_folder_or_a_file_for_each_student(folder, sources):
    put(
        folder, f"ada/{ONE}.ipynb", f"ada/{TWO}.ipynb", f"bob/work/{ONE}.ipynb", f"cleo_{ONE}.ipynb", f"{TWO}-dan.ipynb"
    )
    assert found(folder, sources) == [
        ("ada", ONE, f"{ONE}.ipynb"),
        ("ada", TWO, f"{TWO}.ipynb"),
        ("bob", ONE, f"{ONE}.ipynb"),
        ("cleo", ONE, f"cleo_{ONE}.ipynb"),
        ("dan", TWO, f"{TWO}-dan.ipynb"),
    ]


def test_what_nbgrader_collects(folder, sources):
    put(folder, f"ada/{ONE}/{ONE}.ipynb", f"ada/{ONE}/timestamp.txt", f"bob/{TWO}/notebook.ipynb")
    assert found(folder, sources) == [("ada", ONE, f"{ONE}.ipynb"), ("bob", TWO, "notebook.ipynb")]


def test_the_folder_of_an_nbgrader_course_is_not_taken_for_submissions(folder, sources):
    put(folder, f"submitted/ada/{ONE}/{ONE}.ipynb", f"source/{ONE}/{ONE}.ipynb")
    with pytest.raises(UsageError, match=r"is the folder of an nbgrader course; give .*submitted"):
        submissions.collect(folder, sources)


def test_what_moodle_exports_is_named_by_the_student(folder, sources):
    put(folder, f"Lovelace Ada_123_assignsubmission_file_/{ONE}.ipynb", f"Boole G_4_assignsubmission_file/{ONE}.ipynb")
    put(folder, f"Curie Marie_7_assignsubmission_file_{TWO} (1).ipynb", "Noether E_9_assignsubmission_file_essay.pdf")
    those, left = submissions.collect(folder, sources)
    assert [(one.student, one.assignment, one.folder) for one in those] == [
        ("Boole G_4", ONE, "Boole G_4_assignsubmission_file"),
        ("Curie Marie_7", TWO, "Curie Marie_7_assignsubmission_file_"),
        ("Lovelace Ada_123", ONE, "Lovelace Ada_123_assignsubmission_file_"),
        ("Noether E_9", "", "Noether E_9_assignsubmission_file_"),
    ]
    assert refused(folder, sources) == {"Noether E_9": "no notebook: essay.pdf was handed in"}
    assert left == []


def test_a_folder_for_each_assignment(folder, sources):
    put(folder, f"{ONE}/ada/x.ipynb", f"{ONE}/bob.ipynb", f"{TWO}/ada.ipynb")
    assert found(folder, sources) == [("ada", ONE, "x.ipynb"), ("ada", TWO, "ada.ipynb"), ("bob", ONE, "bob.ipynb")]
    assert found(folder, sources, TWO) == [("ada", TWO, "ada.ipynb")]


def test_a_renamed_notebook_is_known_by_its_grade_ids(folder, sources):
    given = student.student_version(small.source(), "x")
    small.save(folder, given, "homework")
    (folder / "ada").mkdir()
    other = student.student_version(student.notebooks.read(sources[TWO]), "x")
    small.save(folder / "ada", other, "final version (3)")
    assert found(folder, sources) == [("ada", TWO, "final version (3).ipynb"), ("homework", ONE, "homework.ipynb")]


def test_of_one_assignment_any_name_will_do(folder, sources):
    put(folder, "ada/homework.ipynb", "bob.ipynb", text="not even a notebook")
    expected = [("ada", ONE, "homework.ipynb"), ("bob", ONE, "bob.ipynb")]
    assert found(folder, {ONE: sources[ONE]}) == expected
    assert found(folder, sources, ONE) == expected
    assert set(refused(folder, sources)) == {"ada", "bob"}
    assert "homework.ipynb does not say which assignment it answers" in refused(folder, sources)["ada"]


def test_with_an_assignment_every_student_has_one_row(folder, sources):
    put(folder, f"ada/{ONE}.ipynb", f"ada/{TWO}.ipynb", f"bob/{TWO}.ipynb", "cleo/essay.docx")
    (folder / "dan").mkdir()
    assert found(folder, sources, ONE) == [
        ("ada", ONE, f"{ONE}.ipynb"),
        ("bob", ONE, None),
        ("cleo", ONE, None),
        ("dan", ONE, None),
    ]
    assert refused(folder, sources, ONE) == {
        "bob": f"no notebook for {ONE}; found: {TWO}.ipynb",
        "cleo": "no notebook; found: essay.docx",
        "dan": "no notebook; found: nothing",
    }


@pytest.mark.parametrize(
    "names", [(f"ada/{ONE}.ipynb", f"ada/{ONE} (1).ipynb"), (f"ada/{ONE}.ipynb", f"ada_{ONE}.ipynb")]
)
def test_two_answers_of_one_student_are_refused_with_both_names(names, folder, sources):
    put(folder, *names, f"bob/{ONE}.ipynb")
    assert found(folder, sources) == [("ada", ONE, None), ("bob", ONE, f"{ONE}.ipynb")]
    told = refused(folder, sources)["ada"]
    assert all(os.path.basename(name) in told for name in names) and str(folder) not in told


def test_a_name_without_a_student_is_refused(folder, sources):
    put(folder, f"{ONE}.ipynb")
    assert refused(folder, sources) == {ONE: "its name says no student; put it into a folder of the student's name"}


def test_links_are_not_followed(folder, sources, tmp_path):
    (folder / "ada").mkdir()
    os.symlink(sources[ONE], folder / "ada" / f"{ONE}.ipynb")
    os.symlink(sources[ONE], folder / f"bob_{ONE}.ipynb")
    os.symlink(tmp_path / "sources", folder / "cleo")
    (folder / "dan").mkdir()
    os.symlink(tmp_path / "sources", folder / "dan" / "x")
    told = refused(folder, sources, ONE)
    assert list(told) == ["ada", f"bob_{ONE}.ipynb", "cleo", "dan"]
    assert all("link" in told[name] for name in ("ada", f"bob_{ONE}.ipynb", "cleo"))
    assert told["dan"].startswith("no notebook")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_plain_file_is_not_opened(folder, sources):
    (folder / "ada").mkdir()
    os.mkfifo(folder / "ada" / f"{ONE}.ipynb")
    os.mkfifo(folder / f"bob_{ONE}.ipynb")
    assert len(refused(folder, sources)) == 2


def test_what_systems_leave_behind_is_nobody(folder, sources):
    put(
        folder,
        f"ada/{ONE}.ipynb",
        f"ada/.ipynb_checkpoints/{ONE}-checkpoint.ipynb",
        "__MACOSX/ada/x.ipynb",
        ".DS_Store",
    )
    put(folder, "ada/__MACOSX/y.ipynb", "ada/._x.ipynb", "README.txt")
    those, left = submissions.collect(folder, sources)
    assert [(one.student, one.refused) for one in those] == [("ada", "")]
    assert left == ["README.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"cells": 1}',
        '{"cells": [1]}',
        '{"cells": [{"metadata": {"nbgrader": {"grade_id": [1]}}}]}',
        "[" * 10**5,
    ],
)
def test_a_file_of_any_content_is_looked_into_without_harm(text, folder, sources):
    put(folder, "ada/x.ipynb", text=text)
    assert set(refused(folder, sources)) == {"ada"}


def test_a_file_too_large_to_look_into_is_told_by_its_name(folder, sources, monkeypatch):
    cells = [{"metadata": {"nbgrader": {"grade_id": "double"}}}]
    put(folder, "ada/x.ipynb", text=json.dumps({"cells": cells}))
    assert found(folder, sources) == [("ada", ONE, "x.ipynb")]
    monkeypatch.setattr(submissions, "LARGEST", 10)
    assert set(refused(folder, sources)) == {"ada"}


def test_no_submission_at_all_is_told(folder, sources, tmp_path):
    with pytest.raises(UsageError, match="holds no submission"):
        submissions.collect(folder, sources)
    with pytest.raises(UsageError, match="is not a folder"):
        submissions.collect(sources[ONE], sources)
