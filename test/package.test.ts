import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./support/cli.ts";
import { isRecord } from "./support/golden.ts";

const json = (file: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(readFileSync(join(root, file), "utf8"));
  if (!isRecord(value)) throw new Error(`${file} is no object`);
  return value;
};
const names = (value: unknown): readonly string[] => (isRecord(value) ? Object.keys(value).sort() : []);

test("installing brings no other package, and what is inside is built from exact versions", () => {
  const manifest = json("package.json");
  expect(names(manifest.dependencies)).toEqual([]);
  const versions = isRecord(manifest.devDependencies) ? Object.values(manifest.devDependencies) : [];
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
  const peers = names(manifest.peerDependencies);
  expect(names(manifest.peerDependenciesMeta)).toEqual(peers);
});

test("the built command is ASCII: it is read as Latin-1, and signs in patterns would become others", () => {
  const folder = join(root, "dist", "cli");
  const files = readdirSync(folder).filter((name) => name.endsWith(".cjs"));
  expect(files).toContain("vggtool.cjs");
  expect(files.filter((name) => readFileSync(join(folder, name)).some((byte) => byte > 0x7f))).toEqual([]);
});

test("the lock names no registry, every platform's packages, and the checksum of each", () => {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  expect(lock).not.toContain("resolved");
  const packages = json("package-lock.json").packages;
  if (!isRecord(packages)) throw new Error("no packages");
  const missing = Object.values(packages).flatMap((entry) =>
    isRecord(entry)
      ? names(entry.optionalDependencies).filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)))
      : [],
  );
  expect(missing, "run scripts/complete-lock.mjs").toEqual([]);
  const unsigned = Object.entries(packages).filter(
    ([place, entry]) => place !== "" && isRecord(entry) && !/^sha512-/.test(String(entry.integrity)),
  );
  expect(
    unsigned.map(([place]) => place),
    "run scripts/complete-lock.mjs",
  ).toEqual([]);
});

test("fixtures are small", () => {
  const files = readdirSync(join(root, "fixtures"), { recursive: true, encoding: "utf8" })
    .map((path) => ({ path, size: statSync(join(root, "fixtures", path)) }))
    .filter(({ size }) => size.isFile())
    .map(({ path, size }) => ({ path, size: size.size }));
  expect(files.filter(({ size }) => size > 100_000)).toEqual([]);
  expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(5_000_000);
});

test("docs/dependencies.md lists what is installed, with the licences that the packages state", () => {
  const page = readFileSync(join(root, "docs", "dependencies.md"), "utf8");
  const rows = [...page.matchAll(/^\| (\S+) \| ([^|]+) \| [^|]+ \|$/gm)].filter(([, name]) => name !== "package");
  const listed = new Map(rows.map(([, name = "", licence = ""]) => [name, licence]));
  const inside = bundled().filter((name) => names(json("package.json").devDependencies).includes(name));
  expect(listed).toEqual(new Map(inside.map((name) => [name, String(json(`node_modules/${name}/package.json`).license)])));
});

/** The packages that the notices name. */
function bundled(): readonly string[] {
  const text = readFileSync(join(root, "dist", "THIRD-PARTY-NOTICES.txt"), "utf8");
  const entries = text.split(`${"=".repeat(78)}\n`).slice(1);
  return entries.map((entry) => /^(\S+) /.exec(entry)?.[1] ?? "");
}

test("the engine inside is the version that it says", () => {
  expect(json("node_modules/@tensorflow/tfjs-backend-wasm/package.json").version).toBe("4.22.0");
  expect(readFileSync(join(root, "src/verify/engines/wasm.ts"), "utf8")).toContain('const VERSION = "4.22.0"');
});

test("the built package is small, and its code asks for no package but the optional ones", () => {
  const manifest = json("package.json");
  const dist = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })
    .filter((file) => statSync(join(root, "dist", file)).isFile())
    .filter((file) => !/^web\b/.test(file)); // the site, which is not packed
  const blocks = dist.reduce((sum, file) => sum + Math.ceil(statSync(join(root, "dist", file)).size / 4096) * 4096, 0);
  expect(blocks).toBeLessThan(11e6);
  const asked = dist
    .filter((file) => /^(index|lib|report|vendor)\b.*\.js$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(root, "dist", file), "utf8").matchAll(/^import [^"\n]*"([^".#][^"\n]*)";$|\bimport\("([^".#][^"]*)"\)/gm),
    ])
    .map(([, fixed, lazy]) => fixed ?? lazy ?? "")
    .filter((name) => !isBuiltin(name));
  expect([...new Set(asked)].filter((name) => !names(manifest.peerDependencies).includes(name))).toEqual([]);
});

test("the notices have the licence text of each bundled package", () => {
  const text = readFileSync(join(root, "dist", "THIRD-PARTY-NOTICES.txt"), "utf8");
  const entries = text.split(`${"=".repeat(78)}\n`).slice(1);
  expect(bundled()).toEqual(expect.arrayContaining(["@tensorflow/tfjs-core", "chalk", "commander", "protobufjs", "string-width"]));
  for (const entry of entries) expect(entry).toMatch(/copyright|licen[cs]e/i);
  expect(Math.min(...entries.map((entry) => entry.length))).toBeGreaterThan(500);
});

test("a checkout that is not built says so", () => {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-unbuilt-"));
  mkdirSync(join(folder, "bin"));
  for (const file of readdirSync(join(root, "bin"))) cpSync(join(root, "bin", file), join(folder, "bin", file));
  const { status, stderr } = spawnSync(process.execPath, [join(folder, "bin", "vggtool"), "formats"], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect([status, stderr]).toEqual([2, expect.stringContaining('not built: type "npm run build"')]);
});
