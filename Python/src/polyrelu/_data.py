"""Samples and labels on their way to the library."""

from __future__ import annotations

import ctypes
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ._library import Handle, InputError, as_array, borrowed, call, library, numbers, options


def encoded(labels: Any, name: str = "y") -> Tuple[np.ndarray, Optional[List[str]]]:
    """Labels as int64, and the names that they are positions of where they are texts."""
    array = as_array(labels)
    if array.dtype.kind in "biu":
        return np.ascontiguousarray(array, dtype=np.int64), None
    if array.dtype.kind == "f":
        if not np.all(np.isfinite(array)) or np.any(array != np.floor(array)):
            raise InputError(f"{name} holds numbers that are no integers, expected class labels")
        return np.ascontiguousarray(array, dtype=np.int64), None
    if array.dtype.kind in "OUST":
        texts = [value for value in array.ravel()]
        if all(isinstance(value, (int, np.integer)) for value in texts):
            return np.ascontiguousarray(array, dtype=np.int64), None
        if all(isinstance(value, str) for value in texts):
            names, positions = np.unique(np.asarray(texts, dtype=str), return_inverse=True)
            return positions.reshape(array.shape).astype(np.int64), [str(value) for value in names]
    raise InputError(f"{name} holds {array.dtype} values, expected integers or texts")


def bounds(box: Any) -> Tuple[Optional[np.ndarray], Optional[np.ndarray]]:
    """The two sides of a box."""
    if box is None:
        return None, None
    try:
        low, high = box
    except (TypeError, ValueError):
        raise InputError(f"box is {box!r}, expected a pair (low, high) of numbers or arrays") from None
    return (
        np.ascontiguousarray(numbers(low, "box").ravel()),
        np.ascontiguousarray(numbers(high, "box").ravel()),
    )


def create(
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    box: Any = None,
    layout: Optional[str] = None,
    class_count: Optional[int] = None,
    name: str = "X",
) -> Handle:
    """Samples in the library. Contiguous float32 and float64 arrays are read where they are."""
    samples = numbers(X, "X")
    if samples.ndim < 2:
        raise InputError(f"X has the shape {samples.shape}, expected (samples, coordinates) or (samples, ...)")
    labels, names = (None, None) if y is None else encoded(y)
    subclasses = None if groups is None else encoded(groups, "groups")[0]
    low, high = bounds(box)
    arrays = [borrowed(array) for array in (samples, labels, subclasses, low, high)]
    pointers = [None if array is None else ctypes.byref(array) for array in arrays]
    text = options({"name": name, "names": names, "layout": layout, "class_count": class_count})
    return call("data_create", "data", *pointers, text)


def contents(handle: Handle) -> Any:
    from ._library import Result

    return Result(call("data_contents", "result", handle))


def load(**values: Any) -> Handle:
    return call("data_load", "data", options(values))


__all__: Sequence[str] = ["bounds", "contents", "create", "encoded", "library", "load"]
