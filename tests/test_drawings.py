"""utils.drawings: every drawing, with each of its parts highlighted, is readable, attached and described."""

import colorsys
import functools
import io
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image

from utils import decoding, drawings, plots

TREE = {
    "": {"jane": 0.65, "in": 0.20, "september": 0.10, "her": 0.05},
    "jane": {"is": 0.65, "visits": 0.25, "will": 0.10},
    "in": {"september": 1.0},
    "september": {"jane": 1.0},
    "jane is": {"going": 0.55, "visiting": 0.45},
    "jane visits": {"africa": 1.0},
    "in september": {"jane": 1.0},
    "september jane": {"visits": 1.0},
    "jane is going": {"to": 1.0},
    "jane is visiting": {"africa": 1.0},
    "jane visits africa": {"<end>": 1.0},
    "in september jane": {"will": 0.60, "visits": 0.25, "is": 0.15},
}
KINDS = {
    "unrolled_rnn": (drawings.unrolled_rnn, ("input", "state", "output", "loop", "weights")),
    "unrolled_rnn, last": (
        functools.partial(drawings.unrolled_rnn, outputs="last"),
        ("input", "state", "output", "loop", "weights"),
    ),
    "bidirectional": (drawings.bidirectional, ("input", "forward", "backward", "output")),
    "bptt": (drawings.bptt, ("forward", "loss", "path")),
    "bptt, cut": (functools.partial(drawings.bptt, truncation=2), ("forward", "loss", "path", "cut")),
    "bptt, long": (functools.partial(drawings.bptt, steps=6, truncation=5), ("forward", "loss", "path", "cut")),
    "bptt, short": (functools.partial(drawings.bptt, steps=3, truncation=1), ("forward", "loss", "path", "cut")),
    "lstm_cell": (drawings.lstm_cell, ("forget", "input", "candidate", "state", "output")),
    "lstm_cell, bare": (
        functools.partial(drawings.lstm_cell, formulas=False),
        ("forget", "input", "candidate", "state", "output"),
    ),
    "gru_cell": (drawings.gru_cell, ("reset", "update", "candidate", "state")),
    "gru_cell, bare": (functools.partial(drawings.gru_cell, formulas=False), ("reset", "update", "candidate", "state")),
    "encoder_decoder": (drawings.encoder_decoder, ("encoder", "bridge", "decoder", "feedback")),
    "encoder_decoder, teacher": (
        functools.partial(drawings.encoder_decoder, feedback="teacher", source=("a",) * 5, target=("b",) * 4),
        ("encoder", "bridge", "decoder", "feedback"),
    ),
    "encoder_decoder, long": (
        functools.partial(drawings.encoder_decoder, source=("a",) * 5, target=("b",) * 4),
        ("encoder", "bridge", "decoder", "feedback"),
    ),
    "encoder_decoder, repeat": (
        functools.partial(drawings.encoder_decoder, feedback="none"),
        ("encoder", "bridge", "decoder"),
    ),
    "attention": (drawings.attention, ("scores", "softmax", "context")),
    "attention, five": (
        functools.partial(drawings.attention, inputs=("le", "chat", "noir", "dort", "ici"), scores=(0, 1, -9, 0, 9)),
        ("scores", "softmax", "context"),
    ),
    "beam": (functools.partial(drawings.beam, TREE, 3), ("kept", "dropped", "best")),
    "beam, four": (functools.partial(drawings.beam, TREE, 2, steps=4), ("kept", "dropped", "best")),
}
CASES = [
    (kind, highlight)
    for kind, (_, choices) in KINDS.items()
    for highlight in (None, *(choices[-1:] if "," in kind else choices))  # of the variants two each, to save time
]
every_case = pytest.mark.parametrize(("kind", "highlight"), CASES, ids=[f"{k}-{h}" for k, h in CASES])


@functools.cache
def drawn(kind, highlight):
    return KINDS[kind][0](highlight=highlight)


@functools.cache
def measured(kind, highlight):
    """Return texts, their boxes in pixels (left, bottom, right, top), and the drawing's pixels without its texts."""
    figure = drawn(kind, highlight).figure
    renderer = figure.canvas.get_renderer()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = [text.get_window_extent(renderer).extents for text in texts]
    for text in texts:
        text.set_visible(False)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1].copy()  # from below, as the boxes
    for text in texts:
        text.set_visible(True)
    return texts, boxes, pixels


def behind(pixels, box, margin=1):
    """Return the pixels behind a text's box, less a margin for the space above and below its letters."""
    left, bottom, right, top = np.round(box).astype(int)
    return pixels[bottom + margin : top - margin, left:right].reshape(-1, 4)


def contrast(a, b):
    """Return the contrast of two colours as WCAG 2 defines it."""

    def luminance(colour):
        rgb = np.array(colour[:3])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@every_case
def test_texts_keep_clear_of_each_other_and_of_the_edge(kind, highlight):
    texts, boxes, pixels = measured(kind, highlight)
    for (one, a), (other, b) in itertools.combinations(zip(texts, boxes), 2):
        apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 2 or b[3] <= a[1] + 2
        assert apart, f"{one.get_text()!r} overlaps {other.get_text()!r}"
    high, wide = pixels.shape[:2]
    for text, (left, bottom, right, top) in zip(texts, boxes):
        assert min(left, bottom, wide - right, high - top) >= 4, f"{text.get_text()!r} touches the edge"


@every_case
def test_no_line_runs_through_a_text(kind, highlight):
    texts, boxes, pixels = measured(kind, highlight)
    for text, box in zip(texts, boxes):
        colours = np.unique(behind(pixels, box, margin=2), axis=0)
        assert len(colours) == 1, f"something lies under {text.get_text()!r}"


@every_case
def test_texts_are_large_and_stand_out_from_what_is_behind_them(kind, highlight):
    texts, boxes, pixels = measured(kind, highlight)
    for text, box in zip(texts, boxes):
        assert text.get_fontsize() >= 9
        colours, counts = np.unique(behind(pixels, box), axis=0, return_counts=True)
        background = colours[counts.argmax()] / 255
        assert background[3] == 1, "the card is opaque"
        assert contrast(to_rgb(text.get_color()), background) >= 4.5, text.get_text()


@every_case
def test_arrows_end_at_something(kind, highlight):
    """An arrow touches a box or a node, points at a text, or leaves on the right beside its label."""
    axes = drawn(kind, highlight).figure.axes[0]
    shapes = [p for p in axes.patches if isinstance(p, Circle | Rectangle | FancyBboxPatch) and p.get_zorder() >= 3]
    boxes = [shape.get_window_extent().extents for shape in shapes]
    labels = measured(kind, highlight)[1]

    def gap(point, boxes):
        (x, y), (left, bottom, right, top) = point, np.transpose(boxes)
        return np.hypot(np.clip(x, left, right) - x, np.clip(y, bottom, top) - y).min()

    for arrow in axes.patches:
        if isinstance(arrow, FancyArrowPatch) and not isinstance(arrow.get_arrowstyle(), mpl.patches.ArrowStyle.Curve):
            before, tip = axes.transData.transform(arrow._path_original.vertices[-2:])
            ahead = tip + 10 * (tip - before) / np.linalg.norm(tip - before)  # a tenth of an inch further
            leaves = tip[0] > np.max(boxes, axis=0)[2] and gap(tip, labels) < 20
            attached = gap(tip, boxes) < 6 or gap(ahead, labels) < 3 or leaves
            assert attached, f"an arrow ends in mid-air at {tip.round()}"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "," not in kind])
def test_each_highlight_has_a_colour_and_a_description_of_its_own(kind):
    plain, choices = drawn(kind, None), KINDS[kind][1]
    descriptions = {drawn(kind, choice).alt for choice in choices}
    assert len(descriptions) == len(choices)
    for choice in choices:
        assert drawn(kind, choice).alt.startswith(plain.alt + " Highlighted: ")
        texts, _, pixels = measured(kind, choice)
        colours = [*np.unique(pixels[..., :3].reshape(-1, 3), axis=0) / 255, *(to_rgb(t.get_color()) for t in texts)]
        vivid = [rgb for rgb in colours if np.ptp(rgb) > 0.3]
        hues = [colorsys.rgb_to_hsv(*rgb)[0] for rgb in vivid]
        assert hues and np.ptp(hues) < 0.05, "one colour for the part that is taught, all else grey"


@pytest.mark.parametrize(
    ("kind", "highlight", "word"),
    [
        ("lstm_cell", "forget", "forget gate"),
        ("lstm_cell", "input", "input gate"),
        ("lstm_cell", "candidate", "candidate"),
        ("lstm_cell", "output", "output gate"),
        ("lstm_cell", "state", "cell state"),
        ("gru_cell", "reset", "reset gate"),
        ("gru_cell", "update", "update gate"),
        ("bptt, cut", "cut", "cut"),
        ("encoder_decoder, teacher", "feedback", "teacher forcing"),
        ("attention", "softmax", "softmax"),
        ("beam", "dropped", "dropped"),
    ],
)
def test_the_description_names_what_is_highlighted(kind, highlight, word):
    assert word in drawn(kind, highlight).alt.partition("Highlighted: ")[2]


@every_case
def test_descriptions_are_plain_sentences(kind, highlight):
    alt = drawn(kind, highlight).alt
    assert len(alt) > 80 and alt.endswith(".") and not set("${}\\\n") & set(alt)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_fits_a_page_and_is_sharp(kind, monkeypatch):
    sent = {}
    monkeypatch.setattr(plots, "send", lambda png, alt, **size: sent.update(png=png, alt=alt, **size))
    drawing = drawn(kind, None)
    drawing._ipython_display_()
    assert sent["png"] == drawing.png and sent["alt"] == drawing.alt
    image, width = Image.open(io.BytesIO(sent["png"])), sent["width"]
    assert 450 <= width <= 700 and image.height <= 2 * 370
    assert image.width == 2 * width
    assert image.getpixel((0, 0))[3] == 0, "outside its rounded corners the card is transparent"


def test_a_terminal_shows_the_description():
    drawing = drawn("lstm_cell", "forget")
    assert drawing.alt in repr(drawing)


def test_drawings_neither_feel_nor_change_a_notebooks_style():
    before = dict(mpl.rcParams)
    png = drawings.gru_cell("reset").png
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"font.family": "serif", "figure.constrained_layout.use": True, "lines.linewidth": 5}):
        assert drawings.gru_cell("reset").png == png
    assert plt.get_fignums() == [], "pyplot knows nothing of it, so that plt.show() does not show it again"


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_highlight_is_answered_with_the_choices(kind):
    draw, choices = KINDS[kind]
    for wrong in ("gate", "", "Forget", 1):
        with pytest.raises(ValueError, match="highlight is") as error:
            draw(highlight=wrong)
        assert all(repr(choice) in str(error.value) for choice in choices)


# ------------------------------------------------------------------------------------------------ what is drawn is true


def written(drawing):
    return [text.get_text() for text in drawing.figure.axes[0].texts]


@pytest.mark.parametrize("truncation", [None, 1, 2, 4])
def test_bptt_draws_one_factor_for_each_step_that_the_gradient_goes_back(truncation):
    kept = truncation or 5
    texts = written(drawings.bptt(steps=5, truncation=truncation))
    factors = [t for t in texts if t.startswith(r"$\frac{\partial h_")]
    assert len(factors) == kept - 1  # from h_5 to h_(5 - kept + 1)
    assert any(rf"\sum_{{k={5 - kept + 1}}}^{{5}}" in t for t in texts)
    assert ("cut" in texts) == (truncation is not None)


def test_attention_draws_the_softmax_of_the_scores():
    scores = (1.0, -0.5, 2.0, 1001.0 - 1000.0)
    drawing = drawings.attention(inputs=("a", "b", "c", "d"), scores=scores)
    expected = np.exp(scores) / np.exp(scores).sum()
    assert [t for t in written(drawing) if t in {f"{w:.2f}" for w in expected}] == [f"{w:.2f}" for w in expected]
    bars = np.array([p.get_width() for p in drawing.figure.axes[0].patches if type(p) is Rectangle])
    np.testing.assert_allclose(bars / bars.sum(), expected)
    far = drawings.attention(inputs=("a", "b"), scores=(1000.0, -1000.0))
    assert {"1.00", "0.00"} <= set(written(far))


def test_teacher_forcing_reads_the_answer_and_free_running_its_own_output():
    teacher = drawings.encoder_decoder(feedback="teacher", source=("x", "y"), target=("p", "q", "r"))
    free = drawings.encoder_decoder(feedback="output", source=("x", "y"), target=("p", "q", "r"))
    none = drawings.encoder_decoder(feedback="none", source=("x", "y"), target=("p", "q", "r"))
    assert [written(teacher).count(token) for token in "=pqr"] == [1, 1, 1, 0]
    assert [written(free).count(token) for token in "=pqr"] == [1, 2, 2, 1]
    assert [written(none).count(token) for token in "=pqr"] == [0, 1, 1, 1]


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_beam_finds_what_the_courses_search_finds(width):
    words = ["<end>", "<start>", *sorted({word for after in TREE.values() for word in after} - {"<end>"})]

    def step(prefixes):
        log_p = np.full((len(prefixes), len(words)), -np.inf)
        for row, prefix in zip(log_p, prefixes):
            after = TREE.get(" ".join(words[token] for token in prefix[1:]), {"<end>": 1.0})
            for word, p in after.items():
                row[words.index(word)] = np.log(p)
        return log_p

    found = decoding.beam_search(step, start=1, end=0, width=width, max_len=4)[0]
    expected = " ".join(words[token] for token in found.tokens)
    alt = drawings.beam(TREE, width, steps=4).alt
    assert alt.endswith(f"The most probable found: {expected}, {np.exp(found.log_prob):.3f}.")


def test_beam_calls_a_prefix_that_would_go_on_no_find():
    tree = {"": {"a": 0.6, "b": 0.4}, "a": {"a": 0.5, "<end>": 0.5}, "b": {"<end>": 1.0}}
    early, late = drawings.beam(tree, 2, "best", steps=1).alt, drawings.beam(tree, 2, "best", steps=2).alt
    assert "The most probable after step 1, where the search is not at its end: a, 0.600." in early
    assert "found" not in early
    assert "The most probable found: b <end>, 0.400." in late


def test_beam_finished_sentences_are_not_continued():
    tree = {"": {"<end>": 0.6, "a": 0.4}, "a": {"b": 0.9, "<end>": 0.1}, "<end>": {"never": 1.0}}
    drawing = drawings.beam(tree, 2, steps=3)
    assert "never" not in written(drawing)
    assert drawing.alt.endswith("The most probable found: <end>, 0.600.")


def test_a_dollar_in_a_word_is_a_dollar():
    drawing = drawings.beam({"": {"$5$": 0.6, "a": 0.4}}, 1, steps=1)
    [price] = [text for text in drawing.figure.axes[0].texts if text.get_text() == "$5$"]
    assert price.get_window_extent().width > 20, "three letters, not one"


def test_beam_says_how_many_it_leaves_out():
    tree = {"": {f"w{k:02}": 0.05 for k in range(20)}}
    texts = written(drawings.beam(tree, 2, steps=1))
    assert "w07" in texts and "w08" not in texts and "and 12 more" in texts


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: drawings.unrolled_rnn(outputs="first"), ValueError, "'every' or 'last'"),
        (lambda: drawings.bptt(steps=2), ValueError, "steps is 2"),
        (lambda: drawings.bptt(steps=4.0), TypeError, "steps is 4.0"),
        (lambda: drawings.bptt(truncation=5), ValueError, "truncation is 5"),
        (lambda: drawings.bptt("cut"), ValueError, "'path'"),
        (lambda: drawings.encoder_decoder(feedback="repeat"), ValueError, "'output', 'teacher' or 'none'"),
        (lambda: drawings.encoder_decoder("feedback", feedback="none"), ValueError, "'bridge'"),
        (lambda: drawings.encoder_decoder(source="10+6"), TypeError, "a sequence of strings"),
        (lambda: drawings.encoder_decoder(target=("1",)), ValueError, "target has 1"),
        (lambda: drawings.attention(scores=(1, 2)), ValueError, "2 scores for 3 inputs"),
        (lambda: drawings.attention(scores=(1, 2, np.nan)), ValueError, "score"),
        (lambda: drawings.encoder_decoder(source=("1", "twenty-two thousand")), ValueError, "too long"),
        (lambda: drawings.encoder_decoder(target=("1", "twenty-two")), ValueError, "too long"),
        (lambda: drawings.attention(inputs=("a", "b", "antidisestablishment")), ValueError, "too long"),
        (lambda: drawings.beam({}, 2), ValueError, "no words after the prefix"),
        (lambda: drawings.beam(TREE, 0), ValueError, "width is 0"),
        (lambda: drawings.beam(TREE, 2, steps=5), ValueError, "steps is 5"),
        (lambda: drawings.beam({"": {"a": 1.5}}, 2), ValueError, "P('a')"),
        (lambda: drawings.beam({"": {"a" * 90: 1.0}}, 2), ValueError, "do not fit"),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
