import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert, inspect } from "../../src/index.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { command } from "../support/command.ts";
import { fixtures } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-cli-convert-"));
const at = (name: string): string => join(folder, name);
const shards = join(fixtures, "safetensors", "sharded");
const map = {
  // The names of this person's own model: one key by hand, all others by pattern.
  "net/first/kernel": { from: "features.0.weight", axes: "o i h w -> h w i o" },
  "net/conv*/bias": { from: "features.*.bias" },
};

/** Of the arguments below. */
const isPath = /\.(pth|npz|safetensors)$|^shards$/;
let before: readonly string[] = [];
beforeAll(async () => {
  copyFileSync(join(fixtures, "interop", "vgg16.pth"), at("vgg16.pth"));
  writeFileSync(at("there.npz"), "old");
  writeFileSync(at("map.json"), JSON.stringify(map));
  mkdirSync(at("shards"));
  for (const file of readdirSync(shards)) if (file !== "expected.json") copyFileSync(join(shards, file), at(`shards/${file}`));
  await convert(at("vgg16.pth"), { to: "torch", out: at("three.pth"), numClasses: 3 });
  before = readdirSync(folder).sort();
}, PROCESS_TIMEOUT);
afterAll(() => rmSync(folder, { recursive: true }));

test("a folder whose name is a pattern is opened as any other; only where nothing has the name it is one", async () => {
  for (const name of ["zoo", "zoo[1]", "@zoo", "zoo{a}"]) {
    mkdirSync(at(name));
    copyFileSync(at("vgg16.pth"), join(at(name), "vgg16.pth"));
  }
  const said = async (name: string) => {
    const { code, stdout, stderr } = await command(["convert", at(name), "--to", "npz", "--dry-run"]);
    return { code, said: (stdout + stderr).replaceAll(name, "zoo") };
  };
  const plain = await said("zoo");
  expect(plain.code).toBe(0);
  for (const name of ["zoo[1]", "@zoo", "zoo{a}", "zo?/*.pth"]) expect((await said(name)).code).toBe(0);
  expect(await said("zoo[1]")).toEqual(plain);
  for (const name of ["zoo", "zoo[1]", "@zoo", "zoo{a}"]) rmSync(at(name), { recursive: true });
});

describe("what cannot be done is said in one sentence, and the exit code is 2", () => {
  test.each([
    ["an existing file without --force", ["vgg16.pth", "-o", "there.npz"], "there.npz: the output exists already"],
    ["an output inside the input's folder of shards", ["shards", "-o", "shards/one.npz"], "the output would be inside the input's folder"],
    ["an unknown target", ["vgg16.pth", "--to", "kears"], "--to kears is no target"],
    ["a pattern that takes nothing", ["vgg16.pth", "--exclude", "fc9*", "-o", "a.npz"], "--exclude 'fc9*' matches no tensor"],
    ["an example of another size", ["vgg16.pth", "--like", "three.pth", "-o", "b.pth"], "fc8.weight is [7, 20] in the source; [3, 20] in"],
    ["an example without a counterpart", ["vgg16.pth", "--like", "shards", "-o", "c.safetensors"], "the source has nothing for"],
    ["an example that is not there", ["vgg16.pth", "--like", "none.pth", "-o", "d.pth"], "no such file"],
  ])("%s", async (_title, args, says) => {
    const { code, stdout, stderr } = await command(["convert", ...args.map((arg) => (isPath.test(arg) ? at(arg) : arg))]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [sentence = "", ...more] = stderr.trimEnd().split("\n");
    expect(sentence).toMatch(/^vggtool: /);
    expect(sentence).toContain(says);
    // At most a hint of what to type instead.
    expect(more.length).toBeLessThanOrEqual(1);
    expect(readFileSync(at("there.npz"), "utf8")).toBe("old");
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});

describe("moves by hand", () => {
  test("a key and a pattern, and what the ledger says of them", async () => {
    const { code, stdout } = await vggtool(["convert", "vgg16.pth", "--map", "map.json", "-o", "mapped.npz", "--json"], { cwd: folder });
    expect(code).toBe(0);
    const { ledger } = JSON.parse(stdout);
    expect(ledger.sources[0]).toEqual({ key: "features.0.weight", use: "used", to: ["net/first/kernel"] });
    const { tensors } = await inspect(at("mapped.npz"), { hash: true });
    const shapes = new Map(tensors.map(({ name, shape }) => [name, shape.join()]));
    expect(shapes.get("net/first/kernel")).toBe("3,3,3,4");
    expect([...shapes.keys()].filter((key) => /^net\/conv\d+\/bias$/.test(key))).toHaveLength(13);
    expect(shapes.has("conv1_1.weight")).toBe(false);
  });

  test("a plan that was printed, edited and fed back", async () => {
    const printed = await command(["convert", at("vgg16.pth"), "--dry-run", "--json", "-o", at("plan.npz")]);
    expect(readdirSync(folder)).not.toContain("plan.npz");
    writeFileSync(
      at("plan.json"),
      printed.stdout.replaceAll('"to":"fc8.', '"to":"head/fc8.').replaceAll('"to": "fc8.', '"to": "head/fc8.'),
    );
    const { code, stderr } = await command(["convert", at("vgg16.pth"), "--map", at("plan.json"), "-o", at("plan.npz")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { tensors } = await inspect(at("plan.npz"), {});
    expect(tensors.map(({ name }) => name).filter((name) => name.includes("fc8"))).toEqual(["head/fc8.weight", "head/fc8.bias"]);
    expect(tensors).toHaveLength(32);
  });

  test.each([
    ["paddle", "--to paddle"],
    ["keras-v3", "-o with a name that ends in .weights.h5"],
    ["x".repeat(5000), undefined],
  ])("a plan for another format says what to add: %s", async (format, hint) => {
    const { stdout } = await command(["convert", at("vgg16.pth"), "--dry-run", "--json", "-o", at("plan.npz")]);
    writeFileSync(at("other.json"), JSON.stringify({ ...JSON.parse(stdout), format }));
    const { code, stderr } = await command(["convert", at("vgg16.pth"), "--map", at("other.json"), "-o", at("never.npz")]);
    const [sentence = "", ...more] = stderr.trimEnd().split("\n");
    expect({ code, more }).toEqual({ code: 2, more: hint === undefined ? [] : [`  add ${hint}`] });
    expect(sentence).toMatch(/--map: the plan is for .{1,60}, the output is npz$/);
  });
});
