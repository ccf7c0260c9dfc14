import { spawnSync } from "node:child_process";
import fs, {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { folderSet } from "../../src/io/folder.ts";
import { outputSet } from "../../src/io/output/output.ts";
import { placeNew } from "../../src/io/output/place.ts";
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

  test("a file that is being written has a temporary name with the number of the process, beside its place", async () => {
    const set = outputSet(folder, { force: false });
    await (await set.create("out")).write(0, bytes("new"));
    const names = readdirSync(folder);
    // One claims the output, the other is written.
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(new RegExp(`^\\.out\\.${process.pid}-\\d+\\.vggtool-tmp$`));
    await set.commit("out");
    expect(readdirSync(folder)).toEqual(["out"]);
    expect(text("out")).toBe("new");
  });

  test("a folder that is missing is made when all is written: until then the files are beside it", async () => {
    const set = outputSet(join(folder, "new", "deeper"), { force: false, output: join(folder, "new", "deeper", "x") });
    await (await set.create("x")).write(0, bytes("x"));
    expect(readdirSync(folder).filter((name) => !name.endsWith(".vggtool-tmp"))).toEqual([]);
    await set.commit("x");
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(["new", "new/deeper", "new/deeper/x"]);
  });

  test("a very long name is cut in the temporary one", async () => {
    const long = `${"層".repeat(80)}.pth`;
    const set = outputSet(folder, { force: false });
    await (await set.create(long)).write(0, bytes("new"));
    await set.commit(long);
    expect(readdirSync(folder)).toEqual([long]);
  });

  test("a set whose entry appears meanwhile leaves nothing of its own", async () => {
    const set = outputSet(folder, { force: false });
    for (const name of ["data", "entry"]) await (await set.create(name)).write(0, bytes(name));
    writeFileSync(join(folder, "entry"), "theirs");
    await expect(set.commit("entry")).rejects.toMatchObject({ code: "usage" });
    expect(readdirSync(folder)).toEqual(["entry"]);
    expect(text("entry")).toBe("theirs");
  });

  test("where there are no links, an empty file takes the name and is replaced; a name that is taken is refused", () => {
    vi.spyOn(fs, "linkSync").mockImplementation(() => {
      throw Object.assign(new Error("no links on this file system"), { code: "EPERM" });
    });
    syncBuiltinESMExports();
    try {
      for (const name of ["a", "b"]) writeFileSync(join(folder, `${name}.tmp`), `new ${name}`);
      const files = ["a", "b"].map((name) => ({ temporary: join(folder, `${name}.tmp`), path: join(folder, name) }));
      writeFileSync(join(folder, "b"), "theirs");
      expect(() => placeNew(files)).toThrow(expect.objectContaining({ code: "EEXIST" }));
      expect(readdirSync(folder).sort()).toEqual(["b", "b.tmp"]);
      expect(text("b")).toBe("theirs");
      rmSync(join(folder, "b"));
      placeNew(files.slice(1));
      expect(readdirSync(folder)).toEqual(["b"]);
      expect(text("b")).toBe("new b");
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    }
  });

  test.each([
    ["a folder", /a folder is there/, (path: string) => mkdirSync(path)],
    ["a pipe", /a pipe is there/, (path: string) => spawnSync("mkfifo", [path])],
    ["a link to a device", /a device is there/, (path: string) => symlinkSync("/dev/null", path)],
    ["a link to nothing", /is a link to nowhere, which is not there/, (path: string) => symlinkSync("nowhere", path)],
  ])("%s in the place of a file is refused, with force too", async (_, message, make) => {
    make(join(folder, "out"));
    for (const force of [true, false]) {
      const refused = outputSet(folder, { force }).create("out");
      await expect(refused).rejects.toMatchObject({ code: "usage", message: expect.stringMatching(message) });
    }
    expect(readdirSync(folder)).toEqual(["out"]);
  });

  test("a file keeps its permissions when it is replaced, and is not open to others before", async () => {
    writeFileSync(join(folder, "out"), "old");
    chmodSync(join(folder, "out"), 0o640);
    const set = outputSet(folder, { force: true });
    const file = await set.create("out");
    await file.write(0, bytes("new"));
    for (const name of readdirSync(folder).filter((name) => name !== "out" && statSync(join(folder, name)).size === 3))
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    await set.commit("out");
    expect(text("out")).toBe("new");
    expect(statSync(join(folder, "out")).mode & 0o777).toBe(0o640);
  });

  test("a link stays, and what it leads to is replaced", async () => {
    mkdirSync(join(folder, "else"));
    writeFileSync(join(folder, "else", "real"), "old");
    symlinkSync("else/real", join(folder, "out"));
    await expect(outputSet(folder, { force: false }).create("out")).rejects.toMatchObject({ code: "usage" });
    const set = outputSet(folder, { force: true });
    await (await set.create("out")).write(0, bytes("new"));
    await set.commit("out");
    expect(readlinkSync(join(folder, "out"))).toBe("else/real");
    expect(text("else/real")).toBe("new");
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(["else", "else/real", "out"]);
  });

  test("the old entries go first, old parts before the new entry comes", async () => {
    for (const name of ["m", "m.index", "m-1", "m-2"]) writeFileSync(join(folder, name), "old");
    const at = (name: string): string => join(folder, name);
    const replaces = { entries: [at("m"), at("m.index")], parts: [at("m-1"), at("m-2")] };
    const set = outputSet(folder, { force: true, output: at("m"), replaces });
    for (const name of ["m-1", "m.index"]) await (await set.create(name)).write(0, bytes(`new ${name}`));
    expect(text("m")).toBe("old");
    await set.commit("m.index");
    expect(readdirSync(folder).sort()).toEqual(["m-1", "m.index"]);
    expect([text("m-1"), text("m.index")]).toEqual(["new m-1", "new m.index"]);
  });

  test("the second of two runs at one output is refused while the first is at work, and may go on afterwards", async () => {
    const runs = [1, 2].map(() => outputSet(folder, { force: true }));
    const ended = await Promise.allSettled(runs.map((set) => set.create("out")));
    expect(ended.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const refused = ended.find((end) => end.status === "rejected");
    expect(refused?.reason).toMatchObject({ code: "usage", message: `another run is writing this output (process ${process.pid})` });
    for (const set of runs) await set.abort();
    expect(readdirSync(folder)).toEqual([]);
    const third = outputSet(folder, { force: false });
    await third.create("out");
    await third.commit("out");
    expect(readdirSync(folder)).toEqual(["out"]);
  });

  test("two runs at outputs of one name in two folders that are still to be made are two runs", async () => {
    const sets = ["a", "b"].map((name) => outputSet(join(folder, name), { force: false }));
    await Promise.all(sets.map((set) => set.create("out")));
    await Promise.all(sets.map((set) => set.commit("out")));
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(["a", "a/out", "b", "b/out"]);
  });

  test("names that lead outside are refused", async () => {
    const set = outputSet(folder, { force: false });
    for (const name of ["../x", "/x", "a/../../x", "C:\\x"]) await expect(set.create(name)).rejects.toMatchObject({ code: "unsafe" });
  });

  test("what a killed run left is cleared by the next one", async () => {
    writeFileSync(join(folder, ".out.999999999-1.vggtool-tmp"), "stale");
    writeFileSync(join(folder, `.other.${process.pid}-99999.vggtool-tmp`), "alive");
    // In a container each run may have the same number: this one is of a process that ended before this one began.
    writeFileSync(join(folder, `.out.${process.pid}-99998.vggtool-tmp`), "stale");
    utimesSync(join(folder, `.out.${process.pid}-99998.vggtool-tmp`), 1, 1);
    const set = outputSet(folder, { force: false });
    await set.create("out");
    await set.abort();
    expect(readdirSync(folder)).toEqual([`.other.${process.pid}-99999.vggtool-tmp`]);
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
