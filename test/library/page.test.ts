import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

/* docs/library.md compiles under strict, and each of its examples runs. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const page = readFileSync(join(root, "docs", "library.md"), "utf8");
const examples = [...page.matchAll(/^## ([^\n]+)$|^```ts\n([\s\S]*?)^```$/gm)].reduce<{ title: string; code: string }[]>((found, match) => {
  if (match[1] !== undefined) return [...found, { title: match[1], code: "" }];
  const title = found.at(-1)?.title ?? "";
  return [...found, { title, code: match[2] ?? "" }];
}, []);
const codes = examples.filter(({ code }) => code !== "");

/** The files that the page speaks of. */
const files: ReadonlyMap<string, string> = new Map([
  ["vgg16.pth", join(root, "fixtures/interop/vgg16.pth")],
  ["vgg_face.mat", join(root, "fixtures/demo/vgg_face.mat")],
  ["model.py", join(root, "fixtures/source/torch-face-question.py")],
  ["vgg_face.safetensors", join(folder, "vgg_face.safetensors")],
  ["gone.pth", join(folder, "gone.pth")],
  ["zoo", join(folder, "zoo")],
]);

const modules: ReadonlyMap<string, string> = new Map([
  ["vggtool", join(root, "src/index.ts")],
  ["vggtool/report", join(root, "src/report/report.ts")],
]);

function withPlaces(code: string): string {
  return code.replace(/"([\w./]+)"/g, (text, name: string) => JSON.stringify(files.get(name) ?? modules.get(name) ?? name) ?? text);
}

test("the page compiles under strict, with nothing but what it says", () => {
  const typed = join(folder, "typed");
  mkdirSync(typed);
  for (const [k, { code }] of codes.entries()) writeFileSync(join(typed, `example-${k}.ts`), code);
  const options = {
    target: "es2022",
    lib: ["es2023", "esnext.disposable"],
    module: "nodenext",
    moduleDetection: "force",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
    paths: Object.fromEntries([...modules].map(([name, file]) => [name, [file]])),
  };
  writeFileSync(join(typed, "package.json"), '{ "type": "module" }');
  writeFileSync(join(typed, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  const ran = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", typed], { encoding: "utf8" });
  expect(ran.stdout + ran.stderr).toBe("");
  expect(ran.status).toBe(0);
}, 120_000);

describe("each example runs", () => {
  const said: unknown[][] = [];
  beforeAll(() => void vi.spyOn(console, "log").mockImplementation((...words) => void said.push(words)));
  afterAll(() => vi.restoreAllMocks());

  async function run(title: string): Promise<readonly unknown[][]> {
    said.length = 0;
    for (const [k, { code }] of codes.filter((example) => example.title === title).entries()) {
      const file = join(folder, `${title.replaceAll(/\W/g, "-")}-${k}.ts`);
      writeFileSync(file, withPlaces(code));
      await import(/* @vite-ignore */ pathToFileURL(file).href);
    }
    return [...said];
  }

  test("What is in a file", async () => {
    const [[name, parameters] = [], ...rest] = await run("What is in a file");
    expect([name, parameters]).toEqual(["VGG-16", expect.any(Number)]);
    expect(JSON.parse(String(rest.at(-1)?.[0]))).toMatchObject({ schema: "vggtool/inspect/1", format: "torch" });
  });

  test("Values", async () => {
    const [fc6, first, ...blocks] = await run("Values");
    expect(fc6).toEqual([[expect.any(Number), expect.any(Number)], expect.any(Number)]);
    expect(first).toEqual([[1, 3, 3, 3], "float32", 27]);
    expect(blocks.length).toBeGreaterThan(0);
  });

  test("Convert, compare, run", async () => {
    expect(await run("Convert, compare, run")).toEqual([
      [join(folder, "vgg_face.safetensors"), expect.any(Number), "bytes", true],
      [true, true, "wasm"],
    ]);
  });

  test("Many checkpoints", async () => {
    // Two files of one network, in other orders of the axes.
    expect(await run("Many checkpoints")).toEqual([[2, 0], [files.get("vgg_face.mat")], [files.get("vgg16.pth")]]);
  });

  test("Errors", async () => {
    const [[code, file, summary] = [], [message] = [], [refused] = []] = await run("Errors");
    expect([code, file]).toEqual(["not-found", join(folder, "gone.pth")]);
    expect(message).toContain(`${join(folder, "gone.pth")}: ${summary}`);
    expect(refused).toBe('the option device of verify is "tpu", needed one of cpu, cuda, gpu, auto');
  });

  test("Code", async () => {
    const said = await run("Code");
    expect(said[0]?.[0]).toContain("attribute layers");
    expect(said.at(-1)).toEqual([false]);
  });

  test("Text", async () => {
    const [[inspected] = [], [formats] = []] = await run("Text");
    expect(inspected).toContain("VGG-16");
    expect(formats).toContain("safetensors");
  });
});

test("every code of an error is on the page of errors", () => {
  const source = readFileSync(join(root, "src/errors.ts"), "utf8");
  const codes = [...(/export type ErrorCode =([\s\S]*?);/.exec(source)?.[1] ?? "").matchAll(/"([\w-]+)"/g)].map((match) => match[1]);
  const table = readFileSync(join(root, "docs/errors.md"), "utf8");
  expect(codes.length).toBeGreaterThan(5);
  expect(codes.filter((code) => !table.includes(`\n| \`${code}\` |`))).toEqual([]);
});
