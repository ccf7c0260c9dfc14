"""Restores a checkpoint into tf-slim's VGG-16 graph with tf.train.Saver and compares its logits.

    check_tfslim.py PREFIX conv|dense INPUT.npy LOGITS.npy [REFERENCE_PREFIX]

The graph has slim's own layers under slim's own scopes, with the widths of the checkpoint. `conv` is vgg_16 as slim has it (fc6 a VALID
convolution over all of pool5), `dense` the same with slim.fully_connected on the flattened pool5. With REFERENCE_PREFIX every tensor has to
equal that checkpoint's, bit for bit.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
import tf_slim as slim

tf1 = tf.compat.v1
tf1.logging.set_verbosity(tf1.logging.ERROR)
tf1.disable_resource_variables()
tf1.disable_eager_execution()

prefix, form, input_file, logits_file, *reference = sys.argv[1:]
reader = tf.train.load_checkpoint(prefix)
shapes = reader.get_variable_to_shape_map()
x = np.load(input_file).transpose(0, 2, 3, 1)

images = tf1.placeholder(tf.float32, x.shape)
with tf1.variable_scope("vgg_16"):
    net = images
    for block, layers in enumerate((2, 2, 3, 3, 3), 1):
        with tf1.variable_scope(f"conv{block}"):
            for n in range(1, layers + 1):
                width = shapes[f"vgg_16/conv{block}/conv{block}_{n}/weights"][-1]
                net = slim.conv2d(net, width, [3, 3], scope=f"conv{block}_{n}")
        net = slim.max_pool2d(net, [2, 2], scope=f"pool{block}")
    if form == "dense":
        net = slim.flatten(net)
    for k, name in enumerate(("fc6", "fc7", "fc8")):
        width = shapes[f"vgg_16/{name}/weights"][-1]
        activation = None if name == "fc8" else tf.nn.relu
        if form == "dense":
            net = slim.fully_connected(net, width, activation_fn=activation, scope=name)
        else:
            kernel = [int(d) for d in net.shape[1:3]] if k == 0 else [1, 1]
            net = slim.conv2d(net, width, kernel, padding="VALID", activation_fn=activation, scope=name)

with tf1.Session() as session:
    tf1.train.Saver().restore(session, prefix)
    logits = session.run(net, {images: x}).reshape(len(x), -1)

expected = np.load(logits_file)
error = np.abs(logits - expected).max() / np.abs(expected).max()
assert logits.shape == expected.shape, (logits.shape, expected.shape)
assert error <= 1e-4, f"logits differ by {error:.2e} of the largest"

if reference:
    other = tf.train.load_checkpoint(reference[0])
    for name in other.get_variable_to_shape_map():
        if name.startswith("vgg_16/conv") or name.startswith("vgg_16/fc"):
            a, b = reader.get_tensor(name), other.get_tensor(name)
            assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), f"{name} differs from slim's own"
print(f"ok tf-slim {form}: logits within {error:.1e}" + (", bytes equal slim's own" if reference else ""))
