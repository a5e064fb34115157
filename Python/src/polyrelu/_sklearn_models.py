"""Networks from the weights of scikit-learn's estimators."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import numpy as np

from ._library import InputError
from ._models import Model, dense_model

#: x -> A x + b of a step before the classifier; None for a diagonal A is never used, A is a vector then.
Affine = Tuple[np.ndarray, np.ndarray]


def sklearn_model(estimator: Any) -> Model:
    """The network that a fitted linear classifier, MLPClassifier, or pipeline of scalers and one of these computes.

    Exact up to the rounding of weights to double precision; steps that only scale are folded into the first layer.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = getattr(estimator, "steps", None)
    if steps is not None:
        maps = [_affine(step) for _, step in steps[:-1] if step is not None and step != "passthrough"]
        own = getattr(steps[-1][1], "_polyrelu_layers", None)
        if own is not None:
            raise InputError("a pipeline around this classifier cannot be folded; expected a pair of functions")
        weights, biases, activation, classes = _layers(steps[-1][1])
        for scale, shift in reversed(maps):
            biases[0] = biases[0] + weights[0] @ shift
            weights[0] = weights[0] * scale if scale.ndim == 1 else weights[0] @ scale
    else:
        weights, biases, activation, classes = _layers(estimator)
    return dense_model(weights, biases, activation, classes)


def _layers(estimator: Any) -> Tuple[List[np.ndarray], List[np.ndarray], str, np.ndarray]:
    from sklearn.linear_model._base import LinearClassifierMixin
    from sklearn.neural_network import MLPClassifier
    from sklearn.utils.validation import check_is_fitted

    if isinstance(estimator, MLPClassifier):
        check_is_fitted(estimator)
        if estimator.n_outputs_ != 1 and estimator.out_activation_ != "softmax":
            raise InputError("the MLPClassifier has several labels for a sample, expected one")
        weights = [np.asarray(w, dtype=np.float64).T for w in estimator.coefs_]
        biases = [np.asarray(b, dtype=np.float64) for b in estimator.intercepts_]
        return weights, biases, estimator.activation, estimator.classes_
    if isinstance(estimator, LinearClassifierMixin):
        check_is_fitted(estimator)
        coefficients = estimator.coef_
        if hasattr(coefficients, "toarray"):
            coefficients = coefficients.toarray()
        weights = np.atleast_2d(np.asarray(coefficients, dtype=np.float64))
        bias = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), (len(weights),))
        return [weights], [bias.copy()], "identity", estimator.classes_
    raise InputError(
        f"a {type(estimator).__name__} is no linear classifier and no MLPClassifier; give its logits and gradients as a "
        "pair of functions"
    )


def _affine(step: Any) -> Affine:
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
    from sklearn.utils.validation import check_is_fitted

    scale: Optional[np.ndarray] = None
    if isinstance(step, StandardScaler):
        check_is_fitted(step)
        count = step.n_features_in_
        scale = np.ones(count) if step.scale_ is None else 1 / np.asarray(step.scale_, dtype=np.float64)
        mean = np.asarray(step.mean_, dtype=np.float64) if step.with_mean else np.zeros(count)
        return scale, -mean * scale
    if isinstance(step, MinMaxScaler) and not step.clip:
        check_is_fitted(step)
        return np.asarray(step.scale_, dtype=np.float64), np.asarray(step.min_, dtype=np.float64)
    if isinstance(step, MaxAbsScaler) and not getattr(step, "clip", False):
        check_is_fitted(step)
        scale = 1 / np.asarray(step.scale_, dtype=np.float64)
        return scale, np.zeros(len(scale))
    raise InputError(
        f"a pipeline with a {type(step).__name__} before the classifier; expected StandardScaler, MinMaxScaler or "
        "MaxAbsScaler, or the logits and gradients of the whole as a pair of functions"
    )
