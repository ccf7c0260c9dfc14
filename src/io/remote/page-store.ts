import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fromSystem } from "../system-error.ts";
import { PAGE, type PageStore } from "./page-cache.ts";

/** Of a page, in the index: the front of its SHA-256, in bytes. */
const SUM = 16;

/**
 * Pages of one state of one file in a folder: a sparse file with the pages at their places, and an index with a checksum for each, so that a
 * page that was half written when a run ended counts for nothing. Two runs may use it at once: both write the same bytes.
 * `state`: the address and what tells this state of the file. Throws `io`.
 */
export function pageStore(folder: string, state: string, size: number): PageStore {
  const name = createHash("sha256").update(`${state}\n${size}`).digest("hex");
  const [data, index] = [filed(folder, `${name}.pages`), filed(folder, `${name}.sums`)];
  const none = Buffer.alloc(SUM);
  return {
    get(page) {
      const sum = Buffer.alloc(SUM);
      if (readSync(index, sum, 0, SUM, page * SUM) < SUM || sum.equals(none)) return undefined;
      const bytes = new Uint8Array(Math.min(PAGE, size - page * PAGE));
      const count = readSync(data, bytes, 0, bytes.length, page * PAGE);
      return count === bytes.length && sumOf(bytes).equals(sum) ? bytes : undefined;
    },
    put(page, bytes) {
      writeSync(data, bytes, 0, bytes.length, page * PAGE);
      writeSync(index, sumOf(bytes), 0, SUM, page * SUM);
    },
    close() {
      closeSync(data);
      closeSync(index);
    },
  };
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest().subarray(0, SUM);
}

/** Opened for reading and writing, made where it is not there. */
function filed(folder: string, name: string): number {
  const path = join(folder, name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(path, "", { flag: "a", mode: 0o600 });
    return openSync(path, "r+");
  } catch (error) {
    throw fromSystem(error, path);
  }
}
