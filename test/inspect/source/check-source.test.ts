import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkSources } from "../../../src/inspect/source/check-source.ts";
import type { SourceProblem } from "../../../src/inspect/source/faults.ts";
import { readSources } from "../../../src/inspect/source/read-source.ts";
import { identify } from "../../../src/model/identify.ts";
import { describedFile } from "../../support/described-file.ts";
import { fixtures } from "../../support/paths.ts";

function source(name: string): string {
  return readFileSync(join(fixtures, "source", name), "utf8");
}

function findProblems(text: string): readonly SourceProblem[] {
  return checkSources([[{ file: "model.py", cell: null, text }]]).flatMap(({ problems }) => problems);
}

/** "class.attribute kind line: makers" */
function found(text: string): readonly string[] {
  return findProblems(text).map(
    ({ className, attribute, kind, line, makers }) => `${className}.${attribute ?? ""} ${kind} ${line}: ${makers.join(" ")}`,
  );
}

describe("the four Paddle networks", () => {
  test("VGGNet registers with add_sublayer: silent", () => expect(found(source("paddle-vggnet.py"))).toEqual([]));
  test("vgg_face registers with add_sublayer and setattr: silent", () => expect(found(source("paddle-face.py"))).toEqual([]));
  test("VGGNet2 makes its batch norm inside forward", () => {
    expect(found(source("paddle-vggnet2.py"))).toEqual(["ConvPool2. forward 17: fluid.layers.batch_norm"]);
  });
  test("vgg_face_question keeps its convolutions in a plain list", () => {
    const [problem] = findProblems(source("paddle-face-question.py"));
    expect(found(source("paddle-face-question.py"))).toEqual(["vgg_block.layers list 18: conv_bn"]);
    expect(problem?.madeOn).toEqual([20]);
    expect(problem?.message).toContain("class vgg_block keeps layers made by conv_bn(…) in a plain list, attribute layers (line 18)");
    expect(problem?.fix).toContain("self.layers = fluid.dygraph.LayerList(…), or self.add_sublayer(name, layer)");
  });
});

describe("with a checkpoint", () => {
  test("the place explains the missing convolutions", () => {
    const checkpoint = describedFile({
      format: "paddle",
      tensors: [
        ["fc1.weight", [25088, 4096]],
        ["fc1.bias", [4096]],
        ["fc2.weight", [4096, 1024]],
        ["fc2.bias", [1024]],
        ["fc3.weight", [1024, 128]],
        ["fc3.bias", [128]],
      ],
    });
    const [finding, ...more] = checkSources(
      [[{ file: "model.py", cell: null, text: source("paddle-face-question.py") }]],
      identify(checkpoint),
    ).flatMap(({ faults }) => faults);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: "layers-unregistered", severity: "error" });
    expect(finding?.layers).toHaveLength(13);
    expect(finding?.message).toMatch(
      /^model\.py:18: .*\(made on line 20\); this explains why conv1_1, .*and their batch norm are missing from the checkpoint$/,
    );
  });
});

describe("PyTorch and Paddle code", () => {
  test("that registers everything is silent", () => expect(found(source("torch-vggnet.py"))).toEqual([]));

  test("that does not is named place by place", () => {
    expect(found(source("torch-wrong.py"))).toEqual([
      "Stage.layers list 12: conv_bn",
      "Heads.heads dict 25: nn.Linear",
      "Heads.pair tuple 26: nn.Linear",
      "Heads. forward 30: nn.BatchNorm1d",
      "Uses.helper object 42: nn.Linear",
      "Uses.levels list 43: nn.Conv2d",
    ]);
  });

  test("of Paddle 2: LayerList, Sequential of pairs and returned sublayers are silent, map over a list is not", () => {
    expect(found(source("paddle-modern.py"))).toEqual(["Broken.stages list 40: ConvBlock", "Broken. forward 43: paddle.static.nn.fc"]);
  });

  test.each([
    ["ModuleList of a comprehension", "self.a = nn.ModuleList([nn.Linear(1, 2) for _ in range(3)])"],
    [
      "a list registered in a loop later",
      "self.a = [nn.Linear(1, 2)]\n        for i, l in enumerate(self.a):\n            self.add_module(str(i), l)",
    ],
    ["register_module", "l = nn.Linear(1, 2)\n        self.register_module('l', l)\n        self.a = [l]"],
    [
      "setattr",
      "self.a = []\n        for i in range(2):\n            l = nn.Linear(1, 2)\n            setattr(self, f'l{i}', l)\n            self.a.append(l)",
    ],
    ["Sequential of a starred list", "ls = []\n        ls += [nn.Linear(1, 2)]\n        self.a = nn.Sequential(*ls)"],
    ["Sequential of an OrderedDict", "self.a = nn.Sequential(OrderedDict([('x', nn.Linear(1, 2))]))"],
    ["a module appended to a registered list", "self.a = nn.ModuleList()\n        self.a.append(nn.Linear(1, 2))"],
    ["layers without parameters", "self.a = [nn.ReLU(), nn.MaxPool2d(2)]"],
    ["tuple assignment", "self.a, self.b = nn.Linear(1, 2), nn.Linear(1, 2)"],
    ["a list of numbers", "self.a = [1, 2, 3]"],
    ["_modules", "self._modules['a'] = nn.Linear(1, 2)"],
  ])("%s is silent", (_, body) => {
    expect(
      found(`from torch import nn\nclass A(nn.Module):\n    def __init__(self):\n        super().__init__()\n        ${body}\n`),
    ).toEqual([]);
  });

  test("classes of no framework, and text that is no Python, are silent", () => {
    expect(found("class A:\n    def __init__(self):\n        self.x = [Conv2D(1, 2, 3)]\n")).toEqual([]);
    expect(found("<html>not ] python ((((")).toEqual([]);
    expect(found("")).toEqual([]);
  });

  test("recursion and deep nesting end", () => {
    const deep = `class A(nn.Module):\n    def __init__(self):\n        self.x = ${"[".repeat(3000)}nn.Linear(1, 2)${"]".repeat(3000)}\n        self.f()\n    def f(self):\n        return self.f() + self.f()\n`;
    expect(found(`import torch.nn as nn\n${deep}`)).toEqual([]);
  });
});

describe("reading the file", () => {
  test("gives a record with the findings", async () => {
    const [record] = await readSources([join(fixtures, "source", "paddle-vggnet2.py")]);
    expect(record?.schema).toBe("vggtool/source/2");
    expect(record?.findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(["error layers-unregistered"]);
  });
  test("refuses what is not there, and what is no text", async () => {
    await expect(readSources([join(fixtures, "source", "none.py")])).rejects.toMatchObject({ code: "not-found" });
    const binary = join(fixtures, "source", "..");
    await expect(readSources([binary])).rejects.toMatchObject({ code: "usage" });
  });
});

describe("Keras subclassing", () => {
  test("lists and dictionaries are tracked; layers made in call are not", () => {
    expect(found(source("keras-models.py"))).toEqual(["Fresh. forward 40: layers.Conv2D", "Fresh. forward 42: layers.Dense"]);
  });
});

describe("the ways in which people write it", () => {
  test.each(["torch-registered.py", "paddle-registered.py", "keras-tracked.py"])("%s is silent", (name) => {
    expect(found(source(name))).toEqual([]);
  });

  test("each of the wrong ones is reported once, where it is written", () => {
    expect(found(source("wrong-ways.py"))).toEqual([
      "Comprehension.convs list 12: nn.Conv2d",
      "Helper.body list 18: nn.Conv2d",
      "Keyed.heads dict 30: nn.Linear",
      "Augmented.layers list 44: nn.Linear",
      "InCall. forward 50: layers.Dense",
      "InCall. forward 51: layers.Conv2D",
      "Parameters.weights list 57: nn.Parameter",
      "Pair.both tuple 63: paddle.nn.BatchNorm2D paddle.nn.Conv2D",
      "InMethod. forward 71: nn.Linear",
      "Grid.grid list 79: make",
      "Mapped.heads list 85: nn.Linear",
    ]);
    const fix = findProblems(source("wrong-ways.py")).find(({ className }) => className === "Parameters")?.fix;
    expect(fix).toBe("self.weights = nn.ParameterList(…)");
  });
});
