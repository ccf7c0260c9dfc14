import { describe, expect, test } from "vitest";
import { found, read, torchModule, unread } from "./support.ts";

describe("PyTorch layers that are never registered", () => {
  test.each<[name: string, lines: readonly string[], expected: string]>([
    ["one attribute in a loop", ["for i in range(3):", "    self.conv = nn.Conv2d(3, 3, 3)"], "Net.conv replaced 6: nn.Conv2d"],
    ["one name in a loop", ["for i in range(3):", "    self.add_module('conv', nn.Conv2d(3, 3, 3))"], "Net.conv replaced 6: nn.Conv2d"],
    ["a local name", ["conv = nn.Conv2d(3, 3, 3)", "self.fc = nn.Linear(1, 2)"], "Net. dropped 5: nn.Conv2d"],
    ["no name", ["nn.Conv2d(3, 3, 3)"], "Net. dropped 5: nn.Conv2d"],
    ["__dict__", ["self.__dict__['conv'] = nn.Conv2d(3, 3, 3)"], "Net.conv outside 5: nn.Conv2d"],
    ["object.__setattr__", ["object.__setattr__(self, 'conv', nn.Conv2d(3, 3, 3))"], "Net.conv outside 5: nn.Conv2d"],
    ["a walrus in a list", ["self.convs = [c := nn.Conv2d(3, 3, 3)]"], "Net.convs list 5: nn.Conv2d"],
    [
      "a case of match",
      ["match cfg:", "    case {'a': [x, *y]} if x:", "        self.c = [nn.Conv2d(3, 3, 3)]"],
      "Net.c list 7: nn.Conv2d",
    ],
    ["setattr of a list", ["setattr(self, 'c' + cfg, [nn.Conv2d(3, 3, 3)])"], "Net.that setattr sets list 5: nn.Conv2d"],
    ["a generator", ["self.cs = (nn.Conv2d(3, 3, k) for k in (1, 2))"], "Net.cs iterator 5: nn.Conv2d"],
    ["a dictionary by keywords", ["self.h = dict(a=nn.Linear(1, 2))"], "Net.h dict 5: nn.Linear"],
    ["a dictionary by keys", ["self.h = {}", "for k in 'ab':", "    self.h[f'{k!r:>{cfg}}'] = nn.Linear(1, 2)"], "Net.h dict 5: nn.Linear"],
    ["the rest of an unpacked list", ["self.a, *self.rest = [nn.Linear(1, 2), nn.Conv2d(1, 2, 3)]"], "Net.rest list 5: nn.Conv2d"],
    ["copies", ["import copy", "a = nn.Linear(1, 2)", "self.ls = [copy.deepcopy(a) for _ in cfg]"], "Net.ls list 7: nn.Linear"],
    ["pairs", ["self.p = list(zip([nn.Linear(1, 2)], [nn.ReLU()]))"], "Net.p list 5: nn.Linear"],
    ["partial", ["from functools import partial", "make = partial(nn.Conv2d, 3)", "self.c = [make(k) for k in cfg]"], "Net.c list 7: make"],
    ["a parameter that is cast", ["self.w = nn.Parameter(cfg).cuda()"], "Net. dropped 5: nn.Parameter"],
    ["a yielding helper", ["def make():", "    yield nn.Linear(1, 2)", "self.c = list(make())"], "Net.c list 7: make"],
  ])("%s", (_, lines, expected) => expect(found(torchModule(lines))).toEqual([expected]));

  test.each<[name: string, lines: readonly string[]]>([
    ["setattr with a changing name", ["for i in range(3):", "    setattr(self, f'conv{i}', nn.Conv2d(3, 3, 3))"]],
    ["add_module with a changing name", ["for i in range(3):", "    self.add_module('conv%d' % i, nn.Conv2d(3, 3, 3))"]],
    ["a loop that keeps one under a condition", ["for i in range(3):", "    if i == 0:", "        self.first = nn.Conv2d(3, 3, 3)"]],
    ["a ModuleList that grows", ["self.c = nn.ModuleList()", "self.c = self.c + [nn.Linear(1, 2)]", "self.c.append(nn.Linear(1, 2))"]],
    ["a list that becomes a ModuleList", ["self.c = [nn.Linear(1, 2)]", "self.c = nn.ModuleList(self.c)"]],
    ["a list that is registered beside", ["ls = [nn.Linear(1, 2)]", "self.net = nn.Sequential(*ls)", "self.ls = ls"]],
    ["a layer made on the device", ["self.fc = nn.Linear(1, 2).to('cuda').eval()"]],
    ["an unknown wrapper of a layer", ["from torch.nn.utils import weight_norm", "self.fc = weight_norm(nn.Linear(1, 2))"]],
  ])("registered: %s", (_, lines) => {
    expect(found(torchModule(lines))).toEqual([]);
    expect(read(torchModule(lines))).toEqual(["Net"]);
  });

  test("in the body of the class", () => {
    expect(found("from torch import nn\nclass A(nn.Module):\n    convs = [nn.Conv2d(3, 3, 3)]\n")).toEqual(["A.convs class 3: nn.Conv2d"]);
  });

  test("in a property, which makes it anew whenever it is asked for", () => {
    const text =
      "from torch import nn\nclass A(nn.Module):\n    @property\n    def head(self):\n        return nn.Linear(1, 2)\n    def forward(self, x):\n        return self.head(x)\n";
    expect(found(text)).toEqual(["A. forward 5: nn.Linear"]);
  });

  test("made once, when the first picture comes, is no fault", () => {
    expect(
      found(torchModule(["self.fc = None"], ["if self.fc is None:", "    self.fc = nn.Linear(x.shape[1], 2)", "return self.fc(x)"])),
    ).toEqual([]);
  });

  test("by a mixin, in a nested class, in a class within a function, under a condition", () => {
    const mixin =
      "class Mixin:\n    def build(self):\n        self.heads = [nn.Linear(1, 2)]\nclass A(Mixin, nn.Module):\n    def __init__(self):\n        self.build()\n";
    const inner =
      "class B(nn.Module):\n    class Block(nn.Module):\n        def __init__(self):\n            self.ls = [nn.Linear(1, 2)]\n";
    const local = "def make():\n    class C(nn.Module):\n        def __init__(self):\n            self.ls = (nn.Linear(1, 2),)\n";
    const maybe = "if nn:\n    class D(nn.Module):\n        def __init__(self):\n            self.ls = {nn.Linear(1, 2)}\n";
    const imports = "try:\n    from torch import nn\nexcept ImportError:\n    nn = None\n";
    expect(found(imports + mixin)).toEqual(["A.heads list 7: nn.Linear"]);
    expect(found(imports + inner)).toEqual(["Block.ls list 8: nn.Linear"]);
    expect(found(imports + local)).toEqual(["C.ls tuple 8: nn.Linear"]);
    expect(found(imports + maybe)).toEqual(["D.ls set 8: nn.Linear"]);
  });

  test("what a constructor is given in the file is followed", () => {
    const net =
      "from torch import nn\nclass A(nn.Module):\n    def __init__(self, features):\n        self.features = features\ndef make():\n    return RETURNS\nnet = A(make())\n";
    expect(found(net.replace("RETURNS", "[nn.Linear(1, 2)]"))).toEqual(["A.features list 4: make"]);
    expect(found(net.replace("RETURNS", "nn.Sequential(nn.Linear(1, 2))"))).toEqual([]);
  });

  test("each definition of a name is checked", () => {
    const broken = "class A(nn.Module):\n    def __init__(self):\n        self.c = [nn.Linear(1, 2)]\n";
    const mended = "class A(nn.Module):\n    def __init__(self):\n        self.c = nn.ModuleList([nn.Linear(1, 2)])\n";
    expect(found(`from torch import nn\n${broken}net = A()\n${mended}`)).toEqual(["A.c list 4: nn.Linear"]);
    expect(read(`from torch import nn\n${broken}net = A()\n${mended}`)).toEqual(["A", "A"]);
  });
});

describe("a constructor that never runs", () => {
  const net = (name: string, base = "__init__"): string =>
    `from torch import nn\nclass A(nn.Module):\n    def ${name}(self):\n        super().${base}()\n        self.fc = nn.Linear(1, 2)\n`;

  test.each(["_init_", "__int__", "__inti__", "__init", "_init__", "__ini__", "__initt__", "__Init__"])("%s", (name) => {
    expect(found(net(name))).toEqual([`A.${name} never-runs 3: nn.Linear`]);
    expect(found(net(name, name))).toEqual([`A.${name} never-runs 3: nn.Linear`]);
  });

  test("a helper that something calls is none", () => {
    expect(found(`${net("_init")}    def __init__(self):\n        self._init()\n`)).toEqual([]);
    expect(found(`${net("_init_")}a = A()\na._init_()\n`)).toEqual([]);
  });

  test("the first of two; one that is no method", () => {
    expect(found(`${net("__init__")}    def __init__(self, n):\n        super().__init__()\n`)).toEqual(["A.__init__ never-runs 3: "]);
    expect(found("from torch import nn\nclass A(nn.Module):\n    pass\ndef __init__(self):\n    self.fc = nn.Linear(1, 2)\n")).toEqual([
      "A.__init__ never-runs 4: ",
    ]);
  });
});

describe("other frameworks", () => {
  test("Chainer registers within init_scope, what super().__init__ is given, and add_link", () => {
    const net = (lines: string): string =>
      `import chainer\nimport chainer.links as L\nclass A(chainer.Chain):\n    def __init__(self):\n${lines}`;
    expect(
      found(
        net(
          "        super().__init__()\n        with self.init_scope():\n            self.c = L.Convolution2D(3, 3, 3)\n            self.l = [L.Linear(1, 2)]\n        self.fc = L.Linear(1, 2)\n",
        ),
      ),
    ).toEqual(["A.l list 8: L.Linear", "A.fc outside 9: L.Linear"]);
    const old = net("        super(A, self).__init__(c=L.Convolution2D(3, 3, 3))\n        self.add_link('x', L.Linear(1, 2))\n");
    expect([found(old), read(old)]).toEqual([[], ["A"]]);
  });

  test("tf.Module tracks lists and no sets; what it makes when called is new every time", () => {
    const net =
      "import tensorflow as tf\nD = tf.keras.layers.Dense\nclass A(tf.Module):\n    def __init__(self):\n        self.l = [D(3)]\n        self.s = {D(3)}\n    def __call__(self, x):\n        return D(3)(x)\n";
    expect(found(net)).toEqual(["A.s set 6: D", "A. forward 8: D"]);
  });

  test("Keras tracks lists, and looks into no plain object and no Lambda", () => {
    const keras = "from tensorflow import keras\n";
    const held =
      "class B:\n    def __init__(self):\n        self.d = keras.layers.Dense(3)\nclass A(keras.Model):\n    def __init__(self):\n        self.bs = [B(), keras.layers.Dense(3)]\n";
    expect(found(keras + held)).toEqual(["A.bs object 7: keras.layers.Dense"]);
    const lambda =
      "class A(keras.Model):\n    def __init__(self):\n        self.l = keras.layers.Lambda(lambda x: keras.layers.Dense(3)(x))\n";
    expect(found(keras + lambda)).toEqual(["A. forward 4: keras.layers.Dense"]);
  });

  test("Gluon and MindSpore look into no list", () => {
    const gluon =
      "from mxnet import gluon\nfrom mxnet.gluon import nn\nclass A(gluon.HybridBlock):\n    def __init__(self):\n        with self.name_scope():\n            self.l = [nn.Conv2D(3, 3)]\n            self.ok = nn.HybridSequential()\n            self.ok.add(nn.Dense(3))\n";
    expect(found(gluon)).toEqual(["A.l list 6: nn.Conv2D"]);
    const mindspore =
      "import mindspore.nn as nn\nclass A(nn.Cell):\n    def __init__(self):\n        self.l = [nn.Dense(3, 3)]\n        self.ok = nn.CellList([nn.Dense(1, 1)])\n";
    expect(found(mindspore)).toEqual(["A.l list 4: nn.Dense"]);
  });

  test("networks of libraries are layers, and so are their parts", () => {
    const net =
      "from torch import nn\nfrom torchvision import models\nclass A(nn.Module):\n    def __init__(self):\n        vgg = models.vgg16(pretrained=True).features\n        self.l = [vgg[:4].eval(), vgg[4:9]]\n";
    expect(found(net)).toEqual(["A.l list 6: models.vgg16"]);
    expect(found(net.replace("[vgg[:4].eval(), vgg[4:9]]", "vgg"))).toEqual([]);
  });
});

describe("what is made elsewhere", () => {
  const net = (line: string): string =>
    `from torch import nn\nfrom blocks import Block, make\nclass A(nn.Module):\n    def __init__(self, layers, *more):\n        ${line}\n    def forward(self, x):\n        for l in self.l:\n            x = l(x)\n        return x\n`;

  test("and called out of a plain list is a warning that says so", () => {
    expect(found(net("self.l = [Block(1), Block(2)]"))).toEqual(["A.l list 5: "]);
    expect(found(net("self.l = more"))).toEqual(["A.l tuple 5: "]);
    expect(found(net("self.l = nn.ModuleList([Block(1)])"))).toEqual([]);
  });

  test("and may be a list leaves the class unread", () => {
    expect([found(net("self.l = make(3)")), read(net("self.l = make(3)"))]).toEqual([[], []]);
    expect(unread(net("self.l = make(3)"))).toEqual([
      "5: class A calls the elements of attribute l, which is what make(…) gives (imported from blocks): in a plain list they would not be registered",
    ]);
    expect(unread(net("self.l = layers"))).toHaveLength(1);
    expect(unread(net("self.l = nn.ModuleList(layers)"))).toEqual([]);
  });
});
