"""Writes fixtures/fuzz: one file of every kind, as small as its framework writes it, for test/fuzz/fuzz.ts.

    python test/support/make/make_small.py plain       (the standard library)
    python test/support/make/make_small.py torch       (torch 2.13, onnx)
    python test/support/make/make_small.py tensorflow  (TensorFlow 2.15, h5py, SciPy)
    python test/support/make/make_small.py paddle      (PaddlePaddle 3.3; paddle-old for its format before 3.0)
"""

import gzip
import io
import os
import shutil
import struct
import sys
import tarfile
import zipfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "fixtures")
OUT = os.path.join(ROOT, "fuzz")


def folder(name):
    path = os.path.join(OUT, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def floats(count, start=0):
    return struct.pack(f"<{count}f", *(start + k / 8 for k in range(count)))


# Torch7 (torch/File.lua): 1 number, 2 string, 3 table, 4 object of class; ints of 4 bytes, longs of 8.


def t7_binary():
    i, q, d = (lambda v: struct.pack("<i", v)), (lambda v: struct.pack("<q", v)), (lambda v: struct.pack("<d", v))
    text = lambda s: i(len(s)) + s.encode()
    tensor = lambda at: (
        i(4) + i(at) + text("V 1") + text("torch.FloatTensor") + i(2) + q(2) + q(3) + q(3) + q(1) + q(1)
        + i(4) + i(at + 1) + text("V 1") + text("torch.FloatStorage") + q(6) + floats(6)
    )
    layer = (
        i(4) + i(2) + text("V 1") + text("nn.Linear") + i(3) + i(3) + i(2)
        + i(2) + text("weight") + tensor(4)
        + i(2) + text("train") + i(5) + i(0)
    )
    modules = i(3) + i(6) + i(1) + i(1) + d(1) + layer
    return i(4) + i(1) + text("V 1") + text("nn.Sequential") + i(3) + i(7) + i(1) + i(2) + text("modules") + modules


def t7_ascii():
    lines = ["4", "1", "3", "V 1", "13", "nn.Sequential", "3", "7", "1", "2", "7", "modules", "3", "6", "1", "1", "1"]
    lines += ["4", "2", "3", "V 1", "9", "nn.Linear", "3", "3", "1", "2", "6", "weight"]
    lines += ["4", "4", "3", "V 1", "17", "torch.FloatTensor", "2", "2 3", "3 1", "1"]
    lines += ["4", "5", "3", "V 1", "18", "torch.FloatStorage", "6", "0 0.125 0.25 0.375 nan -1e-3"]
    return ("\n".join(lines) + "\n").encode()


# Protocol buffers by hand, for Caffe.


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


def number(field, value):
    return varint(field * 8) + varint(value)


def piece(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field * 8 + 2) + varint(len(data)) + data


def blob(dims, data_field=5, old=False):
    count = 1
    for dim in dims:
        count *= dim
    four = [1] * (4 - len(dims)) + list(dims)
    shape = b"".join(number(k + 1, dim) for k, dim in enumerate(four)) if old else piece(7, piece(1, b"".join(varint(d) for d in dims)))
    data = floats(count) if data_field == 5 else struct.pack(f"<{count}d", *range(count))
    return shape + piece(data_field, data)


def caffe(kind):
    if kind == "new":
        layer = lambda name, type_, rest: piece(100, piece(1, name) + piece(2, type_) + piece(3, "data") + piece(4, name) + rest)
        conv = layer("conv1_1", "Convolution", piece(7, blob([4, 3, 3, 3])) + piece(7, blob([4], 8)) + piece(106, number(1, 4) + number(4, 3)))
        fc = layer("fc6", "InnerProduct", piece(7, blob([2, 4])) + piece(7, blob([2])) + piece(117, number(1, 2)))
        return piece(1, "tiny") + piece(3, "data") + b"".join(number(4, d) for d in (1, 3, 3, 3)) + conv + fc
    if kind == "v1":
        layer = lambda name, type_, rest: piece(2, piece(4, name) + number(5, type_) + piece(2, "data") + piece(3, name) + rest)
        conv = layer("conv1_1", 4, piece(6, blob([4, 3, 3, 3], 5, True)) + piece(6, blob([4], 5, True)))
        return piece(1, "tiny") + conv + layer("fc6", 14, piece(6, blob([2, 4], 5, True)) + piece(6, blob([2], 5, True)))
    inner = piece(1, "conv1_1") + piece(2, "conv") + number(3, 4) + number(8, 3) + piece(50, blob([4, 3, 3, 3], 5, True))
    return piece(1, "tiny") + piece(2, piece(1, inner) + piece(2, "data") + piece(3, "conv1_1"))


def safetensors():
    header = b'{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    return struct.pack("<Q", len(header)) + header + floats(6)


def plain():
    path = folder("torch7")
    write(os.path.join(path, "binary.t7"), t7_binary())
    write(os.path.join(path, "ascii.t7"), t7_ascii())
    path = folder("caffe")
    for kind in ("new", "v1", "v0"):
        write(os.path.join(path, f"{kind}.caffemodel"), caffe(kind))
    prototxt = (
        'name: "tiny"\ninput: "data"\ninput_dim: 1 input_dim: 3 input_dim: 3 input_dim: 3\n'
        'layer { name: "conv1_1" type: "Convolution" bottom: "data" top: "conv1_1" convolution_param { num_output: 4 kernel_size: 3 } }\n'
        'layer { name: "fc6" type: "InnerProduct" bottom: "conv1_1" top: "fc6" inner_product_param { num_output: 2 } }\n'
    )
    write(os.path.join(folder("caffe-prototxt"), "tiny.caffemodel"), caffe("new"))
    write(os.path.join(OUT, "caffe-prototxt", "deploy.prototxt"), prototxt.encode())
    path = folder("darknet")
    cfg = (
        "[net]\nheight=8\nwidth=8\nchannels=3\n\n[convolutional]\nbatch_normalize=1\nfilters=2\nsize=3\nstride=1\npad=1\nactivation=leaky\n\n"
        "[maxpool]\nsize=2\nstride=2\n\n[connected]\noutput=3\nactivation=linear\n\n[softmax]\n"
    )
    write(os.path.join(path, "tiny.cfg"), cfg.encode())
    # darknet's parser.c: major, minor, revision, seen; then biases, batch norm (scales, means, variances), weights.
    count = 2 * 4 + 2 * 27 + 3 + 3 * 2 * 16
    write(os.path.join(path, "tiny.weights"), struct.pack("<iiiQ", 0, 2, 5, 64) + floats(count))
    path = folder("wrapped")
    inner = safetensors()
    write(os.path.join(path, "one.safetensors.gz"), gzip.compress(inner, mtime=0))
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as z:
            z.writestr(zipfile.ZipInfo("folder/one.safetensors"), inner, method)
        write(os.path.join(path, f"{name}.zip"), packed.getvalue())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as t:
        info = tarfile.TarInfo("folder/one.safetensors")
        info.size = len(inner)
        t.addfile(info, io.BytesIO(inner))
    # The padding to 10,240 bytes is left out: two blocks of zeros end an archive.
    size = (512 + len(inner) + 511) // 512 * 512 + 1024
    write(os.path.join(path, "one.tar"), packed.getvalue()[:size])


def torch():
    import onnx
    import torch as t

    t.manual_seed(1)
    path = folder("torch")
    state = {"features.0.weight": t.arange(8, dtype=t.float32).reshape(2, 4), "features.0.bias": t.ones(2, dtype=t.float16)}
    state["view"] = state["features.0.weight"].t()[1:]
    t.save(state, os.path.join(path, "zip.pt"))
    t.save(state, os.path.join(path, "legacy.pt"), _use_new_zipfile_serialization=False)
    t.save({"sparse": t.eye(3).to_sparse(), "q": t.quantize_per_tensor(t.ones(4), 0.5, 1, t.qint8)}, os.path.join(path, "unusual.pt"))
    module = t.nn.Sequential(t.nn.Linear(3, 2))
    t.save(module, os.path.join(path, "module.pt"))
    t.jit.script(module).save(os.path.join(path, "script.pt"))
    exported = t.export.export(module, (t.ones(1, 3),))
    t.export.save(exported, os.path.join(path, "exported.pt2"))

    path = folder("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(module[0].weight.detach().numpy(), "fc6.weight")
    bias = numpy_helper.from_array(module[0].bias.detach().numpy(), "fc6.bias")
    node = helper.make_node("Gemm", ["x", "fc6.weight", "fc6.bias"], ["y"], transB=1)
    tensor = lambda name, *dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph([node], "g", [tensor("x", 1, 3)], [tensor("y", 1, 2)], [weight, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, os.path.join(path, "inside.onnx"))
    path = folder("onnx-external")
    onnx.save(model, os.path.join(path, "model.onnx"), save_as_external_data=True, location="model.data", size_threshold=0)


def tensorflow():
    import h5py
    import numpy as np
    import scipy.io
    import tensorflow as tf

    path = folder("savedmodel")

    class Net(tf.Module):
        def __init__(self):
            self.kernel = tf.Variable(tf.reshape(tf.range(6.0), (2, 3)), name="kernel")

        @tf.function(input_signature=[tf.TensorSpec((1, 2))])
        def __call__(self, x):
            return x @ self.kernel

    tf.saved_model.save(Net(), path)
    shutil.rmtree(os.path.join(path, "assets"), ignore_errors=True)

    path = folder("graphdef")
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (1, 2), "x")
        w = tf.constant(np.arange(6, dtype="f4").reshape(2, 3), name="fc6/weights")
        tf.linalg.matmul(x, w + tf.constant(np.full((2, 3), 2, dtype="f4"), name="splat"), name="y")
    write(os.path.join(path, "frozen.pb"), graph.as_graph_def().SerializeToString())

    path = folder("tf-v1")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("fc6/weights", initializer=np.arange(6, dtype="f4").reshape(2, 3))
        tf.compat.v1.get_variable("fc6/biases", initializer=np.arange(3, dtype="f8"))
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(write_version=tf.compat.v1.train.SaverDef.V1)
        saver.save(session, os.path.join(path, "tiny.ckpt"), write_meta_graph=False, write_state=False)

    path = folder("hdf5")
    for name, version in (("earliest", "earliest"), ("latest", "latest")):
        with h5py.File(os.path.join(path, f"{name}.h5"), "w", libver=version) as f:
            f.create_dataset("g/plain", data=np.arange(6, dtype="f4").reshape(2, 3))
            f.create_dataset("g/packed", data=np.arange(40, dtype="i2").reshape(8, 5), chunks=(4, 5), compression="gzip", shuffle=True)
            f.create_dataset("text", data=np.array([b"ab", b"c"]))
            f["g"].attrs["names"] = np.array(["ä", "b"], dtype=h5py.string_dtype())
    path = folder("keras-h5")
    config = b'{"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "Dense", "config": {"name": "fc6", "units": 2}}]}}'
    with h5py.File(os.path.join(path, "model.h5"), "w") as f:
        f.attrs["model_config"] = config
        f.attrs["keras_version"] = b"2.15.0"
        f.attrs["backend"] = b"tensorflow"
        g = f.create_group("model_weights")
        g.attrs["layer_names"] = np.array([b"fc6"])
        g = g.create_group("fc6")
        g.attrs["weight_names"] = np.array([b"fc6/kernel:0", b"fc6/bias:0"])
        g["fc6/kernel:0"] = np.arange(6, dtype="f4").reshape(3, 2)
        g["fc6/bias:0"] = np.arange(2, dtype="f4")

    path = folder("matconvnet")
    layer = np.zeros((1,), dtype=[("type", "O"), ("name", "O"), ("weights", "O"), ("stride", "O"), ("pad", "O")])
    weights = np.empty((1, 2), dtype=object)
    weights[0, 0] = np.arange(24, dtype="f4").reshape(2, 2, 3, 2)
    weights[0, 1] = np.arange(2, dtype="f4").reshape(2, 1)
    layer[0] = ("conv", "conv1_1", weights, np.array([[1.0, 1.0]]), np.array([[1.0, 1.0, 1.0, 1.0]]))
    layers = np.empty((1, 1), dtype=object)
    layers[0, 0] = layer
    for name, packed in (("plain", False), ("compressed", True)):
        scipy.io.savemat(os.path.join(path, f"{name}.mat"), {"layers": layers, "meta": {"inputs": "data"}}, do_compression=packed)


def paddle():
    import paddle as p

    p.seed(1)
    path = folder("paddle")
    net = p.nn.Linear(3, 2)
    p.save(net.state_dict(), os.path.join(path, "two.pdparams"), protocol=2)
    p.jit.save(net, os.path.join(path, "pir"), input_spec=[p.static.InputSpec([1, 3], "float32")])


def paddle_old():
    os.environ["FLAGS_enable_pir_api"] = "0"
    import paddle as p

    p.seed(1)
    path = folder("paddle-old")
    p.jit.save(p.nn.Linear(3, 2), os.path.join(path, "model"), input_spec=[p.static.InputSpec([1, 3], "float32")])


if __name__ == "__main__":
    {"plain": plain, "torch": torch, "tensorflow": tensorflow, "paddle": paddle, "paddle-old": paddle_old}[sys.argv[1]]()
