"""A scikit-learn estimator: networks of one hidden layer of polynomial ReLU neurons."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _data, _jobs
from ._library import numbers, options
from ._models import Model, shallow_model

#: Arrays and settings that make a network.
_ARRAYS = ("hidden_weights", "output_weights", "output_bias", "center")


class PReLUClassifier(ClassifierMixin, BaseEstimator):
    """A network f(x) = V h(x), h_j(x) = relu(<w_j, x>)^p / ||w_j||^(p-1), trained by steps or by gradient flow.

    Parameters
    ----------
    p : float
        The degree, at least 1; 1 is a plain ReLU network.
    hidden_width : int
        Hidden neurons.
    optimizer : {"adam", "sgd", "gradient-flow"}
        How it is trained.
    init_scale : float or "kaiming"
        The standard deviation of all initial weights, or Kaiming's initialisation.
    loss : {"exponential", "logistic", "squared", "cross-entropy"}, optional
        Exponential for two classes and cross-entropy for more by default.
    epochs, batch_size : int
        Passes over the data, and samples in a step.
    learning_rate : float, optional
        0.001 for adam and 0.2 for sgd by default.
    momentum, weight_decay : float
        Of the steps; momentum is for sgd.
    bias, center, normalize_input, hidden_bias : bool
        Whether outputs have a bias, the mean sample is subtracted, features are divided by ||x||^(p-1), and hidden
        neurons have biases.
    time, stop_loss, tolerance : float, optional
        Of gradient flow: when it ends, and the error allowed in a step.
    random_state : int, RandomState or None
        Determines weights and the order of samples. None stands for 0: the same call gives the same network.

    Attributes
    ----------
    classes_ : numpy.ndarray
        The values of the classes.
    n_features_in_ : int
        Coordinates of a sample.
    loss_curve_ : list of float
        The mean loss of every epoch, or at every record of the flow.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from polyrelu.classifier import PReLUClassifier
    >>> X, y = make_moons(200, noise=0.05, random_state=0)
    >>> model = PReLUClassifier(p=2, hidden_width=50, hidden_bias=True, epochs=300, learning_rate=0.01).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    def __init__(
        self,
        p: float = 3.0,
        hidden_width: int = 100,
        optimizer: str = "adam",
        init_scale: Any = "kaiming",
        loss: Optional[str] = None,
        epochs: int = 100,
        batch_size: int = 100,
        learning_rate: Optional[float] = None,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        bias: bool = True,
        center: bool = True,
        normalize_input: bool = False,
        hidden_bias: bool = False,
        time: Optional[float] = None,
        stop_loss: Optional[float] = None,
        tolerance: Optional[float] = None,
        random_state: Any = None,
    ) -> None:
        self.p = p
        self.hidden_width = hidden_width
        self.optimizer = optimizer
        self.init_scale = init_scale
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.bias = bias
        self.center = center
        self.normalize_input = normalize_input
        self.hidden_bias = hidden_bias
        self.time = time
        self.stop_loss = stop_loss
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "PReLUClassifier":
        """Trains a new network.

        Parameters
        ----------
        X : array
            (n, D) samples.
        y : array
            (n) their classes, numbers or texts.
        """
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        classes = unique_labels(y)
        if len(classes) < 2:
            raise ValueError(f"y holds one class, {classes[0]!r}; a classifier needs at least two classes")
        self.classes_ = classes
        self._train(X, y, None)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> "PReLUClassifier":
        """Trains the network that is there for ``epochs`` more, or a new one.

        Parameters
        ----------
        X, y : array
            Samples and their classes.
        classes : array, optional
            All classes, which the first call needs where y does not have them all.
        """
        if self.optimizer == "gradient-flow":
            raise ValueError("gradient flow goes over all samples at once, expected the optimizer sgd or adam")
        is_first = not hasattr(self, "_network")
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), reset=is_first)
        check_classification_targets(y)
        if is_first:
            self.classes_ = unique_labels(y if classes is None else classes)
            if len(self.classes_) < 2:
                raise ValueError("y holds one class; give all classes in the first call")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y holds the class {unknown[0]!r}, which is not among {self.classes_.tolist()}")
        self._train(X, y, None if is_first else self._polyrelu_model())
        return self

    def _train(self, X: np.ndarray, y: np.ndarray, start: Optional[Model]) -> None:
        positions = np.searchsorted(self.classes_, y)
        data = _data.create(X, positions, class_count=len(self.classes_))
        shape = {
            "p": self.p, "hidden_width": self.hidden_width, "init_scale": self.init_scale, "bias": self.bias,
            "center": self.center, "normalize_input": self.normalize_input, "hidden_bias": self.hidden_bias,
            "loss": self.loss, "seed": self._seed(),
        }
        if self.optimizer == "gradient-flow":
            more = {"time": self.time, "stop_loss": self.stop_loss, "tolerance": self.tolerance}
            result = _jobs.run("flow", data, options({**shape, **more}))
            self.loss_curve_ = [record["loss"] for record in result["records"]]
        else:
            more = {
                "optimizer": self.optimizer, "epochs": self.epochs, "batch_size": self.batch_size,
                "learning_rate": self.learning_rate, "momentum": self.momentum or None,
                "weight_decay": self.weight_decay,
            }
            handle = None if start is None else start.handle
            result = _jobs.run("train", data, handle, options({**shape, **more}))
            self.loss_curve_ = [epoch["loss"] for epoch in result["epochs"]]
        found = Model(result.model()).contents()
        arrays = {name: found.array(name) for name in _ARRAYS}
        # Copies live without the library, and are pickled.
        self._network = {
            "arrays": {name: None if array is None else array.copy() for name, array in arrays.items()},
            "p": found["p"], "normalize_input": found["normalizeInput"], "hidden_bias": found["hiddenBias"],
        }

    def _seed(self) -> int:
        if self.random_state is None:
            return 0
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        from sklearn.utils import check_random_state

        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _polyrelu_model(self) -> Model:
        """The network as the library knows it."""
        check_is_fitted(self, "_network")
        network = self._network
        return shallow_model(
            *(network["arrays"][name] for name in _ARRAYS), p=network["p"],
            normalize_input=network["normalize_input"], hidden_bias=network["hidden_bias"], classes=self.classes_,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network")

    def _predicted(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return _jobs.run("predict", self._polyrelu_model().handle, _data.create(numbers(X, "X")))

    def decision_function(self, X: Any) -> np.ndarray:
        """The output (n) for two classes, positive for the second; otherwise the logits (n, classes)."""
        logits = self._predicted(X).array("logits").astype(np.float64)
        if len(self.classes_) == 2:
            return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        return logits

    def predict(self, X: Any) -> np.ndarray:
        """The class of every sample."""
        found = self._predicted(X)
        return self.classes_[found.array("predictions")]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes) as cross-entropy has them: softmax of the logits."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)
