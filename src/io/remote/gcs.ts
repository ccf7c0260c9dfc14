import { jsonAnswer, member } from "./answers.ts";
import type { Requests } from "./requests.ts";
import { parseBucket } from "./s3.ts";
import { encodedPath, type RemotePlace } from "./store.ts";

const ENDPOINT = "https://storage.googleapis.com";

function endpointOf(environment: NodeJS.ProcessEnv): string {
  const emulator = environment.STORAGE_EMULATOR_HOST;
  if (emulator === undefined || emulator === "") return ENDPOINT;
  return (/^https?:\/\//.test(emulator) ? emulator : `http://${emulator}`).replace(/\/+$/, "");
}

/** A bearer token from the environment, for the storage alone; public buckets need none. */
export function gcsHeaders(environment: NodeJS.ProcessEnv = process.env): (url: string) => Promise<ReadonlyMap<string, string>> {
  const token = environment.GOOGLE_OAUTH_ACCESS_TOKEN ?? environment.CLOUDSDK_AUTH_ACCESS_TOKEN;
  const home = new URL(endpointOf(environment)).host;
  return async (url) =>
    token === undefined || token === "" || new URL(url).host !== home
      ? new Map<string, string>()
      : new Map([["authorization", `Bearer ${token.trim()}`]]);
}

export function gcsPlace(rest: string, requests: Requests, environment: NodeJS.ProcessEnv = process.env): RemotePlace {
  const { bucket, key } = parseBucket("gs", rest);
  const endpoint = endpointOf(environment);
  const slash = key.lastIndexOf("/") + 1;
  const prefix = key.slice(0, slash);
  const shown = `gs://${bucket}/${prefix}`.replace(/\/$/, "");
  return {
    entry: key.slice(slash),
    folder: {
      shown,
      url: (name) => `${endpoint}/${bucket}/${encodedPath(prefix + name)}`,
      list: () => namesBelow(`${endpoint}/storage/v1/b/${bucket}/o`, prefix, shown, requests),
    },
  };
}

/** A bucket's listing has a thousand names a page. */
const MOST_PAGES = 100;

async function namesBelow(url: string, prefix: string, shown: string, requests: Requests): Promise<readonly string[]> {
  const names: string[] = [];
  let token: unknown;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = new URLSearchParams({ prefix, ...(typeof token === "string" ? { pageToken: token } : {}) });
    const { value } = await jsonAnswer(`${url}?${query}`, shown, requests);
    const items = member(value, "items");
    for (const item of Array.isArray(items) ? items : []) {
      const name = member(item, "name");
      if (typeof name === "string" && name.startsWith(prefix) && !name.endsWith("/")) names.push(name.slice(prefix.length));
    }
    token = member(value, "nextPageToken");
    if (typeof token !== "string") break;
  }
  return names.sort();
}
