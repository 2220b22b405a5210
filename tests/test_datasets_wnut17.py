"""WNUT 2017: read as it stands, from single files or the archive; what is no tagged sentence is refused by line."""

# ruff: noqa: F401, F811 (fixtures come by import, and are then named as parameters)

import hashlib
import zipfile

import pytest
from loopback import course, no_network

from utils import datasets
from utils.datasets import BadArchive, DataUnavailable, load_wnut17
from utils.datasets.standins import wnut17 as standin
from utils.datasets.wnut17 import FILES, TYPES, TaggedSentences, check_tags
from utils.tagging import broken_transitions

# A lone tab ends a sentence upstream, a bare line end does too; \r\n once; a next-line character inside a word.
TEXT = "Harry\tB-person\r\nPotter\tI-person\nmet\tO\n#her\x85\tO\n\t\n\nOdd\tO\n:)\tO"
SENTENCES = [
    (["Harry", "Potter", "met", "#her\x85"], ["B-person", "I-person", "O", "O"]),
    (["Odd", ":)"], ["O", "O"]),
]


def announce(course, name, path, **fields):
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    course.add(name, file=path.name, hash=f"sha256:{sha256}", **fields)


def single(course, **texts):
    """Put the three files there one by one, with other texts for some."""
    course.clear()
    course.add("wnut17", file="wnut17.zip")
    for split, file in FILES.items():
        content = texts.get(split, TEXT)
        (course.data / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        announce(course, f"wnut17-{split}", course.data / file, form_of="wnut17", lacks="the others")


def entries(course):
    """The entries, none of which is on disk."""
    course.add("wnut17", file="wnut17.zip")
    for split, file in FILES.items():
        course.add(
            f"wnut17-{split}", file=file, urls=[f"http://127.0.0.1:9/{file}"], form_of="wnut17", lacks="the others"
        )


# Reading ---------------------------------------------------------------------------------------------


def test_sentences_come_as_written(course, no_network, capsys):
    single(course, dev=TEXT.replace("person", "group"))
    wnut = load_wnut17()
    assert capsys.readouterr().out == "Data: WNUT 2017 named entities, real, 2 + 2 + 2 sentences\n"
    assert list(zip(wnut.train.words, wnut.train.tags)) == SENTENCES
    assert wnut.dev.tags[0][:2] == ["B-group", "I-group"] and wnut.test.tags == wnut.train.tags
    assert wnut.source == "real" and datasets.used()["wnut17"] == "real"
    assert len(wnut.train) == 2
    assert repr(wnut.train) == "TaggedSentences(2 sentences, 6 words)", "they would fill the notebook"


def test_the_archive_will_do(course, no_network, capsys):
    entries(course)
    course.clear()
    with zipfile.ZipFile(course.data / "wnut17.zip", "w") as box:
        for file in FILES.values():
            box.writestr(f"in/{file}", TEXT)
    announce(course, "wnut17", course.data / "wnut17.zip")
    for split, file in FILES.items():
        course.add(f"wnut17-{split}", file=file, form_of="wnut17", lacks="the others")
    assert load_wnut17().test.words == [words for words, _ in SENTENCES]
    assert "real, 2 + 2 + 2" in capsys.readouterr().out


def test_each_part_can_be_fetched_or_placed():
    """Every need of the real list has a file with an address, and the archive suffices for all three."""
    known = datasets.entries()
    for split, file in FILES.items():
        forms = datasets.NEEDS[f"wnut17-{split}"]
        assert "wnut17" in forms
        [published] = [known[name] for name in forms if known[name].urls]
        assert published.file == file and published.hash.startswith("sha256:")


# Bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hi\tO\nalone\n", r"line 2 of emerging\.dev\.conll: expected a word, a tab and its tag; found 'alone'"),
        ("Hi\tO\na\tb\tO\n", r"line 2 of emerging\.dev\.conll: expected a word"),
        ("Hi\tO\n\tO\n", r"line 2 of emerging\.dev\.conll: expected a word"),
        (
            "Hi\tO\n\nBob\tB-animal\n",
            r"the sentence from line 3 of .*, word 1: expected O, or B- or I-",
        ),
        ("Hi\tO\nBob\tperson\n", r"word 2: expected O, or B- or I-.*found 'person'"),
        ("Hi\tO\nBob\tI-person\n", r"word 2: 'I-person' continues an entity, but before it stands 'O'"),
        ("Al\tB-group\nBob\tI-person\n", r"before it stands 'B-group'"),
        (b"Hi\tO\n" + b"\xff\tO\n", r"emerging\.dev\.conll is not UTF-8"),
        ("", "expected tagged entities in the dev part, found 0 sentences"),
        ("Hi\tO\n", "expected tagged entities in the dev part, found 1 sentences"),
    ],
)
def test_what_is_no_tagged_sentence_is_refused(course, no_network, capsys, text, says):
    single(course, dev=text)
    with pytest.raises(ValueError, match=says):
        load_wnut17()
    assert capsys.readouterr().out == ""


def test_a_damaged_file_is_left_out(course, no_network):
    single(course)
    (course.data / FILES["test"]).write_text("Hi\tO\n")
    with pytest.warns(UserWarning, match="is left out"), pytest.raises(DataUnavailable, match=r"emerging\.test"):
        load_wnut17()


def test_an_archive_without_a_part_is_refused(course, no_network):
    with zipfile.ZipFile(course.data / "wnut17.zip", "w") as box:
        box.writestr("wnut17train.conll", TEXT)
    announce(course, "wnut17", course.data / "wnut17.zip")
    for split, file in FILES.items():
        course.add(f"wnut17-{split}", file=file, form_of="wnut17", lacks="the others")
    with pytest.raises(BadArchive, match=r"expected a file 'emerging\.dev\.conll', found 1 files"):
        load_wnut17()


# Real or generated -----------------------------------------------------------------------------------


def test_full_uses_the_standin_with_permission_only(course, monkeypatch, capsys):
    entries(course)
    with pytest.raises(DataUnavailable, match="COURSE_STANDINS=wnut17"):
        load_wnut17()
    monkeypatch.setenv("COURSE_STANDINS", "wnut17")
    wnut = load_wnut17()
    assert (wnut.source, datasets.used()["wnut17"]) == ("stand-in", "stand-in")
    assert "generated stand-in (made by a grammar), 1,200 + 300 + 300 sentences" in capsys.readouterr().out


def test_quick_mixes_no_real_part_with_generated_ones(course, monkeypatch, no_network, capsys):
    single(course)
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_wnut17().source == "real"
    (course.data / FILES["dev"]).unlink()
    wnut = load_wnut17()
    made = standin.wnut17()
    for split in FILES:
        part = getattr(wnut, split)
        assert list(zip(part.words, part.tags)) == made[split]
    assert capsys.readouterr().out.splitlines()[1] == (
        "Data: WNUT 2017 named entities, generated stand-in (made by a grammar), 1,200 + 300 + 300 sentences; "
        "quick profile, no real file on disk"
    )


def test_the_standin_keeps_the_schema():
    for part in standin.wnut17().values():
        for words, tags in part:
            assert len(words) == len(tags)
            check_tags(tags, "here")


# The real files --------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_wnut17(real, capsys):
    if any(datasets.locate(f"wnut17-{split}") is None for split in FILES):
        pytest.skip("the files are not at hand")
    wnut = load_wnut17()
    assert capsys.readouterr().out == "Data: WNUT 2017 named entities, real, 3,394 + 1,009 + 1,287 sentences\n"
    parts = (wnut.train, wnut.dev, wnut.test)
    begun = [[tag for tags in part.tags for tag in tags if tag[0] == "B"] for part in parts]
    assert list(map(len, begun)) == [1_975, 836, 1_079]
    assert {tag[2:] for tag in begun[0]} == set(TYPES)
    assert list(TYPES) == sorted(TYPES, key=lambda kind: -begun[0].count(f"B-{kind}"))
    assert not any(broken_transitions(tags) for part in parts for tags in part.tags)
    assert [max(map(len, part.words)) for part in parts] == [41, 82, 105]
    at = wnut.train.words[0].index("Empire")
    assert wnut.train.tags[0][at : at + 3] == ["B-location", "I-location", "I-location"]
    assert isinstance(wnut.train, TaggedSentences)
