"""Persian text where others expect it from the left: in pictures and in printed output.

What belongs here: the form a right-to-left text needs so that its reader sees it joined and in order. What does not:
which characters count as the same (`text.standardise`), and dates in Persian (`dates`).
"""

import re
import unicodedata
from collections.abc import Sequence

from matplotlib import ft2font

SHAPED_BY_MATPLOTLIB = hasattr(ft2font, "__libraqm_version__")
"""Whether this Matplotlib joins and orders letters itself. From 3.11 it has libraqm, and text that was put in order
before would be turned round a second time, without a warning."""

_ISOLATE, _END = "\u2067", "\u2069"  # RIGHT-TO-LEFT ISOLATE, POP DIRECTIONAL ISOLATE
_CODES = {"R": "R", "AL": "R", "L": "L", "EN": "N", "AN": "N", "ES": "S", "CS": "S", "WS": "W"}
_FROM_THE_LEFT = re.compile(r"(?:L(?:[WS]*[LN])*|N(?:S?N)*)+")


def shape(text: str) -> str:
    """Return a text as Matplotlib must get it to draw Persian joined and from right to left, numbers in order.

    Parameters
    ----------
    text : str
        Title, label or annotation, in the order in which it is read; other scripts may stand in it, and lines. The
        first letter of a line decides whether the line as a whole runs from the left or from the right.

    Returns
    -------
    str
        The text itself where Matplotlib shapes it (`SHAPED_BY_MATPLOTLIB`); else its presentation forms in the order
        in which they stand on the page. Good for a picture only, not for a comparison.

    Raises
    ------
    TypeError
        If `text` is no string.
    """
    _check(text)
    return text if SHAPED_BY_MATPLOTLIB else "\n".join(map(_presentation, text.split("\n")))


def isolate(text: str) -> str:
    """Return a text for printed output: each line in an isolate that runs from right to left.

    What stands before and after it keeps its place, as in ``print(f"{isolate(word)}: {count} times")``. The two marks
    (U+2067, U+2069) are invisible but count in the length, so pad a column outside of them.

    Parameters
    ----------
    text : str
        Persian text; numbers and words of other scripts within it keep their own direction.

    Returns
    -------
    str
        The text with the marks; an isolate ends with its line, so each line has its own.

    Raises
    ------
    TypeError
        If `text` is no string.
    """
    _check(text)
    return "\n".join(f"{_ISOLATE}{line}{_END}" for line in text.split("\n"))


def visual_order(labels: Sequence[str]) -> list[int]:
    """Return which label stands where, from left to right, when they are written side by side.

    Words or letters of a Persian text begin on the right. Words of another script stay among themselves in their order,
    and, where the labels are single characters, so do the digits of a number.

    Parameters
    ----------
    labels : sequence of str
        Words, or single characters, in the order in which they are read.

    Returns
    -------
    list of int
        Positions in `labels`. They are turned round if at least half of the labels that have a direction run
        from the right; marks such as ``[END]`` do not count.

    Raises
    ------
    TypeError
        If a label is no string.
    """
    for label in labels:
        _check(label)
    letters = all(len(label) == 1 for label in labels)
    codes = "".join(map(_code, labels) if letters else ("L" if _code(label) == "L" else "R" for label in labels))
    directions = [_code(label) for label in labels if not label.startswith("[")]
    order = list(range(len(labels)))
    if "R" not in directions or directions.count("R") < directions.count("L"):
        return order
    order.reverse()
    for run in _FROM_THE_LEFT.finditer(codes):
        start, stop = len(order) - run.end(), len(order) - run.start()
        order[start:stop] = range(*run.span())
    return order


def _check(text) -> None:
    """Raise TypeError for anything but a string."""
    if not isinstance(text, str):
        raise TypeError(f"text is {text!r}; expected a string.")


def _code(text: str) -> str:
    """Return the direction of a text: L or R by its first letter; without one N, S, W (see _CODES) or a dash."""
    codes = [_CODES.get(unicodedata.bidirectional(character), "-") for character in text]
    return next((code for code in codes if code in "LR"), codes[0] if codes else "-")


def _presentation(line: str) -> str:
    """Return one line as presentation forms, in the order in which they stand on the page."""
    import arabic_reshaper
    from bidi.algorithm import get_display  # `bidi.get_display`, in Rust, leaves brackets the wrong way round

    line = line.replace("\u06c0", "\u0647\u0654")  # DejaVu Sans lacks the forms of heh with hamza in one character
    # The default drops every sign above or below a letter, the hamza of an ezafe among them.
    reshaper = arabic_reshaper.ArabicReshaper({"delete_harakat": False})
    return get_display(reshaper.reshape(line))
