"""The Emojify sentences: test of the contents. Its loader comes with the notebook that needs it."""

import csv
import io
from pathlib import Path

from utils.datasets import archives
from utils.datasets.checks import WrongFile

ROWS = {"train_emoji.csv": 132, "tesss.csv": 56}


def check_archive(path: Path) -> None:
    """Raise WrongFile or BadArchive unless both tables are there, in any folder, with their numbers of rows."""
    for member, rows in ROWS.items():
        text = archives.read(path, member).decode("utf-8", "replace")
        found = sum(1 for row in csv.reader(io.StringIO(text)) if row)
        if found != rows:
            raise WrongFile(f"expected {rows} rows in {member}, found {found}")
