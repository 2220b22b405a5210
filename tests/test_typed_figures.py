"""Notebook 26 types in what nine others report; here the two are compared, so that neither can move alone."""

import ast
from pathlib import Path

import pytest

from utils.cli import notebooks

FOLDER = Path(__file__).parents[1] / "notebooks"

# notebook, what its network reports, what its best rival reports, and whether the picture shows what is missing to 100
SOURCES = {
    "08": ("08_sentiment_imdb", "LSTM (± seeds)", "NB weights, words and pairs", True),
    "09": ("09_emojify", "LSTM: pairs", "two averages: pairs", True),
    "12": ("12_character_rnn", "test: Keras, Adam (± over seeds)", "test: counts, order 8", False),
    "13": (
        "13_text_generation",
        "Shakespeare: GRU, test bits a character, in this run",
        "Shakespeare: Kneser-Ney, test bits",
        False,
    ),
    "14": ("14_jena_forecasting", "Beijing 2014, GRU (± over seeds)", "Beijing 2014, ridge", False),
    "16": (
        "16_forecast_horizons",
        "Beijing 2014, 12 h ahead: GRU (± over seeds)",
        "Beijing 2014, 12 h ahead: ridge",
        False,
    ),
    "17": ("17_crypto_null_result", "exam, LSTM (spread over seeds)", "exam, logistic", True),
    "20": (
        "20_adding_numbers",
        "repeated vector, hears, both reversed: sums right",
        "nearest training sum, as written: sums right",
        True,
    ),
    "23": ("23_teacher_forcing", "free running: error alone", "nearest neighbours: error alone", False),
}


def _typed() -> dict[str, tuple[float, float]]:
    """Return the pairs of figures of notebook 26, by the number of the notebook that they are from."""
    notebook = notebooks.read(FOLDER / "26_going_further.ipynb")
    (cell,) = (cell for cell in notebook.cells if cell.source.startswith("stored = {"))
    (value,) = (node.value for node in ast.parse(cell.source).body[:1])
    return {label.split(" ")[0]: pair for label, pair in ast.literal_eval(value).items()}


def test_every_row_has_a_source():
    assert list(_typed()) == list(SOURCES)


@pytest.mark.parametrize("number", SOURCES)
def test_the_figures_are_those_that_the_notebooks_report(number):
    name, *labels, missing = SOURCES[number]
    results = notebooks.results(notebooks.read(FOLDER / f"{name}.ipynb"))
    reported = {report["label"]: report["measured"] for report in results["reports"]}
    pair = _typed()[number]
    digits = max(len(str(typed).partition(".")[2]) for typed in pair)  # 2.00 beside 2.07 is typed with two
    for label, typed in zip(labels, pair, strict=True):
        measured = 100 - reported[label] if missing else reported[label]
        assert abs(typed - measured) <= 0.5001 * 10**-digits, f"{name}, {label}: {measured}, typed {typed}"
