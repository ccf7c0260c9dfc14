import { CheckpointError } from "../../errors.ts";
import { type Located, prefixedName } from "../locate.ts";
import { insideFolder } from "../paths.ts";
import { httpSource } from "../source/http.ts";
import { memorySource } from "../source/memory.ts";
import type { ByteSource, FileSet, OutputFile } from "../source/source.ts";
import { pathOfUrl, standardInput } from "../system.ts";
import { parseAddress, shownAddress } from "./address.ts";
import { awsSettings } from "./aws-settings.ts";
import { gcsHeaders, gcsPlace } from "./gcs.ts";
import { fetchTransport } from "./http-fetch.ts";
import { nodeTransport } from "./http-node.ts";
import { hubHeaders, hubPlace } from "./hub.ts";
import type { RemoteOptions } from "./options.ts";
import { pageStore } from "./page-store.ts";
import { type RequestOptions, Requests } from "./requests.ts";
import { s3Headers, s3Place } from "./s3.ts";
import type { RemoteFolder, RemotePlace } from "./store.ts";
import { webPlace } from "./web.ts";

/** Endings of sets that are tried one by one where a server lists nothing, best first: TF V2, TF.js, Paddle. */
const endings = [".index", ".json", ".pdiparams", ".pdparams"];

/** What an address leads to; `temporary` makes a file for what has to be fetched whole. Throws `not-found`, `io`, `unsupported`, `usage`. */
export async function locateRemote(text: string, temporary: () => Promise<OutputFile>, options: RemoteOptions = {}): Promise<Located> {
  if (text === "-") return spooledInput(await temporary());
  const { scheme, rest } = parseAddress(text);
  if (options.offline === true) {
    throw new CheckpointError("usage", "this is an address, and --offline allows none", { file: shownAddress(text) });
  }
  if (scheme === "http" || scheme === "https")
    return opened(webPlaceOf(text), (place) => asking(options, place.folder.headers), temporary, options);
  if (scheme === "hf") {
    const requests = asking(options, hubHeaders());
    return opened(await hubPlace(rest, requests), () => requests, temporary, options);
  }
  if (scheme === "gs") {
    const requests = asking(options, gcsHeaders());
    return opened(gcsPlace(rest, requests), () => requests, temporary, options);
  }
  const settings = awsSettings();
  const requests = asking(options, s3Headers(settings));
  return opened(s3Place(rest, settings, requests), () => requests, temporary, options);
}

function webPlaceOf(text: string): RemotePlace {
  if (!URL.canParse(text)) throw new CheckpointError("usage", "this is no valid address", { file: shownAddress(text) });
  return webPlace(text);
}

function asking(options: RemoteOptions, headers: RemoteFolder["headers"]): Requests {
  const made: RequestOptions = {
    transport: options.transport ?? (options.fetch === undefined ? nodeTransport : fetchTransport(options.fetch)),
    headers: async (url) => new Map([...((await headers?.(url)) ?? []), ...given(options.headers)]),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.tries === undefined ? {} : { tries: options.tries }),
  };
  return new Requests(made);
}

/** Names in lower case, as all headers are kept. */
function given(headers: RemoteOptions["headers"] = {}): readonly (readonly [string, string])[] {
  const pairs = headers instanceof Map || headers instanceof Headers ? [...headers] : Object.entries(headers);
  return pairs.map(([name, value]) => [name.toLowerCase(), String(value)]);
}

async function opened(
  place: RemotePlace,
  requestsFor: (place: RemotePlace) => Requests,
  temporary: () => Promise<OutputFile>,
  options: RemoteOptions,
): Promise<Located> {
  const set = remoteSet(place.folder, requestsFor(place), temporary, options);
  const direct = place.entry === "" ? undefined : await set.open(place.entry);
  if (direct !== undefined) return { source: direct, set, entry: place.entry, folder: false };
  return found(place, set);
}

/** A folder, or a prefix of a set: by the server's list, or by trying. */
async function found({ folder, entry }: RemotePlace, set: FileSet): Promise<Located> {
  const names = await set.list();
  const shown = entry === "" ? folder.shown : `${folder.shown}/${entry}`;
  const below = names?.filter((name) => entry === "" || name.startsWith(`${entry}/`)) ?? [];
  if (below.length > 0) {
    const inner = entry === "" ? set : subfolder(set, entry);
    return { source: memorySource(new Uint8Array(0), shown), set: inner, entry: "", folder: true };
  }
  const candidates = names === undefined ? endings.map((ending) => `${entry}${ending}`) : [prefixedName(entry, names)];
  for (const name of candidates) {
    const source = entry === "" || name === undefined ? undefined : await set.open(name);
    if (source !== undefined && name !== undefined) return { source, set, entry: name, folder: false };
  }
  throw new CheckpointError("not-found", "the server has no such file, and no set of files of that name", { file: shown });
}

function subfolder(set: FileSet, folder: string): FileSet {
  const inside = (name: string): string => `${folder}/${insideFolder(name, folder)}`;
  return {
    name: `${set.name}/${folder}`,
    open: (name) => set.open(inside(name)),
    lacks: async (name) => (await set.lacks?.(inside(name))) === true,
    async list() {
      return (await set.list())?.filter((name) => name.startsWith(`${folder}/`)).map((name) => name.slice(folder.length + 1));
    },
  };
}

function remoteSet(folder: RemoteFolder, requests: Requests, temporary: () => Promise<OutputFile>, options: RemoteOptions): FileSet {
  let listed: Promise<readonly string[] | undefined> | undefined;
  const known = new Map<string, ByteSource | undefined>();
  return {
    name: folder.shown,
    async open(name) {
      const inside = insideFolder(name, folder.shown);
      if (inside === "") return undefined;
      if (known.has(inside)) return known.get(inside);
      const url = folder.url(inside);
      const shown = `${folder.shown}/${inside}`;
      const { cache } = options;
      let etag: string | undefined;
      const source = await httpSource(url, requests, {
        shown,
        // A signature in an address is another one each time, and the ETag says what the file is.
        ...(cache === undefined ? {} : { store: ({ strong, state }, size) => pageStore(cache, `${strong ? shown : url}\n${state}`, size) }),
        ...(options.download === true ? { spool: temporary } : {}),
        // With pages that are kept between runs, those are the file.
        ...(options.values === true && cache === undefined ? { blocks: temporary } : {}),
        ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
        onState: (found) => {
          etag = found;
        },
      });
      options.onOpened?.(shown, source === undefined ? null : { etag, bytes: source.size });
      // Pages of what is closed are not kept: a walk over a bucket opens thousands of files.
      const kept = source === undefined ? undefined : forgotten(source, () => known.delete(inside));
      known.set(inside, kept);
      return kept;
    },
    async list() {
      listed ??= folder.list(requests);
      return listed;
    },
    async lacks(name) {
      const names = await listed;
      const inside = insideFolder(name, folder.shown);
      if (names === undefined || names.length === 0 || names.includes(inside)) return false;
      options.onOpened?.(`${folder.shown}/${inside}`, null);
      return true;
    },
  };
}

function forgotten(source: ByteSource, forget: () => void): ByteSource {
  return {
    name: source.name,
    size: source.size,
    access: source.access,
    read: (offset, length, into) => source.read(offset, length, into),
    async close() {
      forget();
      await source.close();
    },
  };
}

/** Standard input, all of it, in a temporary file. */
async function spooledInput(file: OutputFile): Promise<Located> {
  let size = 0;
  for await (const bytes of standardInput()) {
    await file.write(size, bytes);
    size += bytes.length;
  }
  const source: ByteSource = {
    name: "-",
    size,
    access: "random",
    read: (offset, length, into) => file.read(offset, length, into),
    close: async () => {},
  };
  const set: FileSet = { name: "-", open: async (name) => (name === "-" ? source : undefined), list: async () => ["-"] };
  return { source, set, entry: "-", folder: false };
}

/** The path of a file: address. Throws `usage` for one of another machine. */
export function pathOfFileAddress(text: string): string {
  try {
    return pathOfUrl(text);
  } catch (error) {
    throw new CheckpointError("usage", "this file: address names no file of this machine", { file: shownAddress(text), cause: error });
  }
}
