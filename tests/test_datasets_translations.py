"""Sentence pairs: read as they stand, from whatever folder of the archive, and said where they come from."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import zipfile

import pytest
from loopback import course, no_network

from utils import datasets
from utils.datasets import BadArchive, DataUnavailable, load_translation_pairs
from utils.datasets.standins import translations as standin
from utils.datasets.translations import TranslationPairs

# No-break spaces, a quotation mark, a next-line character inside a sentence, repeated sources; \r\n once.
FRENCH = (
    'Go.\tVa !\r\nRun!\tCours\u202f!\nRun!\tCourez\u202f!\nHe said "no".\tIl a dit «\xa0non\xa0».\nOdd.\tBi\x85zarre\n'
)
PERSIAN = (
    "Who?\tچه کسی؟\tCC-BY 2.0 (France) Attribution: tatoeba.org #1 (a) & #2 (b)\nHe goes.\tاو می\u200cرود.\tCC-BY 2.0\n"
)


def pack(path, **members):
    """Write a zip of member -> text; in member names `/` is written `__`."""
    with zipfile.ZipFile(path, "w") as box:
        for name, text in members.items():
            content = text if isinstance(text, bytes) else text.encode()
            box.writestr(name.replace("__", "/").replace("_txt", ".txt"), content)
    return path


def announce(course, name, path, **fields):
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    course.add(name, file=path.name, hash=f"sha256:{sha256}", **fields)


@pytest.fixture
def french(course):
    path = pack(course.data / "fra-eng.zip", **{"fra-eng___about_txt": "Info\twith a tab", "fra-eng__fra_txt": FRENCH})
    announce(course, "fra-eng", path)
    return course


@pytest.fixture
def persian(course):
    course.add("pes-eng", file="pes-eng.zip", urls=["http://127.0.0.1:9/pes-eng.zip"])
    path = pack(course.data / "pes-eng.zip", pes_txt=PERSIAN, **{"_about_txt": "Info"})
    announce(course, "pes-eng-2023", path, form_of="pes-eng", lacks="later pairs")
    return course


def serve(course, text, member="fra_txt"):
    course.clear()
    announce(course, "fra-eng", pack(course.data / "fra-eng.zip", **{member: text}))


# Reading ---------------------------------------------------------------------------------------------


def test_french_comes_as_written_in_the_order_of_the_file(french, no_network, capsys):
    pairs = load_translation_pairs("fra")
    assert capsys.readouterr().out == "Data: English-French pairs, real, 5 pairs\n"
    assert pairs.source == ["Go.", "Run!", "Run!", 'He said "no".', "Odd."]
    assert pairs.target == ["Va !", "Cours\u202f!", "Courez\u202f!", "Il a dit «\xa0non\xa0».", "Bi\x85zarre"]
    assert (pairs.language, len(pairs)) == ("fra", 5)
    assert datasets.used()["fra"] == "real"
    assert repr(pairs) == "TranslationPairs(5 English sentences to 'fra')", "they would fill the notebook"
    with pytest.raises(AttributeError):
        pairs.source = []


def test_persian_loses_its_third_column_only(persian, no_network, capsys):
    pairs = load_translation_pairs("pes")
    assert capsys.readouterr().out == "Data: English-Persian pairs, real, 2 pairs\n"
    assert pairs.source == ["Who?", "He goes."]
    assert pairs.target == ["چه کسی؟", "او می\u200cرود."], "the non-joiner stays"
    assert datasets.used()["pes"] == "real"


def test_a_newer_persian_edition_is_taken_where_the_list_admits_it(course, no_network):
    path = pack(course.data / "pes-eng.zip", pes_txt=PERSIAN + "New.\tنو.\tCC-BY\n")
    announce(course, "pes-eng", path)
    course.add("pes-eng-2023", file="pes-eng.zip", form_of="pes-eng", lacks="later pairs")
    assert len(load_translation_pairs("pes")) == 3


@pytest.mark.parametrize(
    ("need", "entry", "text"), [("fra", "fra-eng-txt", FRENCH), ("pes", "pes-eng-2023-txt", PERSIAN)]
)
def test_the_unpacked_table_will_do(course, no_network, need, entry, text):
    main = entry.split("-")[0] + "-eng"
    course.add(main)
    (course.data / f"{need}.txt").write_bytes(text.encode())
    announce(course, entry, course.data / f"{need}.txt", form_of=main, lacks="nothing")
    assert len(load_translation_pairs(need)) == {"fra": 5, "pes": 2}[need]


def test_the_fixed_edition_comes_first():
    entries = datasets.entries()
    assert entries[datasets.NEEDS["pes"][0]].hash and entries[datasets.NEEDS["pes"][-1]].hash is None


# Bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "FRA", "", None, 3, ["fra"]])
def test_another_language_is_refused(language):
    with pytest.raises(ValueError, match=r"there are 'fra' \(French\) and 'pes' \(Persian\)"):
        load_translation_pairs(language)


@pytest.mark.parametrize("line", ["Go.", "Go.\t", "\tVa !", "Go.\t \tCC-BY"])
def test_a_malformed_line_is_named(course, no_network, capsys, line):
    serve(course, f"Hi.\tSalut !\n{line}\n")
    with pytest.raises(ValueError, match=r"line 2 of fra\.txt: expected two sentences"):
        load_translation_pairs("fra")
    assert capsys.readouterr().out == ""


def test_what_is_no_utf8_is_refused(course, no_network):
    serve(course, "Hi.\tÇa\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"fra\.txt is not UTF-8"):
        load_translation_pairs("fra")


def test_an_empty_table_is_refused(course, no_network):
    serve(course, "\n\n")
    with pytest.raises(ValueError, match="found none"):
        load_translation_pairs("fra")


def test_an_archive_of_another_language_is_refused(course, no_network):
    serve(course, FRENCH, member="deu_txt")
    with pytest.raises(BadArchive, match=r"expected a file 'fra\.txt', found 1 files: deu\.txt"):
        load_translation_pairs("fra")


# Real or generated -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "entry"), [("fra", "fra-eng"), ("pes", "pes-eng")])
def test_full_uses_the_standin_with_permission_only(course, monkeypatch, capsys, language, entry):
    course.add(entry, urls=[f"http://127.0.0.1:9/{entry}.bin"])
    if language == "pes":
        course.add("pes-eng-2023", form_of="pes-eng", lacks="later pairs")
    monkeypatch.setenv("COURSE_STANDINS", "jena")
    with pytest.raises(DataUnavailable, match=f"COURSE_STANDINS={language}"):
        load_translation_pairs(language)
    monkeypatch.setenv("COURSE_STANDINS", f"jena,{language}")
    load_translation_pairs(language)
    assert "generated stand-in (made by a grammar)" in capsys.readouterr().out
    assert datasets.used()[language] == "stand-in"


@pytest.mark.parametrize(("language", "entry", "title"), [("fra", "fra-eng", "French"), ("pes", "pes-eng", "Persian")])
def test_quick_generates_without_the_network(course, monkeypatch, no_network, capsys, language, entry, title):
    course.add(entry)
    if language == "pes":
        course.add("pes-eng-2023", form_of="pes-eng", lacks="later pairs")
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    pairs = load_translation_pairs(language)
    made = getattr(standin, language)()
    assert list(zip(pairs.source, pairs.target)) == made
    assert capsys.readouterr().out == (
        f"Data: English-{title} pairs, generated stand-in (made by a grammar), {len(made):,} pairs; "
        "quick profile, no real file on disk\n"
    )


# The real files --------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_french(real, capsys):
    if datasets.locate("fra") is None:
        pytest.skip("the file is not at hand")
    pairs = load_translation_pairs("fra")
    assert capsys.readouterr().out == "Data: English-French pairs, real, 167,130 pairs\n"
    assert (pairs.source[0], pairs.target[0]) == ("Go.", "Va !")
    assert isinstance(pairs, TranslationPairs) and len(pairs.source) == len(pairs.target) == 167_130
    assert sum(text.count("\u202f") for text in pairs.target) == 6_286, "kept: cleaning is the notebook's"


@pytest.mark.realdata
def test_real_persian(real, capsys):
    if datasets.locate("pes") is None:
        pytest.skip("the file is not at hand")
    pairs = load_translation_pairs("pes")
    if len(pairs) == 3_179:
        assert capsys.readouterr().out == "Data: English-Persian pairs, real, 3,179 pairs\n"
    assert (pairs.source[0], pairs.target[0]) == ("Who?", "چه کسی؟")
    letters = [letter for text in pairs.target for letter in text if letter.isalpha()]
    assert sum("\u0600" <= letter <= "\u06ff" for letter in letters) > 0.99 * len(letters)
    assert not any("CC-BY" in text for text in pairs.target)
