"""The generated verse: the letters and lines of the Divan, and refrains that return."""

from itertools import pairwise

import pytest

from utils.datasets.standins import verse
from utils.datasets.verse import persian_share


@pytest.fixture(scope="module")
def text():
    return verse.hafez()


def test_equal_seeds_give_equal_text_and_others_do_not(text):
    assert verse.hafez(0) == text
    assert verse.hafez(1) != text


def test_it_has_the_letters_and_the_layout_of_the_divan(text):
    assert 100_000 <= len(text) < 101_000
    assert persian_share(text) == 1
    assert set(text) <= set("ءآابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی \n"), "no marks, no Arabic yeh or kaf, no non-joiner"
    lines = text.rstrip("\n").split("\n")
    assert len(lines) % 2 == 0, "couplets"
    assert all(line == " ".join(line.split()) for line in lines)


def test_second_lines_of_a_poem_end_with_its_refrain(text):
    lines = text.rstrip("\n").split("\n")
    firsts, seconds = lines[::2], lines[1::2]

    def refrain(line):
        return next((words for words in verse.REFRAINS if line.endswith(f" {words}")), None)

    ends = [refrain(line) for line in seconds]
    assert None not in ends
    kept = [a == b for a, b in pairwise(ends)]
    assert 0.8 < sum(kept) / len(kept) < 0.95, "poems of 5 to 12 couplets"
    opening = [at for at, line in enumerate(firsts) if refrain(line)]
    assert opening[0] == 0 and len(opening) > 200
    assert all(refrain(firsts[at]) == ends[at] for at in opening)
