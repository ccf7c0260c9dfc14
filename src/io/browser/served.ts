import { CheckpointError } from "../../errors.ts";
import { fetchTransport } from "../remote/http-fetch.ts";
import { Requests } from "../remote/requests.ts";
import { httpSource } from "../source/http.ts";
import type { DiskFile } from "./disk.ts";

/* The folder that `vggtool serve` gives a page: a list of files, and each of them by parts. */

/** A row of the list, which the server makes (`io/serve/folder.ts`). */
interface ServedRow {
  /** Below the folder, with "/" between folders. */
  readonly name: string;
  readonly size: number;
}

/** The files of the list at an address. Throws `io`. */
export async function servedFiles(list: string): Promise<readonly { readonly path: string; readonly file: DiskFile }[]> {
  const requests = new Requests({ transport: fetchTransport((input, init) => fetch(input, init)) });
  const rows = await requests.get(list, "the served folder", new Map(), async (response) => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for await (const part of response.body) parts.push(new Uint8Array(part));
    const value: unknown = JSON.parse(await new Blob(parts).text());
    if (response.status !== 200 || !Array.isArray(value)) {
      throw new CheckpointError("io", `the server gives no list of the folder (it answered ${response.status})`, {
        hint: "look whether vggtool serve still runs, and open the address that it prints",
      });
    }
    return value.flatMap((row) => (isRow(row) ? [row] : []));
  });
  return rows.map(({ name, size }) => ({ path: `/${name}`, file: servedFile(list, name, size, requests) }));
}

function isRow(value: unknown): value is ServedRow {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "size" in value &&
    typeof value.size === "number"
  );
}

function servedFile(list: string, name: string, size: number, requests: Requests): DiskFile {
  const url = new URL(`files/${name.split("/").map(encodeURIComponent).join("/")}`, list).href;
  return {
    size,
    async open(path) {
      const source = await httpSource(url, requests, { shown: path });
      if (source !== undefined) return source;
      throw new CheckpointError("changed", "the server has this file no more", { file: path, hint: "reload the page" });
    },
  };
}
