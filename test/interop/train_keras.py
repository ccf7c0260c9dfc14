"""Trains small VGG networks in Keras and saves them along the way, each twice: as it is, and with the first dense layer in the order of channels-first.

    check(NETWORKS, FOLDER)

NETWORKS: rows of `trained_networks.py`. Adds lines to FOLDER/keras.jsonl: what each file is, for the one who judges what vggtool says of it.
"""
import os

import numpy as np
import tensorflow as tf
from tensorflow.keras import initializers, layers, optimizers

from training import batches, samples, save_both, train_all

INITIALISERS = {
    "default": "glorot_uniform",
    "xavier": "glorot_uniform",
    "he": "he_normal",
    "he-out": initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
    "truncated": initializers.TruncatedNormal(stddev=0.05),
    "normal": initializers.RandomNormal(stddev=0.03),
    "orthogonal": "orthogonal",
}


def build(row):
    kernel = {"kernel_initializer": INITIALISERS[row["init"]]}
    model = tf.keras.Sequential([layers.Input((row["size"], row["size"], row["channels"]))])
    size = row["size"]
    for number, block in enumerate(row["blocks"], 1):
        for place, width in enumerate(block, 1):
            name = f"block{number}_conv{place}"
            model.add(layers.Conv2D(width, 3, padding="same", use_bias=not row["norm"], name=name, **kernel))
            if row["norm"]:
                model.add(layers.BatchNormalization(name=f"{name}_bn"))
            model.add(layers.ReLU(name=f"{name}_relu"))
        model.add(layers.MaxPooling2D(name=f"block{number}_pool"))
        size //= 2
    model.add(layers.Flatten(name="flatten"))
    for number, width in enumerate(row["head"], 1):
        model.add(layers.Dense(width, activation="relu", name=f"fc{number}", **kernel))
        model.add(layers.Dropout(row["dropout"], name=f"drop{number}"))
    model.add(layers.Dense(10, name="predictions", **kernel))
    return model, (size, row["blocks"][-1][-1])


def weighted(model, part):
    kind = {"features": layers.Conv2D, "classifier": layers.Dense, "": (layers.Conv2D, layers.Dense)}[part]
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def train(row, folder):
    tf.keras.utils.set_random_seed(row["seed"])
    model, shape = build(row)
    images, labels = samples(row)
    images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    if row["frozen"]:
        for name in weighted(model, row["frozen"]):
            model.get_layer(name).trainable = False
    rate, decay = row["rate"], row["decay"] or None
    steps = optimizers.Adam(rate, weight_decay=decay) if row["optimizer"] == "adam" else optimizers.SGD(rate, 0.9, weight_decay=decay)
    model.compile(steps, tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    records, right = [], []
    for step, batch in batches(row, labels):
        if step in row["steps"]:
            records += save(row, model, folder, step, float(np.mean(right[-10:] or [0])), shape)
        right.append(model.train_on_batch(images[batch], labels[batch], reset_metrics=True)[1])
    return records


def save(row, model, folder, step, accuracy, shape):
    initial = weighted(model, "" if step == 0 else row["frozen"]) if step == 0 or row["frozen"] else []
    saved = tf.keras.models.clone_model(model)
    saved.set_weights(model.get_weights())
    if row["new-head"] and step > 0:
        fresh, _ = build(row)
        initial = weighted(model, "classifier")
        for name in initial:
            saved.get_layer(name).set_weights(fresh.get_layer(name).get_weights())
    first = saved.get_layer(weighted(model, "classifier")[0])
    side, channels = shape

    def turn():
        kernel, bias = first.get_weights()
        first.set_weights([kernel.reshape(side, side, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape), bias])

    def write(file):
        saved.save_weights(os.path.join(folder, f"{file}.h5"), save_format="h5")
        return f"{file}.h5"

    return save_both("keras", row, step, accuracy, initial, first.name, turn, write)


def check(networks, folder):
    return train_all("keras", train, networks, folder)
