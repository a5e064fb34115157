#!/usr/bin/env python3
"""Inputs for the networks of the verification competition, and the logits of onnxruntime.

    python make_foreign.py FOLDER_OF_ONNX_FILES foreign.npz
"""

import sys

import numpy as np
import onnxruntime

folder, path = sys.argv[1:]
arrays = {}
for name in ["acasxu-1-1", "mnist-net_256x2", "cifar-resnet-2b", "cifar_base_kw"]:
    session = onnxruntime.InferenceSession(f"{folder}/{name}.onnx")
    port = session.get_inputs()[0]
    shape = [n if isinstance(n, int) else 1 for n in port.shape]
    print(name, port.shape)
    samples = np.random.default_rng(1).random((3, *shape)).astype(np.float32)
    logits = [session.run(None, {port.name: x})[0].reshape(-1) for x in samples]
    arrays[name + ".inputs"] = samples.reshape(3, -1)
    arrays[name + ".logits"] = np.stack(logits)
np.savez_compressed(path, **arrays)
