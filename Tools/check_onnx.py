#!/usr/bin/env python3
"""Compares ONNX files written by PolyReLU with what they were made from.

    check_onnx.py NETWORK.npz NETWORK.onnx [NETWORK.npz NETWORK.onnx ...]

NETWORK.npz is the same network as `polyrelu model convert` writes it. Where it also holds `inputs` (n, D)
and `logits` (n, outputs), PolyReLU's own outputs, onnxruntime is compared with these; always with the
formula, evaluated here in double precision at those inputs or at random ones, the center among them.

A sample's error is max |difference| over its logits. It is printed relative to the largest of the sums of
magnitudes behind these, max_c sum_j |v_cj h_j| + |b_c|, and relative to the largest logit. Only the first
is bounded by single precision arithmetic: where the terms of a logit cancel, rounding alone makes the
second as large as it likes. Exit status 1 if the first exceeds 1e-5.

For a deep network NETWORK.npz holds `inputs`, `logits` and `reference`, PolyReLU's outputs in single and in
double precision, and both are compared relative to the largest logit of a sample. Exit status 1 if that
exceeds 1e-4.
Needs numpy, onnx and onnxruntime; `swift test` runs it if POLYRELU_PYTHON names an interpreter that has
them.
"""

import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5
DEEP_TOLERANCE = 1e-4


def formula(network, x):
    """f(x) in double precision, and the sizes of the sums behind it."""
    W = network["hiddenWeights"].astype(np.float64)
    V = network["outputWeights"].astype(np.float64)
    p = float(network["p"])
    bias = network["outputBias"].astype(np.float64) if "outputBias" in network else 0.0
    z = x.astype(np.float64) - (network["center"] if "center" in network else 0.0)
    length = np.ones((len(z), 1))
    if bool(network["normalizeInput"]):
        length = np.linalg.norm(z, axis=1, keepdims=True)
        z = np.divide(z, length, out=np.zeros_like(z), where=length > 0)
    norms = np.linalg.norm(W, axis=1)
    r = np.maximum(z @ W.T, 0)
    h = length * r * np.divide(r, norms, out=np.zeros_like(r), where=norms > 0) ** (p - 1)
    return h @ V.T + bias, h @ np.abs(V).T + np.abs(bias)


def evaluate(onnx_path, inputs):
    session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"input": inputs})[0].astype(np.float64)


def check_deep(network, onnx_path):
    """The largest error relative to the largest logit of a sample, from both references."""
    found = evaluate(onnx_path, network["inputs"])
    errors = {}
    for name in "logits", "reference":
        difference = np.abs(found - network[name]).max(axis=1)
        largest = np.abs(network["reference"]).max(axis=1)
        error = difference / np.maximum(largest, np.finfo(np.float32).tiny)
        errors[name] = error.max() if np.isfinite(error).all() else np.inf
    print(
        f"{onnx_path}: {errors['logits']:.2e} from single precision, "
        f"{errors['reference']:.2e} from double precision, of the largest logit"
    )
    return max(errors.values())


def check(network, onnx_path):
    if "inputs" in network:
        inputs = network["inputs"].astype(np.float32)
    else:
        random = np.random.default_rng(0)
        inputs = random.random((256, network["hiddenWeights"].shape[1]), dtype=np.float32)
        if "center" in network:
            inputs[0] = network["center"]
    found = evaluate(onnx_path, inputs)
    expected, sizes = formula(network, inputs)
    scale = np.maximum(sizes.max(axis=1), np.finfo(np.float32).tiny)

    def errors(reference):
        difference = np.abs(found - reference).max(axis=1)
        if not np.isfinite(difference).all():
            return np.inf, np.inf
        top = np.maximum(np.abs(reference).max(axis=1), np.finfo(np.float32).tiny)
        return (difference / scale).max(), (difference / top).max()

    lines = [("formula", *errors(expected))]
    if "logits" in network:
        lines.append(("polyrelu", *errors(network["logits"].astype(np.float64))))
    for name, error, of_largest in lines:
        print(f"{onnx_path}: {name}: {error:.2e} of the sums, {of_largest:.2e} of the largest logit")
    return tuple(np.max([line[1:] for line in lines], axis=0))


def main(paths):
    if not paths or len(paths) % 2:
        sys.exit(__doc__)
    shallow, deep = [], []
    for network_path, onnx_path in zip(paths[::2], paths[1::2]):
        network = dict(np.load(network_path))
        onnx.checker.check_model(onnx.load(onnx_path), full_check=True)
        if "reference" in network:
            deep.append(check_deep(network, onnx_path))
        else:
            shallow.append(check(network, onnx_path))
    is_right = True
    if shallow:
        of_sums, of_largest = np.max(shallow, axis=0)
        print(f"largest relative error: {of_sums:.2e} of the sums, {of_largest:.2e} of the largest logit")
        is_right = of_sums <= TOLERANCE
    if deep:
        print(f"largest relative error of deep networks: {np.max(deep):.2e} of the largest logit")
        is_right = is_right and np.max(deep) <= DEEP_TOLERANCE
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
