"""Plays, Tiny Shakespeare: loader and layout. Reading only; cutting into characters and speeches is the lesson."""

import re

from utils.datasets import archives
from utils.datasets.loaders import load


def load_tiny_shakespeare() -> str:
    """Return Tiny Shakespeare, parts of several plays in one text, and print one line that says from where.

    Returns
    -------
    str
        1,115,394 characters, 65 different ones. Speeches stand one after the other with an empty line between them; a
        speech begins with a line that holds its speaker and a colon. `used()["shakespeare"]` says "real" or "stand-in".

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had.
    ValueError
        If the file is not laid out as a play: fewer than two speeches.

    References
    ----------
    Karpathy, A. (2015). The unreasonable effectiveness of recurrent neural networks; see `data/README.md`.
    """
    loaded = load(
        "shakespeare",
        "Tiny Shakespeare",
        "shakespeare",
        archives.read_text,
        ("plays", "shakespeare"),
        "not Shakespeare",
    )
    text = loaded.content
    if len(speeches(text)) < 2:
        raise ValueError(
            f"{loaded.title} ({loaded.source}): expected a play, each speech after a line with its speaker and a "
            f"colon; found {len(text):,} characters without two speeches. Put the right file in its place."
        )
    loaded.announce(f"{len(text):,} characters")
    return text


def speeches(text: str) -> list[tuple[str, str]]:
    """Return the speeches of a play in order, as pairs of the speaker and what is said.

    Parameters
    ----------
    text : str
        A text in the layout of `load_tiny_shakespeare`. What stands before the first speaker is left out.

    Returns
    -------
    list of (str, str)
        Speaker, without the colon, and the lines of the speech with line feeds between them.

    Raises
    ------
    TypeError
        If `text` is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}; expected the text of a play (str).")
    found = []
    for block in re.split(r"\n{2,}", text):
        first, _, said = block.strip("\n").partition("\n")
        if first.endswith(":") and len(first) > 1 and said.strip():
            found.append((first[:-1], said))
    return found
