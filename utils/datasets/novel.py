"""A novel, The Time Machine: its loader. Reading only; cleaning is the lesson."""

from utils.datasets import archives
from utils.datasets.loaders import load


def load_time_machine() -> str:
    """Return The Time Machine by H. G. Wells, as it was printed, and print one line that says from where.

    Returns
    -------
    str
        178,979 characters with line feeds, title and chapter numbers included, upper case and punctuation kept.
        `used()["timemachine"]` says "real" or "stand-in".

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had.

    References
    ----------
    Wells, H. G. (1895), in the text of *Dive into Deep Learning*; see `data/README.md`.
    """
    loaded = load(
        "timemachine", "The Time Machine", "timemachine", archives.read_text, ("novel", "timemachine"), "not the novel"
    )
    text = loaded.content
    if not isinstance(text, str) or not text.strip():
        found = type(text).__name__
        raise ValueError(f"{loaded.title} ({loaded.source}): expected a text, found {found} without a letter")
    loaded.announce(f"{len(text):,} characters")
    return text
