"""Losses of 200 Adam steps on MNIST parity in PyTorch, for the trainer's tests.

The network is that of Section 5.2.1 of Min and Vidal (ICML 2024): width 500, two logits, centred and
normalised input, output bias, Adam 1e-3, batch 1000, cross-entropy. Initial weights and batches come from
formulas that the Swift test repeats, so that the fixture holds nothing but losses:

- weight k of a tensor is bound * (2 u - 1), u = (splitmix64(seed + k) >> 11) / 2^53, as float32,
  with seeds 1 (hidden, stored (input, hidden)), 2 (output), 3 (bias);
- sample i of batch b is row ((1000 b + i) * 7919) mod 50000 of the training images.

Usage: python make_mnist_adam_fixture.py MNIST_FOLDER > mnist-adam.json
"""

import gzip
import json
import sys

import numpy as np
import torch

STEPS, BATCH, TRAIN, WIDTH = 200, 1000, 50_000, 500


def splitmix64(x):
    z = (x + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(shape, bound, seed):
    count = int(np.prod(shape))
    keys = np.uint64(seed << 32) + np.arange(count, dtype=np.uint64)
    u = (splitmix64(keys) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return torch.tensor((bound * (2 * u - 1)).astype(np.float32).reshape(shape))


def images(folder):
    with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(f"{folder}/train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    x = torch.tensor(pixels[:TRAIN].astype(np.float32) / 256)
    return x, torch.tensor(labels[:TRAIN].astype(np.int64) % 2)


def run(p, x, y):
    center = x.double().mean(0).float()
    w = uniform((784, WIDTH), (6 / WIDTH) ** 0.5, 1).requires_grad_()
    v = uniform((2, WIDTH), WIDTH**-0.5, 2).requires_grad_()
    b = uniform((2,), WIDTH**-0.5, 3).requires_grad_()
    optimizer = torch.optim.Adam([w, v, b], lr=1e-3)
    losses = []
    for step in range(STEPS):
        rows = (torch.arange(BATCH) + step * BATCH) * 7919 % TRAIN
        inputs = x[rows] - center
        features = torch.relu(inputs @ w)
        if p > 1:
            scale = w.norm(dim=0) ** (p - 1) * inputs.norm(dim=1, keepdim=True) ** (p - 1)
            features = features**p / scale
        loss = torch.nn.functional.cross_entropy(features @ v.T + b, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    x, y = images(sys.argv[1])
    json.dump({f"p{p}": run(p, x, y) for p in (1, 3)}, sys.stdout, indent=1)
    print()
