import { AwsV4Signer } from "aws4fetch";
import { CheckpointError } from "../../errors.ts";
import { textAnswer } from "./answers.ts";
import type { AwsSettings } from "./aws-settings.ts";
import type { Requests } from "./requests.ts";
import { encodedPath, type RemotePlace } from "./store.ts";

/** BUCKET/KEY; throws `usage`. */
export function parseBucket(scheme: "s3" | "gs", rest: string): { readonly bucket: string; readonly key: string } {
  const slash = rest.indexOf("/");
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/i.test(bucket)) {
    throw new CheckpointError("usage", `an address of a bucket is ${scheme}://BUCKET/KEY`, { file: `${scheme}://${rest}` });
  }
  return { bucket, key: slash < 0 ? "" : rest.slice(slash + 1) };
}

/** The address of a bucket: under AWS_ENDPOINT_URL by its path; at Amazon by its host, or by its path where its name has dots, which certificates do not match. */
function bucketUrl(bucket: string, { endpoint, region }: AwsSettings): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, "")}/${bucket}`;
  return bucket.includes(".") ? `https://s3.${region}.amazonaws.com/${bucket}` : `https://${bucket}.s3.${region}.amazonaws.com`;
}

/** Signs requests (AWS Signature Version 4) where there are credentials; public buckets take unsigned ones. */
export function s3Headers(settings: AwsSettings): (url: string) => Promise<ReadonlyMap<string, string>> {
  return async (url) => {
    const keys = await settings.credentials();
    if (keys === undefined) return new Map();
    const signer = new AwsV4Signer({ url, method: "GET", service: "s3", region: settings.region, ...keys });
    const { headers } = await signer.sign();
    return new Map([...headers].filter(([name]) => name !== "host"));
  };
}

export function s3Place(rest: string, settings: AwsSettings, requests: Requests): RemotePlace {
  const { bucket, key } = parseBucket("s3", rest);
  const base = bucketUrl(bucket, settings);
  const slash = key.lastIndexOf("/") + 1;
  const prefix = key.slice(0, slash);
  const shown = `s3://${bucket}/${prefix}`.replace(/\/$/, "");
  return {
    entry: key.slice(slash),
    folder: {
      shown,
      url: (name) => `${base}/${encodedPath(prefix + name)}`,
      list: () => keysBelow(base, prefix, shown, requests),
    },
  };
}

/** A bucket's listing has a thousand keys a page. */
const MOST_PAGES = 100;

/** ListObjectsV2; with encoding-type=url keys come percent-encoded, so that none of XML's escapes is in them. */
async function keysBelow(base: string, prefix: string, shown: string, requests: Requests): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = new URLSearchParams({
      "list-type": "2",
      "encoding-type": "url",
      prefix,
      ...(token === undefined ? {} : { "continuation-token": token }),
    });
    const { text } = await textAnswer(`${base}/?${query}`, shown, requests);
    for (const [, written = ""] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      const key = decodeURIComponent(written.replaceAll("+", "%20"));
      if (key.startsWith(prefix) && !key.endsWith("/")) names.push(key.slice(prefix.length));
    }
    token = /<NextContinuationToken>([^<]+)<\/NextContinuationToken>/.exec(text)?.[1];
    if (token === undefined) break;
  }
  return names.sort();
}
