"""`python -m utils fetch`: say what each data set weighs and under which licence it comes, then fetch it."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `fetch`."""
    parser.add_argument("names", nargs="*", help="names from data/registry.toml, such as jena beijing")
    parser.add_argument("--all", action="store_true", help="every data set that has a public address")
    parser.add_argument("--dry-run", action="store_true", help="only say what is on disk and what would be fetched")
