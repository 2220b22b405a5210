"""`python -m utils fetch`: say what data weigh and under which licence they come, then fetch them.

Words are notebooks (`5`), needs (`glove-50d`: `utils.datasets.NEEDS`) or entries of `data/registry.toml`. For a need
the smallest form that suffices is fetched. Only the standard library is imported at the top: `doctor` and the map use
what is here.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from utils import datasets, settings
from utils.cli import catalogue
from utils.cli.catalogue import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `fetch`."""
    parser.add_argument("names", nargs="*", help="notebooks or data sets, such as: 5 glove-50d jena")
    parser.add_argument("--all", action="store_true", help="what the notebooks that there are need in full")
    parser.add_argument("--dry-run", action="store_true", help="only say what is on disk and what would be fetched")
    parser.add_argument("--into", type=Path, help="also copy the files into this folder, for a class or a memory stick")
    parser.add_argument("--folder", type=Path, default=catalogue.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Fetch what `args` names; return 0, or 1 if a file could not be had (the others are fetched all the same).

    Raises
    ------
    UsageError
        If a word is neither a notebook nor a data set, or the disk has no room.
    """
    if args.all == bool(args.names):
        raise UsageError(
            f"give notebooks or data sets, or --all for every notebook's; data sets: {', '.join(datasets.NEEDS)}"
        )
    paths = catalogue.find(folder=args.folder)
    plans = datasets.plan(wanted(args.names, args.folder) if args.names else needs_of(paths))
    for plan in plans:
        print(describe(plan))
        print(f"    licence: {plan.entry.licence}")
    missing = [plan for plan in _once(plans) if plan.path is None]
    total = sum(plan.entry.size or 0 for plan in missing)
    print(f"{len(missing)} to fetch, {megabytes(total)} where the size is known; into {settings.cache_dir()}")
    if args.dry_run:
        return 0
    _check_room(total)
    failed, found = 0, [plan.path for plan in _once(plans) if plan.path is not None]
    for plan in missing:
        try:
            found.append(datasets.fetch(plan.name))
            print(f"{plan.name}: {found[-1]}")
        except datasets.DataUnavailable as error:
            failed += 1
            print(error)
    if args.into is not None:
        for path in found:
            copy_whole(path, args.into)
        print(f"{len(found)} copied into {args.into}")
    return 1 if failed else 0


def copy_whole(path: Path, into: Path) -> None:
    """Copy a file or folder into another folder under its own name, whole or not at all; leave one that is there."""
    if (into / path.name).exists():
        return
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".copying-") as temporary:
        (shutil.copytree if path.is_dir() else shutil.copy2)(path, Path(temporary, path.name))
        os.replace(Path(temporary, path.name), into / path.name)


def wanted(words: list[str], folder: Path | None = None) -> list[str]:
    """Return the names of needs and entries that the words mean, each once: a notebook means all that it needs.

    Raises
    ------
    UsageError
        If no notebook has that number. The names of data sets are left for `datasets.plan` to judge.
    """
    names = []
    for word in words:  # no data set begins with a digit
        names += needs_of(catalogue.find([word], folder)) if word[:1].isdecimal() else [word]
    return list(dict.fromkeys(names))


def needs_of(paths: Iterable[Path]) -> list[str]:
    """Return the names of all that these notebooks need, each once."""
    return list(dict.fromkeys(name for path in paths for name in catalogue.needs(path)))


def smallest(need: str) -> "datasets.Entry":
    """Return the smallest form that suffices for a need and has an address; the best one where none has.

    What is on this machine's disk plays no part, so that the map says the same everywhere.
    """
    forms = [datasets.entries()[name] for name in datasets.NEEDS[need]]
    return min((form for form in forms if form.urls), key=lambda form: form.size or float("inf"), default=forms[0])


def megabytes(size: int | None) -> str:
    """Write a number of bytes for a reader; "size not published" for None."""
    if size is None:
        return "size not published"
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def describe(plan: "datasets.Plan") -> str:
    """Return one line: name, size, where it is or what fetching it would mean."""
    status = plan.status if plan.entry.name == plan.name else f"{plan.status} ({plan.entry.name})"
    return f"{plan.name:<18} {megabytes(plan.entry.size):>18}  {status:<32} {plan.entry.title}"


def _once(plans: list) -> list:
    """Return the plans without those whose file an earlier one is about already."""
    return list({plan.entry.name: plan for plan in reversed(plans)}.values())[::-1]


def _check_room(total: int) -> None:
    cache = settings.cache_dir()
    free = free_bytes(cache)
    if free < total:
        raise UsageError(
            f"{megabytes(total)} are needed in {cache}, {megabytes(free)} are free; set COURSE_CACHE to another disk"
        )


def free_bytes(folder: Path) -> int:
    """Return the free space on the disk of a folder that need not exist yet."""
    return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.is_dir())).free
