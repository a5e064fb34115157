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
Needs numpy, onnx and onnxruntime; `swift test` runs it if POLYRELU_PYTHON names an interpreter that has
them.
"""

import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5


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


def check(network_path, onnx_path):
    network = dict(np.load(network_path))
    onnx.checker.check_model(onnx.load(onnx_path), full_check=True)
    if "inputs" in network:
        inputs = network["inputs"].astype(np.float32)
    else:
        random = np.random.default_rng(0)
        inputs = random.random((256, network["hiddenWeights"].shape[1]), dtype=np.float32)
        if "center" in network:
            inputs[0] = network["center"]
    session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
    found = session.run(["logits"], {"input": inputs})[0].astype(np.float64)
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
    results = [check(*pair) for pair in zip(paths[::2], paths[1::2])]
    of_sums, of_largest = np.max(results, axis=0)
    print(f"largest relative error: {of_sums:.2e} of the sums, {of_largest:.2e} of the largest logit")
    return 0 if of_sums <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
