"""utils.plots: the course's style, and the pictures that several notebooks share."""

import base64
import colorsys
import io
import itertools
import re
import types
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from utils import COURSE_ROOT, drawings, entrance, persian, plots
from utils.motion import balls

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
    for k, line in enumerate(validation):
        assert plots.INK[plots.COLOURS.index(line.get_color())] == colours[f"network {k}"], "the line's colour, darker"


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


# --------------------------------------------------------------------------------------------------------- colours

DEFICIENCIES = {  # Machado, Oliveira and Fernandes (2009), complete absence of one kind of cone, on linear RGB
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    parts = np.array(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2, 1.4.3)."""
    lighter, darker = sorted((linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def lab(rgb):
    """Return linear RGB in CIE L*a*b* (D65)."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    ratio = xyz / (0.9505, 1, 1.089)
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_formula_of_contrast_gives_known_values():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("ink, colour", list(zip(plots.INK, plots.COLOURS)))
def test_letters_have_contrast_on_white_and_the_hue_of_their_line(ink, colour):
    assert contrast(ink, "white") >= 4.5
    hues = [colorsys.rgb_to_hsv(*to_rgb(one))[0] for one in (ink, colour)]
    assert 360 * abs(hues[0] - hues[1]) < 15


@pytest.mark.parametrize("matrix", DEFICIENCIES.values(), ids=DEFICIENCIES)
def test_the_colour_blind_tell_colours_apart(matrix):
    for colours, least in ((plots.COLOURS, 16), (plots.INK, 12)):
        seen = [lab(np.asarray(matrix) @ linear(colour)) for colour in colours]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > least


def test_no_default_letters_are_smaller_than_nine_points(axes):
    plots.use_course_style()
    axes = plt.figure().add_subplot()
    axes.set(xlabel="time", ylabel="loss", title="a title")
    axes.plot([0, 1], label="line")
    legend = axes.legend(title="lines")
    bar = axes.figure.colorbar(mpl.cm.ScalarMappable(), ax=axes, label="weight")
    heading = axes.figure.suptitle("a heading")
    own = (
        axes.title,
        axes.xaxis.label,
        axes.yaxis.label,
        heading,
        legend.get_title(),
        *legend.get_texts(),
        bar.ax.yaxis.label,
    )
    letters = (
        *own,
        axes.text(0, 0, "a note"),
        *axes.get_xticklabels(),
        *axes.get_yticklabels(),
        *bar.ax.get_yticklabels(),
    )
    assert min(text.get_fontsize() for text in letters) >= 9
    plt.close(axes.figure)


# ------------------------------------------------------------------------------------------------------------ show

ALT = "Two losses fall over ten epochs; the second ends lower."


@pytest.fixture
def sent(axes, monkeypatch):
    """Return the list of what a notebook would get: data and metadata, a pair each; no figure is open."""
    plt.close("all")
    plots.use_course_style()
    outputs = []
    monkeypatch.setattr(entrance, "shell", lambda: types.SimpleNamespace(kernel=True))
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, metadata=None, raw=False: outputs.append((data, metadata)) or raw or 1 / 0,
    )
    yield outputs
    plt.close("all")


def decoded(picture):
    return Image.open(io.BytesIO(base64.b64decode(picture)))


def test_a_picture_is_sent_with_its_words_and_closed(sent):
    plt.plot([1, 2])
    plots.show(f"  {ALT[:20]}\n   {ALT[20:]} A < B & C ")
    said = f"{ALT[:20].strip()} {ALT[20:].strip()} A < B & C"
    (words, _), (picture, metadata) = sent
    assert picture["text/plain"] == metadata["image/png"]["alt"] == said
    assert set(picture) == {"image/png", "text/plain"}
    assert said.replace("&", "&amp;").replace("<", "&lt;") in words["text/html"]
    assert 'class="jp-sr-only"' in words["text/html"] and words["text/plain"] == ""
    assert plt.get_fignums() == []


def test_a_stored_picture_is_sharp_on_white_and_small(sent):
    plt.plot(np.random.default_rng(0).normal(size=(500, 3)).cumsum(0))
    plots.show(ALT)
    picture, metadata = sent[-1]
    image, shown = decoded(picture["image/png"]), metadata["image/png"]
    assert (image.width // 2, image.height // 2) == (shown["width"], shown["height"]), "two pixels for one"
    assert 650 < shown["width"] < 750 and 270 < shown["height"] < 350, "7 by 3 inches, tight"
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert len(picture["image/png"]) < 100_000


def test_the_colours_of_a_map_are_kept(sent):
    """256 colours for the whole picture would show as steps in it; a picture of lines needs no more."""
    maps, _ = plt.subplots(1, 3)
    for ax, name in zip(maps.axes, ("cividis", "RdBu_r", "viridis")):
        ax.imshow(np.linspace(0, 1, 256).reshape(16, 16), cmap=name, interpolation="nearest")
    plots.show(ALT)
    wanted = {
        tuple(mpl.colormaps[name](k, bytes=True)[:3]) for name in ("cividis", "RdBu_r", "viridis") for k in range(256)
    }
    stored = {colour for _, colour in decoded(sent[-1][0]["image/png"]).convert("RGB").getcolors(10**6)}
    assert len(wanted) > 600 and len(wanted & stored) > 0.95 * len(wanted)
    plt.plot([1, 2])
    plots.show(ALT)
    assert len(decoded(sent[-1][0]["image/png"]).convert("RGB").getcolors(10**6)) <= 256


@pytest.mark.parametrize(
    "alt, error", [(None, TypeError), (7, TypeError), ("", ValueError), ("a plot", ValueError), (" " * 30, ValueError)]
)
def test_a_picture_without_words_is_refused(sent, alt, error):
    plt.plot([1, 2])
    with pytest.raises(error, match=r"alt is .*; expected a sentence, of 20 characters or more"):
        plots.show(alt)
    assert sent == []


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_figure_is_shown(sent, count):
    for _ in range(count):
        plt.figure()
    with pytest.raises(RuntimeError, match=f"{count} figures are open; .* exactly one"):
        plots.show(ALT)
    assert sent == []


def test_a_real_notebook_stores_one_picture_a_call(monkeypatch):
    """And no second one at the end of the cell, where Matplotlib shows what is still open."""
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(COURSE_ROOT))
    sources = (
        "import matplotlib.pyplot as plt\nfrom utils import drawings, plots\nplots.use_course_style()",
        f"plt.plot([1, 2])\nplots.show({ALT!r})\nplt.plot([2, 1])\nplots.show({ALT[::-1]!r})\ndrawings.unrolled_rnn()",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    pictures = [output for output in notebook.cells[1].outputs if "image/png" in output.data]
    drawn = drawings.unrolled_rnn().alt
    assert [picture.metadata["image/png"]["alt"] for picture in pictures] == [ALT, ALT[::-1], drawn]
    texts = [output.data["text/html"] for output in notebook.cells[1].outputs if "text/html" in output.data]
    assert len(texts) == 3 and "Picture: A recurrent network" in texts[-1]  # what a screen reader finds in JupyterLab
    assert len(notebook.cells[1].outputs) == 6 and nbformat.validate(notebook) is None


def test_outside_of_a_notebook_nothing_is_sent_and_nothing_warns(sent, monkeypatch):
    monkeypatch.setattr(entrance, "shell", lambda: None)
    plt.plot([1, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # plt.show() warns without a window
        plots.show(ALT)
    assert sent == [] and plt.get_fignums() == []


def test_where_there_are_windows_one_opens(sent, monkeypatch):
    opened = []
    monkeypatch.setattr(entrance, "shell", lambda: None)
    monkeypatch.setattr(plt, "show", lambda: opened.append(plt.get_fignums()))
    plt.plot([1, 2])
    monkeypatch.setattr(plt.gcf().canvas, "required_interactive_framework", "qt", raising=False)
    plots.show(ALT)
    assert opened == [[1]] and plt.get_fignums() == []


# --------------------------------------------------------------------------------------------------------- heatmap


def labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_a_map_shows_each_value_at_its_labels(axes):
    plots.use_course_style()
    values = np.array([[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]])
    image = plots.heatmap(values, ["a", "b"], ["x", "y", "z"], axes)
    assert image.axes is axes
    assert np.array_equal(image.get_array(), values)
    assert labels(axes.yaxis) == ["a", "b"] and labels(axes.xaxis) == ["x", "y", "z"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first row is at the top"
    assert image.get_clim() == (0, 1) and image.get_cmap().name == "cividis"
    assert image.colorbar.ax.get_ylabel() == "weight" and image.colorbar.extend == "neither"


def test_columns_in_persian_begin_on_the_right_and_numbers_stay_in_order(axes):
    text = "۲۹ تیر ۱۳۴۸"
    values = np.arange(2 * len(text)).reshape(2, -1)
    image = plots.heatmap(values, ["[START]", "سلام"], list(text), axes, limits=(0, 30))
    assert labels(axes.xaxis) == [persian.shape(letter) for letter in "۱۳۴۸ ریت ۲۹"]
    shown = image.get_array()
    for place, letter in enumerate(labels(axes.xaxis)):
        assert persian.shape(text[int(shown[0, place])]) == letter, "values move with their labels"
    assert np.array_equal(shown[1] - shown[0], np.full(len(text), len(text)))
    assert labels(axes.yaxis) == ["[START]", persian.shape("سلام")], "rows keep their order"


def test_limits_around_zero_take_two_hues(axes):
    image = plots.heatmap([[-0.5, 0.5]], ax=axes, limits=(-1, 1), label=None)
    assert image.get_cmap().name == "RdBu_r" and image.colorbar is None
    assert min(image.to_rgba(0)[:3]) > 0.95, "zero is white or nearly so"


def test_what_lies_outside_of_the_limits_shows_on_the_bar(axes):
    for values, extend in (([[-1.0, 0.5]], "min"), ([[0.5, 2.0]], "max"), ([[-1.0, 2.0]], "both")):
        assert plots.heatmap(values, ax=axes).colorbar.extend == extend


def test_a_logarithmic_map_leaves_blank_what_has_no_logarithm(axes):
    image = plots.heatmap([[1e-4, 1e-2, 1.0, 0.0, np.nan]], ax=axes, limits=(1e-4, 1), log=True)
    assert np.allclose(image.norm(image.get_array())[0, :3], [0, 0.5, 1])
    assert image.get_array().mask[0].tolist() == [False, False, False, True, True]
    for blank in (0.0, np.nan):
        image = plots.heatmap([[1e-4, blank, 1.0]], ax=axes, limits=(1e-4, 1), log=True)
        assert image.colorbar.extend == "neither", "what is blank is not below the scale"


@pytest.mark.parametrize("limits", [(0, 1), (-1, 1)])
def test_numbers_in_cells_are_legible(axes, limits):
    values = np.append(np.linspace(*limits, 11), np.nan)[None]
    image = plots.heatmap(values, ax=axes, limits=limits, numbers=".1f")
    assert [text.get_text() for text in axes.texts] == [f"{value:.1f}" for value in values[0, :-1]]
    for text in axes.texts:
        colour = image.to_rgba(values[0, int(text.get_position()[0])])
        assert contrast(text.get_color(), colour[:3]) >= 4.5


def test_without_labels_a_map_counts_in_whole_numbers(axes):
    plots.heatmap(np.zeros((3, 40)), ax=axes)
    assert all(tick == int(tick) for tick in (*axes.get_xticks(), *axes.get_yticks()))


@pytest.mark.parametrize(
    "values, options, message",
    [
        ([1.0], {}, r"values has shape \(1,\); expected \(rows, columns\)"),
        (np.zeros((0, 3)), {}, "values has shape"),
        ([[1.0, 2.0]], {"columns": ["a"]}, "columns has 1 labels for 2 columns; expected one each"),
        ([[1.0, 2.0]], {"rows": ["a", "b"]}, "rows has 2 labels for 1 rows; expected one each"),
        ([[1.0]], {"limits": (1, 0)}, r"limits is \(1, 0\); expected a low and a high end\."),
        ([[1.0]], {"limits": (0, 1), "log": True}, "a low and a high end, both positive"),
        ([[1.0]], {"limits": (0, np.nan)}, "a limit is nan; expected a finite number"),
    ],
)
def test_what_is_no_map_is_refused(axes, values, options, message):
    with pytest.raises(ValueError, match=message):
        plots.heatmap(values, ax=axes, **options)


# ----------------------------------------------------------------------------------------------------------- films

RAMP = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5) * 2
"""Two clips of three frames of 4 by 5 pixels, each pixel of its own grey."""


def test_a_strip_shows_every_frame_under_its_number_and_beside_its_name(axes):
    image = plots.film_strip(RAMP, ["up", "down"], axes, columns=["first", "2", "last"])
    assert image.axes is axes and image.get_clim() == (0, 255) and image.get_cmap().name == "gray"
    drawn = np.ma.filled(image.get_array().astype(float), np.nan)
    for column, (left, text) in enumerate(zip(axes.get_xticks(), labels(axes.xaxis))):
        for row, (top, name) in enumerate(zip(axes.get_yticks(), labels(axes.yaxis))):
            part = drawn[int(top - 1.5) : int(top + 2.5), int(left - 2) : int(left + 3)]
            assert np.array_equal(part, RAMP[row, column])
            assert (text, name) == (("first", "2", "last")[column], ("up", "down")[row])
    assert np.isnan(drawn).sum() == drawn.size - RAMP.size, "nothing between the frames"


def test_a_strip_of_one_clip_counts_its_frames(axes):
    plots.film_strip(RAMP[0], ax=axes)
    assert labels(axes.xaxis) == ["1", "2", "3"] and labels(axes.yaxis) == [""]


def test_a_strip_in_colour_keeps_its_colours(axes):
    clip = np.random.default_rng(0).integers(256, size=(2, 4, 4, 3), dtype=np.uint8)
    drawn = plots.film_strip(clip, ax=axes).get_array()
    assert np.array_equal(drawn[:, :4], clip[0]) and np.array_equal(drawn[:, 5:], clip[1])


def test_a_strip_of_other_values_takes_limits_and_a_map(axes):
    image = plots.film_strip(RAMP[0] / 100, ax=axes, limits=(0, 1.5), cmap="cividis")
    assert image.get_clim() == (0, 1.5) and image.get_cmap().name == "cividis"


def played(outputs):
    """Return the GIF in what was sent."""
    ((data, _),) = outputs
    code = re.search(r'src="data:image/gif;base64,([^"]+)"', data["text/html"])[1]
    return decoded(code)


def test_a_film_plays_all_frames_side_by_side_for_ever_with_its_words(sent):
    plots.film(RAMP, alt=f"{ALT} A < B", fps=4, scale=2)
    data = sent[0][0]
    assert set(data) == {"text/html", "text/plain"} and data["text/plain"] == f"Film: {ALT} A < B"
    assert f'alt="{ALT} A &lt; B"' in data["text/html"]
    assert data["text/html"].startswith("<details open><summary>") and "<script" not in data["text/html"]
    film = played(sent)
    assert film.n_frames == 3 and film.info["loop"] == 0 and film.info["duration"] == 250
    for k in range(3):
        film.seek(k)
        seen = np.asarray(film.convert("L"))[::2, ::2]
        assert np.array_equal(seen[:, :5], RAMP[0, k]) and np.array_equal(seen[:, 6:], RAMP[1, k])
        assert (seen[:, 5] == 255).all()


def test_a_film_that_rests_keeps_every_frame(sent):
    """Frames that are equal make no shorter film."""
    plots.film(np.stack([RAMP[0, 0]] * 2 + [RAMP[0, 1]] * 2), alt=ALT, fps=5)
    film, seconds = played(sent), []
    for k in range(film.n_frames):
        film.seek(k)
        seconds.append(film.info["duration"])
    assert sum(seconds) == 800


def test_a_film_in_colour_is_close_to_its_colours(sent):
    clip = np.zeros((2, 8, 8, 3), np.uint8)
    clip[0, :4], clip[0, 4:], clip[1] = (250, 30, 30), (30, 250, 30), (30, 30, 250)
    plots.film(clip, alt=ALT, scale=1)
    film = played(sent)
    for k in range(2):
        film.seek(k)
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - clip[k]).max() <= 8


def test_a_film_of_balls_is_small_and_the_same_for_the_same_clips(sent):
    clips = balls.make(4, np.random.default_rng(0), noise=0.3).clips
    plots.film(clips, alt=ALT)
    plots.film(clips, alt=ALT)
    assert sent[0] == sent[1] and len(sent[0][0]["text/html"]) < 1.4 * plots.FILM_BYTES
    text = sent.pop()[0]["text/html"]
    shown = [int(re.search(rf'{side}="(\d+)"', text)[1]) for side in ("width", "height")]
    assert shown == [4 * 144 + 3 * 18, 144], "nine pixels for one, and two between the clips"
    assert shown[0] / shown[1] == played(sent).width / played(sent).height


def test_a_film_too_large_in_three_pixels_is_stored_in_fewer(sent):
    """Noise hardly packs: eight frames fit at one or two pixels a pixel, not at three. The page's size is kept."""
    noise = np.random.default_rng(0).integers(256, size=(8, 64, 64), dtype=np.uint8)
    assert len(plots._gif(noise.repeat(3, 1).repeat(3, 2), 200)) > plots.FILM_BYTES
    plots.film(noise, alt=ALT, scale=3)
    assert 'width="192"' in sent[0][0]["text/html"]
    film = played(sent)
    assert film.width in (64, 128) and film.n_frames == 8


def test_outside_of_a_notebook_no_film_is_sent(sent, monkeypatch):
    monkeypatch.setattr(entrance, "shell", lambda: None)
    plots.film(RAMP, alt=ALT)
    assert sent == []


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: plots.film(RAMP[0, 0], alt=ALT), ValueError, r"clips has shape \(4, 5\); expected \(frames, height"),
        (lambda: plots.film(RAMP[:0], alt=ALT), ValueError, "clips has shape"),
        (lambda: plots.film(RAMP / 255, alt=ALT), TypeError, "of type float64; a film takes grey levels"),
        (lambda: plots.film(RAMP, alt="A ball."), ValueError, "alt is 'A ball.'"),
        (lambda: plots.film(RAMP, alt=ALT, fps=0), ValueError, "fps is 0; expected a finite number from 0.2 to 50"),
        (lambda: plots.film(RAMP, alt=ALT, scale=0), ValueError, "scale is 0"),
        (
            lambda: plots.film(np.random.default_rng(0).integers(256, size=(9, 200, 200), dtype=np.uint8), alt=ALT),
            ValueError,
            "the film takes .* bytes; at most 100,000 are stored",
        ),
        (lambda: plots.film_strip(RAMP, ["one"]), ValueError, "names has 1 labels for clips of shape .*; expected 2"),
        (lambda: plots.film_strip(RAMP, columns=[1]), ValueError, "columns has 1 labels for clips .*; expected 3"),
        (lambda: plots.film_strip(RAMP, limits=(1, 1)), ValueError, "limits is .*; expected a low and a high end"),
    ],
)
def test_what_is_no_film_is_refused(sent, call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert sent == []
