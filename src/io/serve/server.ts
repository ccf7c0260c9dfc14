import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fileSource } from "../source/file.ts";
import { fromSystem } from "../system-error.ts";
import { listServed, placeServed } from "./folder.ts";

/** A server of one page and the files of one folder. */
export interface PageServer {
  /** With the token: whoever has it may read the folder. */
  readonly address: string;
  close(): Promise<void>;
}

/** Bytes read and sent at a time. */
const CHUNK = 1 << 20;

/** What a request is answered where it is not answered with a file. */
type Refusal = readonly [status: number, why: string];

/**
 * Serves a page and a folder on this machine alone (127.0.0.1), for whoever knows the token in the address. Refused are: another host in
 * the request (a name of somebody else that leads here, DNS rebinding), a request that another site makes, another token, names that lead
 * out of the folder, and everything but reading. `port`: 0 for any. Throws `io` where the port is taken.
 */
export async function servePage(folder: string, page: string, port: number): Promise<PageServer> {
  const token = randomBytes(24).toString("base64url");
  const server = createServer((request, response) => {
    answer({ folder, page, token }, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(fromSystem(error, `port ${port}`)));
    server.listen(port, "127.0.0.1", resolve);
  });
  const place = server.address();
  if (place === null || typeof place === "string") throw new Error("the server has no port");
  return {
    address: `http://127.0.0.1:${place.port}/${token}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Served {
  readonly folder: string;
  readonly page: string;
  readonly token: string;
}

const always = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

async function answer(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refused = refusalOf(request);
  const [, token = "", ...rest] = (request.url ?? "").replace(/[?#].*$/s, "").split("/");
  if (refused !== undefined) return refuse(response, refused);
  if (!sameText(token, served.token)) return refuse(response, [403, "this address has no token, or another one"]);
  const path = rest.join("/");
  if (path === "") return send(response, "text/html; charset=utf-8", served.page);
  if (path === "files.json") return send(response, "application/json", JSON.stringify(listServed(served.folder)));
  const name = path.startsWith("files/") ? decoded(rest.slice(1)) : undefined;
  const place = name === undefined ? undefined : placeServed(served.folder, name);
  if (place === undefined) return refuse(response, [404, "there is no such file in the folder"]);
  await sendFile(place, request, response);
}

/** Who may ask: a page of this server, or a person who opens its address. */
function refusalOf({ method, headers, socket }: IncomingMessage): Refusal | undefined {
  const own = [`127.0.0.1:${socket.localPort}`, `localhost:${socket.localPort}`];
  if (!own.includes(headers.host ?? "")) return [403, "the request names another host"];
  const { origin } = headers;
  // A page without an origin of its own says "null", and is another site too.
  const foreign = origin !== undefined && !own.some((host) => origin === `http://${host}`);
  if (foreign || headers["sec-fetch-site"] === "cross-site" || headers["sec-fetch-site"] === "same-site") return [403, "another site asks"];
  return method === "GET" || method === "HEAD" ? undefined : [405, "files are only read here"];
}

/** Compared in a time that does not say how much of it is right. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** undefined: a part is no encoded name, or hides a separator. */
function decoded(parts: readonly string[]): string | undefined {
  try {
    const names = parts.map(decodeURIComponent);
    return names.some((name) => /[/\\\0]/.test(name)) ? undefined : names.join("/");
  } catch {
    return undefined; // a stray % is no name of ours
  }
}

function refuse(response: ServerResponse, [status, why]: Refusal): void {
  response.writeHead(status, { ...always, "content-type": "text/plain; charset=utf-8" }).end(`${why}\n`);
}

function send(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { ...always, "content-type": type }).end(text);
}

async function sendFile(
  { path, size, etag }: { readonly path: string; readonly size: number; readonly etag: string },
  { method, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (headers["if-match"] !== undefined && headers["if-match"] !== etag) return refuse(response, [412, "the file has changed"]);
  const range = rangeOf(headers.range, size);
  if (range === undefined) {
    response.writeHead(416, { ...always, "content-range": `bytes */${size}` }).end();
    return;
  }
  const { from, to, whole } = range;
  response.writeHead(whole ? 200 : 206, {
    ...always,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    "content-length": to - from,
    etag,
    ...(whole ? {} : { "content-range": `bytes ${from}-${to - 1}/${size}` }),
  });
  if (method === "HEAD") {
    response.end();
    return;
  }
  const source = await fileSource(path);
  try {
    for (let at = from; at < to && !response.destroyed; at += CHUNK) {
      const bytes = await source.read(at, Math.min(CHUNK, to - at));
      if (!response.write(bytes)) await new Promise<void>((resolve) => void response.once("drain", resolve).once("close", resolve));
    }
    response.end();
  } finally {
    await source.close();
  }
}

/** One range of bytes (RFC 9110, 14.1.2), `to` excluded; undefined where the file has none of it. What is no single range means the whole. */
function rangeOf(
  header: string | undefined,
  size: number,
): { readonly from: number; readonly to: number; readonly whole: boolean } | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined) return { from: 0, to: size, whole: true };
  const from = Number(first);
  const to = last === "" || last === undefined ? size : Math.min(size, Number(last) + 1);
  return from < to ? { from, to, whole: false } : undefined;
}
