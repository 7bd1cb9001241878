"""Shares with their intervals, and whether chance explains them."""

from __future__ import annotations

import math

from otviz.evaluation.diagnosis.result import Interval

Z = 1.959963984540054
"""Quantile 0.975 of the standard normal distribution."""


def wilson(count: float, n: int) -> Interval:
    """Wilson's interval of a share of `count` in `n` (Wilson 1927); from 0 to 1 without samples."""
    if n == 0:
        return Interval(0.0, 1.0)
    share, square = count / n, Z * Z / n
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def fewer_than_chance(count: int, n: int, real: int, of: int) -> float:
    """Probability that fresh real samples have at most `count` in `n` where real ones have `real` in `of`.

    Fisher's exact test, one-sided: given the sum of both counts, one of them is hypergeometric.

    Args:
        count, n: of generated samples, and their number.
        real, of: of real samples, and their number.
    """
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(count, n + of, count + real, n))


def more_than_chance(count: int, n: int, real: int, of: int) -> float:
    """Probability that fresh real samples have at least `count` in `n` where real ones have `real` in `of`.

    Args:
        count, n: of generated samples, and their number.
        real, of: of real samples, and their number.
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(count - 1, n + of, count + real, n))


def shares_differ(counts: list[int], real: list[int]) -> float:
    """Probability that fresh real samples are spread over clusters as unevenly as this (chi-squared test of homogeneity)."""
    from scipy.stats import chi2_contingency

    table = [pair for pair in zip(counts, real, strict=True) if sum(pair)]
    if len(table) < 2:
        return 1.0
    return float(chi2_contingency(list(zip(*table, strict=True)), correction=False).pvalue)
