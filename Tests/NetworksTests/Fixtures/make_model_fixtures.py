"""Writes the fixtures of ModelFileTests with torch, and what onnxruntime makes of the golden ONNX file.

Run in this folder: python3 make_model_fixtures.py
Needs torch, safetensors, numpy and onnxruntime. golden-p3.onnx itself is written by PolyReLU, with
    polyrelu model convert golden-p3.npz golden-p3.onnx
after which the script is run again to evaluate it with onnxruntime.
"""

import os
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file

generator = torch.Generator().manual_seed(7)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


# 4 inputs, 5 hidden neurons, 3 outputs.
state = OrderedDict(
    [
        ("center", normal(4)),
        ("prelulayer.W", normal(4, 5)),
        ("output_net.weight", normal(3, 5)),
        ("output_net.bias", normal(3)),
    ]
)
torch.save(state, "state.pt")
save_file(dict(state), "state.safetensors", metadata={"format": "pt"})
arrays = {name: tensor.numpy() for name, tensor in state.items()}
np.savez("state.npz", **arrays)
np.savez("state-with-p.npz", p=3.0, normalizeInput=True, **arrays)


def save(name, **changes):
    changed = dict(state)
    for key, value in changes.items():
        changed[key.replace("__", ".")] = value
    torch.save(OrderedDict((k, v) for k, v in changed.items() if v is not None), name)


W, V = state["prelulayer.W"], state["output_net.weight"]
save("strided.pt", prelulayer__W=W.t().contiguous().t())
save("bad-transposed-hidden.pt", prelulayer__W=W.t())
save("bad-transposed-output.pt", output_net__weight=V.t())
save("bad-center.pt", center=normal(6))
# The authors' own files hold the center as a row.
save("row-center.pt", center=state["center"].reshape(1, 4))
save("bad-bias.pt", output_net__bias=normal(4))
save("bad-widths.pt", output_net__weight=normal(3, 9))
save("bad-axes.pt", center=normal(2, 4))
save("bad-integers.pt", prelulayer__W=(10 * W).long())
save("bad-nan.pt", output_net__weight=V / 0 - V / 0)
save("bad-missing.pt", prelulayer__W=None)

np.savez(
    "golden-p3.npz",
    p=3.0,
    normalizeInput=True,
    hiddenWeights=np.array(
        [[1, 0.5, -0.25], [0, 0, 0], [-0.5, 1, 0.75], [0.25, 0.25, 0.5]], np.float32
    ),
    outputWeights=np.array([[1, 2, -0.5, 0.25], [-1, 0.5, 0.75, 1.5]], np.float32),
    outputBias=np.array([0.125, -0.5], np.float32),
    center=np.array([0.5, -0.25, 2], np.float32),
)
if os.path.exists("golden-p3.onnx"):
    import onnxruntime

    inputs = np.concatenate([normal(6, 3).numpy(), np.array([[0.5, -0.25, 2.0]], np.float32)])
    session = onnxruntime.InferenceSession("golden-p3.onnx", providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"input": inputs.astype(np.float32)})[0]
    np.savez("golden-p3-onnxruntime.npz", inputs=inputs.astype(np.float32), logits=logits)
