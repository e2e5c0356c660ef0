"""Scales on which a series moves by about as much when it is high as when it is low."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

FAR, TINY = 30.0, 1e-12


class Scale(NamedTuple):
    """A scale by its name, ``power, log, logit, plain``, and the size of its series.

    The size of a logit is how near to 0 and 1 a rate is taken to be that is 0 or 1.
    """

    name: str
    size: float = 1.0


def fitting(y: Array, name: str = "") -> Scale:
    """Return the scale of a series: the one asked for, else by whether it is ever negative."""
    if name == "logit":
        inside = np.fmin(y, 1 - y)
        least = float(inside[inside > 0].min(initial=0.1 if np.ptp(y) else TINY))
        return Scale(name, max(least / 2, TINY))
    name = name or ("plain" if (y < 0).any() else "power")
    return Scale(name, float(np.abs(y).mean()) or 1.0)


def to(y: Array, scale: Scale) -> Array:
    """Return values on a scale.

    Amounts and counts stand on the cube root (Box and Cox 1964: zeros are allowed, and a trend
    bends less than on the logarithm), rates on the logit; what may be negative stays as it is.
    """
    if scale.name == "logit":
        p = np.clip(y, scale.size, 1 - scale.size)
        return np.log(p / (1 - p))
    x = y / scale.size
    if scale.name == "log":
        return np.log(x)
    return 3 * (np.cbrt(x) - 1) if scale.name == "power" else x


def back(x: Array, scale: Scale) -> Array:
    """Return values on a scale as they were: never negative from a power, 0 to 1 from a logit."""
    if scale.name == "logit":
        return 1 / (1 + np.exp(-np.clip(x, -FAR, FAR)))
    if scale.name == "log":
        return np.exp(np.clip(x, -FAR, FAR)) * scale.size
    return (np.fmax(1 + x / 3, 0) ** 3 if scale.name == "power" else x) * scale.size
