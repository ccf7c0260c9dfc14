"""Which networks are trained to find out how far `layout-suspect` and `looks-initial` can be trusted: a few in every interop job, many by hand.

    python trained_networks.py torch|keras FOLDER      the calibration set (minutes), in the environment of that framework

Then `npx tsx scripts/calibrate-findings.ts FOLDER` prints the table of docs/findings.md.
"""
import importlib
import os
import sys

USUAL = {
    "task": "digits", "size": 28, "channels": 1, "blocks": ((16,), (32,)), "head": (64,), "norm": False, "init": "default", "dropout": 0.0,
    "optimizer": "adam", "rate": 1e-3, "decay": 0.0, "frozen": "", "new-head": False, "seed": 1, "steps": (0, 300),
}
VGG11 = ((8,), (16,), (24, 24), (32, 32), (32, 32))
DEEP = {"blocks": VGG11, "size": 96, "channels": 3, "head": (64, 64), "init": "he", "steps": (0, 200)}


def network(name, **changes):
    return {**USUAL, "name": name, **changes}


FEW = [
    network("plain"),
    network("norm-sgd", norm=True, init="he", optimizer="sgd", rate=0.02),
    network("stripes-xavier", task="stripes", init="xavier", head=(64, 32)),
    network("vgg11-norm", **{**DEEP, "norm": True, "steps": (0, 120)}),
    network("new-head", steps=(300,), **{"new-head": True}),
    network("frozen-features", frozen="features", init="xavier", steps=(200,)),
]

LONG = (0, 10, 30, 100, 300, 1000, 3000)
MANY = [
    *(network(f"digits-{init}-{optimizer}", init=init, optimizer=optimizer, rate=rate, steps=LONG, seed=seed)
      for seed, init in enumerate(("default", "xavier", "he", "truncated", "normal"), 2)
      for optimizer, rate in (("adam", 1e-3), ("sgd", 0.01))),
    *(network(f"stripes-{width}", task="stripes", blocks=((width,), (2 * width,)), steps=LONG, seed=width) for width in (8, 16, 32)),
    *(network(f"norm-{task}", task=task, norm=True, init="he-out", optimizer="sgd", rate=0.02, steps=LONG, seed=20) for task in ("digits", "stripes")),
    network("decay", init="he", optimizer="sgd", rate=0.02, decay=5e-4, dropout=0.5, head=(128, 64), steps=LONG, seed=21),
    network("wide", blocks=((32,), (64,)), head=(256,), dropout=0.3, steps=LONG[:6], seed=22),
    network("few-outputs", head=(), steps=LONG, seed=23),
    network("large-places", blocks=((8,), (16,)), size=64, channels=3, steps=LONG[:6], seed=24),
    network("orthogonal", init="orthogonal", steps=LONG, seed=25),
    *(network(f"vgg11-{task}-{norm}", **{**DEEP, "task": task, "norm": norm, "size": size, "steps": (0, 30, 100, 300, 1000), "seed": 30 + size})
      for task, norm, size in (("digits", True, 96), ("stripes", True, 96), ("digits", False, 96), ("stripes", True, 128), ("digits", True, 224))),
    *(network(f"new-head-{init}", init=init, steps=(1000,), seed=40, **{"new-head": True}) for init in ("default", "xavier", "he", "truncated")),
    *(network(f"frozen-features-{init}", frozen="features", init=init, steps=(100, 1000), seed=41) for init in ("default", "xavier", "he")),
    network("frozen-classifier", frozen="classifier", steps=(1000,), seed=42),
]


def check(framework, folder):
    return importlib.import_module(f"train_{framework}").check(FEW, folder)


if __name__ == "__main__":
    os.makedirs(sys.argv[2], exist_ok=True)
    print(importlib.import_module(f"train_{sys.argv[1]}").check(MANY, sys.argv[2]))
