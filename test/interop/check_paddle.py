"""Loads a state dict with paddle.load into paddle.vision's VGG layout and compares its logits.

    check_paddle.py FILE.pdparams INPUT.npy LOGITS.npy [REFERENCE.pdparams]

The network has paddle.vision's names (`features`, `classifier`) with the widths of the file. With REFERENCE.pdparams, which Paddle wrote,
every tensor has to be equal bit for bit.
"""
import sys

import numpy as np
import paddle
from paddle import nn

path, input_file, logits_file, *reference = sys.argv[1:]
state = paddle.load(path)
features, classifier, channels, k = [], [], 3, 0
for block in (2, 2, 3, 3, 3):
    for _ in range(block):
        width = state[f"features.{k}.weight"].shape[0]
        features += [nn.Conv2D(channels, width, 3, padding=1), nn.ReLU()]
        channels, k = width, k + 2
    features.append(nn.MaxPool2D(2, 2))
    k += 1
for index in (0, 3, 6):
    inputs, out = state[f"classifier.{index}.weight"].shape
    classifier += [nn.Linear(inputs, out)] + ([nn.ReLU(), nn.Dropout()] if index < 6 else [])


class VGG(nn.Layer):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(paddle.flatten(self.features(x), 1))


net = VGG()
net.eval()
missing, unexpected = net.set_state_dict(state)
assert not missing and not unexpected, (missing, unexpected)
logits = net(paddle.to_tensor(np.load(input_file))).numpy()
expected = np.load(logits_file)
error = np.abs(logits - expected).max() / np.abs(expected).max()
assert error <= 1e-4, f"logits differ by {error:.2e} of the largest"
if reference:
    other = paddle.load(reference[0])
    assert set(other) == set(state), set(other) ^ set(state)
    for name, tensor in other.items():
        assert tensor.numpy().tobytes() == state[name].numpy().tobytes(), f"{name} differs"
print(f"ok paddle {paddle.__version__}: logits within {error:.1e}" + (", bytes equal Paddle's own" if reference else ""))
