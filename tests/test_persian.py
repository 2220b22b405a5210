"""utils.persian: text from the right, compared with presentation forms, other implementations, and pictures."""

import html
import io
import warnings

import bidi
import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager, ft2font
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from nbconvert import HTMLExporter

from utils import persian

DATE = "بیست و سوم تیر ۱۳۴۵"
ON_PAGE = "۱۳۴۵ \ufeae\ufbff\ufe97 \ufee1\ufeee\ufeb3 \ufeed \ufe96\ufeb4\ufbff\ufe91"
"""DATE from left to right, by the tables of Unicode's Arabic Presentation Forms A and B."""
LETTERS = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیئءأؤۀة۰۱۲۳۴۵۶۷۸۹؟،؛«»"


def picture(text):
    """Return the pixels of a text as Matplotlib draws it, on white."""
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(5, 1), dpi=100)
        FigureCanvasAgg(figure)
        figure.text(0.05, 0.4, text, fontsize=24)
        stored = io.BytesIO()
        figure.savefig(stored, format="rgba", facecolor="white")
    return np.frombuffer(stored.getvalue(), np.uint8).reshape(100, 500, 4)[..., 0]


def as_it_stands(text):
    """Return a text that is in the order of the page, for this Matplotlib: marked so that none turns it round."""
    return f"\u202d{text}\u202c" if int(mpl.__version__.split(".")[1]) >= 11 else text


def difference(one, other):
    """Return the share of the ink of two pictures that lies elsewhere."""
    one, other = (255 - np.asarray(pixels, float) for pixels in (one, other))
    return np.abs(one - other).sum() / (one.sum() + other.sum())


def test_a_date_is_drawn_joined_from_the_right_with_digits_in_order():
    """Whatever this Matplotlib does itself: the picture is that of the presentation forms in the order of the page."""
    drawn, wanted = picture(persian.shape(DATE)), picture(as_it_stands(ON_PAGE))
    assert wanted.min() == 0, "something is drawn"
    assert difference(drawn, wanted) < 0.02
    assert difference(picture(as_it_stands(DATE)), wanted) > 0.3, "letters one by one from the left look different"


@pytest.mark.parametrize(
    "text, on_page",
    [
        (DATE, ON_PAGE),
        ("سلام", "\ufee1\ufefc\ufeb3"),  # lam and alef are one form
        ("می\u200cروم", "\ufee1\ufeed\ufead\ufbfd\ufee3"),  # the non-joiner ends the form before it, and is not drawn
        ("خانهٔ", "\u0654\ufeea\ufee7\ufe8e\ufea7"),  # the hamza of an ezafe stays
        ("متن (خوب)", "(\ufe8f\ufeee\ufea7) \ufee6\ufe98\ufee3"),
        ("LSTM سلام", "LSTM \ufee1\ufefc\ufeb3"),  # a line that begins in Latin runs from the left
        ("سلام LSTM 64", "LSTM 64 \ufee1\ufefc\ufeb3"),
        ("۱\nسلام", "۱\n\ufee1\ufefc\ufeb3"),
        ("", ""),
        ("plain, 12", "plain, 12"),
    ],
)
def test_an_older_matplotlib_gets_presentation_forms_in_the_order_of_the_page(monkeypatch, text, on_page):
    monkeypatch.setattr(persian, "SHAPED_BY_MATPLOTLIB", False)
    assert persian.shape(text) == on_page


def test_a_matplotlib_that_shapes_gets_the_text_itself(monkeypatch):
    monkeypatch.setattr(persian, "SHAPED_BY_MATPLOTLIB", True)
    assert persian.shape(DATE) == DATE


def test_the_font_of_the_course_has_every_letter_in_every_form():
    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Glyph ... missing from font"
        picture(persian.shape(LETTERS))
    forms = {
        c for one in LETTERS for word in (one, f"ب{one}", f"{one}ب", f"ب{one}ب") for c in persian._presentation(word)
    }
    assert len(forms) > 120
    assert [hex(ord(form)) for form in forms if not font.get_char_index(ord(form))] == []


def test_a_printed_line_keeps_its_order_around_isolated_text():
    """By the Unicode algorithm as python-bidi has it, in Rust."""

    def seen(line):
        return bidi.get_display(line).replace("\u2067", "").replace("\u2069", "")

    date = "۲۹ تیر ۱۳۴۸"
    assert seen(f"{persian.isolate(date)}: 3 times") == "۱۳۴۸ ریت ۲۹: 3 times"
    assert seen(f"{date}: 3 times") != "۱۳۴۸ ریت ۲۹: 3 times", "it needs the isolate"
    assert persian.isolate("یک\nدو") == "\u2067یک\u2069\n\u2067دو\u2069", "an isolate ends with its line"


def test_a_couplet_on_one_line_begins_on_the_right():
    """As notebook output is shown: the line as a whole runs from the left, what is isolated from the right."""
    shown = bidi.get_display(persian.isolate("باد   /   ماه"), base_dir="L")
    assert shown.strip("\u2067\u2069") == "هام   /   داب"


def test_isolates_survive_a_viewer_that_strips_directions_from_html():
    """GitHub and nbconvert's safe page take attributes off HTML output; printed text has none, and stays as it is."""
    printed = persian.isolate("باد   /   ماه")
    outputs = [
        nbformat.v4.new_output("stream", text=f"{printed}\n"),
        nbformat.v4.new_output("display_data", {"text/html": '<div dir="rtl" style="direction: rtl">سنگ</div>'}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
    page, _ = HTMLExporter(sanitize_html=True).from_notebook_node(notebook)
    assert printed in html.unescape(page)
    assert "سنگ" in page and 'dir="rtl"' not in page and "direction: rtl" not in page


@given(st.text("ابپ ۰۱۲/:xyz", max_size=15))
def test_letters_stand_where_the_unicode_algorithm_puts_them(text):
    text = f"فارسی {text}" + "فارسی" * 3
    order = persian.visual_order(list(text))
    assert sorted(order) == list(range(len(text)))
    assert "".join(text[k] for k in order) == bidi.get_display(text, base_dir="R")


@pytest.mark.parametrize(
    "words, seen",
    [
        ("[START] من چای را [END]", "[END] را چای من [START]"),
        ("[START] سلام [END]", "[END] سلام [START]"),
        ("من New York را", "را New York من"),
        ("۱۲ ۱۳ تیر", "تیر ۱۳ ۱۲"),
        ("I drink tea", "I drink tea"),
        ("1345 04 23", "1345 04 23"),
    ],
)
def test_words_of_persian_stand_from_the_right(words, seen):
    words = words.split()
    assert [words[k] for k in persian.visual_order(words)] == seen.split()


def test_no_labels_have_no_order():
    assert persian.visual_order([]) == []


@pytest.mark.parametrize("function", [persian.shape, persian.isolate, lambda text: persian.visual_order([text])])
@pytest.mark.parametrize("bad", [None, 12, b"\xd8\xb3"])
def test_what_is_no_text_is_refused(function, bad):
    with pytest.raises(TypeError, match=r"text is .*; expected a string\."):
        function(bad)
