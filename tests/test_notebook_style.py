"""Every notebook has the anatomy of the course, and the rules notice when one has not."""

import re
import shutil
import subprocess
import sys

import nbformat
import pattern
import pytest
import style
import tiny

from utils import COURSE_ROOT
from utils.cli import notebooks
from utils.course import ON_STANDIN, RESULTS_MIME


@pytest.mark.parametrize("rule", [*style.RULES, *style.PATTERN], ids=lambda rule: rule.__name__)
def test_anatomy(rule, notebook_path):
    assert list(rule(notebooks.read(notebook_path), notebook_path)) == []


RUFF = notebooks.NOTEBOOKS / "ruff.toml"


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]])
@pytest.mark.parametrize(("columns", "fits"), [(88, True), (89, False)])
def test_ruff_holds_a_new_notebook_to_88_columns(words, columns, fits):
    line = f'print("{"x" * (columns - 14)}", "y")'
    assert len(line) == columns
    notebook = nbformat.v4.new_notebook(cells=[tiny.code(line)])
    options = ["--no-cache", f"--stdin-filename={RUFF.parent / '99_new.ipynb'}", "-"]
    command = [sys.executable, "-m", "ruff", *words, *options]
    source = nbformat.writes(notebook)
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False, cwd=COURSE_ROOT)
    assert ("E501" in done.stdout) is (words == ["check"] and not fits), done.stdout + done.stderr
    assert done.returncode == (0 if fits else 1)


def test_there_are_notebooks(pytestconfig):
    assert notebooks.find(folder=pytestconfig.getoption("--notebooks"))


def test_nbval_compares_every_check_and_half_of_all_text_outputs(pytestconfig):
    """What else a cell prints was measured in full, and is another number in quick."""
    paths = notebooks.find(folder=pytestconfig.getoption("--notebooks"))
    checks = [cell for path in paths for cell in style.code(notebooks.read(path)) if "checks" in style.tags(cell)]
    left_out = [cell.source for cell in checks if "nbval-check-output" not in style.tags(cell)]
    assert checks and left_out == []
    compared, total = style.compared_share(paths)
    assert compared / total >= 0.5, f"{compared} of {total} code cells with text output carry nbval-check-output"


def test_the_map_lists_every_notebook():
    text = style.prose(notebooks.read(notebooks.NOTEBOOKS / "00_start_here.ipynb"))
    linked = set(re.findall(r"\((\d\d_\w+\.ipynb)\)", text))
    assert linked >= {path.name for path in notebooks.find()}


# --------------------------------------------------------------------------- the rules themselves can fail


def spoil_counts(notebook):
    for cell in style.code(notebook):
        cell.execution_count = None


def spoil_first_cell(notebook):
    style.code(notebook)[0].source += "\nprint('mine')"


def spoil_error(notebook):
    output = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    style.code(notebook)[1].outputs.append(output)


def spoil_path(notebook):
    style.code(notebook)[1].outputs.append(nbformat.v4.new_output("stream", name="stdout", text="saved in /home/ada/x"))


def spoil_warning(notebook):
    style.code(notebook)[1].outputs.append(nbformat.v4.new_output("stream", name="stdout", text="UserWarning: mind"))


def spoil_length(notebook):
    style.code(notebook)[1].source += "\n# more" * 25


def spoil_summary(notebook):
    notebook.cells.pop()


def spoil_claim(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell('run.claim(x < 1, f"x is {x}")'))


def spoil_goals(notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace("\n- ", "\n")


def spoil_time(notebook):
    title = notebook.cells[0]
    title.source = re.sub(r"about \d+ minutes", "about 19 minutes", title.source)


def spoil_profile(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell('epochs = 9 if run.profile == "full" else 1'))


def spoil_results(notebook):
    for cell in style.code(notebook):
        cell.outputs = [output for output in cell.outputs if output.output_type != "display_data"]


def spoil_pictures(notebook):
    for cell in style.code(notebook):
        cell.outputs = [output for output in cell.outputs if "image/png" not in output.get("data", {})]


def spoil_bound(notebook):
    results = next(
        output.data[RESULTS_MIME]
        for cell in style.code(notebook)
        for output in cell.outputs
        if RESULTS_MIME in output.get("data", {})
    )
    results["reports"][0]["state"] = "failed"


def spoil_checks(notebook):
    style.code(notebook)[2].metadata.tags = ["checks"]


def spoil_keras(notebook):
    style.code(notebook)[1].source += "\nmodel = tf.keras.Sequential()"


def spoil_spelling(notebook):
    notebook.cells[-1].source = "We normalize colors.\n\n" + notebook.cells[-1].source


def spoil_metadata(notebook):
    notebook.metadata["widgets"] = {"state": {}}


def spoil_data(notebook):
    notebook.metadata["course"]["data"] = ["imdb"]


def spoil_needs(notebook):
    notebook.metadata["course"]["data"] = ["imbd"]


def spoil_declaration(notebook):
    del notebook.metadata["course"]


def spoil_links(notebook):
    last = next(cell for cell in reversed(notebook.cells) if cell.cell_type == "markdown")
    last.source = last.source.rpartition("\n\n")[0]


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (spoil_counts, style.execution),
        (spoil_first_cell, style.first_cells),
        (spoil_error, style.execution),
        (spoil_path, style.outputs),
        (spoil_warning, style.outputs),
        (spoil_length, style.form),
        (spoil_summary, style.sections),
        (spoil_claim, style.idiom),
        (spoil_goals, style.opening),
        (spoil_time, style.opening),
        (spoil_profile, style.idiom),
        (spoil_results, style.execution),
        (spoil_pictures, style.execution),
        (spoil_bound, style.execution),
        (spoil_checks, style.idiom),
        (spoil_keras, style.idiom),
        (spoil_spelling, style.language),
        (spoil_metadata, style.form),
        (spoil_links, style.form),
        (spoil_data, style.data),
        (spoil_needs, style.data),
        (spoil_declaration, style.data),
    ],
)
def test_a_spoilt_notebook_is_noticed(spoil, rule, tmp_path):
    path = tmp_path / "02_vanishing_gradients.ipynb"
    notebook = notebooks.read(notebooks.NOTEBOOKS / path.name)
    for sibling in notebooks.find():
        shutil.copy(sibling, tmp_path)  # so that links still lead somewhere
    assert list(rule(notebook, notebooks.NOTEBOOKS / path.name)) == []
    spoil(notebook)
    nbformat.write(notebook, path)
    assert list(rule(notebooks.read(path), path)) != []


# ----------------------------------------------------------------------------------- and so can those of the pattern


def cell_with(notebook, text):
    """Return the one cell whose source holds a text."""
    (found,) = [cell for cell in notebook.cells if text in cell.source]
    return found


def at(notebook, text):
    """Return the index of the one cell whose source holds a text."""
    return next(k for k, cell in enumerate(notebook.cells) if cell is cell_with(notebook, text))


def replace(notebook, old, new):
    """Change one cell."""
    cell = cell_with(notebook, old)
    cell.source = cell.source.replace(old, new)


def changed(old, new):
    """Return a function that changes one cell."""
    return lambda notebook: replace(notebook, old, new)


def retagged(text, *tags):
    """Return a function that gives one cell these tags."""

    def spoil(notebook):
        cell_with(notebook, text).metadata.tags = list(tags)

    return spoil


def inserted(text, *cells):
    """Return a function that puts cells before the one that holds a text; plain strings are code."""

    def spoil(notebook):
        where = at(notebook, text)
        notebook.cells[where:where] = [tiny.code(cell) if isinstance(cell, str) else cell for cell in cells]

    return spoil


def without(text):
    """Return a function that drops one cell."""
    return lambda notebook: notebook.cells.pop(at(notebook, text))


def stored(change):
    """Return a function that changes the stored results."""

    def spoil(notebook):
        change(cell_with(notebook, "run.finish()").outputs[0].data[RESULTS_MIME])

    return spoil


def prints(text):
    """Return a function that stores one more line of output."""

    def spoil(notebook):
        cell_with(notebook, "errors = []").outputs.append(nbformat.v4.new_output("stream", name="stdout", text=text))

    return spoil


def spoil_alternative(notebook):
    cell_with(notebook, "plots.show").outputs[0].metadata = {}


def spoil_order(notebook):
    first, last = at(notebook, "## Going deeper"), at(notebook, "## Summary")
    where = at(notebook, "## Exercises")
    part = notebook.cells[first:last]
    del notebook.cells[first:last]
    notebook.cells[where:where] = part


def spoil_collapsed(notebook):
    cell_with(notebook, "### Deeper 1").metadata = {}


def spoil_tried(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.replace("**Try it.**", "Try it.")


def spoil_predictions(notebook):
    for question in ("When is half of a pulse gone?", "And nine tenths?"):
        replace(notebook, f"**Predict.** {question}", "")


def spoil_number_of_claims(notebook):
    lines = "".join(f'\nrun.claim(h[{k}] > 0, "state {k} is positive")' for k in range(30))
    cell_with(notebook, "each of three seeds comes").source += lines


def spoil_too_few_claims(notebook):
    cell_with(notebook, "half is gone after seven steps").source = "# @title Checks\nassert h[0] > 0"


def spoil_checks_cells(notebook):
    notebook.cells.insert(at(notebook, "## 2 ·"), tiny.code("# @title Checks", tags=["checks"]))


def spoil_table(results):
    results["reports"] += [dict(results["reports"][1], label=str(k)) for k in range(11)]


def spoil_judged(results):
    for row in [*results["claims"], *filter(lambda report: report["state"], results["reports"])]:
        row["state"] = ON_STANDIN


def spoil_rows(results):
    results["reports"].reverse()


def spoil_standin(results):
    results["data"] = {"jena": "stand-in"}


CONVERSION = {
    "figures of another run": (changed("After seven", "After 7.31, 8.42, 9.53, 1.64 and 2.75"), style.figures),
    "too many cells": (inserted("## 2 · The same", *[tiny.text("x")] * 50), style.size),
    "too many words": (inserted("## 2 · The same", tiny.text("word " * 2400)), style.size),
    "deeper too early": (spoil_order, style.order),
    "no exercises": (changed("## Exercises", "## Homework"), style.order),
    "finish elsewhere": (changed("## 3 · What we saw", "## 3 · More"), style.order),
    "code after finish": (inserted("## Exercises", "1"), style.order),
    "no reading time": (changed("**Reading**: about 10 minutes.", ""), style.header),
    "no link to what it builds on": (changed("[00 · Start here](00_start_here.ipynb)", "Start"), style.header),
    "late picture": (inserted("plots.show", *[tiny.text("x")] * 5), style.first_picture),
    "too many claims": (spoil_number_of_claims, style.claims),
    "too few claims": (spoil_too_few_claims, style.claims),
    "claims about a stand-in": (stored(spoil_judged), style.claims),
    "an open claim": (changed("h = 0.1 *", "run.claim(run.seed > 0, 'x')\nh = 0.1 *"), style.claims),
    "arithmetic": (changed("run.claim(h.sum() < 1,", "run.claim(np.tanh(40.0) == 1,"), style.claims),
    "a shape": (changed("run.claim(h.sum() < 1,", "run.claim(h.shape == (60,),"), style.claims),
    "two cells of checks": (spoil_checks_cells, style.claims),
    "code after the checks": (inserted("## 2 · The same", "1"), style.claims),
    "a long table": (stored(spoil_table), style.closing_table),
    "no table": (lambda notebook: cell_with(notebook, "run.finish()").outputs.clear(), style.closing_table),
    "the lecture last": (stored(spoil_rows), style.closing_table),
    "a stand-in judged by a lecture": (stored(spoil_standin), style.standins),
    "a seeded generator": (changed("default_rng(run.seed)", "default_rng(3)"), style.seeds),
    "a seeded Keras": (changed("set_random_seed(run.seed)", "set_random_seed(7)"), style.seeds),
    "a seed by keyword": (changed("noise = np", "keras.random.normal((1,), seed=3)\n    noise = np"), style.seeds),
    "a list of seeds": (changed("errors = []", "seeds = [1, 2, 3]\nerrors = []"), style.seeds),
    "a range of seeds": (changed("for seed in run.seeds(3)", "for seed in range(3)"), style.seeds),
    "seeds by keyword": (changed("errors = []", "errors = train(seeds=(1, 2))"), style.seeds),
    "too few predictions": (spoil_predictions, style.questions),
    "an unanswered prediction": (changed("**Notice.** After seven steps.", "So."), style.questions),
    "no tries": (spoil_tried, style.questions),
    "no empty cell": (lambda notebook: notebook.cells.pop(at(notebook, "**Exercise 2.**") + 1), style.tasks),
    "a filled cell": (
        lambda notebook: notebook.cells[at(notebook, "**Exercise 2.**") + 1].update(source="h < 1"),
        style.tasks,
    ),
    "a numbered list": (changed("**Exercise 2.**", "2."), style.tasks),
    "a wrong number": (changed("**Exercise 2.**", "**Exercise 5.**"), style.tasks),
    "an open solution": (changed("<details><summary>Solution 3</summary>", ""), style.tasks),
    "a solution that runs into its tag": (changed("</summary>\n\nA hundredth", "</summary>\nA hundredth"), style.tasks),
    "a solution without its tag": (retagged("left = 0.9**44"), style.tasks),
    "a solution that checks nothing": (changed("assert 0.009 < left < 0.01", "left"), style.tasks),
    "a solution elsewhere": (retagged("slow = 0.01", "solution"), style.tasks),
    "what a solution binds is read": (changed("slow = 0.01 * 0.99", "slow = left * 0.99"), style.solutions_apart),
    "Keras behind a function": (changed("model.fit(", "train(model, "), style.keras_in_the_open),
    "a picture without words": (spoil_alternative, style.alternatives),
    "a bare show": (changed("plots.show(", "plt.show()\nprint("), style.alternatives),
    "words that vary": (changed('plots.show("A curve', 'plots.show(f"A curve'), style.alternatives),
    "too few words": (
        lambda notebook: cell_with(notebook, "plots.show").update(source='plots.show("A curve.")'),
        style.alternatives,
    ),
    "a film without words": (changed("plots.show(", "plots.film(h)\nplots.show("), style.alternatives),
    "pale letters": (changed("plots.INK[0]", "plots.COLOURS[0]"), style.alternatives),
    "bars on a logarithmic axis": (changed("plt.plot(h", "plt.bar(h, h, log=True)\nplt.plot(h"), style.alternatives),
    "a claim on seconds": (changed("run.claim(h.sum() < 1", "run.claim(fit_seconds < 1"), style.clock),
    "a claim on seconds by key": (changed("run.claim(h.sum() < 1", 'run.claim(t["seconds"] < 1'), style.clock),
    "a claim that says faster": (changed("sums to less than the pulse", "trains much faster"), style.clock),
    "a claim that says seconds": (changed("sums to less than the pulse", "takes 3 s"), style.clock),
    "a bound on a time": (changed('unit="steps", at_least=6', 'unit="ms", at_least=6'), style.clock),
    "a date": (changed("errors = []", "errors = []\nnow = datetime.now()"), style.clock),
    "an open section": (spoil_collapsed, style.deeper),
    "no list of what goes deeper": (changed("\n\nOne section: a memory of two numbers.", ""), style.deeper),
    "a section without its name": (changed("### Deeper 1 · Two numbers", "### Two numbers"), style.deeper),
    "a wrong number below": (changed("### Deeper 1 · ", "### Deeper 2 · "), style.deeper),
    "prose in the heading's cell": (changed("A slow and a quick one.", "A.\n\nB."), style.deeper),
    "code before the first section": (inserted("### Deeper 1", "1"), style.deeper),
    "no address": (changed(" https://example.org/averages", ""), style.further_reading),
    "no DOI": (changed(" DOI 10.1000/182", ""), style.further_reading),
    "no reading": (changed("**Further reading**", "**Reading**"), style.further_reading),
    "an escape in Persian": (prints(r"['مي\u200cروم']"), style.scripts),
    "an isolate as an escape": (prints(r"'\u2067x\u2069'"), style.scripts),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return pattern.save(tmp_path_factory.mktemp("pattern"))


@pytest.mark.parametrize("rule", [*style.RULES, *style.PATTERN], ids=lambda rule: rule.__name__)
def test_the_small_notebook_keeps_every_rule(rule, small):
    assert list(rule(notebooks.read(small), small)) == []


def test_each_rule_of_the_pattern_is_seen_to_fail():
    assert {rule for _, rule in CONVERSION.values()} == set(style.PATTERN)


@pytest.mark.parametrize("name", CONVERSION)
def test_a_departure_from_the_pattern_is_noticed(name, small):
    spoil, rule = CONVERSION[name]
    notebook = notebooks.read(small)
    spoil(notebook)
    assert list(rule(notebook, small)) != []


FREE = {
    "a few differences": changed("After seven", "After 7.31, 8.42, 9.53 and 1.64"),
    "a figure that an output rounds to": changed(
        "After seven", "After $7.31$, `8.42`, 0.07, 7.0, 0.1, 0.90, 0.05 and 0.06"
    ),
    "an exercise with a title": changed("**Exercise 2.**", "**Exercise 2 · Arrays.**"),
    "an exercise with a title in its number's sentence": changed("**Exercise 2.**", "**Exercise 2. Arrays.**"),
    "the first exercise in the heading's cell": lambda notebook: (
        notebook.cells.pop(at(notebook, "## Exercises")),
        replace(notebook, "**Exercise 1.**", "## Exercises\n\n**Exercise 1.**"),
    ),
    "a drawing instead of a plot": lambda notebook: (
        without("plots.show")(notebook),
        replace(notebook, "h = 0.1 *", "drawings.unrolled_rnn()\nh = 0.1 *"),
    ),
    "nothing that goes deeper": lambda notebook: notebook.cells.__delitem__(
        slice(at(notebook, "## Going deeper"), at(notebook, "## Summary"))
    ),
    "a model built in a function of the same cell": changed(
        "model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])\nmodel.compile(",
        "def build():\n    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])\n\n\n"
        "model = build()\nmodel.compile(",
    ),
    "a gradient that fades faster": changed("sums to less than the pulse", "fades faster"),
    "fewer updates, said so": changed("sums to less than the pulse", "learns faster, in updates"),
    "a time that is reported": changed("run.finish()", 'run.report("fit", 3.0, unit="s")\nrun.finish()'),
    "seeds that follow from the run's": changed("errors = []", "errors, seeds = [], [run.seed, *run.seeds(2)]"),
    "a shape that data have": changed("run.claim(h.sum() < 1,", "run.claim(h.shape[0] > 10,"),
}


@pytest.mark.parametrize("name", FREE)
def test_what_the_pattern_leaves_free_is_not_held_against_a_notebook(name, small):
    notebook = notebooks.read(small)
    FREE[name](notebook)
    assert [fault for rule in style.PATTERN for fault in rule(notebook, small)] == []


def test_words_are_what_white_space_parts_in_markdown():
    cells = [tiny.text("Two words,\n\nand $h_t = 3$"), nbformat.v4.new_code_cell("a = 1")]
    assert style.counts(nbformat.v4.new_notebook(cells=cells)).words == 6


def test_the_core_ends_with_the_closing_table():
    cells = [*map(tiny.text, ["# T", "## 1 · a"]), nbformat.v4.new_code_cell("run.finish()")]
    later = [*map(tiny.text, ["## Exercises", "## Going deeper", "### Deeper 1 · b", "## Summary"])]
    core = style.core(nbformat.v4.new_notebook(cells=[*cells, *later]))
    assert [cell.source for cell in core] == ["# T", "## 1 · a", "run.finish()"]


def test_claims_are_counted_with_the_bounds():
    source = """run.claim(a, "x")
run.report("b", 1, at_least=0, at_most=2)
run.report("c", 1, lecture=2)
run.report("d", 1, at_most=2)"""
    assert style.counts(nbformat.v4.new_notebook(cells=[tiny.code(source)])).claims == 3


def test_the_style_tests_fail_as_a_whole_without_execution_counts(tmp_path):
    """Through pytest itself: the run passes on a notebook as it is, and fails on a stripped copy."""
    shutil.copy(notebooks.NOTEBOOKS / "02_vanishing_gradients.ipynb", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "test_anatomy and execution"]
    command += ["tests/test_notebook_style.py", f"--notebooks={tmp_path}"]

    def run():
        return subprocess.run(command, cwd=COURSE_ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert run().returncode == 0
    notebook = notebooks.read(tmp_path / "02_vanishing_gradients.ipynb")
    spoil_counts(notebook)
    notebooks.write(notebook, tmp_path / "02_vanishing_gradients.ipynb")
    done = run()
    assert done.returncode == 1
    assert "restart the kernel and run all" in done.stdout


def test_data_that_only_going_deeper_loads_are_declared_and_no_others():
    """The results are stored at the end of the core: what is loaded behind it shows in the source alone."""
    path = next(notebooks.NOTEBOOKS.glob("25_*.ipynb"))
    notebook = notebooks.read(path)
    assert notebook.metadata["course"]["data"] == ["flickr8k"] and list(style.data(notebook, path)) == []
    for cell in style.code(notebook):
        cell.source = cell.source.replace("load_flickr8k_captions(", "None or (")
    assert any("declare the data" in wrong for wrong in style.data(notebook, path))
