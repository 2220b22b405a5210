"""The speed ledger: what `make bench` measured, one file a row in `results/bench/`, and the table of RESULTS.md.

What belongs here: the files, and what follows from them: when a metric was reached, and how many times sooner. What
does not: the recipes that are timed, and the clock (`tests/benchmarks`). A file keeps the whole curves, so that every
figure in the table follows from it, and so would any other bound.

A record holds `pairs`, each with the sides `lecture` and `ours` and which of them came `first`. A side holds `points`,
``[seconds since its training began, metric on validation data]`` one an epoch of its own, and `epochs`, the seconds
of training in each; compilation is in both, validation in the first only. `figure` is the lecture's, or null where it
prints none or the data are not its data. Metrics that are no finite number are null.

Beside `ROW.json` may lie `ROW.md`, written by hand: what bounds our recipe, and what was tried. The table ends with it.
"""

import math
import statistics
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

from utils.cli import clock, measured
from utils.course import format_number

FOLDER = "bench"
"""The folder of the records, below `results/`."""
SIDES = ("lecture", "ours")
NOT_REACHED = "not reached"
KEYS = {
    "row": str, "order": int, "title": str, "metric": str, "unit": str, "higher": bool, "data": dict, "profile": str,
    "settings": dict, "samples": dict, "flops": dict, "machine": str, "cores": int, "versions": dict, "date": str,
    "gflops": Real, "pairs": list,
}  # fmt: skip
"""What a record must hold, and of which type; `figure` besides, a number or null."""
WHERE = "where.json"
"""Where an update of ours goes, by row (`tests/benchmarks/where.py`); it lies beside the records."""
KINDS = {
    "products": "matrix products", "arithmetic": "other arithmetic", "moves": "copies and slices",
    "dispatch": "between operations",
}  # fmt: skip
"""What a core does in an update, and how the table calls it; the rest is waiting, input, and Python."""
WHERE_KEYS = {
    "shares": dict, "seconds": Real, "recorded": Real, "updates": int, "cores": int, "machine": str, "versions": dict,
    "date": str,
}  # fmt: skip


# --------------------------------------------------------------------------------------------------------- the figures


def reached(points: Sequence, target: float, higher: bool, before: bool = False) -> float:
    """Return after how many seconds a metric was first at least as good as a target.

    Parameters
    ----------
    points : sequence of (seconds, metric)
        In the order of time; a metric of None or NaN is as good as nothing.
    target : float
        What is to be reached.
    higher : bool
        Whether larger is better.
    before : bool
        Return the reading before that one instead, 0 if there is none: between the two it happened.

    Returns
    -------
    float
        Infinity if it never was.
    """
    last = 0.0
    for seconds, metric in points:
        if metric is not None and (metric >= target if higher else metric <= target):
            return last if before else float(seconds)
        last = float(seconds)
    return math.inf


def best(points: Sequence, higher: bool) -> float:
    """Return the best metric of a curve, NaN if none is a number."""
    found = [metric for _, metric in points if metric is not None and math.isfinite(metric)]
    return (max if higher else min)(found) if found else math.nan


def an_epoch(record: dict, side: str) -> list[float]:
    """Return, for each pair, the seconds of training that one side takes for as many samples as the lecture's epoch.

    The median over the epochs after the first, which compiles; the first where there is only that.
    """
    scale = record["samples"]["lecture"] / record["samples"][side]
    each = (pair[side]["epochs"] for pair in record["pairs"])
    return [scale * statistics.median(epochs[1:] or epochs) for epochs in each]


def to_metric(
    record: dict, target: float | None = None, both: bool = False, before: bool = False
) -> dict[str, list[float]]:
    """Return the seconds that each side needed to reach a target, pair by pair; infinity where it never did.

    Without a target it is, in each pair, the best that the lecture's recipe itself reached there; or the best that
    both reached, which is the worse of the two bests. With `before` the lecture's clock stops at its reading before
    that: its recipe is read more seldom than ours, and may have been there earlier.
    """
    higher, found = record["higher"], {side: [] for side in SIDES}
    for pair in record["pairs"]:
        goal = best(pair["lecture"]["points"], higher) if target is None else target
        if both:
            goal = (min if higher else max)(goal, best(pair["ours"]["points"], higher))
        for side in SIDES:
            found[side].append(reached(pair[side]["points"], goal, higher, before and side == "lecture"))
    return found


def ratios(seconds: dict[str, list[float]]) -> list[float] | None:
    """Return lecture over ours, pair by pair; None unless both sides reached the metric in every pair.

    Dropping the pairs that one side lost would flatter it.
    """
    if not all(math.isfinite(value) for side in SIDES for value in seconds[side]):
        return None
    return [lecture / ours for lecture, ours in zip(seconds["lecture"], seconds["ours"], strict=True)]


def rate(record: dict, side: str) -> float:
    """Return the arithmetic of one side's training in GFLOP/s, to be compared with the record's `gflops`."""
    return record["flops"][side] * record["samples"]["lecture"] / statistics.median(an_epoch(record, side)) / 1e9


# ------------------------------------------------------------------------------------------------------------ the files


def save(record: dict, folder: Path) -> Path:
    """Write a record as `ROW.json` in one step, and return the file.

    Raises
    ------
    ValueError
        If the record is not whole, or holds a number that JSON has not; nothing is written then.
    """
    return measured.save(record, folder / f"{record.get('row')}.json", _fault)


def load(folder: Path) -> list[dict]:
    """Return the records of a folder, in their order; none if there is no such folder.

    Raises
    ------
    UsageError
        If a file is not one of ours; the message names it.
    """
    others = {*clock.FILES.values(), WHERE}
    paths = [path for path in sorted(folder.glob("*.json")) if path.name not in others]
    found, where = [measured.load(path, _fault, "make bench") for path in paths], load_where(folder)
    for path, record in zip(paths, found):
        if record["row"] in where:
            record["where"] = where[record["row"]]
        if (words := path.with_suffix(".md")).exists():
            record["tried"] = " ".join(words.read_text(encoding="utf-8").split())
    return sorted(found, key=lambda record: (record["order"], record["row"]))


def save_where(row: str, found: dict, folder: Path) -> Path:
    """Write where an update of one row goes, beside what is known of the others, and return the file.

    Raises
    ------
    ValueError
        If it is not whole; nothing is written then.
    """
    return measured.save(load_where(folder) | {row: found}, folder / WHERE, _where_fault)


def load_where(folder: Path) -> dict:
    """Return what is known of where updates go, by row; nothing if there is no such file.

    Raises
    ------
    UsageError
        If the file is not one of ours.
    """
    path = folder / WHERE
    return measured.load(path, _where_fault, "python -m tests.benchmarks.where") if path.exists() else {}


def _where_fault(rows) -> str:
    if not isinstance(rows, dict):
        return "it is no table of names and values"
    for name, found in rows.items():
        if lacking := measured.lacks(found, WHERE_KEYS):
            return f"{name}: {lacking}"
        shares = [found["shares"].get(name) for name in KINDS]
        if not all(isinstance(share, Real) and share >= 0 for share in shares) or not 0 < sum(shares) < 1.05:
            return f"{name}: its shares are no shares of one"
    return ""


def _fault(record) -> str:
    """Return what keeps something from being a whole record; "" if nothing does."""
    if lacking := measured.lacks(record, KEYS):
        return lacking
    if "figure" not in record or not (record["figure"] is None or isinstance(record["figure"], Real)):
        return "'figure' is missing or no number"
    if any(not record[key].get(side) for key in ("settings", "samples", "flops") for side in SIDES):
        return "settings, samples or flops lack a side"
    if not record["pairs"]:
        return "it has no pairs"
    for pair in record["pairs"]:
        try:
            first = pair["first"] in SIDES
            whole = all(
                pair[side]["epochs"]
                and all(map(_positive, pair[side]["epochs"]))
                and pair[side]["points"]
                and all(_positive(s) and (m is None or math.isfinite(m)) for s, m in pair[side]["points"])
                for side in SIDES
            )
            if not first or not whole or not math.isfinite(best(pair["lecture"]["points"], record["higher"])):
                return "a pair lacks a curve"
        except (KeyError, TypeError, ValueError) as error:
            return f"a pair is not whole: {error!r}"
    return ""


def _positive(value) -> bool:
    return isinstance(value, Real) and math.isfinite(value) and value > 0


# ------------------------------------------------------------------------------------------------------------ the table

TITLES = [
    "recipe", "data", "s an epoch: lecture", "ours", "faster", "to reach, on validation", "s to it: lecture", "ours",
    "sooner", "at least", "best: lecture", "ours",
]  # fmt: skip
TEXT = """**Speed.** The lecture's recipe against ours, by turns, each row in one call of `make bench`, {pairs}.

- *s an epoch*: training alone, for as many samples as the lecture's epoch, without the first, which compiles. *s to
  it*: everything from the bare model on, compilation and validation too, until the metric was first reached.
- *Faster*, *sooner*: lecture over ours, the median and the range over pairs; no ratio stands where one of the two did
  not reach the metric in every pair. A metric is read once an epoch of each recipe's own, and the lecture's last
  longer: so *sooner* is an upper end, and *at least* the lower one, counted to the lecture's reading before.
- *Its best so far* is the best that the lecture's recipe reached in the epochs that were run, in each pair anew.
  Where its epochs were cut (the notes say so) or it still improved in the last of them, that is "not yet", and the
  two columns *best* do not say which recipe ends better. *Best of both*, added after ours had fallen short of the
  lecture's in some pair: the best that both reached.
- Ours was tuned (rate, batch, schedule, epochs) by the validation data that judge it here, partly in earlier runs
  with the same seeds; the lecture's settings were left as printed. The ratios compare a tuned recipe with an untuned
  one, and say nothing of test data.
- A machine is seldom quiet: within one training the epochs after the first differ by up to {shaky} times, and where
  few epochs were run their median rests on two. Do not read a difference of that size from *faster*."""


def table(records: Sequence[dict]) -> str:
    """Return the table "Speed" as Markdown, "" without records: a line a row and target, and below what it ran on."""
    if not records:
        return ""
    counts = sorted({len(record["pairs"]) for record in records})
    pairs = f"{' or '.join(map(str, counts))} pair{'s' * (counts != [1])} a row"
    lines = [
        TEXT.format(pairs=pairs, shaky=f"{_shaky(records):.1f}"),
        "",
        _line(TITLES),
        f"|---|---|{'---:|' * 3}---|{'---:|' * 6}",
    ]
    for record in records:
        lines += [_line(cells) for cells in _cells(record)]
    lines += ["", *(line for record in records for line in _notes(record))]
    ran_on: dict[str, list[str]] = {}
    for record in records:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(record["versions"].items()))
        cores = f"{record['cores']} core{'s' * (record['cores'] != 1)}"
        ran_on.setdefault(f"{record['date']}, {record['machine']}, {cores}, {versions}", []).append(record["title"])
    lines += [f"- Ran on: {text} ({', '.join(titles)})." for text, titles in ran_on.items()]
    return "\n".join(lines)


def _shaky(records: Sequence[dict]) -> float:
    """Return the largest ratio between two epochs after the first of one training; 1 if there are no two."""
    later = [pair[side]["epochs"][1:] for record in records for pair in record["pairs"] for side in SIDES]
    return max((max(epochs) / min(epochs) for epochs in later if epochs), default=1.0)


def verdict(seconds: dict[str, list[float]]) -> list[str]:
    """Return three cells: the lecture's seconds, ours, and the ratio with its range."""
    return [*(_seconds(seconds[side]) for side in SIDES), _ratio(ratios(seconds))]


def _cells(record: dict) -> list[list[str]]:
    """Return the lines of one row: for the lecture's figure, where there is one, and for its recipe's best so far."""
    epochs = {side: an_epoch(record, side) for side in SIDES}
    data = ", ".join(f"{name}: {source}" for name, source in sorted(record["data"].items())) or "made"
    bests = {side: [best(pair[side]["points"], record["higher"]) for pair in record["pairs"]] for side in SIDES}
    ends = [_range(bests[side]) for side in SIDES]
    opening, rows = [record["title"], data, *verdict(epochs)], []
    name = record["metric"]

    def sooner(target=None, both=False) -> list[str]:
        least = ratios(to_metric(record, target, both, before=True))
        return [*verdict(to_metric(record, target, both)), _ratio(least) if least else ""]

    if record["figure"] is not None:
        goal = f"{name} {format_number(record['figure'])} {record['unit']}".strip() + " (lecture)"
        rows.append([*opening, goal, *sooner(record["figure"]), *ends])
    opening = opening if not rows else [""] * len(opening)
    unit = f" ({record['unit']})" if record["unit"] else ""
    rows.append([*opening, f"{name}{unit}, its best so far", *sooner(), *(ends if not rows else [""] * 2)])
    if ratios(to_metric(record)) is None:
        rows.append([*[""] * 5, f"{name}{unit}, best of both", *sooner(both=True), "", ""])
    return rows


def _notes(record: dict) -> list[str]:
    """Return the list of what a reader must know of one row: the two recipes, their arithmetic, what was tried."""
    rates = {side: rate(record, side) for side in SIDES}
    used = ", ".join(f"{side} {found:.3g} ({100 * found / record['gflops']:.2g} %)" for side, found in rates.items())
    profile = "" if record["profile"] == "full" else f" [{record['profile']}]"
    lines = [
        f"- {record['title']}{profile}",
        f"  - lecture: {record['settings']['lecture']}",
        f"  - ours: {record['settings']['ours']}",
        "  - matrix products in training, GFLOP/s and share of the "
        f"{record['gflops']:.0f} of one large float32 product: {used}.",
    ]
    if "where" in record:
        lines.append(f"  - where an update of ours goes: {where_text(record['where'])}")
    return [*lines, *([f"  - {record['tried']}"] if "tried" in record else [])]


def where_text(found: dict) -> str:
    """Return where an update goes, as a sentence of the notes."""
    shares = {words: found["shares"][name] for name, words in KINDS.items()}
    shares["the rest, as waiting, input and Python,"] = max(0.0, 1 - sum(shares.values()))
    parts = ", ".join(f"{words} {100 * share:.0f} %" for words, share in shares.items())
    cores = f"{found['cores']} core{'s' * (found['cores'] != 1)}"
    return (
        f"of the time of {cores}, {parts} (TensorFlow's profiler, {found['updates']} updates; an update took "
        f"{1000 * found['seconds']:.0f} ms, recorded {1000 * found['recorded']:.0f}; {found['date']})."
    )


def _seconds(values: list[float]) -> str:
    """Return the median of seconds; how often it was not reached, where that happened."""
    lost = sum(not math.isfinite(value) for value in values)
    if lost == len(values):
        return NOT_REACHED
    if lost:
        return f"{NOT_REACHED} in {lost} of {len(values)}"
    return f"{statistics.median(values):.3g}"


def _ratio(values: list[float] | None) -> str:
    if values is None:
        return "no ratio"
    low, middle, high = min(values), statistics.median(values), max(values)
    text = f"{middle:.1f}×"
    return text if len(values) == 1 else f"{text} ({low:.1f} to {high:.1f})"


def _range(values: list[float]) -> str:
    if not all(map(math.isfinite, values)):
        return "diverged"
    low, high = (format_number(value) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
