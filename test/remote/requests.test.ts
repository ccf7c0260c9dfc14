import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { inspect } from "../../src/library/inspect.ts";
import { fixtures } from "../support/paths.ts";
import { type Loopback, serve } from "./server.ts";

/* What a server is asked for: each request is a journey, and a small file is one. */

let server: Loopback | undefined;
afterEach(async () => {
  await server?.close();
});

async function asked(folder: string, name: string): Promise<readonly string[]> {
  server = await serve(join(fixtures, folder));
  await inspect(`${server.origin}/${name}`);
  return server.requests.map(({ url }) => url);
}

describe("what is asked of a server", () => {
  test("of a set that is named by its prefix: the list, and what is in the list", async () => {
    expect(await asked("demo", "vgg_16.ckpt")).toEqual(["vgg_16.ckpt", "", "vgg_16.ckpt.index", "vgg_16.ckpt.data-00000-of-00001"]);
  });

  test("of a file that is named: itself, and what may be beside it, since there is no list", async () => {
    expect(await asked("demo", "vgg16.pdparams")).toEqual(["vgg16.pdparams", "vgg16.pdmodel", "vgg16.json", "vgg16.pdparams.vggtool.json"]);
  });
});

test("an HDF5 file behind other bytes is not looked for where a format is sure of what it sees", async () => {
  const model = readFileSync(join(fixtures, "onnx/types/types.onnx"));
  // Field 6 of a ModelProto: a text of 4 MiB, before the graph.
  const text = Buffer.concat([Buffer.from([0x08, 0x08, 0x32, 0x80, 0x80, 0x80, 0x02]), Buffer.alloc(4 << 20, "a")]);
  const bytes = Uint8Array.from(Buffer.concat([text, model]));
  const read: number[] = [];
  const slice = async (from: number, to: number) => {
    read.push(from);
    return bytes.slice(from, to).buffer;
  };
  const { format } = await inspect({ byteLength: bytes.length, slice });
  expect(format).toBe("onnx");
  expect(read.filter((from) => from >= 1 << 17 && Math.log2(from) % 1 === 0)).toEqual([]);
});
