"""The command line of the course: `python -m utils COMMAND --help`."""

import argparse
import importlib
import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before an older Python meets what it cannot import
    sys.exit(f"python -m utils: this is Python {sys.version.split()[0]}; the course needs 3.11, 3.12 or 3.13")

COMMANDS = {
    "run": "execute notebooks in parallel and end with a table of seconds and claims",
    "stability": "run notebooks in full with further seeds, and say which claims and figures moved",
    "copy": "copy notebooks into a folder of your own, to work in",
    "handout": "write copies for a class: without solutions and outputs, an empty cell for each exercise",
    "assignments": "write the student versions of the graded assignments, each one checked and run",
    "grade": "grade a folder of submissions in parallel, and write grades.csv and feedback",
    "fetch": "download data sets: sizes and licences first, progress during",
    "doctor": "say what this machine has, which notebooks run now, and what the others would download",
    "badges": "stamp badges and the clone address into notebooks and README, or remove them",
    "results": "write the map, and the measured tables of RESULTS.md, from the stored notebooks",
    "normalise": "bring notebooks into the form in which they are committed",
}


def main(words: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    words : list of str, optional
        The words after `python -m utils`; those of this process without it.

    Returns
    -------
    int
        0 done, 1 something failed, 2 the call was wrong or cannot be done here, 130 interrupted.

    Notes
    -----
    An error that a reader can mend becomes one line. Any other exception is a fault of ours and keeps its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a pipe in cp1252 cannot say ✗: better a "?" than no table
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(prog="python -m utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    try:
        for name, text in COMMANDS.items():
            command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
            if words[:1] == [name]:  # only the command that is called is imported: --help stays quick
                importlib.import_module(f"utils.cli.{name}").add_arguments(command)
        args = parser.parse_args(words)
        return importlib.import_module(f"utils.cli.{args.command}").main(args)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "utils").split(".")[0] == "utils":
            raise
        print(_hint(words[0], error.name or ""), file=sys.stderr)
        return 2
    except _expected() as error:
        print(f"python -m utils {words[0]}: {error}", file=sys.stderr)
        return 2


def _hint(command: str, missing: str) -> str:
    """Return what to say where the course's packages are missing, or those that only a teacher has."""
    python = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"
    call = f"python -m utils {command}"
    part = {"nbgrader": "teaching", "distributed": "cluster", "dask": "cluster"}.get(missing.split(".")[0])
    if part:
        install = f"{python} -m pip install -c constraints.txt -e '.[{part}]'"
        return f"{call} needs {missing.split('.')[0]}, which only teachers install: run 'make assignments' or {install}"
    return f"{call} needs the course's packages: run 'make lab' once, or use {python} -m utils {command}"


def _expected() -> tuple[type[Exception], ...]:
    """Return the errors that a reader can mend: those of the call, of files, and of data sets where they are loaded."""
    from utils.cli.catalogue import UsageError

    found = [UsageError, OSError]
    for module, names in {
        "utils.datasets": ("DataUnavailable", "RegistryError", "UnknownName"),
        "utils.entrance": ("NotReady",),
    }.items():
        found += [getattr(sys.modules[module], name) for name in names if module in sys.modules]
    return tuple(found)


if __name__ == "__main__":
    sys.exit(main())
