"""A new process finds the course and its folder, and nothing of this process."""

import os
import time

import pytest

from utils.processes import in_a_new_process, output_of_script, start_script


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


def test_a_script_finds_an_idle_tensorflow():
    source = """
import sys
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
print(len(tf.config.list_logical_devices("CPU")), *sys.argv[1:], __name__)
"""
    assert output_of_script(source, timeout=120, arguments=("می‌روم",)) == "3 می‌روم __main__"


def test_a_scripts_error_is_told_by_its_last_line():
    with pytest.raises(RuntimeError, match=r"^ZeroDivisionError: division by zero$"):
        output_of_script("print(1)\n1 / 0", timeout=120)


def test_a_script_that_takes_too_long_is_ended():
    with pytest.raises(TimeoutError, match="not done after"):
        output_of_script("import time; time.sleep(100)", timeout=0.5)


def test_a_script_dies_with_its_parent(tmp_path):
    (tmp_path / "sleep.py").write_text("import os, time; print(os.getpid()); time.sleep(100)", "utf-8")
    source = f"""
import os, pathlib, time
from utils.processes import start_script
if __name__ == "__main__":
    log = pathlib.Path({str(tmp_path)!r}, "log")
    start_script(pathlib.Path({str(tmp_path)!r}, "sleep.py"), log)
    while not (log.exists() and log.read_text().strip()):
        time.sleep(0.05)
    print(log.read_text(), flush=True)
    os._exit(0)  # without saying goodbye
"""
    pid = int(in_a_new_process(source))
    for _ in range(100):
        time.sleep(0.05)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
    pytest.fail("the script outlived its parent by five seconds")


def test_scripts_are_checked(tmp_path):
    with pytest.raises(FileNotFoundError, match="no script"):
        start_script(tmp_path / "none.py", tmp_path / "log")
    with pytest.raises(TypeError, match="as a string, not list"):
        output_of_script(["print(1)"])
