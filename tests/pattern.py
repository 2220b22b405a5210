"""A notebook with all parts of a converted one, as small as can be: it keeps every rule of `style`, and it runs."""

import re
from pathlib import Path

import nbformat
import tiny

from utils.cli import notebooks
from utils.course import HELD

NAME = "01_small_memory"

TEXT = '''
# %% [markdown]
# How long does an average remember?

A watch shows a smooth line although its sensor is noisy: it keeps one number and nudges it at every beat.

**After this notebook you can**
- write the update,
- say how fast an input fades,
- fit the same rule with Keras.

**Before you start**: NumPy; [00 · Start here](00_start_here.ipynb). **Reading**: about 10 minutes.
**Time**: under a minute on two CPU cores. **Lecture**: none.
# %% [code] entrance
# %% [code]
import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import course, plots

run = course.start("01_small_memory")
# %% [markdown]
## 1 · One number

**Predict.** When is half of a pulse gone?
# %% [code]
h = 0.1 * 0.9 ** np.arange(60)  # (time,)
# %% [code] picture
plt.plot(h, color=plots.COLOURS[0])
plt.text(7, 0.06, "half is gone", color=plots.INK[0])
plt.title("A pulse fades by a tenth at each step")
plots.show("A curve that falls from 0.1 towards zero; half of it is gone after seven steps.")
# %% [markdown]
**Notice.** After seven steps.

**Predict.** And nine tenths?
# %% [code]
def passes(share):
    """Return the first step at which less than `share` of the pulse is left."""
    return int(np.argmax(h < share * h[0]))


steps = {share: passes(share) for share in (0.5, 0.1)}
# %% [markdown]
**Notice.** After 22. **Try it.** Set `0.9` to `0.5` and run the two cells again.
# %% [code] tags=checks
# @title Checks
run.claim(steps[0.5] == 7, "half is gone after seven steps", always=True)
run.claim(steps[0.1] == 22, "nine tenths are gone after 22", always=True)
run.claim(np.all(np.diff(h) < 0), "no step brings anything back", always=True)
run.claim(h.sum() < 1, "what is left of the pulse sums to less than the pulse", always=True)
# %% [markdown]
## 2 · The same, fitted

**Predict.** Which weight does a fit find?
# %% [code]
rng = np.random.default_rng(run.seed)
x = rng.normal(size=(256, 1))  # (batch, features)
keras.utils.set_random_seed(run.seed)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
history = model.fit(x, 0.9 * x, epochs=run.pick(full=50, quick=1), verbose=0)
weight = float(model.get_weights()[0][0, 0])
# %% [markdown]
**Notice.** 0.9, in this run. **Try it.** Fit `0.5 * x` instead.

**Predict.** Does another seed find it too?
# %% [code]
errors = []
for seed in run.seeds(3):
    noise = np.random.default_rng(seed).normal(scale=0.1, size=len(x))
    slope = np.polyfit(x[:, 0], 0.9 * x[:, 0] + noise, deg=1)[0]
    errors.append(abs(slope - 0.9))
# %% [markdown]
**Notice.** Each of three.
# %% [code] tags=checks
# @title Checks
run.claim(abs(weight - 0.9) < 0.01, "the fit finds 0.9")
run.claim(history.history["loss"][-1] < history.history["loss"][0] + 1e-9, "the last epoch is the best")
run.claim(max(errors) < 0.05, "each of three seeds comes within 0.05")
run.claim(min(errors) > 0, "none hits it exactly")
# %% [markdown]
## 3 · What we saw
# %% [code] finish
run.report("half of a pulse is gone", steps[0.5], lecture=7, unit="steps", at_least=6, at_most=8)
run.report("error of the fit, worst of three seeds", max(errors), at_most=0.05)
run.finish()
# %% [markdown]
## Exercises
# %% [markdown]
**Exercise 1.** How much is left after 44 steps?
# %% [code] tags=exercise
# your code here
# %% [markdown] tags=solution
<details><summary>Solution 1</summary>

A hundredth: $0.9^{44}$.

</details>
# %% [code] tags=solution
left = 0.9**44
assert 0.009 < left < 0.01
# %% [markdown]
**Exercise 2.** Compare an array in a claim.
# %% [code] tags=exercise
# your code here
# %% [markdown] tags=solution
<details><summary>Solution 2</summary>

The first cell shows the error, the second the mended call.

</details>
# %% [code] tags=raises-exception,solution
run.claim(h < 1, "no state reaches one")
# %% [code] tags=solution
run.claim(np.all(h < 1), "no single state reaches one", always=True)
# %% [markdown]
**Exercise 3.** Which factor has a half-life of 100 steps?
# %% [code] tags=exercise
# your code here
# %% [markdown] tags=solution
<details><summary>Solution 3</summary>

The hundredth root of a half.

</details>
# %% [code] tags=solution
assert np.isclose((0.5 ** (1 / 100)) ** 100, 0.5)
# %% [markdown]
## Going deeper

One section: a memory of two numbers.
# %% [markdown]
### Deeper 1 · Two numbers

A slow and a quick one.
# %% [code]
slow = 0.01 * 0.99 ** np.arange(60)
run.claim(slow[-1] > h[-1], "after 59 steps more is left of the slow one", always=True)
# %% [markdown]
## Summary

You can now write the update.

**Further reading**
- A. Author, *On averages*, 2001. https://example.org/averages
- B. Author, *On memory*, 2002. DOI 10.1000/182
'''
"""The cells in the text form of Jupytext, with a word for those that the functions below fill in."""

ALT = {"alt": "A curve that falls from 0.1 towards zero; half of it is gone after seven steps."}
ROWS = [
    {"label": "half of a pulse is gone", "measured": 7, "lecture": 7, "at_least": 6, "at_most": 8, "state": HELD},
    {"label": "error of the fit, worst of three seeds", "measured": 0.01, "at_most": 0.05, "state": HELD},
]


def notebook() -> nbformat.NotebookNode:
    """Return the notebook as if it had been run in full, in its normal form."""
    cells = []
    for kind, word, tags, source in re.findall(
        r"^# %% \[(markdown|code)\] ?(\w*)(?:=(\S+))?\n(.*?)\n?(?=^# %% |\Z)", TEXT, re.MULTILINE | re.DOTALL
    ):
        tags = tags.split(",") if tags else []
        if kind == "markdown":
            cells.append(tiny.text(source.rstrip("\n"), tags=tags))
            continue
        source = notebooks.first_cell() if word == "entrance" else source.rstrip("\n")
        cells.append(tiny.code(source, *_outputs(word, tags), tags=tags))
        cells[-1].execution_count = sum(cell.cell_type == "code" for cell in cells)
    made = nbformat.v4.new_notebook(cells=cells, metadata={"course": {"data": []}})
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    return notebooks.normalise(made)


def _outputs(word: str, tags: list[str]) -> list:
    if word == "picture":
        picture = nbformat.from_dict(tiny.PICTURE)
        return [nbformat.v4.new_output("display_data", dict(picture.data), metadata={"image/png": dict(ALT)})]
    if word == "finish":
        return tiny.stored(tiny.results(NAME, [("half is gone after seven steps", HELD)], ROWS))
    if "raises-exception" in tags:
        return [nbformat.v4.new_output("error", ename="TypeError", evalue="no", traceback=["TypeError: no"])]
    return []


def save(folder: Path) -> Path:
    """Write the notebook, and a start page for it to link to, into a folder; return its path."""
    start = tiny.text("# Start here")
    tiny.save(folder / "00_start_here.ipynb", start, data=[])
    path = folder / f"{NAME}.ipynb"
    notebooks.write(notebooks.normalise(notebook(), path), path)
    return path
