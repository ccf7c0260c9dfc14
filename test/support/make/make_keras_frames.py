"""A narrow VGG-11 within TimeDistributed, in front of an LSTM, as Keras 3 writes it: fixtures/cases/frames.keras and frames.h5.gz.

    KERAS_BACKEND=torch python test/support/make/make_keras_frames.py       (Keras 3.12.0, PyTorch 2.13.0)

Keras stores the members of a .keras file; here they are deflated, which readers take as well.
"""

import gzip
import os
import tempfile
import zipfile

import keras
from keras import layers as L

HERE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures", "cases")
keras.utils.set_random_seed(11)

x = inputs = keras.Input((32, 64, 3))
for b, count in enumerate([1, 1, 2, 2, 2], 1):
    for n in range(1, count + 1):
        x = L.Conv2D(b + 1, 3, padding="same", activation="relu", name=f"block{b}_conv{n}")(x)
    x = L.MaxPooling2D(name=f"block{b}_pool")(x)
body = keras.Model(inputs, x, name="vgg11")

video = keras.Input((4, 32, 64, 3))
y = L.TimeDistributed(body, name="each_frame")(video)
y = L.TimeDistributed(L.Flatten(), name="rows")(y)
model = keras.Model(video, L.Dense(3, name="classes")(L.LSTM(5, name="lstm")(y)), name="video")

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "frames.keras")
    model.save(path)
    with zipfile.ZipFile(path) as stored, zipfile.ZipFile(os.path.join(HERE, "frames.keras"), "w", zipfile.ZIP_DEFLATED) as deflated:
        for member in stored.namelist():
            deflated.writestr(member, stored.read(member))
    path = os.path.join(folder, "frames.h5")
    model.save(path)
    with open(path, "rb") as file, open(os.path.join(HERE, "frames.h5.gz"), "wb") as out:
        out.write(gzip.compress(file.read(), 9, mtime=0))
