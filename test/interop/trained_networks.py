"""Which networks are trained to find out how far `layout-suspect` and `looks-initial` can be trusted: a few in every interop job, many by hand.

    python trained_networks.py torch|keras FOLDER      the calibration set (minutes), in the environment of that framework

Then `npx tsx test/collections/calibrate-findings.ts FOLDER` prints the table of docs/findings.md.
"""
import importlib
import os
import sys

USUAL = {
    "task": "digits", "size": 28, "channels": 1, "blocks": ((16,), (32,)), "head": (64,), "norm": False, "init": "default", "dropout": 0.0,
    "optimizer": "adam", "rate": 1e-3, "decay": 0.0, "frozen": "", "new-head": False, "seed": 1, "steps": (0, 200),
}
VGG11 = ((8,), (16,), (24, 24), (32, 32), (32, 32))
DEEP = {"blocks": VGG11, "size": 96, "channels": 3, "head": (64, 64), "norm": True, "init": "he"}


# The smallest that is recognised as a VGG: looks-initial looks at recognised networks only.
COMPACT = {"blocks": ((8, 8), (16, 16, 16), (32, 32, 32)), "size": 32, "head": (64, 32)}


def network(name, **changes):
    return {**USUAL, "name": name, **changes}


FEW = [
    network("plain"),
    network("stripes-xavier", task="stripes", init="xavier", head=(64, 32)),
    network("he-sgd", init="he", optimizer="sgd", rate=0.02, steps=(300,)),
    network("compact-norm", **COMPACT, norm=True, init="he"),
    network("compact-new-head", **COMPACT, norm=True, init="xavier", steps=(100,), **{"new-head": True}),
    network("compact-frozen", **COMPACT, norm=True, frozen="features", steps=(100,)),
]

LONG = (0, 10, 30, 100, 300, 1000)
MANY = [
    network("compact-default-adam", **COMPACT, steps=LONG, seed=31),
    network("compact-norm-sgd", **COMPACT, norm=True, init="he-out", optimizer="sgd", rate=0.02, steps=LONG, seed=32),
    network("compact-xavier-adam", **COMPACT, init="xavier", task="stripes", steps=LONG, seed=33),
    network("compact-he-sgd", **COMPACT, init="he", optimizer="sgd", rate=0.01, decay=5e-4, steps=LONG, seed=34),
    network("compact-new-head", **COMPACT, norm=True, init="xavier", steps=(300,), seed=35, **{"new-head": True}),
    network("compact-frozen-features", **COMPACT, norm=True, frozen="features", init="he", steps=(30, 300), seed=36),
    network("compact-frozen-classifier", **COMPACT, norm=True, frozen="classifier", steps=(300,), seed=37),
    network("compact-truncated-adam", **COMPACT, norm=True, init="truncated", steps=LONG, seed=38),
    network("compact-norm-default-adam", **COMPACT, norm=True, steps=LONG, seed=39),
    network("compact-orthogonal", **COMPACT, norm=True, init="orthogonal", steps=LONG[:5], seed=40),
    network("default-adam", steps=LONG, seed=2),
    network("stripes-16", task="stripes", init="xavier", steps=LONG, seed=3),
    network("he-sgd-norm", init="he-out", norm=True, optimizer="sgd", rate=0.02, steps=LONG, seed=4),
    network("vgg11-digits", **{**DEEP, "steps": (0, 30, 100, 300)}, seed=5),
    network("truncated-sgd", init="truncated", optimizer="sgd", rate=0.01, steps=LONG, seed=6),
    network("decay-dropout", init="he", optimizer="sgd", rate=0.02, decay=5e-4, dropout=0.5, head=(128, 64), steps=LONG, seed=7),
    network("new-head-xavier", init="xavier", steps=(300,), seed=8, **{"new-head": True}),
    network("frozen-features-he", frozen="features", init="he", steps=(30, 300), seed=9),
    network("frozen-classifier", frozen="classifier", steps=(300,), seed=10),
    network("few-outputs", head=(), steps=LONG, seed=11),
    network("vgg11-stripes", **{**DEEP, "task": "stripes", "init": "xavier", "size": 128, "steps": (0, 30, 100, 300)}, seed=12),
    network("normal-adam", init="normal", steps=LONG, seed=13),
    network("stripes-8", task="stripes", blocks=((8,), (16,)), init="he", steps=LONG, seed=14),
    network("large-places", blocks=((8,), (16,)), size=64, channels=3, steps=LONG[:5], seed=15),
    network("vgg11-no-norm", **{**DEEP, "norm": False, "steps": (0, 100, 300)}, seed=16),
    network("wide", blocks=((32,), (64,)), head=(256,), dropout=0.3, init="xavier", steps=LONG[:5], seed=17),
    network("default-sgd", optimizer="sgd", rate=0.01, steps=LONG, seed=18),
    network("orthogonal", init="orthogonal", steps=LONG, seed=19),
    network("stripes-norm", task="stripes", norm=True, optimizer="sgd", rate=0.02, steps=LONG, seed=20),
    network("long", steps=(3000,), seed=21),
]


def check(framework, folder):
    return importlib.import_module(f"train_{framework}").check(FEW, folder)


if __name__ == "__main__":
    os.makedirs(sys.argv[2], exist_ok=True)
    print(importlib.import_module(f"train_{sys.argv[1]}").check(MANY, sys.argv[2]))
