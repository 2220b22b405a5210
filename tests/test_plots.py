"""utils.plots: the course's style, and the pictures that several notebooks share."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import plots

HISTORY = {"loss": [0.5, 0.3, 0.2], "val_loss": [0.6, 0.4, 0.35]}


@pytest.fixture
def axes():
    """Axes on a fresh figure that is closed afterwards, with the style put back."""
    with mpl.rc_context():
        mpl.use("Agg")
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


def test_the_style_sets_size_and_distinct_lines(axes):
    plots.use_course_style()
    assert mpl.rcParams["figure.figsize"] == [7, 3]
    cycle = mpl.rcParams["axes.prop_cycle"].by_key()
    assert len(set(cycle["color"])) == len(set(map(str, cycle["linestyle"]))) == len(plots.COLOURS)


def test_loss_curves_draw_scaled_losses_with_labels_and_baseline(axes):
    class History:
        history = HISTORY

    drawn = plots.loss_curves({"dense": HISTORY, "GRU": History}, 0.29, axes, scale=10, baseline_label="as now")
    assert drawn is axes
    training, validation, *_, baseline = axes.get_lines()
    assert list(training.get_ydata()) == [5, 3, 2]
    assert list(validation.get_ydata()) == [6, 4, 3.5]
    assert list(validation.get_xdata()) == [1, 2, 3]
    assert baseline.get_ydata()[0] == pytest.approx(2.9)
    assert {text.get_text() for text in axes.texts} == {"dense", "GRU", "as now"}
    heights = sorted(text.get_position()[1] for text in axes.texts)
    low, high = axes.get_ylim()
    gaps = [upper - lower for lower, upper in itertools.pairwise(heights)]
    assert min(gaps) > (high - low) / 13, "labels of lines that end together stand apart"


def test_loss_curves_keep_labels_inside_a_given_range(axes):
    plots.loss_curves({"far off": {"loss": [9, 9], "val_loss": [9, 9]}}, ax=axes, ylim=(0, 1))
    assert axes.texts[0].get_position()[1] <= 1


def test_eigenvalues_are_sorted_by_the_circle(axes):
    values = [0.5, -1.0, 0.3 + 0.4j, 1.2j, -2.0]
    assert plots.eigenvalues_on_circle(values, ax=axes) is axes
    circle, inside, outside = axes.lines
    assert np.allclose(np.hypot(*circle.get_data()), 1)
    drawn = [set(np.round(np.add(line.get_xdata(), 1j * line.get_ydata()), 9)) for line in (inside, outside)]
    assert drawn == [{0.5, -1.0, 0.3 + 0.4j}, {1.2j, -2.0}], "on the circle is not outside"
    assert inside.get_marker() != outside.get_marker(), "grey printing"
    assert axes.get_aspect() == 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("real part", "imaginary part")


@pytest.mark.parametrize("bad", [[[1.0]], 1.0, [np.nan], [np.inf]])
def test_what_is_no_row_of_eigenvalues_is_refused(axes, bad):
    with pytest.raises(ValueError, match="expected finite eigenvalues"):
        plots.eigenvalues_on_circle(bad, ax=axes)


def test_what_cannot_be_drawn_is_named(axes):
    with pytest.raises(ValueError, match=r"history of 'GRU' has \['loss'\]; expected loss and val_loss"):
        plots.loss_curves({"GRU": {"loss": [1.0]}}, ax=axes)
    with pytest.raises(ValueError, match="histories is empty"):
        plots.loss_curves({}, ax=axes)
    with pytest.raises(ValueError, match="baseline is nan; expected a finite number"):
        plots.loss_curves({"dense": HISTORY}, np.nan, axes)
    with pytest.raises(TypeError, match="scale is '10'; expected a finite number"):
        plots.loss_curves({"dense": HISTORY}, ax=axes, scale="10")
    with pytest.raises(ValueError, match="expected finite eigenvalues"):
        plots.eigenvalues_on_circle(["a"], ax=axes)
