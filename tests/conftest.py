"""What the tests share: marks, the folder of notebooks to check, and a clean environment for every unit test."""

import os
from pathlib import Path

import pytest

from utils import settings
from utils.cli import notebooks, run

try:
    DATA_DIRS = settings.data_dirs()  # before a fixture changes the shell
except NotADirectoryError:
    DATA_DIRS = []


def pytest_addoption(parser):
    parser.addoption(
        "--notebooks", type=Path, default=notebooks.NOTEBOOKS, help="folder whose notebooks are style-tested"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "notebook: a cell of a notebook, run by nbval")
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))  # of this worker too: its kernels inherit the threads
    os.environ.update(run.share(workers))


def pytest_generate_tests(metafunc):
    if "notebook_path" in metafunc.fixturenames:
        paths = notebooks.find(folder=metafunc.config.getoption("--notebooks"))
        metafunc.parametrize("notebook_path", paths, ids=[path.stem for path in paths])


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("notebook")


@pytest.fixture
def quick(monkeypatch):
    """The quick profile, whatever the shell says."""
    monkeypatch.setenv("COURSE_PROFILE", "quick")


@pytest.fixture
def real(monkeypatch, tmp_path):
    """The reader's own data folders, with a cache of our own and the quick profile, so that nothing is downloaded."""
    if not DATA_DIRS:
        pytest.skip("COURSE_DATA_DIR is not set")
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
