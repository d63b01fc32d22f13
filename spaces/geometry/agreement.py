"""Agreement of values with labels: rank correlation and AUC. Pure NumPy."""

import numpy as np

Array = np.ndarray


def ranks(values: Array) -> Array:
    """Return each value's rank, from 1, ties averaged, shape (n,)."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def spearman(first: Array, second: Array) -> float:
    """Return Spearman's rank correlation, -1..1, of two arrays of shape (n,); NaN if one is constant."""
    one, other = ranks(np.asarray(first)), ranks(np.asarray(second))
    if not one.std() or not other.std():
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def auc(values: Array, is_high: Array) -> float:
    """Return the chance that a high case has a higher value than a low one, 0..1, ties half; NaN without one of each.

    Args:
        values: shape (n,).
        is_high: shape (n,), bool.
    """
    high = int(is_high.sum())
    low = len(is_high) - high
    if not high or not low:
        return float("nan")
    return float((ranks(np.asarray(values))[is_high].sum() - high * (high + 1) / 2) / (high * low))
