/** What tells one state of a file from another: a strong ETag, or a time of change that is old enough. */
export interface Validator {
  /** The header of a request that the server must refuse (412) when the file has changed. */
  readonly header: readonly [name: "if-match" | "if-unmodified-since", value: string];
  /** Whether an answer is of the same state, as far as it says. */
  matches(headers: ReadonlyMap<string, string>): boolean;
  /** The ETag, or the time: for caches between runs. */
  readonly state: string;
  /** An ETag, which tells states of one address apart, and not only those of one second. */
  readonly strong: boolean;
}

/**
 * undefined where the server gives none that can be relied on: then parts of a file may be of two states, and only one answer
 * with the whole file is safe. A time of change counts when it is a second older than the answer (RFC 9110, 8.8.2.2): within the
 * same second the file may have been written twice.
 */
export function validatorOf(headers: ReadonlyMap<string, string>): Validator | undefined {
  const etag = headers.get("etag");
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) {
    return {
      header: ["if-match", etag],
      state: etag,
      strong: true,
      matches: (other) => (other.get("etag") ?? etag) === etag,
    };
  }
  const changed = headers.get("last-modified");
  const age = Date.parse(headers.get("date") ?? "") - Date.parse(changed ?? "");
  if (changed === undefined || !(age >= 1000)) return undefined;
  return {
    header: ["if-unmodified-since", changed],
    state: changed,
    strong: false,
    matches: (other) => other.get("last-modified") === changed && other.get("etag") === etag,
  };
}
