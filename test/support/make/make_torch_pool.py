"""fixtures/cases/vgg11-7x7.pth: a narrow VGG-11 with torchvision's names, and its logits for a picture that is not 224 × 224.

    python test/support/make/make_torch_pool.py        (PyTorch 2.13.0; prints what test/cli/cases-c.test.ts expects)

What enters the head is 7 × 7 by an adaptive average pool, whatever the picture's size.
"""

import os

import torch
from torch import nn

torch.manual_seed(11)
layers, channels = [], 3
for count, width in zip((1, 1, 2, 2, 2), (2, 3, 4, 5, 6)):
    for _ in range(count):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        channels = width
    layers.append(nn.MaxPool2d(2))
model = nn.Module()
model.features = nn.Sequential(*layers)
model.classifier = nn.Sequential(
    nn.Linear(6 * 49, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5)
)
model.eval()
torch.save(model.state_dict(), os.path.join(os.path.dirname(__file__), "..", "..", "..", "fixtures", "cases", "vgg11-7x7.pth"))

height, width = 320, 256
image = ((torch.arange(3 * height * width) * 37 % 101 - 50) / 64).reshape(1, 3, height, width).double()
with torch.no_grad():
    features = model.double().features(image)
    pooled = nn.functional.adaptive_avg_pool2d(features, (7, 7))
    print(tuple(features.shape), model.classifier(pooled.flatten(1)).tolist())
