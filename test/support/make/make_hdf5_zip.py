"""Writes fixtures/{npy,npz,safetensors,hdf5,keras-h5,keras-v3,tfjs} with NumPy, h5py and safetensors; values count up, no two dims are equal.

    pip install h5py==3.16.0 numpy==2.4.6 safetensors ml_dtypes && python test/support/make/make_hdf5_zip.py

The Keras files have the groups, attributes and configurations that Keras 2.15 and 3.15 write, in small.
"""
import hashlib
import io
import json
import os
import pickle
import sys
import zipfile

import h5py
import ml_dtypes
import numpy as np
from safetensors.numpy import save

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "fixtures")


def values(*shape, dtype="f4", start=0):
    return (np.arange(np.prod(shape, dtype=int)) + start).reshape(shape).astype(dtype)


def expect(folder, name, tensors, **more):
    """tensors: {key: array}; bfloat16 arrays are recognised by their dtype."""
    rows, bf16 = {}, []
    for key, array in tensors.items():
        array = np.asarray(array)
        if array.dtype == ml_dtypes.bfloat16:
            bf16.append(key)
            array = array.view("u2")
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        rows[key] = dict(dtype=array.dtype.name, shape=list(array.shape), sha256=hashlib.sha256(little.tobytes()).hexdigest())
    out = dict(open=name, tensors=rows, **more)
    if bf16:
        out["bfloat16"] = bf16
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(out, f, indent=1)


def case(*path):
    folder = os.path.join(ROOT, *path)
    os.makedirs(folder, exist_ok=True)
    return folder


def npy():
    for name, array in {
        "fortran": np.asfortranarray(values(2, 3, 4)),
        "big-endian": values(2, 3, dtype=">f8"),
        "scalar": np.float32(2.5),
    }.items():
        folder = case("npy", name)
        np.save(os.path.join(folder, f"{name}.npy"), array)
        expect(folder, f"{name}.npy", {name: array})
    folder = case("npy", "dict")
    layers = {"conv1_1": [values(3, 2, 4, 5), values(5)], "fc6": [values(6, 7, start=1), values(7)]}
    with open(os.path.join(folder, "dict.npy"), "wb") as f:
        np.lib.format.write_array(f, np.array(layers, dtype=object))
    expect(folder, "dict.npy", {f"{k}.{i}": a for k, pair in layers.items() for i, a in enumerate(pair)})


def npz():
    arrays = {"a": values(2, 3), "b/c": values(4, dtype="i8"), "t": values(3, 4).T, "half": values(2, 5, dtype="f2"), "empty": values(0, 3)}
    for name, write in (("stored", np.savez), ("deflated", np.savez_compressed)):
        folder = case("npz", name)
        write(os.path.join(folder, f"{name}.npz"), **arrays)
        expect(folder, f"{name}.npz", arrays)


def safetensors():
    folder = case("safetensors", "dtypes")
    kinds = ["f4", "f8", "f2", "i8", "u1", "?", ml_dtypes.bfloat16]
    tensors = {f"t.{np.dtype(kind).name}": values(2, 3, dtype=kind) for kind in kinds} | {"__proto__": values(1), "0": values(0, 2), "s": np.float32(4)}
    tensors = {key: np.asarray(array) for key, array in tensors.items()}
    with open(os.path.join(folder, "dtypes.safetensors"), "wb") as f:
        f.write(save(tensors, metadata={"format": "np"}))
    expect(folder, "dtypes.safetensors", tensors)
    folder = case("safetensors", "sharded")
    shards = [{"conv.weight": values(2, 3, 4), "conv.bias": values(2)}, {"fc.weight": values(5, 6)}]
    weight_map, everything = {}, {}
    for k, shard in enumerate(shards, 1):
        name = f"model-{k:05d}-of-00002.safetensors"
        with open(os.path.join(folder, name), "wb") as f:
            f.write(save(shard))
        weight_map |= {key: name for key in shard}
        everything |= shard
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump(dict(metadata=dict(total_size=1), weight_map=weight_map), f)
    expect(folder, "model.safetensors.index.json", everything)


def hdf5():
    for lib in ("earliest", "latest"):
        folder = case("hdf5", lib)
        out = {}
        with h5py.File(os.path.join(folder, f"{lib}.h5"), "w", libver=lib) as f:
            def put(key, array, **how):
                out[key] = np.asarray(array)
                f.create_dataset(key, data=array, **how)

            grid = values(11, 13)
            put("contiguous", grid)
            put("big-endian", values(3, 5, dtype=">i2"))
            put("bool", values(4) > 1)
            put("complex", values(3, 2) + 1j * values(3, 2))
            put("scalar", np.float64(3))
            put("empty", values(0, 4))
            put("chunked", grid, chunks=(4, 5))
            put("filtered", grid, chunks=(4, 5), compression="gzip", shuffle=True, fletcher32=True)
            put("lzf", np.zeros((40, 30), "f4"), chunks=(20, 30), compression="lzf")
            put("one", grid, chunks=(11, 13), compression="gzip")
            put("grows", grid, chunks=(1, 13), maxshape=(None, 13))
            put("grows-inside", grid, chunks=(11, 2), maxshape=(11, None))
            put("grows-both", grid, chunks=(3, 4), maxshape=(None, None))
            put("paged", values(1030 if lib == "latest" else 150, dtype="u1"), chunks=(1,))
            sparse = f.create_dataset("sparse", shape=(6, 7), chunks=(2, 3), dtype="f4", fillvalue=7.5)
            sparse[3:5, 2:4] = 1
            out["sparse"] = sparse[()]
            never = f.create_dataset("never", shape=(2, 3), dtype="i4", fillvalue=-1)
            out["never"] = never[()]
            for i in range(40):
                put(f"many/tensor_{i}", values(i % 3 + 1))
            f["linked"] = h5py.SoftLink("/contiguous")
            f["loop"] = h5py.SoftLink("/loop")
            f["many/parent"] = f["many"]
            for i in range(12):
                f["many"].attrs[f"a{i}"] = i
            f["many"].attrs["names"] = ["a", "é"]
            f["many"].attrs["fixed"] = np.array([b"ab", b"c"])
            f["many"].attrs["ref"] = f["contiguous"].ref
        expect(folder, f"{lib}.h5", out)


CONFIG = {
    "class_name": "Functional",
    "config": {
        "name": "tiny",
        "layers": [
            {"class_name": "InputLayer", "config": {"name": "input_1", "batch_input_shape": [None, 6, 4, 3]}, "name": "input_1", "inbound_nodes": []},
            {"class_name": "Conv2D", "config": {"name": "block1_conv1", "filters": 5, "kernel_size": [3, 2], "data_format": "channels_last"}, "name": "block1_conv1", "inbound_nodes": [[["input_1", 0, 0, {}]]]},
            {"class_name": "BatchNormalization", "config": {"name": "block1_bn1", "epsilon": 1e-5, "scale": True, "center": True}, "name": "block1_bn1", "inbound_nodes": [[["block1_conv1", 0, 0, {}]]]},
            {"class_name": "Flatten", "config": {"name": "flatten"}, "name": "flatten", "inbound_nodes": [[["block1_bn1", 0, 0, {}]]]},
            {"class_name": "Dense", "config": {"name": "predictions", "units": 7}, "name": "predictions", "inbound_nodes": [[["flatten", 0, 0, {}]]]},
        ],
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["predictions", 0, 0]],
    },
}
NORM = ("gamma", "beta", "moving_mean", "moving_variance")
WEIGHTS = {
    "block1_conv1": {"kernel": values(3, 2, 3, 5), "bias": values(5, start=1)},
    "block1_bn1": {name: values(5, start=k) for k, name in enumerate(NORM)},
    "predictions": {"kernel": values(8, 7), "bias": values(7, start=2)},
}


def legacy(group, version, split=False):
    layers = [layer["config"]["name"] for layer in CONFIG["config"]["layers"]]
    if split:
        group.attrs["layer_names0"] = np.array([name.encode() for name in layers[:2]])
        group.attrs["layer_names1"] = np.array([name.encode() for name in layers[2:]])
    else:
        group.attrs["layer_names"] = layers
    group.attrs["backend"] = "tensorflow"
    group.attrs["keras_version"] = version
    found = {}
    for layer in layers:
        inner = group.create_group(layer)
        weights = WEIGHTS.get(layer, {})
        names = [f"{layer}/{name}:0" for name in weights]
        inner.attrs["weight_names"] = names if names else np.array([])
        for name, array in zip(names, weights.values()):
            inner.create_dataset(name, data=array)
            found[f"{group.name}/{layer}/{name}".strip("/").replace("//", "/")] = array
    return found


def keras_h5():
    folder = case("keras-h5", "weights")
    with h5py.File(os.path.join(folder, "vgg.h5"), "w") as f:
        expect(folder, "vgg.h5", legacy(f, "2.15.0", split=True))
    folder = case("keras-h5", "model")
    with h5py.File(os.path.join(folder, "vgg.h5"), "w") as f:
        f.attrs["model_config"] = json.dumps(CONFIG)
        f.attrs["keras_version"] = "2.15.0"
        f.attrs["backend"] = "tensorflow"
        f.attrs["training_config"] = json.dumps({"loss": "mse"})
        found = legacy(f.create_group("model_weights"), "2.15.0")
        found["optimizer_weights/iteration:0"] = np.int64(3)
        f["optimizer_weights/iteration:0"] = np.int64(3)
        expect(folder, "vgg.h5", found)


def keras_v3():
    config = CONFIG
    groups = {"layers/conv2d": "block1_conv1", "layers/batch_normalization": "block1_bn1", "layers/dense": "predictions"}

    def tree(f, only=None, bf16=False):
        found = {}
        for path, layer in groups.items():
            variables = f.create_group(f"{path}/vars")
            variables.attrs["name"] = layer
            for k, array in enumerate(WEIGHTS[layer].values()):
                if only is not None and not only(layer, k):
                    continue
                key = f"{path}/vars/{k}"
                if bf16:
                    array = array.astype(ml_dtypes.bfloat16)
                    data = f.create_dataset(key, data=array.view("V2"))
                    data.attrs["dtype"] = "bfloat16"
                else:
                    f[key] = array
                found[key] = array
        return found

    folder = case("keras-v3", "keras")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as f:
        found = tree(f)
        f["optimizer/vars/0"] = np.int64(1)
        found["optimizer/vars/0"] = np.int64(1)
    for name, how in (("model.keras", zipfile.ZIP_STORED), ("deflated.keras", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(os.path.join(folder, name), "w", how) as z:
            z.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
            z.writestr("config.json", json.dumps(config))
            z.writestr("model.weights.h5", memory.getvalue())
    expect(folder, "model.keras", found)
    expected = json.load(open(os.path.join(folder, "expected.json")))
    expected["also"] = {"deflated.keras": dict(tensors=expected["tensors"])}
    json.dump(expected, open(os.path.join(folder, "expected.json"), "w"), indent=1)

    folder = case("keras-v3", "bfloat16")
    with h5py.File(os.path.join(folder, "bf16.weights.h5"), "w") as f:
        expect(folder, "bf16.weights.h5", tree(f, bf16=True))

    folder = case("keras-v3", "sharded")
    found, parts = {}, (lambda layer, k: layer != "predictions" and k != 1, lambda layer, k: layer == "predictions" or k == 1)
    weight_map = {}
    for number, only in enumerate(parts):
        name = f"m_{number:05d}.weights.h5"
        with h5py.File(os.path.join(folder, name), "w") as f:
            shard = tree(f, only)
        for key in shard:
            files = weight_map.setdefault("/" + key.rsplit("/", 1)[0], [])
            if name not in files:
                files.append(name)
        found |= shard
    json.dump({"metadata": {"total_size": 1.0}, "weight_map": weight_map}, open(os.path.join(folder, "m.weights.json"), "w"))
    expect(folder, "m.weights.json", found)

    folder = case("keras-v3", "npz")
    memory = io.BytesIO()
    np.savez(memory, **{f"{path}/vars": np.array({str(k): a for k, a in enumerate(WEIGHTS[layer].values())}, dtype=object) for path, layer in groups.items()})
    with zipfile.ZipFile(os.path.join(folder, "model.keras"), "w") as z:
        z.writestr("metadata.json", "{}")
        z.writestr("config.json", json.dumps(config))
        z.writestr("model.weights.npz", memory.getvalue())
    expect(folder, "model.keras", {f"{path}/vars/{k}": a for path, layer in groups.items() for k, a in enumerate(WEIGHTS[layer].values())})


def tfjs():
    folder = case("tfjs", "layers")
    data, weights, found = b"", [], {}

    def put(name, array, stored=None, **quantization):
        nonlocal data
        entry = dict(name=name, shape=list(array.shape), dtype=array.dtype.name)
        if quantization:
            entry["quantization"] = quantization
        weights.append(entry)
        found[name] = array
        data += (array if stored is None else stored).tobytes()

    put("block1_conv1/kernel", values(3, 2, 3, 5))
    q = values(5, dtype="u1")
    put("block1_conv1/bias", (q * 0.1 + -0.25).astype("f4"), q, dtype="uint8", scale=0.1, min=-0.25)
    q = values(8, 7, dtype="u2")
    put("predictions/kernel", (q * 1e-3 + 2).astype("f4"), q, dtype="uint16", scale=1e-3, min=2)
    half = values(7, dtype="f2")
    put("predictions/bias", half.astype("f4"), half, dtype="float16")
    put("flag", values(3) > 1)
    cuts = [0, 100, 101, len(data)]
    paths = []
    for k, (a, b) in enumerate(zip(cuts, cuts[1:]), 1):
        paths.append(f"group1-shard{k}of3.bin")
        with open(os.path.join(folder, paths[-1]), "wb") as f:
            f.write(data[a:b])
    model = dict(format="layers-model", modelTopology=dict(keras_version="2.15.0", model_config=CONFIG), weightsManifest=[dict(paths=paths, weights=weights)])
    json.dump(model, open(os.path.join(folder, "model.json"), "w"))
    expect(folder, "model.json", found)


for part in (npy, npz, safetensors, hdf5, keras_h5, keras_v3, tfjs):
    if len(sys.argv) == 1 or part.__name__ in sys.argv[1:]:
        part()
