"""Loads a state dict with paddle.load and set_state_dict into a network of its own, and compares its logits.

`vision` is paddle.vision's: its make_layers and its VGG with a narrower head. `clas` is PaddleClas' VGG-16: no convolution has a bias, and
dropout scales at inference. `convpool` and `face` are the networks of ../../../shared/design/cases.md A.
"""
import numpy as np
import paddle
from paddle import nn
from paddle.vision.models import vgg

from agreement import BLOCKS, logits_agree, same_arrays


def linear(state, name):
    return nn.Linear(*state[f"{name}.weight"].shape)


def vision(state, arch, norm):
    config, k = [], 0
    for block in BLOCKS[arch]:
        for _ in range(block):
            config.append(state[f"features.{k}.weight"].shape[0])
            k += 3 if norm else 2
        config.append("M")
        k += 1
    net = vgg.VGG(vgg.make_layers(config, batch_norm=norm), num_classes=0, with_pool=False)
    net.classifier = nn.Sequential(
        linear(state, "classifier.0"), nn.ReLU(), nn.Dropout(), linear(state, "classifier.3"), nn.ReLU(), nn.Dropout(), linear(state, "classifier.6")
    )
    net.num_classes = state["classifier.6.bias"].shape[0]
    return net


class Clas(nn.Layer):
    def __init__(self, state, arch, _norm):
        super().__init__()
        self.blocks = BLOCKS[arch]
        for b, block in enumerate(self.blocks, 1):
            stage = nn.Layer()
            for n in range(1, block + 1):
                out, inputs = state[f"conv_block_{b}.conv{n}.weight"].shape[:2]
                stage.add_sublayer(f"conv{n}", nn.Conv2D(inputs, out, 3, padding=1, bias_attr=False))
            self.add_sublayer(f"conv_block_{b}", stage)
        self.fc1, self.fc2, self.fc3 = (linear(state, f"fc{n}") for n in (1, 2, 3))
        self.drop = nn.Dropout(0.5, mode="downscale_in_infer")

    def forward(self, x):
        for b, block in enumerate(self.blocks, 1):
            stage = getattr(self, f"conv_block_{b}")
            for n in range(1, block + 1):
                x = nn.functional.relu(getattr(stage, f"conv{n}")(x))
            x = nn.functional.max_pool2d(x, 2, 2)
        x = self.drop(nn.functional.relu(self.fc1(paddle.flatten(x, 1))))
        return self.fc3(self.drop(nn.functional.relu(self.fc2(x))))


class Convpool(nn.Layer):
    def __init__(self, state, arch, _norm):
        super().__init__()
        self.blocks = BLOCKS[arch]
        for b, block in enumerate(self.blocks, 1):
            stage = nn.Layer()
            for n in range(block):
                out, inputs = state[f"convpool0{b}.bb_{n}.weight"].shape[:2]
                stage.add_sublayer(f"bb_{n}", nn.Conv2D(inputs, out, 3, padding=1))
            self.add_sublayer(f"convpool0{b}", stage)
        self.fc01, self.fc02, self.fc03 = (linear(state, f"fc0{n}") for n in (1, 2, 3))

    def forward(self, x):
        for b, block in enumerate(self.blocks, 1):
            stage = getattr(self, f"convpool0{b}")
            for n in range(block):
                x = nn.functional.relu(getattr(stage, f"bb_{n}")(x))
            x = nn.functional.max_pool2d(x, 2, 2)
        x = nn.functional.relu(self.fc01(paddle.flatten(x, 1)))
        return self.fc03(nn.functional.relu(self.fc02(x)))


class Face(nn.Layer):
    NAMES = ("vgg_block3_64", "vgg_block64_128", "vgg_block128_256", "vgg_block256_512", "vgg_block512_512")

    def __init__(self, state, arch, _norm):
        super().__init__()
        self.blocks = BLOCKS[arch]
        for name, block in zip(self.NAMES, self.blocks):
            stage = nn.Layer()
            for n in range(block):
                out, inputs = state[f"{name}._conv_bn_{n}.conv.weight"].shape[:2]
                pair = nn.Layer()
                pair.conv = nn.Conv2D(inputs, out, 3, padding=1, bias_attr=False)
                pair.bn = nn.BatchNorm(out)
                stage.add_sublayer(f"_conv_bn_{n}", pair)
            self.add_sublayer(name, stage)
        self.fc1, self.fc2, self.fc3 = (linear(state, f"fc{n}") for n in (1, 2, 3))

    def forward(self, x):
        for name, block in zip(self.NAMES, self.blocks):
            stage = getattr(self, name)
            for n in range(block):
                pair = getattr(stage, f"_conv_bn_{n}")
                x = nn.functional.relu(pair.bn(pair.conv(x)))
            x = nn.functional.max_pool2d(x, 2, 2)
        x = nn.functional.relu(self.fc1(paddle.flatten(x, 1)))
        return self.fc3(nn.functional.relu(self.fc2(x)))


NETWORKS = {"vision": vision, "clas": Clas, "convpool": Convpool, "face": Face}


def arrays(path):
    return {name: tensor.numpy() for name, tensor in paddle.load(path).items() if hasattr(tensor, "numpy")}


def check(path, input_file, logits_file, options):
    state = paddle.load(path)
    net = NETWORKS[options.get("network", "vision")](state, options.get("arch", "vgg16"), options.get("norm", False))
    net.eval()
    missing, unexpected = net.set_state_dict(state)
    assert not missing and not unexpected, (missing, unexpected)
    said = logits_agree(net(paddle.to_tensor(np.load(input_file))).numpy(), logits_file)
    if "reference" in options:
        said += ", " + same_arrays(arrays(path), arrays(options["reference"]))
    return f"paddle {paddle.__version__}: {said}"
