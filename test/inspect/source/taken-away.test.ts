import { describe, expect, test } from "vitest";
import { found, torchModule } from "./support.ts";

/* Layers that are given to an attribute and are not in state_dict() all the same. */

const conv = "self.conv = nn.Conv2d(3, 3, 3)";

describe("a layer that the same constructor takes away", () => {
  test.each<[name: string, lines: readonly string[], line: number]>([
    ["by another layer", [conv, "self.conv = nn.Conv2d(3, 6, 3)"], 6],
    ["by None", [conv, "self.act = nn.ReLU()", "self.conv = None"], 7],
    ["by del", [conv, "del self.conv"], 6],
  ])("%s", (_, lines, line) => {
    expect(found(torchModule(lines))).toEqual([`Net.conv replaced ${line}: nn.Conv2d`]);
  });

  test.each<[name: string, lines: readonly string[]]>([
    ["is kept by what takes its place", [conv, "self.conv = nn.Sequential(self.conv, nn.ReLU())"]],
    ["is wrapped", [conv, "self.conv = nn.utils.weight_norm(self.conv)"]],
    ["was kept under another name before", [conv, "self.first = self.conv", "self.conv = nn.Conv2d(3, 6, 3)"]],
    ["was kept with all others before", [conv, "self.all = nn.Sequential(*self.children())", "del self.conv"]],
    ["may stay, under a condition", [conv, "if cfg:", "    self.conv = None"]],
    ["is followed by what nobody knows", [conv, "self.conv = cfg"]],
    ["is none: an activation learns nothing", ["self.act = nn.ReLU()", "self.act = nn.GELU()"]],
    ["is another attribute's", [conv, "self.net.conv = None"]],
  ])("no fault where it %s", (_, lines) => expect(found(torchModule(lines))).toEqual([]));

  test("a head that a derived class puts in another's place is meant so", () => {
    const base = torchModule(["self.fc = nn.Linear(4, 1000)"]);
    const derived = "class Own(Net):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(4, 10)\n";
    expect(found(base + derived)).toEqual([]);
  });
});

describe("a list that code around the class gives to its object", () => {
  const around = (lines: string): readonly string[] => found(`${torchModule([conv])}net = Net()\n${lines}\n`);

  test("is a plain list wherever it is given", () => {
    expect(around("net.extra = [nn.Conv2d(3, 3, 3)]")).toEqual(["Net.extra list 9: nn.Conv2d"]);
  });

  test.each([
    ["a container", "net.extra = nn.ModuleList([nn.Conv2d(3, 3, 3)])"],
    ["numbers", "net.widths = [64, 128]"],
    ["layers that a container has too", "ls = [nn.Conv2d(3, 3, 3)]\nnet.body = nn.Sequential(*ls)\nnet.extra = ls"],
    ["its own layers", "net.extra = [net.conv]"],
  ])("no fault: %s", (_, lines) => expect(around(lines)).toEqual([]));
});
