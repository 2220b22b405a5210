"""python -m utils: its help and errors, and the commands that start kernels: run and stability."""

import argparse
import asyncio
import contextlib
import io
import json
import os

import nbformat
import pytest
import tiny
from kernels import call

from utils import COURSE_ROOT
from utils.__main__ import COMMANDS, main
from utils.cli import catalogue, clock, notebooks, records, run, stability
from utils.course import FAILED, HELD, NOT_JUDGED, ON_STANDIN, RESULTS_MIME

# --------------------------------------------------------------------------------------------------- help and errors


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"python -m utils {command}" in capsys.readouterr().out


def test_an_unknown_command_lists_what_there_is(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bake"])
    assert stop.value.code == 2
    assert "doctor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "77"], "no notebook is called '77'; there are: 00_start_here"),
        (["run", "02", "--jobs", "0"], "--jobs is 0; expected 1 or more"),
        (["run", "02", "--threads", "0"], "--threads is 0; expected 1 or more"),
        (["stability"], "name the notebooks to run"),
        (["stability", "02", "--seeds", "0"], "--seeds is 0; expected 1 or more"),
        (["stability", "02", "--cores", "4096"], "--cores is 4096; expected 1 to"),
        (["copy", "02", "--to", str(notebooks.NOTEBOOKS)], "holds the originals"),
        (["badges", "just-a-name"], "'just-a-name' is not of the form OWNER/REPO"),
        (["badges", "ada/course", "--branch", 'x"; rm'], "expected the name of a branch"),
        (["badges"], "give either OWNER/REPO"),
        (["badges", "ada/course", "--remove"], "give either OWNER/REPO"),
        (["normalise", "missing.ipynb"], "missing.ipynb is not a readable notebook"),
        (["fetch", "jenna"], "jena"),
        (["fetch", "77"], "no notebook is called '77'"),
        (["fetch"], "--all"),
    ],
)
def test_wrong_input_is_one_clear_line(words, message, capsys, quick):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith(f"python -m utils {words[0]}: ")
    assert "Traceback" not in err


def test_a_misspelt_profile_is_one_clear_line(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fulll")
    assert main(["run", "02"]) == 2
    assert "COURSE_PROFILE is 'fulll'" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [KeyError("claims"), TypeError("ours"), ValueError("ours")])
def test_a_fault_of_ours_keeps_its_traceback(fault, monkeypatch):
    def broken(*_):
        raise fault

    monkeypatch.setattr(notebooks, "normalise", broken)
    with pytest.raises(type(fault)):
        main(["normalise"])


@pytest.mark.parametrize(
    "words", [["run", "02"], ["normalise"], ["handout", "02"], ["stability", "--show"], ["results", "--check"]]
)
def test_outside_the_environment_there_is_a_hint_and_no_traceback(words):
    """With -I and -S Python sees the standard library and nothing else."""
    program = (
        f"import sys; sys.path.insert(0, {str(COURSE_ROOT)!r})\nfrom utils.__main__ import main\nprint(main({words}))"
    )
    done = call("-I", "-S", "-c", program, cwd=COURSE_ROOT)
    assert done.stderr.startswith(
        f"python -m utils {words[0]} needs the course's packages: run 'make lab' once, or use "
    )
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == "2\n"


@pytest.mark.parametrize("words", [["assignments"], ["grade", "submitted"]])
def test_without_what_only_teachers_install_there_is_a_hint(words):
    program = f"import sys; sys.modules['nbgrader'] = None\nfrom utils.__main__ import main\nprint(main({words}))"
    done = call("-c", program, cwd=COURSE_ROOT)
    assert done.stderr.startswith(f"python -m utils {words[0]} needs nbgrader, which only teachers install: run 'make")
    assert "-e '.[teaching]'" in done.stderr and len(done.stderr.splitlines()) == 1
    assert done.stdout == "2\n"


@pytest.mark.parametrize("word", ["5", "05", "05_text_vectorization", "notebooks/05_text_vectorization.ipynb"])
def test_a_notebook_goes_by_number_or_name(word):
    assert [path.stem for path in catalogue.find([word])] == ["05_text_vectorization"]


# --------------------------------------------------------------------------------------------------------------- run

CLAIMS = f"""import os, sys
sys.path.insert(0, {str(COURSE_ROOT)!r})
from utils import course
profile = os.environ["COURSE_PROFILE"]
run = course.Run(name="tiny", seed=1, profile=profile, device="CPU", device_name="test", versions={{}})
"""


def rows(text):
    """The closing table as {notebook: the other columns}."""
    table = text[text.rindex("not judged") :].splitlines()[1:]
    return {line.split()[0]: line.split()[1:] for line in table if line[:2].isdigit() and "_" in line}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """One run of ten notebooks, most of them bad: (what it said, its folder, the files before).

    The shell says quick, the command full; its output goes through a pipe that cannot say ✗, to an ASCII reader.
    """
    folder = tmp_path_factory.mktemp("mixed")
    holds = CLAIMS + 'run.claim(profile == "full", "the profile is full", always=True)'
    fails = CLAIMS + 'run.claim(False, "training helps")\nrun.claim(True, "water is wet", always=True)'
    tiny.save(folder / "01_good.ipynb", holds, "print('a')\nprint('b')", "run.finish()")
    tiny.save(folder / "02_claim.ipynb", fails, "run.finish()", "print('✗ FAILED: and later')")
    tiny.save(folder / "03_error.ipynb", "print('✓ held: this far')\nprint('✓ 3 checks hold')", "1 / 0")
    tiny.save(folder / "04_intended.ipynb", tiny.code("1 / 0", tags=["raises-exception"]), "2 + 2")
    tiny.save(folder / "05_dead.ipynb", "import os; os._exit(9)")
    tiny.save(folder / "06_unfinished.ipynb", "print('✗ FAILED: water is dry')")
    (folder / "07_unreadable.ipynb").write_text("{ not a notebook")
    tiny.save(folder / "08_blank.ipynb", tiny.code("2 + 2", tiny.PICTURE))
    old = tiny.stored(tiny.results("09_old", [("it ran", HELD)]))
    tiny.save(folder / "09_old.ipynb", "raise SystemExit('no data')", tiny.code("2", *old))
    tiny.save(folder / "10_bound.ipynb", f"display({{{RESULTS_MIME!r}: {BOUND!r}}}, raw=True)")
    before = tiny.contents(folder)
    words = ["run", f"--folder={folder}", "--profile=full", "--write", "--jobs=3"]
    done = call("-m", "utils", *words, cwd=COURSE_ROOT, COURSE_PROFILE="quick", PYTHONIOENCODING="cp1252:strict")
    return done, folder, before


BOUND = tiny.results("10_bound", [("a", HELD)], [{"label": "error", "at_most": 0.5, "state": FAILED}])


def test_the_longest_stored_full_run_begins(tmp_path):
    kept = {"01_a": 3.0, "02_b": 700.0, "04_d": 40.0}
    for name, seconds in kept.items():
        found = tiny.results(name, [("it ran", HELD)]) | {"seconds": seconds, "profile": "full"}
        tiny.save(tmp_path / f"{name}.ipynb", tiny.code("2", *tiny.stored(found)))
    tiny.save(tmp_path / "03_c.ipynb", "never = 'stored'")
    (tmp_path / "05_e.ipynb").write_text("{ not a notebook")
    paths = sorted(tmp_path.glob("*.ipynb"))
    ordered = [path.stem for path in run.longest_first(paths, tmp_path)]
    assert set(ordered[:2]) == {"03_c", "05_e"} and ordered[2:] == ["02_b", "04_d", "01_a"]
    took = {"kernel": 1.0, "start": 3.0, "data": 0.0, "first": 1.0, "rest": 5.0, "deeper": 90.0, "end": 0.1}
    record = {
        "profile": "full", "core": False, "imports": [], "machine": "a machine", "cores": 2, "versions": {},
        "turns": [{"arrangement": "2x1", "seconds": 9.0, "notebooks": {"01_a": took}}], "date": "2026-01-02",
    }  # fmt: skip
    clock.save(record, tmp_path)
    ordered = [path.stem for path in run.longest_first(paths, tmp_path)]
    assert ordered[2:] == ["02_b", "01_a", "04_d"], "the clock's hundred seconds, with what is deeper"


def test_run_goes_on_whatever_one_notebook_does_and_exits_with_1(mixed):
    done, *_ = mixed
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    verdicts = {name: row[-1] for name, row in rows(done.stdout).items()}
    passed = {"01_good", "04_intended"}
    assert len(verdicts) == 10
    assert {name for name, verdict in verdicts.items() if verdict == "passed"} == passed
    assert {verdict for name, verdict in verdicts.items() if name not in passed} == {"FAILED"}
    assert "2 passed, 8 failed" in done.stdout


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("01_good", ["1", "0", "0"]),
        ("02_claim", ["1", "0", "2"]),
        ("03_error", ["4", "0", "0"]),
        ("06_unfinished", ["0", "0", "1"]),
        ("07_unreadable", ["0", "0", "0"]),
        ("09_old", ["0", "0", "0"]),
        ("10_bound", ["1", "0", "1"]),
    ],
)
def test_run_counts_claims_and_bounds(mixed, name, counts):
    """02 fails one claim after its closing table, 06 never reaches one, 09 must not be credited with its stored one."""
    seconds, *found, _ = rows(mixed[0].stdout)[name]
    assert float(seconds) >= 0
    assert found == counts


@pytest.mark.parametrize(
    "reason",
    [
        "? training helps",
        "? and later",
        "ZeroDivisionError",
        "? water is dry",
        "07_unreadable.ipynb is not a readable notebook",
        "no cell drew a picture, and the stored notebook has 1",
        "? error",
    ],
)
def test_run_says_why_through_a_pipe_that_cannot_say_it_all(mixed, reason):
    assert reason in mixed[0].stdout


def test_run_writes_only_what_passed_and_in_normal_form(mixed):
    _, folder, before = mixed
    after = tiny.contents(folder)
    assert {name for name in before if before[name] != after[name]} == {"01_good.ipynb", "04_intended.ipynb"}
    good = notebooks.read(folder / "01_good.ipynb")
    assert [cell.execution_count for cell in good.cells] == [1, 2, 3]
    assert good.cells[1].outputs[0].text == "a\nb\n"
    assert main(["normalise", "--check", str(folder / "01_good.ipynb")]) == 0


def test_quick_run_judges_less_and_narrows(tmp_path, capsys):
    source = CLAIMS + 'run.claim(False, "training helps")\nrun.claim(True, "water is wet", always=True)'
    tiny.save(tmp_path / "01_good.ipynb", source, tiny.code("run.finish()", tiny.PICTURE))
    tiny.save(tmp_path / "02_bad.ipynb", "1 / 0")
    before = tiny.contents(tmp_path)
    assert main(["run", "1", f"--folder={tmp_path}", "--profile=quick", "--write"]) == 0
    out = capsys.readouterr().out
    assert rows(out) == {"01_good": [rows(out)["01_good"][0], "1", "1", "0", "passed"]}
    assert "1 passed, 0 failed" in out
    assert tiny.contents(tmp_path) == before, "its picture would have been lost"


def test_run_stops_a_notebook_that_does_not_end(tmp_path):
    path = tiny.save(tmp_path / "01_endless.ipynb", "while True: pass")
    outcome = asyncio.run(run.execute(path, tmp_path / "out" / path.name, {"COURSE_PROFILE": "quick"}, timeout=3))
    assert not outcome.passed
    assert "not finished after 3 s" in outcome.error


# --------------------------------------------------------------------------------------------------------- stability

VARIED = f"""import os
seed, cores = int(os.environ["COURSE_SEED"]), len(os.sched_getaffinity(0))
class ClaimError(AssertionError): pass
state = lambda holds: "held" if holds else "failed"
results = {tiny.results("01_varied")!r} | {{"seed": seed, "cores": cores}}
results["claims"] = [
    {{"text": "always so", "state": "held"}},
    {{"text": "more than one core", "state": state(cores > 1)}},
]
results["reports"] = [
    {{"label": "error", "measured": seed / 4, "lecture": None, "unit": "", "at_most": 0.6, "state": state(seed < 3)}},
    {{"label": "profile", "measured": os.environ["COURSE_PROFILE"], "lecture": None, "unit": "", "state": None}},
]
display({{{RESULTS_MIME!r}: results}}, raw=True)
if cores == 1: raise ClaimError("1 of 2 claims did not hold")"""
AFTER = {
    "notebook": "01_varied",
    "after_finish": True,
    "claims": [{"text": "said later", "state": HELD}],
    "reports": [],
}

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot restrict cores")


def stored_varied(error=0.25):
    reports = [{"label": "error", "measured": error, "at_most": 0.6, "state": HELD}]
    reports.append({"label": "profile", "measured": "full"})
    return tiny.results("01_varied", [("always so", HELD), ("more than one core", HELD), ("said later", HELD)], reports)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Seeds 1 and 2 on all cores and 3 on one, of a notebook that varies; then one that crashes, one without data."""
    folder = tmp_path_factory.mktemp("runs")
    late = f"display({{'text/plain': ''}}, metadata={{{RESULTS_MIME!r}: {AFTER!r}}}, raw=True)"
    tiny.save(folder / "01_varied.ipynb", tiny.code(VARIED, *tiny.stored(stored_varied())), late)
    tiny.save(folder / "02_crash.ipynb", "print('✓ held: this far')", "1 / 0\n", "print('never')")
    tiny.save(folder / "03_data.ipynb", "class DataUnavailable(RuntimeError): pass\nraise DataUnavailable('no jena')")
    before = tiny.contents(folder)
    options = [f"--folder={folder}", f"--results={folder / 'results'}"]
    found = []
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("COURSE_PROFILE", "quick")
        shell.setenv("COURSE_SEED", "9")
        for words in (["1"], ["2", "3", "--seed=5"]):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                found.append((main(["stability", *words, *options]), out.getvalue()))
    assert tiny.contents(folder) == before, "the notebooks are never changed"
    return *found, folder


@needs_affinity
def test_stability_keeps_one_record_a_run(runs):
    first, second, folder = runs
    assert (first[0], second[0]) == (1, 1)
    cores = len(os.sched_getaffinity(0))
    names = {path.relative_to(folder / "results").as_posix() for path in (folder / "results").rglob("*.*")}
    assert names == {
        f"01_varied/seed-1-cores-{cores}.json",
        f"01_varied/seed-2-cores-{cores}.json",
        "01_varied/seed-3-cores-1.json",
        f"02_crash/seed-5-cores-{cores}.json",
    }
    text = (folder / "results" / "01_varied" / "seed-3-cores-1.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    assert text == json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert (kept["seed"], kept["cores"], kept["profile"]) == (3, 1, "full")
    assert [claim["text"] for claim in kept["claims"]] == ["always so", "more than one core", "said later"], (
        "a claim that fails does not end the run"
    )
    assert "error" not in kept
    assert kept["reports"][1]["measured"] == "full", "the shell's COURSE_PROFILE does not count"


@needs_affinity
def test_stability_says_what_moved(runs):
    out = runs[0][1]
    cores = len(os.sched_getaffinity(0))
    plural = f"{cores} core{'s' * (cores != 1)}"
    assert "01_varied, seed 3, 1 core: 2 of 4 claims and bounds failed" in out
    held = f"held in seed 42, 2 cores (stored) and seed 1, {plural} and seed 2, {plural}"
    if cores > 1:
        assert f"✗ claim 'more than one core': {held}; failed in seed 3, 1 core" in out
    assert f"✗ bound 'error': {held}; failed in seed 3, 1 core" in out
    assert "error: 0.25 to 0.75 (stored: 0.25)" in out
    assert "'always so'" not in out
    assert "2 of 4 claims and bounds held in all 4 runs" in out


def test_a_crash_is_recorded_with_what_was_claimed_before(runs):
    _, second, folder = runs
    (path,) = (folder / "results" / "02_crash").iterdir()
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["error"] == "ZeroDivisionError: division by zero"
    assert kept["claims"] == [{"text": "this far", "state": HELD}]
    assert "03_data, seed 5" in second[1]
    assert "no record kept: DataUnavailable: no jena" in second[1]


def shown(folder, capsys, **changes):
    """The exit status and output of --show for one notebook, whose stored results and one record are given."""
    tiny.save(folder / "01_varied.ipynb", tiny.code("1", *tiny.stored(stored_varied())))
    record = stored_varied() | {"seed": 7} | changes
    records.save(record, records.path_of("01_varied", 7, 2, folder / "results"))
    status = main(["stability", "--show", f"--folder={folder}", f"--results={folder / 'results'}"])
    return status, capsys.readouterr().out


def test_show_runs_nothing_and_passes_if_all_held(tmp_path, capsys):
    status, out = shown(tmp_path, capsys)
    assert status == 0
    assert "4 of 4 claims and bounds held in all 2 runs" in out


def test_a_stale_record_is_said_to_be_stale_and_left_out(tmp_path, capsys):
    other = [*stored_varied()["claims"][:-1], {"text": "reworded", "state": FAILED}]
    status, out = shown(tmp_path, capsys, claims=other)
    assert status == 0
    assert "stale, left out: seed 7, 2 cores" in out
    assert "claim 'reworded' is no longer in the notebook; claim 'said later' is new in the notebook" in out
    assert "held in the stored run, the only one" in out


def test_a_claim_withdrawn_since_a_run_is_named_and_leaves_the_run_in(tmp_path, capsys):
    more = [*stored_varied()["claims"], {"text": "too much", "state": FAILED}]
    status, out = shown(tmp_path, capsys, claims=more)
    assert status == 0
    assert "withdrawn since seed 7, 2 cores: claim 'too much'" in out
    assert "4 of 4 claims and bounds held in all 2 runs" in out


def test_a_record_on_other_data_is_stale(tmp_path, capsys):
    _, out = shown(tmp_path, capsys, data={"jena": "stand-in"})
    assert "its data were jena: stand-in, the notebook's none" in out


def test_claims_that_a_broken_run_never_made_are_missing(tmp_path, capsys):
    status, out = shown(tmp_path, capsys, claims=stored_varied()["claims"][:1], reports=[], error="ValueError: no")
    assert status == 1
    assert "broken off: seed 7, 2 cores: ValueError: no" in out
    assert "claim 'said later': held in seed 42, 2 cores (stored); missing from seed 7, 2 cores" in out
    assert "1 of 4 claims and bounds held in all 2 runs" in out


def test_a_record_that_is_none_is_named(tmp_path, capsys):
    shown(tmp_path, capsys)
    (tmp_path / "results" / "01_varied" / "seed-8-cores-2.json").write_text("[]")
    assert main(["stability", "--show", f"--folder={tmp_path}", f"--results={tmp_path / 'results'}"]) == 2
    assert "seed-8-cores-2.json is not the record of a run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [(1, 4), (2, 4), (3, 1)]),
        (["--seeds=2"], [(1, 4), (2, 4)]),
        (["--seed=7", "--seed=5"], [(7, 4), (5, 4)]),
        (["--cores=1"], [(1, 1), (2, 1), (3, 1)]),
        (["--seed=7", "--cores=2"], [(7, 2)]),
    ],
)
def test_which_seeds_and_cores_are_run(options, expected):
    parser = argparse.ArgumentParser()
    stability.add_arguments(parser)
    assert stability.planned(parser.parse_args(["20", *options]), 4, True) == expected


def test_a_system_that_cannot_restrict_cores_says_so():
    parser = argparse.ArgumentParser()
    stability.add_arguments(parser)
    with pytest.raises(catalogue.UsageError, match="needs Linux"):
        stability.planned(parser.parse_args(["20", "--cores=1"]), 4, False)
    assert stability.planned(parser.parse_args(["20"]), 4, False) == [(1, 4), (2, 4), (3, 4)]


# ------------------------------------------------------------------------------------------- what outputs say of claims


def printed(*lines):
    output = nbformat.v4.new_output("stream", name="stdout", text="\n".join(lines) + "\n")
    return notebooks.printed(nbformat.v4.new_notebook(cells=[tiny.code("x", output)]))


@pytest.mark.parametrize(
    ("line", "states"),
    [
        ("✓ held: a", [("a", HELD)]),
        ("· not judged in quick: b", [("b", NOT_JUDGED)]),
        ("✗ FAILED: c", [("c", FAILED)]),
        ("✓ 3 checks hold", [("", HELD)] * 3),
        ("✓ 1 check holds", [("", HELD)]),
        ("· 2 checks not judged in quick", [("", NOT_JUDGED)] * 2),
        ("· not judged on stand-in data: d", [("d", ON_STANDIN)]),
        ("· 1 check not judged on stand-in data", [("", ON_STANDIN)]),
        ("it held: a", []),
        ("  ✗ FAILED: quoted", []),
    ],
)
def test_printed_claims_are_counted(line, states):
    assert printed(line) == states


def test_results_take_in_what_came_after_the_closing_table():
    parts = [
        *tiny.stored(tiny.results("x", [("old", HELD)])),  # an earlier closing table, run again
        tiny.late([("old and late", HELD)]),
        *tiny.stored(tiny.results("x", [("a", HELD), ("b", HELD)], [{"label": "r"}])),
        tiny.late([("b", FAILED), ("c", HELD)], [{"label": "r", "measured": 2}, {"label": "s", "state": FAILED}]),
    ]
    notebook = nbformat.v4.new_notebook(cells=[tiny.code("1", *parts[:3]), tiny.code("2", parts[3])])
    merged = notebooks.results(notebook)
    assert [(row["text"], row["state"]) for row in merged["claims"]] == [("a", HELD), ("b", FAILED), ("c", HELD)]
    assert [(row["label"], row["measured"]) for row in merged["reports"]] == [("r", 2), ("s", 1)]
    assert notebooks.judged(merged)["bound", "s"] == FAILED
    assert ("bound", "r") not in notebooks.judged(merged)
