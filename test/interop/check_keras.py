"""Loads a full model with load_model, or weights with load_weights into the model of another file, and compares its logits.

    check_keras.py MODEL INPUT.npy LOGITS.npy [WEIGHTS.weights.h5]

MODEL is a `.h5` or `.keras` file. With WEIGHTS the model's own weights are set to zero first. A softmax at the end is taken off.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np

try:
    import keras
except ImportError:
    from tensorflow import keras

path, input_file, logits_file, *weights = sys.argv[1:]
model = keras.models.load_model(path, compile=False)
if weights:
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.load_weights(weights[0])
last = model.layers[-1]
if getattr(last, "activation", None) is not None:
    last.activation = keras.activations.linear
x, expected = np.load(input_file).transpose(0, 2, 3, 1), np.load(logits_file)
logits = np.asarray(keras.Model(model.inputs, model.outputs).predict(x, verbose=0)).reshape(expected.shape)
if type(last).__name__ in ("Softmax", "Activation"):
    logits = np.log(logits)
    expected = expected - np.log(np.exp(expected).sum(axis=1, keepdims=True))
error = np.abs(logits - expected).max() / np.abs(expected).max()
assert error <= 1e-4, f"logits differ by {error:.2e} of the largest"
print(f"ok keras {keras.__version__}: logits within {error:.1e}, {model.count_params()} parameters")
