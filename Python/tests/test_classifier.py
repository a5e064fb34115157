"""The estimator of scikit-learn."""

import pickle

import numpy as np
import pytest

import polyrelu

pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from polyrelu.classifier import PReLUClassifier  # noqa: E402


def test_it_is_an_estimator():
    check_estimator(PReLUClassifier(p=2, hidden_width=30, epochs=60, learning_rate=0.02, hidden_bias=True))


@pytest.fixture(scope="module")
def data():
    digits = polyrelu.datasets.digits(split="train")
    return digits.X[:400], np.array([f"digit {d}" for d in digits.y[:400]])


def test_texts_as_labels_pickle_and_clone(data):
    X, y = data
    model = PReLUClassifier(p=2, hidden_width=40, epochs=40, learning_rate=0.01, random_state=3).fit(X, y)
    assert model.score(X, y) > 0.95
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.decision_function(X), model.decision_function(X))
    assert np.array_equal(clone(model).fit(X, y).decision_function(X), model.decision_function(X))
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1)


def test_partial_fit_goes_on(data):
    X, y = data
    model = PReLUClassifier(p=2, hidden_width=40, epochs=5)
    model.partial_fit(X[y != "digit 7"], y[y != "digit 7"], classes=np.unique(y))
    before = model.loss_curve_[-1]
    model.partial_fit(X[y != "digit 7"], y[y != "digit 7"])
    assert model.loss_curve_[0] < 2 * before and model.loss_curve_[-1] < before
    assert model.predict_proba(X).shape == (len(X), 10)
    with pytest.raises(ValueError, match="not among"):
        model.partial_fit(X[:2], ["digit 0", "digit 99"])


def test_weights_are_those_of_the_command(command, digits, tmp_path):
    _, train = digits
    command(
        "train", "--data", "digits", "--p", 3, "--width", 16, "--epochs", 4, "--bias", "--center", "--seed", 5,
        "--init-scale", "kaiming", "--optimizer", "adam", "--out", tmp_path / "run", "--quiet",
    )
    model = PReLUClassifier(p=3, hidden_width=16, epochs=4, random_state=5).fit(train.X, train.y)
    from polyrelu._models import path_model

    stored = path_model(tmp_path / "run").contents()
    for name in ("hidden_weights", "output_weights", "output_bias", "center"):
        assert np.array_equal(stored.array(name), model._network["arrays"][name])


def test_pipelines_and_grid_search(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), PReLUClassifier(hidden_width=20, epochs=40, learning_rate=0.01))
    search = GridSearchCV(pipeline, {"preluclassifier__p": [1, 2]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.7


def test_it_is_attacked_and_certified(data):
    X, y = data
    model = PReLUClassifier(p=2, hidden_width=12, epochs=20).fit(X, y)
    found = polyrelu.attack(model, X[:20], y[:20], norm="l2", progress=False)
    proved = polyrelu.certify(model, X[:20], y[:20], norm="l2", nodes=20, progress=False)
    right = model.predict(X[:20]) == y[:20]
    assert np.array_equal(found.radii > 0, right) and np.all(proved.lower <= found.radii * (1 + 1e-9))
    assert np.array_equal(np.asarray(found.classes)[found.predictions], model.predict(X[:20]))


def test_gradient_flow():
    data = polyrelu.datasets.mixture(dimension=20, subclasses=4, positive=2, samples=100, seed=1)
    model = PReLUClassifier(
        p=3, hidden_width=20, optimizer="gradient-flow", init_scale=1e-4, bias=False, center=False
    ).fit(data.X, data.y)
    assert model.score(data.X, data.y) == 1
    assert model.loss_curve_[-1] < 0.02 * model.loss_curve_[0]
