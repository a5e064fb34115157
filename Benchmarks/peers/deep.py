"""What the peers on CIFAR-10 share: networks of pReLU layers, and the images."""

import gzip
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

MEANS, DEVIATIONS = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)


class PReLUConvolution(nn.Conv2d):
    """relu(<w, patch>)^p / ||w||^(p-1) for every patch and filter; 3 x 3 pixels, padding 1."""

    def __init__(self, channels, filters, stride, p):
        super().__init__(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.p = p
        nn.init.kaiming_uniform_(self.weight, a=0)

    def forward(self, x):
        h = torch.relu(super().forward(x))
        if self.p == 1:
            return h
        norms = self.weight.flatten(1).norm(dim=1)
        return h**self.p / (norms ** (self.p - 1))[:, None, None]


class PReLULinear(nn.Linear):
    """relu(<w, x>)^p / ||w||^(p-1)."""

    def __init__(self, inputs, units, p):
        super().__init__(inputs, units, bias=False)
        self.p = p
        nn.init.kaiming_uniform_(self.weight, a=0)

    def forward(self, x):
        h = torch.relu(super().forward(x))
        return h if self.p == 1 else h**self.p / self.weight.norm(dim=1) ** (self.p - 1)


class Standardization(nn.Module):
    """(x - mean) / deviation in every channel."""

    def __init__(self):
        super().__init__()
        self.register_buffer("means", torch.tensor(MEANS)[:, None, None])
        self.register_buffer("deviations", torch.tensor(DEVIATIONS)[:, None, None])

    def forward(self, x):
        return (x - self.means) / self.deviations


def network(architecture, p):
    """Images (n, 3, 32, 32) to logits (n, 10)."""
    p = int(p) if float(p).is_integer() else p
    layers = [Standardization()]
    if architecture == "convolution":
        channels = 3
        for filters, stride in (32, 1), (64, 2), (128, 2):
            # One group: mean and variance of a whole sample.
            layers += [PReLUConvolution(channels, filters, stride, p), nn.GroupNorm(1, filters)]
            channels = filters
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    else:
        layers.append(nn.Flatten())
        values = 3 * 32 * 32
        for _ in range(2):
            layers += [PReLULinear(values, 512, p), nn.LayerNorm(512)]
            values = 512
        layers.append(nn.Linear(values, 10))
    return nn.Sequential(*layers)


def load(path, architecture, p):
    """The network that our side has left."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    result = network(architecture, p)
    # Ours have no layer of their own that makes a vector of an image.
    layers = [layer for layer in result if not isinstance(layer, nn.Flatten)]
    with torch.no_grad():
        for number, layer in enumerate(layers):
            tensor = lambda name: tensors[f"layers.{number}.{name}"]
            if isinstance(layer, PReLUConvolution):
                shape = layer.weight.permute(0, 2, 3, 1).shape
                layer.weight.copy_(tensor("weights").reshape(shape).permute(0, 3, 1, 2))
            elif isinstance(layer, PReLULinear) and layer.in_features == 3 * 32 * 32:
                weights = tensor("weights").reshape(-1, 32, 32, 3)
                layer.weight.copy_(weights.permute(0, 3, 1, 2).flatten(1))
            elif isinstance(layer, PReLULinear):
                layer.weight.copy_(tensor("weights"))
            elif isinstance(layer, (nn.GroupNorm, nn.LayerNorm)):
                layer.weight.copy_(tensor("gain")[0])
                layer.bias.copy_(tensor("shift")[0])
            elif isinstance(layer, nn.Linear):
                layer.weight.copy_(tensor("weights"))
                layer.bias.copy_(tensor("bias")[0])
    return result


def cifar10(folder, part, limit):
    """Images (n, 3, 32, 32) in [0, 1] and labels (n,): batches 1 to 4, or "validation", the first of 5."""
    images, labels, count = [], [], 0
    for number in {"train": [1, 2, 3, 4], "validation": [5]}[part]:
        if count >= limit:
            break
        with gzip.open(Path(folder) / "cifar10" / f"data_batch_{number}.bin.gz") as file:
            records = numpy.frombuffer(file.read(), numpy.uint8).reshape(-1, 3073)[: limit - count]
        labels.append(records[:, 0])
        images.append(records[:, 1:])
        count += len(records)
    x = torch.from_numpy(numpy.concatenate(images).reshape(-1, 3, 32, 32)).float().div_(255)
    return x, torch.from_numpy(numpy.concatenate(labels).astype(numpy.int64))


def cropped_and_flipped(x):
    """A window of a frame of 4 zeros, mirrored with probability 1/2; all images at once."""
    count, channels, side, _ = x.shape
    padded = functional.pad(x, (4, 4, 4, 4))
    down, right = torch.randint(0, 9, (2, count, 1))
    rows = down + torch.arange(side)
    columns = right + torch.arange(side)
    columns = torch.where(torch.rand(count, 1) < 0.5, columns, columns.flip(1))
    return padded[
        torch.arange(count)[:, None, None, None], torch.arange(channels)[:, None, None],
        rows[:, None, :, None], columns[:, None, None, :],
    ]
