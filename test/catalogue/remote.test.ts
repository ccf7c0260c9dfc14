import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CatalogueRow, catalogue, queryCatalogue } from "../../src/index.ts";
import { type Fault, type Loopback, serve } from "../remote/server.ts";
import { PROCESS_TIMEOUT } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-catalogue-"));
const models = join(root, "models");
const zoo = join(root, "zoo");
let server: Loopback;
let fault: Fault | undefined;

beforeAll(async () => {
  mkdirSync(models);
  copyFileSync(join(fixtures, "interop", "vgg16.pth"), join(models, "a.pth"));
  for (const name of readdirSync(join(fixtures, "demo"))) {
    if (name.startsWith("vgg_16.ckpt")) copyFileSync(join(fixtures, "demo", name), join(models, name));
  }
  server = await serve(models, { fault: () => fault });
});

afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

const run = () =>
  catalogue([`${server.origin}/a.pth?sig=hunter2`, `${server.origin}/vgg_16.ckpt.index`], { out: zoo, remote: { tries: 1 } });

async function rows(): Promise<readonly CatalogueRow[]> {
  const found: CatalogueRow[] = [];
  for await (const row of queryCatalogue(zoo)) found.push(row);
  return found;
}

test(
  "sources on a server are read once, and again where their ETags are others",
  async () => {
    expect(await run()).toMatchObject({ sources: 2, read: 2, failed: 0 });
    const first = await rows();
    expect(first.map(({ source, format }) => [source, format])).toEqual([
      [`${server.origin}/a.pth`, "torch"],
      [`${server.origin}/vgg_16.ckpt.index`, "tf-v2"],
    ]);
    expect(first.map(({ etag }) => String(etag).startsWith('"'))).toEqual([true, true]);
    const before = server.requests.length;
    expect(await run()).toMatchObject({ read: 0, unchanged: 2 });
    // One request for each file that was read or looked for, and none for its contents.
    expect(new Set(server.requests.slice(before).map(({ url }) => url)).size).toBe(server.requests.length - before);
    copyFileSync(join(fixtures, "demo", "vgg16.pdparams"), join(models, "a.pth"));
    expect(await run()).toMatchObject({ read: 1, unchanged: 1 });
    expect((await rows()).map(({ format }) => format)).toEqual(["paddle", "tf-v2"]);
  },
  PROCESS_TIMEOUT,
);

test("a server that does not answer costs no row, and the run fails", async () => {
  fault = { kind: "status", status: 503 };
  const before = await rows();
  expect(await run()).toMatchObject({ failed: 2, passing: 2, checkpoints: 2 });
  expect(await rows()).toEqual(before);
  fault = undefined;
  expect(await run()).toMatchObject({ read: 0, unchanged: 2, failed: 0 });
});

test("without servers the rows stay", async () => {
  const before = await rows();
  expect(await catalogue([`${server.origin}/a.pth`], { out: zoo, offline: true })).toMatchObject({ failed: 1, passing: 1 });
  expect(await rows()).toEqual(before);
});
