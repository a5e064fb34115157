"""What the peers on MNIST share: the network, the images, and how work is measured."""

import argparse
import gzip
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy
import torch
from torch import nn


class PReLUNetwork(nn.Module):
    """f(x) = V h(u) + bias, h_j(u) = relu(<w_j, u>)^p / (||w_j|| ||u||)^(p-1), u = x - center.

    Initial weights as in the paper: `kaiming_uniform_` on the hidden weights,
    stored (input, hidden), and PyTorch's own for the output layer.
    """

    def __init__(self, center, width, outputs, p):
        super().__init__()
        self.p = int(p) if float(p).is_integer() else p
        self.register_buffer("center", center.reshape(1, -1))
        self.hidden_weights = nn.Parameter(torch.empty(self.center.shape[1], width))
        nn.init.kaiming_uniform_(self.hidden_weights, a=0)
        self.output = nn.Linear(width, outputs)

    def features(self, x):
        """Hidden features of a batch: (n, input) to (n, width)."""
        u = x - self.center
        h = torch.relu(u @ self.hidden_weights)
        if self.p != 1:
            norms = torch.linalg.norm(self.hidden_weights, dim=0)
            h = h**self.p / norms ** (self.p - 1)
            h = h / torch.linalg.norm(u, dim=1, keepdim=True) ** (self.p - 1)
        return h

    def forward(self, x):
        return self.output(self.features(x))

    @classmethod
    def load(cls, path, p):
        """A network from the state dict of the paper's authors, as safetensors."""
        from safetensors.torch import load_file

        tensors = load_file(path)
        weights = tensors["output_net.weight"]
        network = cls(tensors["center"], weights.shape[1], weights.shape[0], p)
        with torch.no_grad():
            network.hidden_weights.copy_(tensors["prelulayer.W"])
            network.output.weight.copy_(weights)
            network.output.bias.copy_(tensors["output_net.bias"])
        return network


def dense_chain(path):
    """The network of an ONNX file that is a chain of Gemm (with transB) and Relu."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    tensors = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    layers = []
    for node in graph.node:
        if node.op_type == "Gemm":
            weight, bias = tensors[node.input[1]], tensors[node.input[2]]
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            with torch.no_grad():
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
            layers.append(layer)
        elif node.op_type == "Relu":
            layers.append(nn.ReLU())
        elif node.op_type != "Flatten":
            raise SystemExit(f"{path}: operator {node.op_type}, expected Gemm, Relu or Flatten")
    return nn.Sequential(*layers)


def mnist(folder, part, labels="category", limit=None):
    """Images (n, 784) as byte/256 and labels (n,); `part` is "train" or "test".

    As in the paper both are cut from the training file: rows 0 to 49999 and
    50000 to 59999; "all" are all of its rows. "published-test" are the images
    of the test file, as byte/255.
    """
    first, last = {
        "train": (0, 50_000), "test": (50_000, 60_000), "all": (0, 60_000),
        "published-test": (0, 10_000),
    }[part]
    rows = slice(first, min(last, first + limit) if limit else last)
    published = part == "published-test"

    def read(name, offset):
        file_name = f"{'t10k' if published else 'train'}-{name}-ubyte.gz"
        with gzip.open(Path(folder) / "mnist" / file_name) as file:
            return numpy.frombuffer(file.read(), numpy.uint8, offset=offset)

    images = read("images-idx3", 16).reshape(-1, 784)[rows]
    digits = read("labels-idx1", 8)[rows].astype(numpy.int64)
    x = torch.from_numpy(images.astype(numpy.float32)).div_(255 if published else 256)
    return x, torch.from_numpy(digits % 2 if labels == "parity" else digits)


def shared_files(folder, job):
    """What our side of a job has left in the folder `--work`, in single precision.

    Hidden weights (width, D), output weights (width,), samples x (n, D) with
    y (n,) of -1 and +1, and the further entries of `JOB.json`.
    """
    from safetensors.torch import load_file

    try:
        files = json.loads((folder / f"{job}.json").read_text())
    except OSError:
        sys.exit(f"error: {folder} has no {job}.json; run our side of the job first")
    tensors = load_file(folder / files["network"])
    hidden, output = tensors["hiddenWeights"], tensors["outputWeights"][0]
    numbers = numpy.fromfile(folder / files["slice"], dtype="<f4")
    rows = torch.from_numpy(numbers).reshape(-1, hidden.shape[1] + 1)
    return hidden, output, rows[:, :-1].contiguous(), rows[:, -1].contiguous(), files


def argument_parser(description):
    """The options that all of these peers take."""
    parser = argparse.ArgumentParser(description=description)
    folder = os.environ.get("POLYRELU_DATA")
    parser.add_argument(
        "--data", default=folder, required=not folder, help="a folder with mnist/ and pretrained/"
    )
    parser.add_argument("--p", type=float, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def shared_parser(description):
    """The options of peers that work on files which our side has left."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--p", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def add_training_options(parser):
    parser.add_argument("--labels", choices=["category", "parity"], default="category")
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=1_000)
    parser.add_argument("--epochs", type=int, default=3, help="how often the work is timed")


def start(arguments, flush_denormal):
    """Threads, seed, and whether denormal numbers become 0; before any other work of torch."""
    # Threads inherit the mode from the one that starts them.
    if flush_denormal and not torch.set_flush_denormal(True):
        sys.exit("error: this processor cannot flush denormal numbers")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)


def new_network(x, arguments):
    outputs = 2 if arguments.labels == "parity" else 10
    return PReLUNetwork(x.mean(0), arguments.width, outputs, arguments.p)


def sliced_batches(x, y, batch_size):
    order = torch.randperm(len(x))
    for first in range(0, len(x), batch_size):
        rows = order[first : first + batch_size]
        yield x[rows], y[rows]


def warm_up(network, optimizer, x, y, steps, batch_size):
    """Steps on the first batches, again from the start where there are too few."""
    for step in range(steps):
        first = step * batch_size % len(x)
        train_step(
            network, optimizer, x[first : first + batch_size], y[first : first + batch_size]
        )


def train_step(network, optimizer, x, y):
    """One step; the logits and the loss before it."""
    logits = network(x)
    loss = nn.functional.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return logits.detach(), loss.detach()


def trained_epoch(step, batches):
    """`step(x, y)` on all batches; the mean loss before each step, and the accuracy."""
    loss_sum, correct, count = torch.zeros(()), torch.zeros((), dtype=torch.long), 0
    for x, y in batches:
        logits, loss = step(x, y)
        loss_sum += loss * len(x)
        correct += (logits.argmax(1) == y).sum()
        count += len(x)
    return loss_sum.item() / count, correct.item() / count


def accuracies_under(attack, network, x, y, batch_size):
    """The share of samples that the network classifies correctly as they are, and also as attacked."""
    clean = robust = 0
    for batch, labels in zip(x.split(batch_size), y.split(batch_size)):
        correct = network(batch).argmax(1) == labels
        adversarial = attack.perturb(batch, labels)
        clean += correct.sum().item()
        robust += (correct & (network(adversarial).argmax(1) == labels)).sum().item()
    return clean / len(x), robust / len(x)


def measured(work):
    """What `work()` returns, wall-clock seconds, and processor seconds with those of ended subprocesses."""

    def processor_time():
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + ended.ru_utime + ended.ru_stime

    begin, processor_begin = time.perf_counter(), processor_time()
    result = work()
    return result, time.perf_counter() - begin, processor_time() - processor_begin


def report(**values):
    """Print one JSON document, with peak memory of this process and torch's version."""
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    values["peakMemoryBytes"] = peak if sys.platform == "darwin" else peak * 1024
    values["torch"] = torch.__version__
    print(json.dumps(values))
