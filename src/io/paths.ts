import { CheckpointError } from "../errors.ts";

/**
 * A name from a file (archive member, shard of an index, external data) as a path below its folder, parts joined with "/".
 * Throws `unsafe` for absolute names, drive letters, and any ".." that leads outside.
 */
export function insideFolder(name: string, set: string): string {
  const refuse = (why: string): CheckpointError =>
    new CheckpointError("unsafe", `the name ${JSON.stringify(name)} ${why}; names in a checkpoint have to stay in its folder`, {
      file: set,
    });
  if (name.includes("\0")) throw refuse("holds a zero byte");
  if (name.startsWith("/") || name.startsWith("\\") || /^[A-Za-z]:/.test(name)) throw refuse("is an absolute path");
  const parts: string[] = [];
  for (const part of name.split(/[/\\]/)) {
    if (part === "" || part === ".") continue;
    if (part === "..") throw refuse("leads outside with '..'");
    parts.push(part);
  }
  return parts.join("/");
}
