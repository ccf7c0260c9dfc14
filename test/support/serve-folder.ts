import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

/** A folder as a server of static files has it. */
export interface Served {
  /** Ends with a slash. */
  readonly address: string;
  /** Names of files that were sent since somebody cleared it. */
  readonly sent: Set<string>;
  close(): Promise<void>;
}

const types: ReadonlyMap<string, string> = new Map([
  [".html", "text/html"],
  [".js", "text/javascript"],
  [".css", "text/css"],
]);

export async function serveFolder(folder: string): Promise<Served> {
  const sent = new Set<string>();
  const server = createServer((request, response) => {
    const name = request.url === "/" ? "index.html" : (request.url ?? "").slice(1);
    readFile(join(folder, name)).then(
      (bytes) => {
        sent.add(name);
        response.writeHead(200, { "content-type": types.get(extname(name)) ?? "application/octet-stream" }).end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const place = server.address();
  if (place === null || typeof place === "string") throw new Error("the server has no port");
  return {
    address: `http://127.0.0.1:${place.port}/`,
    sent,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
