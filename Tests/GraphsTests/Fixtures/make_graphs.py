#!/usr/bin/env python3
"""Random ONNX graphs of all supported operators, with inputs and the outputs of onnxruntime.

    pip install onnx onnxruntime numpy
    python make_graphs.py graphs.npz 60        # the fixture
    python make_graphs.py /tmp/many.npz 400 7  # others, from another seed

The archive holds, for every graph NNN, the bytes of the file (`NNN.model`), inputs (`NNN.inputs`, n rows),
and the logits of onnxruntime (`NNN.logits`): of a graph that ends in a softmax, those before it.
"""

import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

onnxruntime.set_default_logger_severity(3)
SAMPLES = 3


class Net:
    """A graph that grows operator by operator; `shape` is that of one sample, without the batch."""

    def __init__(self, rng, opset, shape, style):
        self.rng, self.opset, self.style = rng, opset, style
        self.nodes, self.constants = [], []
        self.value, self.shape = "input", tuple(shape)
        self.input_shape = tuple(shape)
        self.count = 0
        self.used = []

    @property
    def batch(self):
        return {"variable": "N", "one": 1, "four": 4}[self.style]

    def name(self, text):
        self.count += 1
        return f"{text}_{self.count}"

    def constant(self, array):
        name = self.name("c")
        if self.rng.random() < 0.2:
            tensor = numpy_helper.from_array(array)
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.constants.append(numpy_helper.from_array(array, name))
        return name

    def floats(self, *shape, scale=1.0):
        return self.constant((scale * self.rng.standard_normal(shape)).astype(np.float32))

    def ints(self, values):
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, operation, inputs, shape=None, **attributes):
        output = self.name(operation.lower())
        self.nodes.append(helper.make_node(operation, inputs, [output], name=output, **attributes))
        self.used.append(operation)
        return output

    def then(self, operation, inputs=None, shape=None, **attributes):
        self.value = self.add(operation, inputs or [self.value], **attributes)
        if shape is not None:
            self.shape = tuple(int(x) for x in shape)

    def axes(self, operation, value, axes, since, shape=None, **attributes):
        """An operator whose axes were an attribute and are an input since a version."""
        if self.opset >= since:
            return self.add(operation, [value, self.ints(axes)], **attributes)
        return self.add(operation, [value], axes=axes, **attributes)

    def model(self, output, width):
        shape = [self.batch, *self.input_shape]
        graph = helper.make_graph(
            self.nodes, "random",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [self.batch, width])],
            self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 8 if self.opset < 19 else 10
        return model


def choose(rng, values):
    return values[rng.integers(len(values))]


# Functions of one number.

def activation(net):
    rng = net.rng
    kind = choose(rng, ["Relu", "LeakyRelu", "Sigmoid", "Tanh", "Clip", "Elu", "Selu", "Softplus", "Abs",
                        "PRelu", "HardSigmoid", "Softsign", "Neg", "Celu", "HardSwish", "Gelu"])
    if kind == "LeakyRelu":
        net.then(kind, alpha=float(rng.uniform(0.01, 0.5)))
    elif kind == "Clip":
        low, high = float(-rng.uniform(0.2, 1)), float(rng.uniform(0.5, 2))
        if net.opset < 11:
            net.then(kind, min=low, max=high)
        else:
            names = [net.constant(np.float32(low)), net.constant(np.float32(high))]
            net.then(kind, choose(rng, [[net.value, *names], [net.value, "", names[1]],
                                        [net.value, names[0]]]))
    elif kind == "Elu":
        net.then(kind, alpha=float(rng.uniform(0.5, 1.5)))
    elif kind == "PRelu":
        if len(net.shape) > 1:
            net.then(kind, [net.value, net.floats(net.shape[0], *[1] * (len(net.shape) - 1))])
        else:
            net.then(kind, [net.value, net.floats(*net.shape)])
    elif kind == "Celu" and net.opset < 12 or kind == "HardSwish" and net.opset < 14 \
            or kind == "Gelu" and net.opset < 20:
        net.then("Relu")
    else:
        net.then(kind)


def positive(net):
    """Roots, powers and logarithms, of numbers away from 0."""
    net.then("Abs")
    net.then("Add", [net.value, net.constant(np.float32(0.5))])
    kind = choose(net.rng, ["Sqrt", "Pow", "Log", "Reciprocal", "Exp"])
    if kind == "Pow":
        net.then(kind, [net.value, net.constant(np.float32(choose(net.rng, [2, 3, 0.5, 1.7, -1, 2.5])))])
    elif kind == "Exp":
        net.then("Min", [net.value, net.constant(np.float32(2))])
        net.then("Exp")
    else:
        net.then(kind)


def broadcast(net):
    """With a constant, on either side, of a shape that is repeated."""
    kind = choose(net.rng, ["Add", "Sub", "Mul", "Div", "Max", "Min"])
    shape = [n if net.rng.random() < 0.6 else 1 for n in net.shape]
    while len(shape) > 1 and net.rng.random() < 0.3:
        shape = shape[1:]
    if net.rng.random() < 0.2:
        shape = []
    array = net.rng.uniform(0.5, 2, shape).astype(np.float32)
    if kind != "Div":
        array *= np.where(net.rng.random(shape) < 0.5, -1, 1).astype(np.float32)
    names = [net.value, net.constant(array)]
    if net.rng.random() < 0.4 and kind != "Div":
        names = names[::-1]
    net.then(kind, names)


def branch(net):
    """Two ways from one value, which meet again."""
    start = net.value
    if len(net.shape) == 1:
        net.then("Gemm", [net.value, net.floats(net.shape[0], net.shape[0], scale=0.5), net.floats(1)])
    activation(net)
    one = net.value
    net.value = start
    activation(net)
    kind = choose(net.rng, ["Add", "Sub", "Mul", "Max", "Min", "Div", "Sum", "Concat", "Mean"])
    if kind == "Div":
        net.then("Abs")
        net.then("Add", [net.value, net.constant(np.float32(1))])
        net.then("Div", [one, net.value])
    elif kind == "Concat":
        axis = int(net.rng.integers(len(net.shape)))
        shape = list(net.shape)
        shape[axis] *= 2
        net.then("Concat", [one, net.value], shape, axis=choose(net.rng, [axis + 1, axis - len(net.shape)]))
    elif kind in ("Sum", "Mean") or kind in ("Max", "Min") and net.rng.random() < 0.5:
        net.then(kind, [one, net.value, start])
    else:
        net.then(kind, [one, net.value])


def center(net):
    """Less a reduction along some axes."""
    axes = [a for a in range(1, len(net.shape) + 1) if net.rng.random() < 0.6] or [1]
    kind, since = choose(net.rng, [("ReduceMean", 18), ("ReduceSum", 13), ("ReduceMax", 18), ("ReduceL2", 18),
                                   ("ReduceMin", 18), ("ReduceL1", 18), ("ReduceSumSquare", 18),
                                   ("ReduceLogSumExp", 18)])
    given = [a - len(net.shape) - 1 for a in axes] if net.opset >= 11 and net.rng.random() < 0.5 else axes
    reduced = net.axes(kind, net.value, given, since, keepdims=1)
    net.then("Sub", [net.value, reduced])


def scale_down(net):
    net.then("Mul", [net.value, net.constant(np.float32(0.3))])


# Images.

def windows(net, n, largest=3):
    rng = net.rng
    extents = net.shape[1:]
    kernel = [int(rng.integers(1, min(largest, extents[a]) + 1)) for a in range(n)]
    strides = [int(rng.integers(1, 3)) for _ in range(n)]
    return kernel, strides


def convolution(net):
    rng, n = net.rng, len(net.shape) - 1
    kernel, strides = windows(net, n)
    channels = net.shape[0]
    groups = choose(rng, [g for g in range(1, channels + 1) if channels % g == 0])
    filters = groups * int(rng.integers(1, 4))
    dilations = [int(rng.integers(1, 3)) if (k - 1) * 2 < s else 1 for k, s in zip(kernel, net.shape[1:])]
    attributes = dict(strides=strides, group=groups)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    style = choose(rng, ["pads", "pads", "none", "SAME_UPPER", "SAME_LOWER", "VALID"])
    if style.startswith("SAME"):
        attributes["auto_pad"] = style
        shape = [-(-s // t) for s, t in zip(net.shape[1:], strides)]
        dilations = [1] * n
    else:
        pads = [0] * (2 * n)
        if style == "pads":
            pads = [int(rng.integers(0, 3)) for _ in range(2 * n)]
            attributes["pads"] = pads
        elif style == "VALID":
            attributes["auto_pad"] = style
        attributes["dilations"] = dilations
        shape = [(s + pads[a] + pads[a + n] - extents[a]) // strides[a] + 1
                 for a, s in enumerate(net.shape[1:])]
    if rng.random() < 0.7:
        attributes["kernel_shape"] = kernel
    scale = 1 / np.sqrt(channels / groups * np.prod(kernel))
    inputs = [net.value, net.floats(filters, channels // groups, *kernel, scale=scale)]
    if rng.random() < 0.7:
        inputs.append(net.floats(filters, scale=0.3))
    net.then("Conv", inputs, [filters, *shape], **attributes)


def pool(net):
    rng, n = net.rng, len(net.shape) - 1
    if rng.random() < 0.15:
        net.then(choose(rng, ["GlobalAveragePool", "GlobalMaxPool"]), None, [net.shape[0], *[1] * n])
        return
    kind = choose(rng, ["MaxPool", "AveragePool"])
    kernel, strides = windows(net, n)
    attributes = dict(kernel_shape=kernel, strides=strides)
    pads = [int(rng.integers(0, k)) // 2 for k in kernel] * 2
    attributes["pads"] = pads
    up = net.opset >= 10 and rng.random() < 0.4
    if up:
        attributes["ceil_mode"] = 1
    if kind == "AveragePool":
        attributes["count_include_pad"] = int(rng.random() < 0.5)
    shape = []
    for a, s in enumerate(net.shape[1:]):
        room = s + 2 * pads[a] - kernel[a]
        extent = -(-room // strides[a]) + 1 if up else room // strides[a] + 1
        if up and (extent - 1) * strides[a] >= s + pads[a]:
            extent -= 1
        shape.append(extent)
    net.then(kind, None, [net.shape[0], *shape], **attributes)


def normalization(net):
    rng = net.rng
    kinds = ["BatchNormalization"]
    if len(net.shape) > 1:
        kinds.append("InstanceNormalization")
    if net.opset >= 17:
        kinds += ["LayerNormalization", "LayerNormalization"]
    if net.opset >= 21 and len(net.shape) > 1:
        kinds.append("GroupNormalization")
    kind = choose(rng, kinds)
    channels = net.shape[0]
    if kind == "BatchNormalization":
        net.then(kind, [net.value, net.floats(channels), net.floats(channels), net.floats(channels),
                        net.constant(rng.uniform(0.5, 2, channels).astype(np.float32))],
                 epsilon=1e-3)
    elif kind == "InstanceNormalization" and np.prod(net.shape[1:]) > 1:
        net.then(kind, [net.value, net.floats(channels), net.floats(channels)], epsilon=1e-2)
    elif kind == "LayerNormalization":
        axis = int(rng.integers(1, len(net.shape) + 1))
        shape = net.shape[axis - 1:]
        if np.prod(shape) > 1:
            net.then(kind, [net.value, net.floats(*shape), net.floats(*shape)][:int(rng.integers(2, 4))],
                     axis=axis, epsilon=1e-2)
    elif kind == "GroupNormalization" and np.prod(net.shape[1:]) > 1:
        groups = choose(rng, [g for g in range(1, channels + 1) if channels % g == 0])
        net.then(kind, [net.value, net.floats(channels), net.floats(channels)], num_groups=groups,
                 epsilon=1e-2)


def move(net):
    """Takes numbers elsewhere: slices, borders, orders."""
    rng = net.rng
    n = len(net.shape)
    axis = int(rng.integers(n))
    extent = net.shape[axis]
    kind = choose(rng, ["Transpose", "Slice", "Pad", "Gather", "Split", "Expand", "Tile", "Reverse"])
    shape = list(net.shape)
    if kind == "Transpose":
        order = [int(a) for a in rng.permutation(n)]
        net.then(kind, None, [net.shape[a] for a in order], perm=[0] + [a + 1 for a in order])
    elif kind == "Slice" and extent > 1:
        start = int(rng.integers(0, extent - 1))
        end = choose(rng, [extent, 2 ** 31 - 1, -1]) if start < extent - 1 else extent
        stop = extent + end if end < 0 else min(end, extent)
        if stop <= start:
            return
        shape[axis] = stop - start
        if net.opset < 10:
            net.then(kind, None, shape, starts=[start], ends=[end], axes=[axis + 1])
        else:
            step = int(rng.integers(1, 3))
            shape[axis] = len(range(start, stop, step))
            net.then(kind, [net.value, net.ints([start]), net.ints([end]), net.ints([axis + 1]),
                            net.ints([step])], shape)
    elif kind == "Reverse" and net.opset >= 10:
        net.then("Slice", [net.value, net.ints([-1]), net.ints([-2 ** 31]), net.ints([axis + 1]),
                           net.ints([-1])])
    elif kind == "Pad":
        before, after = [0] * (n + 1), [0] * (n + 1)
        before[axis + 1], after[axis + 1] = int(rng.integers(0, 2)), int(rng.integers(0, 2))
        mode = choose(rng, ["constant", "constant", "edge", "reflect"])
        if extent < 2:
            mode = "constant"
        shape[axis] += before[axis + 1] + after[axis + 1]
        if net.opset < 11:
            net.then(kind, None, shape, pads=before + after, mode=mode,
                     **(dict(value=0.5) if mode == "constant" else {}))
        else:
            extra = [net.constant(np.float32(0.5))] if mode == "constant" and rng.random() < 0.5 else []
            net.then(kind, [net.value, net.ints(before + after), *extra], shape, mode=mode)
    elif kind == "Gather":
        indices = [int(i) for i in rng.integers(0 if net.opset < 11 else -extent, extent, 3)]
        shape[axis] = 3
        net.then(kind, [net.value, net.ints(indices)], shape, axis=axis + 1)
    elif kind == "Split" and extent > 1:
        first = int(rng.integers(1, extent))
        outputs = [net.name("part"), net.name("part")]
        if net.opset < 13:
            node = helper.make_node("Split", [net.value], outputs, axis=axis + 1, split=[first, extent - first])
        else:
            node = helper.make_node("Split", [net.value, net.ints([first, extent - first])], outputs,
                                    axis=axis + 1)
        net.nodes.append(node)
        net.used.append("Split")
        net.then("Concat", outputs[::-1], axis=axis + 1)
    elif kind == "Expand" and net.opset >= 8:
        lifted = net.axes("Unsqueeze", net.value, [1], 13)
        repeated = net.add("Expand", [lifted, net.ints([1, 2] + shape)])
        net.value = net.axes("ReduceMean", repeated, [1], 18, keepdims=0)
    elif kind == "Tile" and np.prod(shape) < 200:
        repeats = [1] * (n + 1)
        repeats[axis + 1] = 2
        shape[axis] *= 2
        net.then(kind, [net.value, net.ints(repeats)], shape)


def harmless(net):
    rng = net.rng
    kind = choose(rng, ["Identity", "Dropout", "Cast", "Squeeze", "DoubleReshape", "Constants"])
    if kind == "Dropout":
        if net.opset < 12:
            net.then(kind, ratio=0.3)
        else:
            net.then(kind, [net.value, net.constant(np.float32(0.3))])
    elif kind == "Cast":
        net.then(kind, to=choose(rng, [TensorProto.DOUBLE]))
        net.then(kind, to=TensorProto.FLOAT)
    elif kind == "Squeeze":
        axis = int(rng.integers(1, len(net.shape) + 2))
        net.value = net.axes("Unsqueeze", net.value, [axis], 13)
        net.value = net.axes("Squeeze", net.value, [axis], 13)
    elif kind == "DoubleReshape":
        net.then("Reshape", [net.value, net.ints([0, -1])])
        lead = choose(rng, [0, -1]) if net.style != "four" else 4
        net.then("Reshape", [net.value, net.ints([lead, *net.shape])])
    elif kind == "Constants":
        # A constant that is computed from others.
        one = net.floats(2, *net.shape)
        total = net.axes("ReduceSum", one, [0], 13, keepdims=1)
        net.then("Add", [net.value, net.add("Tanh", [total])])
    else:
        net.then("Identity")


def soft(net):
    axis = int(net.rng.integers(1, len(net.shape) + 1))
    net.then(choose(net.rng, ["Softmax", "LogSoftmax"]), axis=axis)


def attention(net):
    """Products of two values of a sample."""
    if len(net.shape) != 2:
        return
    c, w = net.shape
    other = net.add("Transpose", [net.value], perm=[0, 2, 1])
    scores = net.add("MatMul", [net.value, other])
    scaled = net.add("Mul", [scores, net.constant(np.float32(0.2))])
    weights = net.add("Softmax", [scaled], axis=2)
    net.then("MatMul", [weights, net.value])


def left_product(net):
    if len(net.shape) != 2:
        return
    rows = int(net.rng.integers(1, 5))
    net.then("MatMul", [net.floats(rows, net.shape[0], scale=0.5), net.value], [rows, net.shape[1]])


def right_product(net):
    columns = int(net.rng.integers(1, 6))
    net.then("MatMul", [net.value, net.floats(net.shape[-1], columns, scale=0.5)],
             [*net.shape[:-1], columns])


def dense(net):
    units = int(net.rng.integers(3, 9))
    scale = 1 / np.sqrt(net.shape[0])
    kind = choose(net.rng, ["Gemm", "Gemm", "MatMul"])
    if kind == "MatMul":
        net.then("MatMul", [net.value, net.floats(net.shape[0], units, scale=scale)], [units])
        net.then("Add", [net.value, net.floats(units, scale=0.3)])
        return
    transposed = int(net.rng.random() < 0.5)
    weights = net.floats(*((units, net.shape[0]) if transposed else (net.shape[0], units)), scale=scale)
    inputs = [net.value, weights]
    if net.opset < 11 or net.rng.random() < 0.8:
        inputs.append(net.floats(*choose(net.rng, [(units,), (1, units), (1,)])))
    net.then("Gemm", inputs, [units], transB=transposed, alpha=float(choose(net.rng, [1.0, 0.7])),
             beta=float(choose(net.rng, [1.0, 1.3])))


def flatten(net):
    size = int(np.prod(net.shape))
    kind = choose(net.rng, ["Flatten", "Reshape", "ReshapeOne", "Shape", "Negative"])
    if kind == "Reshape":
        net.then("Reshape", [net.value, net.ints([0, -1])], [size])
    elif kind == "ReshapeOne" and net.style != "variable":
        net.then("Reshape", [net.value, net.ints([net.batch, size])], [size])
    elif kind == "Negative" and net.style != "four":
        net.then("Reshape", [net.value, net.ints([-1, size])], [size])
    elif kind == "Shape":
        # As exporters write x.view(x.shape[0], -1).
        shape = net.add("Shape", [net.value])
        first = net.add("Gather", [shape, net.constant(np.array(0, dtype=np.int64))], axis=0)
        parts = [net.axes("Unsqueeze", first, [0], 13), net.ints([-1])]
        net.then("Reshape", [net.value, net.add("Concat", parts, axis=0)], [size])
    else:
        net.then("Flatten", None, [size], axis=1)


ANY = [activation, activation, positive, broadcast, broadcast, branch, branch, center, move, move, harmless,
       normalization, soft, scale_down]


def random_graph(seed):
    rng = np.random.default_rng(seed)
    opset = 7 + seed % 15
    form = choose(rng, ["image", "image", "image", "sequence", "vector"])
    style = choose(rng, ["variable", "variable", "variable", "one", "four"])
    if form == "image":
        shape = [int(rng.integers(1, 5)), int(rng.integers(4, 9)), int(rng.integers(4, 9))]
    elif form == "sequence":
        shape = [int(rng.integers(2, 5)), int(rng.integers(5, 12))]
    else:
        shape = [int(rng.integers(4, 20))]
    net = Net(rng, opset, shape, style)
    for _ in range(int(rng.integers(2, 7))):
        choices = list(ANY)
        if len(net.shape) in (2, 3):
            choices += [convolution, convolution, convolution, pool, pool, right_product]
        if len(net.shape) == 2:
            choices += [attention, left_product]
        if len(net.shape) == 1:
            choices += [dense, dense]
        choose(rng, choices)(net)
        if np.prod(net.shape) > 600:
            break
    if len(net.shape) > 1:
        flatten(net)
    if rng.random() < 0.7:
        dense(net)
        activation(net)
    outputs = int(rng.integers(1, 6))
    net.then("Gemm", [net.value, net.floats(net.shape[0], outputs, scale=1 / np.sqrt(net.shape[0])),
                      net.floats(outputs)], [outputs])
    logits, last = net.value, net.value
    if outputs == 1 and rng.random() < 0.3:
        last = net.add("Sigmoid", [logits])
    elif outputs > 1 and rng.random() < 0.3:
        last = net.add(choose(rng, ["Softmax", "LogSoftmax"]), [logits], axis=1)
    bare = net.model(logits, outputs)
    if last != logits:
        bare.graph.node.pop()
    full = net.model(last, outputs)
    return net, full, bare


def evaluate(model, inputs, style):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    if style == "one":
        return np.concatenate([session.run(None, {"input": x[None]})[0] for x in inputs])
    return session.run(None, {"input": inputs})[0]


def main():
    path, wanted = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) * 100000 if len(sys.argv) > 3 else 0
    arrays, used, made = {}, {}, 0
    while made < wanted:
        seed += 1
        net, full, bare = random_graph(seed)
        samples = 4 if net.style == "four" else SAMPLES
        inputs = np.random.default_rng(seed).standard_normal((samples, *net.input_shape)).astype(np.float32)
        try:
            onnx.checker.check_model(full)
            logits = evaluate(bare, inputs, net.style)
        except Exception as error:  # What onnxruntime does not have, such as Tile in some versions.
            print(f"seed {seed}: {str(error)[:150]}", file=sys.stderr)
            continue
        size = np.abs(logits).max()
        # Logits that hardly depend on the input, or overflow, compare nothing.
        if not np.isfinite(logits).all() or size > 1e4 or size < 1e-2 \
                or np.abs(logits - logits[0]).max() < 1e-3 * size:
            continue
        key = f"{made:03d}"
        arrays[key + ".model"] = np.frombuffer(full.SerializeToString(), dtype=np.uint8)
        arrays[key + ".inputs"] = inputs.reshape(samples, -1)
        arrays[key + ".logits"] = logits.reshape(samples, -1)
        for operation in net.used:
            used[operation] = used.get(operation, 0) + 1
        made += 1
    np.savez_compressed(path, **arrays)
    print(f"{made} graphs: " + ", ".join(f"{k} {v}" for k, v in sorted(used.items())))


main()
