"""Two PyTorch modules trained on MNIST, which jobs on modules attack."""

import os
from pathlib import Path

import torch
from torch import nn

from common import mnist, sliced_batches, train_step

MODELS = ("cnn", "mlp")


def new_module(name):
    """A network for (n, 1, 28, 28): two convolutions and two dense layers, or three dense layers."""
    if name == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10),
        )
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )


def trained_module(name, data, work, epochs=4):
    """The module, trained from a fixed seed, or as an earlier call has left it in the folder `work`."""
    module = new_module(name)
    path = Path(work) / f"{name}.pt"
    if not path.exists():
        torch.manual_seed(0)
        module = new_module(name)
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
        x, y = mnist(data, "all")
        x = (x * (256 / 255)).reshape(-1, 1, 28, 28)
        for _ in range(epochs):
            for batch, labels in sliced_batches(x, y, 128):
                train_step(module, optimizer, batch, labels)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        torch.save(module.state_dict(), partial)
        partial.replace(path)
    module.load_state_dict(torch.load(path, weights_only=True))
    return module.eval().requires_grad_(False)


def test_images(data, samples):
    """The first images of the test file, (n, 1, 28, 28) in [0, 1], and their labels."""
    x, y = mnist(data, "published-test", limit=samples)
    return x.reshape(-1, 1, 28, 28), y
