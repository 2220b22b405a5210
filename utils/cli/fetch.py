"""`python -m utils fetch`: say what each data set weighs and under which licence it comes, then fetch it."""

import argparse
import shutil

from utils import datasets, settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `fetch`."""
    parser.add_argument("names", nargs="*", help="names from data/registry.toml, such as: jena beijing")
    parser.add_argument("--all", action="store_true", help="every data set that has a public address")
    parser.add_argument("--dry-run", action="store_true", help="only say what is on disk and what would be fetched")


def main(args: argparse.Namespace) -> int:
    """Fetch what `args` names; return 0, or 1 if a file could not be had (the others are fetched all the same)."""
    if args.all == bool(args.names):
        known = ", ".join(name for name, entry in datasets.registry().items() if entry.form_of is None)
        raise ValueError(f"give names of data sets, or --all for every one; there are: {known}")
    plans = datasets.plan(args.names or None)
    for plan in plans:
        print(describe(plan))
        print(f"    licence: {plan.entry.licence}")
    wanted = [plan for plan in plans if plan.path is None and (plan.urls or args.names)]
    total = sum(plan.entry.size or 0 for plan in wanted)
    print(f"{len(wanted)} to fetch, {megabytes(total)} where the size is known; into {settings.cache_dir()}")
    if args.dry_run:
        return 0
    if args.all and wanted:
        _check_room(total)
    failed = 0
    for plan in wanted:
        try:
            print(f"{plan.entry.name}: {datasets.fetch(plan.entry.name)}")
        except datasets.DataUnavailable as error:
            failed += 1
            print(error)
    return 1 if failed else 0


def _check_room(total: int) -> None:
    cache = settings.cache_dir()
    free = shutil.disk_usage(next(folder for folder in (cache, *cache.parents) if folder.is_dir())).free
    if free < total:
        raise OSError(
            f"{megabytes(total)} are needed in {cache}, {megabytes(free)} are free; set COURSE_CACHE to another disk"
        )


def megabytes(size: int | None) -> str:
    """Write a number of bytes for a reader; "size not published" for None."""
    if size is None:
        return "size not published"
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def describe(plan: datasets.Plan) -> str:
    """Return one line: name, size, where it is or what fetching it would mean."""
    status = plan.status
    if plan.path is None and plan.forms:
        status += f" (on disk: {', '.join(entry.name for entry, _ in plan.forms)})"
    return f"{plan.entry.name:<18} {megabytes(plan.entry.size):>18}  {status:<14} {plan.entry.title}"
