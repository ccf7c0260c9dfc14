import { describe, expect, test } from "vitest";
import { found, read, torchModule, unread } from "./support.ts";

/* Code of which an all-clear would be false, or might be: what PyTorch registers of each was counted by running it. */

describe("no all-clear where some layers may not be registered", () => {
  test.each<[name: string, lines: readonly string[], reason: string]>([
    [
      "a list and a container on two ways",
      ["ls = [nn.Conv2d(3, 3, 3)]", "if cfg:", "    self.body = nn.Sequential(*ls)", "else:", "    self.body = ls"],
      "9: class Net keeps the same layers in attribute body in a container on one way and in a plain list on another",
    ],
    [
      "one of a list",
      ["self.ls = [nn.Linear(1, 2) for _ in range(3)]", "self.first = self.ls[0]"],
      "5: class Net registers some of a list of nn.Linear(…): of the others that could not be followed",
    ],
    [
      "a slice of a list",
      ["ls = [nn.Linear(1, 2) for _ in range(3)]", "self.a = nn.Sequential(*ls[:2])", "self.b = ls[2:]"],
      "5: class Net registers some of a list of nn.Linear(…): of the others that could not be followed",
    ],
    [
      "what a class of another file makes",
      ["from other import Thing", "self.ts = [Thing() for _ in range(2)]"],
      "6: class Net keeps what Thing(…) gives (imported from other) in a plain list, attribute ts: whether these are layers is not in the files",
    ],
    [
      "what is looked up by a name that the code makes",
      ["self.ts = [getattr(nn, cfg)(1, 2)]"],
      "5: class Net keeps what getattr(nn, cfg)(…) gives in a plain list, attribute ts: whether these are layers is not in the files",
    ],
  ])("%s", (_, lines, reason) => {
    expect(unread(torchModule(lines))).toContain(reason);
    expect([found(torchModule(lines)), read(torchModule(lines))]).toEqual([[], []]);
  });

  test("a class with a __setattr__ of its own decides what is registered", () => {
    const text = `${torchModule(["self.c = [nn.Linear(1, 2)]"])}    def __setattr__(self, name, value):\n        super().__setattr__(name, value)\n`;
    expect([found(text), read(text)]).toEqual([[], []]);
    expect(unread(text)).toEqual(["2: class Net has a __setattr__ of its own, which decides what is registered"]);
  });

  test("what the constructor of a class above gives is followed in the class before it", () => {
    const sub =
      "from torch import nn\nclass Sub(nn.Module):\n    def __init__(self, *layers):\n        super().__init__()\n        self.layers = layers\n";
    const net =
      "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.s = Sub(nn.Linear(1, 2), nn.Linear(1, 2))\n";
    expect(found(sub + net)).toEqual(["Sub.layers tuple 5: nn.Linear"]);
  });
});

describe("an all-clear where each is taken", () => {
  test.each<[name: string, lines: readonly string[]]>([
    [
      "the last of a list is looked at",
      ["ls = [nn.Linear(1, 2) for _ in range(3)]", "n = ls[-1].out_features", "self.body = nn.Sequential(*ls)"],
    ],
    [
      "a list is registered beside",
      ["self.ls = [nn.Linear(1, 2) for _ in range(3)]", "for i, l in enumerate(self.ls):", "    self.add_module(str(i), l)"],
    ],
    ["by a number that changes", ["ls = [nn.Linear(1, 2) for _ in range(3)]", "for i in range(3):", "    setattr(self, f'l{i}', ls[i])"]],
    ["numbers and names in lists", ["self.sizes = [int(k) for k in cfg]", "self.names = ['a', str(cfg)]"]],
  ])("%s", (_, lines) => expect([unread(torchModule(lines)), read(torchModule(lines))]).toEqual([[], ["Net"]]));
});
