"""Gradient flow with its record, and where neurons point."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from . import _data, _jobs
from ._library import Error, InputError, check, library, options, whole
from ._models import Model, resolve, shallow_model
from .datasets import Dataset


class Network:
    """A network of one hidden layer; a model for :func:`polyrelu.attack` and :func:`polyrelu.certify`.

    Attributes
    ----------
    hidden_weights : numpy.ndarray
        (h, D); with hidden biases one column more.
    output_weights : numpy.ndarray
        (outputs, h).
    output_bias, center : numpy.ndarray or None
        Added to outputs; subtracted from inputs.
    p : float
        The degree.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        found = model.contents()
        self.hidden_weights: np.ndarray = found.array("hidden_weights")
        self.output_weights: np.ndarray = found.array("output_weights")
        self.output_bias: Optional[np.ndarray] = found.array("output_bias")
        self.center: Optional[np.ndarray] = found.array("center")
        self.p: float = found["p"]
        self.classes: Optional[List[Any]] = found.get("classes")

    @classmethod
    def from_arrays(
        cls,
        hidden_weights: Any,
        output_weights: Any,
        *,
        p: float,
        output_bias: Any = None,
        center: Any = None,
        normalize_input: bool = False,
        hidden_bias: bool = False,
        classes: Optional[List[Any]] = None,
    ) -> "Network":
        """The network f(x) = V relu(W (x - center))^p / |w|^(p-1) + output_bias, |w| the lengths of the rows of W.

        Parameters
        ----------
        hidden_weights : array_like
            W, (h, D); with ``hidden_bias`` (h, D + 1), the biases last.
        output_weights : array_like
            V, (outputs, h) or, for one output, (h). One output means two classes.
        p : float
            The degree, at least 1.
        output_bias, center : array_like, optional
            (outputs) and (D).
        normalize_input : bool
            Whether outputs are divided by ``|x - center|^(p-1)``.
        classes : list, optional
            What the outputs stand for; 0, 1, 2, ... unless given.

        Examples
        --------
        >>> import numpy as np, polyrelu
        >>> network = polyrelu.Network.from_arrays(np.eye(2), [1, -1], p=3)
        >>> proved = polyrelu.certify(network, [[1.0, 0.0]], [1], norm="l2", progress=False)
        >>> bool(abs(proved.lower[0] - 0.5**0.5) < 1e-3)
        True
        """
        model = shallow_model(
            np.asarray(hidden_weights),
            np.atleast_2d(output_weights),
            None if output_bias is None else np.atleast_1d(output_bias),
            None if center is None else np.asarray(center),
            p=p,
            normalize_input=normalize_input,
            hidden_bias=hidden_bias,
            classes=None if classes is None else np.asarray(classes),
        )
        return cls(model)

    def _polyrelu_model(self) -> Model:
        return self._model

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes a model file; the ending of the name says the format (safetensors, npz, onnx)."""
        import ctypes

        error = Error()
        check(library.polyrelu_model_write(self._model.handle, os.fsencode(path), ctypes.byref(error)), error)


@dataclass(repr=False)
class FlowResult:
    """The course of a gradient flow.

    Attributes
    ----------
    times : numpy.ndarray
        (t) the times of the flow that were recorded.
    records : dict of str to list
        What the training data and the network looked like then: loss, accuracy, phase, effectiveNeurons and so on.
    log_contributions : numpy.ndarray
        (t, h) log ||v_j|| ||w_j|| of every neuron.
    cosines : numpy.ndarray
        (t, h, directions) of every neuron to the class means, and to the subclass centres where they are known.
    directions : list of str
        What the last axis of ``cosines`` stands for.
    ending : str
        How it ended.
    phases : dict
        When alignment and fitting ended.
    warnings : list of str
        Such as that the flow stalled.
    network : Network
        The network at the end.
    """

    times: np.ndarray
    records: Dict[str, List[Any]]
    log_contributions: np.ndarray
    cosines: np.ndarray
    directions: List[str]
    ending: str
    phases: Dict[str, Any]
    warnings: List[str]
    network: Network

    @property
    def loss(self) -> np.ndarray:
        """(t) the mean training loss."""
        return np.asarray(self.records["loss"])

    def to_pandas(self) -> Any:
        """A pandas table with a row a record."""
        import pandas as pd

        return pd.DataFrame({"time": self.times, **{k: v for k, v in self.records.items() if k != "time"}})

    def __repr__(self) -> str:
        return f"FlowResult({len(self.times)} records to time {self.times[-1]:.4g}, {self.ending})"


def flow(
    X: Any,
    y: Any = None,
    *,
    p: float = 3.0,
    hidden_width: int = 100,
    init_scale: Union[float, str] = 1e-7,
    loss: Optional[str] = None,
    bias: bool = False,
    center: bool = False,
    normalize_input: bool = False,
    hidden_bias: bool = False,
    constant_output: bool = False,
    freeze_output: bool = False,
    time: Optional[float] = None,
    stop_loss: Optional[float] = None,
    tolerance: Optional[float] = None,
    integrator: Optional[str] = None,
    precision: Optional[str] = None,
    record_at: Optional[Sequence[float]] = None,
    groups: Any = None,
    seed: int = 0,
    progress: _jobs.Progress = True,
) -> FlowResult:
    """Integrates gradient flow of the full-batch loss from weights of any size, and records every neuron.

    Parameters
    ----------
    X : array or Dataset
        (n, D) samples.
    y : array
        (n) classes; left out for a Dataset.
    p, hidden_width, init_scale, bias, center, normalize_input, hidden_bias, constant_output, freeze_output :
        The network and its start, as ``polyrelu train`` has them.
    loss : str, optional
        "exponential", "logistic" or "squared" for two classes, "cross-entropy" for any number.
    time, stop_loss, tolerance, integrator, precision : optional
        When it ends, and how it is integrated.
    record_at : sequence of float, optional
        Times to record; spread over the steps by default.
    groups : array, optional
        (n) subclasses, whose centres are directions too.
    seed : int
        Determines the initial weights.
    progress : bool or callable
        As for :func:`polyrelu.attack`.

    Examples
    --------
    >>> import polyrelu
    >>> data = polyrelu.datasets.mixture(dimension=10, subclasses=4, positive=2, samples=60)
    >>> course = polyrelu.flow(data, hidden_width=12, init_scale=1e-4, progress=False)
    >>> course.ending, course.cosines.shape[1:]
    ('loss reached', (12, 6))
    """
    if isinstance(X, Dataset):
        if y is not None or groups is not None:
            raise InputError("X is a Dataset, which has labels and groups of its own; expected neither y nor groups")
        data = X._handle
    elif y is None:
        raise InputError("y is missing, expected the class of every sample")
    else:
        data = _data.create(X, y, groups=groups)
    text = options(
        {
            "p": p, "hidden_width": hidden_width, "init_scale": init_scale, "loss": loss, "bias": bias,
            "center": center, "normalize_input": normalize_input, "hidden_bias": hidden_bias,
            "constant_output": constant_output, "freeze_output": freeze_output, "time": time, "stop_loss": stop_loss,
            "tolerance": tolerance, "integrator": integrator, "precision": precision,
            "record_at": None if record_at is None else [float(value) for value in record_at],
            "seed": whole(seed, "seed"),
        }
    )
    result = _jobs.run("flow", data, text, progress=progress)
    records: Dict[str, List[Any]] = {}
    for record in result["records"]:
        for name in record:
            records.setdefault(name, [])
    for name, values in records.items():
        values.extend(record.get(name) for record in result["records"])
    return FlowResult(
        times=result.array("times"), records=records, log_contributions=result.array("log_contributions"),
        cosines=result.array("cosines"), directions=result["directions"], ending=result["ending"],
        phases=result["phases"], warnings=result["warnings"], network=Network(Model(result.model())),
    )


@dataclass
class Alignment:
    """Where the neurons of a network point.

    Attributes
    ----------
    effective_neurons, numerical_rank : int
        Neurons that hold 99% of all contributions; singular values above 1% of the largest.
    total_contribution : float
        The sum of all ||v_j|| ||w_j||.
    median_best_cosine, median_best_class_cosine : float or None
        Of dominant neurons to the closest subclass centre, and class mean.
    accuracy : float or None
        On the data.
    contributions : numpy.ndarray
        (h) ||v_j|| ||w_j||.
    neurons : numpy.ndarray
        The dominant neurons, largest contribution first.
    cosines : numpy.ndarray or None
        (neurons, directions).
    directions : list of str
        What the columns of ``cosines`` stand for.
    """

    effective_neurons: int
    numerical_rank: int
    total_contribution: float
    median_best_cosine: Optional[float]
    median_best_class_cosine: Optional[float]
    accuracy: Optional[float]
    contributions: np.ndarray
    neurons: np.ndarray
    cosines: Optional[np.ndarray]
    directions: List[str]


def alignment(model: Any, X: Any = None, y: Any = None, *, groups: Any = None) -> Alignment:
    """Says where the neurons of a network of one hidden layer point.

    Parameters
    ----------
    model : object
        A path, a :class:`Network` or a :class:`PReLUClassifier`.
    X, y, groups : optional
        Data, whose class means and subclass centres are the directions.

    Examples
    --------
    >>> import polyrelu
    >>> data = polyrelu.datasets.mixture(dimension=10, subclasses=4, positive=2, samples=60)
    >>> course = polyrelu.flow(data, hidden_width=12, init_scale=1e-4, progress=False)
    >>> polyrelu.alignment(course.network, data).median_best_cosine > 0.9
    True
    """
    network = resolve(model, None)
    if X is None:
        data = None
    elif isinstance(X, Dataset):
        data = X._handle
    else:
        data = _data.create(X, network.encode(y, "y"), groups=groups)
    found = _jobs.run("alignment", network.handle, data)
    return Alignment(
        effective_neurons=found["effectiveNeurons"], numerical_rank=found["numericalRank"],
        total_contribution=found["totalContribution"], median_best_cosine=found.get("medianBestCosine"),
        median_best_class_cosine=found.get("medianBestClassCosine"), accuracy=found.get("accuracy"),
        contributions=found.array("contributions"), neurons=found.array("neurons"), cosines=found.array("cosines"),
        directions=found["directions"],
    )
