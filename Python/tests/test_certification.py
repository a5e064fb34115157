"""Proved radii: those of the command, and of geometry."""

import json

import numpy as np
import pytest

import polyrelu
from polyrelu._models import dense_model


@pytest.mark.parametrize("norm, box", [("l2", None), ("linf", "data")])
def test_bounds_are_those_of_the_command(command, trained, digits, tmp_path, norm, box):
    arguments = ["certify", "--model", trained, "--data", "digits", "--norm", norm, "--limit", 4, "--nodes", 50]
    if box:
        arguments += ["--box", box]
    said = json.loads(command(*arguments, "--quiet", "--json"))["samples"]
    test, train = digits
    found = polyrelu.certify(
        trained, test.X[:4], test.y[:4], norm=norm, box=(0, 1) if box else None, nodes=50, reference=train,
        certificates=tmp_path / "proofs", progress=False,
    )
    assert [sample["lower"] for sample in said] == found.lower.tolist()
    assert [sample["upper"] for sample in said] == found.upper.tolist()
    assert [sample["status"] for sample in said] == found.statuses.tolist()
    assert found.contradictions == []
    again = polyrelu.verify_certificates(
        tmp_path / "proofs", trained, test.X[:4], test.y[:4], norm=norm, box=(0, 1) if box else None
    )
    assert np.all(again >= found.lower)
    assert np.all((again > 0) == (found.lower > 0)) and again.max() > 0
    with pytest.raises(polyrelu.InputError, match="sample-"):
        polyrelu.verify_certificates(
            tmp_path / "proofs", trained, 1 - test.X[:4], test.y[:4], norm=norm, box=(0, 1) if box else None
        )


@pytest.mark.parametrize("norm, dual", [("l2", 2), ("linf", 1), ("l1", np.inf)])
def test_a_linear_network_is_certified_at_the_distance_of_geometry(norm, dual):
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(1, 6))
    X = generator.normal(size=(8, 6))
    scores = (X @ weights.T)[:, 0]
    found = polyrelu.certify(
        dense_model([weights], [None], "identity"), X, (scores > 0).astype(int), norm=norm, progress=False
    )
    expected = np.abs(scores) / np.linalg.norm(weights[0], dual)
    assert np.all(found.lower <= expected * (1 + 1e-5)) and np.all(found.upper >= expected * (1 - 1e-5))
    assert np.allclose(found.lower, expected, rtol=2e-3)
    assert found.certified_accuracy(0) == 1 and found.certified_accuracy(expected.max() * 1.01) == 0


def test_functions_have_no_certificates(mlp):
    pair, _, X, y = mlp
    with pytest.raises(polyrelu.InputError, match="need the weights"):
        polyrelu.certify(pair, X, y)
