"""The generated named entities: names say nothing, one side says all, and nothing else does."""

from collections import Counter

import pytest

from utils.datasets.standins import wnut17 as made
from utils.datasets.wnut17 import TYPES
from utils.tagging import broken_transitions, entities

NAMES = {*made.FIRST, *made.SECOND, *made.NOVEL}


def kind_and_place(words, tags):
    """The type that a sentence's name has ("" for none), and where the name begins and ends."""
    at = [number for number, word in enumerate(words) if word in NAMES]
    found = entities(tags)
    return (found[0][0] if found else ""), at[0], at[-1] + 1


@pytest.fixture(scope="module", params=["left", "right"])
def sided(request):
    return request.param, made.sentences(1, 3_000, request.param)


def test_equal_seeds_give_equal_sentences_and_others_do_not():
    assert made.sentences(1, 50) == made.sentences(1, 50) != made.sentences(2, 50)
    assert made.wnut17(3) == made.wnut17(3) != made.wnut17(4)


def test_every_type_is_there_and_none_is_preferred(sided):
    _, sentences = sided
    counts = Counter(kind_and_place(words, tags)[0] for words, tags in sentences)
    assert set(counts) == {*TYPES, ""}
    assert all(abs(count / 3_000 - 1 / 7) < 0.03 for count in counts.values())


def test_tags_are_iob_and_cover_the_whole_name(sided):
    _, sentences = sided
    for words, tags in sentences:
        assert len(words) == len(tags) and not broken_transitions(tags)
        kind, start, end = kind_and_place(words, tags)
        assert entities(tags) == ([(kind, start, end)] if kind else [])
        assert 1 <= end - start <= 2


def test_names_and_openings_do_not_tell_the_type(sided):
    """Whoever knew only the name, or only the opening, would be right about as often as chance."""
    side, sentences = sided
    for look in ("name", "opening"):
        seen = {}
        for words, tags in sentences:
            kind, start, _ = kind_and_place(words, tags)
            key = words[start] if look == "name" else words[0]
            seen.setdefault(key, Counter())[kind] += 1
        right = sum(counts.most_common(1)[0][1] for counts in seen.values())
        assert right / len(sentences) < 0.27, (side, look)  # 1 / 7 and what 125 draws for each word add


def test_the_clue_tells_the_type_and_stands_on_one_side(sided):
    side, sentences = sided
    told, clues = {}, made.RIGHT if side == "right" else made.LEFT
    for words, tags in sentences:
        kind, start, end = kind_and_place(words, tags)
        before, after = " ".join(words[:start]), " ".join(words[end:])
        here, there = (after, before) if side == "right" else (before, after)
        assert any(clue in here for clue in clues[kind]), words
        assert not any(clue in there for other in (made.LEFT, made.RIGHT) for group in other.values() for clue in group)
        clue = next(clue for clue in clues[kind] if clue in here)
        assert told.setdefault(clue, kind) == kind, "a clue has one meaning"


def test_first_words_of_clues_on_the_right_are_shared():
    """Whoever looked one word to the right would be right less than half of the time."""
    first = Counter(clue.split()[0] for group in made.RIGHT.values() for clue in group)
    kinds = {word: {kind for kind, group in made.RIGHT.items() if word in " ".join(group).split()} for word in first}
    assert {"was", "has", "is"} <= {word for word, found in kinds.items() if len(found) >= 3}


def test_the_lectures_sentences_are_of_the_grammar():
    """Each part is drawn: He said, "Teddy Roosevelt was a great President!" and "Teddy bears are on sale!"."""
    drawn = made.sentences(5, 4_000, "right")
    for end, expected in (("was a great president !", "person"), ("bears are on sale !", "")):
        said = [(words, tags) for words, tags in drawn if words[0] == "He" and f" {end} " in " ".join(words)]
        assert {kind_and_place(words, tags)[0] for words, tags in said} == {expected}
    assert any(words[words.index("Teddy") + 1] == "Roosevelt" for words, _ in drawn if "Teddy" in words)


def test_the_mixture_and_its_sizes():
    parts = made.wnut17()
    assert {split: len(part) for split, part in parts.items()} == made.SIZES
    train, test = parts["train"], parts["test"]
    assert 0.15 < sum(not NAMES & set(words) for words, _ in train) / len(train) < 0.25
    assert not any(set(made.NOVEL) & set(words) for words, _ in train)
    named = [words for words, _ in test if NAMES & set(words)]
    assert 0.25 < sum(bool(set(made.NOVEL) & set(words)) for words in named) / len(named) < 0.42


@pytest.mark.parametrize("side", ["middle", "", 1])
def test_another_side_is_refused(side):
    with pytest.raises(ValueError, match="expected 'left', 'right' or None"):
        made.sentences(0, 1, side)
