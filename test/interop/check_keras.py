"""Loads full models with load_model, or weights with load_weights into a model of its own, and compares the logits.

The own model has Keras Applications' layers under Keras Applications' names, or a head of convolutions under Caffe's, with the widths of the file. A softmax at the end is taken off.
"""
import h5py
import numpy as np

try:
    from tensorflow import keras
except ImportError:
    import keras

from agreement import BLOCKS, logits_agree, same_arrays


def version():
    try:
        import tensorflow as tf

        return tf.keras.__version__
    except (ImportError, AttributeError):
        return getattr(keras, "__version__", "2")


# Names of convolutions, their batch norm, and the head: Keras Applications', and Caffe's, whose head is convolutions.
NAMES = {
    "applications": ("block{b}_conv{n}", "block{b}_bn{n}", ("fc1", "fc2", "predictions")),
    "caffe": ("conv{b}_{n}", "bn{b}_{n}", ("fc6", "fc7", "fc8")),
}


def own_model(canonical, shape, arch, epsilon, names):
    """`canonical`: an archive with conv1_1.bias … fc8.bias, which tell the widths."""
    with np.load(canonical) as archive:
        width = {name.removesuffix(".bias"): archive[name].shape[0] for name in archive.files if name.endswith(".bias")}
    layers = keras.layers
    conv, norm, head = NAMES[names]
    x = inputs = keras.Input(shape)
    for b, block in enumerate(BLOCKS[arch], 1):
        for n in range(1, block + 1):
            activation = None if epsilon else "relu"
            x = layers.Conv2D(width[f"conv{b}_{n}"], 3, padding="same", activation=activation, name=conv.format(b=b, n=n))(x)
            if epsilon:
                x = layers.ReLU(name=f"relu{b}_{n}")(layers.BatchNormalization(epsilon=epsilon, name=norm.format(b=b, n=n))(x))
        x = layers.MaxPooling2D(2, strides=2, name=f"pool{b}")(x)
    if names == "applications":
        x = layers.Flatten(name="flatten")(x)
    for k, (name, role) in enumerate(zip(head, ("fc6", "fc7", "fc8"))):
        activation = None if role == "fc8" else "relu"
        if names == "applications":
            x = layers.Dense(width[role], activation=activation, name=name)(x)
        else:
            kernel = tuple(x.shape[1:3]) if k == 0 else 1
            x = layers.Conv2D(width[role], kernel, activation=activation, name=name)(x)
    return keras.Model(inputs, x if names == "applications" else layers.Flatten(name="flatten")(x))


def run(model, input_file, logits_file):
    return logits_agree(model.predict(np.load(input_file).transpose(0, 2, 3, 1), verbose=0), logits_file)


def load(path, input_file, logits_file):
    model = keras.models.load_model(path, compile=False)
    last = model.layers[-1]
    kind = type(last).__name__
    if kind in ("Softmax", "Activation"):
        model = keras.Model(model.inputs, last.input)
    elif getattr(last, "activation", None) is not None:
        last.activation = keras.activations.linear
        model = keras.Model(model.inputs, model.outputs)
    return model, run(model, input_file, logits_file)


def datasets(path, group="/"):
    found = {}
    with h5py.File(path) as file:
        file[group].visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def check(path, input_file, logits_file, options):
    """`kind`: model, or how weights are loaded: weights (in the order of the layers), by-name."""
    kind = options.get("kind", "model")
    if kind == "model":
        model, said = load(path, input_file, logits_file)
        said += f", {model.count_params()} parameters"
    else:
        channels, height, width = np.load(input_file, mmap_mode="r").shape[1:]
        model = own_model(options["widths"], (height, width, channels), options.get("arch", "vgg16"), options.get("epsilon"), options.get("names", "applications"))
        model.load_weights(path, **({"by_name": True} if kind == "by-name" else {}))
        said = f"{kind}: " + run(model, input_file, logits_file)
    if "reference" in options:
        group = options.get("group", "/")
        said += ", " + same_arrays(datasets(path, group), datasets(options["reference"], options.get("reference_group", group)))
    return f"keras {version()}: {said}"

