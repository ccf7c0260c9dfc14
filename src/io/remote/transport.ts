/* What a server is asked, and what it answers. Node's http and a browser's fetch are two ways of doing it; nothing here imports either. */

export interface RemoteRequest {
  readonly url: string;
  readonly method: "GET" | "PUT";
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

export interface RemoteResponse {
  readonly status: number;
  /** Names in lower case; several values of one name are joined with ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** Of the answer: behind redirects another one than was asked for. */
  readonly url: string;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the transfer where the body is not wanted; safe to call twice. */
  cancel(): void;
}

/**
 * Asks once, follows redirects, and does not try again. Credentials (`authorization`, `cookie`, `x-amz-*`) are left out behind a
 * redirect to another host. Throws CheckpointError for what trying again cannot change, and TransientError for what it may.
 */
export type Transport = (request: RemoteRequest) => Promise<RemoteResponse>;

/** A failure that another try may not meet: a reset, a time-out, a server that is busy. */
export class TransientError extends Error {
  /** Milliseconds that the server asks to wait. */
  readonly wait: number | undefined;

  constructor(message: string, options: { readonly wait?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "TransientError";
    this.wait = options.wait;
  }
}
