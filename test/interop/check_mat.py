"""Reads a MatConvNet file with SciPy, runs its layers as vl_simplenn or dagnn's eval would, and compares the logits.

Layers run by their own type, stride, pad and pool; weights as MATLAB shows them: h w i o. MATLAB itself has no free runtime: the forward pass
here follows matlab/simplenn/vl_simplenn.m and matlab/+dagnn of vlfeat/matconvnet.
"""
import numpy as np
import scipy
from scipy.io import loadmat

from agreement import logits_agree, same_arrays


def numbers(value):
    """pad, stride or pool as they are in a row."""
    return [int(v) for v in np.ravel(value)]


def pairs(value):
    return value if len(value) == 2 else value * 2


def conv(x, w, b, pad, stride):
    top, bottom, left, right = pad if len(pad) == 4 else pad * 4
    sy, sx = pairs(stride)
    w = w.reshape(w.shape + (1,) * (4 - w.ndim)).astype(np.float64)
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    h, wd, _, o = w.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (h, wd), axis=(1, 2))[:, ::sy, ::sx]
    y = np.einsum("nyxihw,hwio->nyxo", windows, w, optimize=True)
    return y if b is None or b.size == 0 else y + b.astype(np.float64).reshape(1, 1, 1, o)


def pool(x, size, stride, pad):
    h, w = pairs(size)
    sy, sx = pairs(stride)
    top, bottom, left, right = pad if len(pad) == 4 else pad * 4
    # A maximum never sees the padding; as vl_nnpool, a window that does not fit any more is left out.
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (h, w), axis=(1, 2))[:, ::sy, ::sx]
    return windows.max(axis=(-1, -2))


def normalise(x, gain, bias, moments):
    """vl_nnbnorm with moments: their second column is sqrt(variance + epsilon)."""
    mean, sigma = (moments[:, k].astype(np.float64) for k in (0, 1))
    return (x - mean) / sigma * np.ravel(gain).astype(np.float64) + np.ravel(bias).astype(np.float64)


def text(value):
    return str(np.ravel(value)[0])


def simplenn(layers, x):
    for cell in layers:
        layer = cell[0, 0]
        kind = text(layer.type)
        if kind == "conv":
            w, b = (layer.filters, layer.biases) if hasattr(layer, "filters") else layer.weights[0]
            x = conv(x, w, b, numbers(layer.pad), numbers(layer.stride))
        elif kind == "bnorm":
            x = normalise(x, *layer.weights[0])
        elif kind == "relu":
            x = np.maximum(x, 0)
        elif kind == "pool":
            assert text(layer.method) == "max"
            x = pool(x, numbers(layer.pool), numbers(layer.stride), numbers(layer.pad))
        else:
            assert kind in ("softmax", "dropout"), f"layer of type {kind}"
    return x


def dagnn(net, x):
    values = {text(param.name): param.value for param in np.ravel(net.params)}
    variables = {text(np.ravel(net.vars)[0].name): x}
    for layer in np.ravel(net.layers):
        (source,), (target,) = ([text(name) for name in np.ravel(names)] for names in (layer.inputs, layer.outputs))
        params = [values[text(name)] for name in np.ravel(layer.params)]
        kind, block, x = text(layer.type), np.ravel(layer.block)[0], variables[source]
        if kind == "dagnn.Conv":
            assert bool(np.ravel(block.hasBias)[0]) == (len(params) == 2)
            x = conv(x, params[0], params[1] if len(params) == 2 else None, numbers(block.pad), numbers(block.stride))
        elif kind == "dagnn.BatchNorm":
            x = normalise(x, *params)
        elif kind == "dagnn.ReLU":
            x = np.maximum(x, 0)
        elif kind == "dagnn.Pooling":
            assert text(block.method) == "max"
            x = pool(x, numbers(block.poolSize), numbers(block.stride), numbers(block.pad))
        else:
            assert kind in ("dagnn.SoftMax", "dagnn.DropOut"), f"layer of type {kind}"
        variables[target] = x
    return x


def open_net(path):
    mat = loadmat(path, struct_as_record=False, squeeze_me=False)
    net = mat["net"][0, 0] if "net" in mat else None
    fields = mat if net is None else vars(net)
    return fields, net


def arrays(path):
    """Weights by layer and place, without the layers that have none: other files put dropout elsewhere."""
    fields, net = open_net(path)
    if "params" in fields:
        return {text(param.name): param.value for param in np.ravel(fields["params"])}
    with_weights = [layer for layer in (cell[0, 0] for cell in fields["layers"][0]) if hasattr(layer, "weights")]
    return {f"{k}.{n}": array for k, layer in enumerate(with_weights) for n, array in enumerate(np.ravel(layer.weights))}


def check(path, input_file, logits_file, options):
    x = np.load(input_file).transpose(0, 2, 3, 1).astype(np.float64)
    fields, net = open_net(path)
    x = dagnn(net if net is not None else Fields(fields), x) if "params" in fields else simplenn(fields["layers"][0], x)
    said = logits_agree(x, logits_file)
    if "reference" in options:
        said += ", " + same_arrays(arrays(path), arrays(options["reference"]))
    return f"scipy {scipy.__version__}: {said}"


class Fields:
    """Variables of the top level, seen as the fields of a struct."""

    def __init__(self, fields):
        self.__dict__.update(fields)
