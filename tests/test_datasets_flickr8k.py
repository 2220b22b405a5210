"""Flickr8k: captions read as they stand, mistakes refused by line; images found, cut in the middle, refused by name."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from loopback import course, no_network
from PIL import Image

from utils import datasets
from utils.datasets import DataUnavailable, checks, load_flickr8k_captions
from utils.datasets import flickr8k as module
from utils.datasets.flickr8k import CAPTIONS, FILES, SIZES, check_captions, flickr8k_images, read_images
from utils.datasets.standins import flickr8k as standin

DOG, CAT, BOY, COW = "1_00000000aa.jpg", "2_00000000bb.jpg", "3_00000000cc.jpg", "4_00000000dd.jpg"


def lines(name, *texts):
    return [f"{name}#{number}\t{text}\n" for number, text in enumerate(texts)]


DOGS = ["A dog runs .", "Two dogs , not one", "the dog\x85barks .", "A dog .", "A dog ."]
CATS = [f"A cat {number} ." for number in range(5)]
BOYS = [f"A boy {number} ." for number in range(5)]
# An image that is in no part has one odd name, as in the real file, and not five captions; \r\n now and then.
NOWHERE = ["9_00000000ee.jpg.1#0\tA train .\r\n", "9_00000000ee.jpg#1\tA train .\n"]
GOOD = "".join([*lines(CAT, *CATS), *lines(DOG, *DOGS), *NOWHERE, *lines(BOY, *BOYS), *lines(COW, *"abcde")])
CONTENT = {
    CAPTIONS: GOOD,
    FILES["train"]: f"{DOG}\r\n{CAT}\n",
    FILES["dev"]: BOY,
    FILES["test"]: f"{COW}\n",
}


def archive(course, **changed):
    """Put an archive there, with other texts for "captions", "train", "dev" or "test"; None leaves one out."""
    path = course.data / "Flickr8k_text.zip"
    with zipfile.ZipFile(path, "w") as box:
        for member, text in contents(changed).items():
            box.writestr(f"in/{member}", text)
    course.clear()
    course.add("flickr8k-text", file=path.name, hash=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    return path


def contents(changed):
    found = {member: changed.get(split, CONTENT[member]) for split, member in {"captions": CAPTIONS, **FILES}.items()}
    return {member: text for member, text in found.items() if text is not None}


def folder(course, **changed):
    """Put the unpacked folder there, in place of the archive."""
    course.clear()
    course.add("flickr8k-text", file="Flickr8k_text.zip")
    course.add(
        "flickr8k-text-folder",
        file="Flickr8k_text/",
        no_hash="a folder",
        check="flickr8k.captions",
        form_of="flickr8k-text",
        lacks="a checksum",
    )
    path = course.data / "below" / "Flickr8k_text"
    path.mkdir(parents=True)
    for member, text in contents(changed).items():
        (path / member).write_bytes(text.encode())
    return path


def sized(monkeypatch, train=2, dev=1, test=1):
    monkeypatch.setattr(module, "SIZES", {"train": train, "dev": dev, "test": test})


# Captions --------------------------------------------------------------------------------------------


def test_captions_come_as_written_in_the_order_of_the_lists(course, no_network, capsys):
    archive(course)
    flickr = load_flickr8k_captions()
    assert capsys.readouterr().out == "Data: Flickr8k captions, real, 2 + 1 + 1 images with 5 captions each\n"
    assert list(flickr.train.items()) == [(DOG, tuple(DOGS)), (CAT, tuple(CATS))], "the file has the cat first"
    assert flickr.dev == {BOY: tuple(BOYS)} and flickr.test == {COW: tuple("abcde")}
    assert flickr.source == "real" and datasets.used()["flickr8k"] == "real"
    assert repr(flickr) == "Flickr8k(2 + 1 + 1 images, real)", "the captions would fill the notebook"


def test_the_unpacked_folder_will_do(course, monkeypatch, no_network, capsys):
    sized(monkeypatch)
    folder(course)
    assert load_flickr8k_captions().train[DOG] == tuple(DOGS)
    assert "real, 2 + 1 + 1 images with 5 captions each; an unpacked folder" in capsys.readouterr().out


def test_an_incomplete_folder_is_left_out(course, monkeypatch, no_network):
    sized(monkeypatch, train=3)
    folder(course)
    with (
        pytest.warns(UserWarning, match=r"is left out: expected 3 \+ 1 \+ 1 images in .*; found 2 \+ 1 \+ 1"),
        pytest.raises(DataUnavailable, match="COURSE_STANDINS=flickr8k"),
    ):
        load_flickr8k_captions()


@pytest.mark.parametrize("split", FILES)
def test_the_check_wants_every_file(course, monkeypatch, split):
    sized(monkeypatch)
    path = folder(course)
    check_captions(path)
    (path / FILES[split]).unlink()
    with pytest.raises(checks.WrongFile, match=rf"expected the file Flickr_8k\.{split}Images\.txt in this folder"):
        check_captions(path)


def test_the_check_says_where_as_the_loader_does(course, monkeypatch):
    sized(monkeypatch)
    check_captions(archive(course))
    with pytest.raises(checks.WrongFile, match=r"line 1 of Flickr8k\.token\.txt: expected an image's name"):
        check_captions(archive(course, captions="no caption"))


def test_every_form_suffices_and_one_can_be_fetched():
    """Of the real list: two archives of one name, told apart by hashes, and the folder."""
    known = datasets.entries()
    forms = [known[name] for name in datasets.NEEDS["flickr8k"]]
    assert {form.file for form in forms} == {"Flickr8k_text.zip", "Flickr8k_text/"}
    assert [form.name for form in forms if form.urls] == ["flickr8k-text"], "no loader fetches the photographs"
    assert {form.family for form in forms} == {"flickr8k-text"}


# Bad input -------------------------------------------------------------------------------------------


def without(text, *parts):
    for part in parts:
        assert part in text
        text = text.replace(part, "", 1)
    return text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"captions": GOOD.replace("#1\tA cat", "#1 A cat")},
            r"^Flickr8k_text\.zip, line 2 of Flickr8k\.token\.txt: expected an image's name, '#', a number, a tab and "
            r"the caption; found '2_00000000bb\.jpg#1 A cat 1 \.'$",
        ),
        ({"captions": GOOD.replace("#1\tA cat", "\tA cat")}, r"line 2 of .*: expected an image's name"),
        ({"captions": GOOD.replace("#1\tA cat 1 .", "#1\t ")}, r"line 2 of .*: expected an image's name"),
        ({"captions": GOOD.replace("2_0", "../2_0", 1)}, r"line 1 of .*: expected an image's name"),
        (
            {"captions": without(GOOD, *lines(BOY, *BOYS))},
            r"line 1 of Flickr_8k\.devImages\.txt: expected an image with captions; Flickr8k\.token\.txt has none of "
            r"3_00000000cc\.jpg",
        ),
        (
            {"test": f"{COW}\n{CAT}\n"},
            r"line 2 of Flickr_8k\.testImages\.txt: expected each image once, in one part only; 2_00000000bb\.jpg is "
            r"on Flickr8k_text\.zip, line 2 of Flickr_8k\.trainImages\.txt too",
        ),
        (
            {"dev": f"{BOY}\n{BOY}\n"},
            r"line 2 of .*devImages.*; 3_.* is on .*, line 1 of Flickr_8k\.devImages\.txt too",
        ),
        (
            {"captions": without(GOOD, f"{CAT}#4\tA cat 4 .\n")},
            r"line 1 of .*: expected 5 captions of 2_00000000bb\.jpg, numbered 0 to 4 in this order; found 4, numbered "
            r"0, 1, 2, 3$",
        ),
        ({"captions": f"{GOOD}{CAT}#5\tSix .\n"}, r"line 1 of .*; found 6, numbered 0, 1, 2, 3, 4, 5$"),
        ({"captions": GOOD.replace(f"{DOG}#3", f"{DOG}#2")}, r"line 6 of .*; found 5, numbered 0, 1, 2, 2, 4$"),
        ({"captions": GOOD.replace(f"{DOG}#", f"{DOG}#1")}, r"line 6 of .*; found 5, numbered 10, 11, 12, 13, 14$"),
        ({"captions": GOOD.encode("utf-16")}, r"Flickr8k\.token\.txt is not UTF-8"),
        ({"captions": ""}, r"line 1 of Flickr_8k\.trainImages\.txt: expected an image with captions"),
        ({"dev": "\n"}, r"^Flickr8k captions \(real\): expected images in the dev part, found none$"),
        ({"dev": None}, r"expected a file 'Flickr_8k\.devImages\.txt', found 3 files"),
    ],
)
def test_what_is_no_set_of_captions_is_refused(course, no_network, capsys, changed, says):
    archive(course, **changed)
    with pytest.raises(ValueError, match=says):
        load_flickr8k_captions()
    assert capsys.readouterr().out == ""


def test_a_damaged_archive_is_left_out(course, no_network):
    archive(course).write_bytes(b"PK\x03\x04")
    with pytest.warns(UserWarning, match="is left out"), pytest.raises(DataUnavailable, match=r"Flickr8k_text\.zip"):
        load_flickr8k_captions()


# Real or generated -----------------------------------------------------------------------------------


def test_full_uses_the_standin_with_permission_only(course, monkeypatch, no_network, capsys):
    course.add("flickr8k-text", file="Flickr8k_text.zip")
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=flickr8k"):
        load_flickr8k_captions()
    monkeypatch.setenv("COURSE_STANDINS", "flickr8k")
    flickr = load_flickr8k_captions()
    assert (flickr.source, datasets.used()["flickr8k"]) == ("stand-in", "stand-in")
    assert repr(flickr) == "Flickr8k(300 + 50 + 50 images, stand-in)"
    assert capsys.readouterr().out == (
        "Data: Flickr8k captions, generated stand-in (made by a grammar), 300 + 50 + 50 images with 5 captions each; "
        "permitted by COURSE_STANDINS\n"
    )


def test_quick_takes_the_file_if_it_is_there(course, monkeypatch, no_network, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    path = archive(course)
    assert load_flickr8k_captions().source == "real"
    path.unlink()
    flickr = load_flickr8k_captions()
    assert {split: getattr(flickr, split) for split in FILES} == standin.flickr8k()
    assert capsys.readouterr().out.endswith("; quick profile, no real file on disk\n")


# Where the images are --------------------------------------------------------------------------------


def photographs(path, *names):
    """A folder with small images, each of its own grey."""
    path.mkdir(parents=True)
    for number, name in enumerate(names):
        Image.new("RGB", (20, 10), (40 * number,) * 3).save(path / name)
    return path


@pytest.mark.parametrize("name", ["Flicker8k_Dataset", "Flickr8k_Dataset", "Images"])
@pytest.mark.parametrize("place", ["data folder", "course folder", "cache", "beside the archive"])
def test_the_folder_is_found_wherever_files_are(course, monkeypatch, tmp_path, name, place):
    roots = {
        "data folder": tmp_path / "mine" / "deep" / "down",
        "course folder": course.data / "flickr",
        "cache": course.cache,
        "beside the archive": course.cache / "flickr8k-images",
    }
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", f"{tmp_path / 'mine'}")
    assert flickr8k_images() is None
    path = photographs(roots[place] / name, DOG)
    assert flickr8k_images() == path


def test_a_data_folder_may_be_the_folder_itself(course, monkeypatch, tmp_path):
    path = photographs(tmp_path / "Flicker8k_Dataset", DOG)
    monkeypatch.setenv("COURSE_DATA_DIR", str(path))
    assert flickr8k_images() == path


def test_a_folder_without_such_images_is_somebody_elses(course, recwarn):
    photographs(course.data / "Images", "holiday.jpg", "1000.jpg")
    (course.data / "Flicker8k_Dataset").write_text("a file")
    assert flickr8k_images() is None and not recwarn.list
    path = photographs(course.data / "below" / "Images", "holiday.jpg", DOG)
    assert flickr8k_images() == path


# Reading images --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(40, 100), (100, 40), (40, 40)])
def test_the_middle_is_cut_out_before_it_is_resized(tmp_path, height, width):
    """White, but for the square in the middle: red above, blue below."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - 40) // 2, (width - 40) // 2
    pixels[top : top + 20, left : left + 40] = (255, 0, 0)
    pixels[top + 20 : top + 40, left : left + 40] = (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    images = read_images(["a.png"], tmp_path, size=(40, 40))
    assert images.shape == (1, 40, 40, 3) and images.dtype == np.uint8
    assert (images[0, :20] == (255, 0, 0)).all() and (images[0, 20:] == (0, 0, 255)).all(), "no white is left"


@pytest.mark.parametrize("size", [(16, 16), (10, 30), (30, 10)])
def test_images_are_those_of_keras(tmp_path, size):
    """Keras cuts and resizes with the same words, at whole pixels; here all edges of the cut are whole."""
    from keras.utils import img_to_array, load_img

    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected = load_img(tmp_path / "a.png", target_size=size, interpolation="bicubic", keep_aspect_ratio=True)
    (image,) = read_images(["a.png"], tmp_path, size)
    assert image.shape == (*size, 3)
    np.testing.assert_array_equal(image, img_to_array(expected, dtype="uint8"))


def test_images_come_in_the_order_of_the_names_and_grey_ones_have_three_channels(tmp_path):
    folder = photographs(tmp_path / "Images", DOG, CAT, BOY)
    Image.new("L", (8, 8), 200).save(folder / "grey.png")
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(folder / "alpha.png")
    images = read_images(iter([BOY, DOG, "grey.png", "alpha.png", BOY]), str(folder), size=(4, 6))
    assert images.shape == (5, 4, 6, 3)
    assert images[:, 2, 3].tolist() == [[80] * 3, [0] * 3, [200] * 3, [1, 2, 3], [80] * 3]
    assert read_images([DOG], folder).shape == (1, 64, 64, 3)
    assert read_images([], folder, (4, 6)).shape == (0, 4, 6, 3)


def test_missing_images_are_named_before_any_is_read(tmp_path):
    folder = photographs(tmp_path / "Images", DOG)
    (folder / BOY).write_bytes(b"broken")
    with pytest.raises(FileNotFoundError, match=rf"Images lacks 2 of the 4 images asked for; the first is {CAT}\."):
        read_images([BOY, DOG, CAT, COW], folder)


@pytest.mark.parametrize("broken", ["text", "empty", "cut"])
def test_a_broken_image_is_named(tmp_path, broken):
    folder = photographs(tmp_path / "Images", DOG, CAT)
    whole = (folder / CAT).read_bytes()
    (folder / CAT).write_bytes({"text": b"<html>", "empty": b"", "cut": whole[: len(whole) - 40]}[broken])
    with pytest.raises(ValueError, match=rf"{CAT} cannot be read as an image: "):
        read_images([DOG, CAT], folder)


@pytest.mark.parametrize(
    ("names", "size", "error", "says"),
    [
        (DOG, (8, 8), TypeError, r"expected several names, such as \['1_"),
        ([DOG], (8, 0), ValueError, "a side of size is 0; expected a whole number, 1 or more"),
        ([DOG], (8, 8.0), TypeError, r"a side of size is 8\.0"),
        ([DOG], 8, TypeError, r"size is 8; expected two numbers: height and width, \(64, 64\)"),
        ([DOG], (8, 8, 3), TypeError, "size is .*; expected two numbers"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, names, size, error, says):
    folder = photographs(tmp_path / "Images", DOG)
    with pytest.raises(error, match=says):
        read_images(names, folder, size)


def test_no_folder_is_said_as_such(course):
    with pytest.raises(TypeError, match=r"folder is None, as flickr8k_images\(\) returns"):
        read_images([DOG], flickr8k_images())


def test_the_check_runs_before_anything_is_installed():
    """Its module imports neither NumPy nor Pillow, on which importing `datasets` would wait."""
    asks = "import sys, utils.datasets.flickr8k; print({'numpy', 'PIL', 'keras'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "set()\n"


# The real files --------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_flickr8k(real, capsys):
    if (path := datasets.locate("flickr8k")) is None:
        pytest.skip("the file is not at hand")
    flickr = load_flickr8k_captions()
    out = capsys.readouterr().out
    assert out.startswith("Data: Flickr8k captions, real, 6,000 + 1,000 + 1,000 images with 5 captions each")
    parts = {split: getattr(flickr, split) for split in FILES}
    assert {split: len(part) for split, part in parts.items()} == SIZES
    check_captions(path)
    assert {split: next(iter(part.items()))[1][0] for split, part in parts.items()} == {
        "train": "A black dog is running after a white dog in the snow .",
        "dev": "the boy laying face down on a skateboard is being pushed along the ground by another boy .",
        "test": "The dogs are in the snow in front of a fence .",
    }
    assert [next(iter(part)) for part in parts.values()] == [
        "2513260012_03d33305cf.jpg",
        "2090545563_a4e66ec76b.jpg",
        "3385593926_d3e9c21170.jpg",
    ]
    assert not any("2258277193" in name for part in parts.values() for name in part)
    assert all(module._IMAGE.fullmatch(name) for part in parts.values() for name in part)


@pytest.mark.realdata
def test_what_the_card_says_of_the_real_file(real):
    """Of all images, those in no part too."""
    if (path := datasets.locate("flickr8k")) is None:
        pytest.skip("the file is not at hand")
    captions = module._captions(path)
    texts = [text for found in captions.values() for _, _, text in found]
    assert len(texts) == 40_460
    odd = [name for name, found in captions.items() if [number for _, number, _ in found] != [0, 1, 2, 3, 4]]
    assert odd == ["2258277193_586949ec62.jpg.1", "2258277193_586949ec62.jpg"] and len(captions) - 1 == 8_092
    assert sum(text.endswith(" .") for text in texts) == 36_561
    assert sum("a" <= text[0] <= "z" for text in texts) == 2_962
    assert len(captions) - 1 - sum(SIZES.values()) == 92
