import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vggtool } from "../support/cli.ts";
import { command } from "../support/command.ts";
import { fixtures } from "../support/paths.ts";
import { png } from "../verify/png.ts";

let folder = "";
const at = (name: string): string => join(folder, name);

/** Moves the cursor, sets the title, turns the text around, breaks lines, and is no valid UTF-16. */
const names = [
  "a\u001b[31mred",
  "b\u009b2J",
  "c\u001b]0;title\u0007",
  "d\u202egnp.exe",
  "e\nline\r2",
  "f\u2028g\u2066h",
  "i\ud800j",
  "k\u0000l",
  "__proto__",
];

function safetensors(tensors: readonly string[], metadata: Readonly<Record<string, string>>): Buffer {
  const fields = tensors.map((name, k) => [name, { dtype: "F32", shape: [1], data_offsets: [4 * k, 4 * k + 4] }]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries([["__metadata__", metadata], ...fields])));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4 * tensors.length)]);
}

/** A control character that a terminal acts on; newlines are the report's own. */
const control = /[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-safety-"));
  writeFileSync(at("hostile.safetensors"), safetensors(names, { "key\u001b[2J": "value\u001b[31m\u202e" }));
  writeFileSync(at("other.safetensors"), safetensors(["other\u001b[1m"], {}));
  writeFileSync(at("na\u001b[31mme\n.safetensors"), "no checkpoint");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("names from a file never reach the terminal as they are", () => {
  const commands: readonly (readonly [string, () => readonly string[]])[] = [
    ["inspect", () => ["inspect", at("hostile.safetensors"), "--layers", "--stats"]],
    ["inspect --depth", () => ["inspect", at("hostile.safetensors"), "--depth", "1"]],
    ["convert", () => ["convert", at("hostile.safetensors"), "-o", at("out.npz")]],
    ["convert --dry-run", () => ["convert", at("hostile.safetensors"), "--dry-run", "-o", at("out.safetensors")]],
    ["convert, refused", () => ["convert", at("hostile.safetensors"), "--to", "keras", "-o", at("out.h5")]],
    ["diff", () => ["diff", at("hostile.safetensors"), at("other.safetensors")]],
    ["verify", () => ["verify", at("hostile.safetensors"), at("other.safetensors")]],
    ["an error with the file's name", () => ["inspect", at("na\u001b[31mme\n.safetensors")]],
    ["an option that is a file's name", () => ["inspect", "--\u001b[31m"]],
  ];
  test.each(commands)("%s", async (_, args) => {
    const { stdout, stderr } = await command(args());
    expect(stdout + stderr).not.toBe("");
    expect(control.exec(stdout + stderr)).toBeNull();
    expect(stderr).not.toContain("this is a bug");
  });

  test.concurrent("--json is one line of valid JSON that gives the names back", async () => {
    const [listed, planned, failed] = await Promise.all([
      vggtool(["inspect", at("hostile.safetensors"), "--json"]),
      command(["convert", at("hostile.safetensors"), "--dry-run", "--json", "-o", at("out.npz")]),
      command(["inspect", at("na\u001b[31mme\n.safetensors"), "--json"]),
    ]);
    const record: { tensors: { name: string }[] } = JSON.parse(listed.stdout);
    expect(record.tensors.map(({ name }) => name)).toEqual(expect.arrayContaining(names.filter((name) => !name.includes("\ud800"))));
    expect(record.tensors).toHaveLength(names.length);
    expect(JSON.parse(planned.stdout).schema).toBe("vggtool/plan/1");
    expect(JSON.parse(failed.stdout).error.file).toBe(at("na\u001b[31mme\n.safetensors"));
    for (const { stdout } of [listed, planned, failed]) expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("names from a file lead nowhere else", () => {
  const write = (name: string, content: unknown): void => writeFileSync(at(`in/${name}`), JSON.stringify(content));
  beforeAll(() => {
    mkdirSync(at("in"));
    mkdirSync(at("outside"));
    copyFileSync(at("other.safetensors"), at("outside/secret.safetensors"));
    for (const [k, file] of [
      "../outside/secret.safetensors",
      at("outside/secret.safetensors"),
      "linked/secret.safetensors",
      "..\\outside\\secret.safetensors",
    ].entries()) {
      write(`${k}.safetensors.index.json`, { metadata: {}, weight_map: { "other\u001b[1m": file } });
      write(`${k}-model.json`, {
        format: "layers-model",
        modelTopology: null,
        weightsManifest: [{ paths: [file], weights: [{ name: "a", shape: [1], dtype: "float32" }] }],
      });
      write(`${k}.weights.json`, { metadata: {}, weight_map: { "/layers/a/vars": [file] } });
    }
    write("linked-file.safetensors.index.json", { metadata: {}, weight_map: { "other\u001b[1m": "linked.safetensors" } });
    symlinkSync(at("outside"), at("in/linked"));
    symlinkSync(at("outside/secret.safetensors"), at("in/linked.safetensors"));
  });

  test.each([0, 1, 2, 3])("the indexes of safetensors, TF.js and Keras, way out number %i", async (k) => {
    for (const name of [`${k}.safetensors.index.json`, `${k}-model.json`, `${k}.weights.json`]) {
      const { code, stdout } = await command(["inspect", at(`in/${name}`), "--json"]);
      expect(code).toBe(2);
      expect(JSON.parse(stdout).error).toMatchObject({ code: "unsafe" });
    }
  });

  test("a link to a file in the folder itself is its owner's choice", async () => {
    expect((await command(["inspect", at("in/linked-file.safetensors.index.json")])).code).toBe(0);
  });

  const good = join(fixtures, "demo", "vgg16.pdparams");
  test.skipIf(process.platform === "win32").each([
    ["FILE", (path: string) => ["inspect", path]],
    ["OTHER", (path: string) => ["diff", good, path]],
    ["OTHER of verify", (path: string) => ["verify", good, path]],
    ["--source", (path: string) => ["inspect", good, "--source", path]],
    ["--like", (path: string) => ["convert", good, "--like", path, "-o", at("never.npz")]],
    ["--map", (path: string) => ["convert", good, "--map", path, "-o", at("never.npz")]],
    ["--expect", (path: string) => ["verify", good, "--expect", path]],
    ["--input", (path: string) => ["verify", good, "--input", path]],
    ["--labels", (path: string) => ["verify", good, "--labels", path]],
    ["--preprocess", (path: string) => ["verify", good, "--preprocess", path, "--input", at("picture.png")]],
    ["-o", (path: string) => ["convert", good, "--to", "npz", "-o", path, "--force"]],
  ])("a pipe or a device without end as %s is refused at once", async (_, args) => {
    spawnSync("mkfifo", [at("pipe")]);
    writeFileSync(
      at("picture.png"),
      png(8, 8, 3, (x) => x),
    );
    for (const [path, says] of [
      [at("pipe"), /a pipe/],
      ["/dev/zero", /a device/],
    ] as const) {
      const { code, stderr } = await vggtool(args(path));
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) });
    }
  });
});

test("external data of ONNX stays in its folder", async () => {
  const model = join(fixtures, "fuzz", "onnx-external", "model.onnx");
  const bytes = readFileSync(model);
  const where = bytes.indexOf("model.data");
  expect(where).toBeGreaterThan(0);
  for (const [k, location] of ["../x/data1", "/etc/passwd"].entries()) {
    // The same length, so that the message around it stays valid.
    const changed = Buffer.from(bytes);
    changed.write(location.padEnd(10, "/").slice(0, 10), where, "latin1");
    for (let next = changed.indexOf("model.data"); next >= 0; next = changed.indexOf("model.data"))
      changed.write(location.padEnd(10, "/").slice(0, 10), next, "latin1");
    writeFileSync(at(`${k}.onnx`), changed);
    const { code, stdout } = await command(["inspect", at(`${k}.onnx`), "--hash", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe("unsafe");
  }
});
