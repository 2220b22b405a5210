"""python -m utils: run, badges, results, normalise, doctor and fetch, with their help and their errors."""

import json
import shutil

import nbformat
import pytest
from kernels import call

from utils import COURSE_ROOT
from utils.__main__ import COMMANDS, main
from utils.cli import notebooks, results
from utils.course import RESULTS_MIME

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
        (["badges", "just-a-name"], "'just-a-name' is not of the form OWNER/REPO"),
        (["badges"], "give either OWNER/REPO"),
        (["badges", "ada/course", "--remove"], "give either OWNER/REPO"),
        (["normalise", "missing.ipynb"], "missing.ipynb is not a readable notebook"),
        (["fetch", "jenna"], "jena"),
        (["fetch"], "--all"),
    ],
)
def test_wrong_input_is_one_clear_line(words, message, capsys, quick):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith(f"python -m utils {words[0]}: ")
    assert "Traceback" not in err


# --------------------------------------------------------------------------------------------------------------- run


def write(path, *sources, tags=()):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for cell, names in zip(cells, tags):
        cell.metadata.tags = names
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


CLAIMS = """import sys
sys.path.insert(0, {root!r})
from utils import course
run = course.Run("{name}", 1, "{profile}", "CPU", "test", {{}})
run.claim(True, "water is wet", always=True)
run.claim({holds}, "training helps")"""


def claims(name, profile="full", holds=True):
    return CLAIMS.format(root=str(COURSE_ROOT), name=name, profile=profile, holds=holds), "run.finish()"


def run(folder, *words):
    return call("-m", "utils", "run", f"--folder={folder}", *words, cwd=COURSE_ROOT)


def rows(text):
    """The closing table as {notebook: the other columns}."""
    table = text[text.rindex("not judged") :].splitlines()[1:]
    return {line.split()[0]: line.split()[1:] for line in table if line[:2].isdigit() and "_" in line}


def test_run_ends_with_a_table_and_a_status(tmp_path):
    write(tmp_path / "01_good.ipynb", *claims("01_good", "quick"))
    done = run(tmp_path, "--profile=quick")
    assert done.returncode == 0, done.stdout + done.stderr
    seconds, *counts, verdict = rows(done.stdout)["01_good"]
    assert float(seconds) > 0
    assert counts == ["1", "1", "0"]
    assert verdict == "passed"
    assert "1 passed, 0 failed" in done.stdout


def test_run_goes_on_after_a_failure_and_exits_with_1(tmp_path):
    write(tmp_path / "01_claim.ipynb", *claims("01_claim", holds=False), "print('never reached')")
    write(tmp_path / "02_error.ipynb", "1 / 0")
    write(tmp_path / "03_intended.ipynb", "1 / 0", "2 + 2", tags=[["raises-exception"]])
    write(tmp_path / "04_dead.ipynb", "import os; os._exit(9)")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run(tmp_path, "--profile=full", "--write")
    assert done.returncode == 1
    table = rows(done.stdout)
    assert table["01_claim"][1:] == ["1", "0", "1", "FAILED"]
    assert [table[name][-1] for name in ("02_error", "03_intended", "04_dead")] == ["FAILED", "passed", "FAILED"]
    assert "ZeroDivisionError" in done.stdout
    assert "✗ training helps" in done.stdout
    assert "1 passed, 3 failed" in done.stdout
    changed = {name for name, content in before.items() if (tmp_path / name).read_bytes() != content}
    assert changed == {"03_intended.ipynb"}, "only a notebook that passed is written"


def test_run_does_not_take_stored_outputs_for_new_ones(tmp_path):
    path = tmp_path / "01_good.ipynb"
    write(path, *claims("01_good"))
    assert run(tmp_path, "--profile=full", "--write").returncode == 0
    notebook = notebooks.read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("raise SystemError('no data')"))
    notebooks.write(notebook, path)
    done = run(tmp_path, "--profile=full")
    assert rows(done.stdout)["01_good"][1:] == ["0", "0", "0", "FAILED"]


def test_run_narrows_to_the_notebooks_named(tmp_path):
    for name in ("01_one", "02_two"):
        write(tmp_path / f"{name}.ipynb", "1")
    done = run(tmp_path, "02", "--profile=quick")
    assert "02_two" in done.stdout
    assert "01_one" not in done.stdout


def test_run_stops_a_notebook_that_does_not_end(tmp_path):
    write(tmp_path / "01_endless.ipynb", "while True: pass")
    done = run(tmp_path, "--timeout=5")
    assert done.returncode == 1
    assert "not finished after 5 s" in done.stdout


def test_written_outputs_are_normal_and_run_from_1(tmp_path):
    path = tmp_path / "01_good.ipynb"
    write(path, "print('a')\nprint('b')", "1 / 0", tags=[[], ["raises-exception"]])
    assert run(tmp_path, "--profile=full", "--write").returncode == 0
    notebook = notebooks.read(path)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    assert notebook.cells[0].outputs[0].text == "a\nb\n"
    assert main(["normalise", "--check", str(path)]) == 0


# --------------------------------------------------------------------------------------------------------- normalise


def test_normalise_strips_the_machine_and_keeps_the_content(tmp_path):
    path = tmp_path / "01_x.ipynb"
    cell = nbformat.v4.new_code_cell("fit()", execution_count=3)
    cell.metadata = nbformat.from_dict({"tags": ["b", "a"], "execution": {"iopub.status.busy": "2026"}})
    for text in ("10%\r", "50%\r", "100%\ndone\n"):
        cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=text))
    cell.outputs.append(nbformat.v4.new_output("display_data", {"text/plain": "x", RESULTS_MIME: {"seconds": 1}}))
    frames = [
        "---",
        "Cell \x1b[32mIn[3]\x1b[39m, line 1",
        "\x1b[36mFile /opt/x.py:7\x1b[39m, in fit()",
        "ValueError: no",
    ]
    cell.outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=frames))
    notebook = nbformat.v4.new_notebook(
        cells=[cell], metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.11.7"}}
    )
    nbformat.write(notebook, path)
    assert main(["normalise", "--check", str(path)]) == 1
    assert main(["normalise", str(path)]) == 0
    assert main(["normalise", "--check", str(path)]) == 0
    after = notebooks.read(path)
    assert after.metadata == {"kernelspec": notebooks.KERNEL, "language_info": {"name": "python"}}
    kept = after.cells[0]
    assert kept.metadata == {"tags": ["a", "b"]}
    assert (kept.id, kept.source, kept.execution_count) == (cell.id, "fit()", 3)
    assert kept.outputs[0].text == "100%\ndone\n"
    assert kept.outputs[1].data[RESULTS_MIME] == {"seconds": 1}
    assert [part for part in kept.outputs[2].traceback if "/opt" in part] == []
    assert kept.outputs[2].traceback[-1] == "ValueError: no"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "01_x.ipynb"
    write(path, "1")
    before = path.read_bytes()
    monkeypatch.setattr(notebooks.os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    assert main(["normalise", str(path)]) == 2
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


# ------------------------------------------------------------------------------------------------------------ badges


@pytest.fixture
def copies(tmp_path):
    """The course's notebooks, copied, without the badges that a teacher may have stamped into them."""
    for path in notebooks.find():
        shutil.copy(path, tmp_path)
    main(["badges", "--remove", f"--folder={tmp_path}"])
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.ipynb"))}


def test_badges_are_stamped_once_and_removed_without_a_trace(copies):
    clean = contents(copies)
    assert main(["badges", "ada/course", f"--folder={copies}"]) == 0
    stamped = contents(copies)
    assert main(["badges", "ada/course", f"--folder={copies}"]) == 0
    assert contents(copies) == stamped, "stamping twice changes nothing"
    for name, content in stamped.items():
        page = f"https://colab.research.google.com/github/ada/course/blob/main/notebooks/{name}"
        assert content.decode().count(page) == 1
        cell = notebooks.first_code_cell(notebooks.read(copies / name))
        assert cell.source == notebooks.first_cell("https://github.com/ada/course.git")
        assert stamped[name] != clean[name]
    assert main(["badges", "--remove", f"--folder={copies}"]) == 0
    assert contents(copies) == clean


def test_badges_move_to_another_repository(copies):
    main(["badges", "ada/course", f"--folder={copies}"])
    main(["badges", "bob/rnn", "--branch=v2", f"--folder={copies}"])
    for content in contents(copies).values():
        assert b"ada/course" not in content
        assert b"bob/rnn/blob/v2/" in content


def test_badges_write_nothing_if_one_notebook_is_not_the_courses(copies, capsys):
    write(copies / "99_other.ipynb", "1")
    before = contents(copies)
    assert main(["badges", "ada/course", f"--folder={copies}"]) == 2
    assert "99_other.ipynb" in capsys.readouterr().err
    assert contents(copies) == before


# ----------------------------------------------------------------------------------------------------------- results


def test_readme_is_what_the_stored_notebooks_say(capsys):
    assert main(["results", "--check"]) == 0, capsys.readouterr().out


def test_results_follow_the_stored_outputs(copies, tmp_path, capsys):
    readme = tmp_path / "README.md"
    shutil.copy(results.README, readme)
    options = [f"--folder={copies}", f"--readme={readme}"]
    assert main(["results", "--check", *options]) == 0
    path = copies / "02_vanishing_gradients.ipynb"
    notebook = notebooks.read(path)
    stored = notebooks.results(notebook)
    stored["reports"][0] |= {"lecture": "fails", "measured": 987654, "unit": "%"}
    notebooks.write(notebook, path)
    assert main(["results", "--check", *options]) == 1
    assert main(["results", *options]) == 0
    assert "| fails | 987,654 % |" in readme.read_text(encoding="utf-8"), "words have no unit"
    assert main(["results", "--check", *options]) == 0


def test_results_as_json(capsys):
    assert main(["results", "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    assert set(stored) == {path.stem for path in notebooks.find()}
    assert all(claim["state"] in ("held", "not judged", "failed") for claim in stored["00_start_here"]["claims"])


START, END = "<!-- map:start -->", "<!-- map:end -->"


@pytest.mark.parametrize("text", ["", f"{END} {START}", f"{START} {START} {END}"])
def test_a_readme_without_its_marks_is_refused(text):
    with pytest.raises(ValueError, match="map:start"):
        results.replace_block(text, "map", "| a |")


# ---------------------------------------------------------------------------------------------------- doctor and fetch


def test_doctor_reports_versions_device_data_and_what_would_be_downloaded():
    done = call("-m", "utils", "doctor", cwd=COURSE_ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("Python", "tensorflow", "keras", "profile", "device", "cache", "jena", "beijing", "imdb", "Ready"):
        assert word in done.stdout
    assert done.stderr == ""


def test_fetch_shows_size_and_licence_before_anything_moves(capsys, quick, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    assert main(["fetch", "jena", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "13.6 MB" in out
    assert "CC BY 4.0" in out
    assert list(tmp_path.iterdir()) == []
