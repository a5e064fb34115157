"""Proved radii."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Union

import numpy as np

from . import _data, _jobs
from ._library import InputError, options, whole
from ._models import FunctionModel, resolve
from .robustness import _reference, _samples, _statistics

_STATUSES = np.array(["exact", "unreachable", "bounded", "misclassified", "contradictory"])


@dataclass(repr=False)
class CertificationResult:
    """What was proved about samples.

    Attributes
    ----------
    norm : str
        The norm of all radii.
    lower : numpy.ndarray
        (n) proved: no smaller perturbation changes the class. 0 for misclassified samples.
    upper : numpy.ndarray
        (n) a perturbation of this size does; infinite where none is known.
    statuses : numpy.ndarray
        (n) "exact" (both agree), "bounded", "unreachable" (nothing smaller than ``lower``, and no farther search),
        "misclassified", or "contradictory", which is an error of the library.
    perturbations : numpy.ndarray
        (n, D) perturbations of size ``upper``, zeros where there is none.
    labels : numpy.ndarray
        (n) class numbers of the data.
    nodes, seconds : numpy.ndarray
        (n) effort.
    contradictions : list of str
        Samples where a proof and a perturbation contradict each other; empty unless the library is wrong.
    """

    norm: str
    lower: np.ndarray
    upper: np.ndarray
    statuses: np.ndarray
    perturbations: np.ndarray
    labels: np.ndarray
    nodes: np.ndarray
    seconds: np.ndarray
    median_gap: Optional[float]
    contradictions: List[str]

    def certified_accuracy(self, epsilon: float) -> float:
        """The share of samples that provably withstand all perturbations of size at most ``epsilon``."""
        return float(np.count_nonzero(self.lower > epsilon) / max(1, len(self.lower)))

    def attacked_accuracy(self, epsilon: float) -> float:
        """The share of samples for which no perturbation of size at most ``epsilon`` is known."""
        return float(np.count_nonzero(self.upper > epsilon) / max(1, len(self.upper)))

    def plot(self, ax: Any = None, epsilon: Optional[Sequence[float]] = None) -> Any:
        """Draws both sides of the robustness curve with matplotlib, and returns the axes."""
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots()
        if epsilon is None:
            finite = self.upper[np.isfinite(self.upper)]
            last = float(finite.max(initial=float(self.lower.max(initial=0.0))))
            epsilon = np.linspace(0, last or 1.0, 201)
        lower = [self.certified_accuracy(value) for value in epsilon]
        upper = [self.attacked_accuracy(value) for value in epsilon]
        ax.fill_between(epsilon, lower, upper, alpha=0.3, label="between")
        ax.plot(epsilon, upper, label="no perturbation known")
        ax.plot(epsilon, lower, label="proved")
        ax.set_xlabel(f"{self.norm} radius")
        ax.set_ylabel("accuracy")
        ax.set_ylim(0, 1.02)
        ax.legend()
        return ax

    def __repr__(self) -> str:
        exact = int(np.count_nonzero(self.statuses == "exact"))
        return f"CertificationResult({self.norm}, {len(self.lower)} samples, {exact} exact)"


def certify(
    model: Any,
    X: Any,
    y: Any = None,
    norm: str = "l2",
    box: Any = None,
    timeout: Optional[float] = None,
    progress: _jobs.Progress = True,
    *,
    reference: Any = None,
    nodes: Optional[int] = None,
    gap: Optional[float] = None,
    attack: bool = True,
    seed: int = 0,
    certificates: Union[str, "os.PathLike[str]", None] = None,
    resume: bool = False,
    input_mean: Any = None,
    input_std: Any = None,
    classes: Any = None,
    **details: Any,
) -> CertificationResult:
    """Proves for every sample that no perturbation smaller than a radius changes its class.

    Parameters
    ----------
    model : object
        As for :func:`polyrelu.attack`, but no functions and no PyTorch module, whose weights nobody sees: export a
        module to ONNX and give the path.
    X, y, norm, reference, seed, input_mean, input_std, classes :
        As for :func:`polyrelu.attack`.
    box : pair, optional
        Perturbed samples stay in this range; without it the radii hold for inputs of any values.
    timeout : float, optional
        Seconds for one sample.
    nodes : int, optional
        Boxes to look at for one sample and class.
    gap : float, optional
        The relative gap at which a radius counts as exact, 0.001 by default.
    attack : bool
        Whether a quick attack looks for upper bounds first.
    certificates : path, optional
        A directory to keep the proofs in, which :func:`verify_certificates` reads.
    resume : bool
        Whether to go on with the proofs found there.

    Examples
    --------
    >>> import numpy as np, polyrelu
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[2.0, 0.0], [-1.0, 0.0]]), np.array([1, 0])
    >>> model = LogisticRegression().fit(X, y)
    >>> found = polyrelu.certify(model, X, y, progress=False)
    >>> bool(np.all(found.lower <= found.upper))
    True
    """
    network, data = _prepared(model, X, y, box, classes, details)
    known = _reference(network, reference, box)
    text = options(
        {
            "norm": norm, "box": None if box is None else True, "seconds": timeout, "nodes": nodes, "gap": gap,
            "attack": attack, "seed": whole(seed, "seed"), "resume": resume,
            "certificates": None if certificates is None else os.fspath(certificates),
            "input_mean": _statistics(input_mean, "input_mean"), "input_std": _statistics(input_std, "input_std"),
        }
    )
    result = _jobs.run("certify", network.handle, data, known, text, progress=progress)
    return CertificationResult(
        norm=result["norm"], lower=result.array("lower"), upper=result.array("upper"),
        statuses=_STATUSES[result.array("statuses")], perturbations=result.array("perturbations"),
        labels=result.array("labels"), nodes=result.array("nodes"), seconds=result.array("seconds"),
        median_gap=result.get("medianGap"), contradictions=result["contradictions"],
    )


def verify_certificates(
    certificates: Union[str, "os.PathLike[str]"],
    model: Any,
    X: Any,
    y: Any = None,
    norm: str = "l2",
    box: Any = None,
    *,
    input_mean: Any = None,
    input_std: Any = None,
    classes: Any = None,
    **details: Any,
) -> np.ndarray:
    """Checks the proofs that :func:`certify` has kept, without any search.

    Returns
    -------
    numpy.ndarray
        (n) the radii that they prove; 0 for misclassified samples.

    Raises
    ------
    InputError
        Naming the first file that does not hold.
    """
    network, data = _prepared(model, X, y, box, classes, details)
    text = options(
        {
            "certificates": os.fspath(certificates), "norm": norm, "box": None if box is None else True,
            "input_mean": _statistics(input_mean, "input_mean"), "input_std": _statistics(input_std, "input_std"),
        }
    )
    return _jobs.run("verify", network.handle, data, text).array("radii")


def _prepared(model: Any, X: Any, y: Any, box: Any, classes: Any, details: Any) -> Any:
    # The box of a Dataset counts only where somebody says so: certificates hold for all inputs otherwise.
    data, samples, _ = _samples(X, y, None if _is_dataset(X) else box)
    if data is not None and box is not None and box != "data":
        raise InputError('box: a Dataset has a range of its own, expected "data" or None')
    allowed = {"p", "normalize_input", "activation", "input_shape"}
    unknown = sorted(set(details) - allowed)
    if unknown:
        raise TypeError(f"unexpected keyword argument '{unknown[0]}'")
    network = resolve(model, samples, classes, **details)
    if isinstance(network, FunctionModel):
        raise InputError(
            "certificates need the weights of the network, expected a path (export a PyTorch module to ONNX), a "
            "scikit-learn classifier or a PReLUClassifier"
        )
    if data is None:
        data = _data.create(samples, network.encode(y, "y"), box=box)
    return network, data


def _is_dataset(X: Any) -> bool:
    from .datasets import Dataset

    return isinstance(X, Dataset)


__all__ = ["CertificationResult", "certify", "verify_certificates"]
