"""Writes the fixtures of FormatsTests with numpy itself.

Run in this folder: python3 make_fixtures.py
Every numeric array of the .npz files is 0..5 in shape (2, 3); bool is the parity of it.
"""

import gzip
import json
import struct

import numpy as np
from numpy.lib import format as npy

TYPES = ["f2", "f4", "f8", "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def arrays(order, layout):
    result = {}
    for code in TYPES:
        values = np.arange(6).reshape(2, 3)
        values = (values % 2 == 1) if code == "b1" else values
        result[code] = np.array(values, dtype=np.dtype(order + code), order=layout)
    return result


for name, order in [("little", "<"), ("big", ">")]:
    for layout in "CF":
        np.savez(f"{name}-{layout}.npz", **arrays(order, layout))
        np.savez_compressed(f"{name}-{layout}-compressed.npz", **arrays(order, layout))

np.save("scalar.npy", np.float64(2.5))
np.save("vector.npy", np.array([-1.5, 0, 3e38], dtype=np.float32))
np.save("empty.npy", np.zeros((0, 4), dtype=np.float32))
np.save("fortran3.npy", np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)))
np.save("extremes.npy", np.array([-(2**63), 2**63 - 1], dtype=np.int64))
np.save("too-large.npy", np.array([1, 2**63], dtype=np.uint64))
np.save("complex.npy", np.zeros(2, dtype=np.complex64))
np.save("structured.npy", np.zeros(2, dtype=[("a", "<i4"), ("b", "<f4")]))
np.save("object.npy", np.array([None, {}], dtype=object), allow_pickle=True)
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(f"version{version[0]}.npy", "wb") as file:
        npy.write_array(file, np.arange(4, dtype=np.float32), version=version)

# The published layout of safetensors, written by hand: U8 and BF16 have no numpy counterpart of
# the same name, and the point is to be independent of our own writer.
header = {
    "__metadata__": {"format": "pt", "note": "caf\u00e9 \"quoted\" \U0001d11e"},
    "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    "half": {"dtype": "F16", "shape": [2], "data_offsets": [16, 20]},
    "brain": {"dtype": "BF16", "shape": [2], "data_offsets": [20, 24]},
    "bytes": {"dtype": "U8", "shape": [3], "data_offsets": [24, 27]},
    "signed": {"dtype": "I8", "shape": [1], "data_offsets": [27, 28]},
    "flags": {"dtype": "BOOL", "shape": [2], "data_offsets": [28, 30]},
    "double": {"dtype": "F64", "shape": [], "data_offsets": [30, 38]},
    "none": {"dtype": "I32", "shape": [0, 7], "data_offsets": [38, 38]},
    "long": {"dtype": "I64", "shape": [1], "data_offsets": [38, 46]},
}
payload = np.array([1, -2, 3.5, 0.25], "<f4").tobytes() + np.array([0.5, -2], "<f2").tobytes()
payload += struct.pack("<HH", 0x3F80, 0xC040)  # 1 and -3 in bfloat16
payload += bytes([0, 128, 255]) + struct.pack("<b", -7) + bytes([1, 0])
payload += struct.pack("<d", 1e300) + struct.pack("<q", -(2**40))
text = json.dumps(header).encode()
with open("mixed.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + payload)

idx = bytes([0, 0, 8, 3]) + struct.pack(">III", 2, 2, 3) + bytes(range(244, 256))
with open("bytes.idx", "wb") as file:
    file.write(idx)
with open("bytes.idx.gz", "wb") as file:
    file.write(gzip.compress(idx, mtime=0))
for name, code, kind in [("i1", 9, ">i1"), ("i2", 11, ">i2"), ("i4", 12, ">i4"),
                         ("f4", 13, ">f4"), ("f8", 14, ">f8")]:
    with open(f"{name}.idx", "wb") as file:
        file.write(bytes([0, 0, code, 1]) + struct.pack(">I", 3))
        file.write(np.array([-1, 0, 100], kind).tobytes())
