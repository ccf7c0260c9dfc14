import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readSources, type SourceRecord } from "../../../src/inspect/source/read-source.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function recordOf(name: string, content: string | Uint8Array): Promise<SourceRecord> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const [record] = await readSources([path]);
  if (record === undefined) throw new Error("a record for each file");
  return record;
}

/** "class.attribute line" of each fault. */
function places({ faults }: SourceRecord): readonly string[] {
  return faults.map(({ class: name, attribute, line, cell }) => `${name}.${attribute} ${cell === null ? "" : `cell ${cell} `}line ${line}`);
}

const net = (attribute: string): string =>
  `from torch import nn\nclass A(nn.Module):\n    def __init__(self):\n        self.${attribute} = [nn.Linear(1, 2)]\n`;

/** 卷积 in GBK, as iconv writes it. */
const gbk = Buffer.from([0xbe, 0xed, 0xbb, 0xfd]);

describe("encodings", () => {
  test("the comment of the first or second line names one (PEP 263)", async () => {
    const bytes = (cookie: string): Buffer => {
      const [before = "", after = ""] = `${cookie}\n${net("NAME")}`.split("NAME");
      return Buffer.concat([Buffer.from(before), gbk, Buffer.from(after)]);
    };
    expect(places(await recordOf("gbk.py", bytes("# -*- coding: gbk -*-")))).toEqual(["A.卷积 line 5"]);
    expect(places(await recordOf("cp936.py", bytes("#!/usr/bin/python\n# vim: set fileencoding=cp936 :")))).toEqual(["A.卷积 line 6"]);
  });

  test("Latin-1, UTF-8 with a mark, UTF-16 with and without one", async () => {
    const latin = Buffer.from(`# coding: latin-1\n${net("größe")}`, "latin1");
    expect(places(await recordOf("latin.py", latin))).toEqual(["A.größe line 5"]);
    expect(places(await recordOf("mark.py", `\ufeff${net("x")}`))).toEqual(["A.x line 4"]);
    const wide = Buffer.from(`\ufeff${net("größe")}`, "utf16le");
    expect(places(await recordOf("wide.py", wide))).toEqual(["A.größe line 4"]);
    expect(places(await recordOf("wide-big.py", Buffer.from(wide).swap16()))).toEqual(["A.größe line 4"]);
    expect(places(await recordOf("no-mark.py", wide.subarray(2)))).toEqual(["A.größe line 4"]);
  });

  test("none of these: the line, and what to type", async () => {
    const record = await recordOf("unnamed.py", Buffer.concat([Buffer.from("import os\n# "), gbk, Buffer.from(`\n${net("x")}`)]));
    expect([record.read, record.faults]).toEqual([[], []]);
    expect(record.unread).toEqual([
      {
        reason: expect.stringMatching(
          /^line 2 is no text in UTF-8, and no line says which other encoding it is in; .*iconv -f GBK -t UTF-8 /,
        ),
        line: null,
        cell: null,
      },
    ]);
    const strange = await recordOf("strange.py", `# coding: klingon\n${net("x")}`);
    expect(strange.unread[0]?.reason).toMatch(/name the encoding klingon, which is not known here; iconv -f klingon/);
  });

  test("lines end with \\r\\n or \\r; tabs and form feeds indent as in Python", async () => {
    const text = net("x").replaceAll("    ", "\t");
    expect(places(await recordOf("crlf.py", text.replaceAll("\n", "\r\n")))).toEqual(["A.x line 4"]);
    expect(places(await recordOf("cr.py", text.replaceAll("\n", "\r")))).toEqual(["A.x line 4"]);
    expect(places(await recordOf("feed.py", text.replace("class", "\f\nclass").replace("\t\tself", "\t    \tself")))).toEqual([
      "A.x line 5",
    ]);
  });
});

describe("notebooks", () => {
  const notebook = (cells: readonly unknown[], more: object = {}): string => JSON.stringify({ cells, metadata: {}, nbformat: 4, ...more });
  const code = (...lines: readonly string[]): unknown => ({ cell_type: "code", source: lines.map((line) => `${line}\n`), outputs: [] });
  const imports = code("%matplotlib inline", "!pip install torch", "files = !ls", "from torch import nn");
  const block = code("class A(nn.Module):", "    def __init__(self):", "        self.stages = [nn.Linear(1, 2)]");
  const text = { cell_type: "markdown", source: "# Training" };

  test("are read cell by cell; cells are counted from 1, text too", async () => {
    expect(places(await recordOf("train.ipynb", notebook([text, imports, block])))).toEqual(["A.stages cell 3 line 3"]);
    expect((await recordOf("train.ipynb", notebook([imports, block]))).faults[0]?.message).toMatch(
      /train\.ipynb, cell 2, line 3: class A /,
    );
  });

  test("a cell that does not parse leaves the others alone", async () => {
    const record = await recordOf("broken.ipynb", notebook([imports, code("def f(:"), block]));
    expect(places(record)).toEqual(["A.stages cell 3 line 3"]);
    expect(record.unread).toEqual([{ reason: "does not parse: needed a name, found ':'", line: 1, cell: 2 }]);
  });

  test("of format 3; cells of other programs are left out, %%time is Python", async () => {
    const old = { worksheets: [{ cells: [{ cell_type: "code", input: net("x") }] }], nbformat: 3 };
    expect(places(await recordOf("old.ipynb", JSON.stringify(old)))).toEqual(["A.x cell 1 line 4"]);
    const magic = [
      imports,
      code("%%bash", "for f in *; do echo $f; done"),
      code("%%time", "class B(nn.Module):", "    x = [nn.Linear(1, 2)]"),
    ];
    const record = await recordOf("magic.ipynb", notebook(magic));
    expect([places(record), record.unread]).toEqual([["B.x cell 3 line 3"], []]);
  });

  test("of other languages, without code, or that are no JSON: said", async () => {
    const reasons = async (content: string) => (await recordOf("other.ipynb", content)).unread.map(({ reason }) => reason);
    expect(await reasons(notebook([block], { metadata: { kernelspec: { language: "R" } } }))).toEqual([
      "a notebook in R, and only Python is checked",
    ]);
    expect(await reasons(notebook([text]))).toEqual(["the notebook has no code cell"]);
    expect(await reasons('{"cells": [')).toEqual([expect.stringMatching(/^a notebook that is no JSON: /)]);
  });
});

test("Python 2 is read as well as Python 3", async () => {
  const old = `print "depth", 16\nprint >>log, \`x\`\nexec code in scope\nMODE = 0755\nBIG = 10L\ntry:\n    pass\nexcept Error, e:\n    raise E, "no"\nif a <> b:\n    print\ndef f((a, b), c=ur"x"):\n    return [x for x in 1, 2]\n${net("convs")}`;
  const record = await recordOf("old.py", old);
  expect(places(record)).toEqual(["A.convs line 17"]);
  expect(record.unread).toEqual([]);
});
