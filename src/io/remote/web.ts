import { isCheckpointError } from "../../errors.ts";
import { shownAddress } from "./address.ts";
import { textAnswer } from "./answers.ts";
import type { Requests } from "./requests.ts";
import { encodedPath, type RemotePlace } from "./store.ts";

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
      list: (requests) => indexedBelow(new URL(folder, url).href, requests),
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

/** Pages of an index that are read: folders of a checkpoint are few and shallow. */
const MOST_PAGES = 50;
/** The titles that servers give to the lists they make of a folder: Apache, nginx, lighttpd; Python. */
const listing = /<title>\s*(Index of|Directory listing for) /i;

/** Names of the files below a folder of a server that makes an index of it; undefined where it does not. */
async function indexedBelow(folder: string, requests: Requests): Promise<readonly string[] | undefined> {
  const names: string[] = [];
  const folders = [folder];
  for (let page = 0; page < MOST_PAGES; page++) {
    const here = folders.shift();
    if (here === undefined) return names.sort();
    const links = await linksOf(here, requests);
    if (links === undefined) return page === 0 ? undefined : names.sort();
    for (const link of links) {
      if (link.endsWith("/")) folders.push(link);
      else names.push(safeDecoded(link.slice(folder.length)));
    }
  }
  return names.sort();
}

/** Addresses below a folder that its index page links to; undefined where the page is no index. */
async function linksOf(folder: string, requests: Requests): Promise<readonly string[] | undefined> {
  let text: string;
  try {
    ({ text } = await textAnswer(folder, shownAddress(folder), requests));
  } catch (error) {
    if (isCheckpointError(error, "not-found", "io", "unsupported")) return undefined; // no index is no failure: files are asked for by name
    throw error;
  }
  if (!listing.test(text)) return undefined;
  const written = [...text.matchAll(/<a [^>]*href="([^"?#]+)"/gi)].map(([, href = ""]) => href.replaceAll("&amp;", "&"));
  const links = written.filter((href) => URL.canParse(href, folder)).map((href) => new URL(href, folder).href);
  return [...new Set(links)].filter((href) => href.startsWith(folder) && href !== folder);
}
