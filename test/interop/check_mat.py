"""Reads a MatConvNet file with SciPy, runs its layers as vl_simplenn would, and compares the logits.

    check_mat.py FILE.mat INPUT.npy LOGITS.npy

Layers run by their own type, stride, pad and pool; weights as MATLAB shows them: h w i o.
"""
import sys

import numpy as np
from scipy.io import loadmat

path, input_file, logits_file = sys.argv[1:]
mat = loadmat(path, struct_as_record=False, squeeze_me=False)
net = mat["net"][0, 0] if "net" in mat else None
layers = (net.layers if net is not None else mat["layers"])[0]


def field(layer, name):
    return getattr(layer, name)


def four(value):
    """pad or stride as [top, bottom, left, right] or [y, x]"""
    return [int(v) for v in np.ravel(value)]


def conv(x, w, b, pad, stride):
    top, bottom, left, right = pad if len(pad) == 4 else pad * 4
    sy, sx = stride if len(stride) == 2 else stride * 2
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    h, wd, _, o = w.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (h, wd), axis=(1, 2))[:, ::sy, ::sx]
    return np.einsum("nyxihw,hwio->nyxo", windows, w, optimize=True) + b.reshape(1, 1, 1, o)


def pool(x, size, stride, pad):
    h, w = size if len(size) == 2 else size * 2
    sy, sx = stride if len(stride) == 2 else stride * 2
    assert not any(pad), "padded pools are not expected"
    windows = np.lib.stride_tricks.sliding_window_view(x, (h, w), axis=(1, 2))[:, ::sy, ::sx]
    return windows.max(axis=(-1, -2))


x = np.load(input_file).transpose(0, 2, 3, 1).astype(np.float64)
kinds = []
for cell in layers:
    layer = cell[0, 0]
    kind = str(field(layer, "type")[0])
    kinds.append(kind)
    if kind == "conv":
        w, b = field(layer, "weights")[0]
        w = w.reshape(w.shape + (1,) * (4 - w.ndim)).astype(np.float64)
        x = conv(x, w, b.astype(np.float64), four(field(layer, "pad")), four(field(layer, "stride")))
    elif kind == "relu":
        x = np.maximum(x, 0)
    elif kind == "pool":
        assert str(field(layer, "method")[0]) == "max"
        x = pool(x, four(field(layer, "pool")), four(field(layer, "stride")), four(field(layer, "pad")))
    elif kind not in ("softmax", "dropout"):
        raise AssertionError(f"layer of type {kind}")
expected = np.load(logits_file)
logits = x.reshape(expected.shape)
error = np.abs(logits - expected).max() / np.abs(expected).max()
assert error <= 1e-4, f"logits differ by {error:.2e} of the largest"
print(f"ok scipy, {len(kinds)} layers run: logits within {error:.1e}")
