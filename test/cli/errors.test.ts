import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vggtool } from "../support/cli.ts";
import { command } from "../support/command.ts";
import { fixtures } from "../support/paths.ts";

const demo = join(fixtures, "demo");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
  writeFileSync(join(folder, "empty.pth"), "");
  writeFileSync(join(folder, "page.pdparams"), "<!DOCTYPE html><html><body>Sign in</body></html>");
  writeFileSync(join(folder, "pointer.mat"), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 553437152\n");
  for (const [name, from, length] of [
    ["half.pdparams", "vgg16.pdparams", 20_000],
    ["half.mat", "vgg_face.mat", 20_000],
    ["half.ckpt.index", "vgg_16.ckpt.index", 700],
  ] as const) {
    copyFileSync(join(demo, from), join(folder, name));
    truncateSync(join(folder, name), length);
  }
  copyFileSync(join(demo, "vgg_16.ckpt.data-00000-of-00001"), join(folder, "half.ckpt.data-00000-of-00001"));
  copyFileSync(join(demo, "vgg_16.ckpt.index"), join(folder, "alone.ckpt.index"));
  copyFileSync(join(demo, "vgg_face.mat"), join(folder, "vgg_face.mat"));
  copyFileSync(join(demo, "vgg_16.ckpt.data-00000-of-00001"), join(folder, "lonely.ckpt.data-00001-of-00002"));
  // A dict with one global nobody knows: {"x": some.module.Thing}
  writeFileSync(
    join(folder, "global.pdparams"),
    Buffer.from("\x80\x02}q\x00X\x01\x00\x00\x00xq\x01csome.module\nThing\nq\x02s.", "latin1"),
  );
  mkdirSync(join(folder, "folder"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  readonly title: string;
  readonly args: () => readonly string[];
  readonly says: readonly (string | RegExp)[];
  /** Run as a process of its own: one of each command. */
  readonly alone?: true;
}
const at = (name: string): string => join(folder, name);

const cases: readonly Case[] = [
  { title: "no such file", args: () => ["inspect", at("none.pth")], says: ["no such file"], alone: true },
  { title: "a misspelt name", args: () => ["inspect", at("vgg_fase.mat")], says: ["no such file", /did you mean .*vgg_face\.mat\?/] },
  { title: "a folder without a checkpoint", args: () => ["inspect", at("folder")], says: ["folder"] },
  { title: "an empty file", args: () => ["inspect", at("empty.pth")], says: ["empty"] },
  { title: "an HTML page", args: () => ["inspect", at("page.pdparams")], says: ["HTML page", "download"] },
  { title: "a Git LFS pointer", args: () => ["inspect", at("pointer.mat")], says: ["Git LFS pointer", "git lfs pull"] },
  { title: "a truncated Paddle file", args: () => ["inspect", at("half.pdparams")], says: [/at byte \d+/] },
  { title: "a truncated MAT-file", args: () => ["inspect", at("half.mat")], says: [/\d+ bytes/] },
  { title: "a truncated index", args: () => ["inspect", at("half.ckpt")], says: ["half.ckpt"] },
  { title: "an index without its data", args: () => ["inspect", at("alone.ckpt")], says: ["data-00000-of-00001"] },
  { title: "a data shard without its index", args: () => ["inspect", at("lonely.ckpt.data-00001-of-00002")], says: [".index"] },
  {
    title: "a pickle that holds nothing but an unknown global",
    args: () => ["inspect", at("global.pdparams")],
    says: ["some.module.Thing"],
  },
  { title: "an unknown format for --from", args: () => ["inspect", at("vgg_face.mat"), "--from", "kaffe"], says: ["kaffe", "matconvnet"] },
  { title: "a format that the file is not", args: () => ["inspect", at("vgg_face.mat"), "--from", "safetensors"], says: ["vgg_face.mat"] },
  { title: "an unknown target", args: () => ["convert", at("vgg_face.mat"), "--to", "tfslin"], says: ["tfslin", "tfslim"], alone: true },
  {
    title: "a pattern that matches nothing",
    args: () => ["convert", at("vgg_face.mat"), "--exclude", "fc9*", "-o", at("x.safetensors")],
    says: ["fc9*", "matches no tensor"],
  },
  {
    title: "an output that exists",
    args: () => ["convert", join(demo, "vgg16.pdparams"), "-o", at("pointer.mat"), "--to", "safetensors"],
    says: ["exists", "--force"],
  },
  {
    title: "an output that is the input",
    args: () => ["convert", at("vgg_face.mat"), "-o", at("folder/../vgg_face.mat"), "--to", "safetensors", "--force"],
    says: ["input"],
  },
  {
    title: "an impossible input size",
    args: () => ["convert", at("vgg_face.mat"), "--input-size", "64x64x3", "--to", "tfslim", "-o", at("y.ckpt")],
    says: ["2×3"],
  },
  { title: "a network that cannot run", args: () => ["verify", join(demo, "vgg_face_question.pdparams")], says: ["conv1_1"] },
  {
    title: "a batch of the wrong shape",
    args: () => ["verify", at("vgg_face.mat"), "--input", join(demo, "logits.npy")],
    says: ["logits.npy"],
  },
  {
    title: "two things to compare with",
    args: () => ["verify", at("vgg_face.mat"), at("vgg_face.mat"), "--expect", join(demo, "logits.npy")],
    says: ["one thing"],
    alone: true,
  },
];

describe("errors are a sentence on stderr, nothing on stdout, and exit code 2", () => {
  test.each(cases)("$title", async ({ args, says, alone }) => {
    const ran = await (alone === true ? vggtool(args()) : command(args()));
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^vggtool: /);
    expect(ran.stderr).not.toContain("bug");
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    for (const part of says) expect(ran.stderr).toMatch(part);
  });

  test("with --json the error is a record on stdout", async () => {
    const ran = await vggtool(["inspect", at("half.pdparams"), "--json"]);
    expect(ran).toMatchObject({ code: 2, stderr: "" });
    const record = JSON.parse(ran.stdout);
    expect(record).toMatchObject({
      schema: "vggtool/error/1",
      error: { code: "truncated", file: at("half.pdparams"), offset: expect.any(Number) },
    });
  });

  test("one file of several that fails does not keep the others from being listed", async () => {
    const ran = await vggtool(["inspect", at("empty.pth"), at("vgg_face.mat"), "--json"]);
    expect(ran.code).toBe(2);
    const [first, second] = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(first.schema).toBe("vggtool/error/1");
    expect(second).toMatchObject({ schema: "vggtool/inspect/1", totals: { tensors: 32 } });
  });
});

describe("usage", () => {
  const usage: readonly (readonly [string, readonly string[], string])[] = [
    ["an unknown flag names the nearest", ["inspect", "x", "--hahs"], "--hash"],
    ["an unknown command names the nearest", ["inspct", "x"], "inspect"],
    ["a missing file is named", ["inspect"], "needs a checkpoint"],
    ["a value out of its list names the list", ["inspect", "x", "--sort", "sideways"], "name, size, file"],
    ["a size that is none", ["convert", "x", "--input-size", "224"], "224x224x3"],
  ];
  test.each(usage)("%s", async (_, args, says) => {
    const ran = await command(args);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain(says);
  });

  test("help leads with examples, for the program and each command", async () => {
    const inside = [["inspect"], ["convert"], ["verify"], ["formats"]].map((args) => command([...args, "--help"]));
    const helps = await Promise.all([vggtool(["--help"]), ...inside]);
    for (const ran of helps) {
      expect(ran.code).toBe(0);
      expect(ran.stdout).toMatch(/^Examples:\n {2}vggtool .*\n {2}vggtool /);
      expect(ran.stdout).toMatch(/Usage: /);
    }
  });

  test("nothing was written by any of it", () => {
    const names = readdirSync(folder).filter((name) => name.includes("tmp") || name.endsWith(".safetensors") || name.startsWith("y."));
    expect(names).toEqual([]);
    expect(readFileSync(at("pointer.mat"), "utf8")).toContain("git-lfs");
  });
});
