import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Loopback, serve } from "../remote/server.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

let server: Loopback;
let out: string;

beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), "vggtool-remote-"));
  for (const file of ["vgg16.pdparams", "vgg_16.ckpt.index", "vgg_16.ckpt.data-00000-of-00001", "vgg_face.mat"]) {
    copyFileSync(join(fixtures, "demo", file), join(out, file));
  }
  server = await serve(out);
});

afterAll(async () => {
  await server.close();
  rmSync(out, { recursive: true });
});

/** JSON without where it was read. */
const placeless = (text: string): unknown => {
  const { file: _file, files: _files, ...rest } = JSON.parse(text);
  return rest;
};

test(
  "inspect of an address prints what inspect of the file prints",
  async () => {
    const there = await vggtool(["inspect", `${server.origin}/vgg16.pdparams`, "--json"]);
    const here = await vggtool(["inspect", join(out, "vgg16.pdparams"), "--json"]);
    expect([there.code, placeless(there.stdout)]).toEqual([0, placeless(here.stdout)]);
  },
  PROCESS_TIMEOUT,
);

test(
  "a prefix of a set is found by trying",
  async () => {
    const { code, stdout } = await vggtool(["inspect", `${server.origin}/vgg_16.ckpt`, "--json"]);
    expect([code, JSON.parse(stdout).format]).toEqual([0, "tf-v2"]);
  },
  PROCESS_TIMEOUT,
);

test(
  "convert writes into the current folder, and the same bytes",
  async () => {
    const work = mkdtempSync(join(tmpdir(), "vggtool-remote-out-"));
    const there = await vggtool(["convert", `${server.origin}/vgg_face.mat`, "--to", "safetensors"], { cwd: work });
    const here = await vggtool(["convert", join(out, "vgg_face.mat"), "-o", join(work, "here.safetensors")]);
    expect([there.code, here.code, there.stderr, here.stderr].slice(0, 2)).toEqual([0, 0]);
    expect(readFileSync(join(work, "vgg_face.safetensors")).equals(readFileSync(join(work, "here.safetensors")))).toBe(true);
    rmSync(work, { recursive: true });
  },
  PROCESS_TIMEOUT,
);

test(
  "--offline asks nobody, and neither a password nor a signature is ever printed",
  async () => {
    const before = server.requests.length;
    const address = server.origin.replace("http://", "http://me:secret@");
    const { code, stderr } = await vggtool(["inspect", `${address}/vgg16.pdparams?signature=secret`, "--offline"]);
    expect([code, server.requests.length]).toEqual([2, before]);
    expect(stderr).toContain(`${server.origin}/vgg16.pdparams?…`);
    expect(stderr).not.toContain("secret");
    const json = await vggtool(["inspect", `${address}/vgg16.pdparams?signature=secret`, "--json"]);
    expect([json.code, json.stdout.includes("secret")]).toEqual([0, false]);
    const missing = await vggtool(["inspect", `${address}/nothing.pth?signature=secret`, "--json"]);
    expect([missing.code, missing.stdout.includes("secret"), missing.stderr.includes("secret")]).toEqual([2, false, false]);
  },
  PROCESS_TIMEOUT,
);

test(
  "--cache fetches nothing twice",
  async () => {
    const cache = join(out, "cache");
    const size = 400_000;
    const header = JSON.stringify({ x: { dtype: "U8", shape: [size], data_offsets: [0, size] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(join(out, "large.safetensors"), Buffer.concat([length, Buffer.from(header), Buffer.alloc(size, 7)]));
    const run = () => vggtool(["inspect", `${server.origin}/large.safetensors`, "--json", "--hash", "--cache", cache]);
    const first = await run();
    const bytes = server.bytes;
    const second = await run();
    expect(second.stdout).toBe(first.stdout);
    expect(existsSync(cache)).toBe(true);
    // The first part is fetched again: it says which state the file is in.
    expect(server.bytes - bytes).toBeLessThanOrEqual(65_536);
  },
  PROCESS_TIMEOUT,
);

test(
  "standard input and file: addresses are read",
  async () => {
    const { spawnSync } = await import("node:child_process");
    const file = join(out, "vgg16.pdparams");
    const piped = spawnSync(process.execPath, ["bin/vggtool", "inspect", "-", "--json"], { input: readFileSync(file), encoding: "utf8" });
    expect([piped.status, JSON.parse(piped.stdout).tensors.length]).toEqual([0, 32]);
    const { code, stdout } = await vggtool(["inspect", `file://${file}`, "--json"]);
    expect([code, JSON.parse(stdout).tensors.length]).toEqual([0, 32]);
  },
  PROCESS_TIMEOUT,
);

test(
  "the usual variables name a proxy, and its exceptions",
  async () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.url ?? "");
      const { port, pathname } = new URL(request.url ?? "");
      const up = connect(Number(port), "127.0.0.1", () =>
        up.write(
          `GET ${pathname} HTTP/1.0\r\nrange: ${request.headers.range ?? ""}\r\nif-match: ${request.headers["if-match"] ?? "*"}\r\n\r\n`,
        ),
      );
      response.socket?.on("error", () => up.destroy());
      if (response.socket !== null) up.pipe(response.socket);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const address = proxy.address();
    const port = address === null || typeof address === "string" ? 0 : address.port;
    const env = { HTTP_PROXY: `http://127.0.0.1:${port}`, http_proxy: `http://127.0.0.1:${port}`, NO_PROXY: "", no_proxy: "" };
    await vggtool(["inspect", `${server.origin}/vgg16.pdparams`], { env });
    expect(seen[0]).toBe(`${server.origin}/vgg16.pdparams`);
    seen.length = 0;
    const around = await vggtool(["inspect", `${server.origin}/vgg16.pdparams`], {
      env: { ...env, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
    });
    expect([around.code, seen]).toEqual([0, []]);
    proxy.closeAllConnections();
    proxy.close();
  },
  PROCESS_TIMEOUT,
);
