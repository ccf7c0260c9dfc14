import { isCheckpointError } from "../../errors.ts";
import { type Kind, kindAt } from "../../io/regular.ts";
import { isAddress } from "../../io/remote/address.ts";
import { isPattern } from "../../text/wildcards.ts";

/** Whether a source may lead to several checkpoints, without looking: a folder, a pattern, a list, a repository, a bucket. */
export function mayBeMany(source: string): boolean {
  if (namesOthers(source)) return true;
  return isRemote(source) ? source !== "-" && mayBeFolder(source, remoteTrail(source)) : kindIfKnown(source) === "folder";
}

/** Whether a source is a pattern or a list, which lead to others and are no checkpoint themselves, as a folder may be. What is there under its name is neither. */
export function namesOthers(source: string): boolean {
  if (isRemote(source)) return isPattern(source.replace(/[?#].*$/s, ""));
  return (source.startsWith("@") || isPattern(source)) && kindIfKnown(source) === undefined;
}

function isRemote(source: string): boolean {
  return isAddress(source) && !/^file:/i.test(source);
}

/** What is at a path; odd: what may not be read. */
export function kindIfKnown(path: string): Kind | "odd" {
  try {
    return kindAt(path);
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return "odd"; // a pipe, or a folder that may not be entered: whoever opens it says so
  }
}

/** Of an address without its query: the scheme and the names behind it. */
export function remoteTrail(text: string): readonly string[] {
  const [, scheme = "", rest = ""] = /^([^:]*):\/\/(?:[^/?#@]*@(?=[^/]*(?:\/|$)))?([^?#]*)/s.exec(text) ?? [];
  return [scheme.toLowerCase(), ...rest.split("/").filter((part) => part !== "")];
}

/** A repository, a bucket, or a name without an ending: files of checkpoints have one. */
export function mayBeFolder(text: string, trail: readonly string[]): boolean {
  const root = { hf: /^(datasets|spaces)$/.test(trail[1] ?? "") ? 4 : 3, s3: 2, gs: 2, http: 2, https: 2 }[trail[0] ?? ""] ?? 0;
  return trail.length <= root || /\/(\?|#|$)/.test(text) || !(trail.at(-1) ?? "").includes(".");
}
