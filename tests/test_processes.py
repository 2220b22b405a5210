"""A new process finds the course and its folder, and nothing of this process."""

import pytest

from utils.processes import in_a_new_process


def test_it_returns_what_is_printed():
    assert in_a_new_process("print('می‌روم')\nprint(6 * 7)") == "می‌روم\n42"


def test_it_finds_the_course_and_the_modules_of_its_folder(tmp_path):
    (tmp_path / "mine.py").write_text("from utils.text import standardise\nword = standardise('México')\n", "utf-8")
    assert in_a_new_process("import mine; print(mine.word)", tmp_path) == "mexico"


def test_its_hash_is_salted_although_ours_may_not_be(monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    found = {in_a_new_process("print(hash('cat'))") for _ in range(3)}
    assert len(found) > 1


def test_an_error_is_told_by_its_last_line():
    with pytest.raises(RuntimeError, match=r"^ZeroDivisionError: division by zero$"):
        in_a_new_process("1 / 0")


def test_source_is_a_string():
    with pytest.raises(TypeError, match="as a string, not list"):
        in_a_new_process(["print(1)"])
