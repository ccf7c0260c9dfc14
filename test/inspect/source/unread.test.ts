import { describe, expect, test } from "vitest";
import { checkSources } from "../../../src/inspect/source/check-source.ts";
import { isUnsaid } from "../../../src/inspect/source/read-source.ts";
import { found, read, reportOf, unread } from "./support.ts";

const good = "from torch import nn\nclass Good(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(1, 2)\n";

describe("nothing is said of", () => {
  test("a file without a class of a known framework", () => {
    const nothing = /^null: no class of PyTorch, .* is in it, so there is nothing to check$/;
    expect(unread("")).toEqual(["null: the file is empty"]);
    expect(unread("class A:\n    pass\n")).toEqual([expect.stringMatching(nothing)]);
    expect(unread("# A README\n\nInstall *it* first:\n")[0]).toMatch(nothing);
    expect(unread("import flax.linen as nn\nclass A(nn.Module):\n    pass\n")).toEqual([expect.stringMatching(nothing)]);
  });

  test("a class with a line that does not parse; the others are still read", () => {
    const text = `${good}class Bad(nn.Module):\n    def __init__(self)\n        self.x = [nn.Linear(1, 2)]\n    def forward(self, x):\n        return x\n`;
    expect(read(text)).toEqual(["Good"]);
    expect(unread(text)).toEqual(["6: does not parse: needed ':', found the end of the line"]);
  });

  test("a class that a broken base or helper belongs to", () => {
    const base = `${good}class Base(nn.Module):\n    x = (1,\n    def f(self):\n        pass\nclass Net(Base):\n    pass\n`;
    expect(read(base)).toEqual(["Good"]);
    const helper = `${good}def make():\n    return [nn.Linear(1, 2)\nclass Net(nn.Module):\n    def __init__(self):\n        self.x = make()\n`;
    expect(read(helper)).toEqual(["Good"]);
  });

  test("a class whose base is not in the files; what is wrong in it is a warning", () => {
    const text =
      "from torch import nn\nfrom .base import Base\nclass Net(Base):\n    def __init__(self):\n        self.x = [nn.Linear(1, 2)]\n";
    expect(read(text)).toEqual([]);
    expect(unread(text)).toEqual([
      "3: class Net derives from .base.Base, which is not in this file; --source base.py beside it takes that file too",
    ]);
    expect(reportOf(text).faults.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      expect.stringMatching(/^warning model\.py:5: .* attribute x .*; this holds if \.base\.Base derives from nn\.Module$/),
    ]);
  });

  test("a class that runs code from a string", () => {
    expect(unread(`${good.replace("nn.Linear(1, 2)", "eval('nn.Linear(1, 2)')")}`)).toEqual([
      "4: class Good runs code that is not written there (exec, eval)",
    ]);
  });
});

test("a base class of another file is found where that file is given too", () => {
  const base = "from torch import nn\nclass Base(nn.Module):\n    def keep(self, layers):\n        self.x = layers\n";
  const net =
    "from torch import nn\nfrom .base import Base\nclass Net(Base):\n    def __init__(self):\n        self.keep([nn.Linear(1, 2)])\n";
  const [first, second] = checkSources([
    [{ file: "models/base.py", cell: null, text: base }],
    [{ file: "models/net.py", cell: null, text: net }],
  ]);
  expect(first?.read.map((entry) => entry.class)).toEqual(["Base"]);
  expect(second?.unread).toEqual([]);
  // The line is in the file that holds it.
  expect(second?.faults.map(({ file, line, class: name, attribute }) => ({ file, line, name, attribute }))).toEqual([
    { file: "models/base.py", line: 4, name: "Net", attribute: "x" },
  ]);
});

test("all that was asked has to be read, unless there is a fault; a file of functions beside a network is no obstacle", () => {
  const record = (text: string) => ({ schema: "vggtool/source/2" as const, ...reportOf(text), findings: [] });
  const helpers = record("def f():\n    pass\n");
  const fault = record(good.replace("nn.Linear(1, 2)", "[nn.Linear(1, 2)]"));
  const broken = record(`${good}class (\n`);
  expect([[record(good)], [record(good), helpers], [fault, broken], [helpers], [broken]].map(isUnsaid)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});

describe("work is bounded", () => {
  const lines = (count: number, line: (k: number) => string): string => Array.from({ length: count }, (_, k) => line(k)).join("");

  test.each<[name: string, text: string]>([
    [
      "a graph of classes that doubles at each level",
      lines(1000, (k) => `class C${k}(C${k + 1},D${k + 1}): pass\nclass D${k}(C${k + 1},D${k + 1}): pass\n`),
    ],
    ["a class deriving from itself", "class A(A): pass\nclass B(C): pass\nclass C(B): pass\n"],
    ["ten thousand levels", `class C0(nn.Module): pass\n${lines(10_000, (k) => `class C${k + 1}(C${k}): pass\n`)}`],
    [
      "functions that call three others each",
      `${lines(40, (k) => `def f${k}():\n    return [f${k + 1}(), f${k + 1}(), f${k + 1}()]\n`)}class A(nn.Module):\n    def __init__(self):\n        self.x = f0()\n`,
    ],
    ["brackets", `x = ${"[".repeat(100_000)}`],
    ["signs", `x = ${"-".repeat(100_000)}1\n`],
    ["dots", `x = a${".b".repeat(100_000)}\n`],
    ["lambdas", `x = ${"lambda: ".repeat(50_000)}1\n`],
    ["fields that no brace closes", 'x = f"{"""\n'.repeat(10_000)],
    ["fields in fields", 'f"{'.repeat(20_000)],
    ["blocks in blocks", lines(2000, (k) => `${" ".repeat(Math.min(k, 400))}def f():\n`)],
  ])(
    "%s",
    (_, text) => {
      const began = performance.now();
      expect(found(`from torch import nn\n${text}`)).toEqual([]);
      expect(performance.now() - began).toBeLessThan(10_000);
    },
    30_000,
  );
});
