"""Loads a state dict with torch.load (weights only) and load_state_dict (strict) into a network of its own, and compares its logits.

torchvision itself has no CPU wheel beside this torch; its modules are `features` and `classifier`, built here with the widths of the file.
"""
import numpy as np
import torch
from torch import nn

from agreement import BLOCKS, logits_agree, same_arrays


class Vgg(nn.Module):
    """torchvision's VGG, or a small one: `body` and `head` name the two parts, `drops` is where dropout is in the head."""

    def __init__(self, state, arch, norm, body, head, fully):
        super().__init__()
        layers, channels, k = [], state[f"{body}.0.weight"].shape[1], 0
        for block in BLOCKS[arch]:
            for _ in range(block):
                width = state[f"{body}.{k}.weight"].shape[0]
                stage = [nn.Conv2d(channels, width, 3, padding=1)] + ([nn.BatchNorm2d(width)] if norm else []) + [nn.ReLU()]
                layers += stage
                channels, k = width, k + len(stage)
            layers.append(nn.MaxPool2d(2))
            k += 1
        tail = []
        for index in fully:
            out, inputs = state[f"{head}.{index}.weight"].shape
            # What is between has no weights: a ReLU where there is one place, and dropout where there are two.
            while len(tail) < index:
                tail.append(nn.Dropout() if len(tail) == 0 or isinstance(tail[-1], nn.ReLU) else nn.ReLU())
            tail.append(nn.Linear(inputs, out))
        setattr(self, body, nn.Sequential(*layers))
        setattr(self, head, nn.Sequential(*tail))
        self.parts = (body, head)

    def forward(self, x):
        body, head = (getattr(self, part) for part in self.parts)
        return head(torch.flatten(body(x), 1))


def arrays(path):
    """Without the counters of batches, which load_state_dict does not ask for where no version is recorded."""
    state = torch.load(path, weights_only=True, map_location="cpu")
    return {name: tensor.numpy() for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def check(path, input_file, logits_file, options):
    state = torch.load(path, weights_only=True)
    net = Vgg(
        state,
        options.get("arch", "vgg16"),
        options.get("norm", False),
        options.get("body", "features"),
        options.get("head", "classifier"),
        options.get("fully", [0, 3, 6]),
    )
    net.eval().load_state_dict(state, strict=True)
    with torch.no_grad():
        said = logits_agree(net(torch.from_numpy(np.load(input_file))).numpy(), logits_file)
    if "reference" in options:
        said += ", " + same_arrays(arrays(path), arrays(options["reference"]))
    return f"torch {torch.__version__}: {said}"
