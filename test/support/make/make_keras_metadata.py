"""fixtures/cases/keras-metadata-{nested,own}.pb.gz: what Keras 2 writes beside its SavedModels, of a model within a model and of a class.

    python test/support/make/make_keras_metadata.py        (Keras 2.15.0, TensorFlow 2.15.1)
"""

import gzip
import os
import tempfile

import keras
import tensorflow as tf
from keras import layers as L

HERE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures", "cases")


def write(name, model):
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder, save_format="tf")
        data = open(os.path.join(folder, "keras_metadata.pb"), "rb").read()
    with open(os.path.join(HERE, f"keras-metadata-{name}.pb.gz"), "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as out:
        out.write(data)


image = keras.Input((32, 48, 3))
inner = keras.Model(image, L.MaxPooling2D(name="pool")(L.Conv2D(4, 3, padding="same", name="conv")(image)), name="body")
clip = keras.Input((5, 32, 48, 3), name="clip")
flat = L.TimeDistributed(L.Flatten(), name="flat")(L.TimeDistributed(L.Conv2D(2, (3, 5), name="inner"), name="each")(clip))
memory = L.Bidirectional(L.LSTM(6), name="memory")(flat)
outer = keras.Input((32, 48, 3), name="image")
both = L.Concatenate(name="both")([L.Flatten(name="rows")(inner(outer)), memory])
write("nested", keras.Model([outer, clip], L.Dense(7, name="head")(both)))


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = L.Conv2D(4, 3, padding="same", name="first")
        self.pool = L.MaxPooling2D(name="pool")
        self.last = L.Dense(7, name="last")

    def call(self, x):
        return self.last(tf.reshape(self.pool(self.first(x)), (-1, 4 * 16 * 24)))


own = Own()
own(tf.zeros((1, 32, 48, 3)))
write("own", own)
