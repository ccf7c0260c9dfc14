import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InspectRecord, inspect, openCheckpoint, type SliceableBytes } from "../../src/index.ts";
import { type Loopback, serve } from "../remote/server.ts";
import { expectedCases } from "../support/golden.ts";
import { fixtures, golden } from "../support/paths.ts";

let folder: string;
let server: Loopback;
let busy = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-parts-"));
  copyFileSync(join(fixtures, "demo/vgg16.pdparams"), join(folder, "vgg16.pdparams"));
  server = await serve(folder, { fault: () => (busy-- > 0 ? { kind: "status", status: 503 } : undefined) });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Bytes as somebody else's reader has them: asked for part by part, each time later. */
function sliced(bytes: Uint8Array, name: string): SliceableBytes & { readonly asked: () => number } {
  let asked = 0;
  return {
    name,
    byteLength: bytes.length,
    async slice(start, end) {
      asked += end - start;
      return new Uint8Array(bytes.subarray(start, end)).buffer;
    },
    asked: () => asked,
  };
}

/** A record without where it was read. */
function placeless({ file: _file, files: _files, ...rest }: InspectRecord): string {
  return JSON.stringify(rest);
}

const told = (input: Parameters<typeof inspect>[0]): Promise<string> =>
  inspect(input).then(placeless, (error: unknown) => (error instanceof Error ? error.name : String(error)));

describe("bytes given part by part", () => {
  test("are read where the structure is, and nowhere else", async () => {
    const bytes = readFileSync(join(fixtures, "demo/vgg_16.ckpt.index"));
    expect((await inspect(sliced(readFileSync(join(fixtures, "demo/vgg_face.mat")), "vgg_face.mat"))).format).toBe("matconvnet");
    await using checkpoint = await openCheckpoint(sliced(readFileSync(join(fixtures, "demo/vgg16.pdparams")), "vgg16.pdparams"));
    expect((await checkpoint.read("conv1_1.bias")).shape).toEqual([4]);
    // A set needs its other files, which bytes alone do not have.
    await expect(inspect(sliced(bytes, "vgg_16.ckpt.index"))).rejects.toMatchObject({ code: "not-found" });
  });

  test("an ArrayBuffer has such parts", async () => {
    const bytes = new Uint8Array(readFileSync(join(fixtures, "demo/vgg16.pdparams")));
    expect((await inspect(bytes.buffer)).totals.tensors).toBe(32);
  });

  test("that are fewer than were asked for are an error", async () => {
    const bytes = readFileSync(join(fixtures, "demo/vgg16.pdparams"));
    const short = { byteLength: bytes.length, slice: (start: number) => new Uint8Array(bytes.subarray(start, start + 100)).buffer };
    await expect(inspect(short)).rejects.toMatchObject({ code: "changed" });
  });

  test.skipIf(golden === undefined)(
    "every golden file gives as a File, and in parts, the record that it gives from disk",
    { timeout: 600_000 },
    async () => {
      const wrong: string[] = [];
      for (const { path } of expectedCases(golden ?? "")) {
        const one = await openCheckpoint(path).catch(() => undefined);
        await one?.close();
        // Sets need their other files.
        if (one === undefined || one.files.length !== 1 || dirname(join(dirname(path), one.files[0] ?? "")) !== dirname(path)) continue;
        if (basename(path) !== basename(one.files[0] ?? "")) continue;
        const bytes = readFileSync(path);
        const [disk, file, parts] = [
          await told(path),
          await told(new File([bytes], basename(path))),
          await told(sliced(bytes, basename(path))),
        ];
        if (disk !== file || disk !== parts) wrong.push(path);
      }
      expect(wrong).toEqual([]);
    },
  );
});

describe("a server asked by a function of the form of fetch", () => {
  test("gives the record, with the headers that were given, and as many tries", async () => {
    const address = `${server.origin}/vgg16.pdparams`;
    const seen: (string | null)[] = [];
    const ask: typeof fetch = async (input, init) => {
      seen.push(new Headers(init?.headers).get("x-team"));
      return fetch(input, init);
    };
    const record = await inspect(address, { remote: { fetch: ask, headers: { "X-Team": "vision" } } });
    expect([placeless(record), new Set(seen)]).toEqual([placeless(await inspect(join(folder, "vgg16.pdparams"))), new Set(["vision"])]);
    busy = 1;
    await expect(inspect(address, { remote: { fetch: ask, tries: 1 } })).rejects.toMatchObject({
      code: "io",
      message: expect.stringContaining("503"),
    });
    busy = 1;
    expect((await inspect(address, { remote: { fetch: ask, tries: 2 } })).totals.tensors).toBe(32);
  });

  test("stops when the signal says so", async () => {
    const controller = new AbortController();
    const ask: typeof fetch = async (input, init) => {
      controller.abort();
      return fetch(input, init);
    };
    const asked = inspect(`${server.origin}/vgg16.pdparams`, { remote: { fetch: ask }, signal: controller.signal });
    await expect(asked).rejects.toMatchObject({ code: "interrupted" });
  });
});

test("what reads blobs and servers needs nothing of Node", () => {
  const src = fileURLToPath(new URL("../../src/", import.meta.url));
  const pending = ["io/source/http.ts", "io/source/blob.ts", "io/remote/http-fetch.ts"].map((file) => join(src, file));
  const seen = new Set<string>();
  const node: string[] = [];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const [, named = ""] of readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)) {
      if (named.startsWith(".")) pending.push(join(dirname(file), named));
      else node.push(`${file}: ${named}`);
    }
  }
  expect([node, seen.size > 8]).toEqual([[], true]);
});
