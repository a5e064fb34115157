"""Writes models as other programs store them, for ForeignFileTests, with torch, numpy, safetensors and ml_dtypes.

Run in this folder: python3 make_foreign_fixtures.py
All hold the network of state.pt, which make_model_fixtures.py writes. foreign-*.pt and *.npz and *.safetensors can be
read; refused-* say why not.
"""

import argparse
import collections
import datetime
import os
import pathlib

import ml_dtypes
import numpy as np
import torch
from safetensors.torch import save_file

state = torch.load("state.pt")


def behind(prefix):
    return collections.OrderedDict((prefix + name, tensor) for name, tensor in state.items())


class Runs:
    """An object whose unpickling would run a command."""

    def __reduce__(self):
        return os.system, ("touch ran-code-of-a-file",)


class Meter:
    """An object of a class of the training script."""

    def __init__(self):
        self.sum, self.history = 1.5, [torch.zeros(2), {"a": {1, 2}}]


class Slots:
    __slots__ = ("x",)

    def __init__(self):
        self.x = 3


network = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(network.parameters())
network(torch.ones(1, 2)).sum().backward()
optimizer.step()
beside = {
    "epoch": 3,
    "args": argparse.Namespace(lr=0.1, device=torch.device("cpu"), dims=[1, 2]),
    "best": np.float64(0.25),
    "curve": np.arange(3, dtype=np.float32),
    "size": torch.Size([4, 5]),
    "classes": {"cat", "dog"},
    "frozen": frozenset([1]),
    "hash": b"\x00\x01bytes",
    "array": bytearray(b"12"),
    "dtype": torch.float16,
    "time": datetime.datetime(2024, 1, 2),
    "path": pathlib.PurePosixPath("/data"),
    "counts": collections.Counter("aab"),
    "default": collections.defaultdict(list, {"a": [1]}),
    "complex": 1 + 2j,
    "meter": Meter(),
    "slots": Slots(),
    "command": Runs(),
    "rng": torch.arange(8, dtype=torch.uint8),
    "sparse": torch.eye(2).to_sparse(),
    "optimizer": optimizer.state_dict(),
}
for protocol in [2, 4, 5]:
    torch.save({**beside, "net": state}, f"foreign-beside-{protocol}.pt", pickle_protocol=protocol)
torch.save(behind("module."), "foreign-module.pt")
torch.save({"model": behind("_orig_mod.module."), "epoch": 1}, "foreign-model.pt")
torch.save({"ema": state, "model": state, "step": torch.tensor(7)}, "foreign-ema.pt")
torch.save({"anything": {"inside": behind("model.")}}, "foreign-nested.pt")
save_file({**behind("_orig_mod.")}, "foreign-compiled.safetensors")
save_file(
    {**state, "cache": torch.ones(2, 3).to(torch.float8_e4m3fn)}, "foreign-float8.safetensors"
)
# numpy would append .npz to a name.
with open("foreign-net.NPZ", "wb") as file:
    np.savez(file, **{name: tensor.numpy() for name, tensor in behind("net.").items()})

torch.save({"first": state, "second": dict(state)}, "refused-two.pt")
copies = {name: tensor.clone() for name, tensor in behind("b.").items()}
save_file({**behind("a."), **copies}, "refused-two.safetensors")
torch.save({**state, "prelulayer.W": state["prelulayer.W"].to_sparse()}, "refused-sparse.pt")
save_file(
    {**state, "output_net.bias": state["output_net.bias"].to(torch.float8_e5m2)},
    "refused-float8.safetensors",
)
np.savez(
    "refused-bfloat16.npz",
    **{name: tensor.numpy().astype(ml_dtypes.bfloat16) for name, tensor in state.items()},
)
