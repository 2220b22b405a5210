"""What the right files look like inside. What belongs here: schemas, and one test for each set without a hash."""

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from utils.datasets import archives

JENA_MEMBER = "jena_climate_2009_2016.csv"
JENA_ROWS = 420_551
JENA_HEADER = (
    '"Date Time","p (mbar)","T (degC)","Tpot (K)","Tdew (degC)","rh (%)","VPmax (mbar)","VPact (mbar)",'
    '"VPdef (mbar)","sh (g/kg)","H2OC (mmol/mol)","rho (g/m**3)","wv (m/s)","max. wv (m/s)","wd (deg)"'
)
JENA_COLUMNS = tuple(name.strip('"') for name in JENA_HEADER.split('","'))[1:]
"""The 14 measured columns of the Jena file, in its order."""
BEIJING_MEMBER = "PRSA_data_2010.1.1-2014.12.31.csv"
BEIJING_COLUMNS = ("pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")
"""The measured columns of the Beijing file, in its order."""
BEIJING_SHA256 = "4fe4c954a563d0e746f96c258e1acf31f7880f1ad825b046052121938781c656"


class WrongFile(ValueError):
    """The file is not the one the list means; the message says what was expected and what was found."""


def _csv_bytes(path: Path, member: str) -> bytes:
    """Return the csv in `path`: the named member of an archive (in any folder), or the file itself."""
    if archives.is_archive(path):
        inside = [name for name in archives.names(path) if name.rsplit("/", 1)[-1] == member]
        if not inside:
            raise WrongFile(f"expected a member {member!r}, found {archives.names(path)[:5]}")
        return archives.read(path, inside[0])
    return archives.read(path)


def _jena(path: Path) -> None:
    lines = _csv_bytes(path, JENA_MEMBER).splitlines()
    header = lines[0].decode("utf-8", "replace") if lines else ""
    if header != JENA_HEADER:
        raise WrongFile(f"expected the header {JENA_HEADER}, found {header[:300]}")
    rows = [line for line in lines[1:] if line]
    if len(rows) != JENA_ROWS:
        raise WrongFile(f"expected {JENA_ROWS:,} rows, found {len(rows):,}")
    if any(row.count(b",") != 14 for row in rows):
        raise WrongFile("expected a date and 14 numbers in every row, found rows with more or fewer")
    if not rows[0].startswith(b"01.01.2009 00:10:00,"):
        raise WrongFile(f"expected the first row of 01.01.2009 00:10:00, found {rows[0][:20]!r}")


def _beijing(path: Path) -> None:
    # Copies differ in line ends and quotes; what they say is the same.
    content = _csv_bytes(path, BEIJING_MEMBER).replace(b"\r\n", b"\n").replace(b'"', b"").rstrip(b"\n") + b"\n"
    found = hashlib.sha256(content).hexdigest()
    if found != BEIJING_SHA256:
        raise WrongFile(f"expected a csv of SHA-256 {BEIJING_SHA256} with LF line ends, found {found}")


def _emojify(path: Path) -> None:
    for member, rows in (("train_emoji.csv", 132), ("tesss.csv", 56)):
        text = _csv_bytes(path, member).decode("utf-8", "replace")
        found = sum(1 for row in csv.reader(io.StringIO(text)) if row)
        if found != rows:
            raise WrongFile(f"expected {rows} rows in {member}, found {found}")


def _persian_share(text: str) -> float:
    """Return the share of Arabic-script letters among all letters, 0 to 1."""
    letters = [character for character in text if character.isalpha()]
    return sum("\u0600" <= character <= "\u06ff" for character in letters) / max(len(letters), 1)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongFile(f"expected UTF-8 text, found {error}") from None


def _pes_eng(path: Path) -> None:
    rows = [line.split("\t") for line in _text(_csv_bytes(path, "pes.txt")).splitlines() if line]
    if len(rows) < 2_000 or any(len(row) not in (2, 3) for row in rows):
        raise WrongFile(f"expected at least 2,000 lines of 2 or 3 columns, found {len(rows):,} lines")
    share = _persian_share(" ".join(row[1] for row in rows))
    if share < 0.9:
        raise WrongFile(f"expected Persian in the second column, found {share:.0%} Persian letters")


def _persian_verse(path: Path) -> None:
    text = _text(archives.read(path))
    lines = len(text.splitlines())
    share = _persian_share(text[:200_000])
    if lines < 10_000 or share < 0.9:
        raise WrongFile(f"expected at least 10,000 lines of Persian, found {lines:,}, {share:.0%} Persian letters")


CHECKS: dict[str, Callable[[Path], None]] = {
    "jena": _jena,
    "beijing": _beijing,
    "emojify": _emojify,
    "pes-eng": _pes_eng,
    "persian-verse": _persian_verse,
}
"""Tests of contents by the name that `check` gives them. Each takes a path and raises WrongFile or BadArchive."""
