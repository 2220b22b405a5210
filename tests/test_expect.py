"""What an assignment's test cells say of an answer: right ones pass in any style, wrong ones get a useful message."""

import doctest

import numpy as np
import pytest
import tensorflow as tf

from utils import expect

RIGHT = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    "answer",
    [RIGHT, RIGHT.tolist(), tuple(map(tuple, RIGHT)), RIGHT.astype("float32"), RIGHT.astype(int), tf.constant(RIGHT)],
    ids=["float64", "list", "tuple", "float32", "int", "tensor"],
)
def test_close_takes_a_right_answer_in_any_style(answer):
    expect.close(answer, RIGHT, "the answer")


def test_close_takes_nan_and_infinity_only_where_they_are_right():
    expect.close([np.nan, np.inf], [np.nan, np.inf], "the answer")
    with pytest.raises(AssertionError, match=r"NaN or infinite.*finite.$"):
        expect.close([1.0, np.nan], [1.0, 2.0], "the answer")
    with pytest.raises(AssertionError, match=r"NaN or infinite.*comes out if you divide by zero"):
        expect.close([1.0, np.nan], [1.0, 2.0], "the answer", mistakes={"you divide by zero": [1.0, np.nan]})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, r"the answer: got None, expected numbers of shape \(2, 3\)\. Does the function return"),
        (RIGHT.T, r"the answer: expected shape \(2, 3\), got \(3, 2\)\. Rows and columns are exchanged\."),
        (RIGHT[0], r"the answer: expected shape \(2, 3\), got \(3,\)\.$"),
        ([[1], [2, 3]], r"the answer: expected numbers of shape \(2, 3\), got a list"),
        ("six", r"expected numbers of shape \(2, 3\), got a str: 'six'"),
        (np.where(RIGHT == 6, 7, RIGHT), r"differ, most of all at \[1, 2\]: got 7, expected 6\.$"),
        (RIGHT + 1e-4, "differ"),
        (-RIGHT, r"got -6, expected 6\. That is what comes out if the sign is lost\."),
    ],
)
def test_close_says_what_is_wrong(answer, says):
    with pytest.raises(AssertionError, match=says):
        expect.close(answer, RIGHT, "the answer", mistakes={"a": RIGHT[0], "the sign is lost": -RIGHT})


class Agreeable(np.ndarray):
    """An array that calls itself right."""

    def __array_ufunc__(self, *args, **kwargs):
        return np.True_

    def __eq__(self, other):
        return True

    __hash__ = None


class Spy:
    """Looks up what is expected when it is asked for its numbers."""

    def __array__(self, *args, **kwargs):
        return RIGHT

    def __float__(self):
        return 1.0

    def __eq__(self, other):
        return True

    __hash__ = None


class SpyingList(list):
    def __iter__(self):
        return iter(RIGHT.tolist())


class SpyingFloat(float):
    def __float__(self):
        return 1.0

    def __eq__(self, other):
        return True

    __hash__ = None


class SpyingWord(str):
    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize("answer", [np.zeros((2, 3)).view(Agreeable), Spy(), SpyingList()])
def test_close_asks_no_object_whether_it_is_right(answer):
    with pytest.raises(AssertionError):
        expect.close(answer, RIGHT, "the answer")


@pytest.mark.parametrize("answer", [Spy(), SpyingFloat(2), "1", None, [None]])
def test_close_takes_no_object_inside_a_list(answer):
    with pytest.raises(AssertionError):
        expect.close([answer], [1.0], "the answer")


@pytest.mark.parametrize("answer", [Spy(), SpyingFloat(2), SpyingWord("no"), [SpyingWord("no")]])
def test_equal_asks_no_object_whether_it_is_right(answer):
    for right in ("a", ["a"], 1, [1]):
        with pytest.raises(AssertionError):
            expect.equal(answer, right, "the answer")


def test_a_subclass_counts_as_what_it_holds():
    expect.equal(SpyingWord("a"), "a", "the answer")
    expect.equal({"a": SpyingFloat(2)}, {"a": 2}, "the answer")
    expect.close([SpyingFloat(2)], [2], "the answer")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (("a", np.str_("b")), ["a", "b"]),
        (np.array([[1, 2]]), [[1, 2]]),
        (tf.constant([1, 2]), [1, 2]),
        (np.float64(3.0), 3),
        ({"a": np.int64(1), "b": [1, (2,)]}, {"b": [1, [2]], "a": 1}),
        ({"b", "a"}, {"a", "b"}),
        (None, None),
    ],
)
def test_equal_takes_a_right_answer_in_any_style(answer, right):
    expect.equal(answer, right, "the answer")


@pytest.mark.parametrize(
    ("answer", "right", "says"),
    [
        (None, ["a"], r"got None, expected \['a'\]\. Does the function return"),
        (["a"], ["a", "b"], r"\(length 1 instead of 2\)"),
        (["a", "c"], ["a", "b"], r"\(they differ first at \[1\]: 'c' instead of 'b'\)"),
        ([["a"], "b"], [["a"], ["b"]], r"differ first at \[1\]"),
        (["b", "a"], ["a", "b"], r"That is what comes out if the order is lost\."),
        (True, 1, "got True, expected 1"),
        ({"a": 1}, {"a": 2}, "got {'a': 1}, expected {'a': 2}"),
        ({"a": 1}, {"b": 1}, "expected {'b': 1}"),
        (b"a", "a", "got '<a bytes>', expected 'a'"),
    ],
)
def test_equal_says_what_is_wrong(answer, right, says):
    with pytest.raises(AssertionError, match=says):
        expect.equal(answer, right, "the answer", mistakes={"the order is lost": ["b", "a"]})


def test_parts_hands_on_a_list_or_tuple_of_the_right_length():
    assert expect.parts((1, RIGHT), 2, "the answer")[1] is RIGHT
    for answer, says in (
        (None, r"got None, expected a list or tuple of length 2\. Does the function return"),
        (RIGHT, r"expected a list or tuple of length 2, got a ndarray"),
        ([1], r"expected 2 results, got 1: \[1\]\."),
    ):
        with pytest.raises(AssertionError, match=says):
            expect.parts(answer, 2, "the answer")


def test_a_long_answer_is_shortened_in_the_message():
    with pytest.raises(AssertionError) as caught:
        expect.equal(["word"] * 10_000, ["word"], "the answer")
    assert len(str(caught.value)) < 1000


def test_the_examples_of_the_docstring():
    assert doctest.testmod(expect) == (0, 2)
