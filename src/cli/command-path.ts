import { fileURLToPath } from "node:url";

/** What a worker thread runs: the command itself, two folders above `src/cli` and `dist/cli`. */
export function commandPath(): string {
  return fileURLToPath(new URL("../../bin/vggtool", import.meta.url));
}
