"""utils.course: profiles, claims, reports, and the closing table."""

import inspect
import json
import os
import sys
import types

import nbformat
import numpy as np
import pytest
from kernels import call, clean_environment
from nbclient import NotebookClient

from utils import COURSE_ROOT, course, settings
from utils.cli import notebooks

SOURCE = inspect.getsource(course.cores).rstrip()


def make(profile="full", device="CPU"):
    return course.Run("99_test", 42, profile, device, "2 cores", {"Python": "3"})


# ------------------------------------------------------------------------------------------------------- profile


def test_full_is_the_default(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert settings.profile() == "full"


def test_a_misspelt_profile_is_named_with_what_was_expected(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'full' or 'quick'"):
        settings.profile()


def test_pick_follows_the_profile():
    assert make("full").pick(full=20, quick=1) == 20
    assert make("quick").pick(full=20, quick=1) == 1


def test_jit_is_on_for_the_cpu_and_off_for_the_gpu():
    assert make(device="CPU").jit is True
    assert make(device="GPU").jit is False


# -------------------------------------------------------------------------------------------------------- claims


@pytest.mark.parametrize(
    ("profile", "always", "condition", "state"),
    [
        ("full", False, True, course.HELD),
        ("full", False, np.False_, course.FAILED),
        ("quick", False, True, course.NOT_JUDGED),
        ("quick", False, False, course.NOT_JUDGED),
        ("quick", True, np.bool_(True), course.HELD),
        ("quick", True, False, course.FAILED),
    ],
)
def test_the_state_of_a_claim(profile, always, condition, state, capsys):
    run = make(profile)
    run.claim(condition, "water is wet", always=always)
    assert run.claims == {"water is wet": state}
    assert capsys.readouterr().out == f"{course.MARKS[state]}: water is wet\n"


def test_finish_raises_for_a_failed_claim_after_showing_the_table(capsys):
    run = make("full")
    run.claim(True, "one is one")
    run.claim(float("nan") < 1, "the loss is below one")
    run.report("loss", 2.0)
    with pytest.raises(
        course.ClaimError, match=r"1 of 2 claims and bounds of 99_test.*\n.*the loss is below one"
    ) as caught:
        run.finish()
    assert isinstance(caught.value, AssertionError)
    assert "✗ FAILED: the loss is below one" in capsys.readouterr().out.split("lecture")[1]


def test_finish_is_silent_about_claims_that_quick_does_not_judge(capsys):
    run = make("quick")
    run.claim(False, "a quality")
    run.finish()
    assert "0 held, 1 not judged, 0 failed" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------ claims about a data set


@pytest.fixture
def one_standin(monkeypatch):
    used = {"jena": "stand-in", "beijing": "real"}
    monkeypatch.setitem(sys.modules, "utils.datasets", types.SimpleNamespace(used=lambda: used))


@pytest.mark.parametrize(
    ("profile", "data", "condition", "state"),
    [
        ("full", "jena", True, course.ON_STANDIN),
        ("full", "jena", False, course.ON_STANDIN),
        ("full", "beijing", True, course.HELD),
        ("full", "beijing", False, course.FAILED),
        ("quick", "jena", False, course.NOT_JUDGED),
        ("quick", "beijing", False, course.NOT_JUDGED),
    ],
)
def test_what_is_said_of_a_data_set_is_judged_where_it_is_real(profile, data, condition, state, one_standin, capsys):
    run = make(profile)
    run.claim(condition, "it is cold", data=data)
    run.report("degrees", 5, at_most=9 if condition else 1, data=data)
    assert run.claims == {"it is cold": state}
    assert run.reports["degrees"]["state"] == state
    assert f"{course.MARKS[state]}: it is cold\n" in capsys.readouterr().out


def test_no_figure_of_the_lecture_stands_beside_a_stand_in(one_standin, capsys):
    run = make()
    run.report("Jena, error", 0.25, lecture=0.265, spread=0.01, data="jena")
    run.report("Beijing, error", 2.2, lecture=2.5, data="beijing")
    run.report("Jena, lowest", 3, lecture=2, at_least=4, data="jena")
    run.claim(False, "it is cold", data="jena")
    assert json.loads(json.dumps(run.results()))["reports"] == list(run.reports.values())
    run.finish()
    table = capsys.readouterr().out
    assert "0.265" not in table and "0.25 ± 0.01 (stand-in)" in table
    assert "· at least 4" in table, "the bound is shown, and not judged"
    assert "0 held, 0 not judged, 2 not judged: stand-in data, 0 failed" in table
    assert "· not judged on stand-in data: it is cold" in table
    beijing = next(line for line in table.splitlines() if line.startswith("Beijing"))
    assert beijing.split() == ["Beijing,", "error", "2.5", "2.2"]


@pytest.mark.parametrize("say", ["claim", "report"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "jean"}, r"data='jean' was not loaded; there is beijing, jena"),
        ({"data": "jena", "always": True}, r"always=True.*data='jena'"),
    ],
)
def test_a_wrong_name_of_data_is_refused(say, options, message, one_standin):
    run = make()
    with pytest.raises(ValueError, match=message):
        run.claim(True, "it is cold", **options) if say == "claim" else run.report("degrees", 5, **options)
    assert not run.claims and not run.reports


def test_data_are_named_only_once_they_are_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "utils.datasets", raising=False)
    with pytest.raises(ValueError, match="data='jena' was not loaded; there is nothing"):
        make().claim(True, "it is cold", data="jena")


def test_a_claim_that_runs_again_replaces_the_first():
    run = make()
    run.claim(False, "better than chance")
    run.claim(True, "better than chance")
    assert run.claims == {"better than chance": course.HELD}


@pytest.mark.parametrize(
    "condition",
    [
        np.array([True, True]),
        np.array([True]),
        [True],
        None,
        "yes",
        0.5,
        1,
        np.int64(1),
        float("nan"),
        np.all,
        lambda: True,
        (x > 0 for x in [1]),
        {0},
        (),
    ],
    ids=lambda condition: type(condition).__name__,
)
def test_a_claim_takes_one_boolean_and_nothing_else(condition):
    run = make()
    with pytest.raises(TypeError, match="not one boolean"):
        run.claim(condition, "all of them")
    assert run.claims == {}


def test_a_claim_takes_a_boolean_of_keras():
    keras = pytest.importorskip("keras")
    run = make()
    run.claim(keras.ops.convert_to_tensor(1.0) < 2.0, "one is less than two")
    assert run.claims == {"one is less than two": course.HELD}


def test_a_claim_wants_words():
    with pytest.raises(ValueError, match="needs a text"):
        make().claim(True, " ")


# ------------------------------------------------------------------------------------------------------- reports


def test_reports_are_plain_json_whatever_they_were():
    run = make()
    run.report("error", np.float32(2.5), lecture=2.35, unit="degC")
    run.report("rows", np.int64(420_551), lecture=420_551)
    run.report("diverged", float("inf"))
    run.report("best", "GRU")
    reports = json.loads(json.dumps(run.results(), allow_nan=False))["reports"]
    assert [row["measured"] for row in reports] == [2.5, 420_551, "inf", "GRU"]
    assert [row["lecture"] for row in reports] == [2.35, 420_551, None, None]
    assert reports[0]["unit"] == "degC"


def test_a_report_takes_one_value():
    with pytest.raises(TypeError, match=r"'errors'.*one number or a text, not ndarray"):
        make().report("errors", np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (420_551, "420,551"),
        (2.57123, "2.571"),
        (0.29, "0.29"),
        (1e-7, "1e-07"),
        (123456.7, "123,457"),
        ("a", "a"),
    ],
)
def test_numbers_are_written_for_readers(value, text):
    assert course.format_number(value) == text


def test_the_closing_table_escapes_what_html_would_swallow():
    run = make()
    run.report("error < 1 & falling", "<b>yes</b>")
    page = course._closing_html(run.results())
    assert "error &lt; 1 &amp; falling" in page
    assert "<b>" not in page


# ------------------------------------------------------------------------------------------------------ bounds


@pytest.mark.parametrize(
    ("measured", "bounds", "state"),
    [
        (2.0, {"at_most": 2.0}, course.HELD),
        (2.1, {"at_most": 2.0}, course.FAILED),
        (2.0, {"at_least": 2.0}, course.HELD),
        (1.9, {"at_least": 2.0}, course.FAILED),
        (5, {"at_least": 3, "at_most": 5}, course.HELD),
        (6, {"at_least": 3, "at_most": 5}, course.FAILED),
        (2, {"at_least": 3, "at_most": 5}, course.FAILED),
        (float("nan"), {"at_most": 2.0}, course.FAILED),
        (float("-inf"), {"at_most": 2.0}, course.FAILED),
        (np.float32(1.5), {"at_most": np.float32(2)}, course.HELD),
        (1.0, {}, None),
    ],
)
def test_a_report_is_held_to_its_bound(measured, bounds, state):
    run = make()
    run.report("error", measured, **bounds)
    assert run.reports["error"]["state"] == state


def test_a_bound_that_is_broken_is_printed_and_finish_raises(capsys):
    run = make()
    run.claim(True, "one is one")
    run.report("error", 2.5, unit="degC", at_most=2)
    assert capsys.readouterr().out.splitlines()[-1] == "✗ FAILED: error is 2.5, expected at most 2 degC"
    with pytest.raises(course.ClaimError, match=r"1 of 2 claims and bounds.*\n.*error is 2.5 degC, expected at most 2"):
        run.finish()
    assert "1 held, 0 not judged, 1 failed" in capsys.readouterr().out


def test_quick_does_not_judge_a_bound_unless_it_always_holds():
    run = make("quick")
    run.report("error", 9, at_most=2)
    run.report("rows", 9, at_least=10, always=True)
    assert [row["state"] for row in run.reports.values()] == [course.NOT_JUDGED, course.FAILED]


def test_bound_and_spread_stand_in_the_closing_table(capsys):
    run = make()
    run.report("GRU", 2.2561, lecture=2.35, unit="degC", spread=0.0017, at_most=2.4)
    run.report("rows", 420_551)
    run.finish()
    head, _, gru, rows, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["lecture", "measured", "bound", "unit"]
    assert gru.split() == ["GRU", "2.35", "2.256", "±", "0.0017", "✓", "at", "most", "2.4", "degC"]
    assert rows.split() == ["rows", "–", "420,551"]
    page = course._closing_html(run.results())
    assert "<td style='text-align:right'>2.256 ± 0.0017</td><td style='text-align:left'>✓ at most 2.4</td>" in page


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"measured": "fails", "at_most": 2}, TypeError, "'fails', which is not a number"),
        ({"measured": True, "at_most": 2}, TypeError, "not a number"),
        ({"measured": 1, "at_most": "2"}, TypeError, "at_most='2'"),
        ({"measured": 1, "at_most": float("nan")}, TypeError, "finite number"),
        ({"measured": 1, "at_least": 3, "at_most": 2}, ValueError, "at_least=3 is above at_most=2"),
        ({"measured": 1, "spread": -0.1}, ValueError, "not negative"),
        ({"measured": 1, "spread": "wide"}, TypeError, "spread='wide'"),
    ],
)
def test_a_wrong_bound_or_spread_is_refused_and_leaves_no_row(arguments, error, message):
    run = make()
    with pytest.raises(error, match=message):
        run.report("error", **arguments)
    assert run.reports == {}


def test_measured_and_lecture_keep_their_places(capsys):
    run = make()
    run.report("error", 111, lecture=222)
    run.finish()
    head, _, row, *_ = capsys.readouterr().out.splitlines()
    assert head.index("lecture") < head.index("measured")
    assert row.index("222") < row.index("111")
    page = course._closing_html(run.results())
    assert page.index(">lecture<") < page.index(">measured<") and page.index(">222<") < page.index(">111<")


# ------------------------------------------------------------------------------------------------- after finish


def test_a_claim_after_finish_raises_where_it_stands(capsys):
    run = make()
    run.finish()
    run.claim(True, "one is one")
    with pytest.raises(course.ClaimError, match=r"after run.finish\(\) of 99_test:\n.*pigs fly"):
        run.claim(False, "pigs fly")
    with pytest.raises(course.ClaimError, match="error is 3, expected at most 2"):
        run.report("error", 3, at_most=2)
    assert run.claims == {"one is one": course.HELD, "pigs fly": course.FAILED}
    assert "✓ held: one is one" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------------- seeds


def test_the_seed_is_42_unless_course_seed_says_otherwise(monkeypatch):
    monkeypatch.delenv("COURSE_SEED", raising=False)
    assert settings.seed() == 42
    monkeypatch.setenv("COURSE_SEED", "7")
    assert settings.seed() == 7


@pytest.mark.parametrize("value", ["-1", "1.5", "one", "4000001", "٣"])
def test_a_wrong_seed_is_named_with_what_was_expected(value, monkeypatch):
    monkeypatch.setenv("COURSE_SEED", value)
    with pytest.raises(ValueError, match=r"COURSE_SEED is .*whole number from 0"):
        settings.seed()


def test_seeds_follow_from_the_run_and_no_two_runs_share_one():
    def seeds(of, n):
        return course.Run("99_test", of, "full", "CPU", "2 cores", {}).seeds(n)

    assert seeds(42, 5)[:3] == seeds(42, 3)
    drawn = [seed for of in range(50) for seed in seeds(of, 1000)]
    assert len(set(drawn)) == len(drawn)
    assert max(seeds(settings.MOST_SEED, 1000)) < 2**32


@pytest.mark.parametrize(
    ("n", "error"), [(0, ValueError), (1001, ValueError), (2.0, TypeError), (True, TypeError), ("3", TypeError)]
)
def test_a_wrong_number_of_seeds_is_refused(n, error):
    with pytest.raises(error, match="expected a whole number"):
        make().seeds(n)


# ------------------------------------------------------------------------------------------- in a real notebook


def executed(sources, tmp_path, profile="full", **environment):
    """Execute cells in a kernel, all of them, and return the notebook."""
    code = f"from utils import course\nrun = course.Run('99_test', 42, {profile!r}, 'CPU', '2 cores', {{}})"
    cells = [nbformat.v4.new_code_cell(source) for source in (f"{code}\ncourse._watch(run)", *sources)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True, resources=resources)
    client.execute(env=clean_environment(PYTHONPATH=str(COURSE_ROOT), **environment))
    return notebook


def said(cell):
    """What a cell printed and displayed, and the errors it ended with."""
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain") or "\n".join(output.get("traceback", []))
        for output in cell.outputs
    ).strip()


def test_checks_fold_in_a_notebook_and_nothing_after_finish_is_lost(tmp_path):
    checks = "# @title Checks\n"
    notebook = executed(
        [
            "run.claim(True, 'a'); run.claim(True, 'b')",
            f"{checks}run.claim(True, 'c'); run.claim(True, 'd')",
            f"{checks}run.claim(True, 'e'); run.claim(False, 'f')",
            f"{checks}run.claim(True, 'g'); 1 / 0",
            "run.finish()",
            "run.claim(True, 'h')",
            f"{checks}run.claim(True, 'i'); run.claim(False, 'j')",
            "run.report('k', 1, at_most=2)",
        ],
        tmp_path,
    )
    plain, folded, failing, stopped, finish, late, late_failing, report = map(said, notebook.cells[1:])
    assert plain == "✓ held: a\n✓ held: b"
    assert folded == "✓ 2 checks hold"
    assert failing == "✓ held: e\n✗ FAILED: f"
    assert "✓ held: g" in stopped and "ZeroDivisionError" in stopped
    assert finish.endswith("ClaimError: 1 of 7 claims and bounds of 99_test did not hold:\n  ✗ f")
    assert "course.py" not in finish
    assert late == "✓ held: h"
    assert "✗ FAILED: j" in late_failing and "ClaimError" in late_failing
    assert report == "k: 1"
    results = notebooks.results(notebook)
    assert [claim["text"] for claim in results["claims"]] == list("abcdefghij")
    assert [claim["text"] for claim in results["claims"] if claim["state"] == "failed"] == ["f", "j"]
    assert [row["label"] for row in results["reports"]] == ["k"]


def test_checks_that_quick_does_not_judge_say_so(tmp_path):
    source = "# @title Checks\nrun.claim(True, 'a', always=True)\nfor x in 'bc': run.claim(False, x)"
    notebook = executed([source], tmp_path, profile="quick")
    assert said(notebook.cells[1]) == "✓ 1 check holds\n· 2 checks not judged in quick"


def test_checks_that_a_stand_in_leaves_unjudged_say_so(tmp_path):
    source = """# @title Checks
import sys, types
sys.modules["utils.datasets"] = types.SimpleNamespace(used=lambda: {"jena": "stand-in"})
run.claim(True, 'a')
run.claim(False, 'b', data="jena")"""
    assert said(executed([source], tmp_path).cells[1]) == "✓ 1 check holds\n· 1 check not judged on stand-in data"


def test_a_back_end_that_draws_nothing_is_an_error(tmp_path):
    source = "course._check_drawing()"
    assert said(executed([source], tmp_path).cells[1]) == ""
    drawn = said(executed([source], tmp_path, MPLBACKEND="Agg").cells[1])
    assert drawn.lower().startswith("notready: matplotlib's back end is 'agg'") and "Unset MPLBACKEND" in drawn


# ---------------------------------------------------------------------------------------------------------- start


def test_start_prints_two_lines_and_no_noise_and_seeds():
    code = """
from utils import course, entrance
entrance.prepare()
import keras, numpy as np
run = course.start("99_test")
first = float(np.random.rand()), float(keras.random.uniform(()))
model = keras.Sequential([keras.Input((5, 2)), keras.layers.GRU(3)])
model.compile(loss="mse", jit_compile=run.jit)
model.fit(np.ones((8, 5, 2)), np.ones((8, 3)), verbose=0)
again = course.start("99_test")
assert first == (float(np.random.rand()), float(keras.random.uniform(())))
assert run.seed == again.seed == 7
"""
    done = call("-c", code, cwd=COURSE_ROOT, COURSE_PROFILE="quick", COURSE_SEED="7")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :], "twice the same"
    assert lines[0].startswith("99_test · Python ")
    assert "Keras" in lines[0]
    assert "quick profile" in lines[1]
    assert lines[1].endswith("seed 7")
    assert "numbers below mean nothing" in done.stdout, "a quick run says that it is one"


def test_full_names_no_stand_in_beforehand():
    code = "from utils import course; course.start('99_test')"
    done = call("-c", code, cwd=COURSE_ROOT, COURSE_PROFILE="full", COURSE_STANDINS="jena")
    assert len(done.stdout.splitlines()) == 2, done.stderr
    assert "jena" not in done.stdout and "stand-in" not in done.stdout
    assert done.stdout.strip().endswith("seed 42")


# ---------------------------------------------------------------------------------------- code that moved to utils


def test_source_is_shown_to_people_and_to_nbval(capsys, monkeypatch):
    course.show_source(course.cores, course.ClaimError)
    printed = capsys.readouterr().out
    assert printed.startswith("def cores() -> int:") and "class ClaimError(AssertionError):" in printed
    shown = []
    fake = types.SimpleNamespace(display=lambda data, raw: shown.append(data))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: object(), display=fake))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    course.show_source(course.cores)
    assert shown == [{"text/plain": SOURCE, "text/markdown": f"```python\n{SOURCE}\n```"}]


@pytest.mark.parametrize("bad", [3, len])
def test_what_has_no_source_is_refused(bad):
    with pytest.raises(TypeError, match="written in Python"):
        course.show_source(bad)


# --------------------------------------------------------------------------------------- the table, for all its readers


def test_the_table_says_which_data_were_real_and_which_stood_in(capsys, monkeypatch):
    used = {"jena": "stand-in", "imdb": "real"}
    monkeypatch.setitem(sys.modules, "utils.datasets", types.SimpleNamespace(used=lambda: used))
    run = make()
    run.finish()
    assert run.results()["data"] == used
    assert capsys.readouterr().out.rstrip().endswith("data imdb: real; jena: stand-in")
    assert "data imdb: real; jena: stand-in</summary>" in course._closing_html(run.results())
    monkeypatch.delitem(sys.modules, "utils.datasets")
    assert run.results()["data"] == {}, "no data loaded, nothing said"
    make().finish()
    assert "data" not in capsys.readouterr().out


def test_results_say_where_and_how_the_run_was_made():
    run = make("quick", device="GPU")
    run.started -= 100
    found = run.results()
    assert (found["notebook"], found["profile"], found["seed"], found["device"]) == ("99_test", "quick", 42, "GPU")
    assert (found["device_name"], found["versions"], found["cores"]) == ("2 cores", {"Python": "3"}, course.cores())
    assert 100 <= found["seconds"] < 160
    assert "quick profile, 100 s on GPU (2 cores)" in course._closing_text(found)


def test_the_page_lists_every_claim_with_its_state():
    run = make()
    run.claim(True, "one < two")
    run.claim(False, "pigs fly")
    page = course._closing_html(run.results())
    assert "<li>✓ held: one &lt; two</li><li>✗ FAILED: pigs fly</li>" in page
    assert "<summary>claims and bounds: 1 held, 0 not judged, 1 failed" in page
    assert "<table>" not in page, "no report, no table"


def test_columns_of_the_table_stand_under_their_titles(capsys):
    run = make()
    run.report("a figure with a long name", 1.5, unit="degC")
    run.report("b", 123_456, lecture=2)
    run.claim(True, "one is one")
    capsys.readouterr()
    run.finish()
    head, rule, first, second, blank, claim, *_ = capsys.readouterr().out.splitlines()
    assert set(rule) == {"-"} and len(rule) >= max(map(len, (head, first, second))) and blank == ""
    assert claim == "✓ held: one is one"
    right = head.index("measured") + len("measured")
    assert first[:right].endswith(" 1.5") and second[:right].endswith(" 123,456"), "figures flush right"
    assert first.index("degC") == head.index("unit")
    assert "bound" not in head, "an empty column is left out"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (-1500, "-1,500"), (999, "999"), (1000.0, "1,000"), (1234.5, "1234"), (9999.4, "9999")),
        *((10_000.4, "10,000"), (-23_456.7, "-23,457"), (float("nan"), "nan"), (float("inf"), "inf"), (2.0, "2")),
        *((True, "True"), (np.float32(0.123456), "0.1235"), (np.int64(5000), "5,000")),
    ],
)
def test_numbers_of_every_size_are_written_for_readers(value, text):
    assert course.format_number(value) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({}, ""),
        ({"at_least": 0}, "at least 0"),
        ({"at_most": 0}, "at most 0"),
        ({"at_least": 0, "at_most": 1}, "0 to 1"),
    ],
)
def test_a_bound_of_zero_is_a_bound(bounds, text):
    run = make()
    run.report("error", 0, **bounds)
    assert course.format_bound(run.reports["error"]) == text
    assert run.reports["error"]["state"] == (course.HELD if bounds else None)


def test_a_spread_of_zero_and_a_bound_of_one_point_are_legal():
    run = make()
    run.report("error", 1, spread=0, at_least=1, at_most=1)
    assert run.reports["error"]["state"] == course.HELD
    assert course.format_measured(run.reports["error"]) == "1 ± 0"


def test_a_report_wants_a_label_and_replaces_its_namesake():
    run = make()
    for empty in ("", " ", None):
        with pytest.raises(ValueError, match="needs a label"):
            run.report(empty, 1)
    with pytest.raises(ValueError, match="needs a text"):
        run.claim(True, None)
    run.report("error", 1, lecture=5, at_most=2)
    run.report("error", 3)
    assert [row["measured"] for row in run.results()["reports"]] == [3]
    assert run.reports["error"]["lecture"] is None and run.reports["error"]["state"] is None


def test_one_seed_is_the_first_of_many():
    assert make().seeds(1) == [42_000]
    assert make().seeds(np.int64(3)) == [42_000, 42_001, 42_002]


def test_the_number_of_cores_is_that_of_this_process():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not bind processes to cores")
    code = "import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1]); from utils import course; "
    done = call("-c", code + "print(course.cores())", cwd=COURSE_ROOT)
    assert done.stdout.strip() == "1", done.stderr


@pytest.mark.parametrize("name", ["", "  ", None, 5])
def test_start_wants_the_notebooks_name(name):
    with pytest.raises(ValueError, match="needs the notebook's name"):
        course.start(name)


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook would be given to display: (data, metadata), one pair for each call."""
    shown = []
    fake = types.SimpleNamespace(display=lambda data, metadata=None, raw=False: shown.append((data, metadata)))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: object(), display=fake))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    return shown


def test_finish_shows_one_table_to_browsers_machines_and_plain_readers(displayed, capsys):
    run = make()
    run.report("error", 2.5, lecture=2)
    run.finish()
    ((data, metadata),) = displayed
    assert data[course.RESULTS_MIME]["reports"] == run.results()["reports"]
    assert "<td style='text-align:right'>2.5</td>" in data["text/html"]
    assert "lecture" in data["text/plain"] and "2.5" in data["text/plain"]
    assert metadata == {} and capsys.readouterr().out == "", "shown once, not printed besides"
    run.claim(True, "one is one")
    data, metadata = displayed[1]
    assert data == {"text/plain": "✓ held: one is one"}, "not a second table"
    assert metadata[course.RESULTS_MIME]["after_finish"] is True
    assert metadata[course.RESULTS_MIME]["claims"] == [{"text": "one is one", "state": course.HELD}]
    assert metadata[course.RESULTS_MIME]["reports"] == []


def longwinded(x):
    """Return x, in a summary
    of two lines.

    Parameters
    ----------
    x : object
        Anything.
    """

    def inner():
        """One line."""
        return x

    return inner()


def test_of_a_docstring_only_the_first_paragraph_is_shown(capsys):
    course.show_source(longwinded)
    shown = capsys.readouterr().out
    assert '    """Return x, in a summary\n    of two lines."""\n\n    def inner():\n        """One line."""' in shown
    assert "Anything" not in shown and shown.rstrip().endswith("return inner()")
    namespace = {}
    exec(shown, namespace)
    assert namespace["longwinded"](3) == 3
