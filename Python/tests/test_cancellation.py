"""Ctrl-C ends long work within a second."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import polyrelu
from polyrelu._models import dense_model


def interrupted(work, after):
    """Seconds from Ctrl-C to KeyboardInterrupt; the work has to be still at it when Ctrl-C comes."""
    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, press)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
            pytest.fail("the work was done before Ctrl-C came")
    finally:
        timer.cancel()
    return time.monotonic() - pressed[0]


@pytest.fixture(scope="module")
def mixture():
    return polyrelu.datasets.mixture(dimension=300, subclasses=10, samples=4000, split="train")


def test_proofs(mlp):
    _, _, X, _ = mlp
    generator = np.random.default_rng(5)
    sizes = [64, 100, 100, 3]
    W = [generator.normal(size=(b, a)) / np.sqrt(a) for a, b in zip(sizes, sizes[1:])]
    many = np.tile(X, (20, 1))
    hidden = np.maximum(many @ W[0].T, 0)
    y = (np.maximum(hidden @ W[1].T, 0) @ W[2].T).argmax(axis=1)
    model = dense_model(W, [None] * 3, "relu")
    assert interrupted(lambda: polyrelu.certify(model, many, y, norm="l2", timeout=20, progress=False), 0.7) < 1


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "gradient-flow"])
def test_training(mixture, optimizer):
    pytest.importorskip("sklearn")
    epochs = {} if optimizer == "gradient-flow" else {"epochs": 10_000}
    model = polyrelu.PReLUClassifier(p=3, hidden_width=1000, optimizer=optimizer, init_scale=1e-7, **epochs)
    assert interrupted(lambda: model.fit(mixture.X, mixture.y), 0.7) < 1


def test_gradient_flow(mixture):
    assert interrupted(
        lambda: polyrelu.flow(mixture, p=3, hidden_width=500, init_scale=1e-12, tolerance=1e-8, progress=False), 0.7
    ) < 1


def test_a_process_that_was_interrupted_ends_in_order():
    """Work that goes on behind KeyboardInterrupt is waited for before libraries are taken down."""
    program = """
import os, signal, threading
import polyrelu
signal.signal(signal.SIGINT, signal.default_int_handler)
data = polyrelu.datasets.mixture(dimension=300, subclasses=10, samples=4000, split="train")
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    polyrelu.flow(data, p=3, hidden_width=2000, init_scale=1e-12, tolerance=1e-8, progress=False)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "interrupted"), done.stderr[-2000:]
