#!/usr/bin/env python3
"""Classifiers whose distances are known, as ONNX: linear ones, F and F^(p). `OracleGraphTests` attacks them.

    pip install onnx numpy
    python make_oracles.py oracles.npz
"""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

DIMENSION, SUBCLASSES, POSITIVE = 8, 6, 3
arrays = {}


def add(name, nodes, outputs, opset=13, **constants):
    tensors = [numpy_helper.from_array(np.asarray(value, np.float32), key) for key, value in constants.items()]
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", DIMENSION])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", outputs])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    checker.check_model(model)
    arrays[name + ".model"] = np.frombuffer(model.SerializeToString(), np.uint8)


random = np.random.default_rng(18)
centers = np.linalg.qr(random.standard_normal((DIMENSION, SUBCLASSES)))[0].T.astype(np.float32)
signs = np.where(np.arange(SUBCLASSES) < POSITIVE, 1, -1).astype(np.float32)
arrays["centers"] = centers
arrays["labels"] = (signs > 0).astype(np.int64)
# The centres, and samples near them.
near = np.concatenate([centers, centers])
noise = random.standard_normal(near.shape) * 0.1 / np.sqrt(DIMENSION)
noise[:SUBCLASSES] = 0
arrays["inputs"] = (near + noise).astype(np.float32)

for classes in (1, 3):
    weights = random.standard_normal((classes, DIMENSION)).astype(np.float32)
    bias = random.standard_normal(classes).astype(np.float32) * 0.1
    arrays[f"linear{classes}.weights"], arrays[f"linear{classes}.bias"] = weights, bias
    add(f"linear{classes}", [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)], classes, w=weights, b=bias)

sums = np.stack([centers[signs > 0].sum(0), centers[signs < 0].sum(0)], 1)
add("F", [
    helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Relu", ["z"], ["h"]),
    helper.make_node("MatMul", ["h", "v"], ["y"])], 1, w=sums, v=[[1], [-1]])
for p in (1.5, 2, 3, 4):
    add(f"F{p}", [
        helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Relu", ["z"], ["r"]),
        helper.make_node("Pow", ["r", "p"], ["h"]), helper.make_node("MatMul", ["h", "v"], ["y"])], 1,
        w=centers.T, p=p, v=signs[:, None])

np.savez_compressed(sys.argv[1], **arrays)
