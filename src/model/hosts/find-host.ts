import type { Host } from "../identity.ts";
import { type HostRow, hosts } from "./hosts.ts";

interface Found {
  readonly row: HostRow;
  readonly key: string;
}

/** The host whose keys a file has: the first row, all of whose patterns are found. */
export function findRow(keys: Iterable<string>): Found | undefined {
  const all = [...keys];
  for (const row of hosts) {
    const found = row.keys.map((text) => {
      const pattern = patternOf(text);
      return all.find((key) => pattern.test(key));
    });
    const [key] = found;
    if (key !== undefined && found.every((each) => each !== undefined)) return { row, key };
  }
  return undefined;
}

function patternOf(text: string): RegExp {
  const parts = text.replace(/[.*#]/g, (mark) => (mark === "." ? "[./:_-]" : mark === "*" ? ".*" : "\\d+"));
  return new RegExp(`(?:^|[./:_-])${parts}(?:$|[./:_-])`);
}

/** The same as the answers show it. */
export function hostOf(found: Found | undefined): Host | undefined {
  return found === undefined ? undefined : { name: found.row.name, key: found.key };
}
