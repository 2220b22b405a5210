"""Every assignment end to end: the solution wins all points, the student version none, each case loses what it says."""

import cases
import pytest

from utils.cli import assignments, notebooks
from utils.cli.catalogue import ASSIGNMENTS
from utils.grading import sandbox, student, unit

SOURCES = notebooks.find(folder=ASSIGNMENTS)

pytestmark = [
    pytest.mark.grading,
    pytest.mark.skipif(sandbox.available() is not None, reason=f"{sandbox.available()}"),
]


def each_pack():
    """Return a parameter for every pack of cases; a file of cases that is not as it must be fails its style test."""
    found = []
    for path in SOURCES:
        try:
            packed = cases.packs(cases.load(path))
        except ValueError:
            continue
        found += [pytest.param(path, pack, id=f"{path.stem}-{pack[0].name}") for pack in packed]
    return found


def grade(path, tmp_path, name, change=None):
    """Grade what a student would hand in for an assignment; `change` makes it of the source and the student version."""
    source = student.read(path)
    given = assignments.make(path, tmp_path, set()).notebook
    handed_in = tmp_path / name / path.name
    notebooks.write(change(source, given) if change else given, handed_in)
    return unit.grade_one(handed_in, path, tmp_path / f"{name}-out", student=name)


def lost(result, path):
    """Return the tests that did not win all of their points."""
    assert result.status == unit.GRADED, result.message
    most = student.tests(notebooks.read(path))
    assert result.points.keys() == most.keys() and result.max_score == sum(most.values())
    assert result.score == sum(result.points.values())
    assert all(points in (0, most[name]) for name, points in result.points.items()), "a test is won or lost"
    return {name for name, points in result.points.items() if points < most[name]}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_instructors_solution_wins_every_point(path, tmp_path):
    result = grade(path, tmp_path, "teacher", cases.submission)
    assert lost(result, path) == set(), result.message
    assert result.message == ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_what_is_handed_in_as_it_was_handed_out_wins_none(path, tmp_path):
    result = grade(path, tmp_path, "nobody")
    assert lost(result, path) == set(result.points)
    assert result.score == 0


@pytest.mark.parametrize(("path", "pack"), each_pack())
def test_a_wrong_submission_loses_exactly_what_it_should(path, pack, tmp_path):
    def holding(*those):
        changed = {name: text for case in those for name, text in case.cells.items()}
        return lambda source, given: cases.submission(source, given, changed)

    expected = set().union(*(case.lost for case in pack))
    found = lost(grade(path, tmp_path, "together", holding(*pack)), path)
    if found != expected and len(pack) > 1:  # which of them is it?
        for number, case in enumerate(pack):
            alone = lost(grade(path, tmp_path, f"case-{number}", holding(case)), path)
            assert alone == case.lost, f"{case.name!r} loses {sorted(alone)}"
    assert found == expected, f"{[case.name for case in pack]} lose {sorted(found)}"
