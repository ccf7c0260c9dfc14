import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { jsonAnswer, member } from "./answers.ts";
import type { Requests } from "./requests.ts";
import { encodedPath, type RemotePlace } from "./store.ts";

/** The public hub; HF_ENDPOINT names another. */
const ENDPOINT = "https://huggingface.co";

interface Repository {
  /** "", "datasets/" or "spaces/" as addresses of files have it. */
  readonly kind: string;
  /** "models", "datasets" or "spaces" as the interface has it. */
  readonly collection: string;
  /** ORG/REPO */
  readonly name: string;
  readonly revision: string;
  readonly path: string;
}

/** ORG/REPO[@REV]/PATH, or the same behind datasets/ or spaces/. A slash within a revision is written %2F. Throws `usage`. */
export function parseRepository(rest: string): Repository {
  const match = /^(datasets\/|spaces\/)?([^/@?#]+)\/([^/@?#]+)(?:@([^/?#]+))?(?:\/([^?#]*))?$/.exec(rest);
  if (match === null) {
    throw new CheckpointError("usage", "an address on the hub is hf://ORG/REPO[@REVISION]/PATH, or hf://datasets/ORG/REPO…", {
      file: `hf://${rest}`,
    });
  }
  const [, kind = "", org = "", repo = "", revision = "main", path = ""] = match;
  return {
    kind,
    collection: kind === "" ? "models" : kind.slice(0, -1),
    name: `${org}/${repo}`,
    revision: decodeURIComponent(revision),
    path: path.replace(/\/+$/, ""),
  };
}

/** A token from HF_TOKEN, or from the file that the hub's own tools write; undefined without one. */
export function hubToken(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = environment.HF_TOKEN ?? environment.HUGGING_FACE_HUB_TOKEN;
  if (given !== undefined && given !== "") return given.trim();
  const home = environment.HF_HOME ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
  try {
    const text = readFileSync(environment.HF_TOKEN_PATH ?? join(home, "token"), "utf8").trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined; // no such file: public repositories need none
  }
}

/**
 * A place in a repository of the hub. A branch is resolved to its commit first, so that the files of a set are of one state.
 * `requests` has to ask with `hubHeaders`.
 */
export async function hubPlace(rest: string, requests: Requests, environment: NodeJS.ProcessEnv = process.env): Promise<RemotePlace> {
  const repository = parseRepository(rest);
  const endpoint = hubEndpoint(environment);
  const api = `${endpoint}/api/${repository.collection}/${repository.name}`;
  const commit = await commitOf(repository, api, requests);
  const slash = repository.path.lastIndexOf("/") + 1;
  const inside = repository.path.slice(0, slash);
  return {
    entry: repository.path.slice(slash),
    folder: {
      shown: `hf://${repository.kind}${repository.name}/${inside}`.replace(/\/$/, ""),
      url: (name) => `${endpoint}/${repository.kind}${repository.name}/resolve/${commit}/${encodedPath(inside + name)}`,
      list: () => filesBelow(`${api}/tree/${commit}/${encodedPath(inside.replace(/\/$/, ""))}`.replace(/\/$/, ""), inside, requests),
    },
  };
}

function hubEndpoint(environment: NodeJS.ProcessEnv): string {
  return (environment.HF_ENDPOINT ?? ENDPOINT).replace(/\/+$/, "");
}

/** The hub's token, for the hub alone. */
export function hubHeaders(environment: NodeJS.ProcessEnv = process.env): (url: string) => Promise<ReadonlyMap<string, string>> {
  const token = hubToken(environment);
  const home = new URL(hubEndpoint(environment)).host;
  return async (url) =>
    token === undefined || new URL(url).host !== home ? new Map<string, string>() : new Map([["authorization", `Bearer ${token}`]]);
}

async function commitOf({ revision, name }: Repository, api: string, requests: Requests): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const { value } = await jsonAnswer(`${api}/revision/${encodeURIComponent(revision)}`, `hf://${name}@${revision}`, requests);
  const sha = member(value, "sha");
  if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha)) {
    throw new CheckpointError("io", "the hub does not say which commit this revision is", { file: `hf://${name}@${revision}` });
  }
  return sha;
}

/** Pages of a listing are linked by the header `link`; a repository has at most some thousands of files. */
const MOST_PAGES = 100;

async function filesBelow(url: string, inside: string, requests: Requests): Promise<readonly string[]> {
  const names: string[] = [];
  let next: string | undefined = `${url}?recursive=true`;
  for (let page = 0; next !== undefined && page < MOST_PAGES; page++) {
    const { value, headers } = await jsonAnswer(next, url, requests);
    for (const item of Array.isArray(value) ? value : []) {
      const path = member(item, "type") === "file" ? member(item, "path") : undefined;
      if (typeof path === "string" && path.startsWith(inside)) names.push(path.slice(inside.length));
    }
    next = /<([^>]+)>;\s*rel="next"/.exec(headers.get("link") ?? "")?.[1];
  }
  return names.sort();
}
