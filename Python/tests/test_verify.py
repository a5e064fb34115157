"""Counterexamples of `polyrelu verify`, evaluated by another program."""

import os
import re

import numpy as np
import pytest

import polyrelu

onnxruntime = pytest.importorskip("onnxruntime")


def outputs(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    shape = [d if isinstance(d, int) else 1 for d in entry.shape]
    return session.run(None, {entry.name: x.astype(np.float32).reshape(shape)})[0].ravel()


def property_of_label(x, radius, label, count):
    """Violated where another class is at least as large as the label in the box around x."""
    lines = [f"(declare-const X_{i} Real)" for i in range(len(x))]
    lines += [f"(declare-const Y_{j} Real)" for j in range(count)]
    for i, value in enumerate(x):
        lines += [f"(assert (>= X_{i} {value - radius:.9f}))", f"(assert (<= X_{i} {value + radius:.9f}))"]
    others = " ".join(f"(and (>= Y_{j} Y_{label}))" for j in range(count) if j != label)
    return "\n".join([*lines, f"(assert (or {others}))"])


def check(command, network, x, radius, label, folder):
    count = len(outputs(network, x))
    (folder / "property.vnnlib").write_text(property_of_label(x, radius, label, count))
    witness = folder / "counterexample.txt"
    command(
        "verify", "--model", network, "--property", folder / "property.vnnlib", "--timeout", 20, "--witness", witness
    )
    if not witness.exists():
        return None
    found = dict(re.findall(r"\(X_(\d+) ([-+.\deE]+)\)", witness.read_text()))
    point = np.array([float(found[str(i)]) for i in range(len(x))])
    assert np.all(np.abs(point - x) <= radius + 1e-8)
    logits = outputs(network, point)
    assert max(np.delete(logits, label)) >= logits[label]
    return point


def test_counterexamples_are_confirmed(command, tmp_path):
    generator = np.random.default_rng(3)
    confirmed = 0
    for number, p in enumerate([1, 1.5, 2, 3] * 3):
        network = polyrelu.Network.from_arrays(
            generator.normal(size=(12, 6)), generator.normal(size=(3, 12)), p=p, output_bias=generator.normal(size=3)
        )
        path = tmp_path / f"{number}.onnx"
        network.save(path)
        x = generator.uniform(-1, 1, size=6).round(6)
        label = int(outputs(path, x).argmax())
        confirmed += check(command, path, x, 1.0, label, tmp_path) is not None
        (tmp_path / "counterexample.txt").unlink(missing_ok=True)
    assert confirmed >= 6


def test_counterexamples_of_a_network_of_the_competition_are_confirmed(command, tmp_path):
    folder = os.environ.get("POLYRELU_DATA")
    if not folder:
        pytest.skip("POLYRELU_DATA does not name the folder with onnx/mnist-net_256x2.onnx")
    path = os.path.join(folder, "onnx", "mnist-net_256x2.onnx")
    if not os.path.exists(path):
        pytest.skip(f"{path} is not there")
    image = np.asarray(polyrelu.datasets.mnist(split="test").X[0], dtype=np.float64).round(6)
    label = int(outputs(path, image).argmax())
    assert check(command, path, image, 0.1, label, tmp_path) is not None
