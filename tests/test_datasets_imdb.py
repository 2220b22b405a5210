"""The reviews: straight from the archive, kept whole or not at all, and as a folder of files."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import io
import re
import shutil
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
from loopback import course, no_network

from utils import datasets, settings
from utils.datasets import BadArchive, DataUnavailable, cache, load_imdb
from utils.datasets import imdb as module
from utils.datasets.standins import imdb as standin

# Out of order, and with a name that sorts before another as text though not as a number.
REVIEWS = {
    "train/pos/9_8.txt": "Fine.<br /><br />I'd see it again!",
    "train/pos/10_7.txt": "Caf\u00e9, na\u00efve, \u0641\u06cc\u0644\u0645",
    "train/neg/2_1.txt": "Dull.\r\nVery dull.\n",
    "train/neg/0_3.txt": " Leading space kept. ",
    "test/pos/0_10.txt": "",
    "test/pos/1_9.txt": "A gem\x85indeed",
    "test/neg/0_2.txt": "Bad",
    "test/neg/1_1.txt": "Worse \U0001f600",
    "test/neg/10_1.txt": "Worst",
}
OTHERS = {
    "README": b"about",
    "imdb.vocab": b"the\nand",
    "train/unsup/0_0.txt": b"nobody knows",
    "train/labeledBow.feat": b"9 0:9",
    "train/urls_pos.txt": b"http://example.org",
    "train/pos/notes.md": b"not a review",
}


def pack(path, members, top="aclImdb/"):
    """Write a gzipped tar of name -> bytes, or TarInfo -> bytes, in this order."""
    with tarfile.open(path, "w:gz") as box:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(top + name)
            info.size = len(content)
            box.addfile(info, io.BytesIO(content))
    return path


def encoded(reviews=REVIEWS):
    return [(name, text.encode()) for name, text in reviews.items()]


def announce(course, file="labelled.tar.gz"):
    """Tell the course's list of the archive that lies in its folder."""
    sha256 = hashlib.sha256((course.data / file).read_bytes()).hexdigest()
    course.add(
        "imdb-labelled", file=file, hash=f"sha256:{sha256}", form_of="imdb", lacks="nothing but what is not asked for"
    )
    return course.data / file


@pytest.fixture
def imdb(course):
    """A course whose list has both entries, and in whose folder lies a small labelled archive."""
    course.add("imdb", file="official.tar.gz", urls=["http://127.0.0.1:9/official.tar.gz"])
    pack(course.data / "labelled.tar.gz", encoded())
    announce(course)
    return course


@pytest.fixture
def absent(course):
    course.add("imdb", urls=["http://127.0.0.1:9/imdb.bin"])
    course.add("imdb-labelled", form_of="imdb", lacks="nothing")
    return course


def serve(course, members, **options):
    """Replace the archive by another one, as hostile as the test wants it."""
    course.add("imdb", file="official.tar.gz")
    pack(course.data / "labelled.tar.gz", members, **options)
    return announce(course)


def kept(course):
    """Return what is kept besides lock files."""
    return [name for name in course.cached() if not name.endswith(".lock")]


# Arrays ----------------------------------------------------------------------------------------------


def test_texts_and_labels_come_in_the_order_of_the_sorted_paths(imdb, no_network, capsys):
    reviews = load_imdb()
    assert capsys.readouterr().out == "Data: IMDB reviews, real, 4 + 5 reviews\n"
    assert reviews.train_files == ["neg/0_3.txt", "neg/2_1.txt", "pos/10_7.txt", "pos/9_8.txt"]
    assert reviews.train_texts == [REVIEWS[f"train/{name}"] for name in reviews.train_files]
    assert reviews.train_labels.tolist() == [0, 0, 1, 1]
    assert reviews.test_files == ["neg/0_2.txt", "neg/10_1.txt", "neg/1_1.txt", "pos/0_10.txt", "pos/1_9.txt"]
    assert reviews.test_texts == [REVIEWS[f"test/{name}"] for name in reviews.test_files]
    assert reviews.test_labels.tolist() == [0, 0, 0, 1, 1]
    assert reviews.train_labels.dtype == reviews.test_labels.dtype == np.int64
    assert reviews.source == "real" and datasets.used()["imdb"] == "real"
    assert repr(reviews) == "Imdb(4 + 5 reviews, real)", "the texts would fill the notebook"
    with pytest.raises(AttributeError):
        reviews.train_texts = []


def test_the_official_archive_gives_the_same_and_its_unlabelled_reviews_are_left_out(imdb, no_network):
    expected = load_imdb()
    (imdb.data / "labelled.tar.gz").unlink()
    official = pack(imdb.data / "official.tar.gz", [*OTHERS.items(), *encoded(dict(sorted(REVIEWS.items())))])
    imdb.clear()
    imdb.add("imdb", file="official.tar.gz", hash=f"sha256:{hashlib.sha256(official.read_bytes()).hexdigest()}")
    imdb.add("imdb-labelled", file="labelled.tar.gz", form_of="imdb", lacks="nothing")
    found = load_imdb()
    for field in ("train_texts", "train_files", "test_texts", "test_files"):
        assert getattr(found, field) == getattr(expected, field), field
    assert found.train_labels.tolist() == expected.train_labels.tolist()
    assert found.folder() == expected.folder(), "the same files are written once"


def test_the_archive_is_read_once(imdb, no_network, monkeypatch):
    expected = load_imdb()

    def refuse(path):
        raise AssertionError("the archive was read again")

    monkeypatch.setattr(module, "_read_reviews", refuse)
    again = load_imdb()
    assert again.train_texts == expected.train_texts and again.test_texts == expected.test_texts
    assert again.train_files == expected.train_files and again.test_files == expected.test_files


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone", "pickled"])
def test_a_damaged_kept_copy_is_made_again(imdb, no_network, damage):
    expected = load_imdb()
    (file,) = imdb.cache.rglob("reviews.npz")
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "pickled":
        bomb = np.array([Bomb()], dtype=object)
        np.savez(file, names=bomb, texts=bomb, ends=bomb)
    else:
        content[content.index(b"Leading")] ^= 1
        file.write_bytes({"cut": content[:-50], "flipped": content, "empty": b""}[damage])
    found = load_imdb()
    assert found.train_texts == expected.train_texts and found.test_texts == expected.test_texts
    assert not Bomb.exploded
    with np.load(file, allow_pickle=False) as again:
        assert set(again) == {"names", "texts", "ends"}


@pytest.mark.parametrize("damage", ["a name less", "a text less", "an end less", "a class less", "cut inside"])
def test_a_kept_copy_that_is_well_formed_but_not_whole_is_made_again(imdb, no_network, damage):
    """What a disk that filled up, or another program, may leave: an .npz that NumPy reads without a word."""
    expected = load_imdb()
    (file,) = imdb.cache.rglob("reviews.npz")
    with np.load(file, allow_pickle=False) as kept_arrays:
        names, texts, ends = (kept_arrays[key] for key in ("names", "texts", "ends"))
    if damage == "a name less":
        names = names[: names.tobytes().rindex(b"\n")]
    elif damage == "a text less":
        texts = texts[: ends[-2]]
    elif damage == "an end less":
        ends = ends[:-1]
    elif damage == "cut inside":
        texts = texts[:-1]
    else:
        lines = names.tobytes().split(b"\n")
        keep = [row for row, line in enumerate(lines) if not line.startswith(b"test/neg")]
        starts = np.r_[0, ends[:-1]]
        parts = [texts[starts[row] : ends[row]] for row in keep]
        names = np.frombuffer(b"\n".join(lines[row] for row in keep), np.uint8)
        texts, ends = np.concatenate(parts), np.cumsum([len(part) for part in parts])
    np.savez(file, names=names, texts=texts, ends=ends)
    found = load_imdb()
    assert found.test_texts == expected.test_texts and found.train_files == expected.train_files


class Bomb:
    """Says so when it is unpickled."""

    exploded: ClassVar[list] = []

    def __reduce__(self):
        return (Bomb.exploded.append, ("boom",))


def test_a_cache_that_cannot_be_written_costs_only_time(imdb, no_network, monkeypatch, tmp_path, recwarn):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    reviews = load_imdb()
    assert len(reviews.train_texts) == 4
    with pytest.raises(OSError, match=r"cannot be written.*set COURSE_CACHE"):
        reviews.folder()
    assert not recwarn.list


# Hostile and damaged archives ------------------------------------------------------------------------


def link(name):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    ("member", "says"),
    [
        ((tarfile.TarInfo("aclImdb/../../train/pos/8_9.txt"), b"out"), "unsafe name"),
        ((tarfile.TarInfo("/train/pos/8_9.txt"), b"out"), "unsafe name"),
        ((tarfile.TarInfo("aclImdb/train/pos/..\\8_9.txt"), b"out"), "unsafe name"),
        ((link("aclImdb/train/pos/8_9.txt"), b""), "link"),
        ((tarfile.TarInfo("aclImdb/train/pos/9_8.txt"), b"again"), "twice"),
        ((tarfile.TarInfo("other/train/pos/9_8.txt"), b"again"), "twice"),
        ((tarfile.TarInfo("aclImdb/train/pos/8_9.txt"), b"caf\xe9"), "train/pos/8_9.txt is not UTF-8"),
    ],
)
def test_hostile_archives_are_refused_and_nothing_is_kept(course, no_network, member, says, capsys):
    serve(course, [*encoded(), member])
    with pytest.raises(ValueError, match=says):
        load_imdb()
    assert kept(course) == []
    assert capsys.readouterr().out == ""


def test_an_archive_cut_short_is_refused(course, no_network):
    rng = np.random.default_rng(0)
    long = {"train/neg/7_7.txt": "".join(map(chr, rng.integers(33, 127, 50_000)))}
    path = serve(course, encoded(REVIEWS | long))
    path.write_bytes(path.read_bytes()[:-20_000])
    course.clear()
    course.add("imdb", file="official.tar.gz")
    announce(course)
    with pytest.raises(BadArchive, match="damaged"):
        load_imdb()
    assert kept(course) == []


@pytest.mark.parametrize("missing", ["train/neg", "train/pos", "test/neg", "test/pos"])
def test_an_archive_without_a_class_is_refused(course, no_network, missing):
    serve(course, [pair for pair in encoded() if not pair[0].startswith(missing)])
    with pytest.raises(ValueError, match=f"found none in {missing}"):
        load_imdb()
    assert kept(course) == []


def test_something_that_is_no_archive_is_refused(course, no_network):
    course.add("imdb", file="official.tar.gz")
    (course.data / "labelled.tar.gz").write_bytes(b"train/neg/0_3.txt")
    announce(course)
    with pytest.raises(BadArchive, match="neither a zip nor a tar"):
        load_imdb()


# The folder ------------------------------------------------------------------------------------------


def tree(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_folder_holds_the_labelled_reviews_byte_for_byte(imdb, no_network):
    folder = load_imdb().folder()
    assert tree(folder) == dict(encoded())
    assert sorted(path.name for path in folder.iterdir()) == ["test", "train"]
    assert sorted(path.name for path in (folder / "train").iterdir()) == ["neg", "pos"]
    assert folder.is_relative_to(imdb.cache)


def test_keras_finds_the_classes_and_the_order_of_the_arrays(imdb, no_network):
    keras = pytest.importorskip("keras")
    reviews = load_imdb()
    found = keras.utils.text_dataset_from_directory(
        reviews.folder() / "test", shuffle=False, batch_size=None, verbose=False
    )
    assert found.class_names == ["neg", "pos"]
    pairs = [(text.numpy().decode(), int(label)) for text, label in found]
    assert pairs == list(zip(reviews.test_texts, reviews.test_labels.tolist()))


def test_the_folder_is_written_once(imdb, no_network, monkeypatch):
    folder = load_imdb().folder()

    def refuse(*_, **__):
        raise AssertionError("written again")

    monkeypatch.setattr(module, "_write_files", refuse)
    assert load_imdb().folder() == folder


@pytest.mark.parametrize("damage", ["lost", "cut", "added", "class lost"])
def test_a_folder_that_is_not_whole_is_written_again(imdb, no_network, damage):
    reviews = load_imdb()
    folder = reviews.folder()
    if damage == "lost":
        (folder / "train/pos/9_8.txt").unlink()
    elif damage == "cut":
        (folder / "train/pos/9_8.txt").write_text("Fine")
    elif damage == "added":
        (folder / "train/pos/99_8.txt").write_text("Fine")
    else:
        shutil.rmtree(folder / "test/neg")
    assert reviews.folder() == folder
    assert tree(folder) == dict(encoded())
    assert not list(folder.parent.glob(".*.part"))


def test_a_folder_whose_writing_was_stopped_is_absent(imdb, no_network, monkeypatch):
    reviews = load_imdb()
    write = module._write_files

    def stopped(root, files):
        write(root, dict(list(files.items())[:3]))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_write_files", stopped)
    with pytest.raises(KeyboardInterrupt):
        reviews.folder()
    assert not [path for path in imdb.cache.rglob("*") if "imdb-files" in path.name and path.suffix != ".lock"]
    monkeypatch.setattr(module, "_write_files", write)
    assert tree(reviews.folder()) == dict(encoded())


def many(count=12):
    """Reviews of which neighbours share a film, told by their first number."""
    return {
        f"{split}/{label}/{number:02d}_1.txt": f"{split} {label} {number}"
        for split in ("train", "test")
        for label in ("neg", "pos")
        for number in range(count)
    }


def test_per_class_takes_that_many_spread_over_all(course, no_network):
    serve(course, encoded(many()))
    reviews = load_imdb()
    found = tree(reviews.folder(per_class=3))
    names = [f"{number:02d}_1.txt" for number in (0, 4, 8)]
    assert sorted(found) == sorted(
        f"{a}/{b}/{name}" for a in ("train", "test") for b in ("neg", "pos") for name in names
    )
    assert all(found[name].decode() == text for name, text in many().items() if name in found)
    assert reviews.folder(3) != reviews.folder(), "a folder of its own"
    assert len(tree(reviews.folder())) == 48
    assert len(tree(reviews.folder(np.int64(5)))) == 20
    assert reviews.folder(12) == reviews.folder() == reviews.folder(1_000), "at most what is there"


@pytest.mark.parametrize("bad", [0, -1, True, 2.5, "3"])
def test_per_class_has_to_be_a_positive_whole_number(imdb, no_network, bad):
    error = ValueError if bad in (0, -1) else TypeError
    with pytest.raises(error, match=r"per_class is .*; expected a whole number"):
        load_imdb().folder(per_class=bad)


def test_of_several_at_once_one_fills_and_the_others_wait(course):
    filled, hold = [], threading.Event()

    def fill(folder):
        filled.append(folder)
        (folder / "half").write_text("x")
        hold.wait(0.3)
        (folder / "whole").write_text("y")

    def read(folder):
        return [*sorted(path.name for path in folder.iterdir()), (folder / "whole").read_text()]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cache.keep("set", fill, read), range(4)))
    assert found == [["half", "whole", "y"]] * 4
    assert len(filled) == 1


def test_what_a_killed_process_left_is_cleared_away(course):
    left = cache.place("set").parent / ".set.abc.part"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    read = lambda folder: (folder / "a").read_text()  # noqa: E731
    assert cache.keep("set", lambda folder: (folder / "a").write_text("b"), read) == "b"
    assert not left.exists()


# Real or generated -----------------------------------------------------------------------------------


def test_full_without_permission_never_uses_the_standin(absent, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_STANDINS", "jena")
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=imdb") as caught:
        load_imdb()
    assert "http://127.0.0.1:9/imdb.bin" in str(caught.value)
    assert capsys.readouterr().out == ""


def test_full_with_permission(absent, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_STANDINS", "imdb")
    assert load_imdb().source == "stand-in"
    out = capsys.readouterr().out
    assert out == (
        "Data: IMDB reviews, generated stand-in (not reviews), 2,000 + 2,000 reviews; permitted by COURSE_STANDINS\n"
    )


def test_quick_generates_without_the_network(absent, monkeypatch, no_network, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    reviews = load_imdb()
    assert capsys.readouterr().out == (
        "Data: IMDB reviews, generated stand-in (not reviews), 2,000 + 2,000 reviews; "
        "quick profile, no real file on disk\n"
    )
    assert datasets.used()["imdb"] == "stand-in"
    made = standin.imdb()
    assert reviews.train_texts == [made[f"train/{name}"] for name in reviews.train_files]
    assert reviews.test_texts == [made[f"test/{name}"] for name in reviews.test_files]
    for labels in (reviews.train_labels, reviews.test_labels):
        assert labels.tolist() == [0] * 1_000 + [1] * 1_000
    assert not set(reviews.train_texts) & set(reviews.test_texts)
    folder = reviews.folder(per_class=10)
    assert len(tree(folder)) == 40
    assert all(made[name].encode() == content for name, content in tree(folder).items())


def test_quick_prefers_the_real_file(imdb, monkeypatch, no_network):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_imdb().source == "real"


def test_another_standin_gets_another_folder(absent, monkeypatch, no_network):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    first = load_imdb().folder(2)
    made = standin.imdb(seed=1)
    monkeypatch.setattr(standin, "imdb", lambda: made)
    assert load_imdb().folder(2) != first


# The real file ---------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_imdb(real, capsys):
    if (archive := datasets.locate("imdb")) is None or archive.is_dir():
        pytest.skip("the file is not at hand")
    reviews = load_imdb()
    assert capsys.readouterr().out == "Data: IMDB reviews, real, 25,000 + 25,000 reviews\n"
    assert np.bincount(reviews.train_labels).tolist() == np.bincount(reviews.test_labels).tolist() == [12_500] * 2
    # The sizes and the count of distinct texts that the set's cards give.
    assert sum(len(text.encode()) for text in reviews.train_texts) == 33_132_823
    assert sum(len(text.encode()) for text in reviews.test_texts) == 32_350_685
    assert len({*reviews.train_texts, *reviews.test_texts}) == 49_582
    # Read by another way: every byte, and the label that the stars in the file's name tell.
    raw = {}
    with tarfile.open(archive) as box:
        for member in box:
            if match := re.fullmatch(r"aclImdb/train/((?:neg|pos)/\d+_\d+\.txt)", member.name):
                raw[match[1]] = box.extractfile(member).read()
    assert raw == {name: text.encode() for name, text in zip(reviews.train_files, reviews.train_texts)}
    stars = np.array([int(re.search(r"_(\d+)\.", name)[1]) for name in reviews.train_files])
    assert np.array_equal(stars > 5, reviews.train_labels == 1)
    assert load_imdb().train_texts == reviews.train_texts, "kept"
    folder = reviews.folder(per_class=50)
    assert len(tree(folder)) == 200
