"""Trains small VGG networks in PyTorch and saves state dicts along the way, each twice: as it is, and with fc6 in the order of channels-last.

    check(NETWORKS, FOLDER)

NETWORKS: rows of `trained_networks.py`. Adds lines to FOLDER/torch.jsonl: what each file is, for the one who judges what vggtool says of it.
"""
import os

import torch
from torch import nn

from training import BATCH, batches, samples, save_both, train_all


def build(row):
    features, channels, size = [], row["channels"], row["size"]
    for block in row["blocks"]:
        for width in block:
            features.append(nn.Conv2d(channels, width, 3, padding=1, bias=not row["norm"]))
            features += [nn.BatchNorm2d(width), nn.ReLU()] if row["norm"] else [nn.ReLU()]
            channels = width
        features.append(nn.MaxPool2d(2))
        size //= 2
    head, inputs = [], channels * size * size
    for width in row["head"]:
        head += [nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(row["dropout"])]
        inputs = width
    network = nn.Module()
    network.features, network.classifier = nn.Sequential(*features), nn.Sequential(*head, nn.Linear(inputs, 10))
    initialise(network, row["init"])
    return network, (channels, size)


def initialise(network, kind):
    for module in network.modules():
        if kind == "default" or not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        fill = {
            "xavier": nn.init.xavier_uniform_,
            "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
            "he-out": lambda weight: nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu"),
            "truncated": lambda weight: nn.init.trunc_normal_(weight, std=0.05, a=-0.1, b=0.1),
            "normal": lambda weight: nn.init.normal_(weight, std=0.03),
            "orthogonal": nn.init.orthogonal_,
        }[kind]
        fill(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def optimiser(row, parameters):
    if row["optimizer"] == "adam":
        return torch.optim.Adam(parameters, lr=row["rate"], weight_decay=row["decay"])
    return torch.optim.SGD(parameters, lr=row["rate"], momentum=0.9, weight_decay=row["decay"])


def forward(network, images):
    return network.classifier(network.features(images).flatten(1))


def weighted(part):
    return [name for name, module in part.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]


def train(row, folder):
    torch.manual_seed(row["seed"])
    # One: with two, each waits for the other by spinning when the machine has something else to do.
    torch.set_num_threads(1)
    network, (channels, side) = build(row)
    images, labels = (torch.from_numpy(each) for each in samples(row))
    frozen = {"": [], "features": [network.features], "classifier": [network.classifier]}[row["frozen"]]
    for part in frozen:
        part.requires_grad_(False)
    steps = optimiser(row, [each for each in network.parameters() if each.requires_grad])
    records, right = [], torch.zeros(0)
    for step, batch in batches(row, labels):
        if step in row["steps"]:
            accuracy = float(right[-10 * BATCH :].mean()) if len(right) else 0.0
            records += save(row, network, folder, step, accuracy, channels, side)
        for part in (network.features, network.classifier):
            part.train(part not in frozen)
        answers = forward(network, images[batch])
        steps.zero_grad()
        nn.functional.cross_entropy(answers, labels[batch]).backward()
        steps.step()
        right = torch.cat([right, (answers.argmax(1) == labels[batch]).float()])
    return records


def save(row, network, folder, step, accuracy, channels, side):
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    parts = {"features": network.features, "classifier": network.classifier}
    initial = [f"{name}.{inner}" for name, part in parts.items() for inner in weighted(part) if step == 0 or row["frozen"] == name]
    if row["new-head"] and step > 0:
        # Trained convolutions under a head that someone has just made.
        torch.manual_seed(row["seed"] + 1)
        fresh, _ = build(row)
        state.update({f"classifier.{name}": tensor for name, tensor in fresh.classifier.state_dict().items()})
        initial = [f"classifier.{name}" for name in weighted(network.classifier)]

    def turn():
        weight = state["classifier.0.weight"]
        state["classifier.0.weight"] = weight.reshape(-1, channels, side, side).permute(0, 2, 3, 1).reshape(weight.shape).contiguous()

    def write(file):
        torch.save(state, os.path.join(folder, f"{file}.pth"))
        return f"{file}.pth"

    return save_both("torch", row, step, accuracy, initial, "classifier.0", turn, write)


def check(networks, folder):
    return train_all("torch", train, networks, folder)
