"""How a gradient fares on its way back through a recurrence.

What belongs here: figures that say whether products of Jacobians shrink or grow. What does not: the backward pass
itself (`utils.bptt`), pictures (`utils.plots`). Taught in `02_vanishing_gradients`.
"""

import numpy as np


def spectral_radius(matrix):
    """Return the largest absolute value among the eigenvalues of a square matrix.

    matrix : (n, n) gives a float; a stack (..., n, n) gives an array (...). Powers of the matrix vanish below 1 and
    explode above 1 (R. Pascanu, T. Mikolov, Y. Bengio (2013), section 2.1).

    Raises ValueError if the last two axes are not equal and non-empty, or if an entry is NaN or infinite.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.shape[-1] == 0:
        raise ValueError(f"expected a square matrix (n, n) or a stack of them (..., n, n), got shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("the matrix holds NaN or infinite entries; it has no spectral radius.")
    return np.abs(np.linalg.eigvals(matrix)).max(axis=-1)
