"""The questions are all that the pairs give, and only those whose words have a vector."""

from types import SimpleNamespace

import pytest

from utils import analogies


def test_every_pair_of_pairs_is_a_question():
    vectors = SimpleNamespace(words=("man", "woman", "king", "queen", "boy", "girl"))
    asked = analogies.questions(vectors)
    assert set(asked) == {"man to woman"}, "of the other kinds fewer than two pairs are known"
    assert set(zip(*asked["man to woman"], strict=True)) == {
        ("man", "woman", "king", "queen"),
        ("man", "woman", "boy", "girl"),
        ("king", "queen", "man", "woman"),
        ("king", "queen", "boy", "girl"),
        ("boy", "girl", "man", "woman"),
        ("boy", "girl", "king", "queen"),
    }


def test_a_pair_with_an_unknown_word_is_left_out():
    vectors = SimpleNamespace(words=("man", "woman", "king", "boy", "girl"))
    asked = analogies.questions(vectors)
    assert "king" not in {word for column in asked["man to woman"] for word in column}
    assert len(asked["man to woman"][0]) == 2


def test_own_pairs_can_be_asked():
    vectors = SimpleNamespace(words=tuple("abcd"))
    asked = analogies.questions(vectors, {"letters": [("a", "b"), ("c", "d")], "unknown": [("x", "y"), ("y", "x")]})
    assert asked == {"letters": (["a", "c"], ["b", "d"], ["c", "a"], ["d", "b"])}


def test_within_a_kind_no_word_is_asked_for_twice():
    """A second right answer, or a question that is its own answer, would spoil a score."""
    for kind, given in (analogies.pairs() | {"judgements": analogies.judgements()}).items():
        firsts, seconds = zip(*given, strict=True)
        assert len(set(firsts)) == len(firsts), kind
        assert len(set(seconds)) == len(seconds), kind
        assert not set(firsts) & set(seconds), kind


@pytest.mark.parametrize(("limit", "error"), [(1, ValueError), (0, ValueError), (2.5, TypeError), ("all", TypeError)])
def test_a_limit_that_gives_no_question_is_refused(limit, error):
    with pytest.raises(error):
        analogies.pairs(limit)


def test_a_limit_keeps_the_first_pairs():
    assert analogies.pairs(2)["capital to country"] == [("paris", "france"), ("rome", "italy")]
