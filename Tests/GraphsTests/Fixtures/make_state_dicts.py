#!/usr/bin/env python3
"""State dicts of plain networks as people save them, with inputs and the logits of PyTorch.

    pip install torch numpy safetensors
    python make_state_dicts.py FOLDER
"""

import argparse
import sys
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

folder = sys.argv[1]
torch.manual_seed(1)
arrays = {}


def record(name, model, *shape):
    inputs = torch.randn(5, *shape)
    arrays[name + ".inputs"] = inputs.reshape(5, -1).numpy()
    arrays[name + ".logits"] = model(inputs).detach().reshape(5, -1).numpy()


def plain(*widths, activation=nn.ReLU):
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


def prefixed(state, prefix):
    return OrderedDict((prefix + key, value) for key, value in state.items())


# A state dict and nothing else.
model = plain(6, 8, 5, 3)
record("mlp", model, 6)
torch.save(model.state_dict(), f"{folder}/mlp.pt")

# A checkpoint of a training loop: the state of an optimiser and objects of all kinds beside the weights.
optimizer = torch.optim.Adam(model.parameters())
model(torch.randn(4, 6)).sum().backward()
optimizer.step()
record("checkpoint", model, 6)
torch.save({
    "epoch": 3, "args": argparse.Namespace(lr=0.1, layers=[8, 5]), "best": np.float64(0.9),
    "counts": np.arange(3), "shape": torch.Size([3, 4]), "tags": {"a", "b"}, "blob": b"\x00\x01",
    "device": torch.device("cpu"), "dtype": torch.float32, "history": [(0, 1.5), (1, 1.2)],
    "optimizer": optimizer.state_dict(), "model_state_dict": prefixed(model.state_dict(), "module."),
}, f"{folder}/checkpoint.pth")

# Under a name of one's own, with the prefixes of two wrappers.
torch.save({"step": 7, "teacher": prefixed(model.state_dict(), "_orig_mod.net.")}, f"{folder}/wrapped.pt")


# Names whose order is not that of the alphabet.
class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.middle, self.classifier = nn.Linear(6, 4), nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x):
        return self.classifier(torch.tanh(self.middle(torch.tanh(self.stem(x)))))


model = Named()
record("named", model, 6)
torch.save(model.state_dict(), f"{folder}/named.pt")
np.savez(f"{folder}/named.npz", **{key: value.numpy() for key, value in model.state_dict().items()})

# Twelve layers of one size: safetensors sorts its names, 10 before 2.
model = plain(*[4] * 12, 2)
record("many", model, 4)
save_file(model.state_dict(), f"{folder}/many.safetensors")

# Convolutions without a border and with one.
for name, padding in [("valid", 0), ("same", 1)]:
    size = (8 - 4 * (1 - padding)) ** 2
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=padding), nn.ReLU(),
                          nn.Conv2d(4, 3, 3, padding=padding, bias=False), nn.ReLU(), nn.Flatten(),
                          nn.Linear(3 * size, 5), nn.ReLU(), nn.Linear(5, 3))
    record(name, model, 2, 8, 8)
    torch.save(model.state_dict(), f"{folder}/{name}.pt")

# With pooling, which a state dict does not say, and with a normalisation.
model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
torch.save(model.state_dict(), f"{folder}/pooled.pt")
model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
torch.save(model.state_dict(), f"{folder}/normalized.pt")


# Two layers of pReLU neurons of degree 3.
def prelu(x, weights, p):
    norms = weights.norm(dim=1)
    return torch.relu(x @ weights.T) ** p / norms ** (p - 1)


weights = [torch.randn(7, 4), torch.randn(6, 7), torch.randn(2, 6)]
record("powers", lambda x: prelu(prelu(x, weights[0], 3), weights[1], 3) @ weights[2].T, 4)
torch.save(OrderedDict((f"layers.{i}.weight", w) for i, w in enumerate(weights)), f"{folder}/powers.pt")
np.savez(f"{folder}/plain.npz", **arrays)
