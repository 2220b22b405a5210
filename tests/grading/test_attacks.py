"""Submissions that do harm, or try to: each ends as graded or as clearly rejected, and nobody else notices.

Every attack is bounded by itself (a fork bomb makes at most 200 processes, a memory bomb at most 4 GiB), so that a
limit that fails harms no machine.
"""

import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import tiny_assignment as tiny

from utils import COURSE_ROOT
from utils.grading import sandbox
from utils.grading.unit import Limits, grade_one

WHY_NOT = sandbox.available()
pytestmark = [
    pytest.mark.grading,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.skipif(WHY_NOT is not None, reason=f"{WHY_NOT}"),
]

LIMITS = Limits(cell_seconds=4, seconds=40, memory=2**30, processes=24, disk=16 * 2**20)
FORK_BOMB = """
import os, time
for _ in range(200):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
time.sleep(3)
"""
ALL = {name: float(points) for name, (_, points) in tiny.TESTS.items()}


@pytest.fixture
def grade(tmp_path):
    """Grade a submission, given as `tiny_assignment.submission` takes it; `change` edits its JSON first."""

    def graded(extra=None, change=None, limits=LIMITS, student="ada", **answers):
        path = tiny.submission(tmp_path, student, extra, **answers)
        if change:
            content = json.loads(path.read_text(encoding="utf-8"))
            change(content)
            path.write_text(json.dumps(content), encoding="utf-8")
        return grade_one(path, tiny.source(tmp_path), tmp_path / "out" / student, student=student, limits=limits)

    return graded


def said(result) -> str:
    """What the cells of a submission printed."""
    notebook = nbformat.read(Path(result.feedback).with_name("autograded.ipynb"), as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def lost(result) -> set[str]:
    assert result.status == "graded", result.message
    assert result.points.keys() == ALL.keys() and result.max_score == sum(ALL.values())
    assert all(points in (0, ALL[name]) for name, points in result.points.items())
    assert result.score == sum(result.points.values())
    return {name for name, points in result.points.items() if not points}


# ------------------------------------------------------------------------------------------------- honest submissions


def test_a_right_submission_gets_everything(grade):
    result = grade()
    assert lost(result) == set() and result.message == ""
    assert 2**24 < result.peak_memory < LIMITS.memory and 0 < result.seconds < 60


def test_the_solution_itself_gets_everything_and_an_empty_submission_nothing(grade):
    assert lost(grade(**tiny.SOLUTIONS)) == set()
    assert lost(grade(**tiny.STUBS)) == set(ALL)


def test_a_wrong_answer_costs_its_own_points_only(grade):
    assert lost(grade(double="def double(x):\n    return x")) == {"test_double"}
    assert lost(grade(double="def double(x) return 2")) == {"test_double"}


def test_a_hard_coded_answer_loses_the_hidden_points(grade):
    assert lost(grade(norm="def norm(x):\n    return 5")) == {"test_norm", "test_norm_of_nothing"}


def test_tests_judge_names_as_they_were_at_their_place(grade):
    """A later answer that rebinds an earlier name costs the earlier question nothing, as in a notebook run in order."""
    assert lost(grade(norm=tiny.RIGHT["norm"] + "\ndouble = None")) == set()


def test_warnings_and_numbers_that_a_test_shows_change_no_points(grade):
    noisy = "import sys\n" + tiny.RIGHT["double"].replace("return", "print('careful', file=sys.stderr)\n    return")
    assert lost(grade(double=noisy)) == set()


def test_the_feedback_shows_points_and_no_hidden_test(grade):
    result = grade(double="def double(x):\n    return [2, 4]", extra={"norm": "print('<script>alert(1)</script>')"})
    page = Path(result.feedback).read_text(encoding="utf-8")
    assert "double of five numbers" in page and "test_double" in page
    assert "default_rng" not in page and "HIDDEN" not in page
    assert "<script>alert(1)" not in page


def test_html_that_a_submission_shows_is_not_in_the_feedback(grade):
    result = grade(extra={"norm": "from IPython.display import HTML\nHTML('<img src=x onerror=alert(77)>')"})
    assert lost(result) == set()
    assert "alert(77)" not in Path(result.feedback).read_text(encoding="utf-8").replace("onerror=alert(77)&gt;", "")


# --------------------------------------------------------------------------------------------------- using too much


def test_an_endless_loop_is_stopped(grade):
    result = grade(extra={"norm": "while True:\n    pass"})
    assert lost(result) == set()
    assert "stopped after 4 seconds" in result.message


def test_an_endless_loop_that_cannot_be_interrupted_is_killed(grade):
    stubborn = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    result = grade(extra={"norm": stubborn})
    assert lost(result) == set()
    assert "ended the run" in result.message


def test_an_endless_answer_costs_its_own_tests(grade):
    assert lost(grade(norm="def norm(x):\n    while True:\n        pass")) == {"test_norm", "test_norm_of_nothing"}


def test_the_time_for_all_cells_together_is_limited(grade):
    limits = Limits(cell_seconds=3, seconds=8)
    result = grade(
        extra={"double": "import time\ntime.sleep(2.5)", "norm": "time.sleep(2.9)\ntime.sleep(9)"}, limits=limits
    )
    assert result.status == "graded" and result.seconds < 40


def test_a_memory_bomb_is_killed(grade):
    result = grade(extra={"norm": "held = []\nfor _ in range(64):\n    held.append(b'x' * 2**26)"})  # 4 GiB
    assert lost(result) == set()
    assert "memory" in result.message or "MemoryError" in result.message
    assert result.peak_memory < 2 * LIMITS.memory


def test_memory_of_several_processes_counts_together(grade):
    bomb = FORK_BOMB.replace("range(200)", "range(6)").replace("time.sleep(20)", "held = b'x' * 2**28; time.sleep(20)")
    result = grade(extra={"norm": bomb})  # 1.5 GiB, 256 MiB each
    assert lost(result) == set()
    assert "of memory that are permitted" in result.message


def test_a_fork_bomb_is_killed(grade):
    result = grade(extra={"norm": FORK_BOMB})
    assert lost(result) == set()
    assert "more than the 24 processes" in result.message


def test_processes_that_cut_their_ties_end_with_the_sandbox(grade):
    mark = f"{os.getpid()}.77"
    daemon = f"import subprocess\nsubprocess.Popen(['setsid', '-f', 'sleep', '{mark}'])"
    assert lost(grade(extra={"norm": daemon})) == set()
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [words for words in running if mark.encode() in words]


def test_a_million_lines_of_output_are_cut(grade):
    limits = Limits(cell_seconds=60, seconds=90)
    result = grade(extra={"norm": "for number in range(1_000_000):\n    print(number, 'is a number')"}, limits=limits)
    assert lost(result) == set()
    assert "the output of cell" in result.message and len(said(result)) < 1.1 * limits.output
    assert os.path.getsize(result.feedback) < 2**20


def test_one_enormous_message_does_no_harm(grade):
    result = grade(extra={"norm": "from IPython.display import Markdown\nMarkdown('x' * 2**26)"})
    assert result.status == "graded" and lost(result) == set()


def test_a_full_disk_is_an_error_of_the_cell_that_filled_it(grade):
    fill = "for number in range(100):\n    with open(f'{number}.bin', 'wb') as file:\n        file.write(b'x' * 2**20)"
    result = grade(extra={"norm": fill})  # 100 MiB
    assert lost(result) == set()
    notebook = Path(result.feedback).with_name("autograded.ipynb").read_text(encoding="utf-8")
    assert "No space left on device" in notebook


@pytest.mark.parametrize("place", ["/dev/shm", "/dev", "/", "/run/grading", "/tmp"])
def test_no_other_place_takes_more(grade, place):
    fill = f"""
written = 0
for number in range(40):
    try:
        with open(f'{place}/{{number}}.bin', 'wb') as file:
            written += file.write(b'x' * 2**20)
    except OSError:
        break
print('written', written >> 20)
"""
    result = grade(extra={"norm": fill})
    assert lost(result) == set()
    assert int(said(result).split("written")[1].split()[0]) <= 16


def test_memory_without_a_file_is_refused(grade):
    result = grade(extra={"norm": "import os\nos.memfd_create('hidden')"})
    assert lost(result) == set()
    assert "PermissionError" in Path(result.feedback).with_name("autograded.ipynb").read_text(encoding="utf-8")


# ----------------------------------------------------------------------------------------------- reading and reaching


def test_nothing_of_the_course_but_its_library_can_be_read(grade, tmp_path):
    look = f"""
import json, os
found = []
for top in ('..', '../..', '{COURSE_ROOT}', '{tmp_path.parent}', '{Path.home()}', '/etc', '/home', '/var'):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in ('usr', 'lib', 'include', 'share', 'proc', 'bin', 'dev')]
        found += [os.path.realpath(os.path.join(folder, name)) for name in files]
print('FOUND', json.dumps(sorted(set(found))))
print('ENVIRONMENT', sorted(os.environ.values()))
"""
    result = grade(extra={"norm": look}, limits=replace(LIMITS, output=10**6))
    assert lost(result) == set()
    found = [Path(path) for path in json.loads(said(result).split("FOUND ")[1].splitlines()[0])]
    assert COURSE_ROOT / "utils" / "cells.py" in found
    assert not [path for path in found if path.suffix in (".ipynb", ".db") or path.is_relative_to(tmp_path.parent)]
    course = {path.relative_to(COURSE_ROOT) for path in found if path.is_relative_to(COURSE_ROOT)}
    course = {path for path in course if path.parts[0] != ".venv"}  # Python's environment, which it has to see
    assert {path.parts[0] for path in course} == {"utils", "data", "requirements.txt"}
    assert not [path for path in course if path.parts[:2] == ("utils", "grading")]
    assert {path.name for path in course if path.parts[0] == "data"} == set(sandbox.DATA_FILES)
    assert str(tmp_path) not in said(result).split("ENVIRONMENT")[1]


def test_hidden_tests_are_not_in_memory_while_answers_run(grade):
    """The patterns do not match themselves; the control shows that what is in memory is found."""
    look = """
import os, re
control = 'a control that is here'
def count(pattern):
    found = 0
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split('-'))
            if 'rw' in line and end - start < 2**28:
                try:
                    memory.seek(start)
                    found += len(re.findall(pattern, memory.read(end - start)))
                except (OSError, ValueError, OverflowError):
                    pass
    return found
print('FOUND', count(b'double of f[i]ve numbers'), 'CONTROL', count(b'a control that is h[e]re') > 0)
print('PROCESSES', [pid for pid in os.listdir('/proc') if pid.isdigit()])
"""
    result = grade(extra={"norm": look})
    assert lost(result) == set()
    assert "FOUND 0 CONTROL True" in said(result)
    assert str(os.getpid()) not in said(result).split("PROCESSES")[1].splitlines()[0]
    later = "print('LATER', count(b'double of f[i]ve numbers'))"
    result = grade(double=f"{look}\ndef double(x):\n    {later}\n    return np.asarray(x) * 2")
    assert "LATER" not in Path(result.feedback).read_text(encoding="utf-8").split("tests that are not shown")[1]
    assert int(said(result).split("LATER")[-1].split()[0]) > 0  # as the docstring of `running` says


def test_the_network_is_out_of_reach(grade):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        call = f"import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 2)\n    print('CONNECTED')\n"
        call += "except OSError as error:\n    print('REFUSED', error)"
        result = grade(extra={"norm": call})
        with pytest.raises(TimeoutError):
            server.accept()
    assert lost(result) == set()
    assert "REFUSED" in said(result) and "CONNECTED" not in said(result)


# ----------------------------------------------------------------------------------------------- ending the process


@pytest.mark.parametrize(
    "end",
    ["import sys\nsys.exit(0)", "exit()", "import os\nos._exit(0)", "import os\nos.kill(os.getpid(), 9)",
     "import ctypes\nctypes.string_at(0)"],
    ids=["sys.exit", "exit", "os._exit", "kill", "crash"],
)  # fmt: skip
def test_a_cell_that_ends_the_process_costs_nothing_else(grade, end):
    assert lost(grade(extra={"norm": end})) == set()


def test_an_answer_that_ends_the_process_costs_its_own_tests(grade):
    result = grade(double="import os\ndef double(x):\n    os._exit(0)")
    assert lost(result) == {"test_double"}
    result = grade(norm="import sys\ndef norm(x):\n    sys.exit(0)")
    assert lost(result) == {"test_norm", "test_norm_of_nothing"}


def test_a_submission_that_ends_every_process_loses_what_was_not_judged(grade):
    end = "import os, threading\nthreading.Timer(0.3, os._exit, (0,)).start()"
    result = grade(extra={"norm": end})
    assert result.status in ("graded", "rejected") and result.message


# ------------------------------------------------------------------------------------------------ bending the tests

WRONG = {"double": "def double(x):\n    return [2, 4]", "norm": "def norm(x):\n    return 5"}
BENDS = {
    "numpy.testing": "np.testing.assert_allclose = lambda *args, **more: None",
    "deep in numpy": "import numpy.testing._private.utils as deep\ndeep.assert_array_compare = lambda *args, **more: 1",
    "code": "np.testing.assert_allclose.__code__ = (lambda *args, **more: None).__code__",
    "tolerance": "np.testing.assert_allclose.__defaults__ = (1e9, 1e9, True, '', True)",
    "allclose": "np.allclose = np.array_equal = lambda *args, **more: True",
    "random numbers": "fixed = np.random.default_rng(0)\nnp.random.default_rng = lambda *args: fixed",
    "AssertionError": "import builtins\nbuiltins.AssertionError = type('Kind', (BaseException,), {})",
    "syntax tree": """
import ast
class WithoutAssert(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(WithoutAssert())
""",
    "text": """
def without_assert(lines):
    return [line for line in lines if not line.startswith('assert')]
get_ipython().input_transformers_cleanup.append(without_assert)
""",
    "run_cell": """
shell = get_ipython()
run = shell.run_cell
def run_cell(*args, **more):
    done = run(*args, **more)
    done.error_in_exec = None
    return done
shell.run_cell = run_cell
""",
    "run_code": """
async def nothing(*args, **more):
    return False
get_ipython().run_code = nothing
""",
    "shown errors": """
shell = get_ipython()
shell.showtraceback = shell._showtraceback = lambda *args, **more: None
""",
    "answers": """
session = get_ipython().kernel.session
send = session.send
def lie(stream, what, content=None, *args, **more):
    if what == 'error':
        return None
    if isinstance(content, dict) and content.get('status') == 'error':
        content = {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}
    return send(stream, what, content, *args, **more)
session.send = lie
""",
    "do_execute": """
async def do(*args, **more):
    return {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}
get_ipython().kernel.do_execute = do
""",
}


@pytest.mark.parametrize("bend", BENDS.values(), ids=BENDS)
def test_whoever_bends_the_tests_is_rejected(grade, bend):
    result = grade(extra={"norm": bend}, **WRONG)
    assert result.status == "rejected", result
    assert "tampered" in result.message
    assert result.score == 0 and set(result.points) == set(ALL) and result.feedback is None


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.3])
def test_bending_from_a_thread_earns_nothing(grade, seconds):
    bend = "import threading\ndef bend():\n    np.testing.assert_allclose = lambda *args, **more: None\n"
    result = grade(extra={"norm": f"{bend}threading.Timer({seconds}, bend).start()"}, **WRONG)
    assert result.status == "rejected" or result.score == 0  # too late is as well


def test_bending_while_a_test_runs_is_noticed(grade):
    bend = "def double(x):\n    np.testing.assert_allclose = lambda *args, **more: None\n    return [2, 4]"
    result = grade(double=bend)
    assert result.status == "rejected" and "tampered" in result.message


def test_an_answer_that_looks_into_the_test_is_told_to_the_teacher(grade):
    peep = "def norm(x):\n    import sys\n    return sys._getframe(1).f_globals.get('numbers', [3, 4])"
    assert "worth a look: it uses _getframe, f_globals" in grade(norm=peep).message


def test_harmless_hooks_are_no_tampering(grade):
    hooks = """
import sys, warnings
sys.excepthook = lambda *args: None
warnings.simplefilter('ignore')
np.set_printoptions(precision=2)
np.random.seed(1)
np.seterr(all='ignore')
sum = max = dict = str = print = id = None
"""
    assert lost(grade(extra={"double": hooks})) == set()


# ---------------------------------------------------------------------------------------------- bending the notebook


def cell_of(content, name):
    return next(cell for cell in content["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == name)


def test_a_test_that_was_changed_is_restored(grade):
    def change(content):
        cell = cell_of(content, "test_double")
        cell["source"] = "100"
        cell["metadata"]["nbgrader"] |= {"points": 100, "grade": True, "locked": False}

    result = grade(change=change, **WRONG)
    assert "test_double" in lost(result)
    assert "restored: test_double" in result.message


def test_a_test_cannot_be_skipped_by_a_tag(grade):
    def change(content):
        for cell in content["cells"]:
            cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]

    assert lost(grade(change=change, **WRONG)) == set(ALL)


def test_tests_that_were_deleted_are_put_back(grade):
    def change(content):
        content["cells"] = [cell for cell in content["cells"] if "test" not in str(cell["metadata"])]

    result = grade(change=change)
    assert lost(result) == set() and "put back" in result.message
    assert lost(grade(change=change, **WRONG)) == set(ALL)


def test_the_grade_cannot_be_written(grade):
    write = """
import sqlite3
for name in ('gradebook.db', '../gradebook.db', '/tmp/gradebook.db'):
    try:
        sqlite3.connect(name).execute('create table grade (auto_score float)')
    except Exception as error:
        print(error)
open('grades.csv', 'w').write('ada,99_tiny,100')
100.0
"""
    assert lost(grade(extra={"norm": write}, **WRONG)) == set(ALL)


def test_a_kernel_of_another_name_is_replaced(grade):
    def change(content):
        content["metadata"]["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}

    result = grade(change=change)
    assert lost(result) == set() and "'ir'" in result.message


def test_names_that_stand_twice(grade):
    def change(content):
        twice = [cell_of(content, "double"), cell_of(content, "test_double")]
        copies = [json.loads(json.dumps(cell)) for cell in twice]
        copies[0]["source"] = "def double(x):\n    return 7"
        copies[1]["source"] = "pass"
        content["cells"] = copies + content["cells"]

    result = grade(change=change)
    assert lost(result) == set() and "more than once" in result.message


def test_a_renamed_file_is_graded(grade, tmp_path):
    path = tiny.submission(tmp_path, "bob")
    path.rename(path.with_name("my homework (2).ipynb"))
    result = grade_one(path.parent, tiny.source(tmp_path), tmp_path / "out", student="bob", limits=LIMITS)
    assert lost(result) == set() and "my homework (2).ipynb" in result.message


# ----------------------------------------------------------------------------------------------------------- others


def test_neighbours_are_unharmed(grade):
    attacks = [
        "import os, time\nfor _ in range(100):\n    if os.fork() == 0:\n        time.sleep(20)\n        os._exit(0)",
        "held = []\nfor _ in range(32):\n    held.append(b'x' * 2**26)",
        "import os, signal\nos.kill(-1, signal.SIGKILL)",
    ]
    with ThreadPoolExecutor(2) as pool:
        bad = [pool.submit(grade, {"norm": attack}, student=f"mallory{k}") for k, attack in enumerate(attacks)]
        good = [pool.submit(grade, student=f"ada{k}") for k in range(3)]
        assert [lost(each.result()) for each in good] == [set()] * 3
        assert all(each.result().status in ("graded", "rejected") for each in bad)
    assert not [thread for thread in threading.enumerate() if thread.name == "watch over a sandbox"]


def test_a_user_namespace_protects_as_well(grade, monkeypatch):
    """What whoever is not root has: the same sandbox under a user namespace of its own."""
    monkeypatch.setattr(sandbox, "_mode", lambda: "user")
    assert lost(grade()) == set()
    look = "import os\nprint('USER', os.getuid(), os.listdir('/tmp'))\nos.memfd_create('x')"
    result = grade(extra={"norm": look})
    assert lost(result) == set() and "USER 1000" in said(result)
    assert "more than the 24 processes" in grade(extra={"norm": FORK_BOMB}).message


def test_without_the_sandbox_limits_remain(tmp_path):
    path = tiny.submission(tmp_path, extra={"norm": "while True:\n    pass"})
    result = grade_one(path, tiny.source(tmp_path), tmp_path / "out", student="ada", limits=LIMITS, protected=False)
    assert lost(result) == set() and "stopped after" in result.message
