"""What a Python engineer types today to see whether two checkpoints hold the same weights in different layouts.

    python diff_numpy.py vgg16.pth vgg16_hwio.safetensors
"""
import sys

import numpy as np
import torch
from safetensors.numpy import load_file

a = torch.load(sys.argv[1], map_location="cpu", weights_only=True, mmap=True)
b = load_file(sys.argv[2])
for (name, x), y in zip(a.items(), b.values()):
    x = x.numpy()
    if name == "classifier.0.weight":
        x = x.reshape(4096, 512, 7, 7).transpose(2, 3, 1, 0).reshape(25088, 4096)
    elif x.ndim > 1:
        x = x.transpose(2, 3, 1, 0) if x.ndim == 4 else x.T
    print(name, x.shape, np.abs(x - y).max())
