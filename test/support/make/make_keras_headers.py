"""Full-size Keras VGG-Face models without their values, into fixtures/cases/*.h5.gz: the totals of changed heads.

    python test/support/make/make_keras_headers.py [NAME ...]       (Keras 2.15.0, TensorFlow 2.15.1, h5py 3.16.0)

Keras writes each model whole; then every dataset is made again with its name, type and shape and nothing written to it, for
which HDF5 allocates no storage. Some 550 MB become a few kB, and a reader of headers sees no difference.
"""

import gzip
import os
import sys
import tempfile

import h5py
import keras
from keras import layers as L

HERE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures", "cases")
BLOCKS = [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3]


def features(frames=None, narrow=1):
    """Every layer a convolution; with frames each one in TimeDistributed. Ends at the second Dropout. Widths are divided by `narrow`."""
    wrap = L.TimeDistributed if frames else lambda layer: layer
    x = inputs = keras.Input((frames, 224, 224, 3) if frames else (224, 224, 3))
    for b, widths in enumerate(BLOCKS, 1):
        for n, width in enumerate(widths, 1):
            x = wrap(L.Conv2D(width // narrow, (3, 3), padding="same", activation="relu", name=f"conv{b}_{n}"))(x)
        x = wrap(L.MaxPooling2D((2, 2), strides=(2, 2)))(x)
    x = L.Dropout(0.5)(wrap(L.Conv2D(4096 // narrow, (7, 7), activation="relu", name="fc6"))(x))
    x = L.Dropout(0.5)(wrap(L.Conv2D(4096 // narrow, (1, 1), activation="relu", name="fc7"))(x))
    return inputs, x


def face(x):
    return L.Activation("softmax")(L.Flatten()(L.Conv2D(2622, (1, 1), activation="relu", name="fc8")(x)))


def conv_head(width):
    def head(x):
        x = L.Conv2D(width, (1, 1), activation="relu", name="fc8")(x)
        return L.Dense(2, activation="softmax")(L.Flatten()(L.Dropout(0.2)(x)))

    return head


def dense_head(x):
    return L.Dense(2, activation="softmax")(L.Dropout(0.2)(L.Dense(2048)(L.Flatten()(x))))


def convlstm_head(x):
    x = L.ConvLSTM2D(2049, (1, 1), activation="relu", name="fc8")(x)
    return L.Dense(2, activation="softmax")(L.Flatten()(L.Dropout(0.2)(x)))


def lstm_head(x):
    x = L.LSTM(30, dropout=0.2, return_sequences=False)(L.TimeDistributed(L.Flatten())(x))
    return L.Dense(2, activation="softmax")(x)


def without_values(source, target):
    """The same groups, attributes and datasets; no dataset is written to."""
    with h5py.File(source) as a, h5py.File(target, "w") as b:
        def copy(name, item):
            made = b.create_group(name) if isinstance(item, h5py.Group) else b.create_dataset(name, item.shape, item.dtype)
            for key in item.attrs:
                made.attrs[key] = item.attrs[key]
        for key in a.attrs:
            b.attrs[key] = a.attrs[key]
        a.visititems(copy)


for name, total, frames, head, *narrow in (
    ("vggface", 145_002_878, None, face),
    ("conv-4096", 151_050_050, None, conv_head(4096)),
    ("conv-2048", 142_655_298, None, conv_head(2048)),
    ("dense-2048", 142_655_298, None, dense_head),
    ("convlstm-2049", 184_637_260, 7, convlstm_head),
    ("lstm-30", 134_755_846, 7, lstm_head),
    ("lstm-narrow", 150_684, 7, lstm_head, 32),
):
    if name not in (sys.argv[1:] or name):
        continue
    keras.backend.clear_session()
    inputs, x = features(frames, *narrow)
    model = keras.Model(inputs, head(x))
    assert model.count_params() == total, (name, model.count_params())
    with tempfile.TemporaryDirectory() as folder:
        whole, bare = os.path.join(folder, "whole.h5"), os.path.join(folder, "bare.h5")
        model.save(whole, save_format="h5")
        without_values(whole, bare)
        with open(bare, "rb") as file, open(os.path.join(HERE, f"keras-{name}.h5.gz"), "wb") as raw:
            with gzip.GzipFile("", "wb", 9, raw, 0) as out:
                out.write(file.read())
    print(name, total, os.path.getsize(os.path.join(HERE, f"keras-{name}.h5.gz")))
