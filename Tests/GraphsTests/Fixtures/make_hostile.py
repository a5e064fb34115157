#!/usr/bin/env python3
"""ONNX files that must be refused in one line, or understood all the same; `HostileFileTests` says which.

    pip install onnx numpy
    python make_hostile.py hostile.npz
"""

import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
cases = {}


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def build(nodes, constants=(), shape=("N", 4), output=("N", 2), opset=13, inputs=None, outputs=None):
    graph = helper.make_graph(
        nodes, "graph",
        inputs or [helper.make_tensor_value_info("x", FLOAT, shape)],
        outputs or [helper.make_tensor_value_info("y", FLOAT, output)], list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def add(name, model):
    cases[name] = np.frombuffer(model.SerializeToString(), dtype=np.uint8)


def node(operation, inputs, outputs, **attributes):
    return helper.make_node(operation, inputs, outputs, name=operation.lower(), **attributes)


weights = tensor("w", np.eye(4, 2, dtype=np.float32))
product = node("MatMul", ["x", "w"], ["y"])

add("plain", build([product], [weights]))
add("unknown operator", build([node("LSTM", ["x", "w"], ["y"])], [weights]))
add("unknown domain", build([helper.make_node("Fused", ["x"], ["y"], name="f", domain="com.x")]))
add("cycle", build([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]),
                    node("MatMul", ["b", "w"], ["y"])], [weights]))
add("self", build([node("Add", ["x", "y"], ["y"])]))
add("missing input", build([node("MatMul", ["z", "w"], ["y"])], [weights]))
add("left out input", build([node("MatMul", ["x", ""], ["y"])], [weights]))
add("missing output", build([node("MatMul", ["x", "w"], ["z"])], [weights]))
add("two makers", build([product, node("MatMul", ["x", "w"], ["y"])], [weights]))
add("constant output", build([node("Identity", ["w"], ["y"])], [weights]))
add("old version", build([product], [weights], opset=6))
add("new version", build([product], [weights], opset=22))
no_version = build([product], [weights])
del no_version.opset_import[:]
add("no version", no_version)
add("two inputs", build([product], [weights], inputs=[
    helper.make_tensor_value_info("x", FLOAT, ["N", 4]), helper.make_tensor_value_info("z", FLOAT, [1])]))
add("two outputs", build([product], [weights], outputs=[
    helper.make_tensor_value_info("y", FLOAT, ["N", 2]), helper.make_tensor_value_info("x", FLOAT, ["N", 4])]))
add("second axis varies", build([product], [weights], shape=("N", "D")))
add("one axis varies", build([product], [weights], shape=("N",)))
add("no shape", build([product], [weights], inputs=[helper.make_tensor_value_info("x", FLOAT, None)]))
add("negative extent", build([product], [weights], shape=(1, -4)))
add("huge extent", build([product], [weights], shape=(1, 2 ** 40)))
add("overflowing extents", build([product], [weights], shape=(1, 2 ** 31, 2 ** 31, 2 ** 31)))
add("does not fit", build([product], [weights], shape=("N", 5)))
add("two axes of outputs", build([node("Identity", ["x"], ["y"])], shape=("N", 2, 2), output=("N", 2, 2)))

short = build([product], [weights])
short.graph.initializer[0].raw_data = short.graph.initializer[0].raw_data[:-1]
add("short weights", short)
long = build([product], [weights])
long.graph.initializer[0].dims[0] = 2 ** 40
add("long weights", long)
overflow = build([product], [weights])
overflow.graph.initializer[0].dims[:] = [2 ** 40, 2 ** 40]
add("overflowing weights", overflow)
negative = build([product], [weights])
negative.graph.initializer[0].dims[0] = -4
add("negative weights", negative)
twice = build([product], [weights, weights])
add("weights twice", twice)
text = build([product], [helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])])
add("text weights", text)
external = build([product], [weights])
constant = external.graph.initializer[0]
constant.ClearField("raw_data")
constant.data_location = TensorProto.EXTERNAL
constant.external_data.add(key="location", value="../../etc/passwd")
add("outside file", external)
beside = build([product], [weights])
constant = beside.graph.initializer[0]
constant.ClearField("raw_data")
constant.data_location = TensorProto.EXTERNAL
constant.external_data.add(key="location", value="weights.bin")
constant.external_data.add(key="offset", value="8")
constant.external_data.add(key="length", value="32")
add("file beside", beside)
add("infinite weights", build([product], [tensor("w", np.full((4, 2), np.inf, dtype=np.float32))]))
add("integer weights", build([product], [tensor("w", np.eye(4, 2, dtype=np.int64))]))

shape = tensor("s", np.array([2 ** 20, 2 ** 20], dtype=np.int64))
add("huge constant", build([node("ConstantOfShape", ["s"], ["c"]), node("MatMul", ["x", "c"], ["y"])], [shape]))
add("huge expansion", build([node("Expand", ["x", "s"], ["y"])],
                            [tensor("s", np.array([2 ** 30, 4], dtype=np.int64))]))
add("many expansions", build(
    [node("Expand", ["x" if i == 0 else f"e{i}", "s"], [f"e{i + 1}"]) for i in range(8)]
    + [node("ReduceSum", ["e8"], ["y"])], [tensor("s", np.array([2 ** 22, 4], dtype=np.int64))]))
add("overflowing integers", build(
    [node("Mul", ["s", "s"], ["t"]), node("Reshape", ["x", "t"], ["y"])],
    [tensor("s", np.array([2 ** 40], dtype=np.int64))]))
add("division of integers", build(
    [node("Div", ["s", "t"], ["u"]), node("Reshape", ["x", "u"], ["y"])],
    [tensor("s", np.array([1], dtype=np.int64)), tensor("t", np.array([0], dtype=np.int64))]))
add("smallest by minus one", build(
    [node("Div", ["s", "t"], ["u"]), node("Reshape", ["x", "u"], ["y"])],
    [tensor("s", np.array([-2 ** 63], dtype=np.int64)), tensor("t", np.array([-1], dtype=np.int64))]))
add("two free extents", build([node("Reshape", ["x", "s"], ["y"])],
                              [tensor("s", np.array([-1, -1], dtype=np.int64))]))
add("shape of the input's numbers", build([node("Reshape", ["x", "x"], ["y"])]))

images = dict(shape=("N", 2, 6, 6), output=("N", 2, 6, 6))
filters = tensor("w", np.ones((2, 2, 3, 3), dtype=np.float32))
add("zero stride", build([node("Conv", ["x", "w"], ["y"], strides=[0, 1])], [filters], **images))
add("huge stride", build([node("Conv", ["x", "w"], ["y"], strides=[2 ** 62, 1])], [filters], **images))
add("negative pads", build([node("Conv", ["x", "w"], ["y"], pads=[-1, 0, 0, 0])], [filters], **images))
add("huge pads", build([node("Conv", ["x", "w"], ["y"], pads=[2 ** 23, 0, 2 ** 23, 0])], [filters], **images))
add("huge dilation", build([node("Conv", ["x", "w"], ["y"], dilations=[2 ** 61, 1])], [filters], **images))
add("no groups", build([node("Conv", ["x", "w"], ["y"], group=0)], [filters], **images))
add("three axes", build([node("Conv", ["x", "w"], ["y"])], [tensor("w", np.ones((1, 1, 1, 1, 1), dtype=np.float32))],
                        shape=("N", 1, 2, 2, 2)))
add("computed filters", build([node("Conv", ["x", "x"], ["y"])], **images))
add("huge window", build([node("MaxPool", ["x"], ["y"], kernel_shape=[2 ** 40, 1])], **images))
add("many pixels", build([node("MaxPool", ["x"], ["y"], kernel_shape=[2 ** 22, 2 ** 22],
                               pads=[2 ** 22, 2 ** 22, 2 ** 22, 2 ** 22])], **images))
add("training", build([node("BatchNormalization", ["x", "a", "a", "a", "a"], ["y"], training_mode=1)],
                      [tensor("a", np.ones(2, dtype=np.float32))], opset=15, **images))
add("negative variance", build([node("BatchNormalization", ["x", "a", "a", "a", "b"], ["y"])],
                               [tensor("a", np.ones(2, dtype=np.float32)),
                                tensor("b", -np.ones(2, dtype=np.float32))], opset=15, **images))
add("axis beyond", build([node("Softmax", ["x"], ["y"], axis=7)]))
add("axis twice", build([node("Squeeze", ["x", "s"], ["y"])], [tensor("s", np.array([0, -2], dtype=np.int64))]))
add("wrong attribute", build([node("Flatten", ["x"], ["y"], axis=1.5)]))
add("zero step", build([node("Slice", ["x", "a", "b", "a", "a"], ["y"])],
                       [tensor("a", np.array([0], dtype=np.int64)), tensor("b", np.array([1], dtype=np.int64))]))
add("extreme slice", build(
    [node("Slice", ["x", "a", "b", "c", "d"], ["z"]), node("MatMul", ["z", "w"], ["y"])],
    [weights, tensor("a", np.array([2 ** 63 - 1], dtype=np.int64)),
     tensor("b", np.array([-2 ** 63], dtype=np.int64)), tensor("c", np.array([1], dtype=np.int64)),
     tensor("d", np.array([-1], dtype=np.int64))]))
add("index beyond", build([node("Gather", ["x", "s"], ["y"], axis=1)], [tensor("s", np.array([4], dtype=np.int64))]))
add("huge border", build([node("Pad", ["x", "s"], ["y"])],
                         [tensor("s", np.array([0, 2 ** 62, 0, 2 ** 62], dtype=np.int64))]))
add("extreme range", build([node("Range", ["a", "b", "c"], ["y"])],
                           [tensor("a", np.array(-2 ** 63, dtype=np.int64)),
                            tensor("b", np.array(2 ** 63 - 1, dtype=np.int64)),
                            tensor("c", np.array(1, dtype=np.int64))]))
add("cast of nothing", build([node("Cast", ["a"], ["s"], to=TensorProto.INT64), node("Reshape", ["x", "s"], ["y"])],
                             [tensor("a", np.array([np.nan], dtype=np.float32))]))
add("deep chain", build([node("Relu", ["x" if i == 0 else f"r{i}"], [f"r{i + 1}"]) for i in range(3000)]
                        + [node("MatMul", ["r3000", "w"], ["y"])], [weights]))

# A fixed batch of four, and the batch behind the numbers of a sample.
add("fixed batch", build(
    [node("Reshape", ["x", "s"], ["z"]), node("MatMul", ["z", "w"], ["y"])],
    [weights, tensor("s", np.array([4, 4], dtype=np.int64))], shape=(4, 2, 2), output=(4, 2)))
add("no batch axis", build([node("MatMul", ["x", "w"], ["y"])], [weights], shape=(4,), output=(2,)))
add("batch last", build([node("MatMul", ["v", "x"], ["y"])], [tensor("v", np.eye(2, 4, dtype=np.float32))],
                        shape=(4, "N"), output=(2, "N")))

cases["many parts"] = np.frombuffer(
    b"\x3a\x80\x80\x80\x01" + b"\x0a\x00" * (1 << 20), dtype=np.uint8)
cases["no graph"] = np.frombuffer(b"\x08\x08", dtype=np.uint8)
cases["empty"] = np.zeros(0, dtype=np.uint8)
cases["noise"] = np.random.default_rng(1).integers(0, 256, 500).astype(np.uint8)
np.savez_compressed(sys.argv[1], **cases)
print(len(cases), "cases")
