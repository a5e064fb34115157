"""Time one epoch of the mixture experiment (Section 5.1 of the paper) in PyTorch.

The peer of the Swift trainer: the same network, data, loss, batch size and
number of steps, written the way a competent researcher writes PyTorch.

    f(x) = sum_j v_j relu(<w_j, x>)^p / ||w_j||^(p-1)

trained on an orthonormal Gaussian mixture with the exponential loss and plain
SGD. An epoch visits every sample once, in a fresh random order.

By default batches are slices of a permuted index; with `--flush-denormal` this
is the tuned variant. `--loader` goes through `torch.utils.data.DataLoader` over
a `TensorDataset`, which collates sample by sample, as most published scripts do.

With `--run-epochs N` it stands for a training run of N epochs: `seconds` are
those of the fastest epoch, N times, and `comparedLoss` is the loss of the last
epoch that was run.

Prints one JSON document on standard output:

    job, p, threads, seconds (fastest epoch), medianSecondsPerEpoch,
    epochSeconds (all of them), processorSeconds (of the epoch that took
    least), peakMemoryBytes, torch, finalLoss, ...

Example:
    python sgd_epoch.py --p 3 --threads 1 --epochs 3
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PReLUNetwork(nn.Module):
    """One hidden pReLU layer and one output; no bias, no input normalisation."""

    def __init__(self, dimension, width, p, init_scale):
        super().__init__()
        self.p = int(p) if float(p).is_integer() else p
        self.hidden_weights = nn.Parameter(init_scale * torch.randn(width, dimension))
        self.output_weights = nn.Parameter(init_scale * torch.randn(width))

    def forward(self, x):
        """Margins of a batch. x is (batch, dimension); the result is (batch,)."""
        features = torch.relu(x @ self.hidden_weights.T)  # (batch, width)
        if self.p != 1:
            norms = self.hidden_weights.norm(dim=1)  # (width,)
            features = features**self.p / norms ** (self.p - 1)
        return features @ self.output_weights


def mixture(samples, dimension, alpha, subclasses=10, positive=6):
    """Orthonormal mixture whose centre k is basis vector k.

    Returns x (samples, dimension) and labels -1/+1 (samples,).
    """
    subclass = torch.randint(subclasses, (samples,))
    x = torch.randn(samples, dimension).mul_(alpha / dimension**0.5)
    x[torch.arange(samples), subclass] += 1
    y = torch.where(subclass < positive, 1.0, -1.0)
    return x, y


def sliced_batches(x, y, batch_size):
    order = torch.randperm(len(x))
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield x[rows], y[rows]


def train_step(network, optimizer, x, y):
    optimizer.zero_grad()
    loss = torch.exp(-y * network(x)).mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--p", type=float, default=3)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=1_000)
    parser.add_argument("--width", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=0.2)
    parser.add_argument("--init-scale", type=float, default=1e-7)
    parser.add_argument("--alpha", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--run-epochs", type=int, default=1, help="epochs to scale times to")
    parser.add_argument("--warm-up-steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--loader", action="store_true", help="batches from a DataLoader")
    parser.add_argument("--flush-denormal", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.flush_denormal and not torch.set_flush_denormal(True):
        sys.exit("error: --flush-denormal: not supported by this processor")
    torch.manual_seed(arguments.seed)

    x, y = mixture(arguments.samples, arguments.dimension, arguments.alpha)
    network = PReLUNetwork(
        arguments.dimension, arguments.width, arguments.p, arguments.init_scale
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=arguments.learning_rate)

    if arguments.loader:
        loader = DataLoader(
            TensorDataset(x, y), batch_size=arguments.batch_size, shuffle=True
        )
        batches = lambda: iter(loader)
    else:
        batches = lambda: sliced_batches(x, y, arguments.batch_size)

    for step, (batch_x, batch_y) in enumerate(batches()):
        if step == arguments.warm_up_steps:
            break
        train_step(network, optimizer, batch_x, batch_y)

    epoch_seconds = []
    processor_seconds = []
    for _ in range(arguments.epochs):
        start, processor_start = time.perf_counter(), time.process_time()
        total = torch.zeros(())
        steps = 0
        for batch_x, batch_y in batches():
            total += train_step(network, optimizer, batch_x, batch_y)
            steps += 1
        epoch_seconds.append(time.perf_counter() - start)
        processor_seconds.append(time.process_time() - processor_start)

    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "job": "sgd-epoch" + ("-loader" if arguments.loader else ""),
                "p": arguments.p,
                "threads": arguments.threads,
                "seconds": min(epoch_seconds) * arguments.run_epochs,
                "medianSecondsPerEpoch": statistics.median(epoch_seconds),
                "epochSeconds": epoch_seconds,
                "processorSeconds": min(processor_seconds) * arguments.run_epochs,
                "stepsPerEpoch": steps,
                "samples": arguments.samples,
                "dimension": arguments.dimension,
                "width": arguments.width,
                "batchSize": arguments.batch_size,
                "flushDenormal": arguments.flush_denormal,
                "peakMemoryBytes": peak if sys.platform == "darwin" else peak * 1024,
                "torch": torch.__version__,
                "comparedLoss" if arguments.run_epochs > 1 else "finalLoss": float(total / steps),
            }
        )
    )


if __name__ == "__main__":
    main()
