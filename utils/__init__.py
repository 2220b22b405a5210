"""Shared code of the course: what two notebooks, a test or an assignment use in common.

Notebooks import `utils`; nothing in `utils` knows a notebook by name.
"""

from pathlib import Path

COURSE_ROOT = Path(__file__).resolve().parent.parent
"""The course folder: the one that holds `notebooks`, `utils`, `data` and `tests`."""
