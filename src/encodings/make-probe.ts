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

/** The first and last bytes of what was located, and the containers that they allow. */
export async function makeProbe(located: Located): Promise<KindedProbe> {
  const { source, set, entry } = located;
  const head = await source.read(0, Math.min(PEEK, source.size));
  const tail = await source.read(Math.max(0, source.size - PEEK), Math.min(PEEK, source.size));
  const kinds = located.folder ? (["folder"] as const) : await kindsOf(source, head, tail);
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

/** What the first and last bytes allow; where they have no signature, what is behind a user block is looked at too. */
async function kindsOf(source: ByteSource, head: Uint8Array, tail: Uint8Array): Promise<readonly ContainerKind[]> {
  const kinds = signatures(head, tail, source.size);
  return kinds.includes("binary") && (await followsUserBlock(source)) ? ["hdf5"] : kinds;
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
