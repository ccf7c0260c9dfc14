import type { SeenState } from "../opened.ts";
import type { Transport } from "./transport.ts";

/** How addresses are read; all of it optional. */
export interface RemoteOptions {
  /** No address is asked. */
  readonly offline?: boolean;
  /** A file that a server gives only whole is fetched into a temporary file first. */
  readonly download?: boolean;
  /** Pages are kept in this folder between runs. */
  readonly cache?: string;
  /** How requests are made; Node's http and https unless given. */
  readonly transport?: Transport;
  /** How requests are made, as a function of the form of `fetch`; `transport` goes first. */
  readonly fetch?: typeof fetch;
  /** Added to every request: a Map, an object, or what `fetch` takes. Names may have any capitals. */
  readonly headers?: ReadonlyMap<string, string> | Readonly<Record<string, string>> | Headers;
  /** Tries of one request; 5 unless given. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
  /** All values are read, not only what a listing needs. */
  readonly values?: boolean;
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
  /** Called for each file that a server was asked for, by the address that is shown. */
  readonly onOpened?: (shown: string, state: SeenState) => void;
}
