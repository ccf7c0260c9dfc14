import { CheckpointError } from "../errors.ts";
import type { Located } from "../io/locate.ts";
import type { ByteSource } from "../io/source/source.ts";
import type { ContainerKind, Containers, Probe } from "./probe.ts";
import { followsUserBlock, signatures } from "./signature.ts";

/** Head and tail that formats are recognised by, in bytes. */
const PEEK = 4096;
/** JSON files are parsed whole: indexes and model topologies have a few MiB. */
const MAX_JSON = 64 << 20;

export type KindedProbe = Probe & { readonly kinds: readonly ContainerKind[] };

/** The first and last bytes of what was located, and the containers that they allow: `known`, where something else has said it. */
export async function makeProbe(located: Located, known?: readonly ContainerKind[]): Promise<KindedProbe> {
  const { source, set, entry } = located;
  const head = await source.read(0, Math.min(PEEK, source.size));
  const tail = await source.read(Math.max(0, source.size - PEEK), Math.min(PEEK, source.size));
  const kinds = known ?? (located.folder ? (["folder"] as const) : signatures(head, tail, source.size));
  const once = <T>(kind: ContainerKind, make: () => Promise<T>): (() => Promise<T | undefined>) => {
    let made: Promise<T | undefined> | undefined;
    return () => {
      made ??= kinds.includes(kind) ? make() : Promise.resolve(undefined);
      return made;
    };
  };
  const containers: { readonly [K in keyof Containers]: () => Promise<Containers[K] | undefined> } = {
    zip: once("zip", async () => (await import("./archive/zip.ts")).openZip(source)),
    hdf5: once("hdf5", async () => (await import("./hdf5/file.ts")).openHdf5(source, set)),
    json: once("json", () => parseJson(source)),
  };
  return { entry, container: kinds[0] ?? "binary", kinds, source, set, head, tail, opened: (kind) => containers[kind]() };
}

/**
 * The same file as HDF5 behind a user block, whose bytes are of no signature; undefined where there is none. For files that no format knows for sure: the
 * search takes a read for each doubling of the size, which of a file on a server are requests.
 */
export async function behindUserBlock({ kinds, source, set, entry }: KindedProbe): Promise<KindedProbe | undefined> {
  if (!kinds.includes("binary") || !(await followsUserBlock(source))) return undefined;
  return makeProbe({ source, set, entry, folder: false }, ["hdf5"]);
}

async function parseJson(source: ByteSource): Promise<unknown> {
  if (source.size > MAX_JSON) {
    throw new CheckpointError("unsupported", `JSON of ${source.size} bytes; at most ${MAX_JSON} are parsed`, { file: source.name });
  }
  const bytes = await source.read(0, source.size);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CheckpointError("malformed", `this is no valid JSON (${why})`, { file: source.name, cause: error });
  }
}
