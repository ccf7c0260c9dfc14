"""Loads a state dict with torch.load (weights only) into torchvision's VGG layout and compares its logits.

    check_torch.py FILE.pth INPUT.npy LOGITS.npy [REFERENCE.pth]

torchvision itself has no CPU wheel beside this torch; its modules are `features` and `classifier`, built here with the widths of the file.
With REFERENCE.pth, which torch wrote, every tensor has to be equal bit for bit.
"""
import sys

import numpy as np
import torch
from torch import nn

path, input_file, logits_file, *reference = sys.argv[1:]
state = torch.load(path, weights_only=True)
features, classifier, channels, k = [], [], 3, 0
for block in (2, 2, 3, 3, 3):
    for _ in range(block):
        width = state[f"features.{k}.weight"].shape[0]
        features += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        channels, k = width, k + 2
    features.append(nn.MaxPool2d(2))
    k += 1
for index in (0, 3, 6):
    out, inputs = state[f"classifier.{index}.weight"].shape
    classifier += [nn.Linear(inputs, out)] + ([nn.ReLU(), nn.Dropout()] if index < 6 else [])


class VGG(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


net = VGG().eval()
net.load_state_dict(state, strict=True)
with torch.no_grad():
    logits = net(torch.from_numpy(np.load(input_file))).numpy()
expected = np.load(logits_file)
error = np.abs(logits - expected).max() / np.abs(expected).max()
assert error <= 1e-4, f"logits differ by {error:.2e} of the largest"
if reference:
    other = torch.load(reference[0], weights_only=True)
    assert list(other) == list(state), "names differ"
    for name, tensor in other.items():
        assert tensor.dtype == state[name].dtype and tensor.shape == state[name].shape, name
        assert tensor.numpy().tobytes() == state[name].numpy().tobytes(), f"{name} differs"
print(f"ok torch: logits within {error:.1e}" + (", bytes equal torch's own" if reference else ""))
