"""How a gradient fares on its way back through a recurrence.

What belongs here: figures that say whether products of Jacobians shrink or grow. What does not: the backward pass
itself (`utils.bptt`), pictures (`utils.plots`). Taught in `02_vanishing_gradients`.
"""

import numpy as np

from utils.arguments import real_array


def spectral_radius(matrix):
    """Return the largest absolute value among the eigenvalues of a square matrix.

    Powers of the matrix vanish if it is below 1, and explode if it is above 1.

    Parameters
    ----------
    matrix : array_like
        Real or complex, (n, n), or a stack of such matrices (..., n, n).

    Returns
    -------
    float or numpy.ndarray
        One number for a matrix, an array (...) for a stack. Half precision is computed in float32.

    Raises
    ------
    TypeError
        If the entries are no numbers.
    ValueError
        If the last two axes are not equal and non-empty, or if an entry is NaN or infinite.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML,
    section 2.1.
    """
    matrix = np.asarray(matrix)
    if matrix.dtype.kind != "c":
        matrix = real_array("the matrix", matrix)
        matrix = matrix.astype(np.result_type(matrix.dtype, np.float32), copy=False)  # LAPACK knows no half precision
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.shape[-1] == 0:
        raise ValueError(f"expected a square matrix (n, n) or a stack of them (..., n, n), got shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("the matrix holds NaN or infinite entries; it has no spectral radius.")
    return np.abs(np.linalg.eigvals(matrix)).max(axis=-1)
