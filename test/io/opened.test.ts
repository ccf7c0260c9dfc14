import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderSet } from "../../src/io/folder.ts";
import { locateInput } from "../../src/io/locate.ts";
import { openedFiles } from "../../src/io/opened.ts";
import { fileSource } from "../../src/io/source/file.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
  path = join(folder, "x.bin");
  writeFileSync(path, "0123456789");
  utimesSync(path, 1e9, 1e9);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Opens the file, lets `act` happen before any byte of it is read, reads it. */
async function changedBy(act: () => void): Promise<void> {
  const opened = openedFiles();
  const source = await fileSource(path, opened);
  act();
  await source.read(0, 10);
  await source.close();
  opened.refuseChanged("nothing was written");
}

describe("a file that is another one than when it was opened", () => {
  const acts: readonly (readonly [string, () => void])[] = [
    ["is written to in place", () => writeFileSync(path, "987654321*")],
    ["grows", () => appendFileSync(path, "more")],
    [
      "is written to, and its time set back",
      () => {
        writeFileSync(path, "987654321*");
        utimesSync(path, 1e9, 1e9);
      },
    ],
    [
      "is replaced by one of its size and time",
      () => {
        writeFileSync(`${path}.new`, "987654321*");
        utimesSync(`${path}.new`, 1e9, 1e9);
        renameSync(`${path}.new`, path);
      },
    ],
    ["is removed", () => rmSync(path)],
  ];
  test.each(acts)("it %s", async (_, act) => {
    await expect(changedBy(act)).rejects.toMatchObject({
      code: "changed",
      message: "the input changed while it was read; nothing was written",
      where: { file: path },
    });
  });

  test("it is only read", async () => {
    await changedBy(() => readFileSync(path));
    expect(statSync(path).mtimeMs).toBe(1e12);
  });

  test("its first state counts, though it is opened again", async () => {
    const opened = openedFiles();
    await (await fileSource(path, opened)).close();
    writeFileSync(path, "987654321*");
    await (await fileSource(path, opened)).close();
    expect(() => opened.refuseChanged("no")).toThrow("the input changed while it was read; no");
  });
});

describe("what is noted", () => {
  test("the file that was named, and what is opened beside it", async () => {
    writeFileSync(join(folder, "y.bin"), "y");
    const opened = openedFiles();
    const { source, set } = await locateInput(path, opened);
    await source.close();
    opened.refuseChanged("no");
    await (await set.open("y.bin"))?.close();
    rmSync(join(folder, "y.bin"));
    expect(() => opened.refuseChanged("no")).toThrow(
      expect.objectContaining({ where: expect.objectContaining({ file: join(folder, "y.bin") }) }),
    );
  });

  test("no file that was looked for in vain, or only listed", async () => {
    const opened = openedFiles();
    const set = folderSet(folder, opened);
    expect(await set.open("none.bin")).toBeUndefined();
    expect(await set.list()).toEqual(["x.bin"]);
    writeFileSync(join(folder, "none.bin"), "there now");
    rmSync(path);
    opened.refuseChanged("no");
  });
});
