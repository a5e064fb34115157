"""Data sets by name, and data from files."""

from __future__ import annotations

import os
from typing import Any, List, Optional, Tuple, Union

import numpy as np

from . import _data
from ._library import Handle


class Dataset:
    """Labelled samples of the library.

    Attributes
    ----------
    name : str
        What reports call the data.
    X : numpy.ndarray
        (n, D) samples, float32.
    y : numpy.ndarray
        (n) class numbers.
    classes : list
        The values of the classes.
    groups : numpy.ndarray or None
        (n) the subclass of every sample, where subclasses are known.
    group_labels : numpy.ndarray or None
        The class of every subclass.
    centers : numpy.ndarray or None
        The true centres of the subclasses.
    shape : tuple of int
        The extents of a sample.
    box : tuple of float or None
        The range of valid values.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        found = _data.contents(handle)
        self.name: str = found["name"]
        self.X: np.ndarray = found.array("x")
        self.y: np.ndarray = found.array("y")
        self.classes: List[Any] = found["classes"]
        self.groups: Optional[np.ndarray] = found.array("group")
        self.group_labels: Optional[np.ndarray] = found.array("group_labels")
        self.centers: Optional[np.ndarray] = found.array("centers")
        self.shape: Tuple[int, ...] = tuple(found["shape"])
        box = found.get("box")
        self.box: Optional[Tuple[float, float]] = None if box is None else (box[0], box[1])

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {len(self)} samples of shape {self.shape}, {len(self.classes)} classes)"


def load(
    data: Union[str, "os.PathLike[str]"], *, split: Optional[str] = None, labels: Optional[str] = None
) -> Dataset:
    """Data by name ("digits", "mnist", "fashion-mnist", "cifar10", "mixture"), or from a file.

    Parameters
    ----------
    data : str or path
        A name, or an ``.npz``, ``.npy``, ``.safetensors`` or ``.csv`` file.
    split : str, optional
        The part, such as "train" or "test".
    labels : str, optional
        How categories become classes: "category", "parity" or "mod:N".
    """
    return Dataset(_data.load(data=os.fspath(data), split=split, labels=labels))


def digits(*, split: Optional[str] = None, labels: Optional[str] = None) -> Dataset:
    """The 1,797 handwritten digits of 8 x 8 pixels that come with the package.

    Examples
    --------
    >>> from polyrelu import datasets
    >>> datasets.digits(split="test")
    Dataset('digits', 355 samples of shape (8, 8), 10 classes)
    """
    return load("digits", split=split, labels=labels)


def mnist(*, split: Optional[str] = None, labels: Optional[str] = None) -> Dataset:
    """MNIST, from the folder that POLYRELU_DATA names or where `polyrelu data fetch` has put it."""
    return load("mnist", split=split, labels=labels)


def cifar10(*, split: Optional[str] = None, labels: Optional[str] = None) -> Dataset:
    """CIFAR-10, from the folder that POLYRELU_DATA names or where `polyrelu data fetch` has put it."""
    return load("cifar10", split=split, labels=labels)


def mixture(
    *,
    dimension: int = 1000,
    subclasses: int = 10,
    positive: int = 6,
    alpha: float = 0.1,
    samples: int = 20_000,
    rotation: str = "none",
    split: Optional[str] = None,
    seed: int = 0,
) -> Dataset:
    """Gaussian clusters around orthonormal centres, the data of the theory.

    Parameters
    ----------
    dimension : int
        Coordinates of a sample.
    subclasses, positive : int
        Clusters, and how many of them are of class 1.
    alpha : float
        The standard deviation of a cluster, in norm.
    samples : int
        How many in all; ``split`` takes a part of them.
    rotation : {"none", "random"}
        Whether centre k is basis vector k.
    split : {"train", "test"}, optional
        The part.
    seed : int
        Determines the samples.

    Examples
    --------
    >>> from polyrelu import datasets
    >>> data = datasets.mixture(dimension=20, subclasses=4, positive=2, samples=100)
    >>> data.X.shape, int(data.groups.max())
    ((100, 20), 3)
    """
    return Dataset(
        _data.load(
            data="mixture", dimension=dimension, subclasses=subclasses, positive=positive, alpha=alpha,
            samples=samples, rotation=rotation, split=split, seed=seed,
        )
    )
