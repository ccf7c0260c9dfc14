import { lookup as systemLookup } from "node:dns";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { CheckpointError } from "../../errors.ts";
import { isPrivate } from "./private-address.ts";
import { proxyAgent } from "./proxy.ts";
import { type RemoteRequest, type RemoteResponse, TransientError, type Transport } from "./transport.ts";

/** A server that says nothing for so long is taken for dead, in milliseconds; a slow one may take any time. */
const SILENCE = 60_000;
const MOST_REDIRECTS = 10;
const redirects = new Set([301, 302, 303, 307, 308]);
/** Headers that prove who asks. */
const credentials = /^(authorization|proxy-authorization|cookie|x-amz-.*)$/;

/** One pool of connections for a run. */
const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };

/** Node's own http and https, with redirects, checks of where they lead, and the usual proxy variables. */
export const nodeTransport: Transport = async (request) => {
  const seen = new Set<string>();
  let url = new URL(request.url);
  let headers = request.headers;
  /** Once an address was public, the way leads to no private one. */
  let open = false;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    refuseCredentialsInTheClear(url, headers);
    const answer = await once(url, request, headers, open);
    const location = answer.message.headers.location;
    if (!redirects.has(answer.message.statusCode ?? 0) || location === undefined) return responseOf(answer.message, url);
    answer.message.resume();
    open ||= !answer.private;
    seen.add(url.href);
    const next = redirected(location, url);
    if (seen.has(next.href)) throw new CheckpointError("io", "the server's redirects lead in a circle");
    if (next.host !== url.host) headers = new Map([...headers].filter(([name]) => !credentials.test(name)));
    url = next;
  }
  throw new CheckpointError("io", `the server redirects more than ${MOST_REDIRECTS} times`);
};

function redirected(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw new CheckpointError("io", "the server redirects to what is no address");
  const next = new URL(location, from.href);
  if (next.protocol !== "https:" && next.protocol !== "http:") {
    throw new CheckpointError("unsafe", `the server redirects to a ${next.protocol} address, and only https: and http: are followed`);
  }
  if (from.protocol === "https:" && next.protocol === "http:") {
    throw new CheckpointError("unsafe", `the server redirects from https: to http: (${next.host})`);
  }
  return next;
}

/** Credentials go over https, or to this machine. */
function refuseCredentialsInTheClear(url: URL, headers: ReadonlyMap<string, string>): void {
  if (url.protocol === "https:" || isLoopback(url.hostname)) return;
  if (![...headers.keys()].some((name) => credentials.test(name))) return;
  throw new CheckpointError("unsafe", `credentials are sent over https only, and ${url.host} is asked over http`, {
    hint: "use an https address, or unset the token for this run",
  });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || /^127\./.test(host) || host === "[::1]";
}

interface Answer {
  readonly message: IncomingMessage;
  /** Whether the address that answered is one of a private network; true behind a proxy, which looks up names itself. */
  readonly private: boolean;
}

function once(url: URL, { method, signal }: RemoteRequest, headers: ReadonlyMap<string, string>, publicOnly: boolean): Promise<Answer> {
  const proxy = proxyAgent(url.href);
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  if (publicOnly && (isPrivate(literal) || literal === "localhost")) throw leadsInside(url);
  const tls = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const sent = (tls ? httpsRequest : httpRequest)(url, {
      method,
      headers: Object.fromEntries(headers),
      signal,
      agent: proxy ?? (tls ? agents.https : agents.http),
      timeout: SILENCE,
      ...(publicOnly && proxy === undefined ? { lookup: publicLookup(url) } : {}),
    });
    sent.once("response", (message) => {
      const address = message.socket.remoteAddress;
      resolve({ message, private: proxy !== undefined || address === undefined || isPrivate(address) });
    });
    sent.once("timeout", () => sent.destroy(new TransientError(`${url.host} was silent for ${SILENCE / 1000} s`)));
    sent.once("error", (error) => reject(failureOf(error, url)));
    sent.end();
  });
}

/** Looks a name up, and refuses it where any of its addresses is private: it cannot be known which one a connection takes. */
function publicLookup(url: URL): LookupFunction {
  return (name, options, found) => {
    systemLookup(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, "", 0);
      if (addresses.some(({ address }) => isPrivate(address))) return found(leadsInside(url), "", 0);
      const [first] = addresses;
      if (options.all === true) return found(null, addresses);
      return found(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}

function leadsInside(url: URL): CheckpointError {
  return new CheckpointError("unsafe", `a public server redirects to ${url.host}, an address of a private network`);
}

/** What trying again cannot change: a name that is unknown, a certificate that is not trusted. */
const sentences: ReadonlyMap<string, string> = new Map([
  ["ENOTFOUND", "there is no such host"],
  ["CERT_HAS_EXPIRED", "the server's certificate has expired"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "the server's certificate is signed by itself"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "the server's certificate is not trusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "the server's certificate is not trusted"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "the server's certificate is for another host"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "the server does not speak TLS at this address"],
]);

function failureOf(error: Error, url: URL): Error {
  if (error instanceof CheckpointError || error instanceof TransientError) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : error.message;
  const sentence = sentences.get(code);
  if (sentence !== undefined) {
    return new CheckpointError("io", `${sentence} (${url.host})`, {
      cause: error,
      hint: "check the address, and the network's proxy and certificates",
    });
  }
  return new TransientError(`${url.host} could not be reached (${code})`, { cause: error });
}

function responseOf(message: IncomingMessage, url: URL): RemoteResponse {
  const headers = new Map(
    Object.entries(message.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as const],
    ),
  );
  return { status: message.statusCode ?? 0, headers, url: url.href, body: bodyOf(message, url), cancel: () => message.destroy() };
}

async function* bodyOf(message: IncomingMessage, url: URL): AsyncGenerator<Uint8Array> {
  message.setTimeout(SILENCE, () => message.destroy(new TransientError(`${url.host} was silent for ${SILENCE / 1000} s`)));
  try {
    for await (const chunk of message) if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw error instanceof Error ? failureOf(error, url) : error;
  }
}
