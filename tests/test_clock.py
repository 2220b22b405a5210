"""The course's clock: the parts of a notebook, the arrangements, the files, the table; and that it measures."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
import tiny
from kernels import small_notebook

from tests.benchmarks import course
from utils import COURSE_ROOT
from utils.__main__ import main as command
from utils.cli import clock, run, speed
from utils.cli.catalogue import UsageError

SHARES = dict(zip(clock.PARTS, (1.0, 4.0, 0.5, 2.0, 3.0, 0.25, 0.5)))


def turn(arrangement="1x2", seconds=60.0, **changes):
    """Return a turn of two notebooks, the second twice as slow as the first."""
    first = SHARES | changes
    return {
        "arrangement": arrangement,
        "seconds": seconds,
        "notebooks": {"01_one": first, "02_two": {part: 2 * value for part, value in first.items()}},
    }


def made(**changes):
    """Return a record of one turn in each of two arrangements."""
    record = {
        "profile": "quick", "core": False, "turns": [turn(), turn("2x1", 90.0)], "machine": "a machine", "cores": 2,
        "imports": [{"what": "import utils", "seconds": 0.123, "tensorflow": False}],
        "versions": {"keras": "3"}, "date": "2026-01-02",
    }  # fmt: skip
    return record | changes


def cell(begun, ended, source="x = 1"):
    """Return a code cell as nbclient leaves it, executed from one second of the clock to another."""
    moments = {"iopub.status.busy": begun, "shell.execute_reply": ended}
    texts = {name: f"2026-01-02T00:00:{second:09.6f}Z" for name, second in moments.items()}
    return nbformat.v4.new_code_cell(source, metadata={"execution": texts})


def cells_of(text, name):
    """Return the cells of the table's first line that holds a text."""
    line = next(line for line in text.splitlines() if line.startswith("|") and name in line)
    return [part.strip() for part in line.strip("|").split("|")]


# ---------------------------------------------------------------------------------------------------------- the parts


def test_the_parts_of_a_notebook_are_all_its_seconds():
    cells = [cell(3, 5), cell(5, 9, 'run = course.start("x")'), cell(9, 20), cell(21, 30)]
    counted = [{"data": 0, "first": 0.25}, {"data": 1, "first": 0.25}, {"data": 2, "first": 3}, {"data": 2, "first": 4}]
    midnight = 1767312000.0  # 2 January 2026, UTC
    found = course.parted(cells, counted, midnight + 1, midnight + 31.5)
    assert found == pytest.approx(
        {"kernel": 2, "start": 6 - 1.25, "data": 2, "first": 4, "rest": 21 - 1 - 3.75, "deeper": 0, "end": 1.5}
    )
    assert sum(found.values()) == pytest.approx(30.5)
    core = course.parted(cells, counted, midnight + 1, midnight + 31.5, core=3)
    assert core == pytest.approx(
        {"kernel": 2, "start": 6 - 1.25, "data": 2, "first": 3, "rest": 11 - 1 - 2.75, "deeper": 10, "end": 1.5}
    )


def test_the_arrangements_are_the_words_or_one_notebook_and_one_a_core(monkeypatch):
    monkeypatch.setattr(course, "cores", lambda: 4)
    assert course.arrangements(None) == ["1x4", "4x1"]
    assert course.arrangements(["2x1", "1x2", "2x1"]) == ["2x1", "1x2"]
    for wrong in ("2", "0x1", "2x", "ax1", "1x0"):
        with pytest.raises(UsageError, match="is no arrangement"):
            course.arrangements([wrong])


def test_the_threads_of_a_kernel_reach_numpy_and_tensorflow():
    code = (
        "import tensorflow as tf, threadpoolctl, numpy\n"
        "tf.ones((2, 2)) @ tf.ones((2, 2))\n"
        "import psutil\n"
        "print(max(pool['num_threads'] for pool in threadpoolctl.threadpool_info()), psutil.Process().num_threads())"
    )
    said = {}
    for number in (1, 3):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | run.threads(number),
            capture_output=True,
            text=True,
            check=True,
        )
        most, said[number] = map(int, done.stdout.split())
        assert most == number  # OpenBLAS besides takes no more than there are cores
    assert said[1] < said[3]


def test_kernels_side_by_side_share_the_cores_unless_the_shell_decides(monkeypatch):
    for name in run.threads(1):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(run, "cores", lambda: 4)
    assert run.share(1) == {}
    assert run.share(2) == run.threads(2) and run.share(3) == run.threads(1) == run.share(9)
    assert run.share(1, 3) == run.share(2, 3) == run.threads(3)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert run.share(2) == {} and run.share(2, 1) == run.threads(1)


def test_turns_change_which_arrangement_begins(monkeypatch, tmp_path, capsys):
    small_notebook(tmp_path / "01_one.ipynb")
    turns = []

    async def counted(paths, arrangement, profile, timeout, core, say):
        turns.append(arrangement)
        return turn(arrangement)

    monkeypatch.setattr(course, "turn", counted)
    words = [f"--folder={tmp_path}", f"--into={tmp_path / 'bench'}", "--times=0", "--rounds=2"]
    assert course.main([*words, "--arrangements", "1x2", "2x1"]) == 0
    assert turns == ["1x2", "2x1", "2x1", "1x2"]
    assert "not written" in capsys.readouterr().out and not (tmp_path / "bench").exists()


# ----------------------------------------------------------------------------------------------------- it measures


def test_the_clock_sees_kernels_loaders_and_first_calls_and_writes_when_all_passed(tmp_path, monkeypatch, capsys):
    start = "from utils import course\nfrom utils.datasets import load_jena\nrun = course.start('{}')"
    first = small_notebook(
        tmp_path / "01_one.ipynb",
        start.format("01_one"),
        "import tensorflow as tf, time\n"
        "traced = tf.function(lambda x: time.sleep(0.4) or x + 1)\n"
        "outer = tf.function(lambda x: traced(x))\n"
        "outer(1.0), outer(1.0), outer(2.0)\n"
        "time.sleep(0.7)",
        "jena = load_jena()\ntime.sleep(0.3)",
    )
    small_notebook(tmp_path / "02_two.ipynb", start.format("02_two"), "import time\ntime.sleep(0.2)")
    monkeypatch.setattr(course, "calls", lambda: {"import utils": ["-c", "import utils"]})
    words = [f"--folder={tmp_path}", f"--into={tmp_path / 'bench'}", "--times=1", "--arrangements", "2x1"]
    assert course.main(words) == 0
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["course.json"]
    [record] = clock.load(tmp_path / "bench")
    one, two = (record["turns"][0]["notebooks"][name] for name in ("01_one", "02_two"))
    assert one["first"] >= 0.8 > two["first"], "two traces, each with its sleep of 0.4 s; constants are traced apart"
    assert one["data"] > 0 == two["data"]
    assert one["rest"] >= 0.99 and two["rest"] >= 0.2
    assert all(parts[part] > 0 for parts in (one, two) for part in ("kernel", "start", "end"))
    assert sum(two.values()) <= record["turns"][0]["seconds"] + 0.1
    assert [row["tensorflow"] for row in record["imports"]] == [False]
    (tmp_path / "bench" / "course.json").unlink()
    small_notebook(first, start.format("01_one"), "1 / 0")
    assert course.main([*words, "--times=0"]) == 1
    assert list((tmp_path / "bench").iterdir()) == []
    assert "01_one.ipynb did not run to its end" in capsys.readouterr().err


def test_the_clock_leaves_out_what_is_deeper_and_goes_on_after_a_failure(tmp_path, capsys):
    cells = [
        nbformat.v4.new_code_cell("import time\ncourse.start('x')" if k == 0 else f"time.sleep({k})") for k in range(3)
    ]
    deeper = nbformat.v4.new_markdown_cell("## Going deeper")
    source = "from utils import course\n" + cells[0].source
    cells[0].source = source
    whole = nbformat.v4.new_notebook(cells=[*cells[:2], deeper, cells[2]])
    nbformat.write(whole, tmp_path / "01_one.ipynb")
    words = [f"--folder={tmp_path}", f"--into={tmp_path / 'bench'}", "--times=0", "--arrangements", "1x1"]
    assert course.main(words) == 0
    assert course.main([*words, "--core"]) == 0
    with_it, without = (
        dict(word.rsplit(" ", 1) for word in line.split("(")[1].rstrip(")").split(", "))
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("  01_one: ")
    )
    assert 1 <= float(with_it["rest"]) < 2 <= float(with_it["deeper"]) < 3
    assert 1 <= float(without["rest"]) < 2 and without["deeper"] == "0.0"
    small_notebook(tmp_path / "00_wrong.ipynb", "raise SystemExit(1 / 0)")
    assert course.main(words) == 1
    said = capsys.readouterr()
    assert (
        "00_wrong did not run to its end" in said.out and "  01_one: " in said.out and "ZeroDivisionError" in said.err
    )


def test_a_claim_that_fails_is_told_and_its_seconds_count(tmp_path, capsys):
    start = "from utils import course\nrun = course.start('01_one')"
    small_notebook(tmp_path / "01_one.ipynb", start, "run.claim(False, 'water is dry', always=True)", "2 + 2")
    assert course.main([f"--folder={tmp_path}", f"--into={tmp_path}", "--times=0", "--arrangements", "1x1"]) == 0
    said = capsys.readouterr().out
    assert "01_one: not all held: water is dry" in said and "  01_one: " in said


def test_an_import_that_brings_tensorflow_is_told_from_one_that_does_not(tmp_path, monkeypatch):
    (tmp_path / "tensorflow.py").write_text("", encoding="utf-8")
    (tmp_path / "near.py").write_text("import tensorflow", encoding="utf-8")
    (tmp_path / "far.py").write_text("import json as tensorflow", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert course._brings(["-c", "import near"])
    assert not course._brings(["-c", "import far"])


def test_what_is_timed_alone_are_all_modules_and_the_help():
    names = course.calls()
    assert {"import utils", "import utils.course", "import utils.datasets", "python -m utils --help"} <= names.keys()
    assert "import utils.__main__" not in names and "import utils.cli" not in names


def test_embeddings_come_without_scikit_learn():
    code = "import sys, utils.embeddings; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=COURSE_ROOT, check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ files and the table


def test_a_record_is_read_back_and_is_no_row_of_the_speed_ledger(tmp_path):
    assert clock.load(tmp_path) == []
    clock.save(made(profile="full", core=True), tmp_path)
    clock.save(made(profile="full"), tmp_path)
    clock.save(made(), tmp_path)
    found = [(record["profile"], record["core"]) for record in clock.load(tmp_path)]
    assert found == [("quick", False), ("full", False), ("full", True)]
    assert speed.load(tmp_path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "odd"},
        {"core": None},
        {"turns": []},
        {"turns": [turn(kernel=float("nan"))]},
        {"turns": [turn(), {"arrangement": "2x1", "seconds": 1.0, "notebooks": {"01_one": SHARES}}]},
        {"turns": [{"arrangement": "1x2", "seconds": 1.0, "notebooks": {"01_one": {"kernel": 1.0}}}]},
        {"imports": [{"what": "import utils", "seconds": -1, "tensorflow": False}]},
        {"machine": None},
    ],
)
def test_what_is_not_whole_is_neither_written_nor_read(tmp_path, changes):
    with pytest.raises(ValueError):
        clock.save(made(**changes), tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "course.json").write_text(json.dumps(made(**changes)), encoding="utf-8")
    with pytest.raises(UsageError, match=r"course\.json is not a record of `make clock`"):
        clock.load(tmp_path)


def test_the_table_gives_minutes_sums_and_each_notebook():
    text = clock.table([made(turns=[turn(), turn("2x1", 90.0), turn("2x1", 120.0), turn(seconds=66.0, first=4.0)])])
    assert cells_of(text, "1 at a time, 2 threads")[1:5] == ["1.1", "1.0 to 1.1", "2", "3.0"]
    assert cells_of(text, "2 at a time, 1 thread each")[1:4] == ["1.8", "1.5 to 2.0", "2"]
    assert cells_of(text, "02_two") == ["02_two", "24.5", "2.0", "8.0", "1.0", "6.0", "6.0", "0.5", "1.0"]
    assert cells_of(text, "import utils") == ["`import utils`", "0.12", "no"]
    assert "All 2 notebooks in the quick profile" in text and "2026-01-02, a machine, 2 cores, keras 3." in text
    assert "without what is under" in clock.table([made(core=True)]) and "without what is under" not in text
    assert clock.table([]) == ""


def test_results_puts_the_table_into_results_md_and_check_agrees(tmp_path, capsys):
    words, tables = tiny.results_command(tmp_path)
    clock.save(made(), tmp_path / "results" / speed.FOLDER)
    assert command([*words, "--check"]) == 1
    assert command(words) == 0 and command([*words, "--check"]) == 0
    assert "**The whole course, quick.**" in tables.read_text(encoding="utf-8")
