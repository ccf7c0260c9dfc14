import { CheckpointError } from "../../errors.ts";
import { type RemoteResponse, TransientError, type Transport } from "./transport.ts";

export interface RequestOptions {
  readonly transport: Transport;
  readonly signal?: AbortSignal;
  /** Tries of one request, the first included; 5 unless given. */
  readonly tries?: number;
  /** Headers of every request, or what makes them: a signature, a token. Names in lower case. */
  readonly headers?: (url: string) => Promise<ReadonlyMap<string, string>>;
  /** Waits so many milliseconds; for tests. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Requests under way at once: more gain nothing on one connection's bandwidth, and servers of model hubs count them. */
const AT_ONCE = 4;
const TRIES = 5;
/** Before the second try, in milliseconds; doubled for each further one, and each between half and all of it. */
const FIRST_PAUSE = 250;
/** No server's Retry-After is waited for longer, in milliseconds. */
const LONGEST_PAUSE = 60_000;
/** Statuses that mean "later": request timeout, too many requests, and failures of a server or a proxy. */
const later = new Set([408, 429, 500, 502, 503, 504]);

/** Asks a server: at most four requests at once, each tried again where that may help, each failure one sentence with its address. */
export class Requests {
  readonly #options: RequestOptions;
  readonly #signal: AbortSignal;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(options: RequestOptions) {
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
  }

  /**
   * The result of `take`, which reads the body: what breaks while it reads is tried again from the start. `shown` is the address as it
   * may be printed. Throws `io` when every try failed, and whatever `take` throws.
   */
  async get<T>(
    url: string,
    shown: string,
    headers: ReadonlyMap<string, string>,
    take: (response: RemoteResponse) => Promise<T>,
  ): Promise<T> {
    const tries = this.#options.tries ?? TRIES;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#limited(() => this.#once(url, headers, take));
      } catch (error) {
        if (this.#signal.aborted) throw new CheckpointError("interrupted", "interrupted", { cause: error });
        if (!(error instanceof TransientError)) throw error instanceof CheckpointError ? error.at({ file: shown }) : error;
        if (attempt >= tries) {
          throw new CheckpointError("io", `${error.message} (tried ${attempt} times)`, {
            file: shown,
            cause: error,
            hint: "try again later, or download the file and name the copy",
          });
        }
        await this.#pause(pauseBefore(attempt, error.wait));
      }
    }
  }

  async #once<T>(url: string, headers: ReadonlyMap<string, string>, take: (response: RemoteResponse) => Promise<T>): Promise<T> {
    const own = (await this.#options.headers?.(url)) ?? new Map<string, string>();
    const response = await this.#options.transport({
      url,
      method: "GET",
      headers: new Map([["accept-encoding", "identity"], ...own, ...headers]),
      signal: this.#signal,
    });
    try {
      if (later.has(response.status)) {
        const wait = retryAfter(response.headers.get("retry-after"));
        throw new TransientError(`the server answered ${response.status}`, wait === undefined ? {} : { wait });
      }
      return await take(response);
    } finally {
      response.cancel();
    }
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const pause = this.#options.pause ?? sleep;
    await pause(milliseconds, this.#signal);
    if (this.#signal.aborted) throw new CheckpointError("interrupted", "interrupted");
  }
}

function pauseBefore(attempt: number, asked: number | undefined): number {
  if (asked !== undefined) return Math.min(asked, LONGEST_PAUSE);
  const most = FIRST_PAUSE * 2 ** (attempt - 1);
  return most / 2 + (Math.random() * most) / 2;
}

/** Seconds, or a date (RFC 9110, 10.2.3), as milliseconds from now. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}

/** Codes of S3 that speak of credentials under a status that does not (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const aboutCredentials = new Set(["AuthorizationHeaderMalformed", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"]);
/** An error's XML has a few hundred bytes; the code is at its beginning. */
const CODE_WITHIN = 4096;

/** What a status means to a person; `undefined` for those that carry a body that was asked for. A bucket's server says why: its code is named. */
export async function refusal(response: RemoteResponse): Promise<CheckpointError | undefined> {
  const { status } = response;
  if (status === 200 || status === 206) return undefined;
  if (status === 404 || status === 410) return new CheckpointError("not-found", `the server has no such file (${status})`);
  const code = await codeOf(response);
  const said = code === undefined ? `${status}` : `${status}, ${code}`;
  if (status === 401 || status === 403 || aboutCredentials.has(code ?? "")) {
    return new CheckpointError("io", `the server refuses access (${said})`, {
      hint: "a token or credentials that it takes are needed: docs/remote.md says where they are looked for",
    });
  }
  return new CheckpointError("io", `the server answered ${said}, and 200 or 206 was needed`);
}

/** `<Code>` of the XML that the servers of S3 and of Google's storage answer errors with. */
async function codeOf({ headers, body }: RemoteResponse): Promise<string | undefined> {
  if (!/\bxml\b/.test(headers.get("content-type") ?? "")) return undefined;
  let text = "";
  for await (const chunk of body) {
    text += new TextDecoder("latin1").decode(chunk);
    if (text.length >= CODE_WITHIN) break;
  }
  return /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(text)?.[1];
}
