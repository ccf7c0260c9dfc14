import type { Requests } from "./requests.ts";

/** A place of files on a server: a folder of a web server, of a repository, of a bucket. Names use "/" between folders. */
export interface RemoteFolder {
  /** For people. */
  readonly shown: string;
  /** The address of a file below. */
  url(name: string): string;
  /** Names of all files below; undefined where the server does not say. */
  readonly list: (requests: Requests) => Promise<readonly string[] | undefined>;
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
