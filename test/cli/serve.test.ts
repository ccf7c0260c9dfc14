import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, vggtool } from "../support/cli.ts";

/* `vggtool serve` as somebody meets it who knows its address, and who does not. */

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

describe("serve", () => {
  const place = mkdtempSync(join(tmpdir(), "vggtool-serve-"));
  const folder = join(place, "zoo");
  let child: ChildProcess;
  let address: URL;

  beforeAll(async () => {
    mkdirSync(join(folder, "deep"), { recursive: true });
    mkdirSync(join(folder, ".cache"));
    mkdirSync(join(place, "private"));
    writeFileSync(join(folder, "a.bin"), "0123456789");
    writeFileSync(join(folder, "deep", "b #1%.bin"), "deep");
    writeFileSync(join(folder, ".cache", "hidden"), "hidden");
    writeFileSync(join(folder, ".token"), "hidden");
    writeFileSync(join(place, "private", "secret.txt"), "secret");
    symlinkSync(join(place, "private"), join(folder, "linked"));
    symlinkSync(join(place, "private", "secret.txt"), join(folder, "secret.txt"));
    symlinkSync("a.bin", join(folder, "again.bin"));
    child = spawn(process.execPath, [join(root, "bin", "vggtool"), "serve", folder, "--quiet"], { stdio: ["ignore", "pipe", "inherit"] });
    address = new URL(await new Promise<string>((resolve) => child.stdout?.once("data", (data) => resolve(String(data).trim()))));
  });
  afterAll(() => {
    child.kill();
    rmSync(place, { recursive: true, force: true });
  });

  /** A request as it is written, without what a browser or fetch would tidy up. */
  function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port: address.port, path, headers, method }, (response) => {
        let text = "";
        response.setEncoding("latin1").on("data", (data: string) => {
          text += data;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      asked.on("error", reject).end();
    });
  }

  const own = (name: string): string => `${address.pathname}${name}`;

  test("the address is one of this machine, with a token of 192 bits", () => {
    expect(address.hostname).toBe("127.0.0.1");
    expect(address.pathname).toMatch(/^\/[\w-]{32}\/$/);
  });

  test("the page may ask this server and nobody else", async () => {
    const { status, text, headers } = await ask(own(""));
    expect(status).toBe(200);
    expect(text).toContain("default-src 'none'; connect-src 'self'; script-src 'sha256-");
    expect(headers).toMatchObject({ "cache-control": "no-store", "x-frame-options": "DENY", "referrer-policy": "no-referrer" });
  });

  test("the list has the folder's files: none that is hidden, none that a link leads out to", async () => {
    expect(JSON.parse((await ask(own("files.json"))).text)).toEqual([
      { name: "a.bin", size: 10 },
      { name: "again.bin", size: 10 },
      { name: "deep/b #1%.bin", size: 4 },
    ]);
  });

  test("files are given whole and by ranges, bound to their state", async () => {
    const all = await ask(own("files/a.bin"));
    expect(all).toMatchObject({ status: 200, text: "0123456789" });
    const part = await ask(own("files/a.bin"), { range: "bytes=3-5", "if-match": String(all.headers.etag) });
    expect(part).toMatchObject({ status: 206, text: "345", headers: { "content-range": "bytes 3-5/10", "content-length": "3" } });
    expect(await ask(own("files/a.bin"), { range: "bytes=8-99" })).toMatchObject({ status: 206, text: "89" });
    expect(await ask(own("files/a.bin"), { range: "bytes=10-" })).toMatchObject({
      status: 416,
      headers: { "content-range": "bytes */10" },
    });
    expect(await ask(own("files/a.bin"), { "if-match": '"another"' })).toMatchObject({ status: 412 });
    expect(await ask(own("files/a.bin"), {}, "HEAD")).toMatchObject({ status: 200, text: "", headers: { "content-length": "10" } });
    expect(await ask(own("files/deep/b%20%231%25.bin"))).toMatchObject({ status: 200, text: "deep" });
    expect(await ask(own("files/again.bin"))).toMatchObject({ status: 200, text: "0123456789" });
  });

  test.each([
    "files/../private/secret.txt",
    "files/..%2fprivate%2fsecret.txt",
    "files/%2e%2e/private/secret.txt",
    "files/deep/../../private/secret.txt",
    "files/deep%2fb",
    "files/..%5cprivate%5csecret.txt",
    "files//etc/passwd",
    "files/%00",
    "files/%",
    "files/secret.txt",
    "files/linked/secret.txt",
    "files/.token",
    "files/.cache/hidden",
    "files/deep",
    "files/",
    "files/none.bin",
    "other",
  ])("%s is not served", async (name) => {
    const { status, text } = await ask(own(name));
    expect({ status, text }).toEqual({ status: 404, text: "there is no such file in the folder\n" });
  });

  test("another token, or none, opens nothing", async () => {
    const other = address.pathname.replace(/.(?=\/$)/, (letter) => (letter === "A" ? "B" : "A"));
    for (const path of [
      "/",
      "/files.json",
      "/files/a.bin",
      `${other}files/a.bin`,
      `${address.pathname.slice(0, -2)}/files/a.bin`,
      `/?${address.pathname}`,
    ]) {
      expect(await ask(path), path).toMatchObject({ status: 403, text: "this address has no token, or another one\n" });
    }
  });

  test("a request that names another host is refused: a name of somebody else that leads here", async () => {
    for (const host of [
      "evil.example",
      `evil.example:${address.port}`,
      "127.0.0.1",
      `127.0.0.1.evil.example:${address.port}`,
      `[::1]:${address.port}`,
    ]) {
      expect(await ask(own("files/a.bin"), { host }), host).toMatchObject({ status: 403, text: "the request names another host\n" });
    }
    expect(await ask(own("files/a.bin"), { host: `localhost:${address.port}` })).toMatchObject({ status: 200 });
  });

  test("a request that another site makes is refused", async () => {
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]) {
      expect(await ask(own("files/a.bin"), headers)).toMatchObject({ status: 403, text: "another site asks\n" });
    }
    expect(await ask(own("files/a.bin"), { origin: address.origin, "sec-fetch-site": "same-origin" })).toMatchObject({ status: 200 });
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is refused", async (method) => {
    expect(await ask(own("files/a.bin"), {}, method)).toMatchObject({ status: 405, text: "files are only read here\n" });
  });

  test("a port that is taken, a file and a folder that is not there are sentences", async () => {
    const taken = await vggtool(["serve", folder, "--port", address.port]);
    expect(taken).toMatchObject({ code: 2 });
    expect(taken.stderr).toContain(
      `port ${address.port}: another program listens there\n  choose another one with --port, or leave it out`,
    );
    expect((await vggtool(["serve", join(folder, "a.bin")])).stderr).toContain("this is a file, a folder was needed");
    expect((await vggtool(["serve", join(folder, "none")])).stderr).toContain("no such folder");
  });
});
