"""`python -m utils doctor`: say what this machine has, and what a full run would fetch."""

import argparse
import importlib.metadata
import platform
import shutil
import sys

from utils import course, settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`doctor` has no options."""


def main(args: argparse.Namespace) -> int:
    """Print the report; return 0 if the notebooks can run here, else 1."""
    problems = _python() + _packages()
    if not problems:
        _device()
    _data()
    print()
    for problem in problems:
        print(f"problem: {problem}")
    if not problems:
        print("Ready: the notebooks can run here.")
    return 1 if problems else 0


def _python() -> list[str]:
    print(f"Python    {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"profile   {settings.profile()} (COURSE_PROFILE)")
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return [f"Python {platform.python_version()}: the course needs 3.11, 3.12 or 3.13"]
    return []


def _packages() -> list[str]:
    """Hold every installed package against its range in requirements.txt."""
    from packaging.requirements import Requirement

    problems = []
    for line in course.requirements():
        wanted = Requirement(line)
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            version = "missing"
        good = version != "missing" and wanted.specifier.contains(version, prereleases=True)
        print(f"          {wanted.name:<12} {version:<12} {'' if good else f'<- wanted {wanted.specifier}'}".rstrip())
        if not good:
            problems.append(f"{wanted.name} is {version}, wanted {wanted.specifier}: pip install -r requirements.txt")
    return problems


def _device() -> None:
    course.prepare()
    kind, name = course.find_device()
    print(f"device    {kind} ({name}), XLA {'on' if kind == 'CPU' else 'off'}")


def _data() -> None:
    from utils import datasets
    from utils.cli.fetch import describe, megabytes

    cache = settings.cache_dir()
    existing = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    print(f"cache     {cache} ({shutil.disk_usage(existing).free / 1e9:,.0f} GB free)")
    print("data      " + (", ".join(map(str, settings.data_dirs())) or "COURSE_DATA_DIR is not set"))
    plans = datasets.plan()
    for plan in plans:
        print(f"          {describe(plan)}")
    missing = [plan for plan in plans if plan.path is None and plan.urls]
    print(f"          to download for everything: {megabytes(sum(plan.entry.size or 0 for plan in missing))}")
