"""`python -m utils results`: write the course map, and the tables of RESULTS.md, from the notebooks as stored.

The map is kept in one place, a cell of 00_start_here. Its column of data and its links are made from the notebooks'
metadata; README's map is a copy of it.
"""

import argparse
import base64
import json
import numbers
import re
import sys
from pathlib import Path

from utils import COURSE_ROOT
from utils.cli import catalogue, clock, notebooks, records, speed
from utils.cli.catalogue import MAP, UsageError, write_bytes
from utils.cli.fetch import megabytes, smallest
from utils.course import FAILED, HELD, NOT_JUDGED, ON_STANDIN, format_number

README = COURSE_ROOT / "README.md"
TABLES = COURSE_ROOT / "RESULTS.md"
MAP_HEADING = "The map of the course"
"""The heading of the cell in 00_start_here that holds the course map."""
NONE = "–"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `results`."""
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    parser.add_argument(
        "--json", action="store_true", help="print the stored results of every notebook as JSON instead"
    )
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--readme", type=Path, default=README, help=argparse.SUPPRESS)
    parser.add_argument("--tables", type=Path, default=TABLES, help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, default=records.RESULTS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Refresh the map in 00_start_here and README.md, and RESULTS.md (or check them, or print JSON).

    Returns
    -------
    int
        0, or 1 if `--check` found a file out of date.

    Raises
    ------
    UsageError
        If a file lacks the marks or the table that is to be replaced; nothing is written then.
    """
    paths = notebooks.find(folder=args.folder)
    stored = {path.stem: notebooks.results(notebooks.read(path)) for path in paths}
    if args.json:
        json.dump(stored, sys.stdout, indent=1, ensure_ascii=False)
        print()
        return 0
    texts = {}
    if any(path.name == MAP for path in paths):
        start = args.folder / MAP
        notebook, table = with_map(notebooks.read(start), args.folder)
        texts[start] = notebooks.to_text(notebook)
        readme = re.sub(r"\]\((\d\d_\w+\.ipynb)\)", r"](notebooks/\1)", table)
        texts[args.readme] = replace_block(args.readme, "map", readme)
    bench = args.results / speed.FOLDER
    measured = [tables(stored, args.results), speed.table(speed.load(bench)), clock.table(clock.load(bench))]
    block = "\n\n".join(filter(None, measured))
    texts[args.tables] = replace_block(args.tables, "results", block)
    contents = {path: text.encode() for path, text in texts.items()} | front_picture(args.readme, args.folder)
    old = [path.name for path, content in contents.items() if not path.exists() or path.read_bytes() != content]
    if not args.check:
        for path, content in contents.items():
            write_bytes(path, content)
    if not old:
        print("up to date: " + ", ".join(path.name for path in contents))
    elif args.check:
        print(f"out of date: {', '.join(old)}; run: python -m utils results")
    else:
        print(f"written from {len(paths)} notebooks: {', '.join(old)}")
    return 1 if old and args.check else 0


def replace_block(path: Path, name: str, block: str) -> str:
    """Return a file's text with what stands between the start and end marks of a block replaced.

    Raises
    ------
    UsageError
        If the file has not got both marks, once each and in order.
    """
    text = path.read_text(encoding="utf-8")
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise UsageError(
            f"{path.name} needs one {start} and, after it, one {end}; put them back around the {name} block"
        )
    return text[: text.index(start) + len(start)] + f"\n{block.strip()}\n" + text[text.index(end) :]


def front_picture(readme: Path, folder: Path) -> dict[Path, bytes]:
    """Return README's picture as {file: content}, taken from the output of the cell that README names above it.

    README says `<!-- picture: NN_topic CELL_ID -->` and, below, `![text](file.png)`; without that line there is none.

    Raises
    ------
    UsageError
        If no image follows that line, or the notebook stores no picture in that cell.
    """
    text = readme.read_text(encoding="utf-8")
    named = re.search(r"<!-- picture: (?P<name>\w+) (?P<cell>\S+) -->", text)
    if named is None:
        return {}
    image = re.match(r"\s*!\[[^\]]*\]\((?P<file>[^)\s]+\.png)\)", text[named.end() :])
    if image is None:
        raise UsageError(f"{readme.name} has no ![text](file.png) below its line {named[0]!r}")
    for path in catalogue.find([named["name"]], folder):
        cells = [cell for cell in notebooks.read(path).cells if cell.get("id") == named["cell"]]
        for output in (output for cell in cells for output in cell.get("outputs", [])):
            if "image/png" in output.get("data", {}):
                return {readme.parent / image["file"]: base64.b64decode(output.data["image/png"])}
    raise UsageError(f"{named['name']} stores no picture in a cell {named['cell']!r}, which {readme.name} names")


# ------------------------------------------------------------------------------------------------------------ the map


def with_map(notebook, folder: Path) -> tuple:
    """Refresh the map in the cells of 00_start_here, in place; return the notebook and the map's table as Markdown.

    Raises
    ------
    UsageError
        If no Markdown cell has the heading of the map and a table, or a notebook does not say which data it needs.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and MAP_HEADING in cell.source:
            lines = cell.source.split("\n")
            rows = [k for k, line in enumerate(lines) if line.startswith("|")]
            if rows and rows == list(range(rows[0], rows[-1] + 1)):
                table = map_table(lines[rows[0] : rows[-1] + 1], folder)
                cell.source = "\n".join([*lines[: rows[0]], *table, *lines[rows[-1] + 1 :]])
                return notebook, "\n".join(table)
    raise UsageError(f"{MAP} has no Markdown cell with the heading {MAP_HEADING!r} and one table, README's map")


def map_table(lines: list[str], folder: Path) -> list[str]:
    """Return the rows of the map with the column `data`, and a link wherever the notebook exists."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    if "data" not in rows[0]:
        rows = [[*row[:2], "", *row[2:]] for row in rows]
        rows[0][2], rows[1][2] = "data", "---"
    column = rows[0].index("data")
    existing = {path.stem[:2]: path for path in catalogue.find(folder=folder)}
    for row in rows[2:]:
        found = re.match(r"\[?(\d\d) · ([^\]]+)", row[0])
        path = existing.get(found[1]) if found else None
        row[column] = data_needed(path) if path else ""
        if path:
            row[0] = f"[{found[1]} · {found[2].strip()}]({path.name})"
    return [_line(rows[0]), f"|{'|'.join(rows[1])}|", *map(_line, rows[2:])]


def data_needed(path: Path) -> str:
    """Return which data a notebook needs in full, and their size: `glove, imdb: 156 MB`; `none` if it needs none.

    The size is that of the smallest files that suffice, each counted once.
    """
    needs = catalogue.needs(path)
    if not needs:
        return "none"
    files = {entry.name: entry for entry in map(smallest, needs)}
    sets = ", ".join(dict.fromkeys(need.split("-")[0] for need in needs))
    if any(entry.size is None for entry in files.values()):
        return f"{sets}: size not published"
    size = sum(entry.size for entry in files.values())
    return f"{sets}: {size / 1e6:,.0f} MB" if size >= 9_500_000 else f"{sets}: {megabytes(size)}"


# --------------------------------------------------------------------------------------------------------- the tables


def tables(stored: dict[str, dict | None], folder: Path = records.RESULTS) -> str:
    """Return the stored results as Markdown: one row a notebook, the lecture's figures, and, folded, all others.

    Parameters
    ----------
    stored : dict
        Results by notebook, None for one that stores none.
    folder : Path
        Where `stability` keeps its runs; those that are stale are left out, and named on standard output.
    """
    runs = {}
    for name, results in stored.items():
        if results is not None:
            runs[name] = records.comparable(name, results, folder)
            for record in records.load(name, folder):
                if why := records.stale(record, results):
                    print(f"stale, left out: {name}, {record.label}: {why}")
    titles = ["notebook", "profile and data", "seconds", "claims and bounds held", "failed", "runs", "held in all runs"]
    lines = [f"| {' | '.join(titles)} |", "|---|---|---:|---:|---:|---:|---:|"]
    lines += [_row(_summary(name, kept)) for name, kept in runs.items()]
    fold = ["", "<details><summary>All other figures</summary>", ""]
    return "\n".join([*lines, "", *_figures(runs, True), *fold, *_figures(runs, False), "", "</details>"])


def _summary(name: str, runs: list[records.Record]) -> list[str]:
    """Return one notebook's row: profile and data, seconds, what held in the stored run, and in all runs."""
    results = runs[0].results
    data = ", ".join(f"{key}: {source}" for key, source in sorted(results["data"].items()))
    states = list(notebooks.judged(results).values())
    held, number = records.held_in_all(runs)
    return [
        _link(name),
        results["profile"] + (f"; {data}" if data else ""),
        f"{results['seconds']:.0f}",
        f"{states.count(HELD)} of {len(states) - states.count(ON_STANDIN)}",
        str(states.count(FAILED)),
        str(len(runs)),
        f"{held} of {number}" if len(runs) > 1 else "one run",
    ]


def _figures(runs: dict[str, list[records.Record]], with_lecture: bool) -> list[str]:
    """Return the rows of figures that have one of the lecture's beside them, or of those that have none.

    A figure measured on a stand-in is one of the latter, whatever the lecture says: the two are not to be compared.
    """
    titles = ["notebook", "figure", *["lecture"] * with_lecture, "measured", "range", "spread", "bound"]
    lines = [_row(titles), f"|---|---|{'---:|' * (len(titles) - 2)}"]
    for name, kept in runs.items():
        results = kept[0].results
        generated = [key for key, source in sorted(results["data"].items()) if source != "real"]
        link = _link(name) + (f" (stand-in: {', '.join(generated)})" if generated else "")
        ranges = records.values(kept)
        for row in results["reports"]:
            compared = row["lecture"] is not None
            made_up = row.get("standin") or (generated and on_standin(row["label"], results["data"], compared))
            if (row["lecture"] is not None and not made_up) != with_lecture:
                continue
            cells = [link, row["label"]]
            cells += [_with_unit(row["lecture"], row["unit"])] * with_lecture
            cells += [
                _with_unit(row["measured"], row["unit"])
                + (" (stand-in)" if made_up and row["measured"] != "stand-in" else "")
            ]
            lines.append(_row([*cells, _range(ranges[row["label"]]), _spread(row), _bound(row)]))
            link = ""  # once for each notebook
    return lines


def on_standin(label: str, used: dict[str, str], compared: bool = True) -> bool:
    """Return whether a figure is taken for one of a stand-in: its label names one.

    If it would be compared with the lecture's, it is taken for one also where its label names no real set.
    """
    words = label.casefold()
    real = any(name.casefold() in words for name, source in used.items() if source == "real")
    generated = any(name.casefold() in words for name, source in used.items() if source != "real")
    return generated or (compared and not real)


def _range(measured: list) -> str:
    """Return the range of a figure over all runs that reported it, and how many they were."""
    if len(measured) == 1:
        return "one run"
    ends = records.span(measured)
    if ends is None:
        different = list(dict.fromkeys(map(str, measured)))
        text = "the same" if len(different) == 1 else " / ".join(different)
    else:
        low, high = map(format_number, ends)
        text = low if low == high else f"{low} to {high}"
    return f"{text} ({len(measured)} runs)"


def _spread(row: dict) -> str:
    return NONE if row.get("spread") is None else f"± {format_number(row['spread'])}"


def _bound(row: dict) -> str:
    """Return the bound that the run enforced; its state where it did not hold."""
    low, high = row.get("at_least"), row.get("at_most")
    parts = ([f"≥ {format_number(low)}"] if low is not None else []) + (
        [f"≤ {format_number(high)}"] if high is not None else []
    )
    state = {FAILED: " ✗ failed", NOT_JUDGED: " (not judged)", ON_STANDIN: " (not judged)"}.get(row.get("state"), "")
    return ", ".join(parts) + state if parts else NONE


def _with_unit(value, unit: str) -> str:
    """Return a figure and its unit; a text, like "fails" or "(100, 64)", has none."""
    text = format_number(value)
    return f"{text} {unit}".strip() if isinstance(value, numbers.Number) and not isinstance(value, bool) else text


def _link(name: str) -> str:
    return f"[{name}](notebooks/{name}.ipynb)"


def _row(cells: list[str]) -> str:
    """Return one row of a table, whatever the cells hold."""
    return _line([cell.replace("|", "\\|").replace("\n", " ") for cell in cells])


def _line(cells: list[str]) -> str:
    return re.sub(r"\|  (?=\|)", "| ", f"| {' | '.join(cells)} |")
