"""Persian verse: the loader of Hafez, and the test of contents for verse without a hash. Reading only."""

from pathlib import Path

from utils.datasets import archives
from utils.datasets.checks import WrongFile
from utils.datasets.loaders import load


def persian_share(text: str) -> float:
    """Return the share of Arabic-script letters among all letters, 0 to 1."""
    letters = [character for character in text if character.isalpha()]
    return sum("\u0600" <= character <= "\u06ff" for character in letters) / max(len(letters), 1)


def utf8(data: bytes) -> str:
    """Return the text that the bytes are. Raises WrongFile if they are none."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongFile(f"expected UTF-8 text, found {error}") from None


def check_persian(path: Path) -> None:
    """Raise WrongFile or BadArchive unless this is a long text in Persian."""
    text = utf8(archives.read(path))
    lines, share = len(text.splitlines()), persian_share(text[:200_000])
    if lines < 10_000 or share < 0.9:
        raise WrongFile(f"expected at least 10,000 lines of Persian, found {lines:,}, {share:.0%} Persian letters")


def load_hafez() -> str:
    """Return the Divan of Hafez in normalised Persian, and print one line that says from where.

    Returns
    -------
    str
        306,373 characters: half a couplet (a hemistich) a line, so a couplet is two lines that are not empty. There is
        no mark between poems; towards the end empty lines stand between the hemistichs. No vowel signs, no punctuation.
        `used()["hafez"]` says "real" or "stand-in".

    Raises
    ------
    DataUnavailable
        In the full profile if no file can be had.
    ValueError
        If the file is no Persian verse: fewer than two lines, or a tenth of its letters of another script.

    References
    ----------
    Hafez, *Divan* (14th century), as prepared in the repository amnghd/Persian_poems_corpus; see `data/README.md`.
    """
    loaded = load("hafez", "Divan of Hafez", "hafez", archives.read_text, ("verse", "hafez"), "grammar, not Hafez")
    text = loaded.content
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    share = persian_share(text)
    if lines < 2 or share < 0.9:
        raise ValueError(
            f"{loaded.title} ({loaded.source}): expected verse in Persian, at least two lines; found {lines} lines, "
            f"{share:.0%} Persian letters. Put the right file in its place."
        )
    loaded.announce(f"{len(text):,} characters")
    return text
