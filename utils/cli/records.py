"""Runs under further seeds, as small JSON files below `results/`: where they are, whether they are stale, what moved.

One file a run, `results/NN_topic/seed-K-cores-C.json`: the results of that run (see `notebooks.results`), and `error`
with its first line where a cell raised one. `stability` writes them; `stability --show` and `results` read them.
"""

import json
import numbers
from dataclasses import dataclass, replace
from pathlib import Path

from utils import COURSE_ROOT
from utils.cli import notebooks
from utils.cli.catalogue import UsageError, write_text
from utils.course import FAILED, HELD, ON_STANDIN

RESULTS = COURSE_ROOT / "results"
NAMES = (("claims", "text", "claim"), ("reports", "label", "figure"))
"""Where results keep claims and figures, the key that names one, and the word for it."""
MISSING = "missing"
"""The state of a claim in a run that did not make it."""


@dataclass(frozen=True)
class Record:
    """One run: a name for readers (`seed 3, 1 core`), its results, and the first line of its error, or ""."""

    label: str
    results: dict
    error: str = ""
    file: Path | None = None


def path_of(name: str, seed: int, cores: int, folder: Path = RESULTS) -> Path:
    """Return the file of one run."""
    return folder / name / f"seed-{seed}-cores-{cores}.json"


def save(results: dict, path: Path) -> bool:
    """Write the results of one run, sorted, in one step; return whether the file changed."""
    return write_text(path, json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def stored(name: str, results: dict) -> Record:
    """Return the run whose outputs the notebook stores, as a record."""
    return Record(_label(results) + " (stored)", results)


def load(name: str, folder: Path = RESULTS) -> list[Record]:
    """Return the runs of one notebook, by seed and cores.

    Raises
    ------
    UsageError
        If a file is not one of ours; the message names it.
    """
    found = []
    for path in (folder / name).glob("seed-*-cores-*.json"):
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
            order = int(results["seed"]), int(results["cores"])
            notebooks.judged(results)  # the rows are there
            found.append((order, Record(_label(results), results, results.get("error", ""), path)))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is not the record of a run ({error!r}); delete it and run again") from error
    return [record for _, record in sorted(found, key=lambda pair: pair[0])]


def _label(results: dict) -> str:
    count = results.get("cores")
    return f"seed {results['seed']}" + (f", {count} core{'s' * (count != 1)}" if count else "")


def stale(record: Record, against: dict) -> str:
    """Return why a run cannot be compared with the stored results: what differs between them; "" if it can.

    A run that a cell's error ended has made only some of the claims; that alone does not make it stale. Nor does a
    claim or figure that the notebook has withdrawn since: what is left was judged in that run too.
    """
    reasons = []
    for rows, name, word in NAMES if not record.error else ():
        ours = {row[name] for row in record.results[rows]}
        reasons += [f"{word} {row[name]!r} is new in the notebook" for row in against[rows] if row[name] not in ours]
    if reasons:  # then what is gone may be the old name of what is new
        reasons = [f"{gone} is no longer in the notebook" for gone in withdrawn(record, against)] + reasons
    ours, theirs = record.results.get("data", {}), against.get("data", {})
    if ours != theirs and not record.error:
        reasons.append(f"its data were {_data(ours)}, the notebook's {_data(theirs)}")
    return "; ".join(reasons)


def withdrawn(record: Record, against: dict) -> list[str]:
    """Return the claims and figures of a run that the stored results no longer have."""
    gone = []
    for rows, name, word in NAMES:
        theirs = {row[name] for row in against[rows]}
        gone += [f"{word} {row[name]!r}" for row in record.results[rows] if row[name] not in theirs]
    return gone


def _restricted(record: Record, against: dict) -> Record:
    """Return the run without what the notebook has withdrawn since."""
    results = dict(record.results)
    for rows, name, _ in NAMES:
        theirs = {row[name] for row in against[rows]}
        results[rows] = [row for row in results[rows] if row[name] in theirs]
    return replace(record, results=results)


def _data(used: dict[str, str]) -> str:
    return ", ".join(f"{name}: {source}" for name, source in sorted(used.items())) or "none"


def comparable(name: str, against: dict, folder: Path = RESULTS) -> list[Record]:
    """Return the stored run and, after it, those on disk that are not stale, without what was withdrawn since."""
    kept = (record for record in load(name, folder) if not stale(record, against))
    return [stored(name, against), *(_restricted(record, against) for record in kept)]


def states(records: list[Record]) -> dict[tuple[str, str], list[str]]:
    """Return, for every claim and bound that some run made, its state in each run, `MISSING` where it was not made."""
    by_run = [notebooks.judged(record.results) for record in records]
    keys = dict.fromkeys(key for run in by_run for key in run)
    return {key: [run.get(key, MISSING) for run in by_run] for key in keys}


def held_in_all(records: list[Record]) -> tuple[int, int]:
    """Return how many claims and bounds held in every run, and of how many.

    Those that were never judged, as the data were a stand-in, are left out.
    """
    found = [row for row in states(records).values() if set(row) - {MISSING} != {ON_STANDIN}]
    return sum(set(row) == {HELD} for row in found), len(found)


def any_failed(records: list[Record]) -> bool:
    """Return whether a claim or bound failed in some run, or a cell raised an error."""
    return any(record.error for record in records) or any(FAILED in row for row in states(records).values())


def values(records: list[Record]) -> dict[str, list]:
    """Return what was measured for every figure, by label: one value a run that reported it."""
    found: dict[str, list] = {}
    for record in records:
        for row in record.results["reports"]:
            found.setdefault(row["label"], []).append(row["measured"])
    return found


def span(measured: list) -> tuple | None:
    """Return the smallest and the largest of these values, or None if one of them is not a number."""
    if not all(isinstance(value, numbers.Number) and not isinstance(value, bool) for value in measured):
        return None
    return min(measured), max(measured)
