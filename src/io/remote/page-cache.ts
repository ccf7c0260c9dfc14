import { Recent } from "../recent.ts";

/** Pages that outlive a run, of one state of one file. */
export interface PageStore {
  get(page: number): Uint8Array | undefined;
  put(page: number, bytes: Uint8Array): void;
  close(): void;
}

/** Bytes of a page: a sparse walk over headers between values takes no more than this for each. */
export const PAGE = 16 << 10;
/** Pages kept in memory: 16 MiB. */
const KEPT = 1024;
/** A run is read so far ahead at most, in pages: 2 MiB. */
const FURTHEST = 128;
/** At the end of a file, in pages: an archive's directory is there. */
const TAIL = 4;

/**
 * A file's bytes by pages of a fixed size. A read that goes on where the last one ended grows what is fetched, so that a walk over
 * everything takes few requests; one that jumps takes a page.
 */
export class PageCache {
  readonly #size: number;
  readonly #fetch: (offset: number, length: number) => Promise<Uint8Array>;
  readonly #store: PageStore | undefined;
  readonly #pages = new Recent<number, Uint8Array>(KEPT);
  /** Being fetched, by their first page. */
  readonly #coming = new Map<number, Promise<void>>();
  /** The page behind the last that was fetched, and how many are read ahead there. */
  #next = -1;
  #ahead = 1;

  constructor(size: number, fetch: (offset: number, length: number) => Promise<Uint8Array>, store?: PageStore) {
    this.#size = size;
    this.#fetch = fetch;
    this.#store = store;
  }

  /** Keeps bytes that are there already; only whole pages of them. `offset` is a page's. */
  put(offset: number, bytes: Uint8Array): void {
    const first = offset / PAGE;
    for (let at = 0; at + PAGE <= bytes.length || (at < bytes.length && offset + bytes.length === this.#size); at += PAGE) {
      const page = bytes.slice(at, at + PAGE);
      this.#pages.put(first + at / PAGE, page);
      this.#store?.put(first + at / PAGE, page);
    }
    if (this.#next < 0) this.#next = Math.floor((offset + bytes.length) / PAGE);
  }

  /** Fills `out` with the bytes from `offset` on. */
  async read(offset: number, out: Uint8Array): Promise<void> {
    if (out.length === 0) return;
    const first = Math.floor(offset / PAGE);
    const last = Math.floor((offset + out.length - 1) / PAGE);
    for (let number = first; number <= last; number++) {
      const page = await this.#page(number, last);
      const from = Math.max(0, offset - number * PAGE);
      const part = page.subarray(from, Math.min(page.length, offset + out.length - number * PAGE));
      out.set(part, number * PAGE + from - offset);
    }
  }

  close(): void {
    this.#pages.clear();
    this.#store?.close();
  }

  async #page(number: number, last: number): Promise<Uint8Array> {
    for (;;) {
      const kept = this.#pages.get(number) ?? this.#store?.get(number);
      if (kept !== undefined) {
        this.#pages.put(number, kept);
        return kept;
      }
      await (this.#coming.get(number) ?? this.#load(number, last));
    }
  }

  /** Fetches from page `number` on: what is asked for, what is likely next, and no page twice. */
  #load(number: number, last: number): Promise<void> {
    const pages = Math.ceil(this.#size / PAGE);
    const follows = number === this.#next;
    this.#ahead = follows ? Math.min(this.#ahead * 2, FURTHEST) : 1;
    const first = !follows && number >= pages - TAIL ? this.#backTo(Math.max(0, pages - TAIL), number) : number;
    let end = Math.min(pages, Math.max(last + 1, number + this.#ahead, first === number ? 0 : pages));
    for (let k = number + 1; k < end; k++) if (this.#pages.get(k) !== undefined) end = k;
    this.#next = end;
    const offset = first * PAGE;
    const coming = this.#fetch(offset, Math.min(end * PAGE, this.#size) - offset).then((bytes) => this.put(offset, bytes));
    const done = coming.finally(() => {
      for (let k = first; k < end; k++) this.#coming.delete(k);
    });
    for (let k = first; k < end; k++) this.#coming.set(k, done);
    return done;
  }

  /** The first page from `wanted` on from which all up to `number` are missing. */
  #backTo(wanted: number, number: number): number {
    let first = number;
    while (first > wanted && this.#pages.get(first - 1) === undefined) first -= 1;
    return first;
  }
}
