import { CheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";

/** The members of an archive as a set of files. `./a` and `a` are one name; members that lead outside are not listed. */
export function archiveSet(name: string, members: readonly string[], open: (member: string) => Promise<ByteSource | undefined>): FileSet {
  const byPath = new Map<string, string>();
  for (const member of members) {
    const path = memberPath(member);
    if (path !== undefined && !byPath.has(path)) byPath.set(path, member);
  }
  return {
    name,
    async open(wanted) {
      const path = memberPath(wanted);
      if (path === undefined) throw new CheckpointError("unsafe", `${wanted} leads outside the archive`, { file: name });
      const member = byPath.get(path);
      return member === undefined ? undefined : open(member);
    },
    list: async () => [...byPath.keys()].sort(),
  };
}

/** The name without `.` parts; undefined where it is empty, absolute, or climbs above the archive. */
function memberPath(name: string): string | undefined {
  if (name.startsWith("/") || name.includes("\\") || name.includes("\0") || /^[A-Za-z]:/.test(name)) return undefined;
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join("/");
}
