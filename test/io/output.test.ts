import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderSet } from "../../src/io/folder.ts";
import { outputSet } from "../../src/io/output/output.ts";
import { createContext } from "../../src/io/run.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (name: string): string => readFileSync(join(folder, name), "utf8");

describe("output sets", () => {
  test("nothing is at its place before commit, everything after, no leftovers", async () => {
    const set = outputSet(folder, { force: false });
    const data = await set.create("sub/data.bin");
    const entry = await set.create("index.json");
    await data.write(3, bytes("def"));
    await data.write(0, bytes("abc"));
    await entry.write(0, bytes("{}"));
    expect(existsSync(join(folder, "index.json"))).toBe(false);
    expect(await data.read(1, 4)).toEqual(bytes("bcde"));
    await set.commit("index.json");
    expect(text("sub/data.bin")).toBe("abcdef");
    expect(text("index.json")).toBe("{}");
    expect(readdirSync(folder).sort()).toEqual(["index.json", "sub"]);
  });

  test("abort removes files and the folders it made, and keeps what was there", async () => {
    writeFileSync(join(folder, "old"), "old");
    const set = outputSet(join(folder, "new", "deeper"), { force: true });
    await (await set.create("x")).write(0, bytes("x"));
    await set.abort();
    await set.abort();
    expect(readdirSync(folder)).toEqual(["old"]);
  });

  test("an existing file needs force, also when it appears meanwhile", async () => {
    writeFileSync(join(folder, "out"), "old");
    await expect(outputSet(folder, { force: false }).create("out")).rejects.toMatchObject({ code: "usage" });
    const racing = outputSet(folder, { force: false });
    await (await racing.create("late")).write(0, bytes("mine"));
    writeFileSync(join(folder, "late"), "theirs");
    await expect(racing.commit("late")).rejects.toMatchObject({ code: "usage" });
    expect(text("late")).toBe("theirs");
    const forced = outputSet(folder, { force: true });
    await (await forced.create("out")).write(0, bytes("new"));
    await forced.commit("out");
    expect(text("out")).toBe("new");
    expect(readdirSync(folder).sort()).toEqual(["late", "out"]);
  });

  test.skipIf(process.platform !== "linux")("a file that is being written has no name", async () => {
    const set = outputSet(folder, { force: false });
    await (await set.create("out")).write(0, bytes("new"));
    expect(readdirSync(folder)).toEqual([]);
    await set.commit("out");
    expect(text("out")).toBe("new");
  });

  test.each([true, false])("without a command to name them, files are copied into place (force: %s)", async (force) => {
    if (force) writeFileSync(join(folder, "b"), "old");
    const path = process.env.PATH;
    try {
      process.env.PATH = folder; // no ln here
      const set = outputSet(folder, { force });
      for (const name of ["a", "b"]) await (await set.create(name)).write(0, bytes(`new ${name}`));
      await set.commit("b");
    } finally {
      process.env.PATH = path;
    }
    expect([text("a"), text("b")]).toEqual(["new a", "new b"]);
    expect(readdirSync(folder).sort()).toEqual(["a", "b"]);
  });

  test("a set whose entry appears meanwhile leaves nothing of its own", async () => {
    const set = outputSet(folder, { force: false });
    for (const name of ["data", "entry"]) await (await set.create(name)).write(0, bytes(name));
    writeFileSync(join(folder, "entry"), "theirs");
    await expect(set.commit("entry")).rejects.toMatchObject({ code: "usage" });
    expect(readdirSync(folder)).toEqual(["entry"]);
    expect(text("entry")).toBe("theirs");
  });

  test("a folder in the place of a file is refused", async () => {
    mkdirSync(join(folder, "out"));
    await expect(outputSet(folder, { force: true }).create("out")).rejects.toMatchObject({ code: "usage" });
  });

  test("names that lead outside are refused", async () => {
    const set = outputSet(folder, { force: false });
    for (const name of ["../x", "/x", "a/../../x", "C:\\x"]) await expect(set.create(name)).rejects.toMatchObject({ code: "unsafe" });
  });

  test("what a killed run left is cleared by the next one", async () => {
    writeFileSync(join(folder, ".out.999999999-1.vggtool-tmp"), "stale");
    writeFileSync(join(folder, `.out.${process.pid}-99999.vggtool-tmp`), "alive");
    const set = outputSet(folder, { force: false });
    await set.create("out");
    await set.abort();
    expect(readdirSync(folder)).toEqual([`.out.${process.pid}-99999.vggtool-tmp`]);
  });
});

describe("folders", () => {
  test("list what is below, open what is there, and refuse what leads outside", async () => {
    const made = outputSet(folder, { force: false });
    for (const name of ["b", "a", "sub/c"]) await (await made.create(name)).write(0, bytes(name));
    await made.commit("a");
    const set = folderSet(folder);
    expect(await set.list()).toEqual(["a", "b", "sub/c"]);
    expect(await set.open("none")).toBeUndefined();
    expect(await set.open("sub")).toBeUndefined();
    const source = await set.open("sub/c");
    expect(await source?.read(0, 5)).toEqual(bytes("sub/c"));
    await source?.close();
    await expect(set.open("../x")).rejects.toMatchObject({ code: "unsafe" });
  });
});

describe("contexts", () => {
  test("temporary files have no name and are gone afterwards", async () => {
    const ctx = createContext({ temporaryFolder: folder });
    const file = await ctx.temporary();
    await file.write(2, bytes("z"));
    expect(await file.read(0, 3)).toEqual(Uint8Array.from([0, 0, 122]));
    if (process.platform !== "win32") expect(readdirSync(folder)).toEqual([]);
    await ctx.dispose();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("tick reports progress and stops when interrupted", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const ctx = createContext({ signal: controller.signal, onProgress: (count) => seen.push(count) });
    await ctx.tick(5);
    controller.abort();
    await expect(ctx.tick(7)).rejects.toMatchObject({ code: "interrupted" });
    expect(seen).toEqual([5, 7]);
    await ctx.dispose();
  });
});
