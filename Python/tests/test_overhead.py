"""What the way through Python costs. Processor time, because machines that run tests are busy."""

import os
import subprocess
import sys

IMPORT = """
import time
import numpy
import ctypes, json, dataclasses, threading
start = time.process_time()
import polyrelu
print(time.process_time() - start)
"""

PAIR = """
import time
import numpy as np
import polyrelu
from polyrelu._models import dense_model

polyrelu.set_threads(1)
generator = np.random.default_rng(0)
sizes = [784, 256, 256, 10]
W = [(generator.normal(size=(b, a)) * np.sqrt(2 / a)).astype(np.float32) for a, b in zip(sizes, sizes[1:])]
double = [w.astype(np.float64) for w in W]


def weights(X):
    return W if X.dtype == np.float32 else double


def forward(X):
    layers = [X]
    for w in weights(X)[:-1]:
        layers.append(np.maximum(layers[-1] @ w.T, 0))
    return layers


def logits(X):
    return forward(X)[-1] @ weights(X)[-1].T


def vjp(X, cotangent):
    layers = forward(X)
    gradient = cotangent @ weights(X)[-1]
    for w, layer in zip(weights(X)[-2::-1], layers[:0:-1]):
        gradient = (gradient * (layer > 0)) @ w
    return gradient


X = generator.uniform(size=(120, 784)).astype(np.float32)
y = logits(X).argmax(axis=1)


def seconds(model):
    start = time.process_time()
    polyrelu.attack(model, X, y, norm="linf", epsilon=[0.02], box=(0, 1), check=False, progress=False)
    return time.process_time() - start


native = dense_model(W, [None] * 3, "relu")
ratios = sorted(seconds((logits, vjp)) / seconds(native) for _ in range(3))
print(ratios[1])
"""


def number(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_the_import_takes_little_beside_numpy():
    assert min(number(IMPORT) for _ in range(3)) < 0.3


def test_a_network_as_a_pair_of_functions_costs_at_most_half_more():
    assert number(PAIR, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1") < 1.5
