import { CheckpointError } from "../../errors.ts";
import type { Located } from "../locate.ts";
import { shownAddress } from "../remote/address.ts";

/** What an address leads to, in a page that asks nobody. Throws `unsupported`. */
export async function locateRemote(text: string): Promise<Located> {
  throw new CheckpointError("unsupported", "this page reads no addresses: it sends and fetches nothing", {
    file: shownAddress(text),
    hint: "download the file and drop it here",
  });
}

/** Throws `usage`: a page has no paths of the machine. */
export function pathOfFileAddress(text: string): string {
  throw new CheckpointError("usage", "a page cannot open a file: address", { file: shownAddress(text), hint: "drop the file here" });
}
