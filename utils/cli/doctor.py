"""`python -m utils doctor`: say what this machine has, which notebooks run now, and what the others would fetch.

It is what a reader calls when something is missing, so it needs nothing but Python: only the standard library is
imported, unless the packages are there.
"""

import argparse
import platform
import sys
from pathlib import Path
from urllib.parse import urlsplit

from utils import COURSE_ROOT, datasets, entrance, settings
from utils.cli import catalogue
from utils.cli.catalogue import UsageError
from utils.cli.fetch import free_bytes, megabytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `doctor`."""
    parser.add_argument("--folder", type=Path, default=catalogue.NOTEBOOKS, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Print the report; return 0 if this Python can run the notebooks, else 1."""
    problems = _python() + _packages()
    if not problems:
        problems += _device()
    problems += _settings()
    print()
    summary = _notebooks(args.folder, problems)
    print()
    for problem in problems:
        print(f"problem: {problem}")
    print(summary if not problems else f"Not ready: {len(problems)} problem{'s' * (len(problems) > 1)}, above.")
    return 1 if problems else 0


def _python() -> list[str]:
    venv = COURSE_ROOT / ".venv"
    inside = Path(sys.prefix).resolve() == venv.resolve()
    print(f"Python    {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"          .venv {'is this Python' if inside else 'is there' if venv.is_dir() else 'is not there'}")
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return [f"Python {platform.python_version()}: the course needs 3.11, 3.12 or 3.13"]
    return []


def _packages() -> list[str]:
    """Hold every installed package against its range in requirements.txt; return what is wrong, in one line at most."""
    wrong = []
    print("packages")
    for name, bounds in map(entrance.split_requirement, entrance.requirements()):
        version = entrance.installed(name)
        good = version is not None and entrance.within(version, bounds)
        print(f"          {name:<12} {version or 'missing':<12} {'' if good else f'<- wanted {bounds}'}".rstrip())
        if not good:
            wrong.append(f"{name} {version or 'missing'}")
    advice = "run 'make lab' once, or pip install -r requirements.txt"
    if wrong and (COURSE_ROOT / ".venv").is_dir() and Path(sys.prefix) != COURSE_ROOT / ".venv":
        advice = "this is not the course's own Python, which is in .venv: run 'make doctor'"
    return [f"{len(wrong)} packages not as wanted ({', '.join(wrong)}); {advice}"] if wrong else []


def _device() -> list[str]:
    from utils import course

    try:
        entrance.prepare()
    except (entrance.NotReady, ValueError) as error:
        return [str(error)]
    kind, name = course.find_device()
    print(f"device    {kind} ({name}), XLA {'on' if kind == 'CPU' else 'off'}")
    return []


def _settings() -> list[str]:
    """Print profile, data folders and cache; return what the environment's variables have wrong."""
    problems = []

    def tell(title: str, read) -> None:
        try:
            print(f"{title:<9} {read()}")
        except (ValueError, OSError) as error:
            problems.append(str(error))

    def folders() -> str:
        return ", ".join(map(str, settings.data_dirs())) or "COURSE_DATA_DIR is not set"

    def cache() -> str:
        return f"{settings.cache_dir()} ({free_bytes(settings.cache_dir()) / 1e9:,.0f} GB free)"

    tell("profile", lambda: f"{settings.profile()} (COURSE_PROFILE)")
    tell("mirror", lambda: settings.mirror() or "COURSE_MIRROR is not set")
    tell("data", folders)
    tell("cache", cache)
    return problems


def _notebooks(folder: Path, problems: list[str]) -> str:
    """Print for every notebook whether its data are here; return what can be run in full, in one sentence."""
    paths = catalogue.find(folder=folder)
    now, by_hand, missing = 0, 0, {}
    for path in paths:
        try:
            plans = datasets.plan(catalogue.needs(path))
            title = catalogue.title(path)
        except (UsageError, datasets.RegistryError, datasets.UnknownName, OSError) as error:
            problems.append(str(error))
            continue
        lacking = {plan.entry.name: plan for plan in plans if plan.path is None}
        now += not lacking
        by_hand += any(not plan.urls for plan in lacking.values())
        missing |= lacking
        print(f"{title:<34} {_state(plans, list(lacking.values()))}")
    text = f"Ready for {now} of {len(paths)} notebooks in full without a download"
    total = megabytes(sum(plan.entry.size or 0 for plan in missing.values() if plan.urls))
    would = len(paths) - now - by_hand
    text += f"; {would} would fetch {total} (the network was not tried)" if would else ""
    text += f"; {by_hand} need files that nobody serves, put in place by hand" if by_hand else ""
    return text + "; in the quick profile all run." if now < len(paths) else text + "."


def _state(plans: list, lacking: list) -> str:
    """Return whether a notebook runs now, and otherwise what it would fetch, from where, how large."""
    if not plans:
        return "runs now: needs no data"
    if not lacking:
        return "runs now: " + ", ".join(f"{plan.name} in {plan.status}" for plan in plans)
    parts = []
    for plan in lacking:
        if plan.urls:
            source = urlsplit(plan.urls[0]).hostname
            parts.append(f"{plan.entry.name}, {megabytes(plan.entry.size)} from {source}")
        else:
            parts.append(f"{plan.entry.file}, by hand: nobody serves it")
    return "in quick only; a full run would fetch " + "; ".join(parts)
