"""The word vectors: every number as written, whatever the word; kept without pickles; little memory for a few words."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import gzip
import hashlib
import re
import tracemalloc
import zipfile

import numpy as np
import pytest
from loopback import course, no_network

from utils import COURSE_ROOT, datasets, settings
from utils.datasets import BadArchive, DataUnavailable, archives, load_glove
from utils.datasets import glove as module
from utils.datasets.standins import glove as standin

# What GloVe's own files hold, and what other splitters take for a space or the end of a line.
ODD = [
    "the", ",", ".", "'s", "-", "--", "1/2", "3.5", "\u0641\u06cc\u0644\u0645", "na\u00efve", "a\xa0b", "a\x85b",
    "a\u2028b", "\x1c", "a\tb", "a\rb", "\U0001f600", "king", "queen", "new york", ". . .",
]  # fmt: skip


def table(words, dim=50, seed=0):
    """Return the lines of a table, and its numbers by another way of parsing."""
    rng = np.random.default_rng(seed)
    lines = [" ".join([word, *(f"{value:.5g}" for value in rng.standard_normal(dim))]) for word in words]
    numbers = [[np.float32(field) for field in line.split(" ")[-dim:]] for line in lines]
    return "".join(f"{line}\n" for line in lines).encode(), np.array(numbers, np.float32)


def write(path, content, member=None):
    """Write a zip with a member, a gzip, or a plain file, by the path's ending."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
            box.writestr("readme.txt", "about")
            for name, text in (member if isinstance(member, dict) else {member: content}).items():
                box.writestr(name, text)
    else:
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


FORMS = {
    "glove-6b": "glove.6B.zip",
    "glove-6b-50d-zip": "glove.6B.50d.zip",
    "glove-6b-50d": "glove.6B.50d.txt",
    "glove-6b-50d-first9163": "first50.txt.gz",
    "glove-6b-50d-q8": "q8.txt.gz",
    "glove-6b-100d-zip": "glove.6B.100d.zip",
    "glove-6b-100d": "glove.6B.100d.txt",
    "glove-6b-100d-first2717": "first100.txt.gz",
}


@pytest.fixture
def glove(course):
    """A course to which the test gives the forms that are to be on disk."""

    def give(**contents):
        """Write the forms; names have _ for -. Every other form is listed, and nowhere."""
        course.clear()
        for name, file in FORMS.items():
            fields = {"form_of": "glove-6b", "lacks": "a thing or two"} if name != "glove-6b" else {}
            if (given := contents.get(name.replace("-", "_"))) is not None:
                content, member = given if isinstance(given, tuple) else (given, file.replace(".zip", ".txt"))
                path = write(course.data / file, content, member)
                fields["hash"] = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
            course.add(name, file=file, **fields)
        return course

    return give


def kept(course):
    return [name for name in course.cached() if not name.endswith(".lock")]


# Numbers and words -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [None, ODD])
def test_every_word_and_number_is_as_written(glove, no_network, words):
    content, numbers = table(ODD)
    glove(glove_6b_50d=content)
    found = load_glove(50, words)
    assert found.words == tuple(ODD)
    assert found.vectors.dtype == np.float32 and found.vectors.shape == (len(ODD), 50)
    assert np.array_equal(found.vectors, numbers)
    assert found.index == {word: row for row, word in enumerate(ODD)}
    assert type(found.vectors) is np.ndarray
    assert found.source == "real" and datasets.used()["glove"] == "real"
    assert repr(found) == "Glove(21 words, 50 dimensions, real)"


@pytest.mark.parametrize("dim", [50, 100, 200, 300])
def test_all_dimensions_come_from_the_whole_archive(glove, no_network, dim, capsys):
    tables = {size: table(["the", "of", "king"], size, seed=size) for size in (50, 100, 200, 300)}
    glove(glove_6b=(None, {f"glove.6B.{size}d.txt": content for size, (content, _) in tables.items()}))
    assert np.array_equal(load_glove(dim).vectors, tables[dim][1])
    found = load_glove(dim, ["king"])
    assert np.array_equal(found.vectors, tables[dim][1][2:])


@pytest.mark.parametrize(
    ("form", "member"),
    [
        ("glove_6b_50d_zip", "glove.6B.50d/vec.txt"),
        ("glove_6b_50d_zip", "glove.6B.50d.txt"),
        ("glove_6b", "folder/glove.6B.50d.txt"),
        ("glove_6b_50d", None),
        ("glove_6b_50d_first9163", None),
    ],
)
def test_every_form_gives_the_same(glove, no_network, form, member):
    content, numbers = table(ODD)
    glove(**{form: (content, member)})
    found = load_glove(50)
    assert found.words == tuple(ODD) and np.array_equal(found.vectors, numbers)


def test_an_archive_without_the_table_is_refused(glove, no_network):
    glove(glove_6b=(b"", {"glove.6B.100d.txt": table(["a"], 100)[0]}))
    with pytest.raises(BadArchive, match=r"expected a file 'glove\.6B\.50d\.txt' or 'vec\.txt'"):
        load_glove(50)


def test_lines_may_end_in_two_characters_and_the_last_in_none(glove, no_network):
    content, numbers = table(["a", "b", "c\r"])
    glove(glove_6b_50d=content.replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    found = load_glove(50)
    assert found.words == ("a", "b", "c\r") and np.array_equal(found.vectors, numbers)


def test_more_lines_than_a_block(glove, no_network):
    words = [f"w{number}" for number in range(2 * module._BLOCK + 7)]
    content, numbers = table(words)
    glove(glove_6b_50d=content)
    assert np.array_equal(load_glove(50, words[::2]).vectors, numbers[::2])
    found = load_glove(50)
    assert found.words == tuple(words) and np.array_equal(found.vectors, numbers)


# A few words -----------------------------------------------------------------------------------------


def test_a_few_words_come_in_the_order_of_the_file_and_absent_ones_not(glove, no_network, capsys):
    content, numbers = table(ODD)
    course = glove(glove_6b_50d_first9163=content)
    found = load_glove(50, iter(["queen", "king", "zebra", "the", "the", "new york"]))
    assert found.words == ("the", "king", "queen", "new york")
    assert np.array_equal(found.vectors, numbers[[ODD.index(word) for word in found.words]])
    assert capsys.readouterr().out == (
        "Data: GloVe 6B 50d, real, 4 of 5 words asked for, from 21 (a prefix of 400,000)\n"
    )
    assert kept(course) == [], "a few words are not worth a copy"
    none = load_glove(50, ["new", "\ud800"])
    assert none.words == () and none.vectors.shape == (0, 50) and none.index == {}


def test_a_few_words_come_from_the_kept_table_where_there_is_one(glove, no_network, monkeypatch, capsys):
    content, numbers = table(ODD)
    glove(glove_6b_50d=content)
    load_glove(50)
    capsys.readouterr()
    monkeypatch.setattr(archives, "open_file", None)
    found = load_glove(50, {"king", "zebra"})
    assert found.words == ("king",) and np.array_equal(found.vectors, numbers[[ODD.index("king")]])
    assert "1 of 2 words asked for, from 21 " in capsys.readouterr().out
    assert load_glove(50, ["zebra"]).vectors.shape == (0, 50)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A table of 60,000 words in 100 dimensions: 24 MB as float32, 60 MB as text."""
    rng = np.random.default_rng(0)
    rows = [" ".join(f"{value:.6f}" for value in row) for row in rng.standard_normal((500, 100))]
    path = tmp_path_factory.mktemp("big") / "table.txt"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"w{number} {rows[number % 500]}\n" for number in range(60_000))
    return path


def test_a_few_words_never_hold_all_vectors_in_memory(big):
    wanted = frozenset(f"w{number}" for number in range(0, 60_000, 60))
    tracemalloc.start()
    try:
        words, vectors, total = module._parse_some(big, 100, wanted)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(words) == 1_000 and total == 60_000
    assert vectors.nbytes == 400_000
    assert peak < 0.25 * 60_000 * 100 * 4
    assert words[7] == "w420"
    line = next(line for line in big.open() if line.startswith("w420 "))
    assert np.array_equal(vectors[7], np.array(line.split(" ")[1:], np.float32))


def test_keeping_a_table_takes_a_block_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 32)
    words = [f"w{number}" for number in range(3_000)]
    content, numbers = table(words, 200)
    (tmp_path / "table.txt").write_bytes(content)
    tracemalloc.start()
    try:
        module._keep_table(tmp_path, tmp_path / "table.txt", 200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * numbers.nbytes, "a block as text, and the words"
    found = np.load(tmp_path / "vectors.npy", allow_pickle=False)
    assert found.dtype == np.float32 and np.array_equal(found, numbers)


# Kept tables -----------------------------------------------------------------------------------------


def test_the_table_is_parsed_once(glove, no_network, monkeypatch):
    content, numbers = table(ODD)
    course = glove(glove_6b_50d=content)
    load_glove(50)
    key = hashlib.sha256(content).hexdigest()[:16]
    assert kept(course) == [f"derived/glove-50d-{key}/vectors.npy", f"derived/glove-50d-{key}/words.txt"]
    monkeypatch.setattr(module, "_Lines", None)
    found = load_glove(50)
    assert found.words == tuple(ODD) and np.array_equal(found.vectors, numbers)
    assert not found.vectors.flags.writeable, "mapped, not copied"


def test_another_file_is_another_table(glove, no_network):
    first, _ = table(["a", "b"])
    second, numbers = table(["a", "b"], seed=1)
    glove(glove_6b_50d=first)
    load_glove(50)
    glove(glove_6b_50d=second)
    assert np.array_equal(load_glove(50).vectors, numbers)
    assert np.array_equal(load_glove(50, ["a", "b"]).vectors, numbers)


@pytest.mark.parametrize("damage", ["cut", "empty", "words", "pickled", "float64", "gone", "not utf-8"])
@pytest.mark.parametrize("words", [None, ("the", "queen")])
def test_a_damaged_kept_table_is_made_again(glove, no_network, damage, words):
    content, numbers = table(ODD)
    course = glove(glove_6b_50d=content)
    load_glove(50)
    (vectors,), (names,) = course.cache.rglob("vectors.npy"), course.cache.rglob("words.txt")
    if damage == "cut":
        vectors.write_bytes(vectors.read_bytes()[:-9])
    elif damage == "empty":
        vectors.write_bytes(b"")
    elif damage == "words":
        names.write_text("the\nof\n")
    elif damage == "pickled":
        np.save(vectors, np.array([[{}] * 50] * len(ODD), dtype=object), allow_pickle=True)
    elif damage == "float64":
        np.save(vectors, numbers.astype(np.float64))
    elif damage == "gone":
        vectors.unlink()
    else:
        names.write_bytes(b"\xff" + names.read_bytes())
    found = load_glove(50, words)
    rows = [ODD.index(word) for word in words or ODD]
    assert found.vectors.dtype == np.float32
    assert np.array_equal(found.vectors, numbers[rows])


def test_a_cache_that_cannot_be_written_costs_only_time(glove, no_network, monkeypatch, tmp_path, recwarn):
    content, numbers = table(ODD)
    glove(glove_6b_50d=content)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    assert np.array_equal(load_glove(50).vectors, numbers)
    assert np.array_equal(load_glove(50, ["the"]).vectors, numbers[:1])
    assert not recwarn.list


# Malformed tables ------------------------------------------------------------------------------------


def broken(change, at=2, dim=50):
    """Return a table of four lines, the one at `at` (from 0) changed."""
    lines = table(["a", "b", "king", "d"], dim)[0].splitlines()
    lines[at] = change(lines[at])
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda line: line.rsplit(b" ", 1)[0], "50 fields"),
        (lambda line: line + b" 0.5", "found more"),
        (lambda line: b"king " + b"0.25 " * 100 + b"1", "found more"),
        (lambda line: line + b" ", "found more"),
        (lambda line: line.rsplit(b" ", 1)[0] + b" 0,5", "what is no number"),
        (lambda line: line.rsplit(b" ", 1)[0] + b" nan", "not finite"),
        (lambda line: line.rsplit(b" ", 1)[0] + b" -inf", "not finite"),
        (lambda line: line.rsplit(b" ", 1)[0] + b" 1e99", "not finite"),
        (lambda line: b"k\xff" + line[1:], "not UTF-8"),
        (lambda line: line.removeprefix(b"king"), "51 fields"),
        (lambda line: line.replace(b"king", b"b"), "the word 'b' a second time"),
        (lambda line: b"", "1 fields"),
        (lambda line: b"400000 50", "2 fields"),
    ],
)
def test_a_malformed_line_is_named(glove, no_network, change, says, capsys):
    course = glove(glove_6b_50d=broken(change))
    with pytest.raises(ValueError, match=rf"glove\.6B\.50d\.txt, line 3: expected a word and 50 numbers.*({says})"):
        load_glove(50)
    assert kept(course) == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("word", ["king", "a"])
def test_a_line_cut_short_is_named_also_where_its_word_is_not_wanted(glove, no_network, word):
    glove(glove_6b_50d=broken(lambda line: line[:100]))
    with pytest.raises(ValueError, match="line 3: expected a word and 50 numbers"):
        load_glove(50, [word])


def test_wanted_words_with_bad_numbers_are_named(glove, no_network):
    glove(glove_6b_50d=broken(lambda line: line.replace(b".", b"x")))
    with pytest.raises(ValueError, match=r"line 3: .*no number"):
        load_glove(50, ["d", "king"])


def test_a_table_of_other_dimensions_is_refused(glove, no_network):
    glove(glove_6b_50d=table(["a", "b"], 100)[0])
    with pytest.raises(ValueError, match="line 1: expected a word and 50 numbers, found more"):
        load_glove(50)
    glove(glove_6b_100d=table(["a", "b"], 50)[0])
    with pytest.raises(ValueError, match="line 1: expected a word and 100 numbers, found 51 fields"):
        load_glove(100)


@pytest.mark.parametrize("words", [None, ["a"]])
def test_an_empty_table_is_refused(glove, no_network, words):
    glove(glove_6b_50d=b"")
    with pytest.raises(ValueError, match=r"line 1: .*found the end of the file"):
        load_glove(50, words)


# What is asked for -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [51, 0, -50])
def test_dim_has_to_be_one_that_there_is(course, bad):
    with pytest.raises(ValueError, match=r"dim is .*; GloVe 6B has vectors of 50, 100, 200 and 300"):
        load_glove(bad)


@pytest.mark.parametrize("bad", ["50", 50.0, True, None, [50]])
def test_dim_has_to_be_a_whole_number(course, bad):
    with pytest.raises(TypeError, match=r"dim is .*; expected a whole number"):
        load_glove(bad)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ("king", TypeError, "words is 'king'; expected several words"),
        (b"king", TypeError, "expected several words"),
        (5, TypeError, "expected several words"),
        (["king", 5], TypeError, "words holds 5, a int"),
        ([b"king"], TypeError, "a bytes"),
        ([], ValueError, "words is empty"),
        (iter(()), ValueError, "words is empty"),
    ],
)
def test_words_have_to_be_words(course, bad, error, says):
    with pytest.raises(error, match=says):
        load_glove(50, bad)


# Which form ------------------------------------------------------------------------------------------


def test_the_best_form_on_disk_is_taken(glove, no_network, capsys):
    whole, prefix, wide = (table(["the"], seed=seed) for seed in (1, 2, 3))
    forms = {"glove_6b_50d": whole[0], "glove_6b_50d_first9163": prefix[0], "glove_6b_50d_q8": wide[0]}
    course = glove(**forms)
    assert np.array_equal(load_glove(50).vectors, whole[1])
    assert np.array_equal(load_glove(50, wide=True).vectors, whole[1]), "exact and wider still"
    (course.data / FORMS["glove-6b-50d"]).unlink()
    assert np.array_equal(load_glove(50).vectors, prefix[1])
    assert np.array_equal(load_glove(50, ["the"], wide=True).vectors, wide[1])
    capsys.readouterr()
    assert np.array_equal(load_glove(np.int64(50), wide=True).vectors, wide[1])
    assert capsys.readouterr().out == "Data: GloVe 6B 50d, real, 1 words (of 400,000, at 8 bits)\n"
    (course.data / FORMS["glove-6b-50d-q8"]).unlink()
    assert np.array_equal(load_glove(50, wide=True).vectors, prefix[1])


def test_eight_bits_are_never_taken_for_exact_numbers(glove, no_network, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    glove(glove_6b_50d_q8=table(["the"])[0])
    assert load_glove(50).source == "stand-in"
    assert load_glove(50, wide=True).source == "real"


def test_prefixes_are_of_their_own_dimension_only(glove, no_network, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    glove(glove_6b_50d_first9163=table(["the"])[0], glove_6b_100d_first2717=table(["the"], 100)[0])
    assert load_glove(50).source == load_glove(100).source == "real"
    assert load_glove(200).source == load_glove(300, wide=True).source == "stand-in"


def test_the_line_of_a_whole_table_speaks_of_no_prefix(glove, no_network, monkeypatch, capsys):
    monkeypatch.setattr(module, "GLOVE_WORDS", 3)
    glove(glove_6b_50d=table(["a", "b", "c"])[0])
    load_glove(50)
    assert capsys.readouterr().out == "Data: GloVe 6B 50d, real, 3 words\n"


@pytest.mark.parametrize("dim", [50, 100, 200, 300])
def test_the_smallest_archive_with_an_address_is_planned_and_forms_have_the_dimension(dim):
    need = f"glove-{dim}d"
    (planned,) = datasets.plan([need])
    if planned.path is None:
        assert planned.entry.name == {50: "glove-6b-50d-zip", 100: "glove-6b-100d-zip"}.get(dim, "glove-6b")
    assert all(str(dim) in form or form == "glove-6b" for form in datasets.NEEDS[need])
    assert "glove-6b-50d-q8" not in datasets.NEEDS[need], "eight bits only where they are asked for"


# Real or generated -----------------------------------------------------------------------------------


def test_full_without_permission_never_uses_the_standin(glove, monkeypatch, capsys):
    glove()
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=glove"):
        load_glove(50)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("COURSE_STANDINS", "glove")
    assert load_glove(50).source == "stand-in"
    assert re.fullmatch(
        r"Data: GloVe 6B 50d, generated stand-in \(not GloVe\), 2,\d{3} words; permitted by COURSE_STANDINS\n",
        capsys.readouterr().out,
    )


@pytest.mark.parametrize("dim", [50, 100, 200, 300])
def test_quick_generates_without_the_network(glove, monkeypatch, no_network, capsys, dim):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    course = glove()
    found = load_glove(dim)
    words, vectors, _ = standin.glove(dim)
    assert found.words == words and np.array_equal(found.vectors, vectors)
    assert datasets.used()["glove"] == "stand-in"
    assert capsys.readouterr().out == (
        f"Data: GloVe 6B {dim}d, generated stand-in (not GloVe), {len(words):,} words; "
        "quick profile, no real file on disk\n"
    )
    few = load_glove(dim, ["queen", "king", "zzzz"])
    assert few.words == ("king", "queen")
    assert np.array_equal(few.vectors, vectors[[words.index("king"), words.index("queen")]])
    assert "2 of 3 words asked for, from 2," in capsys.readouterr().out
    assert kept(course) == []


# The real files --------------------------------------------------------------------------------------


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.realdata
def test_real_50(real, capsys):
    if datasets.locate("glove-50d") is None:
        pytest.skip("the file is not at hand")
    glove = load_glove(50)
    assert re.fullmatch(
        r"Data: GloVe 6B 50d, real, (9,163 words \(a prefix of 400,000\)|400,000 words)\n", capsys.readouterr().out
    )
    assert glove.words[:6] == ("the", ",", ".", "of", "to", "and")
    assert glove.vectors[0, :3].tolist() == np.array([0.418, 0.24968, -0.41242], np.float32).tolist()
    rows, index = unit(glove.vectors), glove.index
    score = rows @ (rows[index["king"]] - rows[index["man"]] + rows[index["woman"]])
    score[[index[word] for word in ("king", "man", "woman")]] = -1
    assert glove.words[int(score.argmax())] == "queen"
    few = load_glove(50, ["queen", "king"])
    assert np.array_equal(few.vectors, glove.vectors[[index["king"], index["queen"]]])


@pytest.mark.realdata
def test_real_100_has_the_words_of_50(real):
    if any(datasets.locate(need) is None for need in ("glove-50d", "glove-100d")):
        pytest.skip("the files are not at hand")
    hundred, fifty = load_glove(100), load_glove(50)
    count = min(len(hundred.words), len(fifty.words))
    assert count >= 2_717
    assert hundred.words[:count] == fifty.words[:count]
    assert hundred.vectors.shape == (len(hundred.words), 100)


@pytest.mark.realdata
def test_real_wide_agrees_with_the_exact_numbers_to_eight_bits(real):
    if datasets.locate("glove-6b-50d-q8") is None or datasets.locate("glove-6b-50d-first9163") is None:
        pytest.skip("the files are not at hand")
    wide, exact = load_glove(50, wide=True), load_glove(50)
    if len(wide.words) != 50_000:
        pytest.skip("the whole table is at hand")
    assert wide.words[:9_163] == exact.words
    difference = np.abs(unit(exact.vectors) - wide.vectors[:9_163])
    assert difference.max() < 1.01 / 127
    assert np.allclose(np.linalg.norm(wide.vectors, axis=1), 1, atol=0.03)
