"""utils.course: profiles, claims, reports, and the closing table."""

import inspect
import json
import subprocess
import sys
import types

import numpy as np
import pytest
from kernels import call

from utils import COURSE_ROOT, course, settings

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
    with pytest.raises(course.ClaimError, match=r"1 of 2 claims of 99_test.*\n.*the loss is below one") as caught:
        run.finish()
    assert isinstance(caught.value, AssertionError)
    assert "✗ FAILED: the loss is below one" in capsys.readouterr().out.split("lecture")[1]


def test_finish_is_silent_about_claims_that_quick_does_not_judge(capsys):
    run = make("quick")
    run.claim(False, "a quality")
    run.finish()
    assert "0 held, 1 not judged, 0 failed" in capsys.readouterr().out


def test_a_claim_that_runs_again_replaces_the_first():
    run = make()
    run.claim(False, "better than chance")
    run.claim(True, "better than chance")
    assert run.claims == {"better than chance": course.HELD}


@pytest.mark.parametrize("condition", [np.array([True, True]), [True], None, "yes"])
def test_a_claim_wants_one_truth_value(condition):
    with pytest.raises(TypeError, match="one truth value"):
        make().claim(condition, "all of them")


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


# ---------------------------------------------------------------------------------------------------------- start


def test_start_prints_two_lines_and_no_noise_and_seeds():
    code = """
from utils import course
course.prepare()
import keras, numpy as np
run = course.start("99_test", seed=7)
first = float(np.random.rand()), float(keras.random.uniform(()))
model = keras.Sequential([keras.Input((5, 2)), keras.layers.GRU(3)])
model.compile(loss="mse", jit_compile=run.jit)
model.fit(np.ones((8, 5, 2)), np.ones((8, 3)), verbose=0)
course.start("99_test", seed=7)
assert first == (float(np.random.rand()), float(keras.random.uniform(())))
"""
    done = call("-c", code, cwd=COURSE_ROOT, COURSE_PROFILE="quick")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("99_test · Python ")
    assert "Keras" in lines[0]
    assert "quick profile" in lines[1]
    assert lines[1].endswith("seed 7")


def test_what_native_code_says_is_shown_after_all_when_the_import_fails():
    code = """
import os
from utils import course
with course._quiet_stderr():
    os.write(2, b"cannot open shared object")
    raise ImportError("no TensorFlow")
"""
    done = call("-c", code, cwd=COURSE_ROOT)
    assert done.returncode == 1
    assert "cannot open shared object" in done.stderr


def test_a_missing_keras_names_the_command(monkeypatch):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    with pytest.raises(ModuleNotFoundError, match="make lab"):
        course.prepare()


# ---------------------------------------------------------------------------------------------------------- Colab


def test_only_missing_packages_are_installed_and_present_ones_are_held(monkeypatch):
    calls = []

    def version(name):
        if name == "pooch":
            raise course.importlib.metadata.PackageNotFoundError(name)
        return "9.9"

    def pip(command, **_):
        with open(command[command.index("-c") + 1], encoding="utf-8") as file:
            calls.append((command, file.read().split()))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(course.importlib.metadata, "version", version)
    monkeypatch.setattr(course.subprocess, "run", pip)
    assert [name.split(">")[0] for name in course.install_missing()] == ["pooch"]
    command, held = calls[0]
    asked = [word for word in command if "==" in word or ">=" in word]
    assert [word.split(">")[0] for word in asked] == ["pooch"]
    assert {"tensorflow==9.9", "keras==9.9", "numpy==9.9"} <= set(held)


def test_nothing_is_installed_when_nothing_is_missing(monkeypatch):
    monkeypatch.setattr(course.importlib.metadata, "version", lambda name: "9.9")
    monkeypatch.setattr(course.subprocess, "run", lambda *a, **k: pytest.fail("pip was called"))
    assert course.install_missing() == []


def test_a_failed_installation_shows_what_pip_said(monkeypatch):
    def version(name):
        raise course.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(course.importlib.metadata, "version", version)
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no matching distribution")
    monkeypatch.setattr(course.subprocess, "run", lambda *a, **k: failed)
    with pytest.raises(RuntimeError, match="no matching distribution"):
        course.install_missing()


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
