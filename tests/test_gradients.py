"""The spectral radius, against closed forms and against what powers of a matrix do."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradients import spectral_radius


def test_closed_forms():
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert spectral_radius(1.7 * turn) == pytest.approx(1.7), "a rotation has complex eigenvalues"
    assert spectral_radius(np.full((32, 32), 0.05)) == pytest.approx(1.6)
    assert spectral_radius([[0.5, 10.0], [0.0, -0.9]]) == pytest.approx(0.9), "triangular: the diagonal, without sign"
    assert spectral_radius([[0.0, 1.0], [0.0, 0.0]]) == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 8))
def test_powers_grow_by_the_radius(seed, n):
    """Gelfand's formula: the norm of the k-th power, to the power 1/k, tends to the radius."""
    matrix = np.random.default_rng(seed).normal(size=(n, n))
    matrix = matrix / np.linalg.norm(matrix, 2)
    k = 256
    powers = np.linalg.norm(np.linalg.matrix_power(matrix, k), 2) ** (1 / k)
    assert spectral_radius(matrix) <= powers + 1e-9
    assert powers <= spectral_radius(matrix) * 1.1 + 0.05


def test_a_stack_gives_one_radius_each():
    stack = np.random.default_rng(0).normal(size=(3, 2, 5, 5))
    radii = spectral_radius(stack)
    assert radii.shape == (3, 2)
    assert radii[2, 1] == pytest.approx(spectral_radius(stack[2, 1]))


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((2, 3)), np.ones((0, 0)), 1.0])
def test_what_is_not_square_is_refused(bad):
    with pytest.raises(ValueError, match="expected a square matrix"):
        spectral_radius(bad)


@pytest.mark.parametrize("dtype", ["float16", "int8", "bool", ml_dtypes.bfloat16])
def test_other_kinds_of_numbers_are_welcome(dtype):
    assert spectral_radius(np.array([[0, 1], [1, 0]], dtype)) == pytest.approx(1)
    assert spectral_radius(np.array([[0, 2j], [0, 0.5j]])) == pytest.approx(0.5)
    with pytest.raises(TypeError, match="the matrix holds entries of type"):
        spectral_radius([["a"]])


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        spectral_radius([[1.0, np.nan], [0.0, 1.0]])


@pytest.mark.parametrize("shape", [(0, 5, 5), (3, 0, 2, 2)])
def test_an_empty_stack_has_no_radii(shape):
    assert spectral_radius(np.zeros(shape)).shape == shape[:-2]


@pytest.mark.parametrize("shape", [(4, 0, 0), (3, 4, 5), (0, 2, 3)])
def test_a_stack_of_what_is_not_square_is_refused(shape):
    with pytest.raises(ValueError, match="expected a square matrix"):
        spectral_radius(np.ones(shape))
