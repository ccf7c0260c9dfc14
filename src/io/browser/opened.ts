import type { OpenedFiles, SeenState } from "../opened.ts";

/** The files that something is read from. The browser itself refuses to read a file that changed since the page was given it. */
export function openedFiles(): OpenedFiles {
  const seen = new Map<string, SeenState>();
  const lists = new Map<string, readonly string[]>();
  return {
    add(path, stat) {
      seen.set(path, { etag: undefined, bytes: Number(stat.size) });
    },
    note(name, state) {
      seen.set(name, state);
    },
    seen: () => seen,
    listed(folder, names) {
      lists.set(folder, names);
    },
    lists: () => lists,
    refuseChanged() {},
  };
}
