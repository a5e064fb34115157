"""The pair of functions that Documentation/Python.md gives for JAX."""

import numpy as np
import pytest

import polyrelu
from polyrelu._models import dense_model

jax = pytest.importorskip("jax")


def test_jax_gives_what_the_native_network_gives(mlp):
    _, W, X, y = mlp
    weights = [jax.numpy.asarray(w, dtype=jax.numpy.float32) for w in W]

    def network(X):
        return jax.nn.relu(X @ weights[0].T) @ weights[1].T

    logits = jax.jit(network)

    @jax.jit
    def pull_back(X, cotangent):
        return jax.vjp(network, X)[1](cotangent)[0]

    effort = {"attack": "ddn", "box": (0, 1), "check": False, "progress": False}
    found = polyrelu.attack((logits, pull_back), X[:20], y[:20], **effort)
    native = polyrelu.attack(dense_model(W, [None, None], "relu"), X[:20], y[:20], **effort)
    assert np.median(found.radii / native.radii) == pytest.approx(1, abs=1e-4)
    assert np.all(np.asarray(logits(found.witnesses)).argmax(axis=1) != y[:20])
