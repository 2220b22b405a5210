"""Every assignment is made as the course's are, and its cases say enough; how they are graded is in tests/grading."""

import re

import cases
import pytest
import small
import style

from utils.cli import notebooks
from utils.cli.catalogue import ASSIGNMENTS
from utils.grading import student

SOURCES = notebooks.find(folder=ASSIGNMENTS)
every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)

MINUTES = re.compile(r"\*\*Time\*\*: (\d+) to (\d+) minutes")
FOLLOWS = re.compile(r"\*\*Follows\*\* .*?\]\(\.\./(\d\d_\w+\.ipynb)\)")
SEEDED = re.compile(r"(?:default_rng|RandomState|random\.seed|set_random_seed)\(\s*\d")


@pytest.mark.skipif(not ASSIGNMENTS.exists(), reason="this copy of the course is one for students, without assignments")
def test_the_assignments_are_numbered_from_one_and_each_has_cases():
    numbers = [int(path.stem[:2]) for path in SOURCES]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 8
    assert {path.stem for path in SOURCES} == {path.stem for path in cases.FOLDER.glob("*.toml")}


@every_source
def test_a_source_keeps_every_rule_and_can_be_handed_out(path):
    source = student.read(path)
    student.student_version(source, path.name)


@every_source
def test_a_source_is_in_normal_form(path):
    assert notebooks.to_text(notebooks.normalise(notebooks.read(path))) == path.read_text(encoding="utf-8")


@every_source
def test_the_words_are_those_of_the_course(path):
    assert list(style.language(notebooks.read(path), path)) == []


@every_source
def test_the_title_cell_says_what_is_asked(path):
    title = notebooks.read(path).cells[0].source
    assert title.startswith(f"# Assignment {path.stem[:2]} · ")
    low, high = map(int, MINUTES.search(title).groups())
    assert 60 <= low <= high <= 90
    followed = FOLLOWS.search(title)[1]
    assert (notebooks.NOTEBOOKS / followed).is_file(), f"{followed} is not there"


@every_source
def test_twenty_points_in_four_to_eight_tests(path):
    tests = student.tests(notebooks.read(path))
    assert 4 <= len(tests) <= 8 and sum(tests.values()) == 20


@every_source
def test_the_id_of_a_cell_is_its_grade_id(path):
    cells = [cell for cell in notebooks.read(path).cells if "nbgrader" in cell.metadata]
    assert [cell.id for cell in cells] == [cell.metadata.nbgrader["grade_id"][:64] for cell in cells]


def unseeded(notebook):
    """Return the hidden tests that draw from a seed which a student could know."""
    found = []
    for cell in notebook.cells:
        for region in student.regions(cell.source, student.HIDDEN).inside:
            found += [line.strip() for line in region if SEEDED.search(line)]
    return found


@every_source
def test_hidden_tests_draw_from_no_seed_that_could_be_known(path):
    assert unseeded(notebooks.read(path)) == []


def test_a_seeded_hidden_test_is_noticed():
    notebook = small.source()
    assert unseeded(notebook) == []
    cell = small.cell(notebook, "test_double")
    cell.source = cell.source.replace("default_rng()", "default_rng(0)")
    assert unseeded(notebook) == ["drawn = np.random.default_rng(0).normal(size=5)"]


# ------------------------------------------------------------------------------------------------------------- cases


@every_source
def test_there_are_three_typical_mistakes_and_a_hard_coded_answer(path):
    found = cases.load(path)
    assert sum(case.kind == "" for case in found) >= 3
    assert sum(case.kind == cases.HARD_CODED for case in found) >= 1


@every_source
def test_a_hard_coded_answer_loses_exactly_what_has_hidden_tests(path):
    notebook = notebooks.read(path)
    hidden = {name for name in student.tests(notebook) if student.HIDDEN[0] in small.cell(notebook, name).source}
    for case in cases.load(path):
        if case.kind == cases.HARD_CODED:
            assert case.lost == hidden


@every_source
def test_every_test_is_lost_by_some_mistake(path):
    """A test that no case loses might as well judge nothing."""
    lost = set().union(*(case.lost for case in cases.load(path)))
    assert lost == set(student.tests(notebooks.read(path)))


@every_source
def test_the_code_of_a_case_is_python(path):
    for case in cases.load(path):
        for name, text in case.cells.items():
            compile(text, f"{path.stem}, {case.name}, {name}", "exec")


GOOD = """
[[case]]
name = "adds"
lost = ["test_double"]
[case.cells]
double = "double = lambda x: x + 2"
"""


@pytest.fixture
def tiny_course(tmp_path):
    return small.save(tmp_path)


def write(path, text):
    (path.parent / f"{path.stem}.toml").write_text(text, encoding="utf-8")


def test_cases_are_read(tiny_course):
    write(tiny_course, GOOD)
    (case,) = cases.load(tiny_course, tiny_course.parent)
    assert case == cases.Case("adds", {"double": "double = lambda x: x + 2"}, frozenset({"test_double"}))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("test_double", "test_dubble", r"no test \['test_dubble'\]; there are"),
        ("double =", "dubble =", r"no solution cell \['dubble'\]; there are"),
        ('"adds"', '""', "a case has a name of its own"),
        ('["test_double"]', "[]", "and tests that it loses"),
        ("lost =", "looses =", "unknown keys"),
        ("[case.cells]", 'kind = "odd"\n[case.cells]', "kind is 'odd'"),
        ("[[case]]", "more = 1\n[[case]]", r"unknown keys \['more'\]"),
        ("lost =", "lost", "01_small.toml"),
    ],
)
def test_a_case_that_means_nothing_is_refused(old, new, message, tiny_course):
    write(tiny_course, GOOD.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        cases.load(tiny_course, tiny_course.parent)


def test_two_cases_of_one_name_and_a_missing_file_are_refused(tiny_course):
    write(tiny_course, GOOD * 2)
    with pytest.raises(ValueError, match="a name of its own"):
        cases.load(tiny_course, tiny_course.parent)
    (tiny_course.parent / "01_small.toml").unlink()
    with pytest.raises(ValueError, match=r"01_small\.toml"):
        cases.load(tiny_course, tiny_course.parent)


def test_only_cases_of_different_cells_and_tests_are_put_together():
    a, b = cases.Case("a", {"x": ""}, frozenset("1")), cases.Case("b", {"y": ""}, frozenset("2"))
    same_cell, same_test = cases.Case("c", {"x": ""}, frozenset("3")), cases.Case("d", {"z": ""}, frozenset("2"))
    assert cases.packs([a, b, same_cell, same_test]) == [[a, b], [same_cell, same_test]]


def test_a_submission_is_the_student_version_with_the_answers_written_in():
    source = small.source()
    given = student.student_version(source, small.NAME)
    made = cases.submission(source, given, {"double": "double = 2"})
    assert small.cell(made, "double").source == "double = 2"
    assert "return np.cumsum(x)" in small.cell(made, "running_sum").source
    assert "SOLUTION" not in notebooks.to_text(made) and "default_rng" not in notebooks.to_text(made)
    assert student.STUB in small.cell(given, "double").source
