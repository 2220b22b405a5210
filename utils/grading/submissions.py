"""Submissions as files: whose each one is, and which assignment it answers, in whatever folders they came.

What belongs here: reading a folder of submissions. Nothing is executed, no link is followed, and nobody in the folder
is left out: what cannot be graded is a submission with a reason.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from utils.cli.catalogue import UsageError

MOODLE = re.compile(r"(?P<student>.+_\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?", re.IGNORECASE)
"""How Moodle names what it exports: a folder for each student, or, without folders, a prefix of each file."""
IGNORED = ("__MACOSX",)
LARGEST = 20 * 2**20
"""Bytes of a notebook into which we look for grade ids; a larger one has to be told by its name."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment.

    Attributes
    ----------
    student : str
        A name of their own: that of the folder or the file, without what Moodle adds.
    assignment : str
        The stem of the source's file name; "" where nothing tells it.
    path : Path or None
        The notebook; None if there is none that could be graded.
    folder : str
        The name under which Moodle or the teacher gives something back: that of the top folder, as it came.
    refused : str
        Why there is nothing to grade; "" if there is.
    """

    student: str
    assignment: str
    path: Path | None
    folder: str
    refused: str = ""


def collect(folder: Path, sources: dict[str, Path], only: str | None = None) -> tuple[list[Submission], list[str]]:
    """Find what every student handed in.

    Parameters
    ----------
    folder : Path
        It holds one folder or one notebook a student, as they were collected by hand, by nbgrader
        (`ada/01_topic/01_topic.ipynb`) or by Moodle (`Lovelace Ada_123_assignsubmission_file_/...`), or a folder for
        each assignment that holds such.
    sources : dict
        The assignments: stems of file names, and paths.
    only : str, optional
        The stem of the one assignment to look at; others that lie beside it are left alone. Without it all of
        `sources`.

    Returns
    -------
    submissions : list of Submission
        In order of student and assignment. With `only`, or one source, every student has exactly one.
    left : list of str
        Files in the top folder that are nobody's, and were left alone.

    Raises
    ------
    UsageError
        If `folder` is no folder, holds no submission, or is the folder of an nbgrader course.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected one that holds a folder or a notebook for each student")
    if (folder / "submitted").is_dir():
        raise UsageError(f"{folder} is the folder of an nbgrader course; give {folder / 'submitted'}")
    if only is None and len(sources) == 1:
        only = next(iter(sources))
    ids = {stem: _grade_ids(path) for stem, path in sources.items()}
    found, left = [], []
    for entry in _entries(folder):
        if entry.name in sources and entry.is_dir() and not entry.is_symlink():
            if only in (None, entry.name):
                for inner in _entries(entry):
                    _one_entry(inner, {entry.name: ids[entry.name]}, entry.name, found, left)
        else:
            _one_entry(entry, ids, only, found, left)
    if not found:
        raise UsageError(f"{folder} holds no submission; expected a folder or a notebook (.ipynb) for each student")
    named = [replace(one, student=_printable(one.student), refused=_printable(one.refused)) for one in found]
    return sorted(_once(named, folder), key=lambda one: (one.student, one.assignment)), list(map(_printable, left))


def _entries(folder: Path) -> list[Path]:
    hidden = (".", "~")
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(hidden) and path.name not in IGNORED]


def _one_entry(entry: Path, ids: dict[str, set], only: str | None, found: list, left: list) -> None:
    """Add what one folder or file at the top holds to `found`, or its name to `left`."""
    moodle = MOODLE.fullmatch(entry.name)
    student = moodle["student"] if moodle else entry.name
    if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
        reason = f"{entry.name} is a link, or no plain file or folder; links are not followed"
        found.append(Submission(student, only or "", None, entry.name, reason))
    elif entry.is_dir():
        found += _of_folder(entry, student, ids, only)
    elif entry.suffix.lower() == ".ipynb":
        found += _of_file(entry, moodle, ids, only)
    elif moodle:
        returned = entry.name[: moodle.start("file")]
        found.append(Submission(student, only or "", None, returned, f"no notebook: {moodle['file']} was handed in"))
    else:
        left.append(entry.name)


def _of_file(path: Path, moodle: re.Match | None, ids: dict[str, set], only: str | None) -> Iterator[Submission]:
    """Yield the submission of a notebook that lies at the top: its name says whose it is."""
    assignment = _assignment(path, path.parent, ids, only)
    if moodle:
        student, folder = moodle["student"], path.name[: moodle.start("file")]
    else:
        student = folder = re.sub(rf"[-_. ]*{re.escape(assignment or ' ')}[-_. ]*", "", path.stem, flags=re.IGNORECASE)
    if not student:
        reason = "its name says no student; put it into a folder of the student's name"
        yield Submission(path.stem, assignment, None, path.stem, reason)
    elif only is None or assignment in (only, ""):
        yield _told(Submission(student, assignment, path, folder), path.name)


def _of_folder(folder: Path, student: str, ids: dict[str, set], only: str | None) -> Iterator[Submission]:
    """Yield the submissions of one student's folder."""
    files, links = [], []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED)
        for name in sorted(names):
            path = Path(base, name)
            plain = path.is_file() and not path.is_symlink()
            (files if plain else links).append(path)
    notebooks = [path for path in files if path.suffix.lower() == ".ipynb" and not path.name.startswith(".")]
    linked = [path for path in links if path.suffix.lower() == ".ipynb"]
    # A single notebook of any name is the one that was asked for; of several each must say what it is.
    alone = only if len(notebooks) == 1 else None
    by_assignment = defaultdict(list)
    for path in notebooks:
        by_assignment[_assignment(path, folder, ids, alone)].append(path)
    wanted = sorted(by_assignment) if only is None else [only] if only in by_assignment else []
    for assignment in wanted:
        paths = by_assignment[assignment]
        one = Submission(student, assignment, paths[0], folder.name)
        if len(paths) > 1:
            names = ", ".join(str(path.relative_to(folder)) for path in paths)
            words = "notebooks for one assignment" if assignment else "notebooks that do not say which assignment"
            one = replace(one, path=None, refused=f"{len(paths)} {words}: {names}; leave one in the folder")
        yield _told(one, paths[0].name)
    if not wanted:
        there = [str(path.relative_to(folder)) for path in [*files, *links]]
        said = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "") or "nothing"
        what = (
            f"{linked[0].name} is a link, or no plain file; links are not followed"
            if linked
            else f"no notebook; found: {said}"
        )
        if notebooks:
            what = f"no notebook for {only}; found: {said}"
        yield Submission(student, only or "", None, folder.name, what)


def _told(one: Submission, name: str) -> Submission:
    """Refuse a submission that does not say which assignment it answers."""
    if one.assignment or one.refused:
        return one
    reason = f"{name} does not say which assignment it answers; name it as it was handed out, or say --assignment"
    return replace(one, path=None, refused=reason)


def _assignment(path: Path, top: Path, ids: dict[str, set], only: str | None) -> str:
    """Return which assignment a notebook answers: by its folders and name, else by its grade ids; "" if unknown."""
    parts = [part.lower() for part in path.relative_to(top).with_suffix("").parts]
    for part in reversed(parts):
        if fits := [stem for stem in ids if stem.lower() in part]:
            return max(fits, key=len)
    there = _grade_ids(path)
    shared = {stem: len(there & known) for stem, known in ids.items()}
    best = max(shared.values(), default=0)
    if best and list(shared.values()).count(best) == 1:
        return max(shared, key=shared.get)
    return only or ""


def _grade_ids(path: Path) -> set[str]:
    """Return the grade ids in a notebook; none for a file that is none. It is read as data, whatever it holds."""
    try:
        if path.stat().st_size > LARGEST:
            return set()
        cells = json.loads(path.read_bytes())["cells"]
        found = {cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]}
        return {name for name in found if isinstance(name, str)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return set()


def _printable(text: str) -> str:
    """Return a text without what no file can hold: halves of characters, from file names that are not UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _once(found: list[Submission], folder: Path) -> Iterator[Submission]:
    """Yield the submissions; those of one name and assignment that came from two places as one that is refused."""
    grouped = defaultdict(list)
    for one in found:
        grouped[one.student, one.assignment].append(one)
    for group in grouped.values():
        if len(group) == 1:
            yield group[0]
        else:
            places = ", ".join(str(one.path.relative_to(folder)) if one.path else one.folder for one in group)
            told = _printable(f"{len(group)} submissions of this name: {places}; leave one")
            yield replace(group[0], path=None, refused=told)
