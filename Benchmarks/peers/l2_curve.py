"""Time the l2 attack of the mixture experiment (Section 5.1 (e) of the paper), as the paper's authors run it.

For each of 15 radii 2,000 steps of length 0.1 from the samples themselves,
along the normalised gradient of the mean exponential loss, projected on the
ball. It is measured on a slice of the samples, whose number the time is scaled
with: `seconds` are those for `--samples`, `sliceSeconds` what was measured.
Their normalisation, g / (||g|| + 1e-7) with the gradient g of the mean, makes
steps shorter in larger batches: on the slice their attack is at its best.

Network and slice are those that our side of the job left in `--work`.
Denormal numbers are flushed to zero.

Example:
    python l2_curve.py --work FOLDER --p 3 --threads 2
"""

import argparse
from pathlib import Path

import torch

from common import measured, report, shared_files, start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--p", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=2_000)
    arguments = parser.parse_args()
    start(arguments, flush_denormal=True)
    hidden, output, x, y, _ = shared_files(arguments.work, "l2-curve")
    norms = hidden.norm(dim=1)

    def margins(points):
        features = torch.relu(points @ hidden.T) ** arguments.p / norms ** (arguments.p - 1)
        return y * (features @ output)

    def attack(epsilon):
        delta = torch.zeros_like(x)
        for _ in range(arguments.steps):
            delta.requires_grad_(True)
            loss = torch.exp(-margins(x + delta)).mean()
            (gradient,) = torch.autograd.grad(loss, delta)
            with torch.no_grad():
                delta = delta + 0.1 * gradient / (gradient.norm(dim=1, keepdim=True) + 1e-7)
                size = delta.norm(dim=1, keepdim=True)
                delta = delta * torch.clamp(epsilon / size.clamp(min=1e-12), max=1)
        with torch.no_grad():
            return (margins(x + delta) > 0).double().mean().item()

    radii = [1.5 * i / 14 for i in range(15)]
    curve, seconds, processor_seconds = measured(lambda: [attack(r) for r in radii])
    scale = arguments.samples / len(x)
    report(
        job="l2-curve",
        p=arguments.p,
        threads=arguments.threads,
        seconds=seconds * scale,
        processorSeconds=processor_seconds * scale,
        sliceSeconds=seconds,
        slice=len(x),
        samples=arguments.samples,
        curve=curve,
        **{f"at {radius:.3f}": accuracy for radius, accuracy in zip(radii, curve)},
    )


if __name__ == "__main__":
    main()
