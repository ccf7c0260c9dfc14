import { CheckpointError } from "../../errors.ts";
import { BlockFile } from "../remote/block-file.ts";
import { PageCache, type PageStore } from "../remote/page-cache.ts";
import { type Requests, refusal } from "../remote/requests.ts";
import { type RemoteResponse, TransientError } from "../remote/transport.ts";
import { type Validator, validatorOf } from "../remote/validator.ts";
import { memorySource } from "./memory.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource, OutputFile } from "./source.ts";

export interface HttpOptions {
  /** The address as it may be shown: without passwords and signatures. */
  readonly shown: string;
  /** Keeps pages between runs, for one state of the file each. */
  readonly store?: (validator: Validator, size: number) => PageStore;
  /** A file for a whole download, where the server gives no parts; absent where downloading was not asked for. */
  readonly spool?: () => Promise<OutputFile>;
  /** A file for large parts of a file whose values are all read; absent where a listing is made. */
  readonly blocks?: () => Promise<OutputFile>;
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
  /** Called with what the server says of the file's state, its ETag or the time of its last change. */
  readonly onState?: (state: string) => void;
}

/** Asked for first, in bytes: what formats are recognised by, and the structure of most of them. */
const FIRST = 64 << 10;
/** A file of at most so many bytes is fetched whole where the server gives no parts. */
const SMALL = 16 << 20;
/** Reads from so many bytes on are passed by the pages, in parts of this size, four at once. */
const LARGE = 4 << 20;
/** Requests for pages, which a listing does with; from so many on, a file whose values are read comes in blocks. */
const MANY = 30;

/**
 * A file on a server, read in parts: each request is bound to the state in which the file was found, so that one that is replaced
 * meanwhile is an error (`changed`) and never a mixture. undefined where the server has none. Throws `unsupported` for a server
 * that gives neither parts nor a reliable state of a file that is not small, unless `spool` is there.
 */
export async function httpSource(url: string, requests: Requests, options: HttpOptions): Promise<ByteSource | undefined> {
  const first = await requests.get(url, options.shown, new Map([["range", `bytes=0-${FIRST - 1}`]]), (response) =>
    opening(response, options),
  );
  if (first.kind === "absent") return undefined;
  if (first.kind === "whole") return first.source;
  if (first.validator !== undefined) return new HttpSource(url, requests, options, { ...first, validator: first.validator });
  // Parts that cannot be bound to one state: the whole file, in one answer.
  return requests.get(url, options.shown, new Map(), async (response) => {
    const refused = await refusal(response);
    if (refused !== undefined) throw refused;
    return whole(response, options);
  });
}

interface Parts {
  readonly kind: "parts";
  readonly total: number;
  readonly head: Uint8Array;
  readonly validator: Validator | undefined;
  /** Where the answer came from: behind redirects, the place that later requests go to. */
  readonly url: string;
}

type Opening = Parts | { readonly kind: "whole"; readonly source: ByteSource } | { readonly kind: "absent" };

async function opening(response: RemoteResponse, options: HttpOptions): Promise<Opening> {
  if (response.status === 404 || response.status === 410) return { kind: "absent" };
  if (response.status === 416 && rangeOf(response)?.total === 0) {
    return { kind: "whole", source: memorySource(new Uint8Array(0), options.shown) };
  }
  const refused = await refusal(response);
  if (refused !== undefined) throw refused;
  refuseEncoding(response);
  const validator = validatorOf(response.headers);
  if (validator !== undefined) options.onState?.(validator.state);
  if (response.status === 200) return { kind: "whole", source: await whole(response, options) };
  const range = rangeOf(response);
  if (range?.start !== 0 || range.total === undefined || range.end !== Math.min(FIRST, range.total) - 1) {
    throw wrongRange(response, `bytes 0-${FIRST - 1}`);
  }
  const head = await exactly(response, range.end + 1);
  if (head.length === range.total) return { kind: "whole", source: memorySource(head, options.shown) };
  return { kind: "parts", total: range.total, head, validator, url: response.url };
}

/** A whole file from one answer: small in memory, large in a temporary file. */
async function whole(response: RemoteResponse, options: HttpOptions): Promise<ByteSource> {
  refuseEncoding(response);
  const length = response.headers.get("content-length");
  const total = length === undefined || !/^\d+$/.test(length) ? undefined : Number(length);
  if (total !== undefined && total <= SMALL) return memorySource(await exactly(response, total), options.shown);
  const { spool } = options;
  if (spool === undefined) {
    const size = total === undefined ? "of unknown length" : `of ${total} bytes`;
    throw new CheckpointError("unsupported", `the server gives this file ${size} only whole, and parts of one state were needed`, {
      hint: "add --download to fetch it into a temporary file first",
    });
  }
  const file = await spool();
  let at = 0;
  for await (const chunk of response.body) {
    await file.write(at, chunk);
    at += chunk.length;
    options.onProgress?.(chunk.length, total);
  }
  if (total !== undefined && at !== total) throw new TransientError(`the server sent ${at} of ${total} bytes`);
  return {
    name: options.shown,
    size: at,
    access: "random",
    read: (offset, bytes, into) => file.read(offset, bytes, into),
    close: async () => {},
  };
}

class HttpSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly access = "random";
  readonly #url: string;
  readonly #requests: Requests;
  readonly #options: HttpOptions;
  readonly #validator: Validator;
  readonly #pages: PageCache;
  #blocks: BlockFile | undefined;
  #asked = 0;
  /** Where redirects led to; a signed address ends some day, and then the way is gone once more. */
  #place: string;

  constructor(
    url: string,
    requests: Requests,
    options: HttpOptions,
    { total, head, validator, url: place }: Parts & { readonly validator: Validator },
  ) {
    this.name = options.shown;
    this.size = total;
    this.#url = url;
    this.#place = place;
    this.#requests = requests;
    this.#options = options;
    this.#validator = validator;
    const fetchPages = (offset: number, length: number): Promise<Uint8Array> => {
      this.#asked += 1;
      return this.#fetch(offset, length);
    };
    this.#pages = new PageCache(total, fetchPages, options.store?.(validator, total));
    this.#pages.put(0, head);
  }

  async read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    checkRange(this.name, this.size, offset, length, into);
    const out = target(length, into);
    const { blocks } = this.#options;
    if (this.#blocks === undefined && this.#asked >= MANY && blocks !== undefined)
      this.#blocks = new BlockFile(this.size, (from, bytes, into) => this.#fetch(from, bytes, into), blocks);
    if (length === 0) return out;
    if (this.#blocks !== undefined) await this.#blocks.read(offset, out);
    else if (length < LARGE) await this.#pages.read(offset, out);
    else {
      const starts = Array.from({ length: Math.ceil(length / LARGE) }, (_, k) => k * LARGE);
      await Promise.all(
        starts.map(async (start) => {
          out.set(await this.#fetch(offset + start, Math.min(LARGE, length - start)), start);
        }),
      );
    }
    return out;
  }

  async close(): Promise<void> {
    this.#pages.close();
    await this.#blocks?.close();
  }

  async #fetch(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    const headers = new Map([["range", `bytes=${offset}-${offset + length - 1}`], this.#validator.header]);
    const take = (response: RemoteResponse): Promise<Uint8Array | "moved"> => this.#part(response, offset, into ?? new Uint8Array(length));
    const bytes = await this.#requests.get(this.#place, this.name, headers, take);
    if (bytes !== "moved") return bytes;
    this.#place = this.#url;
    const again = await this.#requests.get(this.#url, this.name, headers, async (response) => {
      const part = await take(response);
      if (part !== "moved") this.#place = response.url;
      return part;
    });
    if (again === "moved") throw new CheckpointError("io", "the server refuses access that it gave before", { file: this.name });
    return again;
  }

  async #part(response: RemoteResponse, offset: number, into: Uint8Array): Promise<Uint8Array | "moved"> {
    const { length } = into;
    const { status } = response;
    if ((status === 401 || status === 403) && this.#place !== this.#url) return "moved";
    if (status === 412 || status === 404 || status === 410 || status === 416) throw this.#changed(`the server answered ${status}`);
    const refused = await refusal(response);
    if (refused !== undefined) throw refused;
    refuseEncoding(response);
    if (!this.#validator.matches(response.headers)) throw this.#changed("its ETag is another one");
    if (status === 200) throw new CheckpointError("io", "the server gave a part of the file before, and now gives only the whole");
    const range = rangeOf(response);
    if (range?.total !== undefined && range.total !== this.size)
      throw this.#changed(`it has ${range.total} bytes now, and had ${this.size}`);
    if (range?.start !== offset || range.end !== offset + length - 1) throw wrongRange(response, `bytes ${offset}-${offset + length - 1}`);
    const bytes = await exactly(response, length, into);
    this.#options.onProgress?.(length, this.size);
    return bytes;
  }

  #changed(why: string): CheckpointError {
    return new CheckpointError("changed", `the file changed on the server while it was read: ${why}`, {
      file: this.name,
      hint: "run again when nothing writes to it any more",
    });
  }
}

interface ContentRange {
  readonly start: number | undefined;
  readonly end: number | undefined;
  /** undefined for `*`. */
  readonly total: number | undefined;
}

/** `bytes 0-99/1234`, `bytes * /0` without the space (RFC 9110, 14.4). */
function rangeOf(response: RemoteResponse): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (match === null) return undefined;
  const number = (text: string | undefined): number | undefined => (text === undefined || text === "*" ? undefined : Number(text));
  return { start: number(match[1]), end: number(match[2]), total: number(match[3]) };
}

function wrongRange(response: RemoteResponse, needed: string): CheckpointError {
  const found = response.headers.get("content-range") ?? "none";
  return new CheckpointError("io", `the server's Content-Range is "${found.slice(0, 80)}", and ${needed} was asked for`);
}

/** Compressed bytes have other offsets. */
function refuseEncoding(response: RemoteResponse): void {
  const encoding = response.headers.get("content-encoding") ?? "identity";
  if (encoding === "identity" || encoding === "") return;
  throw new CheckpointError(
    "unsupported",
    `the server sends the file encoded (${encoding.slice(0, 40)}), although its plain bytes were asked for`,
    {
      hint: "download the file and name the copy",
    },
  );
}

/** The body, which has to have so many bytes; one that breaks off or is short is asked for again. */
async function exactly(response: RemoteResponse, length: number, bytes: Uint8Array = new Uint8Array(length)): Promise<Uint8Array> {
  let at = 0;
  for await (const chunk of response.body) {
    if (at + chunk.length > length) throw new CheckpointError("io", `the server sent more than the ${length} bytes that it announced`);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw new TransientError(`the server sent ${at} of ${length} bytes`);
  return bytes;
}
