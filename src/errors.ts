/** What kind of trouble a person is reported about; a closed set, so that callers can branch on it. */
export type ErrorCode =
  | "truncated" // the bytes end before what the file promises
  | "malformed" // the bytes contradict the format
  | "unsupported" // valid, but beyond what this tool handles
  | "unsafe" // would run code, leave the folder, or exhaust the machine
  | "not-found" // no such file, member, tensor or package
  | "mismatch" // two things that have to agree do not
  | "usage" // the command line asks for something impossible
  | "changed" // the input changed while it was read
  | "io" // the operating system refused
  | "interrupted"; // Ctrl-C

/** Where the trouble is; whatever is known, filled in by the layer that knows it. */
export interface ErrorWhere {
  readonly file?: string;
  /** Byte offset in `file`. */
  readonly offset?: number;
  readonly tensor?: string;
  /** What to type next, a complete command or sentence. */
  readonly hint?: string;
  /** It is no checkpoint of a known format, rather than a damaged one. */
  readonly none?: true;
  readonly cause?: unknown;
}

/**
 * The one error that a person may see: what was found and what was needed, lower case, no full stop. `code` says of which kind it is
 * (docs/errors.md), `where` what is known of the place, `summary` the sentence alone; the `message` of one that leaves the library holds
 * all of it. Anything else that is thrown is a bug of ours.
 *
 * @example
 * try { await inspect("vgg.pth"); }
 * catch (error) { if (isCheckpointError(error, "not-found")) console.error(error.message); }
 */
export class CheckpointError extends Error {
  readonly code: ErrorCode;
  readonly where: ErrorWhere;
  /** The sentence without file, offset, tensor and hint. */
  readonly summary: string;

  constructor(code: ErrorCode, message: string, where: ErrorWhere = {}) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.name = "CheckpointError";
    this.code = code;
    this.where = where;
    this.summary = message;
  }

  /** The same error with more of `where` known; what is already there wins. */
  at(where: ErrorWhere): CheckpointError {
    return new CheckpointError(this.code, this.summary, { ...where, ...this.where });
  }

  /** The same error; its message, and the first line of its stack, say all that is known. */
  complete(): this {
    const { file, offset, tensor, hint } = this.where;
    const places = [offset === undefined ? "" : `at byte ${offset}`, tensor === undefined ? "" : `tensor ${tensor}`].filter(
      (place) => place !== "",
    );
    const head = `${file === undefined || file === "" ? "" : `${file}: `}${this.summary}${places.length > 0 ? ` (${places.join(", ")})` : ""}`;
    const before = this.message;
    this.message = hint === undefined ? head : `${head}\n  ${hint}`;
    if (this.stack !== undefined) this.stack = this.stack.replace(before, () => this.message);
    return this;
  }
}

/**
 * Whether something that was thrown is a CheckpointError, of one of the codes where any are given.
 *
 * @example
 * const gone = isCheckpointError(error, "not-found");
 */
export function isCheckpointError(error: unknown, ...codes: readonly ErrorCode[]): error is CheckpointError {
  return error instanceof CheckpointError && (codes.length === 0 || codes.includes(error.code));
}

/** Runs `work` and adds `where` to a CheckpointError that comes out of it. */
export async function locate<T>(where: ErrorWhere, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof CheckpointError ? error.at(where) : error;
  }
}
