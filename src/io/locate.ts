import { CheckpointError } from "../errors.ts";
import { nearest } from "../text/nearest.ts";
import { folderSet, namesInFolder } from "./folder.ts";
import type { OpenedFiles } from "./opened.ts";
import { basename, dirname, join } from "./path.ts";
import { kindAt } from "./regular.ts";
import { fileSource } from "./source/file.ts";
import { memorySource } from "./source/memory.ts";
import type { ByteSource, FileSet } from "./source/source.ts";

/** What a person's argument leads to. */
export interface Located {
  readonly source: ByteSource;
  readonly set: FileSet;
  /** The file's name in the set; "" for a folder. */
  readonly entry: string;
  readonly folder: boolean;
}

/** What may follow a prefix that is no file itself, best first: TF V2, TF V1 shards, a lone data shard, Paddle's pair. */
const suffixes: readonly RegExp[] = [
  /^\.index$/,
  /^-\d{5}-of-\d{5}$/,
  /^\.data-\d{5}-of-\d{5}$/,
  /^\.meta$/,
  /^\.pdmodel$/,
  /^\.json$/,
  /^\.pdiparams$/,
  /^\.pdparams$/,
];

/** A file, a folder, or the prefix of a set. Throws `not-found`, with the nearest name in the folder as a hint, and `io`. What is opened is noted in `opened`. */
export async function locateInput(path: string, opened?: OpenedFiles): Promise<Located> {
  const kind = kindAt(path);
  if (kind === "folder") {
    return { source: memorySource(new Uint8Array(0), path), set: folderSet(path, opened), entry: "", folder: true };
  }
  const folder = dirname(path);
  const set = folderSet(folder, opened);
  if (kind === "file") return { source: await fileSource(path, opened), set, entry: basename(path), folder: false };
  const entry = prefixed(folder, basename(path));
  return { source: await fileSource(join(folder, entry), opened), set, entry, folder: false };
}

/** How TensorFlow's Saver writes the name of a sharded checkpoint: the question marks are part of what it prints. */
const anyShard = /(\.data)?-\?{5}-of-(\d{5}|\?{5})$/;

/** The file of a set that a prefix names, among the names of a folder. */
export function prefixedName(named: string, names: readonly string[]): string | undefined {
  const prefix = named.replace(anyShard, "");
  if (prefix === "") return undefined;
  for (const suffix of suffixes) {
    const name = names.find((candidate) => candidate.startsWith(prefix) && suffix.test(candidate.slice(prefix.length)));
    if (name !== undefined) return name;
  }
  return undefined;
}

function prefixed(folder: string, named: string): string {
  const names = kindAt(folder) === "folder" ? namesInFolder(folder) : [];
  const found = prefixedName(named, names);
  if (found !== undefined) return found;
  const prefix = named.replace(anyShard, "");
  const near = nearest(prefix, names);
  throw new CheckpointError("not-found", "no such file or folder", {
    file: join(folder, prefix),
    ...(near === undefined ? {} : { hint: `did you mean ${join(folder, near)}?` }),
  });
}
