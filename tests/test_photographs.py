"""Notebook 25 on photographs: its own cells, run on image files that the test writes; real ones are not at hand."""

import numpy as np
import pytest
from PIL import Image

from utils.cli import notebooks
from utils.datasets import flickr8k
from utils.datasets.standins import flickr8k as made_up

CELLS = (
    "25import", "25data01", "25judge0", "25enc000", "25enc001", "25grid01", "25voca00", "25fit001", "25once00",
    "25gred00", "25writer", "25tune02", "25deep3b", "25deep3c", "25deep3e",
)  # fmt: skip
"""What the steps on photographs use, in the order of the notebook."""


@pytest.fixture
def photographs(tmp_path):
    """A folder with a photograph for each image of the stand-in: a colour for each subject, noise besides."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "Flicker8k_Dataset"
    folder.mkdir()
    colours = {}
    for part in made_up.flickr8k().values():
        for name, captions in part.items():
            colour = colours.setdefault(captions[0].split()[1], rng.integers(256, size=3))
            pixels = np.clip(colour + rng.normal(scale=20, size=(40, 60, 3)), 0, 255)
            Image.fromarray(pixels.astype("uint8")).save(folder / name)
    return folder


def test_the_steps_of_notebook_25_train_on_image_files(photographs, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setattr(flickr8k, "flickr8k_images", lambda: photographs)
    path = next(notebooks.NOTEBOOKS.glob("25_*.ipynb"))
    source = {cell.id: cell.source for cell in notebooks.read(path).cells}
    space = {"__name__": "__main__"}
    for cell in CELLS:
        exec(compile(source[cell], cell, "exec"), space)
    out = capsys.readouterr().out
    assert f"photographs: {photographs.name}" in out and "50 photographs, BLEU" in out
    assert len(space["texts"]) == 50 and all(isinstance(text, str) for text in space["texts"])
    assert space["grids"][0].shape == (300, 144, 76 + 12) and np.isfinite(space["grids"][0]).all()
    assert np.ptp(space["grids"][0][..., :64], axis=0).max() > 0, "different photographs give different grids"
