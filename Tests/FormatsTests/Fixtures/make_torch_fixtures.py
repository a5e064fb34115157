"""Writes the PyTorch fixtures of FormatsTests, with torch itself where torch would write such a file.

Run in this folder: python3 make_torch_fixtures.py
good-*.pt hold tensors that TorchArchiveTests lists; bad-*.pt must be refused.
"""

import io
import struct
import zipfile
from collections import OrderedDict

import torch

base = torch.arange(6, dtype=torch.float32).reshape(2, 3)
state = OrderedDict(
    contiguous=base,
    transposed=base.t(),
    view=base[:, 1:],
    step=torch.arange(10, dtype=torch.float32)[1::3],
    scalar=torch.tensor(2.5),
    empty=torch.zeros(0, 3),
    half=base.half(),
    bfloat16=base.bfloat16(),
    float64=base.double() / 3,
    parameter=torch.nn.Parameter(base + 1),
    int64=torch.tensor([2**40, -1]),
    int32=torch.tensor([7, -7], dtype=torch.int32),
    int16=torch.tensor([7, -7], dtype=torch.int16),
    int8=torch.tensor([7, -7], dtype=torch.int8),
    uint8=torch.tensor([7, 255], dtype=torch.uint8),
    bool=torch.tensor([True, False]),
)
for protocol in [2, 3, 4, 5]:
    torch.save(state, f"good-protocol{protocol}.pt", pickle_protocol=protocol)

linear = torch.nn.Linear(2, 1)
with torch.no_grad():
    linear.weight.copy_(torch.tensor([[1.0, 2.0]]))
    linear.bias.copy_(torch.tensor([3.0]))
adam = torch.optim.Adam(linear.parameters())
linear(torch.ones(1, 2)).sum().backward()
torch.save(linear.state_dict(), "good-module.pt")
for key in ["state_dict", "model_state_dict"]:
    torch.save(
        {
            "epoch": 3,
            "rate": 0.1,
            "large": 2**70,
            "negative": -(2**40),
            "name": "run",
            "list": [1, (2, None, True)],
            key: linear.state_dict(),
            "optimizer": adam.state_dict(),
        },
        f"good-{key}.pt",
    )

torch.save(linear.state_dict(), "bad-legacy.pt", _use_new_zipfile_serialization=False)
torch.save(linear, "bad-module.pt")
torch.save([base], "bad-list.pt")


def archive(name, pickle, storages, byteorder=b"little"):
    """A zip archive as torch lays it out, around a pickle written by hand."""
    with zipfile.ZipFile(name, "w") as file:
        for entry, content in [("data.pkl", pickle), ("byteorder", byteorder)] + [
            (f"data/{key}", content) for key, content in storages.items()
        ]:
            file.writestr(zipfile.ZipInfo(f"m/{entry}"), content)


def text(value):
    value = value.encode()
    return b"X" + struct.pack("<I", len(value)) + value


def integer(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


def tensor(shape, strides, offset=0, count=6, kind=b"FloatStorage", key="0"):
    storage = tuple_of(
        text("storage"), b"ctorch\n" + kind + b"\n", text(key), text("cpu"), integer(count)
    )
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + b"Q"
        + integer(offset)
        + tuple_of(*map(integer, shape))
        + tuple_of(*map(integer, strides))
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def state_dict(**tensors):
    return b"\x80\x02}(" + b"".join(text(k) + v for k, v in tensors.items()) + b"u."


numbers = struct.pack("<6f", *range(6))
swapped = struct.pack(">6f", *range(6))
archive("good-big-endian.pt", state_dict(w=tensor((2, 3), (3, 1))), {"0": swapped}, b"big")

archive("bad-global.pt", b"\x80\x02cos\nsystem\n" + text("true") + b"\x85R.", {})
archive("bad-global-stack.pt", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", {})
archive("bad-new-object.pt", b"\x80\x02ccollections\nOrderedDict\n)\x81.", {})
archive("bad-protocol0.pt", b"(dp0\n.", {})
archive("bad-empty-stack.pt", b"\x80\x02.", {})
archive("bad-call.pt", b"\x80\x02K\x01)R.", {})
archive("bad-state.pt", b"\x80\x02}}" + text("__class__") + b"Nsb.", {})
archive("bad-stride.pt", state_dict(w=tensor((2, 3), (3, -1))), {"0": numbers})
archive("bad-offset.pt", state_dict(w=tensor((2, 3), (3, 1), -1)), {"0": numbers})
archive("bad-extent.pt", state_dict(w=tensor((-2, 3), (3, 1))), {"0": numbers})
archive("bad-view.pt", state_dict(w=tensor((2, 3), (4, 1))), {"0": numbers})
archive("bad-overflow.pt", state_dict(w=tensor((2, 2), (2**62, 2**62))), {"0": numbers})
archive("bad-shape.pt", state_dict(w=tensor((2**40, 2**40), (0, 0))), {"0": numbers})
archive("bad-expanded.pt", state_dict(w=tensor((2**20, 2**20), (0, 0))), {"0": numbers})
archive("bad-count.pt", state_dict(w=tensor((2, 3), (3, 1), count=2**62)), {"0": numbers})
archive("bad-negative-count.pt", state_dict(w=tensor((2, 3), (3, 1), count=-6)), {"0": numbers})
archive("bad-short.pt", state_dict(w=tensor((2, 3), (3, 1))), {"0": numbers[:20]})
archive("bad-missing.pt", state_dict(w=tensor((2, 3), (3, 1), key="../0")), {"0": numbers})
archive("bad-complex.pt", state_dict(w=tensor((3,), (1,), 0, 3, b"ComplexFloatStorage")), {})
archive("bad-byteorder.pt", state_dict(w=tensor((2, 3), (3, 1))), {"0": numbers}, b"pdp")
archive("bad-memo.pt", b"\x80\x02Nr\xff\xff\xff\xff.", {})
archive("bad-memo-unset.pt", b"\x80\x02h\x07.", {})
archive("bad-length.pt", b"\x80\x04\x8d" + b"\xff" * 8 + b".", {})


def deflated(name, pickle):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.writestr(zipfile.ZipInfo("m/data.pkl"), pickle, zipfile.ZIP_DEFLATED, 9)


# Nested a million deep; a list that holds itself; every value pushed twice as often as the last.
deflated("bad-depth.pt", b"\x80\x02)" + b"\x85" * 1_000_000 + b".")
deflated("bad-cycle.pt", b"\x80\x02]q\x00h\x00a.")
deflated("bad-marks.pt", b"\x80\x02" + b"(" * 3_000_000 + b".")
deflated("bad-values.pt", b"\x80\x02]q\x00(" + b"h\x00" * 2_000_000 + b"e.")
deflated(
    "bad-doubling.pt", b"\x80\x02]q\x00" + b"".join(
        b"]q" + bytes([i]) + b"(h" + bytes([i - 1]) + b"h" + bytes([i - 1]) + b"e0h" + bytes([i])
        for i in range(1, 100)) + b"."
)
whole = open("good-module.pt", "rb").read()
open("bad-truncated.pt", "wb").write(whole[: len(whole) // 2])
open("bad-text.pt", "wb").write(b"not a model\n")
