"""The command line of the course: `python -m utils COMMAND --help`."""

import argparse
import importlib
import sys

COMMANDS = {
    "run": "execute notebooks in parallel and end with a table of seconds and claims",
    "fetch": "download data sets: sizes and licences first, progress during",
    "doctor": "say what this machine has: versions, device, data, profile, what would be downloaded",
    "badges": "stamp the Colab badge and the clone address into every notebook, or remove them",
    "results": "write README's map and measured table from the stored notebooks",
    "normalise": "bring notebooks into the form in which they are committed",
}


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 something failed, 2 the call was wrong."""
    parser = argparse.ArgumentParser(prog="python -m utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    words = sys.argv[1:] if words is None else words
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name in words:  # only the command that is called is imported: --help stays quick
            importlib.import_module(f"utils.cli.{name}").add_arguments(command)
    args = parser.parse_args(words)
    try:
        return importlib.import_module(f"utils.cli.{args.command}").main(args)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except (ValueError, OSError, LookupError, ImportError, RuntimeError) as error:
        text = error.args[0] if isinstance(error, LookupError) and error.args else error
        print(f"python -m utils {args.command}: {text}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
