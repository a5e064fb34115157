"""Attacks, and what they find."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _data, _jobs
from ._library import InputError, as_array, borrowed, numbers, options, whole
from ._models import FunctionModel, Model, resolve
from .datasets import Dataset

_STATUSES = np.array(["misclassified", "attacked", "survived", "excluded"])


@dataclass(repr=False)
class RobustnessResult:
    """How robust a model was found to be.

    Attributes
    ----------
    norm : str
        The norm of all radii.
    attack : str
        The attack.
    radii : numpy.ndarray
        (n) the size of the smallest perturbation that was found to change the class: an upper bound of the true one. 0
        for samples that are misclassified as they are, infinity where nothing was found, NaN for samples whose label is
        their target.
    witnesses : numpy.ndarray
        The samples with their perturbations, in the shape of the data; as they are where there is none.
    perturbations : numpy.ndarray
        (n, D), zeros where there is none.
    predictions, labels : numpy.ndarray
        (n) the predicted class without perturbation, and that of the data, as numbers of classes in ``classes``.
    classes : list
        The values of the classes.
    statuses : numpy.ndarray
        (n) "misclassified", "attacked", "survived" or "excluded".
    attacks : numpy.ndarray
        (n) the attack that found the smallest perturbation, "" for none.
    flags : list of str
        Reasons not to trust the result; empty when no check objects.
    epsilon : numpy.ndarray
        The radii that were asked for.
    """

    norm: str
    attack: str
    radii: np.ndarray
    witnesses: np.ndarray
    perturbations: np.ndarray
    predictions: np.ndarray
    labels: np.ndarray
    classes: List[Any]
    statuses: np.ndarray
    attacks: np.ndarray
    flags: List[str]
    epsilon: np.ndarray
    targets: Optional[np.ndarray] = None
    gradient_passes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    forward_passes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    unconfirmed: int = 0
    seconds: float = 0.0

    @property
    def reliable(self) -> bool:
        """Whether no check objects."""
        return not self.flags

    @property
    def _counted(self) -> np.ndarray:
        return self.radii[self.statuses != "excluded"]

    @property
    def clean_accuracy(self) -> float:
        """The share of samples that are classified correctly as they are."""
        kept = self.statuses != "excluded"
        return float(np.mean(self.predictions[kept] == self.labels[kept])) if kept.any() else 0.0

    @property
    def median_radius(self) -> float:
        """Where robust accuracy crosses 1/2; infinite where half of the samples survive."""
        values = np.sort(self._counted)
        if len(values) == 0:
            return float("nan")
        low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
        return float(low if low == high else (low + high) / 2)

    def robust_accuracy(self, epsilon: float) -> float:
        """The share of samples that no perturbation found of size at most ``epsilon`` fools.

        Parameters
        ----------
        epsilon : float
            A radius.
        """
        counted = self._counted
        return float(np.count_nonzero(counted > epsilon) / max(1, len(counted)))

    def curve(self, epsilon: Optional[Sequence[float]] = None) -> Tuple[np.ndarray, np.ndarray]:
        """Radii and robust accuracies.

        Parameters
        ----------
        epsilon : sequence of float, optional
            Radii; those that were asked for when left out.
        """
        radii = self.epsilon if epsilon is None else np.asarray(epsilon, dtype=np.float64)
        return radii, np.array([self.robust_accuracy(value) for value in radii])

    def plot(self, ax: Any = None, epsilon: Optional[Sequence[float]] = None, **style: Any) -> Any:
        """Draws robust accuracy against the radius with matplotlib, and returns the axes."""
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots()
        finite = self._counted[np.isfinite(self._counted)]
        if epsilon is None:
            last = max(float(self.epsilon.max(initial=0)), float(np.quantile(finite, 0.9)) if len(finite) else 0.0)
            epsilon = np.linspace(0, last or 1.0, 201)
        radii, values = self.curve(epsilon)
        ax.plot(radii, values, **{"label": "smallest perturbation found", **style})
        ax.set_xlabel(f"{self.norm} radius")
        ax.set_ylabel("robust accuracy" if self.targets is None else "share not predicted as target")
        ax.set_ylim(0, 1.02)
        return ax

    def to_pandas(self) -> Any:
        """A pandas table with a row a sample."""
        import pandas as pd

        classes = np.asarray(self.classes)
        table = {
            "label": classes[self.labels],
            "predicted": classes[self.predictions],
            "radius": self.radii,
            "attack": self.attacks,
            "status": self.statuses,
        }
        if self.targets is not None:
            table["target"] = classes[self.targets]
        return pd.DataFrame(table)

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes everything to an ``.npz`` file, which :meth:`load` reads."""
        arrays = {
            name: getattr(self, name)
            for name in (
                "radii", "witnesses", "perturbations", "predictions", "labels", "statuses", "attacks", "epsilon",
                "gradient_passes", "forward_passes",
            )
        }
        if self.targets is not None:
            arrays["targets"] = self.targets
        np.savez_compressed(
            path, norm=self.norm, attack=self.attack, classes=np.asarray(self.classes),
            flags=np.asarray(self.flags, dtype=str), unconfirmed=self.unconfirmed, seconds=self.seconds, **arrays,
        )

    @classmethod
    def load(cls, path: Union[str, "os.PathLike[str]"]) -> "RobustnessResult":
        """Reads what :meth:`save` has written."""
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        for name in ("norm", "attack", "unconfirmed", "seconds"):
            values[name] = values[name].item()
        for name in ("classes", "flags"):
            values[name] = values[name].tolist()
        return cls(**values)

    def __repr__(self) -> str:
        state = "reliable" if self.reliable else f"unreliable: {'; '.join(self.flags)}"
        return (
            f"RobustnessResult({self.norm}, {len(self.radii)} samples, clean accuracy {self.clean_accuracy:.3f}, "
            f"median radius {self.median_radius:.4g}, {state})"
        )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{radius:.4g}</td><td>{value:.3f}</td></tr>" for radius, value in zip(*self.curve())
        )
        flags = "".join(f"<li>{escape(flag)}</li>" for flag in self.flags)
        warning = f"<p><b>Not to be trusted:</b></p><ul>{flags}</ul>" if flags else ""
        return (
            f"<p>{escape(self.attack)}, {len(self.radii)} samples, median {self.norm} radius {self.median_radius:.4g}</p>"
            f"{warning}<table><tr><th>{self.norm} radius</th><th>robust accuracy</th></tr>{rows}</table>"
        )


def attack(
    model: Any,
    X: Any,
    y: Any = None,
    norm: str = "l2",
    epsilon: Any = None,
    attack: str = "standard",
    box: Any = None,
    targets: Any = None,
    seed: int = 0,
    progress: _jobs.Progress = True,
    *,
    reference: Any = None,
    steps: Optional[int] = None,
    restarts: Optional[int] = None,
    check: bool = True,
    reduction: bool = True,
    input_mean: Any = None,
    input_std: Any = None,
    classes: Any = None,
    batch_size: Optional[int] = None,
    p: Optional[float] = None,
    normalize_input: Optional[bool] = None,
    activation: Optional[str] = None,
    input_shape: Optional[Sequence[int]] = None,
) -> RobustnessResult:
    """Finds the smallest perturbation of every sample that changes its class.

    Parameters
    ----------
    model : object
        A path of a model file or run directory, a ``torch.nn.Module`` in evaluation mode, a fitted linear classifier or
        ``MLPClassifier`` of scikit-learn (also behind scalers in a pipeline), a :class:`PReLUClassifier`, or a pair of
        functions ``(logits, vjp)``: ``logits(X)`` gives (n, outputs), and ``vjp(X, cotangent)`` the gradient with
        respect to X of the logits' sum weighted by ``cotangent`` (n, outputs). One output means two classes.
    X : array or Dataset
        (n, ...) samples. Contiguous float32 and float64 arrays are read where they are.
    y : array
        (n) the class of every sample, as the model calls it; left out where X is a :class:`polyrelu.datasets.Dataset`.
    norm : {"l2", "linf", "l1"}
        What measures a perturbation.
    epsilon : float or sequence of float, optional
        Radii of the curve, and those that attacks on balls look at. By default 16 that suit the norm.
    attack : str
        "standard" for the ensemble, or one of its parts: see the command's ``polyrelu attack --help``.
    box : pair, optional
        ``(low, high)``, numbers or arrays of one number a channel or coordinate: the range of valid inputs, in which
        perturbed samples stay. A Dataset brings its own.
    targets : optional
        The class that samples are to be predicted as, one for all or one for each. Any but the label by default.
    seed : int
        The root of all random choices: same seed, same result, on any number of threads.
    progress : bool or callable
        Whether a terminal shows a line of progress, or a function that gets the share that is done.
    reference : pair of arrays or Dataset, optional
        Labelled samples that tell where other classes lie, such as training data. By default the samples themselves.
    steps, restarts : int, optional
        For an attack that runs alone.
    check : bool
        Whether the result is checked for signs of a weak attack.
    reduction : bool
        Whether a network that depends on few directions is attacked in those.
    input_mean, input_std : optional
        What the network of a file expects inputs standardised by: numbers, or one a channel or coordinate.
    classes : sequence, optional
        The values of the classes in the order of the outputs, for a model that does not say them.
    batch_size : int, optional
        The most samples that a PyTorch module gets at a time, 1000 by default.
    p, normalize_input, activation, input_shape : optional
        What a model file leaves open, as on the command line.

    Returns
    -------
    RobustnessResult

    Raises
    ------
    InputError
        Where something does not fit; the message says what was expected.

    Notes
    -----
    Functions of the model are called on this thread, one batch at a time. What they raise ends the attack and is raised
    here, as is Ctrl-C.

    Examples
    --------
    A linear classifier of scikit-learn, whose distances to the boundary are known:

    >>> import numpy as np, polyrelu
    >>> W = np.array([[3.0, 4.0]])
    >>> logits = lambda X: X @ W.T.astype(X.dtype)
    >>> vjp = lambda X, cotangent: cotangent @ W.astype(X.dtype)
    >>> X = np.array([[1.0, 0.0], [0.0, -1.0]])
    >>> found = polyrelu.attack((logits, vjp), X, [1, 0], norm="l2")
    >>> np.round(found.radii, 4)
    array([0.6, 0.8])
    """
    data, samples, own = _samples(X, y, box)
    network = resolve(
        model, samples, classes, batch_size, p=p, normalize_input=normalize_input, activation=activation,
        input_shape=None if input_shape is None else list(input_shape),
    )
    if data is None:
        data = _data.create(samples, network.encode(y, "y"), box=box)
    known = _reference(network, reference, box)
    goals, names = _targets(network, targets, len(samples))
    array = borrowed(goals)
    text = options(
        {
            "norm": norm, "attack": attack, "epsilon": _radii(epsilon), "steps": steps, "restarts": restarts,
            "seed": whole(seed, "seed"), "checked": check, "reduction": reduction, "names": names,
            "input_mean": _statistics(input_mean, "input_mean"), "input_std": _statistics(input_std, "input_std"),
        }
    )
    result = _jobs.run(
        "attack", network.handle, data, known,
        None if array is None else ctypes.byref(array), text, model=network, progress=progress,
    )
    return _result(result, network, samples)


def _samples(X: Any, y: Any, box: Any) -> Tuple[Any, np.ndarray, bool]:
    if isinstance(X, Dataset):
        if y is not None or box is not None:
            raise InputError("X is a Dataset, which has labels and box of its own; expected neither y nor box")
        return X._handle, X.X, True
    if y is None:
        raise InputError("y is missing, expected the class of every sample")
    samples = numbers(X, "X")
    if samples.ndim < 2:
        raise InputError(f"X has the shape {samples.shape}, expected (samples, coordinates) or (samples, ...)")
    return None, samples, False


def _reference(network: Model, reference: Any, box: Any) -> Any:
    if reference is None:
        return None
    if isinstance(reference, Dataset):
        return reference._handle
    try:
        X, y = reference
    except (TypeError, ValueError):
        raise InputError("reference: expected a pair (X, y) or a Dataset") from None
    return _data.create(X, network.encode(y, "reference"), name="reference")


def _targets(network: Model, targets: Any, count: int) -> Tuple[Optional[np.ndarray], Optional[List[str]]]:
    if targets is None:
        return None, None
    values = as_array(targets)
    if values.ndim == 0:
        values = np.full(count, values)
    return _data.encoded(network.encode(values, "targets"), "targets")


def _radii(epsilon: Any) -> Optional[List[float]]:
    if epsilon is None:
        return None
    return np.atleast_1d(numbers(epsilon, "epsilon")).astype(np.float64).ravel().tolist()


def _statistics(values: Any, name: str) -> Optional[List[float]]:
    if values is None:
        return None
    return np.atleast_1d(numbers(values, name)).astype(np.float64).ravel().tolist()


def _result(result: Any, network: Model, samples: np.ndarray) -> RobustnessResult:
    perturbations = result.array("perturbations")
    adversarial = samples.reshape(len(samples), -1).astype(perturbations.dtype, copy=False) + perturbations
    low, high = result.array("box_lower"), result.array("box_upper")
    # Of files the witnesses are those that the command writes, bit for bit.
    if low is not None and isinstance(network, FunctionModel):
        inside = np.clip(adversarial, low.astype(adversarial.dtype), high.astype(adversarial.dtype))
        adversarial = np.where(perturbations != 0, inside, adversarial)
    attacks = np.append(np.asarray(result["attackNames"]), "")[result.array("attacks")]
    return RobustnessResult(
        norm=result["norm"], attack=result["attack"], radii=result.array("radii"),
        witnesses=adversarial.reshape(samples.shape), perturbations=perturbations,
        predictions=result.array("predictions"), labels=result.array("labels"),
        classes=result["classes"] if network.classes is None else network.classes.tolist(),
        statuses=_STATUSES[result.array("statuses")], attacks=attacks, flags=list(result["flags"]),
        epsilon=result.array("epsilon"), targets=result.array("targets"),
        gradient_passes=result.array("gradient_passes"), forward_passes=result.array("forward_passes"),
        unconfirmed=result["unconfirmed"], seconds=result["seconds"],
    )
