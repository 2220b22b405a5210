"""The course's clock: what `make clock` measured, in `results/bench/`, and the table of RESULTS.md that shows it.

What belongs here: the files, and the table. What does not: the measuring (`tests/benchmarks/course.py`). One file a
profile. `turns` holds one entry for each time that all notebooks ran: the `arrangement` ("1x2": one notebook at a time,
two threads each), the `seconds` from the first start to the last end, and by notebook the seconds of each part.
`imports` holds the seconds of what was called in a Python of its own, and whether TensorFlow came with it.
"""

import math
import statistics
from numbers import Real
from pathlib import Path

from utils.cli import measured

FILES = {
    ("quick", False): "course.json", ("quick", True): "course-core.json",
    ("full", False): "course-full.json", ("full", True): "course-full-core.json",
}  # fmt: skip
"""The file of a profile, of whole notebooks and of those without "Going deeper"."""
PARTS = {
    "kernel": "kernel",
    "start": "imports and `course.start`",
    "data": "data",
    "first": "first calls",
    "rest": "the rest",
    "deeper": "*Going deeper*",
    "end": "end",
}
"""The parts of a notebook's seconds, which together are all of them, and what the table calls them."""
TARGETS = {"quick": 4, "full": 100}
"""Minutes within which the whole course should have run on two cores."""
KEYS = {
    "profile": str, "core": bool, "turns": list, "imports": list, "machine": str, "cores": int, "versions": dict,
    "date": str,
}  # fmt: skip
"""What a record must hold, and of which type."""


# ------------------------------------------------------------------------------------------------------------ the files


def save(record: dict, folder: Path) -> Path:
    """Write a record in one step, and return the file.

    Raises
    ------
    ValueError
        If the record is not whole; nothing is written then.
    """
    return measured.save(record, folder / FILES.get((record.get("profile"), record.get("core")), "none"), _fault)


def load(folder: Path) -> list[dict]:
    """Return the records of a folder, quick before full, whole notebooks before cores; none if there are none.

    Raises
    ------
    UsageError
        If a file is not one of ours; the message names it.
    """
    paths = [folder / name for name in FILES.values()]
    return [measured.load(path, _fault, "make clock") for path in paths if path.exists()]


def seconds(folder: Path, profile: str = "full") -> dict[str, float]:
    """Return what each whole notebook took in a profile, in the record's first arrangement; {} without a record."""
    for record in load(folder):
        if record["profile"] == profile and not record["core"]:
            first = [turn for turn in record["turns"] if turn["arrangement"] == record["turns"][0]["arrangement"]]
            return {name: sum(parts(first, name).values()) for name in first[0]["notebooks"]}
    return {}


def _fault(record) -> str:
    """Return what keeps something from being a whole record; "" if nothing does."""
    if lacking := measured.lacks(record, KEYS):
        return lacking
    if record["profile"] not in TARGETS:
        return f"there is no profile {record['profile']!r}"
    try:
        names = {frozenset(turn["notebooks"]) for turn in record["turns"]}
        if len(names) != 1 or not next(iter(names)):
            return "its turns did not run the same notebooks"
        for turn in record["turns"]:
            numbers = [turn["seconds"], *(parts[part] for parts in turn["notebooks"].values() for part in PARTS)]
            if not isinstance(turn["arrangement"], str) or not all(map(_counted, numbers)):
                return "a turn lacks its arrangement or seconds"
        for row in record["imports"]:
            if not (isinstance(row["what"], str) and isinstance(row["tensorflow"], bool) and _counted(row["seconds"])):
                return "an import lacks its name or seconds"
    except (KeyError, TypeError, AttributeError) as error:
        return f"it is not whole: {error!r}"
    return ""


def _counted(value) -> bool:
    return isinstance(value, Real) and math.isfinite(value) and value >= 0


# ------------------------------------------------------------------------------------------------------------ the table

TEXT = """**The whole course, {profile}.** All {notebooks} notebooks in the {profile} profile{core}, in these
arrangements, by turns where there are several turns; {target} minutes are the aim on two cores. *Kernel*: from the
call to the first cell. *Imports*: every cell up to the one that calls `course.start`. *Data*: inside `load_*`. *First
calls*: calls of a `tf.function` that traced it, which is tracing, compiling and one execution (TensorFlow offers
Python no clock that parts them). *Going deeper*: all that the cells under this heading take. *End*: from the last
cell to the end of the kernel. Seconds; the medians over turns."""


def table(records: list[dict]) -> str:
    """Return "The whole course" as Markdown, "" without records: each arrangement, each notebook, and imports."""
    return "\n\n".join(_profile(record) for record in records)


def _profile(record: dict) -> str:
    """Return the tables of one profile."""
    by_arrangement: dict[str, list[dict]] = {}
    for turn in record["turns"]:
        by_arrangement.setdefault(turn["arrangement"], []).append(turn)
    names = sorted(record["turns"][0]["notebooks"])
    core = ", without what is under *Going deeper*" if record["core"] else ""
    text = TEXT.format(notebooks=len(names), profile=record["profile"], core=core, target=TARGETS[record["profile"]])
    lines = [text, "", _line(["arrangement", "minutes", "range", "turns", *PARTS.values()])]
    lines.append(f"|---|{'---:|' * (3 + len(PARTS))}")
    for name, turns in by_arrangement.items():
        minutes = [turn["seconds"] / 60 for turn in turns]
        sums = [_seconds(sum(parts(turns, one)[part] for one in names)) for part in PARTS]
        ends = f"{min(minutes):.1f} to {max(minutes):.1f}" if len(turns) > 1 else "one turn"
        lines.append(_line([said(name), f"{statistics.median(minutes):.1f}", ends, str(len(turns)), *sums]))
    arrangement, turns = next(iter(by_arrangement.items()))
    lines += ["", f"<details><summary>Notebook by notebook, {said(arrangement)}</summary>", ""]
    lines += [_line(["notebook", "seconds", *PARTS.values()]), f"|---|{'---:|' * (1 + len(PARTS))}"]
    for name in names:
        found = parts(turns, name)
        lines.append(_line([name, _seconds(sum(found.values())), *(_seconds(found[part]) for part in PARTS)]))
    lines += ["", "</details>"]
    if record["imports"]:
        lines += ["", _line(["in a Python of its own", "seconds", "with TensorFlow"]), "|---|---:|---|"]
        for row in record["imports"]:
            lines.append(_line([f"`{row['what']}`", f"{row['seconds']:.2f}", "yes" if row["tensorflow"] else "no"]))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(record["versions"].items()))
    cores = f"{record['cores']} core{'s' * (record['cores'] != 1)}"
    return "\n".join([*lines, "", f"- Ran on: {record['date']}, {record['machine']}, {cores}, {versions}."])


def parts(turns: list[dict], name: str) -> dict[str, float]:
    """Return the seconds of each part of a notebook, as the median over turns."""
    return {part: statistics.median(turn["notebooks"][name][part] for turn in turns) for part in PARTS}


def said(arrangement: str) -> str:
    """Return an arrangement in words: "1x2" is `1 at a time, 2 threads`."""
    jobs, threads = arrangement.split("x")
    return f"{jobs} at a time, {threads} thread{'s' * (threads != '1')}" + " each" * (jobs != "1")


def _seconds(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
