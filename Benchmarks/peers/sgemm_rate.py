"""Measure the single-precision matrix product rate that PyTorch reaches here.

The yardstick beside every other timing: an epoch of the mixture experiment is
little more than its three matrix products, so `seconds * rate / flops` says how
much of the machine a program uses. The default shapes are those three products
of a training step (batch 100, dimension 1,000, width 2,000) and one large
square product.

Prints one JSON document on standard output: for each shape (m, n, k) the
fastest and the median GFLOP/s over the repetitions.
"""

import argparse
import json
import re
import statistics
import time

import torch


def rate(m, n, k, transposed, seconds):
    """GFLOP/s, fastest and median, of (m, k) times (k, n) repeated for `seconds`.

    `transposed` names the operand stored transposed: "left", "right" or "none".
    """
    left = torch.randn(k, m).T if transposed == "left" else torch.randn(m, k)
    right = torch.randn(n, k).T if transposed == "right" else torch.randn(k, n)
    out = torch.empty(m, n)
    flops = 2.0 * m * n * k
    for _ in range(3):
        torch.mm(left, right, out=out)
    samples = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(samples) < 3:
        start = time.perf_counter()
        torch.mm(left, right, out=out)
        samples.append(time.perf_counter() - start)
    return {
        "m": m,
        "n": n,
        "k": k,
        "transposed": transposed,
        "fastestGigaflops": flops / min(samples) / 1e9,
        "medianGigaflops": flops / statistics.median(samples) / 1e9,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each shape")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--dimension", type=int, default=1_000)
    parser.add_argument("--width", type=int, default=2_000)
    parser.add_argument("--square", type=int, default=2_048)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)

    batch, dimension, width = arguments.batch_size, arguments.dimension, arguments.width
    products = {
        "forward": rate(batch, width, dimension, "right", arguments.seconds),
        "weightGradient": rate(width, dimension, batch, "left", arguments.seconds),
        "inputGradient": rate(batch, dimension, width, "none", arguments.seconds),
        "square": rate(*[arguments.square] * 3, "none", arguments.seconds),
    }
    # PyTorch's own description of its build names the library behind `torch.mm`.
    build = torch.__config__.show()
    blas = re.search(r"BLAS_INFO=(\w+)", build)
    libraries = re.findall(r"oneAPI Math.*?Version [\d.]+|MKL-DNN v[\d.]+|OpenBLAS\S*", build)
    print(
        json.dumps(
            {
                "job": "sgemm-rate",
                "threads": arguments.threads,
                "products": products,
                "torch": torch.__version__,
                "cpuCapability": torch.backends.cpu.get_cpu_capability(),
                "blas": blas.group(1) if blas else "unknown",
                "libraries": libraries,
            }
        )
    )


if __name__ == "__main__":
    main()
