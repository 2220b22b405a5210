"""Records of what was measured, in `results/bench/`: written whole or not at all, and read back only if whole."""

import json
from collections.abc import Callable
from pathlib import Path

from utils.cli.catalogue import UsageError, write_text


def save(record: dict, path: Path, fault: Callable[[object], str]) -> Path:
    """Write a record in one step, and return the file.

    Parameters
    ----------
    record : dict
        What was measured.
    path : Path
        The file.
    fault : callable
        Returns what keeps something from being a whole record, "" if nothing does.

    Raises
    ------
    ValueError
        If the record is not whole, or holds a number that JSON has not; nothing is written then.
    """
    if found := fault(record):
        raise ValueError(f"the record is not whole: {found}")
    write_text(path, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def load(path: Path, fault: Callable[[object], str], command: str) -> dict:
    """Return the record of a file.

    Raises
    ------
    UsageError
        If it is not whole; the message names the file, and the command that makes it.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = fault(record)
    except ValueError as error:
        found = str(error)
    if found:
        raise UsageError(f"{path} is not a record of `{command}` ({found}); delete it and run `{command}` again")
    return record


def lacks(record, keys: dict[str, type]) -> str:
    """Return the first key that is missing or holds another type, in words; "" if none does."""
    if not isinstance(record, dict):
        return "it is no table of names and values"
    return next(
        (f"{k!r} is missing or of another type" for k, kind in keys.items() if not isinstance(record.get(k), kind)), ""
    )
