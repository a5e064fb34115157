"""Estimators of scikit-learn, exact by their weights."""

import numpy as np
import pytest

import polyrelu
from polyrelu._models import resolve
from polyrelu import _data, _jobs

pytest.importorskip("sklearn")
from sklearn.linear_model import LogisticRegression, RidgeClassifier  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler  # noqa: E402
from sklearn.svm import SVC, LinearSVC  # noqa: E402


def predicted(model, X):
    network = resolve(model, X)
    result = _jobs.run("predict", network.handle, _data.create(X))
    return network.classes[result.array("predictions")], result.array("logits")


@pytest.fixture(scope="module")
def data():
    digits = polyrelu.datasets.digits(split="train")
    return digits.X[:300].astype(np.float64), digits.y[:300]


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "logistic"])
def test_perceptrons(data, activation):
    X, y = data
    names = np.array([f"digit {d}" for d in range(10)])[y]
    model = MLPClassifier((12, 8), activation=activation, max_iter=30, random_state=0).fit(X, names)
    classes, logits = predicted(model, X)
    assert np.mean(classes == model.predict(X)) > 0.99
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.allclose(shares / shares.sum(axis=1, keepdims=True), model.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("estimator", [LogisticRegression(max_iter=200), LinearSVC(), RidgeClassifier()])
@pytest.mark.parametrize("classes", [2, 10])
def test_linear_classifiers_have_the_distances_of_geometry(data, estimator, classes):
    X, y = data
    kept = y < classes
    X, y = X[kept], y[kept]
    model = make_pipeline(StandardScaler(), MinMaxScaler(), estimator).fit(X, y)
    found, logits = predicted(model, X)
    assert np.allclose(logits.squeeze(), model.decision_function(X), atol=1e-4)
    assert np.array_equal(found, model.predict(X))
    if classes > 2:
        return
    result = polyrelu.attack(model, X, y, progress=False)
    weights = estimator.coef_.ravel() * model[1].scale_ / np.where(model[0].scale_ == 0, 1, model[0].scale_)
    right = model.predict(X) == y
    expected = np.abs(model.decision_function(X)) / np.linalg.norm(weights)
    assert np.allclose(result.radii[right], expected[right], rtol=1e-4)
    assert np.all(result.radii[~right] == 0)


def test_others_are_refused(data):
    X, y = data
    with pytest.raises(polyrelu.InputError, match="a SVC is no linear classifier"):
        polyrelu.attack(SVC(kernel="linear").fit(X, y), X, y)
    with pytest.raises(polyrelu.InputError, match="a pipeline with a PolynomialFeatures"):
        polyrelu.attack(make_pipeline(PolynomialFeatures(), RidgeClassifier()).fit(X, y), X, y)
