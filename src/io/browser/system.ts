import { CheckpointError } from "../../errors.ts";
import type { OutputFile } from "../source/source.ts";
import { storedFile } from "./storage.ts";

/* What is asked of the browser that the library runs in. */

/** An empty file in the page's own storage; closing it removes it. */
export function temporaryFile(): OutputFile {
  return storedFile("temporary");
}

/** A turn of the event loop for everybody else. Timers would wait 4 ms each. */
export function turn(): Promise<void> {
  return new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

/** Throws `usage`: a page has none. */
export function standardInput(): AsyncIterable<Uint8Array> {
  throw new CheckpointError("usage", "a page has no standard input", { hint: "drop a file here" });
}

/** Throws `usage`: a page has no paths of the machine. */
export function pathOfUrl(url: string | URL): string {
  throw new CheckpointError("usage", "a page cannot open a file: address", { file: String(url), hint: "drop the file here" });
}

/** A page cannot ask its engine to collect garbage early. */
export async function collectEarly(): Promise<void> {}
