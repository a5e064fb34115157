"""What all tests share: trained networks of the command, and data in files."""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

import polyrelu


@pytest.fixture(scope="session", autouse=True)
def interrupts():
    """Ctrl-C works in tests, also where a shell started them in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def command():
    """The program polyrelu, as a function of its arguments."""
    path = os.environ.get("POLYRELU_COMMAND")
    if not path:
        pytest.skip("POLYRELU_COMMAND does not name the program polyrelu")

    def run(*arguments, status=0):
        result = subprocess.run(
            [path, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        assert result.returncode == status, result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def digits():
    return polyrelu.datasets.digits(split="test"), polyrelu.datasets.digits(split="train")


@pytest.fixture(scope="session")
def trained(command, tmp_path_factory) -> Path:
    """A small network of digits, trained by the command."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    command(
        "train", "--data", "digits", "--p", "3", "--width", "24", "--epochs", "15", "--seed", "4", "--out", out, "--quiet"
    )
    return out


@pytest.fixture(scope="session")
def mlp():
    """A perceptron in NumPy as a pair of functions, with its weights."""
    generator = np.random.default_rng(0)
    W = [generator.normal(size=(16, 64)) * 0.3, generator.normal(size=(3, 16)) * 0.5]

    def logits(X):
        return np.maximum(X @ W[0].T.astype(X.dtype), 0) @ W[1].T.astype(X.dtype)

    def vjp(X, cotangent):
        active = X @ W[0].T.astype(X.dtype) > 0
        return ((cotangent @ W[1].astype(X.dtype)) * active) @ W[0].astype(X.dtype)

    X = generator.uniform(size=(60, 64)).astype(np.float32)
    return (logits, vjp), W, X, logits(X).argmax(axis=1)
