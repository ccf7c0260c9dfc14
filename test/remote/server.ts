import { createHash } from "node:crypto";
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** One thing that goes wrong with a request; `undefined` answers it as a good server does. */
export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly kind: "reset" } // the connection breaks in the middle of the body
  | { readonly kind: "short" } // the body ends early, and the connection with it
  | { readonly kind: "whole" } // 200 with everything, whatever was asked for
  | { readonly kind: "gzip" } // encoded, although identity was asked for
  | { readonly kind: "wrong-range" }
  | { readonly kind: "etag"; readonly etag: string | undefined }
  | { readonly kind: "redirect"; readonly to: string }
  | { readonly kind: "no-length" }
  | { readonly kind: "slow"; readonly milliseconds: number };

export interface Loopback {
  readonly origin: string;
  /** Requests so far: path, range, and the headers that matter. */
  readonly requests: { readonly url: string; readonly range: string | undefined; readonly authorization: string | undefined }[];
  bytes: number;
  close(): Promise<void>;
}

export interface LoopbackOptions {
  /** Before each answer, in milliseconds. */
  readonly delay?: number;
  /** What goes wrong with the k-th request (from 0) for a path. */
  readonly fault?: (path: string, k: number) => Fault | undefined;
}

/** Serves the files of a folder on the loopback interface as a good server does: ranges, strong ETags, If-Match; or with faults. */
export async function serve(folder: string, options: LoopbackOptions = {}): Promise<Loopback> {
  const requests: Loopback["requests"] = [];
  const state = { bytes: 0 };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname).slice(1);
    const k = requests.filter(({ url }) => url === path).length;
    requests.push({ url: path, range: request.headers.range, authorization: request.headers.authorization });
    const answer = (): void => reply(folder, path, request, response, options.fault?.(path, k), state);
    if (options.delay === undefined) answer();
    else setTimeout(answer, options.delay);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    get bytes() {
      return state.bytes;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function reply(
  folder: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
  state: { bytes: number },
): void {
  if (fault?.kind === "status") {
    response.writeHead(fault.status, fault.headers ?? {}).end(fault.body);
    return;
  }
  if (fault?.kind === "redirect") {
    response.writeHead(302, { location: fault.to }).end();
    return;
  }
  const file = join(folder, path);
  if (existsSync(file) && statSync(file).isDirectory() && (path === "" || path.endsWith("/"))) {
    // As Python's http.server does.
    const rows = readdirSync(file, { withFileTypes: true }).map((entry) => {
      const name = encodeURIComponent(entry.name) + (entry.isDirectory() ? "/" : "");
      return `<li><a href="${name}">${name}</a></li>`;
    });
    response
      .writeHead(200, { "content-type": "text/html" })
      .end(`<html><head><title>Directory listing for /${path}</title></head><ul>${rows.join("")}</ul></html>`);
    return;
  }
  if (!existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end("no such file");
    return;
  }
  const descriptor = openSync(file, "r");
  try {
    const { size, mtimeMs } = fstatSync(descriptor);
    const etag = fault?.kind === "etag" ? fault.etag : `"${createHash("sha1").update(`${path} ${size} ${mtimeMs}`).digest("hex")}"`;
    if (etag !== undefined) response.setHeader("etag", etag);
    response.setHeader("accept-ranges", "bytes");
    const wanted = request.headers["if-match"];
    if (wanted !== undefined && wanted !== etag) {
      response.writeHead(412).end();
      return;
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const part = range !== null && fault?.kind !== "whole" && fault?.kind !== "gzip" && fault?.kind !== "no-length";
    if (part && size === 0) {
      response.writeHead(416, { "content-range": "bytes */0" }).end();
      return;
    }
    const start = part ? Number(range[1]) : 0;
    const end = part ? Math.min(Number(range[2]), size - 1) : size - 1;
    const bytes = Buffer.alloc(end - start + 1);
    readSync(descriptor, bytes, 0, bytes.length, start);
    state.bytes += bytes.length;
    send(response, bytes, part ? { start, end, size } : undefined, fault);
  } finally {
    closeSync(descriptor);
  }
}

function send(
  response: ServerResponse,
  bytes: Buffer,
  part: { readonly start: number; readonly end: number; readonly size: number } | undefined,
  fault: Fault | undefined,
): void {
  if (part !== undefined) {
    const shift = fault?.kind === "wrong-range" ? 1 : 0;
    response.setHeader("content-range", `bytes ${part.start + shift}-${part.end + shift}/${part.size}`);
  }
  if (fault?.kind === "gzip") {
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(bytes));
    return;
  }
  if (fault?.kind !== "no-length") response.setHeader("content-length", bytes.length);
  response.writeHead(part === undefined ? 200 : 206);
  if (fault?.kind === "reset" || fault?.kind === "short") {
    response.write(bytes.subarray(0, bytes.length >> 1), () => {
      if (fault.kind === "reset") response.socket?.resetAndDestroy();
      else response.socket?.end();
    });
    return;
  }
  if (fault?.kind === "slow") {
    response.write(bytes.subarray(0, 1));
    setTimeout(() => response.end(bytes.subarray(1)), fault.milliseconds);
    return;
  }
  response.end(bytes);
}
