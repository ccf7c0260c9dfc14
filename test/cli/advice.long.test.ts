/** What an error or a finding says to type, typed as it is: over command lines that people get wrong, and over some checkpoints. The whole is `npm run collections -- hints`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Typist } from "../collections/hints/follow.ts";
import { command } from "../support/command.ts";
import { expectedCases } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-advice-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const typist = new Typist(command, folder);
const paddle = "fixtures/demo/vgg16.pdparams";
const slim = "fixtures/demo/vgg_16.ckpt";
const face = "fixtures/demo/vgg_face.mat";

/** Types all that a command line advises; gives what was typed, and what did not come true. */
async function typed(args: readonly string[]) {
  const lines: string[] = [];
  const wrong: string[] = [];
  for (const advice of await typist.advice(args)) {
    for (const each of typist.alternatives(advice.text)) {
      if (each.open) continue;
      const { right, line, ran } = await typist.follow(advice, each);
      lines.push(line.join(" "));
      if (!right) wrong.push(`${advice.text}: ${line.join(" ")}: ${ran.stdout.slice(0, 200)}${ran.stderr.slice(0, 200)}`);
    }
  }
  return { lines, wrong };
}

describe("command lines that people get wrong", () => {
  const there = join(folder, "there.npz");
  writeFileSync(there, "");

  test.each([
    ["a command", ["inspct", paddle]],
    ["an option", ["inspect", "--filtr", "fc6", paddle]],
    ["an option with a value", ["convert", paddle, "--namin", "canonical", "-o", join(folder, "a.npz")]],
    ["a file", ["inspect", "fixtures/demo/vgg16.pdparam"]],
    ["a target", ["convert", paddle, "--to", "torchh", "-o", join(folder, "b.pth")]],
    ["names", ["convert", paddle, "--naming", "torchvison", "-o", join(folder, "c.npz")]],
    ["a layer", ["verify", paddle, "--until", "conv9_1"]],
    ["nothing to inspect", ["inspect"]],
    ["nothing to verify", ["verify"]],
    ["an output that exists", ["convert", paddle, "-o", there]],
    ["averages of a file that has none", ["convert", paddle, "--use-average", "-o", join(folder, "d.npz")]],
    ["a type that the target cannot hold", ["convert", paddle, "--to", "onnx", "--dtype", "bfloat16", "-o", join(folder, "e.onnx")]],
    ["another name's ending", ["verify", paddle, "--descriptor", "fc7", "-o", join(folder, "f.txt")]],
  ])("%s: what is advised works", async (_, args) => {
    const { lines, wrong } = await typed(args);
    expect(wrong).toEqual([]);
    expect(lines.length).toBeGreaterThan(0);
  });

  test("a head of another size under --like: a new head, or the other's own", async () => {
    const own = join(folder, "own.npz");
    await command(["convert", paddle, "--num-classes", "5", "-o", own]);
    const { lines, wrong } = await typed(["convert", paddle, "--like", own, "-o", join(folder, "g.npz")]);
    expect(wrong).toEqual([]);
    expect(lines.some((line) => line.includes("--num-classes 5"))).toBe(true);
    expect(lines.some((line) => line.includes("--exclude fc8 --allow-missing"))).toBe(true);
  });

  test("other tensors, batch norm and no size of pictures: one line says all that a network file needs", async () => {
    const source = join(folder, "mixed.npz");
    await command(["convert", slim, "--no-top", "-o", source]);
    const { wrong } = await typed(["convert", source, "--to", "keras", "-o", join(folder, "h.h5")]);
    expect(wrong).toEqual([]);
  });
});

describe("findings and assumptions of checkpoints", () => {
  const chosen = ["vgg16-64x96/keras2-h5-weights", "hosts/csrnet", "hosts/fasterrcnn-chainercv"];
  const goldens =
    golden === undefined ? [] : expectedCases(golden).flatMap((each) => (chosen.includes(`${each.arch}/${each.name}`) ? [each.path] : []));

  test.each([face, slim, "fixtures/demo/vgg_face_question.pdparams", ...goldens])("%s", async (path) => {
    for (const line of [
      ["inspect", path],
      ["convert", path, "--to", "keras", "-o", join(folder, `${basename(path)}.h5`)],
      ["convert", path, "--to", "tfslim", "--fold-bn", "-o", join(folder, `${basename(path)}.ckpt`)],
    ])
      expect((await typed(line)).wrong).toEqual([]);
  });
});
