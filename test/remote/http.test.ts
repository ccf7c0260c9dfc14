import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { nodeTransport } from "../../src/io/remote/http-node.ts";
import { Requests } from "../../src/io/remote/requests.ts";
import { httpSource } from "../../src/io/source/http.ts";
import { type Fault, type Loopback, type LoopbackOptions, serve } from "./server.ts";

const folders: string[] = [];
const servers: Loopback[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with one file of so many bytes, no two runs of 256 alike, and its server. */
async function served(
  size: number,
  options: LoopbackOptions = {},
): Promise<{ readonly server: Loopback; readonly bytes: Buffer; readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-http-"));
  folders.push(folder);
  const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, k) => (k ^ (k >> 8) ^ (k >> 16)) & 255));
  const file = join(folder, "file.bin");
  writeFileSync(file, bytes);
  const server = await serve(folder, options);
  servers.push(server);
  return { server, bytes, file };
}

const pauses: number[] = [];
function requests(tries?: number): Requests {
  pauses.length = 0;
  return new Requests({
    transport: nodeTransport,
    ...(tries === undefined ? {} : { tries }),
    pause: async (milliseconds) => void pauses.push(milliseconds),
  });
}

const opened = (server: Loopback, tries?: number) => httpSource(`${server.origin}/file.bin`, requests(tries), { shown: "file.bin" });

/** What a failure says; "right" where the bytes came, and they are compared. */
async function outcome(server: Loopback, bytes: Buffer): Promise<string> {
  try {
    const source = await opened(server);
    if (source === undefined) return "absent";
    const read = await source.read(0, source.size);
    expect(Buffer.from(read).equals(bytes)).toBe(true);
    return "right";
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    expect(error.where.file).toBe("file.bin");
    return `${error.code}: ${error.message}`;
  }
}

describe("a file on a server", () => {
  test("is read in parts, each bound to the state that was found first", async () => {
    const { server, bytes } = await served(1_000_000);
    const source = await opened(server);
    expect(source?.size).toBe(1_000_000);
    for (const [offset, length] of [
      [0, 10],
      [65_530, 20],
      [999_990, 10],
      [500_000, 100_000],
    ] as const) {
      expect(Buffer.from((await source?.read(offset, length)) ?? []).equals(bytes.subarray(offset, offset + length))).toBe(true);
    }
    expect(server.requests[0]?.range).toBe("bytes=0-65535");
    expect(server.requests.length).toBeLessThanOrEqual(6);
  });

  test("of any length and at any offset gives the bytes of the disk", async () => {
    for (const size of [0, 1, 16_383, 16_384, 65_536, 65_537, 200_000]) {
      const { server, bytes } = await served(size);
      const source = await opened(server);
      expect(source?.size).toBe(size);
      for (let k = 0; k < 40; k++) {
        const offset = Math.floor((size * ((k * 37) % 40)) / 40);
        const length = Math.min(size - offset, 1 + ((k * 7919) % 30_000));
        expect(Buffer.from((await source?.read(offset, length)) ?? []).equals(bytes.subarray(offset, offset + length))).toBe(true);
      }
    }
  });

  test("that is walked through takes few requests, and one that is jumped about in few bytes", async () => {
    const { server } = await served(8_000_000);
    const source = await opened(server);
    for (let at = 0; at < 8_000_000; at += 10_000) await source?.read(at, 4);
    expect(server.requests.length).toBeLessThan(20);
    const sparse = await served(8_000_000);
    const jumping = await opened(sparse.server);
    for (let at = 7_000_000; at > 1_000_000; at -= 1_000_000) await jumping?.read(at, 4);
    expect(sparse.server.bytes).toBeLessThan(200_000);
  });

  test("that does not exist is absent", async () => {
    const { server } = await served(10);
    expect(await httpSource(`${server.origin}/other.bin`, requests(), { shown: "other.bin" })).toBeUndefined();
  });
});

/** What goes wrong with the k-th request, and what must come of it: the right bytes, or one sentence. */
const matrix: readonly (readonly [name: string, fault: (k: number) => Fault | undefined, expected: string | RegExp])[] = [
  ["503 twice", (k) => (k < 2 ? { kind: "status", status: 503 } : undefined), "right"],
  ["503 always", () => ({ kind: "status", status: 503 }), /^io: the server answered 503 \(tried 5 times\)$/],
  ["429 with Retry-After", (k) => (k === 1 ? { kind: "status", status: 429, headers: { "retry-after": "2" } } : undefined), "right"],
  ["a reset in a body", (k) => (k === 1 ? { kind: "reset" } : undefined), "right"],
  ["resets always", () => ({ kind: "reset" }), /^io: .*(tried 5 times)/],
  ["a short body", (k) => (k === 1 ? { kind: "short" } : undefined), "right"],
  ["200 for 206 at once, a small file", () => ({ kind: "whole" }), "right"],
  ["200 for 206 later", (k) => (k >= 1 ? { kind: "whole" } : undefined), /^io: the server gave a part of the file before/],
  ["gzip although identity was asked for", () => ({ kind: "gzip" }), /^unsupported: the server sends the file encoded \(gzip\)/],
  ["a wrong Content-Range", (k) => (k >= 1 ? { kind: "wrong-range" } : undefined), /^io: the server's Content-Range is/],
  ["a wrong Content-Range at once", () => ({ kind: "wrong-range" }), /^io: the server's Content-Range is/],
  ["a weak ETag: the whole file in one answer", () => ({ kind: "etag", etag: 'W/"1"' }), "right"],
  ["no ETag: the whole file in one answer", () => ({ kind: "etag", etag: undefined }), "right"],
  ["another ETag", (k) => ({ kind: "etag", etag: `"${k < 1 ? 1 : 2}"` }), /^changed: the file changed on the server/],
  [
    "no length, not asked to download",
    () => ({ kind: "no-length" }),
    /^unsupported: the server gives this file of unknown length only whole/,
  ],
  ["403", () => ({ kind: "status", status: 403 }), /^io: the server refuses access \(403\)/],
  [
    "a token that has expired, as a bucket's server says it",
    () => ({
      kind: "status",
      status: 400,
      headers: { "content-type": "application/xml" },
      body: "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
    }),
    /^io: the server refuses access \(400, ExpiredToken\)/,
  ],
  ["404 later", (k) => (k >= 1 ? { kind: "status", status: 404 } : undefined), /^changed: /],
  ["a redirect to itself", () => ({ kind: "redirect", to: "/file.bin" }), /^io: the server's redirects lead in a circle$/],
  [
    "a redirect to a file: address",
    () => ({ kind: "redirect", to: "file:///etc/passwd" }),
    /^unsafe: the server redirects to a file: address/,
  ],
  ["a slow answer", (k) => (k === 1 ? { kind: "slow", milliseconds: 50 } : undefined), "right"],
];

describe("a server of HTTP/1.0", () => {
  const old = async (head: string, body: Buffer): Promise<string> => {
    const answering = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", () => {
        socket.write(`HTTP/1.0 200 OK\r\n${head}\r\n`);
        // In pieces, as a slow line brings them.
        for (let at = 0; at < body.length; at += 100) socket.write(body.subarray(at, at + 100));
        socket.end();
      });
    });
    await new Promise<void>((resolve) => answering.listen(0, "127.0.0.1", resolve));
    const address = answering.address();
    const port = typeof address === "object" ? address?.port : undefined;
    try {
      const source = await httpSource(`http://127.0.0.1:${port}/old.bin`, requests(), { shown: "old.bin" });
      return `${source?.size} ${Buffer.from((await source?.read(0, source.size)) ?? []).equals(body)}`;
    } catch (error) {
      return error instanceof CheckpointError ? `${error.code}: ${error.message}` : String(error);
    } finally {
      answering.close();
    }
  };
  const body = Buffer.from(Uint8Array.from({ length: 1000 }, (_, k) => k & 255));

  test("gives a small file whole", async () => {
    expect(await old("Content-Length: 1000\r\n", body)).toBe("1000 true");
  });

  test("and one without its length is not taken for whole: its end may be a broken line", async () => {
    expect(await old("", body)).toMatch(/^unsupported: the server gives this file of unknown length only whole/);
  });

  test("one that ends before its length is asked again, and never taken for whole", async () => {
    expect(await old("Content-Length: 2000\r\n", body)).toMatch(/^io: .*\(tried 5 times\)$/);
  });
});

describe("a server that misbehaves gives the right bytes or one sentence, never a mixture", () => {
  test.each(matrix)("%s", async (_, fault, expected) => {
    const { server, bytes } = await served(300_000, { fault: (_path, k) => fault(k) });
    expect(await outcome(server, bytes)).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
  });

  test("waits as long as Retry-After says, else longer each time", async () => {
    const busy = await served(10, {
      fault: (_path, k) => (k < 4 ? { kind: "status", status: 503, headers: k === 0 ? { "retry-after": "3" } : {} } : undefined),
    });
    await opened(busy.server);
    expect(pauses[0]).toBe(3000);
    expect(pauses).toHaveLength(4);
    for (const [k, most] of [500, 1000, 2000].entries()) {
      expect(pauses[k + 1]).toBeGreaterThanOrEqual(most / 2);
      expect(pauses[k + 1]).toBeLessThanOrEqual(most);
    }
  });

  test("a file that is replaced between two reads is an error", async () => {
    const { server, file } = await served(300_000);
    const source = await opened(server);
    copyFileSync(file, `${file}.new`);
    writeFileSync(file, Buffer.concat([readFileSync(`${file}.new`).subarray(1), Buffer.from([9])]));
    await expect(source?.read(200_000, 10)).rejects.toMatchObject({ code: "changed" });
  });

  test("a host that does not exist is asked once", async () => {
    const asked = httpSource("http://no-such-host.invalid/x", requests(), { shown: "http://no-such-host.invalid/x" });
    await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^io$/) });
    expect(pauses.length).toBeLessThanOrEqual(4);
  });

  test("credentials stay behind at a redirect to another host, and never go over http to another machine", async () => {
    const target = await served(10);
    const { server } = await served(10, { fault: () => ({ kind: "redirect", to: `${target.server.origin}/file.bin` }) });
    const headers = async (): Promise<ReadonlyMap<string, string>> => new Map([["authorization", "Bearer secret"]]);
    const source = await httpSource(`${server.origin}/file.bin`, new Requests({ transport: nodeTransport, headers }), { shown: "x" });
    expect(source?.size).toBe(10);
    expect(server.requests[0]?.authorization).toBe("Bearer secret");
    expect(target.server.requests[0]?.authorization).toBeUndefined();
    const outside = httpSource("http://weights.invalid/x", new Requests({ transport: nodeTransport, headers }), { shown: "x" });
    await expect(outside).rejects.toMatchObject({ code: "unsafe", message: expect.stringContaining("https only") });
  });
});
