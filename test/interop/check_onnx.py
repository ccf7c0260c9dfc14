"""Checks a model with onnx and runs it with ONNX Runtime.

    check_onnx.py MODEL.onnx INPUT.npy LOGITS.npy
"""
import sys

import numpy as np
import onnx
import onnxruntime

path, input_file, logits_file = sys.argv[1:]
onnx.checker.check_model(path, full_check=True)
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
x, expected = np.load(input_file), np.load(logits_file)
outputs = session.run(None, {session.get_inputs()[0].name: x})
logits = outputs[0].reshape(expected.shape)
error = np.abs(logits - expected).max() / np.abs(expected).max()
assert error <= 1e-4, f"logits differ by {error:.2e} of the largest"
print(f"ok ONNX Runtime {onnxruntime.__version__}: logits within {error:.1e}")
