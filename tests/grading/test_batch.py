"""Many submissions: side by side, each once, nobody lost, whatever happens to the run."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import fake
import filelock
import pytest
import small
import tiny_assignment

from utils import COURSE_ROOT
from utils.__main__ import main
from utils.cli.catalogue import UsageError
from utils.grading import batch, sandbox, submissions, worker

HERE = Path(__file__).parent


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder of sources with one assignment, a folder of submissions, one of results, and a journal."""
    monkeypatch.setenv("GRADING_JOURNAL", str(tmp_path / "journal"))
    for name in ("sources", "in"):
        (tmp_path / name).mkdir()
    small.save(tmp_path / "sources")
    return tmp_path


def hand_in(course, **words):
    """Write a notebook for each student that holds a word, which the fake grader obeys."""
    for student, word in words.items():
        path = course / "in" / student / f"{small.NAME}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(word), encoding="utf-8")


def collected(course):
    sources = {small.NAME: course / "sources" / f"{small.NAME}.ipynb"}
    return submissions.collect(course / "in", sources)[0], sources


def grade(course, jobs=2, **options):
    found, sources = collected(course)
    return batch.grade(found, sources, course / "out", jobs=jobs, grader=fake.grade, **options)


def scores(rows):
    return {row.result.student: row.result.score for row in rows}


def ledger(course):
    """Return the students in the ledger, once for each line."""
    text = (course / "out" / batch.LEDGER).read_text(encoding="utf-8")
    return [json.loads(line)["result"]["student"] for line in text.splitlines()]


def grades(course):
    with (course / "out" / batch.GRADES).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------------------------------------- a run


def test_each_submission_is_graded_once_and_written_down(course):
    hand_in(course, ada=5, bob=3, cleo="rejected", dan=0)
    rows = grade(course)
    assert scores(rows) == {"ada": 5, "bob": 3, "cleo": 0, "dan": 0}
    assert Counter(fake.calls()) == Counter(ledger(course)) == dict.fromkeys(["ada", "bob", "cleo", "dan"], 1)
    assert len({process for _, process in fake.journal()} - {os.getpid()}) == 2, "two processes, neither of them ours"
    written = grades(course)
    assert [row["student"] for row in written] == ["ada", "bob", "cleo", "dan"]
    assert list(written[0]) == [*batch.COLUMNS, "test_double", "test_shape", "test_running_sum"]
    assert {name: written[1][name] for name in ("assignment", "status", "score", "max_score", "peak_memory_mb")} == {
        "assignment": small.NAME,
        "status": "graded",
        "score": "3",
        "max_score": "5",
        "peak_memory_mb": "100",
    }
    assert [written[1][name] for name in fake.TESTS] == ["2", "1", "0"]
    assert (written[2]["status"], written[2]["message"]) == ("rejected", "<not> a notebook")


def test_every_student_gets_a_page(course):
    hand_in(course, ada=5, cleo="rejected")
    (course / "in" / "dan").mkdir()
    rows = grade(course)
    pages = {path.parent.name: path.read_text("utf-8") for path in (course / "out").rglob("*.html")}
    assert pages["ada"] == "<p>ada has 5</p>"
    teachers = [path.relative_to(course / "out").as_posix() for path in (course / "out").rglob("*.ipynb")]
    assert teachers == [f"autograded/ada/{small.NAME}.ipynb"]
    assert "&lt;not&gt; a notebook" in pages["cleo"]
    assert "no notebook; found: nothing" in pages["dan"]
    assert [row.result.feedback for row in rows] == [
        f"feedback/{name}/{small.NAME}.html" for name in ("ada", "cleo", "dan")
    ]


def test_what_cannot_be_graded_is_a_row_and_no_work(course):
    hand_in(course, ada=5)
    (course / "in" / "dan").mkdir()
    rows = grade(course)
    assert fake.calls() == ["ada"] and sorted(ledger(course)) == ["ada", "dan"]
    assert [(row.result.status, row.result.max_score, row.failed) for row in rows] == [
        ("graded", 5, False),
        ("rejected", 5, False),
    ]
    assert grades(course)[1]["test_double"] == "0"


def test_a_spreadsheet_finds_no_formula(course):
    hand_in(course, **{"=HYPERLINK(1)": 1, "-2": 2, "ada": 3})
    grade(course)
    assert [row["student"] for row in grades(course)] == ["'-2", "'=HYPERLINK(1)", "ada"]


def test_the_work_sees_copies_of_its_own_only(course, monkeypatch):
    """The unit holds everything: neither the folder of submissions nor that of sources is passed on."""
    hand_in(course, ada=5)
    found, sources = collected(course)
    seen = []

    def look(submission, source, out, **options):
        seen.extend((submission, source, out))
        assert submission.read_bytes() == found[0].path.read_bytes()
        assert source.read_bytes() == sources[small.NAME].read_bytes()
        assert [path.name for path in submission.parent.iterdir()] == [f"{small.NAME}.ipynb"]
        return fake.grade(submission, source, out, **options)

    words = ("ada", small.NAME, found[0].path.name, b"5", sources[small.NAME].read_bytes(), True)
    with pytest.raises(worker.OtherCourse, match="bring both to the same commit"):
        worker.work(worker.Unit(*words, course="another"), look)
    result, files = worker.work(worker.Unit(*words, course=worker.fingerprint()), look)
    assert (result.score, result.feedback) == (5, None)
    assert files == {"feedback": b"<p>ada has 5</p>", "autograded": b"the notebook of ada"}
    assert not any(path.exists() or course in path.parents for path in seen)


# ------------------------------------------------------------------------------------------- again, and after a fall


def test_what_is_in_the_ledger_is_not_graded_again(course):
    hand_in(course, ada=5, bob=3)
    grade(course)
    first = (course / "out" / batch.GRADES).read_bytes()
    hand_in(course, bob=4, eve=1)
    rows = grade(course)
    assert Counter(fake.calls()) == {"ada": 1, "bob": 2, "eve": 1}
    assert scores(rows) == {"ada": 5, "bob": 4, "eve": 1}
    assert [row.fresh for row in rows] == [False, True, True]
    (course / "in" / "eve" / f"{small.NAME}.ipynb").unlink()
    (course / "in" / "eve").rmdir()
    hand_in(course, bob=3)
    grade(course)
    assert (course / "out" / batch.GRADES).read_bytes() == first
    assert Counter(fake.calls()) == {"ada": 1, "bob": 3, "eve": 1}, "the page of bob's second had replaced the first"
    assert "bob has 3" in (course / "out" / "feedback" / "bob" / f"{small.NAME}.html").read_text(encoding="utf-8")


def test_a_submission_that_was_refused_in_between_gets_its_page_again(course):
    hand_in(course, ada=5)
    grade(course)
    other = course / "in" / "ada" / f"{small.NAME} (1).ipynb"
    other.write_text("5", encoding="utf-8")
    assert "leave one" in grade(course)[0].result.message
    assert "leave one" in grade(course)[0].result.message
    assert len(ledger(course)) == 2, "the same refusal is told once"
    other.unlink()
    (row,) = grade(course)
    assert row.result.score == 5 and (course / "out" / row.result.feedback).read_text("utf-8") == "<p>ada has 5</p>"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode here")
def test_a_name_that_is_no_text_harms_nobody(course):
    hand_in(course, bob=5)
    folder = os.fsencode(course / "in") + b"/ad\xe1"
    os.mkdir(folder)
    Path(os.fsdecode(folder), f"{small.NAME}.ipynb").write_text("4", encoding="utf-8")
    os.mkdir(os.fsencode(course / "in") + b"/\xff")
    assert scores(grade(course)) == {"ad\ufffd": 4, "bob": 5, "\ufffd": 0}
    assert [row.fresh for row in grade(course)] == [False] * 3
    assert os.path.isfile(os.fsencode(course / "out" / "feedback") + b"/ad\xe1/01_small.html")


def test_a_changed_source_is_graded_anew(course):
    hand_in(course, ada=5)
    grade(course)
    notebook = small.source()
    small.cell(notebook, "test_shape").source += "\n# stricter"
    small.save(course / "sources", notebook)
    grade(course)
    assert fake.calls() == ["ada", "ada"]


def test_equal_files_of_two_students_are_two_submissions(course):
    hand_in(course, ada=5, bob=5)
    assert len(grade(course)) == len(ledger(course)) == 2


def test_without_the_sandbox_is_another_result(course):
    hand_in(course, ada=5)
    grade(course)
    grade(course, protected=False)
    assert fake.calls() == ["ada", "ada"]


@pytest.mark.parametrize("torn", [b'{"key": "x', b'{"key": "x", "result": {}}', b"\xff"])
def test_a_line_that_was_not_finished_is_dropped(torn, course):
    hand_in(course, ada=5)
    grade(course)
    path = course / "out" / batch.LEDGER
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    hand_in(course, bob=3)
    grade(course)
    assert path.read_bytes().startswith(whole)
    assert ledger(course) == ["ada", "bob"]
    assert Counter(fake.calls()) == {"ada": 1, "bob": 1}


def test_a_damaged_ledger_is_named_and_left_as_it_is(course):
    hand_in(course, ada=5)
    grade(course)
    path = course / "out" / batch.LEDGER
    path.write_bytes(b"what?\n" + path.read_bytes())
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"line 1 of .*ledger\.jsonl is not as this course writes it"):
        grade(course)
    assert path.read_bytes() == before


RUN = """
import sys
from pathlib import Path
import fake
from utils.grading import batch, submissions
if __name__ == "__main__":
    course = Path(sys.argv[1])
    sources = {"01_small": course / "sources" / "01_small.ipynb"}
    found, _ = submissions.collect(course / "in", sources)
    batch.grade(found, sources, course / "out", jobs=2, grader=fake.grade, dask=(sys.argv[2:] or [None])[0])
"""


def start(course, *words):
    """Start a run in a process of its own."""
    script = course / "run.py"
    script.write_text(RUN, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(HERE), str(COURSE_ROOT)))}
    return subprocess.Popen([sys.executable, script, course, *words], env=environment, cwd=course)


def until(true, seconds=60):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def lines(course):
    path = course / "out" / batch.LEDGER
    return path.read_bytes().count(b"\n") if path.exists() else 0


def alive(process):
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_killed_run_goes_on_where_it_was(course):
    """kill -9 midway: the next run grades the others, nobody twice, nobody is lost, and no process is left behind."""
    everybody = [f"student {number:02}" for number in range(16)]
    hand_in(course, **dict.fromkeys(everybody, "slow"))
    run = start(course)
    until(lambda: lines(course) >= 4 or run.poll() is not None)
    run.kill()
    run.wait()
    done = ledger(course)
    called = set(fake.calls())
    assert 4 <= len(done) < len(everybody)
    assert not (course / "out" / batch.GRADES).exists(), "no half of a table"
    until(lambda: not any(alive(process) for _, process in fake.journal()))
    rows = grade(course)
    assert scores(rows) == dict.fromkeys(everybody, 5)
    assert Counter(ledger(course)) == Counter(everybody)
    assert [row["student"] for row in grades(course)] == everybody
    again = {student for student, count in Counter(fake.calls()).items() if count > 1}
    assert again == called - set(done), "only what was under way is begun anew"
    assert len(again) <= 2 and not again & set(done)


def test_a_worker_that_dies_takes_nobody_with_it(course):
    hand_in(course, ada="deadly", bob=5, cleo="deadly once", dan=3)
    rows = grade(course)
    assert scores(rows) == {"ada": 0, "bob": 5, "cleo": 5, "dan": 3}
    assert Counter(fake.calls()) == {"ada": batch.ATTEMPTS, "bob": 1, "cleo": 2, "dan": 1}
    assert rows[0].failed and "WorkerDied" in rows[0].result.message
    assert sorted(ledger(course)) == ["bob", "cleo", "dan"], "the next run tries again"
    assert grades(course)[0]["status"] == "rejected"


def test_a_fault_of_ours_is_told_and_tried_again(course):
    hand_in(course, ada="fault", bob=5)
    rows = grade(course)
    assert rows[0].result.message == "could not be graded (RuntimeError: the disk is full)"
    assert [row.failed for row in rows] == [True, False]
    assert ledger(course) == ["bob"]
    grade(course)
    assert Counter(fake.calls()) == {"ada": 2, "bob": 1}


def test_without_a_sandbox_nothing_is_written_but_what_was_graded(course):
    hand_in(course, ada=5, bob="no sandbox", cleo=5)
    with pytest.raises(sandbox.NoSandbox, match="there is no sandbox here"):
        grade(course, jobs=1)
    assert ledger(course) == ["ada"]
    assert not (course / "out" / batch.GRADES).exists()


def test_a_kernel_that_does_not_start_is_started_again(course):
    hand_in(course, ada="no start once", bob="no start")
    rows = grade(course)
    assert scores(rows) == {"ada": 5, "bob": 0}
    assert Counter(fake.calls()) == {"ada": 2, "bob": worker.STARTS}
    assert [row.failed for row in rows] == [False, True]
    assert ledger(course) == ["ada"]


def test_what_was_written_of_an_earlier_submission_does_not_stay(course):
    hand_in(course, ada=5)
    grade(course)
    hand_in(course, ada="rejected")
    grade(course)
    assert not list((course / "out").rglob("*.ipynb"))
    (page,) = (course / "out").rglob("*.html")
    assert "not graded" in page.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_read_harms_no_other(course, monkeypatch):
    hand_in(course, ada=5, bob=5)
    really = batch.file_hash

    def refuse(path):
        if path.parent.name == "ada":
            raise PermissionError(13, "Permission denied")
        return really(path)

    monkeypatch.setattr(batch, "file_hash", refuse)
    rows = grade(course)
    assert rows[0].result.message == f"{small.NAME}.ipynb cannot be read: Permission denied"
    assert rows[1].result.score == 5


def test_a_file_that_changes_under_the_run_is_tried_again(course, monkeypatch):
    hand_in(course, ada=5)
    monkeypatch.setattr(batch, "file_hash", lambda path: "0" * 64)
    (row,) = grade(course)
    assert row.failed and "has changed since the run began" in row.result.message


def test_two_runs_do_not_write_to_one_place(course):
    hand_in(course, ada=5)
    (course / "out").mkdir()
    with filelock.FileLock(course / "out" / batch.LOCK), pytest.raises(UsageError, match="another run is grading into"):
        grade(course)
    assert fake.calls() == []
    assert len(grade(course)) == 1


def test_progress_is_told_for_every_submission(course):
    hand_in(course, ada=5, bob="rejected", cleo="fault")
    (course / "in" / "dan").mkdir()
    told = []
    grade(course, report=lambda done, total, row: told.append((done, total, row and row.result.student)))
    assert told[0] == (0, 4, None)
    assert [done for done, _, _ in told] == [0, 1, 2, 3, 4]
    assert {student for _, _, student in told[1:]} == {"ada", "bob", "cleo", "dan"}


def test_the_summary_counts_what_this_run_did(course):
    hand_in(course, ada=5, bob="rejected")
    grade(course)
    hand_in(course, cleo=3)
    text = batch.summary(grade(course), 30.0)
    assert text == "2 graded, 1 rejected; 1 of them now, in 30 s, 2.0 a minute; at most 0.1 GB for one"


# -------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def fast(monkeypatch):
    """The command with the fake grader, on a machine that has a sandbox."""
    really = batch.grade
    monkeypatch.setattr(batch, "grade", lambda *words, **options: really(*words, **options, grader=fake.grade))
    monkeypatch.setattr(sandbox, "require", lambda: None)


def call(course, *words):
    return main(["grade", str(course / "in"), f"--sources={course / 'sources'}", *words])


def test_the_command_grades_a_folder(course, fast, capsys):
    hand_in(course, ada=5, bob="rejected")
    (course / "in" / "notes.txt").write_text("x")
    assert call(course, "--jobs", "2") == 0
    said = capsys.readouterr().out
    assert "left alone, as nobody's: notes.txt" in said
    assert f"ada, {small.NAME}: 5 of 5" in said
    assert f"bob, {small.NAME}: rejected, <not> a notebook" in said
    assert "1 graded, 1 rejected; 2 of them now" in said
    with (course / "in-graded" / batch.GRADES).open() as file:
        assert len(list(csv.DictReader(file))) == 2


def test_the_command_says_what_is_to_be_tried_again(course, fast, capsys):
    hand_in(course, ada="fault")
    assert call(course) == 1
    assert "1 could not be graded; the same command tries them again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jobs", "0"], "--jobs is 0"),
        (["--assignment", "9"], "no notebook is called '9'; there are: 01_small"),
        (["--out", "{in}/graded"], "lies in the folder of submissions"),
        (["--out", "{in}"], "lies in the folder of submissions"),
        (["--sources", "{in}"], "in"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(words, message, course, fast, capsys):
    hand_in(course, ada=5)
    assert call(course, *(word.replace("{in}", str(course / "in")) for word in words)) == 2
    assert message in capsys.readouterr().err
    assert fake.calls() == []


def test_no_sandbox_no_grading(course, fast, monkeypatch, capsys):
    hand_in(course, ada=5)

    def refuse():
        raise sandbox.NoSandbox("bubblewrap is not installed")

    monkeypatch.setattr(sandbox, "require", refuse)
    assert call(course) == 2
    assert "bubblewrap is not installed" in capsys.readouterr().err
    assert fake.calls() == []
    assert call(course, "--unprotected") == 0
    assert "without the sandbox: what is handed in can read" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------------- a cluster


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A scheduler and two workers, each a process with the course and the fake grader, and nothing of ours shared."""
    monkeypatch.setenv("GRADING_JOURNAL", str(tmp_path / "journal"))
    distributed = pytest.importorskip("distributed", reason="the part [cluster] is not installed")
    environment = {"PYTHONPATH": os.pathsep.join((str(HERE), str(COURSE_ROOT))), **os.environ}
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", env=environment
    ) as started:
        yield started


@pytest.mark.grading
def test_a_cluster_does_the_same_work_though_a_worker_is_killed(course, cluster):
    """Two workers, one of them killed by kill -9 midway: everybody is graded, each once in the ledger."""
    everybody = [f"student {number:02}" for number in range(12)]
    hand_in(course, **dict.fromkeys(everybody, "slow"))
    run = start(course, cluster.scheduler_address)
    until(lambda: lines(course) >= 3 or run.poll() is not None)
    processes = {process for _, process in fake.journal()}
    assert len(processes) == 2 and not processes & {os.getpid(), run.pid}
    victim = min(processes)
    os.kill(victim, signal.SIGKILL)
    assert run.wait(timeout=120) == 0
    assert Counter(ledger(course)) == Counter(everybody)
    assert [(row["student"], row["score"]) for row in grades(course)] == [(student, "5") for student in everybody]
    assert sum(count > 1 for count in Counter(fake.calls()).values()) <= 2, "what the killed worker was at"
    pages = sorted(path.parent.name for path in (course / "out").rglob("*.html"))
    assert pages == everybody


@pytest.mark.grading
def test_a_submission_that_kills_every_worker_of_a_cluster_is_given_up(course, cluster):
    hand_in(course, ada=5, bob="deadly", cleo=3)
    rows = grade(course, dask=cluster.scheduler_address)
    assert scores(rows) == {"ada": 5, "bob": 0, "cleo": 3}
    assert rows[1].failed and "the workers that graded it died" in rows[1].result.message
    assert sorted(ledger(course)) == ["ada", "cleo"]


@pytest.mark.grading
def test_a_cluster_that_is_not_there_is_told(course, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the part [cluster] is not installed")
    really = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda *words, **more: really(*words, **(more | {"timeout": "1s"})))
    hand_in(course, ada=5)
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        grade(course, dask="tcp://127.0.0.1:9")


# ------------------------------------------------------------------------------------------------- nothing is pretended


@pytest.fixture
def real_class(tmp_path):
    """Sources with one tiny assignment, and three submissions: a right one, a wrong one, and no notebook at all."""
    tiny_assignment.source(tmp_path)
    tiny_assignment.submission(tmp_path, "ada")
    tiny_assignment.submission(tmp_path, "bob", norm="def norm(x):\n    return 5")
    (tmp_path / "submitted" / "cleo").mkdir()
    (tmp_path / "submitted" / "cleo" / f"{tiny_assignment.NAME}.ipynb").write_text("no notebook")
    return tmp_path


def judged(course):
    """Return the scores of the three, and hold what was written for them to what it must be."""
    out = course / "submitted-graded"
    with (out / batch.GRADES).open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["cleo"]["status"] == "rejected" and "not a notebook" in rows["cleo"]["message"]
    for name in rows:
        page = (out / "feedback" / name / f"{tiny_assignment.NAME}.html").read_text(encoding="utf-8")
        assert "default_rng" not in page, "no hidden test in what a student gets"
    assert "default_rng" in (out / "autograded" / "ada" / f"{tiny_assignment.NAME}.ipynb").read_text(encoding="utf-8")
    return {name: float(row["score"]) for name, row in rows.items()}


needs_a_sandbox = pytest.mark.skipif(sandbox.available() is not None, reason=f"{sandbox.available()}")


@pytest.mark.grading
@needs_a_sandbox
def test_the_command_grades_a_class_for_real(real_class):
    assert main(["grade", str(real_class / "submitted"), f"--sources={real_class / 'sources'}", "--jobs=2"]) == 0
    assert judged(real_class) == {"ada": 6, "bob": 3, "cleo": 0}


@pytest.mark.grading
@needs_a_sandbox
def test_a_cluster_grades_a_class_for_real(real_class, cluster):
    words = [
        str(real_class / "submitted"),
        f"--sources={real_class / 'sources'}",
        f"--dask={cluster.scheduler_address}",
    ]
    assert main(["grade", *words]) == 0
    assert judged(real_class) == {"ada": 6, "bob": 3, "cleo": 0}
