"""The shared checks: what they accept comes back as it was, and what they refuse is named."""

import math

import ml_dtypes
import numpy as np
import pytest

from utils.arguments import finite_number, generator, real_array, two_numbers, whole_number


@pytest.mark.parametrize("value", [800, np.int64(800), np.uint16(800), np.array(800)])
def test_whole_numbers_come_back_as_int(value):
    number = whole_number("rows", value, least=800, most=800)
    assert number == 800 and type(number) is int


@pytest.mark.parametrize("value", [True, np.True_, 800.0, np.float64(800), math.nan, "800", None, [800], 8 + 0j])
def test_what_is_no_whole_number_is_a_wrong_type(value):
    with pytest.raises(TypeError, match=r"rows is .*; expected a whole number, 1 or more\."):
        whole_number("rows", value, least=1)


def test_a_float_is_told_what_to_do():
    with pytest.raises(TypeError, match=r"rows is 800\.0; .* Write int\(\.\.\.\) or //"):
        whole_number("rows", 0.8 * 1000)


@pytest.mark.parametrize(
    ("bounds", "value", "message"),
    [
        ({"least": 1}, 0, "rows is 0; expected a whole number, 1 or more."),
        ({"most": 5}, 6, "rows is 6; expected a whole number, 5 or less."),
        ({"least": 1, "most": 5}, np.int8(-3), "rows is -3; expected a whole number from 1 to 5."),
    ],
)
def test_a_whole_number_outside_its_range_is_a_wrong_value(bounds, value, message):
    with pytest.raises(ValueError) as caught:
        whole_number("rows", value, **bounds)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float16(0.5)])
def test_finite_numbers_come_back_as_float(value):
    number = finite_number("rate", value, least=0.5, most=0.5)
    assert number == 0.5 and type(number) is float
    assert finite_number("rate", 3) == 3.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1, 1.1, 10**400])
def test_numbers_that_are_not_finite_or_out_of_range_are_wrong_values(value):
    with pytest.raises(ValueError, match=r"rate is .*; expected a finite number from 0 to 1\."):
        finite_number("rate", value, least=0, most=1)


@pytest.mark.parametrize("value", [True, np.False_, "0.5", None, 1j, [0.5]])
def test_what_is_no_real_number_is_a_wrong_type(value):
    with pytest.raises(TypeError, match=r"rate is .*; expected a finite number\."):
        finite_number("rate", value)


def test_a_long_value_is_cut_short_in_the_message():
    with pytest.raises(TypeError) as caught:
        whole_number("rows", list(range(10_000)))
    assert len(str(caught.value)) < 150


def test_arrays_keep_their_type_and_foreign_ones_become_float32():
    for dtype in ("float16", "float64", "int8", "uint32", "bool"):
        array = np.ones(3, dtype)
        assert real_array("x", array) is array
    brain = np.array([1 / 3, -2.5, 0], ml_dtypes.bfloat16)
    found = real_array("x", brain)
    assert found.dtype == np.float32 and [float(v) for v in brain] == found.tolist()


@pytest.mark.parametrize("value", ["text", [1, None], [1j], [[1, 2], [3]], [np.datetime64("2020-01-01")]])
def test_what_holds_no_real_numbers_is_a_wrong_type(value):
    with pytest.raises(TypeError, match=r"x (holds entries of type|has rows of unequal length).*; expected"):
        real_array("x", value)


@pytest.mark.parametrize("value", [42, None, np.random.RandomState(0), "rng"])
def test_a_seed_is_no_generator(value):
    with pytest.raises(TypeError, match=r"rng is .*; expected a numpy\.random\.Generator\. Write rng="):
        generator("rng", value)
    rng = np.random.default_rng(0)
    assert generator("rng", rng) is rng


@pytest.mark.parametrize("value", [16, None, (1, 2, 3), (1,), "abc"])
def test_a_pair_is_two_things(value):
    with pytest.raises(TypeError, match=r"size is .*; expected two numbers: height and width, \(32, 32\)\."):
        two_numbers("size", value, "height and width, (32, 32)")
    assert two_numbers("size", [3, 4], "any") == (3, 4)
