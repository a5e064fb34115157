"""Evaluates golden.onnx with onnxruntime: golden-onnxruntime.npz.

Run in this folder: python3 make_onnx_fixture.py
Needs numpy, onnx and onnxruntime. golden.onnx itself is written by PolyReLU, with
    polyrelu model convert golden.safetensors golden.onnx
"""

import numpy as np
import onnx
import onnxruntime

onnx.checker.check_model(onnx.load("golden.onnx"), full_check=True)
random = np.random.default_rng(7)
inputs = np.concatenate([random.random((6, 40)), np.zeros((1, 40))]).astype(np.float32)
session = onnxruntime.InferenceSession("golden.onnx", providers=["CPUExecutionProvider"])
logits = session.run(["logits"], {"input": inputs})[0]
np.savez("golden-onnxruntime.npz", inputs=inputs, logits=logits)
