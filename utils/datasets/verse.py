"""Persian verse, Hafez and the Shahnameh: test of the contents. Loaders come with the notebooks that need them."""

from pathlib import Path

from utils.datasets import archives
from utils.datasets.checks import WrongFile


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
