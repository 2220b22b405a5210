"""`python -m utils results`: write README's map and its table of measured figures from the notebooks as stored."""

import argparse
import json
import re
import sys
from pathlib import Path

from utils import COURSE_ROOT
from utils.cli import notebooks
from utils.course import FAILED, HELD, format_number

README = COURSE_ROOT / "README.md"
MAP_HEADING = "The map of the course"
"""The heading of the cell in 00_start_here that holds the course map: the only place where it is kept."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `results`."""
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if README.md is out of date")
    parser.add_argument(
        "--json", action="store_true", help="print the stored results of every notebook as JSON instead"
    )
    parser.add_argument("--folder", type=Path, default=notebooks.NOTEBOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--readme", type=Path, default=README, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Refresh README.md (or check it, or print JSON); return 0, or 1 if `--check` found it out of date."""
    paths = notebooks.find(folder=args.folder)
    stored = {path.stem: notebooks.results(notebooks.read(path)) for path in paths}
    if args.json:
        json.dump(stored, sys.stdout, indent=1, ensure_ascii=False)
        print()
        return 0
    old = args.readme.read_text(encoding="utf-8")
    new = replace_block(old, "results", results_table(stored))
    if "00_start_here" in stored:
        new = replace_block(new, "map", course_map(args.folder / "00_start_here.ipynb"))
    if new == old:
        print(f"{args.readme.name} is up to date")
        return 0
    if args.check:
        print(f"{args.readme.name} is out of date; run: python -m utils results")
        return 1
    args.readme.write_text(new, encoding="utf-8")
    print(f"{args.readme.name} written from {len(paths)} notebooks")
    return 0


def replace_block(text: str, name: str, block: str) -> str:
    """Replace what stands between the start and end marks of a block. Raises ValueError without both marks."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ValueError(f"README.md needs one {start} and, after it, one {end}; put them back around the {name} block")
    return text[: text.index(start) + len(start)] + f"\n{block.strip()}\n" + text[text.index(end) :]


def results_table(stored: dict[str, dict | None]) -> str:
    """Return the stored results as Markdown: one row a notebook, the lecture's figures, and, folded, all others."""
    done = {name: results for name, results in stored.items() if results is not None}
    runs = ["| notebook | profile and data | seconds | claims held | failed |", "|---|---|---:|---:|---:|"]
    for name, results in done.items():
        data = ", ".join(f"{key}: {source}" for key, source in sorted(results["data"].items()))
        states = [claim["state"] for claim in results["claims"]]
        profile = results["profile"] + (f"; {data}" if data else "")
        counts = f"{states.count(HELD)} of {len(states)} | {states.count(FAILED)}"
        runs.append(f"| {_link(name)} | {_cell(profile)} | {results['seconds']:.0f} | {counts} |")
    fold = ["", "<details><summary>All other figures</summary>", ""]
    return "\n".join([*runs, "", *_figures(done, True), *fold, *_figures(done, False), "", "</details>"])


def _figures(stored: dict[str, dict], with_lecture: bool) -> list[str]:
    """Return the rows of figures that have one of the lecture's beside them, or of those that have none."""
    titles = ["notebook", "figure", "lecture", "measured"] if with_lecture else ["notebook", "figure", "measured"]
    lines = [f"| {' | '.join(titles)} |", f"|---|---|{'---:|' * (len(titles) - 2)}"]
    for name, results in stored.items():
        generated = [key for key, source in sorted(results["data"].items()) if source != "real"]
        link = _link(name) + (f" (stand-in: {', '.join(generated)})" if generated else "")
        for row in (row for row in results["reports"] if (row["lecture"] is not None) == with_lecture):
            kinds = ["lecture", "measured"] if with_lecture else ["measured"]
            cells = [link, row["label"], *(_with_unit(row[kind], row["unit"]) for kind in kinds)]
            lines.append(f"| {' | '.join(map(_cell, cells))} |")
            link = ""  # once for each notebook
    return lines


def _with_unit(value, unit: str) -> str:
    """Return a figure and its unit; words, like "fails", have none."""
    text = format_number(value)
    return f"{text} {unit}".strip() if any(map(str.isdigit, text)) else text


def _link(name: str) -> str:
    return f"[{name}](notebooks/{name}.ipynb)"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def course_map(path: Path) -> str:
    """Return the table of the course map that 00_start_here shows, its links made to work from the top folder."""
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown" and MAP_HEADING in cell.source:
            table = [line for line in cell.source.splitlines() if line.startswith("|")]
            return re.sub(r"\]\((\d\d_\w+\.ipynb)\)", r"](notebooks/\1)", "\n".join(table))
    raise ValueError(
        f"{path.name} has no markdown cell with the heading {MAP_HEADING!r}, which README's map is made from"
    )
