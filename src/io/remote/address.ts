import { CheckpointError } from "../../errors.ts";

/** What comes before "://" of an address that can be read. */
export type AddressScheme = "http" | "https" | "hf" | "s3" | "gs" | "file";

const schemes: readonly AddressScheme[] = ["http", "https", "hf", "s3", "gs", "file"];

/** Whether a person named an address, or standard input, and no path. A drive letter ("C:\…") has no "//". */
export function isAddress(text: string): boolean {
  return text === "-" || /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

export interface Address {
  readonly scheme: AddressScheme;
  /** What follows "://". */
  readonly rest: string;
}

/** Throws `usage` for a scheme that cannot be read. */
export function parseAddress(text: string): Address {
  const at = text.indexOf("://");
  const named = text.slice(0, at).toLowerCase();
  const scheme = schemes.find((known) => known === named);
  if (scheme === undefined) {
    throw new CheckpointError(
      "usage",
      `addresses of the kind ${named}:// are not read; these are: ${schemes.map((known) => `${known}://`).join(", ")}`,
      {
        file: shownAddress(text),
      },
    );
  }
  return { scheme, rest: text.slice(at + 3) };
}

/** An address as it may be printed: a password before the host and everything behind "?" (signatures, tokens) are left out. */
export function shownAddress(text: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)(?:[^/?#]*@)?([^?#]*)(.*)$/is.exec(text);
  if (match === null) return text;
  const [, scheme = "", place = "", query = ""] = match;
  const hub = /^hf:/i.test(scheme) ? text.slice(scheme.length).replace(/[?#].*$/s, "") : place;
  return `${scheme}${hub}${query === "" ? "" : "?…"}`;
}

/** The last part of an address's path, for the name of an output; "stdin" for standard input. */
export function nameInAddress(text: string): string {
  if (text === "-") return "stdin";
  const path = text.slice(text.indexOf("://") + 3).replace(/[?#].*$/s, "");
  const name = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // a percent sign that is no escape: the name as it is written
  }
}

/** The address of a file below one of a folder. */
export function addressBelow(folder: string, name: string): string {
  const [, place = "", query = ""] = /^([^?#]*)(.*)$/s.exec(folder) ?? [];
  const web = /^https?:/i.test(folder);
  const written = web ? name.split("/").map(encodeURIComponent).join("/") : name;
  return `${place.replace(/\/+$/, "")}/${written}${web ? query : ""}`;
}

/** The address of the folder that a file is in. */
export function addressOfFolder(file: string): string {
  const [, place = "", query = ""] = /^([^?#]*)(.*)$/s.exec(file) ?? [];
  return place.slice(0, place.lastIndexOf("/")) + query;
}
