"""python -m utils: the commands that change files without running anything: normalise, badges, results, copy."""

import base64
import json
import re

import nbformat
import pytest
import tiny

from utils.__main__ import main
from utils.cli import badges, normalise, notebooks, records, results
from utils.course import FAILED, HELD, NOT_JUDGED, ON_STANDIN, RESULTS_MIME

# --------------------------------------------------------------------------------------------------------- normalise


def normalised(path):
    """Normalise one notebook through the command, and return it."""
    assert main(["normalise", str(path)]) == 0
    assert main(["normalise", "--check", str(path)]) == 0, "once is enough"
    return notebooks.read(path)


def test_normalise_strips_the_machine_and_keeps_the_content(tmp_path):
    path = tmp_path / "x.ipynb"
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
        cells=[cell],
        metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.12.1"}, "course": {"data": ["fra"]}},
    )
    nbformat.write(notebook, path)
    assert main(["normalise", "--check", str(path)]) == 1
    after = normalised(path)
    assert after.metadata == {
        "kernelspec": notebooks.KERNEL,
        "language_info": notebooks.LANGUAGE,
        "course": {"data": ["fra"]},
    }
    kept = after.cells[0]
    assert kept.metadata == {"tags": ["a", "b"]}
    assert (kept.id, kept.source, kept.execution_count) == (cell.id, "fit()", 3)
    assert kept.outputs[0].text == "100%\ndone\n"
    assert kept.outputs[1].data[RESULTS_MIME] == {"seconds": 1}
    assert [part for part in kept.outputs[2].traceback if "/opt" in part] == []
    assert kept.outputs[2].traceback[-1] == "ValueError: no"


def test_normalise_writes_what_a_python_kernel_says_of_itself():
    """JupyterLab marks a notebook as modified when this differs; only the version is of this machine."""
    from ipykernel.ipkernel import IPythonKernel

    theirs = dict(IPythonKernel.language_info)
    assert theirs | {"version": ""} == notebooks.LANGUAGE | {"version": ""}
    assert re.fullmatch(r"3\.\d+\.\d+", notebooks.LANGUAGE["version"])


def test_normalise_writes_the_kernel_as_jupyter_lists_it():
    from jupyter_client.kernelspec import get_kernel_spec

    spec = get_kernel_spec("python3")
    assert {"display_name": spec.display_name, "language": spec.language, "name": "python3"} == notebooks.KERNEL


def test_normalise_folds_entrance_checks_and_solutions_and_nothing_else(tmp_path):
    checks = "# @title Checks\nrun.claim(x, 'y')"
    path = tiny.save(
        tmp_path / "x.ipynb",
        tiny.ENTRANCE,
        tiny.code(checks, tags=["checks"]),
        tiny.code("1", tags=["solution"]),
        tiny.code("2", tags=["other"]),
    )
    cells = normalised(path).cells
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    assert cells[0].metadata == folded
    assert cells[1].metadata == {"tags": ["checks"], **folded}
    assert cells[2].metadata == {"tags": ["solution"], "jupyter": {"outputs_hidden": True, "source_hidden": True}}
    assert cells[3].metadata == {"tags": ["other"]}
    assert [cell.source for cell in cells] == [tiny.ENTRANCE, checks, "1", "2"]


def test_normalise_keeps_folding_collapsing_and_grading(tmp_path):
    grading = {"nbgrader": {"grade": True, "points": 2}, "jupyter": {"outputs_hidden": True, "source_hidden": False}}
    path = tiny.save(
        tmp_path / "x.ipynb", tiny.text("x", collapsed=True), tiny.code("1", **grading, cellView="form", id="colab")
    )
    cells = normalised(path).cells
    assert cells[0].metadata == {}
    assert cells[1].metadata == grading | {"cellView": "form"}


def test_normalise_collapses_the_sections_that_go_deeper_and_no_other_heading(tmp_path):
    heading = {"jp-MarkdownHeadingCollapsed": True, "heading_collapsed": True}
    collapsed = {
        "# Title": False,
        "### Deeper 1 · Too early": False,
        "## Going deeper\n\nTwo things.": False,
        "### Deeper 1 · A cliff\n\nA paragraph.": True,
        "prose\n\n### Deeper 2 · Not at the top": False,
        "```\n## Summary\n```": False,
        "### Deeper 2 · Another": True,
        "### A heading": False,
        "## Summary": False,
        "### Deeper 3 · Too late": False,
    }
    path = tiny.save(tmp_path / "x.ipynb", *(tiny.text(source, **heading) for source in collapsed))
    after = {cell.source: cell.metadata for cell in normalised(path).cells}
    assert after == {source: heading if closed else {} for source, closed in collapsed.items()}


def test_a_solution_in_markdown_folds_itself(tmp_path):
    hidden = {"source_hidden": True, "outputs_hidden": True}
    path = tiny.save(tmp_path / "x.ipynb", tiny.text("<details>", tags=["solution"], jupyter=hidden))
    assert normalised(path).cells[0].metadata == {"tags": ["solution"]}


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        (["LSTM: 1 of 5\r", "LSTM: 5 of 5\r", "            \r"], None),
        (["1 of 5\r", "2 of 5\x1b[2K\r"], None),
        (["before\n1 of 5\r\x1b[K"], "before\n"),
        (["1 of 5\r5 of 5\x1b[K\n"], "5 of 5\n"),
        (["done\n", "2 of 5\r", "      \r", "after\n"], "done\nafter\n"),
        (["\n"], "\n"),
        (["  \n"], "  \n"),
    ],
)
def test_what_a_progress_line_wiped_is_not_stored(pieces, left, tmp_path):
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in pieces]
    cell = normalised(tiny.save(tmp_path / "x.ipynb", tiny.code("1", *outputs))).cells[0]
    assert [output.text for output in cell.outputs] == ([] if left is None else [left])


OLD_ENTRANCE = """# @title Entrance
import os
url, branch = os.environ.get("COURSE_URL", "{url}"), "{branch}"  # python -m utils badges"""


@pytest.mark.parametrize("stamped", [("", "main"), ("https://github.com/ada/rnn.git", "v2")])
def test_normalise_renews_an_entrance_and_keeps_its_address(stamped, tmp_path):
    url, branch = stamped
    path = tiny.save(tmp_path / "x.ipynb", OLD_ENTRANCE.format(url=url, branch=branch), "print(1)")
    assert [cell.source for cell in normalised(path).cells] == [notebooks.first_cell(url, branch), "print(1)"]
    assert notebooks.address(notebooks.first_cell(url, branch)) == stamped


@pytest.fixture
def chain(tmp_path):
    """Three notebooks; the middle one ends in code."""
    tiny.save(tmp_path / "00_start_here.ipynb", tiny.text("# Start here"), tiny.text("## Summary\n\n- a book.\n"))
    tiny.save(tmp_path / "02_gradients.ipynb", tiny.text("# 02 · Vanishing gradients"), tiny.text("end"), "1")
    tiny.save(tmp_path / "14_jena_forecasting.ipynb", tiny.text("no heading"))
    return tmp_path


def test_normalise_links_previous_map_and_next(chain):
    ends = {}
    for path in sorted(chain.glob("*.ipynb")):
        cells = [cell for cell in normalised(path).cells if cell.cell_type == "markdown"]
        ends[path.name[:2]] = cells[-1].source
    assert ends == {
        "00": "## Summary\n\n- a book.\n\n[02 · Vanishing gradients →](02_gradients.ipynb)",
        "02": "end\n\n[← 00 · Start here](00_start_here.ipynb) · [map](00_start_here.ipynb) · "
        "[14 · Jena forecasting →](14_jena_forecasting.ipynb)",
        "14": "no heading\n\n[← 02 · Vanishing gradients](02_gradients.ipynb) · [map](00_start_here.ipynb)",
    }


def test_the_links_use_the_short_titles_of_the_map(chain):
    row = "| [02 · Fading](02_gradients.ipynb) | b | |\n| 14 · Jena | c | |"
    tiny.save(chain / "00_start_here.ipynb", tiny.text(f"# Start here\n\n| notebook | a | |\n|---|---|---|\n{row}"))
    notebook = normalised(chain / "02_gradients.ipynb")
    assert notebook.cells[1].source.endswith("· [14 · Jena →](14_jena_forecasting.ipynb)")
    assert normalised(chain / "14_jena_forecasting.ipynb").cells[-1].source.count("[← 02 · Fading](") == 1


def test_the_links_follow_a_new_neighbour(chain):
    for path in chain.glob("*.ipynb"):
        normalised(path)
    tiny.save(chain / "01_networks.ipynb", tiny.text("# Networks"))
    notebook = normalised(chain / "02_gradients.ipynb")
    assert notebook.cells[1].source.count("←") == 1
    assert "[← 01 · Networks](01_networks.ipynb)" in notebook.cells[1].source
    first = normalised(chain / "00_start_here.ipynb").cells[-1].source
    assert first.endswith("- a book.\n\n[01 · Networks →](01_networks.ipynb)")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tiny.save(tmp_path / "01_x.ipynb", "1")
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    assert main(["normalise", str(path)]) == 2
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_assignment_is_normalised_without_links_to_its_neighbours(tmp_path, monkeypatch):
    monkeypatch.setattr(normalise, "ASSIGNMENTS", tmp_path)
    for name in ("01_a", "02_b"):
        tiny.save(tmp_path / f"{name}.ipynb", tiny.text(f"# {name}"))
    assert main(["normalise", *map(str, tmp_path.glob("*.ipynb"))]) == 0
    assert tiny.source_of(tmp_path / "01_a.ipynb", 0) == "# 01_a"
    monkeypatch.setattr(normalise, "ASSIGNMENTS", tmp_path / "elsewhere")
    assert main(["normalise", *map(str, tmp_path.glob("*.ipynb"))]) == 0
    assert tiny.source_of(tmp_path / "01_a.ipynb", 0) == "# 01_a\n\n[02 · 02_b →](02_b.ipynb)"


# ------------------------------------------------------------------------------------------------------------ badges

MARKED = """# The course
<!-- badges:start -->
<!-- badges:end -->
<!-- clone:start -->
```
git clone <this repository's address> course && cd course
make lab
```
<!-- clone:end -->
git clone https://github.com/other/thing.git
"""


@pytest.fixture
def course(tmp_path):
    """Two notebooks with title and entrance, and a README with both marks."""
    for name in ("00_start_here", "01_networks"):
        title = tiny.text(f"# {name}\n\nA hook.\n\nMore.")
        tiny.save(tmp_path / f"{name}.ipynb", title, tiny.ENTRANCE, "print(fetch)", data=[])
    (tmp_path / "README.md").write_text(MARKED, encoding="utf-8")
    main(["normalise", *map(str, tmp_path.glob("*.ipynb"))])
    return tmp_path


def stamp(course, *words):
    return main(["badges", *words, f"--folder={course}", f"--readme={course / 'README.md'}"])


def everything(course):
    return tiny.contents(course) | {"README.md": (course / "README.md").read_bytes()}


def test_badges_are_stamped_once_and_removed_without_a_trace(course, capsys):
    clean = everything(course)
    assert stamp(course, "ada/rnn") == 0
    assert "2 of 2 notebooks changed; README.md changed\n" in capsys.readouterr().out
    stamped = everything(course)
    assert all(stamped[name] != clean[name] for name in clean)
    assert stamp(course, "ada/rnn") == 0
    assert everything(course) == stamped, "stamping twice changes nothing"
    assert stamp(course, "--remove") == 0
    assert everything(course) == clean


def test_address_and_branch_agree_everywhere(course):
    stamp(course, "ada/rnn")
    assert stamp(course, "my_group/rnn.course", "--branch=feature/v2") == 0
    for content in everything(course).values():
        assert b"ada/rnn" not in content
    notebook = notebooks.read(course / "01_networks.ipynb")
    row, hook = notebook.cells[0].source.split("\n\n")[1:3]
    assert hook == "A hook."
    page = "my_group/rnn.course/blob/feature/v2/notebooks/01_networks.ipynb"
    targets = re.findall(r"\)\]\(([^)]*)\)", row)
    assert targets == [
        f"https://colab.research.google.com/github/{page}",
        f"https://kaggle.com/kernels/welcome?src=https://github.com/{page}",
        "https://mybinder.org/v2/gh/my_group/rnn.course/feature%2Fv2?labpath=notebooks/01_networks.ipynb",
    ]
    line = "git clone -qb feature/v2 --depth=1 {os.getenv('COURSE_URL', 'https://github.com/my_group/rnn.course.git')}"
    changed = [new for new, old in zip(notebook.cells[1].source.split("\n"), tiny.ENTRANCE.split("\n")) if new != old]
    assert changed == [f'fetch = f"{line}"']
    readme = (course / "README.md").read_text(encoding="utf-8")
    assert "git clone --branch feature/v2 https://github.com/my_group/rnn.course.git course && cd course\n" in readme
    assert "git clone https://github.com/other/thing.git" in readme, "outside the marks nothing changes"
    assert "my_group/rnn.course/blob/feature/v2/notebooks/00_start_here.ipynb" in readme


def test_the_stamped_entrance_is_what_the_style_test_expects(course):
    """Address and branch are found again by the function with which the notebooks are compared with first_cell.py."""
    stamp(course, "ada/rnn", "--branch=v2")
    assert notebooks.address(tiny.source_of(course / "01_networks.ipynb", 1)) == (
        "https://github.com/ada/rnn.git",
        "v2",
    )


def test_an_assignment_gets_the_address_but_no_badge_that_opens_its_solutions(course):
    folder = course / "assignments"
    folder.mkdir()
    tiny.save(folder / "01_task.ipynb", tiny.text("# Task\n\nDo it.\n\nMore."), tiny.ENTRANCE)
    main(["normalise", str(folder / "01_task.ipynb")])
    before = tiny.contents(folder)
    assert stamp(course, "ada/course", "--branch", "class") == 0
    assert tiny.source_of(folder / "01_task.ipynb", 0) == "# Task\n\nDo it.\n\nMore."
    entrance = tiny.source_of(folder / "01_task.ipynb", 1)
    assert notebooks.address(entrance) == ("https://github.com/ada/course.git", "class")
    assert stamp(course, "--remove") == 0
    assert tiny.contents(folder) == before


@pytest.mark.parametrize("spoil", ["notebook", "readme"])
def test_badges_write_nothing_if_one_file_is_not_as_expected(course, capsys, spoil):
    if spoil == "notebook":
        tiny.save(course / "99_other.ipynb", "1")
    else:
        (course / "README.md").write_text(MARKED.replace("<!-- clone:end -->", ""), encoding="utf-8")
    before = everything(course)
    assert stamp(course, "ada/rnn") == 2
    assert ("99_other.ipynb" if spoil == "notebook" else "<!-- clone:end -->") in capsys.readouterr().err
    assert everything(course) == before


def test_a_readme_without_marks_is_left_and_named(course, capsys):
    (course / "README.md").write_text("# The course\n", encoding="utf-8")
    assert stamp(course, "ada/rnn") == 0
    assert (
        "README.md not changed (it has no <!-- badges:start --> and no <!-- clone:start -->)" in capsys.readouterr().out
    )


@pytest.mark.parametrize("address", ["ada", "ada/", "/rnn", "ada/rnn/x", "ada/r nn", "../rnn", 'ada/"rnn', "ada/.."])
def test_what_cannot_be_an_address_is_refused(address):
    assert not badges.REPOSITORY.fullmatch(address)


# ----------------------------------------------------------------------------------------------------------- results


def test_what_is_generated_is_what_the_stored_notebooks_say(capsys):
    assert main(["results", "--check"]) == 0, capsys.readouterr().out


def test_results_as_json(capsys):
    assert main(["results", "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    assert set(stored) == {path.stem for path in notebooks.find()}
    assert all(claim["state"] in ("held", "not judged", "failed") for claim in stored["00_start_here"]["claims"])


def report(label, measured, lecture=None, unit="", **changes):
    return {"label": label, "measured": measured, "lecture": lecture, "unit": unit} | changes


STORED = {
    "01_good": tiny.results(
        "01_good",
        [("a", HELD), ("b", FAILED), ("c", NOT_JUDGED)],
        [
            report("accuracy", 88.123, 85, "%", spread=0.51, at_least=80, state=HELD),
            report("order", "fails", "works", "%"),
            report("error", 0.25, None, "degC", at_least=0.1, at_most=0.2, state=FAILED),
            report("left", 2, None, at_most=3, state=NOT_JUDGED),
        ],
    ),
    "02_mixed": tiny.results(
        "02_mixed",
        [("a", HELD)],
        [report("Jena, GRU", 0.251, 0.265), report("Beijing, GRU", 2.2, 2.5), report("width", 64, 64)],
        data={"beijing": "real", "jena": "stand-in"},
    ),
    "03_none": None,
}


def table_rows(text):
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]


def cells(text, label):
    """The cells after the one that holds `label`, in the one row that has it."""
    (row,) = [row for row in table_rows(text) if label in map(str.strip, row)]
    stripped = [cell.strip() for cell in row]
    return stripped[stripped.index(label) + 1 :]


def keep(folder, name, seed, **changes):
    """Keep a run of 01_good or 02_mixed under another seed."""
    record = json.loads(json.dumps(STORED[name])) | {"seed": seed} | changes
    records.save(record, records.path_of(name, seed, 2, folder))


def test_the_table_counts_claims_and_bounds(tmp_path):
    text = results.tables(STORED, tmp_path)
    link = "[01_good](notebooks/01_good.ipynb)"
    row = next(row for row in table_rows(text) if row[0].strip() == link)
    assert [cell.strip() for cell in row[1:]] == ["full", "12", "2 of 6", "2", "1", "one run"]
    assert "03_none" not in text


def test_what_is_not_judged_on_a_stand_in_is_not_counted(tmp_path):
    figures = [
        report("days", 1, at_most=2, state=ON_STANDIN, standin=True),
        report("weeks of Beijing", 1, at_most=2, state=HELD),
    ]
    data = {"jena": "stand-in", "beijing": "real"}
    stored = {"14_x": tiny.results("14_x", [("a", HELD), ("b", ON_STANDIN)], figures, data=data)}
    records.save(stored["14_x"] | {"seed": 1}, records.path_of("14_x", 1, 2, tmp_path))
    text = results.tables(stored, tmp_path)
    row = next(row for row in table_rows(text) if "14_x" in row[0])
    assert [cell.strip() for cell in row[3:]] == ["2 of 2", "0", "2", "2 of 2"]
    assert cells(text, "days") == ["1 (stand-in)", "1 (2 runs)", "–", "≤ 2 (not judged)"]
    assert cells(text, "weeks of Beijing")[0] == "1"


def test_every_figure_has_lecture_range_spread_and_bound(tmp_path):
    text = results.tables(STORED, tmp_path)
    assert cells(text, "accuracy") == ["85 %", "88.12 %", "one run", "± 0.51", "≥ 80"]
    assert cells(text, "order") == ["works", "fails", "one run", "–", "–"], "a text has no unit"
    assert cells(text, "error") == ["0.25 degC", "one run", "–", "≥ 0.1, ≤ 0.2 ✗ failed"]
    assert cells(text, "left") == ["2", "one run", "–", "≤ 3 (not judged)"]
    assert text.index("accuracy") < text.index("<details>") < text.index("error"), "the lecture's figures come first"


def test_ranges_are_over_the_stored_run_and_those_kept(tmp_path, capsys):
    reports = STORED["01_good"]["reports"]
    for seed, accuracy, order in ((1, 90.5, "fails"), (2, 81, "works")):
        changed = [reports[0] | {"measured": accuracy}, reports[1] | {"measured": order}, *reports[2:]]
        keep(tmp_path, "01_good", seed, reports=changed)
    keep(tmp_path, "01_good", 3, claims=[{"text": "reworded", "state": HELD}])
    text = results.tables(STORED, tmp_path)
    assert cells(text, "accuracy")[2] == "81 to 90.5 (3 runs)"
    assert cells(text, "order")[2] == "fails / works (3 runs)"
    assert cells(text, "left")[1] == "2 (3 runs)"
    assert "stale, left out: 01_good, seed 3" in capsys.readouterr().out
    row = next(row for row in table_rows(text) if "01_good" in row[0])
    assert [cell.strip() for cell in row[-2:]] == ["3", "2 of 6"]


def test_a_stand_in_never_stands_beside_a_lecture(tmp_path):
    text = results.tables(STORED, tmp_path)
    assert cells(text, "Jena, GRU") == ["0.251 (stand-in)", "one run", "–", "–"]
    assert "0.265" not in text
    assert cells(text, "Beijing, GRU") == ["2.5", "2.2", "one run", "–", "–"]
    assert cells(text, "width")[0] == "64 (stand-in)", "what may be of the stand-in is taken for it"
    assert "(stand-in: jena)" in text


MAP = """## 1 · The map of the course

Five lectures.

| notebook | what you will see | A |
|---|---|:-:|
| 00 · Start here | this page | ● |
| **Part 1 · Networks** | | |
| [01 · Networks](01_networks.ipynb) | a state | |
| 02 · Not yet | later | ● |

After it."""


@pytest.fixture
def published(tmp_path):
    """A start page with a map, a notebook that needs GloVe twice and the reviews, README, and an empty RESULTS.md."""
    tiny.save(tmp_path / "00_start_here.ipynb", tiny.text("# Start here"), tiny.text(MAP), data=[])
    outputs = tiny.stored(STORED["01_good"] | {"notebook": "01_networks"})
    needs = ["glove-50d", "glove-50d-wide", "imdb"]
    tiny.save(tmp_path / "01_networks.ipynb", tiny.text("# Networks"), tiny.code("1", *outputs), data=needs)
    (tmp_path / "README.md").write_text("x\n<!-- map:start -->\n<!-- map:end -->\ny\n", encoding="utf-8")
    (tmp_path / "RESULTS.md").write_text("<!-- results:start -->\nold\n<!-- results:end -->\n", encoding="utf-8")
    return tmp_path


def publish(folder, *words):
    files = [f"--readme={folder / 'README.md'}", f"--tables={folder / 'RESULTS.md'}", f"--results={folder / 'results'}"]
    return main(["results", f"--folder={folder}", *files, *words])


def test_results_write_map_and_tables_and_check_every_file(published, capsys):
    before = everything(published)
    assert publish(published, "--check") == 1
    assert "out of date: 00_start_here.ipynb, README.md, RESULTS.md" in capsys.readouterr().out
    assert everything(published) == before, "a check writes nothing"
    assert publish(published) == 0
    assert publish(published, "--check") == 0
    assert "85 %" in (published / "RESULTS.md").read_text(encoding="utf-8")
    for name, line in (("README.md", "this page"), ("RESULTS.md", "85 %")):
        text = (published / name).read_text(encoding="utf-8")
        (published / name).write_text(text.replace(line, "doctored"), encoding="utf-8")
        assert publish(published, "--check") == 1
        assert f"out of date: {name};" in capsys.readouterr().out
        publish(published)


def test_the_map_says_what_each_notebook_needs(published):
    publish(published)
    source = tiny.source_of(published / "00_start_here.ipynb", 1)
    assert source.startswith(
        "## 1 · The map of the course\n\nFive lectures.\n\n| notebook | what you will see | data | A |\n"
    )
    assert source.endswith("| 02 · Not yet | later | | ● |\n\nAfter it.")
    assert "| [00 · Start here](00_start_here.ipynb) | this page | none | ● |" in source
    (size,) = re.findall(r"a state \| glove, imdb: (\d+) MB \| \|", source)
    assert 84 < int(size) < 84 + 150, "the vectors are counted once, and not by the 862 MB of all sizes"
    readme = (published / "README.md").read_text(encoding="utf-8")
    assert "[01 · Networks](notebooks/01_networks.ipynb)" in readme
    assert readme.endswith("<!-- map:end -->\ny\n")
    assert publish(published, "--check") == 0, "the column is not added twice"


@pytest.mark.parametrize(
    "text", ["", "<!-- map:end --> <!-- map:start -->", "<!-- map:start --> " * 2 + "<!-- map:end -->"]
)
def test_a_readme_without_its_marks_is_refused(published, text, capsys):
    (published / "README.md").write_text(text, encoding="utf-8")
    before = everything(published)
    assert publish(published) == 2
    assert "README.md needs one <!-- map:start -->" in capsys.readouterr().err
    assert everything(published) == before


PICTURE = base64.b64encode(b"a picture").decode()


def with_picture(folder, cell="abc"):
    """Let a notebook store a picture in its cell `abc`, and README ask for the one in `cell`."""
    picture = nbformat.v4.new_output("display_data", {"image/png": PICTURE, "text/plain": "<Figure>"})
    drawn = tiny.code("1", picture)
    drawn["id"] = "abc"
    tiny.save(folder / "02_drawn.ipynb", tiny.text("# Drawn"), drawn, data=[])
    readme = folder / "README.md"
    asked = f"<!-- picture: 02_drawn {cell} -->\n![a\nfigure](front.png)\n"
    readme.write_text(asked + readme.read_text(encoding="utf-8"), encoding="utf-8")


def test_readmes_picture_is_the_one_that_the_notebook_stores(published, capsys):
    with_picture(published)
    assert publish(published) == 0
    assert (published / "front.png").read_bytes() == b"a picture"
    assert publish(published, "--check") == 0
    (published / "front.png").write_bytes(b"another")
    assert publish(published, "--check") == 1
    assert "out of date: front.png;" in capsys.readouterr().out


def test_a_picture_that_is_not_there_is_named_and_nothing_is_written(published, capsys):
    with_picture(published, cell="xyz")
    before = everything(published)
    assert publish(published) == 2
    assert "02_drawn stores no picture in a cell 'xyz'" in capsys.readouterr().err
    assert everything(published) == before


# -------------------------------------------------------------------------------------------------------------- copy


@pytest.fixture
def originals(tmp_path):
    """Two notebooks that lead to each other and to a file beside them; the first stores an output."""
    folder = tmp_path / "course" / "notebooks"
    folder.mkdir(parents=True)
    (folder.parent / "RESULTS.md").write_text("x")
    links = "[next](02_b.ipynb#top), [all](../RESULTS.md), [web](https://a.b/c.ipynb), [here](#end), [none](gone.ipynb)"
    tiny.save(folder / "01_a.ipynb", tiny.text(links), tiny.code("1", tiny.PICTURE))
    tiny.save(folder / "02_b.ipynb", tiny.text("[back](01_a.ipynb)"))
    return folder


def copy(originals, *words):
    return main(["copy", *words, f"--folder={originals}", f"--to={originals.parent / 'my'}"])


def test_copies_keep_outputs_and_links(originals):
    assert copy(originals) == 0
    assert tiny.contents(originals.parent / "my") == tiny.contents(originals)


def test_a_link_to_what_was_not_copied_leads_to_the_original(originals):
    to = originals.parent / "somewhere" / "deep"
    assert main(["copy", "1", f"--folder={originals}", f"--to={to}"]) == 0
    source = tiny.source_of(to / "01_a.ipynb", 0)
    assert source == (
        "[next](../../notebooks/02_b.ipynb#top), [all](../../RESULTS.md), [web](https://a.b/c.ipynb), [here](#end), "
        "[none](gone.ipynb)"
    )
    assert notebooks.read(to / "01_a.ipynb").cells[1].outputs == [tiny.PICTURE]


def test_a_changed_copy_is_never_overwritten(originals, capsys):
    copy(originals)
    mine, other = (originals.parent / "my" / name for name in ("01_a.ipynb", "02_b.ipynb"))
    tiny.save(mine, "my own work")
    kept = mine.read_bytes()
    tiny.save(originals / "02_b.ipynb", tiny.text("a new edition"))
    assert copy(originals) == 1
    assert "left as they are, since you have changed them: 01_a.ipynb" in capsys.readouterr().out
    assert mine.read_bytes() == kept
    assert other.read_bytes() == (originals / "02_b.ipynb").read_bytes(), "one that nobody touched follows the original"
    assert copy(originals, "--force") == 0
    assert mine.read_bytes() == (originals / "01_a.ipynb").read_bytes()


def test_without_a_ledger_every_difference_is_the_readers(originals):
    mine = originals.parent / "my"
    mine.mkdir()
    tiny.save(mine / "01_a.ipynb", "from another day")
    kept = (mine / "01_a.ipynb").read_bytes()
    assert copy(originals) == 1
    assert (mine / "01_a.ipynb").read_bytes() == kept
