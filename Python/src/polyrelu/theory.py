"""Closed forms."""

from __future__ import annotations

import math

from ._library import InputError, library

#: No classifier that gets every centre right is robust beyond this radius.
optimal_radius = math.sqrt(0.5)


def critical_radius(*, p: float, opposite: int) -> float:
    """The l2 radius at which an adversary fools F^(p)(x) = sum of y_k relu(<mu_k, x>)^p at a centre.

    Parameters
    ----------
    p : float
        The degree, at least 1.
    opposite : int
        Orthonormal subclasses of the other class.

    Examples
    --------
    >>> from polyrelu import theory
    >>> round(theory.critical_radius(p=3, opposite=4), 6)
    0.707107
    >>> round(theory.critical_radius(p=1, opposite=3), 6)
    0.5
    """
    if not (p >= 1 and math.isfinite(p)):
        raise InputError(f"p is {p}, expected a number of at least 1")
    if opposite < 1:
        raise InputError(f"opposite is {opposite}, expected at least 1")
    return library.polyrelu_critical_radius(p, opposite)


def critical_radius_relu(*, subclasses: int) -> float:
    """The same for F, what a plain ReLU network learns: 1 / sqrt(subclasses).

    Examples
    --------
    >>> from polyrelu import theory
    >>> theory.critical_radius_relu(subclasses=4)
    0.5
    """
    if subclasses < 2:
        raise InputError(f"subclasses is {subclasses}, expected at least 2")
    return library.polyrelu_critical_radius_relu(subclasses)
