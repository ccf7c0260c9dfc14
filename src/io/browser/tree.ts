import { naturalOrder } from "../../text/natural-order.ts";
import { type PathAnswer, unhidden } from "../../text/path-pattern.ts";
import type { TreeEntry } from "../many/tree.ts";
import { namesBelow } from "./disk.ts";

/** What is below a folder of the page's disk, in the order in which a walk over a disk finds it: files first, then what is in folders. */
export function* treeEntries(root: string, takes: (path: readonly string[]) => PathAnswer = unhidden): Generator<TreeEntry> {
  const paths = namesBelow(root).map((name) => name.split("/"));
  const wanted = paths.filter((path) => takes(path) === "taken" && path.every((_, k) => takes(path.slice(0, k + 1)) !== undefined));
  for (const path of wanted.sort(walkOrder)) yield { path, kind: "file" };
}

function walkOrder(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((name, k) => name !== b[k]);
  const [left, right] = [a.length === at + 1, b.length === at + 1];
  return left === right ? naturalOrder(a[at] ?? "", b[at] ?? "") : left ? -1 : 1;
}
