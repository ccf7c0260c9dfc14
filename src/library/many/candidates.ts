import { CheckpointError, isCheckpointError } from "../../errors.ts";
import { formats } from "../../formats.ts";
import type { Context } from "../../io/context.ts";
import { locateNamed } from "../../io/input.ts";
import { type Located, locateInput } from "../../io/locate.ts";
import { listedLines } from "../../io/many/lines.ts";
import { treeEntries } from "../../io/many/tree.ts";
import { join, resolve, sep } from "../../io/path.ts";
import { addressBelow, isAddress } from "../../io/remote/address.ts";
import { subset } from "../../io/subset.ts";
import { naturalOrder } from "../../text/natural-order.ts";
import { type PathAnswer, pathPattern, unhidden } from "../../text/path-pattern.ts";
import { isPattern } from "../../text/wildcards.ts";
import { kindIfKnown, mayBeFolder, remoteTrail } from "./may-be-many.ts";

/** What may be a checkpoint. */
export interface Candidate {
  /** A path or an address. */
  readonly source: string;
  /** The names that lead to it, from the root of the disk or the scheme of an address on. */
  readonly trail: readonly string[];
  /** Somebody named it, and it was not found in a folder. */
  readonly named: boolean;
  /** Its name says that it is a checkpoint. */
  readonly promises: boolean;
  /** absent: it is not looked into. */
  readonly locate?: () => Promise<Located>;
}

/** What one source leads to. */
export interface Argument {
  readonly text: string;
  /** The folder below which its candidates are, as a trail. */
  readonly base: readonly string[];
  /** It names a folder, whose own name counts where there are others. */
  readonly folder: boolean;
  readonly candidates: readonly Candidate[];
}

const endings = formats.flatMap((format) => format.endings ?? []);

function promises(name: string): boolean {
  return endings.some((ending) => name.toLowerCase().endsWith(ending));
}

/** Each source with what may be checkpoints there; a list is as many sources as it has lines. */
export async function argumentsOf(sources: readonly string[], ctx: Context): Promise<readonly Argument[]> {
  const found: Argument[] = [];
  for (const source of sources) {
    const list = source.startsWith("@") && kindIfKnown(source) === undefined;
    const lines = list ? await listedLines(source.slice(1)) : [source];
    for (const line of lines) found.push(await argumentOf(line, ctx));
  }
  return found;
}

async function argumentOf(text: string, ctx: Context): Promise<Argument> {
  if (text === "-") return alone(text, ["stdin"], undefined);
  if (!isAddress(text)) return localArgument(text, text);
  if (!/^file:/i.test(text)) return remoteArgument(text, ctx);
  const { pathOfFileAddress } = await import("../../io/remote/locate.ts");
  return localArgument(text, pathOfFileAddress(text));
}

/** What is looked into only where it is one file of several that were named. */
function alone(text: string, trail: readonly string[], locate: (() => Promise<Located>) | undefined): Argument {
  const candidate = { source: text, trail, named: true, promises: true, ...(locate === undefined ? {} : { locate }) };
  return { text, base: trail.slice(0, -1), folder: false, candidates: [candidate] };
}

function localArgument(text: string, path: string): Argument {
  const kind = kindIfKnown(path);
  if (kind === "folder") return localTree(text, path, true, unhidden);
  if (kind !== undefined || !isPattern(path)) return alone(text, trailOf(path), kind === "odd" ? undefined : () => locateInput(path));
  const { folder, takes } = pathPattern(sep === "/" ? path : path.replaceAll(sep, "/"));
  return localTree(text, folder === "" && !path.startsWith("/") ? "." : `${folder}/`, false, takes);
}

function trailOf(path: string): readonly string[] {
  return resolve(path)
    .split(sep)
    .filter((part) => part !== "");
}

function localTree(text: string, folder: string, whole: boolean, takes: (path: readonly string[]) => PathAnswer): Argument {
  const base = trailOf(folder);
  const candidates: Candidate[] = [];
  for (const { path, kind } of treeEntries(folder, takes)) {
    const source = join(folder, ...path);
    candidates.push({
      source,
      trail: [...base, ...path],
      named: false,
      promises: kind === "closed" || (kind !== "special" && promises(source)),
      ...(kind === "file" ? { locate: () => locateInput(source) } : {}),
    });
  }
  return { text, base, folder: whole, candidates };
}

async function remoteArgument(text: string, ctx: Context): Promise<Argument> {
  const trail = remoteTrail(text);
  const [address = "", query = ""] = text.split(/(?=[?#])/, 2);
  if (isPattern(address)) {
    const { folder, takes } = pathPattern(address.slice(address.indexOf("://") + 3));
    return remoteTree(text, `${address.slice(0, address.indexOf("://") + 3)}${folder}/${query}`, ctx, takes);
  }
  return mayBeFolder(text, trail) ? remoteTree(text, text, ctx, unhidden) : alone(text, trail, undefined);
}

async function remoteTree(text: string, folder: string, ctx: Context, takes: (path: readonly string[]) => PathAnswer): Promise<Argument> {
  const base = remoteTrail(folder);
  const located = await folderAt(folder, ctx);
  const names = await located?.set.list();
  if (located === undefined || names === undefined) return alone(text, base, undefined);
  const { set } = located;
  const paths = names.map((name) => name.split("/")).filter((path) => takes(path) === "taken");
  const candidates = paths.sort(treeOrder).map((path): Candidate => {
    const name = path.join("/");
    const entry = path.at(-1) ?? name;
    return {
      source: addressBelow(folder, name),
      trail: [...base, ...path],
      named: false,
      promises: promises(name),
      async locate() {
        const source = await set.open(name);
        if (source === undefined)
          throw new CheckpointError("not-found", "the server lists this file and does not have it", { file: name, none: true });
        return { source, set: subset(set, name.slice(0, name.length - entry.length)), entry, folder: false };
      },
    };
  });
  return { text, base, folder: folder === text, candidates };
}

/** undefined for a file, and for what cannot be asked: whoever opens it says why. */
async function folderAt(address: string, ctx: Context): Promise<Located | undefined> {
  try {
    const located = await locateNamed(address, ctx);
    if (located.folder) return located;
    await located.source.close();
  } catch (error) {
    if (!isCheckpointError(error) || error.code === "interrupted") throw error;
  }
  return undefined;
}

/** As a walk goes: a folder's files first, then its folders, both in natural order. */
function treeOrder(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, k) => part !== b[k]);
  if (at < 0) return a.length - b.length;
  const [left, right] = [a.length === at + 1, b.length === at + 1];
  return left === right ? naturalOrder(a[at] ?? "", b[at] ?? "") : left ? -1 : 1;
}

/** How many names at the front of all trails are no part of their places: of one source its folder, of several what they share. */
export function sharedTrail(given: readonly Argument[]): number {
  const [first, ...others] = given;
  if (first === undefined) return 0;
  if (others.length === 0) return first.base.length;
  const bases = given.map(({ base, folder }) => (folder ? base.slice(0, -1) : base));
  const [one = [], ...rest] = bases;
  const end = one.findIndex((part, k) => rest.some((other) => other[k] !== part));
  return end < 0 ? one.length : end;
}
