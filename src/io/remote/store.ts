import { shownAddress } from "./address.ts";

/** A place of files on a server: a folder of a web server, of a repository, of a bucket. Names use "/" between folders. */
export interface RemoteFolder {
  /** For people. */
  readonly shown: string;
  /** The address of a file below. */
  url(name: string): string;
  /** Names of all files below; absent where the server does not say. */
  readonly list?: () => Promise<readonly string[]>;
  /** Headers that prove who asks. */
  readonly headers?: (url: string) => Promise<ReadonlyMap<string, string>>;
}

/** A folder and the name in it that was asked for; "" for the folder itself. */
export interface RemotePlace {
  readonly folder: RemoteFolder;
  readonly entry: string;
}

/** A path as a part of an address, its slashes kept. */
export function encodedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** A file of a web server: the others of its set are beside it, under the same query. */
export function webPlace(text: string): RemotePlace {
  const url = new URL(text);
  const slash = url.pathname.lastIndexOf("/") + 1;
  const folder = url.pathname.slice(0, slash);
  const entry = url.pathname.slice(slash);
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = "";
  url.password = "";
  const headers = user === "" ? undefined : new Map([["authorization", `Basic ${btoa(`${user}:${password}`)}`]]);
  return {
    entry: safeDecoded(entry),
    folder: {
      shown: shownAddress(`${url.origin}${folder}`).replace(/\/$/, ""),
      url(name) {
        const place = new URL(url);
        // The name that was given stays as it was written; others are encoded.
        place.pathname = folder + (name === safeDecoded(entry) ? entry : encodedPath(name));
        return place.href;
      },
      ...(headers === undefined ? {} : { headers: async () => headers }),
    },
  };
}

function safeDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that is no escape
  }
}
