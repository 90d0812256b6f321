"""Dense symmetric solves in single precision, with as little memory as LAPACK allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from local.recommender.dataset import Floats


def _cholesky(gram: Floats, ridge: float) -> Floats:
    """Upper Cholesky factor of gram + ridge·I; the ridge grows tenfold while rounding leaves it indefinite."""
    from scipy.linalg import lapack

    diagonal = np.diag_indices(len(gram))
    while True:
        regular = np.array(gram, dtype=np.float32, order="F")
        regular[diagonal] += np.float32(ridge)
        factor, info = lapack.spotrf(regular, lower=0, overwrite_a=1)
        if info == 0:
            return np.asarray(factor, np.float32)
        ridge *= 10


def solve(gram: Floats, right: Floats, ridge: float) -> Floats:
    """(gram + ridge·I)⁻¹ right, float32, for a symmetric positive semi-definite gram."""
    from scipy.linalg import lapack

    solution, _ = lapack.spotrs(_cholesky(gram, ridge), np.asfortranarray(right, dtype=np.float32), overwrite_b=1)
    return np.ascontiguousarray(solution)


def inverse(gram: Floats, ridge: float) -> Floats:
    """(gram + ridge·I)⁻¹, float32, for a symmetric positive semi-definite gram."""
    from scipy.linalg import lapack

    upper, _ = lapack.spotri(_cholesky(gram, ridge), lower=0, overwrite_c=1)
    upper = np.triu(np.asarray(upper, np.float32))
    return upper + np.triu(upper, 1).T
