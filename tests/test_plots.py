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


def curves(count, axes):
    plots.use_course_style()
    histories = {f"network {k}": {"loss": [3, 2, 1 + k], "val_loss": [4, 3, 2 + k]} for k in range(count)}
    return plots.loss_curves(histories, baseline=2.5, ax=axes)


def test_each_network_is_told_apart_in_colour_and_in_grey(axes):
    drawn = curves(3, axes).get_lines()
    training, validation, baseline = drawn[0:6:2], drawn[1:6:2], drawn[6]
    styles = [(line.get_linestyle(), line.get_linewidth()) for line in (*validation, baseline)]
    assert len(set(styles)) == 4, "grey printing"
    assert baseline.get_linestyle() != "-" and baseline.get_linewidth() < validation[0].get_linewidth()
    assert len({line.get_color() for line in (*validation, baseline)}) == 4
    assert all(line.get_linestyle() == "None" and line.get_marker() == "." for line in training), "dots, no line"
    assert all(line.get_marker() == "" for line in validation), "a line, no dots"
    for dots, line in zip(training, validation):
        assert dots.get_color() == line.get_color()
        assert (dots.get_alpha() or 1) < (line.get_alpha() or 1) and dots.get_zorder() < line.get_zorder()
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert all(colours[f"network {k}"] == line.get_color() for k, line in enumerate(validation))


def test_more_networks_than_colours_start_again_from_the_first(axes):
    validation = curves(len(plots.COLOURS) + 1, axes).get_lines()[1::2]
    assert validation[len(plots.COLOURS)].get_color() == validation[0].get_color() == plots.COLOURS[0]


def test_labels_stand_right_of_the_curves_at_the_height_of_their_ends(axes):
    drawn = curves(3, axes)
    drawn.figure.canvas.draw()
    assert all(text.get_window_extent().x0 >= drawn.bbox.x1 for text in drawn.texts)
    heights = {text.get_text(): text.get_position()[1] for text in drawn.texts}
    assert heights["network 0"] == 2 and heights["network 2"] == 4, "where there is room, exactly"
    assert heights["network 0"] < heights["baseline"] < heights["network 1"] < heights["network 2"]


def test_labels_of_curves_that_end_together_do_not_overlap(axes):
    plots.use_course_style()
    same = {f"network {k}": {"loss": [3, 2], "val_loss": [3, 2]} for k in range(4)}
    plots.loss_curves(same, ax=axes)
    axes.figure.set_size_inches(mpl.rcParams["figure.figsize"])
    axes.figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
    assert all(upper.y0 >= lower.y1 - 0.25 * lower.height for lower, upper in itertools.pairwise(boxes))


def test_epochs_are_whole_numbers(axes):
    drawn = curves(1, axes)
    assert all(tick == int(tick) for tick in drawn.get_xticks())
    assert "epoch" in drawn.get_xlabel()


def test_without_axes_the_current_ones_are_drawn_into(axes):
    plt.sca(axes)
    assert plots.loss_curves({"dense": HISTORY}) is axes
    assert plots.eigenvalues_on_circle([0.5]) is axes
    other = axes.figure.add_axes((0.1, 0.1, 0.2, 0.2))  # becomes the current one
    assert plots.loss_curves({"dense": HISTORY}, ax=axes) is axes and not other.lines


def test_the_circle_is_closed_solid_and_behind_the_dots_in_colour(axes):
    plots.use_course_style()  # whose second line would be dashed
    axes.plot([0, 1], [0, 1])
    _, circle, inside, outside = plots.eigenvalues_on_circle([0.5, 2.0], ax=axes).lines
    x, y = circle.get_data()
    assert np.allclose([x[0], y[0]], [x[-1], y[-1]])
    assert np.unwrap(np.arctan2(y, x))[[0, -1]].tolist() == pytest.approx([0, 2 * np.pi]), "once round"
    assert circle.get_linestyle() == "-"
    assert {line.get_linestyle() for line in (inside, outside)} == {"None"}
    assert len({line.get_color() for line in (circle, inside, outside)}) == 3


def test_the_course_style_keeps_labels_on_the_page_and_legible(axes):
    """What stands right of the axes must not be cut off, and no letters are smaller than 9 points."""
    plots.use_course_style()
    figure, own = plt.subplots()
    try:
        names = ("GRU with dropout", "a long label")
        plots.loss_curves({name: {"loss": [3, 2], "val_loss": [3, k]} for k, name in enumerate(names)}, 2.5, own)
        figure.canvas.draw()
        page = figure.bbox
        for text in (*own.texts, own.xaxis.label):
            box = text.get_window_extent()
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0, text.get_text()
        letters = (*own.texts, own.xaxis.label, *own.get_xticklabels(), *own.get_yticklabels())
        assert min(text.get_fontsize() for text in letters) >= 9
    finally:
        plt.close(figure)
