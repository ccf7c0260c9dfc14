import type { Host } from "../identity.ts";
import { type HostRow, hosts } from "./hosts.ts";

interface Found {
  readonly row: HostRow;
  readonly key: string;
}

/** The host whose keys a file has: the first row, all of whose patterns are found. */
export function findRow(keys: Iterable<string>): Found | undefined {
  const all = [...keys];
  const text = all.join("\n");
  for (const row of hosts) {
    if (!row.keys.every((pattern) => literals(pattern).every((part) => text.includes(part)))) continue;
    const found = row.keys.map((pattern) => firstKey(pattern, all));
    const [key] = found;
    if (key !== undefined && found.every((each) => each !== undefined)) return { row, key };
  }
  return undefined;
}

/** What a key must have in it as it is. Nearly every row fails on these, and no expression is compiled for it. */
function literals(pattern: string): readonly string[] {
  return pattern.split(/[.*#]/);
}

function firstKey(text: string, keys: readonly string[]): string | undefined {
  const pattern = patternOf(text);
  return keys.find((key) => pattern.test(key));
}

function patternOf(text: string): RegExp {
  const parts = text.replace(/[.*#]/g, (mark) => (mark === "." ? "[./:_-]" : mark === "*" ? ".*" : "\\d+"));
  return new RegExp(`(?:^|[./:_-])${parts}(?:$|[./:_-])`);
}

/** The same as the answers show it. */
export function hostOf(found: Found | undefined): Host | undefined {
  return found === undefined ? undefined : { name: found.row.name, key: found.key };
}
