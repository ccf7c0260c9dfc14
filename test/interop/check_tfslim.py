"""Restores a checkpoint into tf-slim's VGG graph with tf.train.Saver and compares its logits.

The graph has slim's own layers under slim's own scopes, with the widths of the checkpoint. `conv` is vgg_16 as slim has it (fc6 a VALID
convolution over all of pool5), `dense` the same with slim.fully_connected on the flattened pool5.
"""
import numpy as np
import tensorflow as tf
import tf_slim as slim
from tensorflow.python.framework import ops

from agreement import BLOCKS, logits_agree, same_arrays

tf1 = tf.compat.v1
tf1.logging.set_verbosity(tf1.logging.ERROR)
ops.Tensor = tf.Tensor  # tf_slim 1.1's batch_norm looks for it where TensorFlow 2.15 no longer has it
# slim itself has vgg_a, vgg_16 and vgg_19.
SCOPES = {"vgg11": "vgg_a", "vgg13": "vgg_13", "vgg16": "vgg_16", "vgg19": "vgg_19"}


def arrays(prefix, scope):
    reader = tf.train.load_checkpoint(prefix)
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith((f"{scope}/conv", f"{scope}/fc"))]
    return {name: reader.get_tensor(name) for name in names}


def build(images, shapes, scope, blocks, form, norm):
    # With updates_collections slim uses its own fused batch norm: the other one wants a package that TensorFlow 2.15 does not bring.
    settings = {"is_training": False, "scale": norm == "gamma", "updates_collections": None}
    options = {"normalizer_fn": slim.batch_norm, "normalizer_params": settings} if norm else {}
    net = images
    with tf1.variable_scope(scope):
        for block, layers in enumerate(blocks, 1):
            with tf1.variable_scope(f"conv{block}"):
                for n in range(1, layers + 1):
                    width = shapes[f"{scope}/conv{block}/conv{block}_{n}/weights"][-1]
                    net = slim.conv2d(net, width, [3, 3], scope=f"conv{block}_{n}", **options)
            net = slim.max_pool2d(net, [2, 2], scope=f"pool{block}")
        if form == "dense":
            net = slim.flatten(net)
        for k, name in enumerate(("fc6", "fc7", "fc8")):
            width = shapes[f"{scope}/{name}/weights"][-1]
            activation = None if name == "fc8" else tf.nn.relu
            if form == "dense":
                net = slim.fully_connected(net, width, activation_fn=activation, scope=name)
            else:
                kernel = [int(d) for d in net.shape[1:3]] if k == 0 else [1, 1]
                net = slim.conv2d(net, width, kernel, padding="VALID", activation_fn=activation, scope=name)
    return net


def check(prefix, input_file, logits_file, options):
    arch, form, norm = options.get("arch", "vgg16"), options.get("form", "conv"), options.get("norm", False)
    scope = SCOPES[arch]
    shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    x = np.load(input_file).transpose(0, 2, 3, 1)
    with tf1.Graph().as_default():
        images = tf1.placeholder(tf.float32, x.shape)
        net = build(images, shapes, scope, BLOCKS[arch], form, norm)
        with tf1.Session() as session:
            tf1.train.Saver().restore(session, prefix)
            logits = session.run(net, {images: x})
    said = logits_agree(logits, logits_file)
    if "reference" in options:
        said += ", " + same_arrays(arrays(prefix, scope), arrays(options["reference"], scope))
    return f"tf-slim {form}: {said}"
